/* A window whose operations are complete at once never waits for them: whether
 * its peer hears of it all the same. */
#include "loop_device.h"

#include "run/scenario.h"
#include "work/window.h"

static const struct window_attr attr = {
	.op = OP_WRITE,
	.size = 64,
	.outstanding = 1,
	.post_list = 1,
	.sges = 1,
	.signal_every = 1,
	.verify = VERIFY_NONE,
};
static struct transport between;
static struct window cw, sw;
static unsigned pulses;

static int counting_pulse(void *arg, bool progressed, struct err *err)
{
	pulses += progressed;
	return client_pulse(arg, progressed, err);
}

static void open_end(struct end *e, struct window *w, enum role role,
		     struct blob *blob)
{
	const struct loop_link link = {
		.lanes = 1,
		.send_depth = window_send_depth(&attr),
		.recv_depth = window_recv_depth(&attr),
		.max_bytes = 4096,
		.between = &between,
	};
	struct err err;

	open_loop_end(e, role, &link, blob);
	strcpy(e->ep->caps.qp_type, "RC");
	if (window_init(w, e, &attr, &err))
		fail_msg("%s", err.text);
}

static int run_client(const struct phase *ph, struct err *err)
{
	return window_client(&cw, ph, err);
}

static int run_server(const struct phase *ph, struct err *err)
{
	return window_server(&sw, ph, err);
}

/* The server of writes has nothing to do but hear whether the client lives. */
static void who_never_waits_is_heard(void **state)
{
	static const struct loop_phase both = {run_client, run_server};
	const struct phase ph = {.measured = true,
				 .max_ops = UINT64_MAX,
				 .max_ns = 2 * END_LOOK_NS};
	struct blob a, b;
	struct served s;
	struct err err;

	(void)state;
	devices_renew();
	open_end(&client, &cw, ROLE_ACTIVE, &a);
	open_end(&server, &sw, ROLE_PASSIVE, &b);
	connect_loop(&a, &b);
	client.pulse = counting_pulse;
	if (run_phase(&both, &ph, &err, &s))
		fail_msg("%s", err.text);
	assert_true(pulses >= 1);
	window_fini(&cw);
	window_fini(&sw);
	close_loop();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_never_waits_is_heard),
	};

	between = device_transport();
	clock_init_raw(&clk);
	point_defaults(&pt, scenario_find("sendrecv"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
