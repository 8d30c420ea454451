#include "work/spread.h"

#include <errno.h>
#include <string.h>

#include "base/splitmix.h"
#include "base/stop.h"
#include "work/parts.h"
#include "work/spread_work.h"

enum { TAKE = 16 };

/* Of an operation: its completion, and a request's answer. */
enum { PENDING_DONE = 1, PENDING_ANSWER = 2 };

static int post(struct spread *s, const struct work *w, struct err *err)
{
	return parts_post(s->end, w, 1, err);
}

int spread_post_recv(struct spread *s, unsigned i, struct err *err)
{
	return post(s, &s->recvs[i], err);
}

/* --- the peer's regions ------------------------------------------------------ */

/* Of many regions the table is fetched by what is measured anyway: a read. */
static int fetch_table(struct spread *s, uint64_t addr, uint32_t rkey,
		       struct err *err)
{
	const struct sge sge = {
		.addr = s->table,
		.len = s->a.regions * sizeof(*s->table),
		.region = s->small_region,
	};
	const struct work w = {
		.op = OP_READ,
		.n_sges = 1,
		.sges = &sge,
		.flags = WORK_SIGNAL,
		.remote_addr = addr,
		.remote_rkey = rkey,
	};

	return parts_ask(s->end, &w, err);
}

static int learn_regions(struct spread *s, struct err *err)
{
	const struct blob *t = &s->end->peer_token;
	uint64_t words[4];

	if (s->known || spread_asks(s))
		return 0;
	if (t->len != sizeof(words))
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "the peer's token has %u bytes instead of %zu",
			       t->len, sizeof(words));
	memcpy(words, t->data, sizeof(words));
	s->known = true;
	if (s->a.regions > 1)
		return fetch_table(s, words[0], (uint32_t)words[1], err);
	s->table[0].addr = words[2];
	s->table[0].rkey = words[3];
	return 0;
}

/* --- client ------------------------------------------------------------------ */

static void choose_unit(struct spread *s, unsigned slot)
{
	const uint64_t unit =
		s->a.op == OP_FETCH_ADD
			? 0
			: splitmix_next(&s->rng) %
				  (s->units_per_region * s->a.regions);
	const struct spread_region *r = &s->table[unit / s->units_per_region];
	struct work *w = &s->works[slot];

	s->units[slot] = unit;
	w->remote_addr = r->addr + unit % s->units_per_region * s->unit;
	w->remote_rkey = (uint32_t)r->rkey;
}

/* Requests that the same receives are for. */
static unsigned *on_lane(struct spread *s, unsigned lane)
{
	return &s->on_lane[s->a.shared_recv ? 0 : lane];
}

static int begin_op(struct spread *s, unsigned slot, struct err *err)
{
	struct work *w = &s->works[slot];
	const uint64_t number = s->numbers[slot] += s->a.outstanding;

	w->lane = (unsigned)(number % s->a.lanes);
	if (!spread_asks(s))
		choose_unit(s, slot);
	scan_stamp(s->stamp, spread_slot(s, slot), s->a.size, SPREAD_SEED,
		   number);
	s->ahead += ++*on_lane(s, w->lane) > s->known_recvs && spread_asks(s);
	s->pending[slot] = PENDING_DONE | (spread_asks(s) ? PENDING_ANSWER : 0);
	s->begun[slot] = clock_ticks(s->end->clock);
	s->posted++;
	if (++s->busy > s->most)
		s->most = s->busy;
	return post(s, w, err);
}

/* Each read must have brought the unit that was asked for. */
static int check_read(struct spread *s, unsigned slot, struct err *err)
{
	const struct scan_expect want = {
		.seed = SPREAD_SEED,
		.op = s->units[slot],
		.stamp = STAMP_FIRST,
	};
	const bool whole = s->a.verify == VERIFY_EACH;

	if (s->a.op != OP_READ || s->a.verify == VERIFY_NONE)
		return 0;
	s->last = slot;
	s->verified += whole;
	return scan_verify(spread_slot(s, slot),
			   whole ? s->a.size : sizeof(uint64_t), &want, err);
}

/* What it found: more than the one before it on its lane did.  That no other
 * lane found the same is judged at the end, over all of them. */
static int take_found(struct spread *s, unsigned slot, struct err *err)
{
	const unsigned lane = s->works[slot].lane;
	uint64_t found;

	memcpy(&found, spread_slot(s, slot), sizeof(found));
	s->adds.n++;
	s->adds.print += splitmix_mix(found);
	s->verified++;
	if (found < s->least[lane])
		return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
			       "a fetch-add on queue pair %u found %llu, and "
			       "the one before it %llu",
			       lane, (unsigned long long)found,
			       (unsigned long long)s->least[lane] - 1);
	s->least[lane] = found + 1;
	return 0;
}

