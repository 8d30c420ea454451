/* Requests and answers over many lanes of the loop transport, both ends in
 * one process: counts, losses, and answers that are spoilt. */
#include "loop_pair.h"

#include <errno.h>
#include <sched.h>

#include "run/scenario.h"
#include "work/spread.h"

static struct spread cs, ss;
static struct spread_attr attr;
static uint64_t seed;

/* Between an end and its link. */
static struct transport between;
static struct {
	unsigned on_way[64], most; /* requests of a lane */
	uint64_t sends, dropped;
	/* Of the client's sends. */
	unsigned drop_every, drop_from, spoil_at, stale_at;
	char *before;	  /* the request before */
	unsigned hold_at; /* of those that are dropped: leaves late */
	/* Of the server's answers: it takes its time, in half WINDOW_LOSS_NS
	 * (0: 3). */
	unsigned slow_at, slow_losses;
	unsigned read_on;  /* bit i: lane i */
	uint64_t where;	   /* a hash of where the client's writes went */
	uint64_t wrong_by; /* a fetch-add that is spoilt */
	bool lossy;
	_Atomic bool served; /* the server is there: what is late is lost */
	bool late; /* the server's sends complete when it can do nothing else */
	unsigned answers, most_answers; /* not complete */
	unsigned most_late;		/* and so many are held back */
	/* Of the server's sends: by where the answer is, not complete. */
	bool answers_from[64];
	bool reused; /* one of them was lent to a receive */
} mid;

static struct err why; /* of a test */

static struct comp late[64], lost[64];
static unsigned n_late, n_lost, quiet;
enum { QUIET_POLLS = 100 };
static uint64_t held_until; /* ns; 0: lost[] is not held back */

static int client_sends(struct ep *ep, const struct work *w)
{
	const uint64_t number = ++mid.sends;
	char *byte = (char *)w->sges[0].addr + 9;
	int ret;

	while (!mid.served)
		sched_yield();
	if (++mid.on_way[w->lane] > mid.most)
		mid.most = mid.on_way[w->lane];
	if ((mid.drop_every && number % mid.drop_every == 0) ||
	    (mid.drop_from && number >= mid.drop_from)) {
		mid.dropped++;
		if (number == mid.hold_at)
			held_until = clock_raw_ns() + 3 * WINDOW_LOSS_NS / 2;
		mid.on_way[w->lane]--;
		lost[n_lost++] = (struct comp){.cookie = w->cookie,
					       .lane = (uint16_t)w->lane};
		return 0;
	}
	if (number == mid.stale_at)
		memcpy(byte + 47, mid.before + 47, 8); /* its last */
	mid.before = byte;
	*byte ^= number == mid.spoil_at;
	ret = loop->post(ep, w, 1);
	*byte ^= number == mid.spoil_at;
	return ret;
}

/* Which loop has not: carried out in this process's memory. */
static int client_adds(const struct work *w)
{
	uint64_t *far = (uint64_t *)(uintptr_t)w->remote_addr;
	uint64_t found = (*far)++;

	if (++mid.sends == mid.spoil_at)
		found += mid.wrong_by;
	memcpy(w->sges[0].addr, &found, sizeof(found));
	assert_true(n_lost < N_OF(lost));
	lost[n_lost++] = (struct comp){.cookie = w->cookie,
				       .op = OP_FETCH_ADD,
				       .lane = (uint16_t)w->lane};
	return 0;
}

/* Likewise: reads and writes. */
static int client_moves(const struct work *w)
{
	void *far = (void *)(uintptr_t)w->remote_addr;
	const struct sge *near = w->sges;

	if (w->op == OP_WRITE)
		memcpy(far, near->addr, near->len);
	else
		memcpy(near->addr, far, near->len);
	assert_true(n_lost < N_OF(lost));
	lost[n_lost++] = (struct comp){
		.cookie = w->cookie, .op = w->op, .lane = (uint16_t)w->lane};
	if (w->op == OP_WRITE)
		mid.where = mid.where * 31 + w->remote_addr - ss.table[0].addr;
	if (w->op == OP_READ && n_lost > mid.most)
		mid.most = n_lost;
	mid.read_on |= w->op == OP_READ ? 1u << w->lane : 0;
	return 0;
}

