/* The window and the ping-pong over the loop transport, both ends in one
 * process: exact counts, credit, losses, and payloads that are spoilt. */
#include "loop_pair.h"

#include <errno.h>

#include "run/scenario.h"
#include "work/pingpong.h"
#include "work/window.h"

static struct window cw, sw;
static struct pingpong cp, sp;
static struct window_attr attr;
static struct pingpong_attr ping;
static bool pings;

/* Between an end and its link. */
static struct transport between;
static struct {
	uint64_t bells[2];	       /* calls of post, by role */
	_Atomic uint64_t recvs, sends; /* posted: server's, client's */
	bool lossy, no_credit;	       /* what happened without credit */
	unsigned drop_every, extra_bell,
		extra_bytes; /* of the client's sends */
	uint64_t dropped;
	unsigned spoil_at; /* the client's n-th send is spoilt */
	uint64_t writes, reads;
} mid;

/* A device that has the whole of the latest write, and has written only its
 * begin to memory: the rest follows with the next, or with a read. */
static struct {
	char *to;
	const char *from;
	size_t len;
} late;
enum { EARLY_BYTES = 8 };

static void *far(const struct work *w)
{
	return (void *)(uintptr_t)w->remote_addr; /* one process */
}

static void write_late(void)
{
	if (late.len)
		memcpy(late.to, late.from, late.len);
	late.len = 0;
}

static void remote_one(const struct work *w)
{
	const struct sge *s = w->sges;

	write_late();
	if (w->op == OP_READ) {
		memcpy(s->addr, far(w), s->len);
		mid.reads++;
		return;
	}
	memcpy(far(w), s->addr, EARLY_BYTES);
	late.to = (char *)far(w) + EARLY_BYTES;
	late.from = (char *)s->addr + EARLY_BYTES;
	late.len = s->len - EARLY_BYTES;
	mid.writes++;
}

/* A message that is lost completes all the same. */
static struct comp lost[64];
static unsigned n_lost;

/* What the link would count of it. */
static void count(struct ep *ep, const struct work *w)
{
	unsigned i;

	ep->counts.posts++;
	for (i = 0; i < w->n_sges; i++)
		ep->counts.bytes_sent += w->sges[i].len;
}

static int send_one(struct ep *ep, const struct work *w, uint64_t number)
{
	char *byte = w->n_sges ? (char *)w->sges[0].addr + 9 : NULL;
	int ret;

	if (mid.drop_every && number % mid.drop_every == 0) {
		mid.dropped++;
		count(ep, w);
		if (w->flags & WORK_SIGNAL)
			lost[n_lost++] = (struct comp){.cookie = w->cookie,
						       .op = (uint8_t)w->op};
		return 0;
	}
	if (mid.spoil_at && number == mid.spoil_at)
		*byte ^= 1;
	ret = loop->post(ep, w, 1);
	if (mid.spoil_at && number == mid.spoil_at)
		*byte ^= 1;
	return ret;
}

static int client_remotes(struct ep *ep, const struct work *w, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++) {
		remote_one(&w[i]);
		count(ep, &w[i]);
		if (w[i].flags & WORK_SIGNAL)
			lost[n_lost++] = (struct comp){.cookie = w[i].cookie,
						       .op = (uint8_t)w[i].op};
	}
	return 0;
}

static int client_sends(struct ep *ep, const struct work *w, unsigned n)
{
	unsigned i;
	int ret = 0;

	mid.sends += n;
	mid.no_credit |= mid.sends - mid.dropped > mid.recvs;
	for (i = 0; !ret && i < n; i++)
		ret = send_one(ep, &w[i], mid.sends - n + i + 1);
	return ret;
}

static int mid_post(struct ep *ep, const struct work *w, unsigned n)
{
	const bool is_client = ep == client.ep;
	int ret;

	mid.bells[is_client] += 1 + (is_client ? mid.extra_bell : 0);
	if (!is_client && w->op == OP_RECV)
		mid.recvs += n;
	if (is_client && (w->op == OP_WRITE || w->op == OP_READ))
		ret = client_remotes(ep, w, n);
	else if (!w->n_sges)
		ret = 0; /* loop has no empty messages */
	else
		ret = is_client && w->op != OP_RECV ? client_sends(ep, w, n)
						    : loop->post(ep, w, n);
	ep->counts.doorbells = mid.bells[is_client];
	ep->counts.bytes_sent += is_client ? mid.extra_bytes : 0;
	return ret;
}

