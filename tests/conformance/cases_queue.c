/* Batches, cookies, signals, counts, queues filled to the brim, and those of
 * several links at once. */
#include <errno.h>
#include <string.h>

#include "cases.h"

enum { BATCH = 16 };

/* Posts n receives, or n sends with the last one signalled, at once.
 * Message k goes by slot k, cookie and contents k. */
static int post_batch(struct side *s, enum op op, uint64_t first, unsigned n,
		      unsigned flags)
{
	struct work w[BATCH];
	struct sge sges[BATCH];
	unsigned i;

	for (i = 0; i < n; i++) {
		unsigned slot = (unsigned)((first + i) % s->depth);
		char *at = op == OP_SEND ? side_tx(s, slot) : side_rx(s, slot);

		if (op == OP_SEND)
			fill(at, s->bytes, first + i);
		w[i] = side_work(s, op, &sges[i], at, s->bytes);
		w[i].cookie = first + i;
		w[i].flags = i + 1 == n ? WORK_SIGNAL : flags;
	}
	return side_post(s, w, n);
}

static int take_batch(struct side *s, uint64_t first, unsigned n)
{
	struct comp c;
	unsigned i;

	for (i = 0; i < n; i++) {
		TRY(side_next(s, &c));
		CHECK(s, c.op == OP_RECV, "completion of op %u", c.op);
		CHECK(s, c.cookie == first + i, "cookie %llu instead of %llu",
		      (unsigned long long)c.cookie,
		      (unsigned long long)(first + i));
		TRY(side_verify(s, side_rx(s, (unsigned)(c.cookie % s->depth)),
				s->bytes, c.cookie));
	}
	return 0;
}

static int expect_send(struct side *s, uint64_t cookie)
{
	struct comp c;

	TRY(side_next(s, &c));
	CHECK(s, c.op == OP_SEND && c.cookie == cookie && c.bytes == s->bytes,
	      "completion of op %u, cookie %llu instead of %llu, %llu bytes",
	      c.op, (unsigned long long)c.cookie, (unsigned long long)cookie,
	      (unsigned long long)c.bytes);
	return 0;
}

static int expect_nothing(struct side *s)
{
	struct comp c;
	int got = s->ep->tp->poll(s->ep, &c, 1);

	CHECK(s, got == 0, "poll returned %d where nothing can be", got);
	return 0;
}

/* Batches of 1 to 16, every other all signalled. */
static int batches(struct side *s)
{
	static const unsigned sizes[] = {1, 2, 7, BATCH, BATCH, 3};
	unsigned i, k, n;
	uint64_t first = 0;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		n = sizes[i];
		if (s->role == ROLE_PASSIVE)
			TRY(post_batch(s, OP_RECV, first, n, 0));
		TRY(side_meet(s));
		if (s->role == ROLE_PASSIVE) {
			TRY(take_batch(s, first, n));
		} else {
			TRY(post_batch(s, OP_SEND, first, n,
				       i % 2 ? WORK_SIGNAL : 0));
			for (k = i % 2 ? 0 : n - 1; k < n; k++)
				TRY(expect_send(s, first + k));
		}
		TRY(expect_nothing(s));
		first += n;
	}
	return side_meet(s);
}

/* Half a queue at a time, one completion for each half: it stands for those
 * before it, so their buffers are written again at once. */
static int unsignalled(struct side *s)
{
	const unsigned half = s->depth / 2;
	uint64_t first;

	for (first = 0; first < 20 * half; first += half) {
		if (s->role == ROLE_PASSIVE) {
			TRY(post_batch(s, OP_RECV, first, half, 0));
			TRY(side_meet(s));
			TRY(take_batch(s, first, half));
			continue;
		}
		TRY(side_meet(s));
		TRY(post_batch(s, OP_SEND, first, half, 0));
		TRY(expect_send(s, first + half - 1));
		memset(s->mem, 0, s->depth * s->bytes);
	}
	return side_meet(s);
}

/* Both ends post all they may, then look: neither may wait for the other
 * to look first. */
static int brimful(struct side *s)
{
	struct comp c;
	unsigned round, i;
	uint64_t first;

	for (round = 0; round < 3; round++) {
		first = round * s->depth;
		TRY(post_batch(s, OP_RECV, first, s->depth, 0));
		TRY(side_meet(s));
		TRY(post_batch(s, OP_SEND, first, s->depth, 0));
		for (i = 0; i < s->depth; i++) {
			TRY(side_next_recv(s, &c));
			CHECK(s, c.cookie == first + i, "out of order");
			TRY(side_verify(s, side_rx(s, i), s->bytes, c.cookie));
		}
		TRY(side_await_sends(s, round + 1));
	}
	return side_meet(s);
}

