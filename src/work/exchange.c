#include "work/exchange.h"

#include <endian.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/stop.h"
#include "work/mark.h"
#include "work/parts.h"

/*
 * The buffer of an unsignalled send is written again before its completion
 * is known.  That is sound here because the answer to it has arrived by
 * then: the peer has the message, and a copy that RC might yet send again
 * would be dropped as a duplicate.
 */
static inline int post_send(struct exchange *x, struct exchange_message *m,
			    struct err *err)
{
	m->work.flags = 0;
	m->work.cookie = ++x->sent;
	if (!--x->until_signal) {
		m->work.flags = WORK_SIGNAL;
		x->until_signal = x->signal_every;
	}
	return parts_post(x->end, &m->work, 1, err);
}

static int post_recv(struct exchange *x, struct err *err)
{
	return parts_post(x->end, &x->recv.work, 1, err);
}

int exchange_post_request_recv(struct exchange *x, struct err *err)
{
	return post_recv(x, err);
}

int exchange_post_response_recv(struct exchange *x, struct err *err)
{
	int ret;

	if (x->prep.mark)
		mark_put(x->response, x->response_bytes, x->op, x->under_mark);
	ret = post_recv(x, err);
	if (!ret && x->prep.between)
		ret = parts_post(x->end, &x->tell.work, 1, err);
	return ret;
}

static int verify_request(struct exchange *x, uint64_t op, struct err *err)
{
	struct scan_expect want = {
		.seed = SEED_REQUEST,
		.op = op,
		.stamp = STAMP_FIRST,
		.line = x->line,
	};

	x->verified++;
	return scan_verify(x->request, x->request_bytes, &want, err);
}

static int verify_response(struct exchange *x, uint64_t op, struct err *err)
{
	struct scan_expect want = {
		.seed = SEED_RESPONSE + op % x->prep.buffers,
		.op = op,
		.stamp = x->prep.stamp,
		.line = x->line,
	};

	x->verified++;
	return scan_verify(x->response, x->response_bytes, &want, err);
}

int exchange_verify_last(struct end *e, struct err *err)
{
	struct exchange *const x = e->state;

	/* With `each` it was checked when it came (and cleared since). */
	if (x->verify != VERIFY_ENDS || !x->op)
		return 0;
	x->end->verified++;
	if (x->end->role == ROLE_PASSIVE)
		return verify_request(x, x->op - 1, err);
	/* The mark of the next one is there already. */
	if (x->prep.mark)
		mark_lift(x->response, x->response_bytes, x->op, x->under_mark);
	return verify_response(x, x->op - 1, err);
}

/* --- client -------------------------------------------------------------- */

int exchange_send_request(struct exchange *x, struct err *err)
{
	return post_send(x, &x->send, err);
}

/* Out of line: who has no stages saves no registers for them. */
static __attribute__((noinline)) void stage_over(struct exchange *x,
						 enum stage stage)
{
	stages_end(x->prep.stages, stage);
}

static inline void send_completed(struct exchange *x, uint64_t number)
{
	x->completed = number;
	if (x->prep.stages && number == x->response_sent)
		stage_over(x, STAGE_SEND);
}

static inline void note_completions(struct exchange *x, const struct comp *comp,
				    int n)
{
	int i;

	for (i = 0; i < n; i++) {
		if (comp[i].op == OP_RECV)
			x->arrived++;
		else
			send_completed(x, comp[i].cookie);
	}
}

/* Takes what has completed; blocks until something has.  1, or 0 and -errno
 * as end_wait. */
static int take_completions(struct exchange *x, struct end_waiter *w,
			    struct err *err)
{
	struct comp comp[4];
	int n = end_wait(w, comp, 4, err);

	note_completions(x, comp, n);
	return n > 0 ? 1 : n;
}

/*
 * Until a message is there and the next send has room.  That the peer has
 * answered does not mean that our send has completed, and only completions
 * free its place: the acknowledgement may be late, or lost and made good by
 * a later one.  With a depth of at least two signalled sends this waits for
 * one hardly ever.
 */