static void take_time(void)
{
	const uint64_t halves = mid.slow_losses ? mid.slow_losses : 3;
	const struct timespec slow = {
		.tv_nsec = (long)(halves * WINDOW_LOSS_NS / 2)};

	nanosleep(&slow, NULL);
}

static int mid_post(struct ep *ep, const struct work *w, unsigned n)
{
	if (ep == client.ep && w->op == OP_SEND)
		return client_sends(ep, w);
	if (w->op == OP_FETCH_ADD)
		return client_adds(w);
	if (w->op == OP_WRITE || w->op == OP_READ)
		return client_moves(w);
	if (ep == server.ep && w->op == OP_SEND &&
	    ++mid.answers > mid.most_answers)
		mid.most_answers = mid.answers;
	if (ep == server.ep && w->op == OP_SEND && mid.slow_at &&
	    !--mid.slow_at)
		take_time();
	if (ep == server.ep && ss.inbox) {
		bool *busy = &mid.answers_from[w->cookie];

		mid.reused |= w->op == OP_RECV && *busy;
		*busy |= w->op == OP_SEND;
	}
	return loop->post(ep, w, n);
}

/* Receives are handed on, completed sends put aside; one of them is given when
 * the lane has all that it may have, and nothing else comes. */
static int complete_late(struct comp *comp, int got)
{
	int i, n = 0;

	for (i = 0; i < got; i++)
		if (comp[i].op == OP_RECV)
			comp[n++] = comp[i];
		else
			late[n_late++] = comp[i];
	assert_true(n_late < N_OF(late));
	quiet = n ? 0 : quiet + 1;
	if (quiet < QUIET_POLLS || n_late < mid.most_late)
		return n;
	quiet = 0;
	mid.answers--;
	comp[0] = late[--n_late];
	mid.answers_from[comp[0].cookie] = false;
	return 1;
}

static int mid_poll(struct ep *ep, struct comp *comp, unsigned n)
{
	int i, got;

	if (ep == client.ep && n_lost && clock_raw_ns() > held_until) {
		comp[0] = lost[0];
		memmove(lost, lost + 1, --n_lost * sizeof(lost[0]));
		return 1;
	}
	mid.served |= ep == server.ep;
	got = loop->poll(ep, comp, n);
	if (ep == server.ep && mid.late)
		return complete_late(comp, got);
	for (i = 0; ep == client.ep && i < got; i++)
		mid.on_way[comp[i].lane] -= comp[i].op == OP_RECV;
	return got;
}

static void open_end(struct end *e, enum role role, struct blob *blob)
{
	const struct loop_link link = {
		.lanes = attr.lanes,
		.send_depth = spread_send_depth(&attr),
		.recv_depth = spread_depth(&attr),
		.max_bytes = attr.size,
		.between = &between,
	};

	open_loop_end(e, role, &link, blob);
	e->seed = seed;
	e->ep->caps.lossy = mid.lossy;
}

static void open_both(void)
{
	struct blob a, b;
	struct err err;

	open_end(&client, ROLE_ACTIVE, &a);
	open_end(&server, ROLE_PASSIVE, &b);
	assert_int_equal(spread_init(&cs, &client, &attr, &err), 0);
	assert_int_equal(spread_init(&ss, &server, &attr, &err), 0);
	connect_loop(&a, &b);
}

static void close_both(void)
{
	spread_fini(&cs);
	spread_fini(&ss);
	close_loop();
}

static int run_client(const struct phase *ph, struct err *err)
{
	return spread_client(&cs, ph, err);
}

static int run_server(const struct phase *ph, struct err *err)
{
	return spread_server(&ss, ph, err);
}

static int run_ph(const struct phase *ph, struct err *err)
{
	static const struct loop_phase both = {run_client, run_server};
	struct served s;
	int ret;

	mid.served = false;
	ret = run_phase(&both, ph, err, &s);
	if (s.ret)
		fail_msg("server: %s", s.err.text);
	return ret;
}

static int run(uint64_t n, struct err *err)
{
	const struct phase ph = ops(n);

	return run_ph(&ph, err);
}