/* --- counts --------------------------------------------------------------- */

struct tallies {
	uint64_t sends, recvs, bytes_sent, bytes_recv;
};

static int swap_counts(struct side *s, struct tallies *peer)
{
	const struct ep_counts *c = &s->ep->counts;
	struct tallies own = {c->sends, c->recvs, c->bytes_sent, c->bytes_recv};

	memcpy(s->blob.data, &own, sizeof(own));
	TRY(side_swap(s));
	memcpy(peer, s->peer.data, sizeof(*peer));
	return 0;
}

/* Odd numbers of odd messages, different each way. */
static int counts(struct side *s)
{
	const unsigned out = s->role == ROLE_ACTIVE ? 13 : 7, in = 20 - out;
	const struct ep_counts *c = &s->ep->counts;
	struct tallies peer;

	TRY(post_batch(s, OP_RECV, 0, in, 0));
	TRY(side_meet(s));
	TRY(post_batch(s, OP_SEND, 0, out, 0));
	while (c->recvs < in || c->sends < out) {
		struct comp comp;

		TRY(side_next(s, &comp));
	}
	TRY(side_meet(s));
	TRY(swap_counts(s, &peer));
	CHECK(s, c->sends == out && c->bytes_sent == out * s->bytes,
	      "%llu sends, %llu bytes", (unsigned long long)c->sends,
	      (unsigned long long)c->bytes_sent);
	CHECK(s, c->recvs == peer.sends && c->bytes_recv == peer.bytes_sent,
	      "%llu receives of %llu sends", (unsigned long long)c->recvs,
	      (unsigned long long)peer.sends);
	CHECK(s, c->posts >= 20 && c->doorbells >= 1,
	      "%llu posts, %llu doorbells", (unsigned long long)c->posts,
	      (unsigned long long)c->doorbells);
	return side_meet(s);
}

/* --- waiting -------------------------------------------------------------- */

static int idle(struct side *s)
{
	const uint64_t timeout = SEC_NS / 20;
	uint64_t t0 = clock_raw_ns(), took;
	struct comp c;
	int got;

	TRY(side_recv(s, 0, s->bytes, 0));
	got = ep_wait(s->ep, &c, 1, timeout);
	took = clock_raw_ns() - t0;
	CHECK(s, got == 0, "wait returned %d on an idle link", got);
	CHECK(s, took < LIMIT_S * (uint64_t)SEC_NS, "it took %llu ns",
	      (unsigned long long)took);
	CHECK(s, s->ep->poll == POLL_EVENT || took >= timeout,
	      "after %llu ns of %llu", (unsigned long long)took,
	      (unsigned long long)timeout);
	TRY(side_meet(s));
	/* And the receive is still good. */
	fill(side_tx(s, 0), s->bytes, 0);
	TRY(side_send(s, 0, s->bytes, 0, 0));
	TRY(side_next_recv(s, &c));
	TRY(side_verify(s, side_rx(s, 0), s->bytes, 0));
	return side_meet(s);
}

/* All of a message is there before the first look, in however many pieces:
 * that is one wait, and it does not sleep. */
static int here_already(struct side *s)
{
	uint64_t t0, took;
	struct comp c;
	int got;

	if (s->role == ROLE_PASSIVE) {
		fill(side_tx(s, 0), s->bytes, 5);
		TRY(side_meet(s));
		TRY(side_send(s, 0, s->bytes, WORK_SIGNAL, 0));
		/* TCP may need a reader for that: it gets some time. */
		got = ep_wait(s->ep, &c, 1, SEC_NS / 2);
		if (got < 0)
			return side_ep_fail(s, "wait", got);
		TRY(side_meet(s));
		TRY(side_await_sends(s, got ? 0 : 1));
		return side_meet(s);
	}
	TRY(side_recv(s, 0, s->bytes, 0));
	TRY(side_meet(s));
	TRY(side_meet(s));
	t0 = clock_raw_ns();
	got = ep_wait(s->ep, &c, 1, 4 * (uint64_t)SEC_NS);
	took = clock_raw_ns() - t0;
	if (got < 0)
		return side_ep_fail(s, "wait", got);
	CHECK(s, got == 1 && took < 2 * (uint64_t)SEC_NS,
	      "%d messages after %llu ms", got,
	      (unsigned long long)took / 1000000);
	TRY(side_verify(s, side_rx(s, 0), s->bytes, 5));
	return side_meet(s);
}

/* --- several at once ------------------------------------------------------------ */

enum { SIDE_BY_SIDE = 2 };

/* The same bytes by both links, and an answer of each: receives lie in
 * slots of their own. */