static int mid_poll(struct ep *ep, struct comp *comp, unsigned n)
{
	int ret;

	if (ep == client.ep && n_lost) {
		comp[0] = lost[0];
		memmove(lost, lost + 1, --n_lost * sizeof(lost[0]));
		return 1;
	}
	ret = loop->poll(ep, comp, n);
	ep->counts.doorbells = mid.bells[ep == client.ep];
	return ret;
}

static void open_end(struct end *e, enum role role, struct blob *blob)
{
	const struct loop_link link = {
		.lanes = 1,
		.send_depth = pings ? 128 : window_send_depth(&attr),
		.recv_depth = pings ? PINGPONG_RECVS : window_recv_depth(&attr),
		.max_bytes = 65536,
		.between = &between,
	};

	open_loop_end(e, role, &link, blob);
	e->ep->caps.lossy = mid.lossy;
	strcpy(e->ep->caps.qp_type, "RC"); /* counts are compared */
}

static void init_work(void)
{
	struct err err;
	int ret;

	if (pings)
		ret = pingpong_init(&cp, &client, &ping, &err) ||
		      pingpong_init(&sp, &server, &ping, &err);
	else
		ret = window_init(&cw, &client, &attr, &err) ||
		      window_init(&sw, &server, &attr, &err);
	if (ret)
		fail_msg("%s", err.text);
}

static void open_both(void)
{
	struct blob a, b;

	open_end(&client, ROLE_ACTIVE, &a);
	open_end(&server, ROLE_PASSIVE, &b);
	init_work();
	connect_loop(&a, &b);
}

static void close_both(void)
{
	if (pings) {
		pingpong_fini(&cp);
		pingpong_fini(&sp);
	} else {
		window_fini(&cw);
		window_fini(&sw);
	}
	close_loop();
}

static int run_client(const struct phase *ph, struct err *err)
{
	return pings ? pingpong_client(&cp, ph, err)
		     : window_client(&cw, ph, err);
}

static int run_server(const struct phase *ph, struct err *err)
{
	int ret = pings ? pingpong_server(&sp, ph, err)
			: window_server(&sw, ph, err);

	if (ret)
		finished = true;
	return ret;
}

static int run(uint64_t n, struct err *err, struct served *s)
{
	static const struct loop_phase both = {run_client, run_server};
	const struct phase ph = ops(n);

	return run_phase(&both, &ph, err, s);
}

static void good(uint64_t n)
{
	struct served s;
	struct err err;

	if (run(n, &err, &s))
		fail_msg("client: %s", err.text);
	if (s.ret)
		fail_msg("server: %s", s.err.text);
}

static int setup(void **state)
{
	(void)state;
	memset(&mid, 0, sizeof(mid));
	memset(&late, 0, sizeof(late));
	n_lost = 0;
	pings = false;
	point_defaults(&pt, scenario_find("sendrecv"));
	pt.trial.op_timeout_ns = 2000000000;
	attr = (struct window_attr){.op = OP_SEND,
				    .size = 64,
				    .outstanding = 8,
				    .post_list = 4,
				    .sges = 1,
				    .signal_every = 2,
				    .verify = VERIFY_EACH};
	ping = (struct pingpong_attr){
		.op = OP_SEND, .size = 64, .sges = 1, .verify = VERIFY_EACH};
	return 0;
}

/* --- window ---------------------------------------------------------------- */

/* A device writes a second credit before the first one is taken: believed too
 * early, it would end the phase with its own arrival uncounted. */
static void credits_do_not_overwrite_each_other(void **state)
{
	unsigned i, k;

	(void)state;
	open_both();
	assert_true(cw.n_rx > 1);
	for (i = 0; i < cw.n_rx; i++) {
		const char *at = cw.recv_sges[i].addr;

		assert_true(at >= (char *)cw.mem.addr &&
			    at + sizeof(uint64_t) <=
				    (char *)cw.mem.addr + cw.mem.len);
		for (k = 0; k < i; k++)
			assert_ptr_not_equal(at, cw.recv_sges[k].addr);
	}
	close_both();
}

