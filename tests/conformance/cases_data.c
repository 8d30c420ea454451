/* Messages of every size arrive whole, in order and in every poll mode. */
#include <stdio.h>
#include <string.h>

#include "cases.h"

/* --- ping-pong ------------------------------------------------------------ */

static int one_send(struct side *s, uint64_t i)
{
	fill(side_tx(s, 0), s->bytes, 2 * i + s->role);
	return side_send(s, 0, s->bytes, WORK_SIGNAL, i);
}

static int one_recv(struct side *s, uint64_t i)
{
	struct comp c;

	TRY(side_next_recv(s, &c));
	CHECK(s, c.cookie == i, "receive %llu has cookie %llu",
	      (unsigned long long)i, (unsigned long long)c.cookie);
	CHECK(s, c.bytes == s->bytes, "%llu bytes instead of %zu",
	      (unsigned long long)c.bytes, s->bytes);
	CHECK(s, c.level == LEVEL_DELIVERED, "level %u of a receive", c.level);
	TRY(side_verify(s, side_rx(s, 0), s->bytes, 2 * i + !s->role));
	memset(side_rx(s, 0), 0, s->bytes);
	if (i + 1 < s->test->messages)
		return side_recv(s, 0, s->bytes, i + 1);
	return 0;
}

static int post_first(struct side *s)
{
	return side_recv(s, 0, s->bytes, 0);
}

static int ping_pong(struct side *s)
{
	uint64_t i;

	for (i = 0; i < s->test->messages; i++) {
		if (s->role == ROLE_ACTIVE)
			TRY(one_send(s, i));
		TRY(one_recv(s, i));
		if (s->role == ROLE_PASSIVE)
			TRY(one_send(s, i));
		/* Its buffer will be written again. */
		TRY(side_await_sends(s, i + 1));
	}
	return side_meet(s);
}

/* The last one's number says so: a busy machine has seen enough by then. */
#define LAST (1ull << 63)
#define ENOUGH_NS (15ull * SEC_NS)

static uint64_t late_number(struct side *s, uint64_t i, uint64_t end)
{
	const bool last = i + 1 == s->test->messages || clock_raw_ns() > end;

	return last ? i | LAST : i;
}

static int late_answer(struct side *s, uint64_t i, uint64_t *number)
{
	struct comp c;

	TRY(side_next_recv(s, &c));
	memcpy(number, side_rx(s, 0), sizeof(*number));
	CHECK(s, (*number & ~LAST) == i, "number %llu in place of %llu",
	      (unsigned long long)*number, (unsigned long long)i);
	return side_recv(s, 0, s->bytes, i + 1);
}

/* Many short ones, unverified but for their number, now and then a little
 * late: a wake-up that is lost stops them. */
static int late(struct side *s)
{
	const uint64_t end = clock_raw_ns() + ENOUGH_NS;
	uint64_t i, number = 0;
	unsigned spin;

	for (i = 0; !(number & LAST); i++) {
		for (spin = 0; spin < (i * 7919) % 1024; spin++)
			__asm__ volatile("");
		number = late_number(s, i, end);
		if (s->role == ROLE_PASSIVE)
			TRY(late_answer(s, i, &number));
		memcpy(side_tx(s, 0), &number, sizeof(number));
		TRY(side_send(s, 0, s->bytes, i % 4 == 3 ? WORK_SIGNAL : 0, i));
		if (s->role == ROLE_ACTIVE)
			TRY(late_answer(s, i, &number));
	}
	return side_meet(s);
}

/* --- pieces and lanes ----------------------------------------------------- */

/* 3 pieces out, 2 pieces in, none of the same length. */
static int pieces(struct side *s)
{
	static const size_t cut[4] = {0, 13, 2000, 4000},
			    cut_in[3] = {0, 77, 4000};
	struct sge sges[3];
	struct work w;
	struct comp c;
	unsigned i;

	if (s->role == ROLE_PASSIVE) {
		w = side_work(s, OP_RECV, sges, side_rx(s, 0), 1);
		for (i = 0; i < 2; i++)
			side_work(s, OP_RECV, &sges[i], side_rx(s, i),
				  cut_in[i + 1] - cut_in[i]);
		w.n_sges = 2;
		TRY(side_post(s, &w, 1));
		TRY(side_meet(s));
		TRY(side_next_recv(s, &c));
		memmove(side_rx(s, 0) + cut_in[1], side_rx(s, 1),
			cut_in[2] - cut_in[1]);
		TRY(side_verify(s, side_rx(s, 0), cut_in[2], 3));
		return side_meet(s);
	}
	fill(side_tx(s, 0), cut[3], 3);
	w = side_work(s, OP_SEND, sges, side_tx(s, 0), 1);
	for (i = 0; i < 3; i++)
		side_work(s, OP_SEND, &sges[i], side_tx(s, 0) + cut[i],
			  cut[i + 1] - cut[i]);
	w.n_sges = 3;
	w.flags = WORK_SIGNAL;
	TRY(side_meet(s));
	TRY(side_post(s, &w, 1));
	TRY(side_next(s, &c));
	return side_meet(s);
}