static int side_by_side_ask(struct side *links[], uint64_t round)
{
	unsigned i, k;
	struct comp c;

	for (i = 0; i < SIDE_BY_SIDE; i++)
		TRY(side_recv(links[i], i, links[i]->bytes, round));
	fill(side_tx(links[0], 0), links[0]->bytes, round);
	TRY(side_meet(links[0]));
	for (i = 0; i < SIDE_BY_SIDE; i++)
		TRY(side_send(links[(i + round) % SIDE_BY_SIDE], 0,
			      links[0]->bytes, WORK_SIGNAL, round));
	for (i = 0; i < SIDE_BY_SIDE; i++) {
		k = (unsigned)(i + round / 2) % SIDE_BY_SIDE;
		TRY(side_next_recv(links[k], &c));
		TRY(side_verify(links[k], side_rx(links[k], k), links[k]->bytes,
				1000 * (k + 1) + round));
		TRY(side_await_sends(links[k], round + 1));
	}
	return 0;
}

static int side_by_side_answer(struct side *links[], uint64_t round)
{
	struct comp c;
	unsigned i;

	for (i = 0; i < SIDE_BY_SIDE; i++)
		TRY(side_recv(links[i], i, links[i]->bytes, round));
	TRY(side_meet(links[0]));
	for (i = SIDE_BY_SIDE; i-- > 0;) {
		TRY(side_next_recv(links[i], &c));
		TRY(side_verify(links[i], side_rx(links[i], i), links[i]->bytes,
				round));
		fill(side_tx(links[i], i), links[i]->bytes,
		     1000 * (i + 1) + round);
		TRY(side_send(links[i], i, links[i]->bytes, WORK_SIGNAL,
			      round));
	}
	for (i = 0; i < SIDE_BY_SIDE; i++)
		TRY(side_await_sends(links[i], round + 1));
	return 0;
}

static int side_by_side_run(struct side *s, struct side *two)
{
	struct side *links[SIDE_BY_SIDE] = {s, two};
	uint64_t round;

	TRY(side_open(two));
	TRY(side_swap(two));
	TRY(side_connect(two));
	for (round = 0; round < s->test->messages; round++)
		TRY(s->role == ROLE_ACTIVE ? side_by_side_ask(links, round)
					   : side_by_side_answer(links, round));
	return side_meet(s);
}

/* As a log's leader has them: one memory, registered with each. */
static int side_by_side(struct side *s)
{
	struct side two = *s;
	int ret;

	two.ep = NULL;
	two.region = NULL;
	ret = side_by_side_run(s, &two);
	if (ret && two.why[0])
		memcpy(s->why, two.why, sizeof(s->why));
	side_close(&two);
	return ret;
}

/* Sends and receives of WORK_AGAIN are what the last one alone was, in one piece
 * or two, at the same place or another, with room before them or none, and
 * whatever was posted between: one of the other kind, or several at once. */
static const struct again {
	bool again, room;
	unsigned slot, pieces;
	unsigned with; /* receives or sends posted before it */
	enum op op;    /* of those */
} again_steps[] = {
	{.slot = 0, .pieces = 1},
	{.again = true, .slot = 0, .pieces = 1},
	{.again = true, .slot = 0, .pieces = 1, .with = 1, .op = OP_RECV},
	{.again = true, .slot = 0, .pieces = 1, .with = 2, .op = OP_SEND},
	{.again = true, .slot = 1, .pieces = 1},
	{.slot = 5, .pieces = 2},
	{.again = true, .slot = 5, .pieces = 2},
	{.again = true, .slot = 4, .pieces = 2},
	{.slot = 6, .pieces = 1},
	{.again = true, .slot = 6, .pieces = 1},
	{.again = true, .slot = 3, .pieces = 1},
	{.room = true, .slot = 0, .pieces = 1},
	{.again = true, .room = true, .slot = 1, .pieces = 1},
	{.room = true, .slot = 2, .pieces = 2},
	{.again = true, .room = true, .slot = 3, .pieces = 2},
	{.slot = 4, .pieces = 1},
	{.again = true, .slot = 5, .pieces = 1},
};
enum { AGAIN_STEPS = sizeof(again_steps) / sizeof(again_steps[0]) };

static int post_between(struct side *s, const struct again *step, uint64_t *k)
{
	struct comp c;
	unsigned i;

	if (step->with && step->op == OP_RECV)
		return side_recv(s, 0, s->bytes, 0);
	if (!step->with)
		return 0;
	TRY(post_batch(s, OP_SEND, *k, step->with, WORK_SIGNAL));
	for (i = 0; i < step->with; i++)
		TRY(side_next(s, &c));
	*k += step->with;
	return 0;
}