int spread_check_adds(const struct spread_adds *a, struct err *err)
{
	uint64_t i, print = 0;

	for (i = 0; i < a->n; i++)
		print += splitmix_mix(i);
	if (print == a->print)
		return 0;
	return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
		       "what %llu fetch-adds found is not 0 to %llu, each once",
		       (unsigned long long)a->n, (unsigned long long)a->n - 1);
}

/* Is it an answer to what its slot has given up? */
static void look_for_late(struct spread *s, unsigned slot, uint64_t number)
{
	struct spread_lost *l = &s->given_up[slot];

	if (l->number != number)
		return; /* of another phase, or a network repeated it */
	s->late_begun = l->begun;
	l->number = 0;
}

/* An answer is its question: the number is in it. */
static int check_answer(struct spread *s, const struct comp *c, unsigned *slot,
			bool *fresh, struct err *err)
{
	const char *at = s->inbox + c->cookie * s->stride;
	struct scan_expect want = {.seed = SPREAD_SEED, .stamp = s->stamp};

	memcpy(&want.op, at, sizeof(want.op));
	*slot = (unsigned)(want.op % s->a.outstanding);
	*fresh = s->numbers[*slot] == want.op &&
		 s->pending[*slot] & PENDING_ANSWER;
	if (!*fresh && !s->lossy)
		return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
			       "an answer to operation %llu, which is not "
			       "outstanding",
			       (unsigned long long)want.op);
	if (!*fresh)
		look_for_late(s, *slot, want.op);
	s->last = (unsigned)c->cookie;
	if (s->a.verify != VERIFY_EACH)
		return 0;
	/* Neither: it is no operation, and not counted. */
	s->verified += *fresh || s->late_begun;
	return scan_verify(at, s->a.size, &want, err);
}

/* The slot that a completion is of; *fresh: it was waited for. */
static int take(struct spread *s, const struct comp *c, unsigned *slot,
		bool *fresh, struct err *err)
{
	int ret;

	*slot = (unsigned)c->cookie;
	*fresh = true;
	if (c->op != OP_RECV)
		return s->a.op == OP_FETCH_ADD ? take_found(s, *slot, err)
					       : check_read(s, *slot, err);
	ret = check_answer(s, c, slot, fresh, err);
	return ret ? ret : spread_post_recv(s, (unsigned)c->cookie, err);
}

struct flow {
	const struct phase *ph;
	struct end_waiter waiter;
	uint64_t begin, now, max_ticks;
	uint64_t end; /* when the last was complete */
	/* A lossy link: when losses were looked for; after how long an
	 * operation is lost, and the link if nothing at all comes. */
	uint64_t looked, loss_ticks, patience;
};

static bool over(const struct spread *s, const struct flow *f)
{
	if (s->posted < f->ph->min_ops)
		return false;
	return s->posted >= f->ph->max_ops || f->now - f->begin >= f->max_ticks;
}

static void count_done(struct spread *s, struct flow *f, uint64_t begun)
{
	s->done++;
	f->waiter.done++;
	f->end = f->now;
	hist_record(&s->end->tally.latency,
		    clock_ns(s->end->clock, f->now - begun));
}

/* One of what the slot's operation waited for has come. */
static int finish_op(struct spread *s, struct flow *f, unsigned slot,
		     enum op op, struct err *err)
{
	const unsigned came = op == OP_RECV ? PENDING_ANSWER : PENDING_DONE;

	s->pending[slot] = (uint8_t)(s->pending[slot] & ~came);
	if (s->pending[slot])
		return 0;
	s->busy--;
	--*on_lane(s, s->works[slot].lane);
	count_done(s, f, s->begun[slot]);
	return over(s, f) ? 0 : begin_op(s, slot, err);
}

/* It was slow, and is not lost. */
static void take_back_lost(struct spread *s, struct flow *f)
{
	s->lost--;
	count_done(s, f, s->late_begun);
	s->late_begun = 0;
}

/* On a lossy link: what was begun so long ago and has brought no answer is
 * lost, and its slot goes on with the next; but not what has not even left, for
 * which its queue has no room twice. */
static int give_up(struct spread *s, struct flow *f, uint64_t age,
		   struct err *err)
{
	unsigned i;
	int ret = 0;

	f->looked = f->now;
	for (i = 0; !ret && i < s->a.outstanding; i++) {
		if (s->pending[i] != PENDING_ANSWER ||
		    s->begun[i] + age > f->now)
			continue;
		s->pending[i] = 0;
		s->busy--;
		--*on_lane(s, s->works[i].lane);
		s->lost++;
		s->given_up[i] =
			(struct spread_lost){s->numbers[i], s->begun[i]};
		if (!over(s, f))
			ret = begin_op(s, i, err);
	}
	return ret;
}

