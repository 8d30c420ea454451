/* The two ends of a spread in one process, over lanes of the loop transport;
 * what stands between the client and its link loses, spoils and delays what a
 * test says (`mid`). */
#ifndef TESTS_UNIT_SPREAD_PAIR_H
#define TESTS_UNIT_SPREAD_PAIR_H

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

static void init_spread(void)
{
	loop = transport_find("loop");
	between = *loop;
	between.post = mid_post;
	between.poll = mid_poll;
	between.reg = reg_for_peer;
	clock_init_raw(&clk);
}

#endif