static int setup(void **state)
{
	(void)state;
	memset(&mid, 0, sizeof(mid));
	n_lost = n_late = quiet = 0;
	held_until = 0;
	point_defaults(&pt, scenario_find("sendrecv"));
	attr = (struct spread_attr){.op = OP_SEND,
				    .size = 100,
				    .lanes = 4,
				    .outstanding = 16,
				    .regions = 1,
				    .memory = SPREAD_PAGE,
				    .verify = VERIFY_EACH};
	return 0;
}

/* More lanes than outstanding, as many, fewer: a lane has its share at most,
 * and every operation is answered once. */
static void lanes_and_windows(void **state)
{
	static const struct {
		unsigned lanes, outstanding, most;
	} t[] = {{1, 1, 1}, {16, 4, 1}, {4, 4, 1}, {4, 16, 4}, {1, 8, 8}};
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(t); i++) {
		memset(&mid, 0, sizeof(mid));
		attr.lanes = t[i].lanes;
		attr.outstanding = t[i].outstanding;
		open_both();
		assert_int_equal(run(3, &why), 0);
		assert_int_equal(run(200, &why), 0);
		assert_int_equal(client.tally.latency.count, 200);
		assert_int_equal(client.tally.value[METRIC_OPS], 200);
		assert_int_equal(server.tally.value[METRIC_OPS], 200);
		assert_int_equal(client.tally.value[METRIC_VERIFIED], 200);
		assert_int_equal(cs.most, t[i].outstanding);
		assert_int_equal(mid.most, t[i].most);
		close_both();
	}
}

/* Fewer receives than may be on their way: what is begun without one is
 * counted, and is answered all the same where the link waits for it. */
static void too_few_receives(void **state)
{
	(void)state;
	attr.receives = 1;
	open_both();
	assert_int_equal(ss.n_recvs, attr.lanes);
	assert_int_equal(run(100, &why), 0);
	assert_int_equal(client.tally.latency.count, 100);
	/* The first of each lane has one; the others of the window have not. */
	assert_true(cs.ahead >= attr.outstanding - attr.lanes);
	close_both();
	attr.receives = 0;
	open_both();
	assert_int_equal(run(100, &why), 0);
	assert_int_equal(cs.ahead, 0);
	close_both();
}

/* Acknowledgements that come late, or only with the next ones: a lane never
 * has more answers on their way than it was opened for. */
static void late_completions(void **state)
{
	(void)state;
	attr.lanes = 1;
	attr.outstanding = 4;
	mid.late = true;
	mid.most_late = spread_send_depth(&attr);
	open_both();
	assert_int_equal(run(60, &why), 0);
	assert_int_equal(client.tally.latency.count, 60);
	assert_int_equal(server.tally.value[METRIC_OPS], 60);
	assert_int_equal(mid.most_answers, spread_send_depth(&attr));
	close_both();
}

/* A receive of all lanes may be taken by any of them while an answer is sent
 * again: it has no memory in common with one that is not complete. */
static void shared_receives(void **state)
{
	(void)state;
	attr.lanes = 1;
	attr.outstanding = 4;
	attr.shared_recv = true;
	mid.late = true;
	mid.most_late = attr.outstanding; /* as many as there are spare ones */
	open_both();
	assert_int_equal(run(60, &why), 0);
	assert_int_equal(client.tally.value[METRIC_VERIFIED], 60);
	assert_int_equal(ss.n_recvs, attr.outstanding);
	assert_int_equal(mid.most_answers, attr.outstanding);
	assert_false(mid.reused);
	close_both();
}

/* Where a write's completion says nothing, a read on each lane does: all of
 * them at once, or as many as there are slots. */
static void flushes(void **state)
{
	static const struct {
		unsigned lanes, outstanding, most;
	} t[] = {{4, 16, 4}, {16, 4, 4}, {1, 1, 1}};
	size_t i;

	(void)state;
	attr.op = OP_WRITE;
	for (i = 0; i < N_OF(t); i++) {
		memset(&mid, 0, sizeof(mid));
		attr.lanes = t[i].lanes;
		attr.outstanding = t[i].outstanding;
		open_both();
		client.ep->caps.acknowledged = false;
		assert_int_equal(run(32, &why), 0);
		assert_int_equal(mid.most, t[i].most);
		assert_int_equal(mid.read_on, (1u << t[i].lanes) - 1);
		assert_int_equal(spread_verify(&ss, &why), 0);
		close_both();
	}
}

