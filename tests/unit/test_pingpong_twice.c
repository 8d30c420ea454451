/* Messages that come twice, or late, over a link that may lose them. */
#include "loop_device.h"

#include "run/scenario.h"
#include "work/pingpong.h"

enum { OPS = 200, TWICE_EVERY = 10 };

static struct transport between;
static struct pingpong cp, sp;

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
		.send_depth = 128,
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

/* What comes twice takes a receive twice, and both are posted again: else
 * there would soon be none, and every message lost. */
static void twice(enum role who)
{
	static const struct loop_phase both = {run_client, run_server};
	const struct phase ph = ops(OPS);
	struct blob a, b;
	struct served s;
	struct err err;

	devices[who].repeat_every = TWICE_EVERY;
	devices[!who].repeat_every = 0;
	devices_renew();
	open_end(&client, &cp, ROLE_ACTIVE, &a);
	open_end(&server, &sp, ROLE_PASSIVE, &b);
	connect_loop(&a, &b);
	if (run_phase(&both, &ph, &err, &s))
		fail_msg("client: %s", err.text);
	if (s.ret)
		fail_msg("server: %s", s.err.text);
	assert_true(devices[who].repeated >= OPS / TWICE_EVERY / 2);
	/* On a busy machine some are late. */
	assert_int_equal(client.tally.latency.count, OPS - cp.lost);
	assert_true(cp.lost < OPS / 4);
	pingpong_fini(&cp);
	pingpong_fini(&sp);
	close_loop();
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers_come_twice),
		cmocka_unit_test(messages_come_twice),
	};

	between = device_transport();
	clock_init_raw(&clk);
	point_defaults(&pt, scenario_find("sendrecv"));
	return cmocka_run_group_tests_name("pingpong_twice", tests, NULL, NULL);
}