/* Operations, lists, outstanding; the last list is as long as what is left. */
static void exact(void **state)
{
	static const struct {
		unsigned outstanding, list, every;
		uint64_t n, lists;
	} t[] = {
		{8, 4, 2, 100, 25},  {8, 4, 2, 10, 3}, {1, 1, 1, 7, 7},
		{64, 64, 32, 64, 1}, {7, 3, 3, 20, 7}, {5, 1, 3, 1, 1},
	};
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(t); i++) {
		attr.outstanding = t[i].outstanding;
		attr.post_list = t[i].list;
		attr.signal_every = t[i].every;
		mid.recvs = mid.sends = 0;
		memset(mid.bells, 0, sizeof(mid.bells));
		open_both();
		good(3);
		good(t[i].n);
		assert_int_equal(cw.n.done, t[i].n);
		assert_int_equal(cw.n.lists, t[i].lists);
		assert_true(cw.n.most <= t[i].outstanding);
		assert_int_equal(client.tally.latency.count, cw.n.completions);
		assert_int_equal(client.tally.value[METRIC_OPS], t[i].n);
		assert_int_equal(server.tally.value[METRIC_OPS], t[i].n);
		assert_int_equal(server.tally.value[METRIC_VERIFIED], t[i].n);
		assert_false(mid.no_credit);
		close_both();
	}
}

static void sizes_and_pieces(void **state)
{
	static const size_t size[] = {1, 7, 8, 63, 64, 65, 5000, 60000};
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(size); i++) {
		attr.size = size[i];
		attr.sges = size[i] < 7 ? 1 : 7;
		open_both();
		good(30);
		assert_int_equal(server.tally.value[METRIC_VERIFIED], 30);
		close_both();
	}
}

static void spoilt(void **state)
{
	struct served s;
	struct err err;

	(void)state;
	mid.spoil_at = 5;
	open_both();
	pt.trial.op_timeout_ns = 100000000;
	assert_true(run(20, &err, &s) < 0); /* it waits for credit in vain */
	assert_int_equal(s.ret, -EBADMSG);
	assert_int_equal(s.err.reason, REASON_VERIFY_FAILED);
	close_both();
}

static void doorbell_too_many(void **state)
{
	struct served s;
	struct err err;

	(void)state;
	mid.extra_bell = 1;
	open_both();
	assert_int_equal(run(20, &err, &s), -EBADMSG);
	assert_int_equal(err.reason, REASON_MISCOUNT);
	close_both();
}

/* Of payload and credit alone: whatever else goes along would be in the
 * rate. */
static void bytes_are_counted(void **state)
{
	struct served s;
	struct err err;

	(void)state;
	mid.extra_bytes = 1;
	open_both();
	assert_int_equal(run(20, &err, &s), -EBADMSG);
	assert_int_equal(err.reason, REASON_MISCOUNT);
	assert_words(&err, "payload");
	close_both();
}

/* What is lost is counted, waited for once, and never sent again. */
static void losses(void **state)
{
	(void)state;
	mid.lossy = true;
	mid.drop_every = 7;
	open_both();
	good(40);
	assert_int_equal(mid.dropped, 5);
	assert_true(cw.n.lost >= 5); /* late is lost, on a busy machine */
	assert_int_equal(cw.n.done, 40);
	assert_int_equal(server.tally.value[METRIC_OPS], 35);
	assert_int_equal(server.tally.value[METRIC_PAYLOAD], 35 * cw.a.size);
	assert_int_equal(client.tally.value[METRIC_PAYLOAD], 40 * cw.a.size);
	close_both();
}

/* A write is complete at the device; a read makes sure of the memory, once
 * and before what was written is looked at. */
static void complete_is_not_yet_there(void **state)
{
	struct err err;

	(void)state;
	attr.op = OP_WRITE;
	open_both();
	client.ep->caps.acknowledged = true;
	assert_true(cw.n_rx > 10); /* each to memory that is zero */
	good(10);
	assert_int_equal(mid.writes, 10);
	assert_int_equal(mid.reads, 0); /* nothing of it is timed */
	assert_int_equal(window_verify(&sw, &err), -EBADMSG);
	assert_int_equal(window_flush(&cw, &err), 0);
	assert_int_equal(mid.reads, 1);
	server.verified = 0;
	assert_int_equal(window_verify(&sw, &err), 0);
	assert_true(tally_has(&server.tally, METRIC_VERIFIED));
	assert_int_equal(server.verified, 10);
	close_both();
	memset(mid.bells, 0, sizeof(mid.bells));
	open_both(); /* where complete is sent, it is part of the phase */
	good(10);
	assert_int_equal(mid.reads, 2);
	assert_int_equal(window_verify(&sw, &err), 0);
	close_both();
}