static uint64_t where(uint64_t with)
{
	seed = with;
	mid.where = 0;
	open_both();
	assert_int_equal(run(100, &why), 0);
	close_both();
	return mid.where;
}

/* Else several at once, and each trial, find what the one before has warmed. */
static void units_by_seed(void **state)
{
	uint64_t one;

	(void)state;
	attr.op = OP_WRITE;
	attr.memory = 64 * SPREAD_PAGE;
	one = where(1);
	assert_int_equal(where(1), one);
	assert_int_not_equal(where(2), one);
}

static void spoilt(void **state)
{
	(void)state;
	mid.spoil_at = mid.stale_at ? 0 : 20;
	open_both();
	assert_int_equal(run(100, &why), -EBADMSG);
	assert_int_equal(why.reason, REASON_VERIFY_FAILED);
	close_both();
}

static void stale_tail(void **state)
{
	mid.stale_at = 20;
	spoilt(state);
}

static void losses(void **state)
{
	(void)state;
	mid.lossy = true;
	mid.drop_every = 25;
	open_both();
	assert_int_equal(run(100, &why), 0);
	assert_int_equal(mid.dropped, 4);
	assert_true(cs.lost >= 4); /* late is lost, on a busy machine */
	assert_int_equal(client.tally.latency.count, 100 - cs.lost);
	/* What was lost is no operation; what the server answered is no more
	 * of one. */
	assert_int_equal(client.tally.value[METRIC_OPS], 100 - cs.lost);
	assert_int_equal(client.tally.value[METRIC_PAYLOAD],
			 (100 - cs.lost) * attr.size);
	assert_int_equal(ss.done, 96);
	assert_false(tally_has(&server.tally, METRIC_OPS));
	close_both();
}

/* Nothing is lost: what is slow is given up, but comes after all.  (A busy
 * machine may make it so slow that its slot gives up two: then again.) */
static void late_is_not_lost(void **state)
{
	unsigned tries = 20;

	(void)state;
	mid.lossy = true;
	do {
		mid.slow_at = 20;
		open_both();
		assert_int_equal(run(200, &why), 0);
		assert_int_equal(client.tally.value[METRIC_OPS], 200 - cs.lost);
		assert_int_equal(client.tally.latency.count, 200 - cs.lost);
		close_both();
	} while (cs.lost && --tries);
	assert_int_equal(cs.lost, 0);
	assert_true(client.tally.latency.max > WINDOW_LOSS_NS);
}

/* What leaves late is not given up before, or its completion would be half of
 * the next one in its slot, which was then done without an answer. */
static void leaves_late(void **state)
{
	(void)state;
	mid.lossy = true;
	mid.drop_every = mid.hold_at = 5;
	attr.lanes = attr.outstanding = 1;
	open_both();
	assert_int_equal(run(12, &why), 0);
	assert_int_equal(client.tally.value[METRIC_OPS], 12 - cs.lost);
	assert_int_equal(cs.verified, cs.done);
	close_both();
}

/* Answers that come when their slot has given up another are no operations,
 * and their payloads are nobody's. */
static void later_than_the_next(void **state)
{
	(void)state;
	mid.lossy = true;
	mid.slow_at = 5;
	mid.slow_losses = 7;
	attr.lanes = attr.outstanding = 1;
	open_both();
	assert_int_equal(run(12, &why), 0);
	assert_true(cs.lost >= 1);
	assert_int_equal(client.tally.value[METRIC_OPS], 12 - cs.lost);
	assert_int_equal(cs.verified, cs.done);
	close_both();
}

/* What is waited for in vain at the end is not the others' time. */
static void last_is_lost(void **state)
{
	uint64_t begin;
	(void)state;
	mid.lossy = true;
	mid.drop_from = 10;
	attr.lanes = attr.outstanding = 1;
	open_both();
	begin = clock_raw_ns();
	assert_int_equal(run(10, &why), 0);
	assert_true(client.tally.value[METRIC_ELAPSED] + WINDOW_LOSS_NS <=
		    clock_raw_ns() - begin);
	assert_true(cs.lost >= 1);
	assert_int_equal(client.tally.value[METRIC_OPS], 10 - cs.lost);
	close_both();
}