static int await_recv(struct exchange *x, struct end_waiter *w, struct err *err)
{
	int ret;

	while (!x->arrived || x->sent - x->completed >= x->tx_depth) {
		ret = take_completions(x, w, err);
		if (ret <= 0)
			return ret;
	}
	x->arrived--;
	return 1;
}

/* Outside the timed part: waits until the server is between operations. */
static int await_ready(struct exchange *x, struct end_waiter *w,
		       struct err *err)
{
	uint64_t next;
	int ret = await_recv(x, w, err);

	if (ret < 0)
		return ret;
	memcpy(&next, x->ready, sizeof(next));
	if (next == x->op + 1)
		return 0;
	return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
		       "operation %llu: the server is ready for %llu",
		       (unsigned long long)x->op, (unsigned long long)next);
}

static int check_mark(struct exchange *x, struct err *err)
{
	if (!mark_is_left(x->response, x->response_bytes, x->op))
		return 0;
	return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
		       "operation %llu: what the client had left in the buffer "
		       "is still there: the response did not arrive (stale "
		       "data?)",
		       (unsigned long long)x->op);
}

/* Outside the timed part: check, and make the buffer ready for the next. */
static int after_response(struct exchange *x, bool verify, struct err *err)
{
	int ret = 0;

	if (x->prep.mark)
		ret = check_mark(x, err);
	if (!ret && verify)
		ret = verify_response(x, x->op, err);
	if (ret)
		return ret;
	/* Without stamps only a clean buffer tells fresh from stale. */
	if (verify && x->prep.stamp == STAMP_NONE)
		memset(x->response, 0, x->response_bytes);
	x->op++;
	return exchange_post_response_recv(x, err);
}

static void close_tally(struct exchange *x, uint64_t ops, uint64_t ns)
{
	struct tally *t = &x->end->tally;

	tally_set(t, METRIC_OPS, ops);
	tally_set(t, METRIC_LINES, x->lines);
	tally_set(t, METRIC_VERIFIED, x->verified);
	if (ns)
		tally_set(t, METRIC_ELAPSED, ns);
	x->lines = 0;
	x->verified = 0;
}

/* Far from its time it sleeps and lets the control channel live; close to it
 * it spins, or it would be late by a wake-up. */
#define PACE_SPIN_NS 200000u
#define PACE_NAP_NS 5000000u

static int sleep_towards(struct end *e, uint64_t left_ns, struct err *err)
{
	struct timespec ts = {0};
	int ret;

	if (left_ns < 2ull * PACE_SPIN_NS)
		return 0;
	left_ns -= PACE_SPIN_NS;
	ts.tv_nsec = (long)(left_ns < PACE_NAP_NS ? left_ns : PACE_NAP_NS);
	ret = e->pulse(e->pulse_arg, true, err);
	if (!ret)
		nanosleep(&ts, NULL);
	return ret;
}

/* Waits for the next intended start, which is what *start becomes, even if
 * it has passed. */
static int await_turn(struct exchange *x, struct pace *p, uint64_t begin,
		      uint64_t *start, uint64_t *backlog, struct err *err)
{
	const struct clock *clk = x->end->clock;
	uint64_t now = clock_ticks(clk), waiting;
	int ret;

	*start = begin + pace_next(p);
	waiting = pace_backlog(p, *start, now);
	if (waiting > *backlog)
		*backlog = waiting;
	while ((now = clock_ticks(clk)) < *start) {
		ret = sleep_towards(x->end, clock_ns(clk, *start - now), err);
		if (ret)
			return ret;
	}
	return 0;
}

/* What the other end has told, if it has: the server its cache line, the
 * client its seed.  False if it is no word. */
static bool take_word(const struct exchange *x, uint64_t *word)
{
	const struct blob *b = &x->end->peer_token;

	if (b->len != sizeof(*word))
		return false;
	memcpy(word, b->data, sizeof(*word));
	*word = le64toh(*word);
	return true;
}