/* Nothing came for WINDOW_LOSS_NS. */
static int lose_all(struct spread *s, struct flow *f, struct err *err)
{
	const int ret = s->end->pulse(s->end->pulse_arg, true, err);

	if (ret)
		return ret;
	if (f->now - f->end >= f->patience)
		return err_set(err, -ETIMEDOUT, REASON_LINK_FAILED,
			       "no answer came for %.1f s though the peer is "
			       "alive (--op-timeout)",
			       (double)f->waiter.give_up_ns / 1e9);
	return give_up(s, f, 0, err);
}

static int await(struct spread *s, struct flow *f, struct comp *comp,
		 struct err *err)
{
	int n;

	if (!s->lossy)
		return end_wait(&f->waiter, comp, TAKE, err);
	n = ep_wait(s->end->ep, comp, TAKE, WINDOW_LOSS_NS);
	return n < 0 ? parts_failed(s->end, n, err) : n;
}

static int step(struct spread *s, struct flow *f, struct err *err)
{
	struct comp comp[TAKE];
	unsigned slot;
	bool fresh;
	int i, n, ret = 0;

	n = await(s, f, comp, err);
	if (n < 0)
		return n;
	f->now = clock_ticks(s->end->clock);
	if (!n)
		return lose_all(s, f, err);
	for (i = 0; !ret && i < n; i++) {
		ret = take(s, &comp[i], &slot, &fresh, err);
		if (!ret && fresh)
			ret = finish_op(s, f, slot, comp[i].op, err);
		if (!ret && s->late_begun)
			take_back_lost(s, f);
	}
	if (!ret && s->lossy && f->now - f->looked >= f->loss_ticks)
		ret = give_up(s, f, f->loss_ticks, err);
	return ret ? ret : end_waiter_look(&f->waiter, f->now, err);
}

static void begin_phase(struct spread *s, struct flow *f,
			const struct phase *ph)
{
	const struct clock *clk = s->end->clock;

	*f = (struct flow){
		.ph = ph,
		.max_ticks = clock_ticks_of(clk, ph->max_ns),
		.loss_ticks = clock_ticks_of(clk, WINDOW_LOSS_NS),
	};
	end_waiter_init(&f->waiter, s->end, s->a.size);
	f->patience = clock_ticks_of(clk, f->waiter.give_up_ns);
	s->posted = s->done = s->verified = s->most = s->lost = 0;
	s->ahead = 0;
	memset(s->given_up, 0, s->a.outstanding * sizeof(*s->given_up));
	f->begin = f->now = clock_ticks(clk);
	f->end = f->looked = f->begin;
}

/*
 * Until the last was complete.  Where some were lost, at least as long as more
 * were begun, or might have been: a link that dies early is not a fast one;
 * but what is waited for in vain at the end is no time of those that came.
 */
static uint64_t end_of(const struct spread *s, const struct flow *f)
{
	uint64_t end = f->end;
	unsigned i;

	if (!s->lost)
		return end;
	if (s->posted < f->ph->max_ops && f->begin + f->max_ticks > end)
		end = f->begin + f->max_ticks;
	for (i = 0; i < s->a.outstanding; i++)
		if (s->begun[i] > end)
			end = s->begun[i];
	return end;
}

static int tally_phase(struct spread *s, const struct flow *f, uint64_t end,
		       struct err *err)
{
	struct tally *t = &s->end->tally;

	if (f->ph->measured && s->posted && !s->done)
		return err_set(err, -ETIMEDOUT, REASON_LINK_FAILED,
			       "none of %llu requests was answered though the "
			       "peer is alive",
			       (unsigned long long)s->posted);
	tally_set(t, METRIC_OPS, s->done);
	/* Answers are ours: 8 bytes that say which is done. */
	tally_set(t, METRIC_PAYLOAD, s->done * s->a.size);
	tally_set(t, METRIC_VERIFIED, s->verified);
	tally_set(t, METRIC_ELAPSED, clock_ns(s->end->clock, end - f->begin));
	return 0;
}

int spread_client(struct spread *s, const struct phase *ph, struct err *err)
{
	struct flow f;
	uint64_t end;
	unsigned i;
	int ret = learn_regions(s, err);

	if (ret)
		return ret;
	begin_phase(s, &f, ph);
	for (i = 0; !ret && i < s->a.outstanding && !over(s, &f); i++)
		ret = begin_op(s, i, err);
	while (!ret && s->busy)
		ret = stop_requested ? parts_interrupted(err)
				     : step(s, &f, err);
	if (ret)
		return ret;
	end = end_of(s, &f);
	if (parts_sent_only(s->end, s->a.op)) {
		ret = spread_flush(s, err);
		end = clock_ticks(s->end->clock);
	}
	return ret ? ret : tally_phase(s, &f, end, err);
}