/* But a link that dies early is no fast one.  (If all is late: then again.) */
static void dies_early(void **state)
{
	const struct phase ph = {.measured = true,
				 .min_ops = 1,
				 .max_ops = UINT64_MAX,
				 .max_ns = 20000000};
	unsigned tries = 20;
	int ret;

	do {
		setup(state);
		mid.lossy = true;
		mid.drop_from = 10;
		open_both();
		ret = run_ph(&ph, &why);
		close_both();
	} while (ret == -ETIMEDOUT && --tries);
	assert_int_equal(ret, 0);
	assert_true(cs.done && cs.done < 10);
	assert_true(client.tally.value[METRIC_ELAPSED] >= ph.max_ns);
}

static void nothing_arrives(void **state)
{
	(void)state;
	mid.lossy = true;
	mid.drop_from = 1;
	open_both();
	assert_int_equal(run(attr.outstanding, &why), -ETIMEDOUT);
	assert_int_equal(why.reason, REASON_LINK_FAILED);
	assert_non_null(strstr(why.text, "none of 16 requests"));
	close_both();
}

/* Not for as long as it takes to lose each of a million. */
static void no_more_arrives(void **state)
{
	(void)state;
	mid.lossy = true;
	mid.drop_from = 5;
	pt.trial.op_timeout_ns = 100000000;
	open_both();
	assert_int_equal(run(1000000, &why), -ETIMEDOUT);
	assert_int_equal(why.reason, REASON_LINK_FAILED);
	assert_non_null(strstr(why.text, "--op-timeout"));
	close_both();
}

/* One word, four lanes: all that was found, over both phases, is 0 to n - 1. */
static int add_up(uint64_t wrong_by, struct err *err)
{
	int ret;

	attr.op = OP_FETCH_ADD;
	attr.size = sizeof(uint64_t);
	mid.spoil_at = 50;
	mid.wrong_by = wrong_by;
	open_both();
	ret = run(3, err);
	if (!ret)
		ret = run(200, err);
	if (!ret)
		ret = spread_check_adds(&cs.adds, err);
	close_both();
	return ret;
}

static void found_is_a_permutation(void **state)
{
	(void)state;
	assert_int_equal(add_up(0, &why), 0);
	assert_int_equal(cs.adds.n, 203);
	assert_int_equal(client.tally.value[METRIC_VERIFIED], 200);
}

/* Twice, so that another is lost: found by the sum over all lanes, though on
 * its own lane the value was not out of order. */
static void found_twice(void **state)
{
	(void)state;
	assert_int_equal(add_up((uint64_t)-1, &why), -EBADMSG);
	assert_non_null(strstr(why.text, "each once"));
	assert_int_equal(cs.adds.n, 203);
}

static void found_out_of_order(void **state)
{
	(void)state;
	assert_int_equal(add_up((uint64_t)-16, &why), -EBADMSG);
	assert_non_null(strstr(why.text, "the one before it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lanes_and_windows, setup),
		cmocka_unit_test_setup(too_few_receives, setup),
		cmocka_unit_test_setup(late_completions, setup),
		cmocka_unit_test_setup(shared_receives, setup),
		cmocka_unit_test_setup(flushes, setup),
		cmocka_unit_test_setup(units_by_seed, setup),
		cmocka_unit_test_setup(spoilt, setup),
		cmocka_unit_test_setup(stale_tail, setup),
		cmocka_unit_test_setup(losses, setup),
		cmocka_unit_test_setup(late_is_not_lost, setup),
		cmocka_unit_test_setup(leaves_late, setup),
		cmocka_unit_test_setup(later_than_the_next, setup),
		cmocka_unit_test_setup(found_is_a_permutation, setup),
		cmocka_unit_test_setup(found_twice, setup),
		cmocka_unit_test_setup(found_out_of_order, setup),
		cmocka_unit_test_setup(last_is_lost, setup),
		cmocka_unit_test_setup(dies_early, setup),
		cmocka_unit_test_setup(nothing_arrives, setup),
		cmocka_unit_test_setup(no_more_arrives, setup),
	};

	loop = transport_find("loop");
	between = *loop;
	between.post = mid_post;
	between.poll = mid_poll;
	between.reg = reg_for_peer;
	clock_init_raw(&clk);
	return cmocka_run_group_tests_name("spread", tests, NULL, NULL);
}