/* Nothing from a peer is trusted. */
static int take_line(struct exchange *x, struct err *err)
{
	uint64_t line;

	if (!x->end->peer_token.len)
		return 0;
	if (!take_word(x, &line) || line < sizeof(uint64_t) || line > 4096 ||
	    line & (line - 1))
		return err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
			       "the server's cache line does not parse");
	x->line = line;
	return 0;
}

/* Service times, too, are others in each trial; later phases go on drawing. */
static void take_seed(struct exchange *x)
{
	uint64_t seed;

	if (!x->op && take_word(x, &seed))
		x->service.state = seed + SEED_SERVICE;
}

int exchange_client(struct end *e, const struct phase *ph, struct err *err)
{
	struct exchange *const x = e->state;
	struct hist *lat = &e->tally.latency;
	const struct clock *clk = e->clock;
	const uint64_t most = clock_ticks_of(clk, ph->max_ns);
	const bool each = x->verify == VERIFY_EACH;
	bool check = each || (!ph->measured && x->verify != VERIFY_NONE);
	uint64_t t0, t1, begin, backlog = 0;
	struct end_waiter w;
	struct pace pace;
	int ret;

	ret = take_line(x, err);
	if (ret)
		return ret;
	end_waiter_init(&w, e, x->response_bytes + x->request_bytes);
	/* No two phases, and no two trials, have the same arrivals. */
	pace_init(&pace, x->rate, x->arrival, clk->ticks_per_ns,
		  e->seed + x->op);
	begin = t1 = clock_ticks(clk);
	while (!parts_phase_over(ph, w.done, t1 - begin >= most) &&
	       !stop_requested) {
		scan_stamp_first(x->request, x->request_bytes, x->op);
		if (pace.open) {
			ret = await_turn(x, &pace, begin, &t0, &backlog, err);
			if (ret)
				return ret;
		} else {
			t0 = clock_ticks(clk);
		}
		ret = exchange_send_request(x, err);
		if (ret)
			return ret;
		ret = await_recv(x, &w, err);
		if (ret < 0)
			return ret;
		t1 = clock_ticks(clk);
		hist_record(lat, clock_ns(clk, t1 - t0));
		if (!x->cold_ns)
			x->cold_ns = clock_ns(clk, t1 - t0);
		w.done++;
		if (x->prep.between)
			ret = await_ready(x, &w, err);
		if (ret >= 0)
			ret = after_response(x, check, err);
		if (ret < 0)
			return ret;
		check = each;
	}
	close_tally(x, w.done, clock_ns(clk, t1 - begin));
	tally_set(&e->tally, EXCHANGE_COLD, x->cold_ns);
	if (pace.open)
		tally_set(&e->tally, EXCHANGE_BACKLOG_MAX, backlog);
	if (stop_requested)
		return parts_interrupted(err);
	return 0;
}

/* --- server -------------------------------------------------------------- */

static __attribute__((noinline)) void prepare(struct exchange *x)
{
	if (x->prep.stages)
		stages_start(x->prep.stages);
	if (!x->prep.run)
		return;
	x->lines += x->prep.run(x, x->prep.arg);
	if (x->prep.stages)
		stages_end(x->prep.stages, STAGE_SCAN);
}

/* Prepares and sends the response, then posts a receive again: the other
 * one has been ready all the while. */
int exchange_serve(struct exchange *x, struct err *err)
{
	int ret;

	if (x->prep.buffers > 1) {
		x->response = exchange_response(x, x->op);
		x->send.sge.addr = x->response;
	}
	if (x->prep.run || x->prep.stages)
		prepare(x);
	ret = post_send(x, &x->send, err);
	if (ret)
		return ret;
	x->response_sent = x->sent;
	x->op++;
	return post_recv(x, err);
}

/* The client waits for us: nothing can arrive, and 0 (the phase is over)
 * means that it is gone. */
static int between_operations(struct exchange *x, struct end_waiter *w,
			      struct err *err)
{
	int ret = 1;

	while (ret > 0 && x->completed < x->sent)
		ret = take_completions(x, w, err);
	if (ret <= 0)
		return ret;
	x->prep.between(x, x->prep.arg);
	memcpy(x->ready, &x->op, sizeof(x->op));
	ret = post_send(x, &x->tell, err);
	return ret ? ret : 1;
}