/* Behind what was written, from the read's lane on: as many reads at once as
 * there are slots, for which whoever shares the link has room. */
static int post_flushes(struct spread *s, struct work *read, unsigned *n,
			struct err *err)
{
	int ret = 0;

	for (*n = 0; !ret && *n < s->a.outstanding && read->lane < s->a.lanes;
	     read->lane++, ++*n)
		ret = post(s, read, err);
	return ret;
}

/*
 * Into a slot's number, which its next operation writes anew.  The lanes' reads
 * are on their way together: one after the other they would take a round trip
 * each, and where a write's completion says nothing (parts_sent_only) that is
 * measured.
 */
int spread_flush(struct spread *s, struct err *err)
{
	const struct sge sge = {
		.addr = spread_slot(s, 0),
		.len = sizeof(uint64_t),
		.region = s->small_region,
	};
	struct work w = {.sges = &sge};
	unsigned n;
	int ret = 0;

	if (s->a.op != OP_WRITE || !s->known)
		return 0;
	parts_make_flush(&w);
	w.remote_addr = s->table[0].addr;
	w.remote_rkey = (uint32_t)s->table[0].rkey;
	while (!ret && w.lane < s->a.lanes) {
		ret = post_flushes(s, &w, &n, err);
		if (!ret)
			ret = parts_await(s->end, n, err);
	}
	return ret;
}

/* --- server ------------------------------------------------------------------ */

/*
 * The next receive is there before the client may send the next request.  Of a
 * lane's own it is the same one: what comes next on the lane comes after the
 * answer.  Of shared ones, another lane's request may come while the answer is
 * still sent again: it is a spare one, until the answer is complete.  Where
 * there are too few receives the next may be waited for already: then it is
 * posted after that.
 */
static int answer(struct spread *s, unsigned i, unsigned lane, struct err *err)
{
	const unsigned next = s->spare ? s->spare[--s->n_spare] : i;
	struct work w = s->recvs[i];
	int ret = s->a.receives ? 0 : spread_post_recv(s, next, err);

	w.op = OP_SEND;
	w.lane = lane;
	w.flags = WORK_SIGNAL;
	s->done++;
	s->on_lane[lane]++;
	return ret ? ret : post(s, &w, err);
}

static bool can_answer(const struct spread *s, unsigned lane)
{
	return s->on_lane[lane] < spread_send_depth(&s->a) &&
	       (!s->spare || s->n_spare);
}

/* That a client asks again proves that its answer has arrived, and not that it
 * is complete here: the acknowledgement may be late, or lost.  A request that
 * finds the lane's sends, or the spare receives, taken up is answered when one
 * of them is complete. */
static int take_request(struct spread *s, const struct comp *c, struct err *err)
{
	const unsigned i = (unsigned)c->cookie;

	if (can_answer(s, c->lane))
		return answer(s, i, c->lane, err);
	s->held[i] = (uint16_t)(c->lane + 1);
	s->n_held++;
	return 0;
}

static int answer_held(struct spread *s, struct err *err)
{
	unsigned i, lane;

	for (i = 0; i < s->n_buffers; i++) {
		if (!s->held[i])
			continue;
		lane = s->held[i] - 1u;
		if (!can_answer(s, lane))
			continue;
		s->held[i] = 0;
		s->n_held--;
		return answer(s, i, lane, err);
	}
	return 0;
}

static int serve_one(struct spread *s, const struct comp *c, struct err *err)
{
	int ret = 0;

	if (c->op == OP_RECV)
		return take_request(s, c, err);
	s->on_lane[c->lane]--;
	if (s->a.receives)
		ret = spread_post_recv(s, (unsigned)c->cookie, err);
	else if (s->spare)
		s->spare[s->n_spare++] = (unsigned)c->cookie;
	return ret || !s->n_held ? ret : answer_held(s, err);
}

static int serve_requests(struct spread *s, struct err *err)
{
	struct end_waiter waiter;
	struct comp comp[TAKE];
	int i, n, ret = 0;

	end_waiter_init(&waiter, s->end, s->a.size);
	while (!ret) {
		n = end_wait(&waiter, comp, TAKE, err);
		if (n <= 0) {
			ret = n;
			break;
		}
		for (i = 0; !ret && i < n; i++)
			ret = serve_one(s, &comp[i], err);
		waiter.done = s->done;
		if (!ret && stop_requested)
			ret = parts_interrupted(err);
	}
	/* Of those on a lossy link the client counts the answers that came. */
	if (!s->lossy)
		tally_set(&s->end->tally, METRIC_OPS, s->done);
	return ret;
}

int spread_server(struct spread *s, const struct phase *ph, struct err *err)
{
	(void)ph;
	s->done = 0;
	return spread_asks(s) ? serve_requests(s, err)
			      : parts_serve_nothing(s->end, err);
}