/* Nobody could say how many of them arrived. */
static void no_writes_that_may_be_lost(void **state)
{
	struct blob a;
	struct err err;

	(void)state;
	attr.op = OP_WRITE;
	mid.lossy = true;
	open_end(&client, ROLE_ACTIVE, &a);
	assert_int_equal(window_init(&cw, &client, &attr, &err), -EOPNOTSUPP);
	assert_int_equal(err.reason, REASON_NOT_IN_TRANSPORT);
	window_fini(&cw);
	loop->close(client.ep);
}

static void bad_token(void **state)
{
	struct served s;
	struct err err;

	(void)state;
	open_both();
	client.peer_token.len = 3;
	assert_int_equal(run(5, &err, &s), -EPROTO);
	close_both();
}

/* --- ping-pong -------------------------------------------------------------- */

static void over_and_back(void **state)
{
	static const size_t size[] = {1, 7, 8, 64, 5000};
	size_t i;

	(void)state;
	pings = true;
	for (i = 0; i < N_OF(size); i++) {
		ping.size = size[i];
		open_both();
		good(2);
		good(50);
		assert_int_equal(client.tally.latency.count, 50);
		assert_int_equal(client.tally.value[METRIC_VERIFIED], 50);
		assert_int_equal(server.tally.value[METRIC_VERIFIED], 50);
		close_both();
	}
}

static void lost_pings(void **state)
{
	(void)state;
	pings = true;
	mid.lossy = true;
	mid.drop_every = 10;
	open_both();
	good(30);
	/* On a busy machine an answer may be too late as well. */
	assert_true(cp.lost >= 3);
	assert_int_equal(client.tally.latency.count, 30 - cp.lost);
	assert_int_equal(server.tally.value[METRIC_OPS], 30 - mid.dropped);
	close_both();
}

/* What is lost must not be taken for there because something behind it is:
 * one message, with its payload, says so. */
static void a_write_tells_of_itself(void **state)
{
	(void)state;
	pings = true;
	ping.op = OP_WRITE;
	open_both();
	assert_int_equal(cp.n_works, 2); /* in order, or not at all */
	assert_int_equal(cp.works[0].op, OP_WRITE);
	assert_int_equal(cp.works[1].n_sges, 0);
	close_both();
	mid.lossy = true;
	open_both();
	assert_int_equal(cp.n_works, 1);
	assert_int_equal(cp.works[0].op, OP_WRITE_IMM);
	assert_int_equal(cp.works[0].n_sges, 1);
	close_both();
	ping.poll_memory = true;
	open_both();
	assert_int_equal(cp.n_works, 1);
	assert_int_equal(cp.works[0].op, OP_WRITE);
	close_both();
}

static void spoilt_ping(void **state)
{
	struct served s;
	struct err err;

	(void)state;
	pings = true;
	mid.spoil_at = 4;
	pt.trial.op_timeout_ns = 100000000;
	open_both();
	assert_true(run(20, &err, &s) < 0);
	assert_int_equal(s.ret, -EBADMSG);
	close_both();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(exact, setup),
		cmocka_unit_test_setup(credits_do_not_overwrite_each_other,
				       setup),
		cmocka_unit_test_setup(sizes_and_pieces, setup),
		cmocka_unit_test_setup(spoilt, setup),
		cmocka_unit_test_setup(doorbell_too_many, setup),
		cmocka_unit_test_setup(bytes_are_counted, setup),
		cmocka_unit_test_setup(losses, setup),
		cmocka_unit_test_setup(complete_is_not_yet_there, setup),
		cmocka_unit_test_setup(no_writes_that_may_be_lost, setup),
		cmocka_unit_test_setup(bad_token, setup),
		cmocka_unit_test_setup(over_and_back, setup),
		cmocka_unit_test_setup(lost_pings, setup),
		cmocka_unit_test_setup(a_write_tells_of_itself, setup),
		cmocka_unit_test_setup(spoilt_ping, setup),
	};

	loop = transport_find("loop");
	between = *loop;
	between.post = mid_post;
	between.reg = reg_for_peer;
	between.poll = mid_poll;
	clock_init_raw(&clk);
	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