static void spend_service_time(struct exchange *x)
{
	const struct clock *clk = x->end->clock;
	uint64_t begin = clock_ticks(clk), length = pace_gap(&x->service);

	while (clock_ticks(clk) - begin < length)
		;
}

/* One request that is there.  1, or 0 and -errno as end_wait. */
static int answer(struct exchange *x, struct end_waiter *w, bool check,
		  struct err *err)
{
	int ret = 0;

	if (check)
		ret = verify_request(x, x->op, err);
	if (ret)
		return ret;
	if (x->service.open)
		spend_service_time(x);
	ret = exchange_serve(x, err);
	if (ret)
		return ret;
	w->done++;
	return x->prep.between ? between_operations(x, w, err) : 1;
}

static int miscount(const char *what, uint64_t n, uint64_t ops, struct err *err)
{
	return err_set(err, -EBADMSG, REASON_MISCOUNT,
		       "%llu %s in %llu operations", (unsigned long long)n,
		       what, (unsigned long long)ops);
}

static int check_counts(const struct exchange *x, uint64_t ops, struct err *err)
{
	const struct stages *s = x->prep.stages;

	if (x->lines != ops * x->prep.lines)
		return miscount("cache lines visited", x->lines, ops, err);
	if (s && x->prep.run && s->time[STAGE_SCAN]->count != ops)
		return miscount("scans timed", s->time[STAGE_SCAN]->count, ops,
				err);
	if (s && s->time[STAGE_SEND]->count != ops)
		return miscount("completions seen", s->time[STAGE_SEND]->count,
				ops, err);
	return 0;
}

void exchange_line_time(struct tally *t, const struct hist *scans,
			uint64_t lines)
{
	if (scans && scans->count && lines)
		tally_set(t, EXCHANGE_LINE_PS,
			  hist_quantile(scans, 0.5) * 1000 / lines);
}

#define DRAIN_NS 1000000000u

/* The client has the last response; its completion may be on its way. */
static int drain(struct exchange *x, struct err *err)
{
	const uint64_t begin = clock_raw_ns();
	struct ep *ep = x->end->ep;
	struct comp comp[4];
	int n = 0;

	while (n >= 0 && x->completed < x->sent &&
	       clock_raw_ns() - begin < DRAIN_NS) {
		n = ep_wait(ep, comp, 4, END_SLICE_SPIN_NS);
		note_completions(x, comp, n);
	}
	return n < 0 ? parts_failed(x->end, n, err) : 0;
}

static int serve_all(struct exchange *x, const struct phase *ph,
		     struct end_waiter *w, struct err *err)
{
	const bool each = x->verify == VERIFY_EACH;
	bool check = each || (!ph->measured && x->verify != VERIFY_NONE);
	int ret;

	for (;;) {
		ret = await_recv(x, w, err);
		if (ret > 0 && stop_requested)
			return err_set(err, -EINTR, REASON_INTERRUPTED,
				       "the server was told to end");
		if (ret > 0)
			ret = answer(x, w, check, err);
		if (ret <= 0)
			return ret;
		check = each;
	}
}

int exchange_server(struct end *e, const struct phase *ph, struct err *err)
{
	struct exchange *const x = e->state;
	struct stages *const stages = x->prep.stages;
	struct end_waiter w;
	int ret;

	end_waiter_init(&w, e, x->response_bytes + x->request_bytes);
	take_seed(x);
	if (stages)
		stages_begin(stages, &e->tally);
	ret = serve_all(x, ph, &w, err);
	if (!ret && stages)
		ret = drain(x, err);
	if (!ret)
		ret = check_counts(x, w.done, err);
	if (stages) {
		stages_finish(stages, &e->tally);
		exchange_line_time(&e->tally, stages->time[STAGE_SCAN],
				   x->prep.lines);
	}
	tally_set(&e->tally, EXCHANGE_LINE_BYTES, x->line);
	close_tally(x, w.done, 0);
	return ret;
}
