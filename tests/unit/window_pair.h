/* The two ends of a window in one process (loop_device.h); `attr` is the
 * test's. */
#ifndef TESTS_UNIT_WINDOW_PAIR_H
#define TESTS_UNIT_WINDOW_PAIR_H

#include "loop_device.h"

#include "run/scenario.h"
#include "work/window.h"

static struct window_attr attr = {
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
static bool acknowledged; /* at the peer's device, when it is complete */

static void open_window(struct end *e, struct window *w, enum role role,
			struct blob *blob)
{
	const struct loop_link link = {
		.lanes = 1,
		.send_depth = window_send_depth(&attr),
		.recv_depth = window_recv_depth(&attr),
		.max_bytes = 65536,
		.between = &between,
	};
	struct err err;

	open_loop_end(e, role, &link, blob);
	strcpy(e->ep->caps.qp_type, "RC");
	e->ep->caps.acknowledged = acknowledged;
	if (window_init(w, e, &attr, &err))
		fail_msg("%s", err.text);
}

static void open_windows(void)
{
	struct blob a, b;

	devices_renew();
	open_window(&client, &cw, ROLE_ACTIVE, &a);
	open_window(&server, &sw, ROLE_PASSIVE, &b);
	connect_loop(&a, &b);
}

static void close_windows(void)
{
	window_fini(&cw);
	window_fini(&sw);
	close_loop();
}

static int run_client(const struct phase *ph, struct err *err)
{
	return window_client(&cw, ph, err);
}

static int run_server(const struct phase *ph, struct err *err)
{
	return window_server(&sw, ph, err);
}

static const struct loop_phase window_phase = {run_client, run_server};

static void run_windows(const struct phase *ph)
{
	struct served s;
	struct err err;

	if (run_phase(&window_phase, ph, &err, &s))
		fail_msg("client: %s", err.text);
	if (s.ret)
		fail_msg("server: %s", s.err.text);
}

static void init_windows(void)
{
	between = device_transport();
	clock_init_raw(&clk);
	point_defaults(&pt, scenario_find("sendrecv"));
	pt.trial.op_timeout_ns = 60000000000; /* of a machine that is busy */
}

#endif
