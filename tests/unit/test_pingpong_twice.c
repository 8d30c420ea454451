/* Messages that come twice, or before the completions of what was sent, over a
 * link that may lose them. */
#include "loop_device.h"

#include "run/scenario.h"
#include "work/pingpong.h"

enum { OPS = 200, TWICE_EVERY = 10 };

static struct transport between;
static struct pingpong cp, sp;
static unsigned send_depth = 128;

static void open_end(struct end *e, struct pingpong *p, enum role role,
		     struct blob *blob)
{
	static const struct pingpong_attr attr = {
		.op = OP_SEND,
		.size = 64,
		.sges = 1,
		.verify = VERIFY_EACH,
	};
	const struct loop_link link = {
		.lanes = 1,
		.send_depth = send_depth,
		.recv_depth = PINGPONG_RECVS,
		.max_bytes = 4096,
		.between = &between,
	};
	struct err err;

	open_loop_end(e, role, &link, blob);
	e->ep->caps.lossy = true;
	if (pingpong_init(p, e, &attr, &err))
		fail_msg("%s", err.text);
}

static int run_client(const struct phase *ph, struct err *err)
{
	return pingpong_client(&cp, ph, err);
}

static int run_server(const struct phase *ph, struct err *err)
{
	return pingpong_server(&sp, ph, err);
}

/* A phase of OPS. */
static void play(void)
{
	static const struct loop_phase both = {run_client, run_server};
	const struct phase ph = ops(OPS);
	struct blob a, b;
	struct served s;
	struct err err;

	open_end(&client, &cp, ROLE_ACTIVE, &a);
	open_end(&server, &sp, ROLE_PASSIVE, &b);
	connect_loop(&a, &b);
	if (run_phase(&both, &ph, &err, &s))
		fail_msg("client: %s", err.text);
	if (s.ret)
		fail_msg("server: %s", s.err.text);
	/* On a busy machine some are late. */
	assert_int_equal(client.tally.latency.count, OPS - cp.lost);
	assert_true(cp.lost < OPS / 4);
	pingpong_fini(&cp);
	pingpong_fini(&sp);
	close_loop();
}

/* What comes twice takes a receive twice, and both are posted again: else
 * there would soon be none, and every message lost. */
static void twice(enum role who)
{
	devices[who].repeat_every = TWICE_EVERY;
	devices[!who].repeat_every = 0;
	devices_renew();
	play();
	assert_true(devices[who].repeated >= OPS / TWICE_EVERY / 2);
}

static void answers_come_twice(void **state)
{
	(void)state;
	twice(ROLE_PASSIVE);
}

static void messages_come_twice(void **state)
{
	(void)state;
	twice(ROLE_ACTIVE);
}

/* A message is there, and the queue has no room for its answer: it waits. */
static void sends_complete_late(void **state)
{
	(void)state;
	devices[ROLE_ACTIVE].repeat_every = devices[ROLE_PASSIVE].repeat_every =
		0;
	devices_renew();
	devices[ROLE_ACTIVE].late_sends = true;
	pt.link.tx_depth = send_depth = PINGPONG_WORKS;
	pt.link.signal_every = 1;
	play();
	assert_true(devices[ROLE_ACTIVE].sends >= OPS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_twice),
		cmocka_unit_test(messages_come_twice),
		cmocka_unit_test(sends_complete_late),
	};

	between = device_transport();
	clock_init_raw(&clk);
	point_defaults(&pt, scenario_find("sendrecv"));
	return cmocka_run_group_tests_name("pingpong_twice", tests, NULL, NULL);
}