/* A message's memory in the step's pieces. */
static struct work work_again(struct side *s, const struct again *step,
			      enum op op, char *at, struct sge sges[2])
{
	const size_t half = s->bytes / step->pieces;
	struct work w = side_work(s, op, sges, at, half);

	sges[1] = (struct sge){
		.addr = at + half, .len = s->bytes - half, .region = s->region};
	w.n_sges = step->pieces;
	return w;
}

/* Where the k-th message goes; what is before it is nobody's if there is room. */
static char *place_again(struct side *s, const struct again *step, uint64_t k)
{
	return side_rx(s,
		       (unsigned)(step->room ? k % 2 * 2 + 1 : k % s->depth));
}

/* One by one, unless several are to be sent at once. */
static int recv_again(struct side *s, const struct again *step, uint64_t k,
		      unsigned n)
{
	struct sge sges[2];
	struct work w;
	unsigned i;

	if (n > 2)
		return post_batch(s, OP_RECV, k, n, 0);
	for (i = 0; i < n; i++) {
		w = work_again(s, step, OP_RECV, place_again(s, step, k + i),
			       sges);
		w.cookie = k + i;
		w.flags = step->again || i ? WORK_AGAIN : 0;
		w.flags |= step->room ? WORK_ROOM : 0;
		TRY(side_post(s, &w, 1));
	}
	return 0;
}

/* Every other is not signalled, and the same is sent once more at once. */
static int send_again(struct side *s, const struct again *step, uint64_t *k)
{
	char *at = side_tx(s, step->slot);
	struct sge sges[2];
	struct work w = work_again(s, step, OP_SEND, at, sges);
	unsigned i;

	w.flags = step->again ? WORK_AGAIN : 0;
	fill(at, s->bytes, *k);
	for (i = 0; i < 2; i++) {
		w.cookie = *k + i;
		w.flags |= i ? WORK_AGAIN | WORK_SIGNAL : 0;
		TRY(side_post(s, &w, 1));
	}
	TRY(expect_send(s, *k + 1));
	*k += 2;
	return 0;
}

static int again(struct side *s)
{
	const struct again *step = again_steps, *end = step + AGAIN_STEPS;
	uint64_t k = 0;
	unsigned i;

	for (; step < end; step++) {
		const unsigned n = 2 + (step->op == OP_SEND ? step->with : 0);

		if (s->role == ROLE_PASSIVE)
			TRY(recv_again(s, step, k, n));
		TRY(side_meet(s));
		if (s->role == ROLE_ACTIVE) {
			TRY(post_between(s, step, &k));
			TRY(send_again(s, step, &k));
		}
		for (i = 0; s->role == ROLE_PASSIVE && i < n; i++, k++) {
			struct comp c;

			TRY(side_next(s, &c));
			TRY(side_verify(s, place_again(s, step, k), s->bytes,
					k - (i + 1 == n)));
		}
		TRY(side_meet(s));
	}
	CHECK(s, s->role == ROLE_PASSIVE || s->ep->counts.sends == k,
	      "%llu messages counted instead of %llu",
	      (unsigned long long)s->ep->counts.sends, (unsigned long long)k);
	return 0;
}

const struct conf_case queue_cases[] = {
	{
		.name = "batches and cookies",
		.run = batches,
		.polls = ON_ALL,
		.depth = BATCH,
		.bytes = 500,
	},
	{
		.name = "unsignalled sends",
		.run = unsignalled,
		.polls = ON_ALL,
		.depth = BATCH,
		.bytes = 9000,
	},
	{
		.name = "the same again",
		.run = again,
		.polls = ON_ALL,
		.depth = BATCH,
		.bytes = 500,
	},
	{
		.name = "both ways filled, small",
		.run = brimful,
		.polls = ON_ALL,
		.depth = BATCH,
	},
	{
		.name = "both ways filled, 1 MiB",
		.run = brimful,
		.polls = ON_ALL,
		.depth = BATCH,
		.bytes = 1 << 20,
	},
	{
		.name = "counts at both ends",
		.run = counts,
		.polls = ON_ALL,
		.depth = BATCH,
		.bytes = 777,
	},
	{
		.name = "an idle link",
		.run = idle,
		.polls = ON_ALL,
	},
	{
		.name = "here before the first look, 1 MiB",
		.run = here_already,
		.polls = ON_ALL,
		.depth = 1,
		.bytes = 1 << 20,
	},
	{
		.name = "two links, one memory",
		.run = side_by_side,
		.polls = ON_ALL,
		.bytes = 4096,
		.messages = 100,
	},
	{.name = NULL},
};