/*
 * Each lane is a queue of its own: sends go on when their lane's last one has
 * completed and its answer has come, whatever the others do.  That a send has
 * completed does not mean that the peer's program has seen the message and
 * posted again, so each end keeps two receives posted: a peer may be one
 * message ahead, which RC forgives (receiver not ready) and iWARP does not.
 */
enum { LANES = 3, PER_LANE = 40, LANE_RECVS = 2 };

struct lane_state {
	uint64_t posted, sent, received; /* messages */
};

static int lane_work(struct side *s, enum op op, unsigned lane, uint64_t i)
{
	char *at = op == OP_SEND
			   ? side_tx(s, lane)
			   : side_rx(s, lane * LANE_RECVS +
						(unsigned)(i % LANE_RECVS));
	struct sge sge;
	struct work w = side_work(s, op, &sge, at, s->bytes);

	w.lane = lane;
	w.cookie = i;
	w.flags = op == OP_SEND ? WORK_SIGNAL : 0;
	return side_post(s, &w, 1);
}

static int lanes_prepare(struct side *s)
{
	unsigned l, i;

	for (l = 0; l < LANES; l++)
		for (i = 0; i < LANE_RECVS; i++)
			TRY(lane_work(s, OP_RECV, l, i));
	return 0;
}

static int lane_received(struct side *s, unsigned l, uint64_t i)
{
	char *at = side_rx(s, l * LANE_RECVS + (unsigned)(i % LANE_RECVS));

	TRY(side_verify(s, at, s->bytes, i * LANES + l));
	if (i + LANE_RECVS < PER_LANE)
		return lane_work(s, OP_RECV, l, i + LANE_RECVS);
	return 0;
}

static int lane_step(struct side *s, const struct comp *c,
		     struct lane_state state[])
{
	unsigned l = c->lane;
	struct lane_state *st = &state[l];

	CHECK(s, l < LANES, "a completion of lane %u", l);
	if (c->op == OP_SEND) {
		CHECK(s, c->cookie == st->sent, "sends out of order");
		st->sent++;
	} else {
		CHECK(s, c->cookie == st->received, "receives out of order");
		TRY(lane_received(s, l, st->received++));
	}
	if (st->posted != st->sent || st->sent > st->received ||
	    st->posted == PER_LANE)
		return 0;
	fill(side_tx(s, l), s->bytes, st->posted * LANES + l);
	return lane_work(s, OP_SEND, l, st->posted++);
}

static int lanes(struct side *s)
{
	struct lane_state state[LANES] = {{0}};
	struct comp c;
	unsigned l, n;

	for (l = 0; l < LANES; l++) {
		fill(side_tx(s, l), s->bytes, l);
		TRY(lane_work(s, OP_SEND, l, state[l].posted++));
	}
	for (n = 0; n < 2 * LANES * PER_LANE; n++) {
		TRY(side_next(s, &c));
		TRY(lane_step(s, &c, state));
	}
	return side_meet(s);
}

#define SIZE(n, count)                                                         \
	{                                                                      \
		.name = "size " #n, .run = ping_pong, .prepare = post_first,   \
		.polls = ON_ALL, .depth = 2, .bytes = n, .messages = count,    \
	}

const struct conf_case data_cases[] = {
	SIZE(1, 50),
	SIZE(7, 50),
	SIZE(8, 50),
	SIZE(63, 50),
	SIZE(64, 50),
	SIZE(65, 50),
	SIZE(4096, 50),
	SIZE(4097, 50),
	SIZE(65536, 20),
	SIZE(1048576, 5),
	SIZE(16777216, 2),
	{
		.name = "no wake-up is lost",
		.run = late,
		.prepare = post_first,
		.polls = ON_EVENT,
		.depth = 8,
		.bytes = 8,
		.messages = 10000,
	},
	{
		.name = "two processes, 64 bytes",
		.run = ping_pong,
		.prepare = post_first,
		.polls = ON_ALL,
		.flags = CASE_PROCESSES,
		.messages = 500,
	},
	{
		.name = "two processes, 1 MiB",
		.run = ping_pong,
		.prepare = post_first,
		.polls = ON_ALL,
		.flags = CASE_PROCESSES,
		.bytes = 1 << 20,
		.messages = 5,
	},
	{
		.name = "a message in pieces",
		.run = pieces,
		.polls = ON_SPIN | ON_EVENT,
		.bytes = 4096,
	},
	{
		.name = "three lanes",
		.run = lanes,
		.prepare = lanes_prepare,
		.polls = ON_ALL,
		.lanes = LANES,
		.bytes = 3000,
	},
	{.name = NULL},
};
