/* The window and the ping-pong over the loop transport, both ends in one
 * process: exact counts, credit, losses, and payloads that are spoilt. */
#include "loop_device.h"

#include <errno.h>

#include "run/scenario.h"
#include "work/pingpong.h"
#include "work/scan.h"
#include "work/window.h"
#include "work/window_work.h"

static struct window cw, sw;
static struct pingpong cp, sp;
static struct window_attr attr;
static struct pingpong_attr ping;
static bool pings;

static struct transport between;
static bool lossy;
static struct loop_device *const sender = &devices[ROLE_ACTIVE];

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
	e->ep->caps.lossy = lossy;
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

	devices_renew();
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
	return pings ? pingpong_server(&sp, ph, err)
		     : window_server(&sw, ph, err);
}

static int run_long(const struct phase *ph, struct err *err, struct served *s)
{
	static const struct loop_phase both = {run_client, run_server};

	return run_phase(&both, ph, err, s);
}

static int run(uint64_t n, struct err *err, struct served *s)
{
	const struct phase ph = ops(n);

	return run_long(&ph, err, s);
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
	memset(devices, 0, sizeof(devices));
	lossy = pings = false;
	point_defaults(&pt, scenario_find("sendrecv"));
	pt.trial.op_timeout_ns = 60000000000; /* of a machine that is busy */
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
		{8, 4, 2, 100, 25},
		{8, 4, 2, 10, 3},
		{1, 1, 1, 7, 7},
		{64, 64, 32, 64, 1},
		{7, 3, 3, 20, 7},
		{5, 1, 3, 1, 1},
		/* What is not signalled leaves no room for a list. */
		{15, 15, 8, 100, 7},
		{8, 7, 4, 50, 8},
		{40, 40, 16, 90, 3},
	};
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(t); i++) {
		attr.outstanding = t[i].outstanding;
		attr.post_list = t[i].list;
		attr.signal_every = t[i].every;
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
		assert_false(sender->no_credit);
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

/* A byte of it; or its begin is its own and its end another one's. */
static void spoilt(void **state)
{
	struct served s;
	struct err err;
	int i;

	(void)state;
	for (i = 0; i < 4; i++) {
		pings = i % 2;
		sender->spoil_at = i < 2 ? 5 : 0;
		sender->stale_at = i < 2 ? 0 : 5;
		open_both();
		/* It waits for credit until it hears that. */
		assert_int_equal(run(20, &err, &s), -ECANCELED);
		assert_int_equal(s.ret, -EBADMSG);
		assert_int_equal(s.err.reason, REASON_VERIFY_FAILED);
		close_both();
	}
}

/* Likewise of writes, which are looked at after the phase. */
static void stale_tail_of_a_write(void **state)
{
	struct err err;

	(void)state;
	attr.op = OP_WRITE;
	open_both();
	good(10);
	assert_int_equal(window_flush(&cw, &err), 0);
	assert_int_equal(window_verify(&sw, &err), 0);
	memcpy(sw.rx + 3 * sw.stride - 8, sw.rx + 4 * sw.stride - 8, 8);
	assert_int_equal(window_verify(&sw, &err), -EBADMSG);
	assert_words(&err, "byte 56");
	close_both();
}

static void doorbell_too_many(void **state)
{
	struct served s;
	struct err err;

	(void)state;
	sender->extra_bell = 1;
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
	sender->extra_bytes = 1;
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
	lossy = true;
	sender->drop_every = 7;
	open_both();
	good(40);
	assert_int_equal(sender->dropped, 5);
	assert_true(cw.gone >= 5); /* what is late, too, on a busy machine */
	assert_int_equal(cw.n.done, 40);
	assert_int_equal(server.tally.value[METRIC_OPS], 35);
	assert_int_equal(server.tally.value[METRIC_PAYLOAD], 35 * cw.a.size);
	assert_int_equal(client.tally.value[METRIC_PAYLOAD], 40 * cw.a.size);
	close_both();
}

/* Where only the word of them is lost, they are taken for lost until a later
 * one tells that they did arrive. */
static void lost_credit(void **state)
{
	unsigned i;

	(void)state;
	lossy = true;
	devices[ROLE_PASSIVE].drop_every = 1;
	open_both();
	good(40);
	assert_true(cw.gone > 0);
	devices[ROLE_PASSIVE].drop_every = 0;
	/* More than one where a busy machine is late. */
	for (i = 0; i < 20 && cw.gone; i++)
		good(40);
	assert_int_equal(cw.gone, 0);
	assert_int_equal(sw.arrived, cw.number - 1);
	assert_int_equal(server.tally.value[METRIC_OPS], 40);
	close_both();
}

/* Two that have come, the second of them first: as datagrams may, and nothing
 * else. */
static void out_of_order(void **state)
{
	static const enum qp_type type[] = {QP_UC, QP_UD};
	struct err err;
	size_t i;

	(void)state;
	lossy = true;
	attr.verify = VERIFY_ENDS;
	for (i = 0; i < N_OF(type); i++) {
		pt.link.qp_type = type[i];
		open_both();
		scan_fill(sw.rx, attr.size, WINDOW_SEED);
		scan_stamp_first(sw.rx, attr.size, 2);
		assert_int_equal(window_verify_message(&sw, 0, &err), 0);
		sw.arrived = 1;
		scan_stamp_first(sw.rx, attr.size, 1);
		assert_int_equal(window_verify_message(&sw, 0, &err),
				 type[i] == QP_UD ? 0 : -EBADMSG);
		/* Not what nobody wrote, nor what is spoilt. */
		scan_stamp_first(sw.rx, attr.size, 0);
		assert_int_equal(window_verify_message(&sw, 0, &err), -EBADMSG);
		scan_stamp_first(sw.rx, attr.size, 3);
		sw.rx[attr.size - 1] ^= 1;
		assert_int_equal(window_verify_message(&sw, 0, &err), -EBADMSG);
		close_both();
	}
}

/* The sender's time is no time of theirs. */
static void too_few_for_a_rate(void **state)
{
	(void)state;
	open_both();
	good(1);
	assert_int_equal(server.tally.why[METRIC_ELAPSED], READING_NONE);
	close_both();
	lossy = true;
	open_both();
	good(1);
	assert_int_equal(server.tally.value[METRIC_OPS], 1);
	assert_false(tally_has(&server.tally, METRIC_ELAPSED));
	assert_int_equal(server.tally.why[METRIC_ELAPSED], READING_TOO_FEW);
	close_both();
}

static void losses_of_long_lists(void **state)
{
	(void)state;
	lossy = true;
	sender->drop_every = 7;
	attr.outstanding = attr.post_list = 15;
	attr.signal_every = 8;
	open_both();
	good(40);
	assert_int_equal(cw.n.done, 40);
	assert_int_equal(server.tally.value[METRIC_OPS], 35);
	close_both();
}

/* What is given up as lost is not waited for, but a link that brings nothing
 * at all is. */
static void nothing_arrives(void **state)
{
	const struct phase ph = {.max_ops = UINT64_MAX, .max_ns = 3000000000};
	struct served s;
	struct err err;

	(void)state;
	lossy = true;
	sender->drop_every = 1;
	pt.trial.op_timeout_ns = 150000000;
	open_both();
	assert_int_equal(run_long(&ph, &err, &s), -ETIMEDOUT);
	assert_int_equal(err.reason, REASON_LINK_FAILED);
	assert_words(&err, "--op-timeout");
	close_both();
}

/* A write is complete at the device; a read makes sure of the memory, once
 * and before what was written is looked at. */
static void complete_is_not_yet_there(void **state)
{
	struct tally found;
	struct err err;

	(void)state;
	attr.op = OP_WRITE;
	open_both();
	client.ep->caps.acknowledged = true;
	assert_true(cw.n_rx > 10); /* each to memory that is zero */
	good(10);
	assert_int_equal(sender->writes, 10);
	assert_int_equal(sender->reads, 0); /* nothing of it is timed */
	assert_int_equal(window_verify(&sw, &err), -EBADMSG);
	assert_int_equal(window_flush(&cw, &err), 0);
	assert_int_equal(sender->reads, 1);
	server.verified = 0;
	assert_int_equal(window_verify(&sw, &err), 0);
	assert_true(tally_has(&server.tally, METRIC_VERIFIED));
	assert_int_equal(server.verified, 10);
	found = server.tally;
	tally_set(&found, METRIC_VERIFIED, server.verified);
	client.peer_tallies = &found;
	assert_int_equal(window_verify(&cw, &err), 0);
	/* One of them is in nobody's memory. */
	memset(sw.rx + 2 * sw.stride, 0, sw.stride);
	server.verified = 0;
	assert_int_equal(window_verify(&sw, &err), 0);
	tally_set(&found, METRIC_VERIFIED, server.verified);
	assert_int_equal(window_verify(&cw, &err), -EBADMSG);
	assert_words(&err, "9 payloads");
	client.peer_tallies = NULL;
	close_both();
	open_both(); /* where complete is sent, it is part of the phase */
	good(10);
	assert_int_equal(sender->reads, 1);
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
	lossy = true;
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
	lossy = true;
	sender->drop_every = 10;
	open_both();
	good(30);
	/* On a busy machine an answer may be too late as well. */
	assert_true(cp.lost >= 3);
	assert_int_equal(client.tally.latency.count, 30 - cp.lost);
	assert_int_equal(client.tally.value[METRIC_OPS], 30 - cp.lost);
	assert_int_equal(server.tally.value[METRIC_OPS], 30 - sender->dropped);
	close_both();
}

static void no_ping_comes_back(void **state)
{
	struct served s;
	struct err err;

	(void)state;
	pings = lossy = true;
	sender->drop_every = 1;
	pt.trial.op_timeout_ns = 150000000;
	open_both();
	assert_int_equal(run(20, &err, &s), -ETIMEDOUT);
	assert_int_equal(err.reason, REASON_LINK_FAILED);
	close_both();
}

/* The first that came, at both ends; and none where nobody could say which it
 * is. */
static void lost_pings_are_verified(void **state)
{
	(void)state;
	pings = lossy = true;
	ping.verify = VERIFY_ENDS;
	sender->drop_every = 10;
	open_both();
	good(30);
	assert_int_equal(client.tally.value[METRIC_VERIFIED], 1);
	assert_int_equal(server.tally.value[METRIC_VERIFIED], 1);
	close_both();
	ping.verify = VERIFY_EACH;
	ping.size = 4;
	open_both();
	good(30);
	assert_false(tally_has(&client.tally, METRIC_VERIFIED));
	assert_false(tally_has(&server.tally, METRIC_VERIFIED));
	assert_int_equal(server.tally.why[METRIC_VERIFIED], READING_NO_NUMBER);
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
	lossy = true;
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(exact, setup),
		cmocka_unit_test_setup(credits_do_not_overwrite_each_other,
				       setup),
		cmocka_unit_test_setup(sizes_and_pieces, setup),
		cmocka_unit_test_setup(spoilt, setup),
		cmocka_unit_test_setup(stale_tail_of_a_write, setup),
		cmocka_unit_test_setup(doorbell_too_many, setup),
		cmocka_unit_test_setup(bytes_are_counted, setup),
		cmocka_unit_test_setup(losses, setup),
		cmocka_unit_test_setup(lost_credit, setup),
		cmocka_unit_test_setup(out_of_order, setup),
		cmocka_unit_test_setup(too_few_for_a_rate, setup),
		cmocka_unit_test_setup(losses_of_long_lists, setup),
		cmocka_unit_test_setup(nothing_arrives, setup),
		cmocka_unit_test_setup(complete_is_not_yet_there, setup),
		cmocka_unit_test_setup(no_writes_that_may_be_lost, setup),
		cmocka_unit_test_setup(bad_token, setup),
		cmocka_unit_test_setup(over_and_back, setup),
		cmocka_unit_test_setup(lost_pings, setup),
		cmocka_unit_test_setup(no_ping_comes_back, setup),
		cmocka_unit_test_setup(lost_pings_are_verified, setup),
		cmocka_unit_test_setup(a_write_tells_of_itself, setup),
	};

	between = device_transport();
	clock_init_raw(&clk);
	return cmocka_run_group_tests_name("window", tests, NULL, NULL);
}
