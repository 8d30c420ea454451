/* Both directions at once over the loop transport, both ends in one process:
 * exact counts, words and messages that are lost, and writes that are complete
 * before they are in memory. */
#include "loop_device.h"

#include <errno.h>
#include <unistd.h>

#include "run/scenario.h"
#include "work/duplex.h"

static struct transport between;
static struct duplex cd, sd;
static struct window_attr attr;
static bool lossy;

static void open_end(struct end *e, enum role role, struct blob *blob)
{
	const struct loop_link link = {
		.lanes = 2,
		.send_depth = window_send_depth(&attr),
		.recv_depth = window_recv_depth(&attr),
		.max_bytes = 65536,
		.between = &between,
	};

	open_loop_end(e, role, &link, blob);
	e->ep->caps.lossy = lossy;
	e->ep->caps.acknowledged = attr.op == OP_WRITE;
	strcpy(e->ep->caps.qp_type, "RC"); /* counts are compared */
}

static void open_both(void)
{
	struct blob a, b;
	struct err err;

	devices_renew();
	open_end(&client, ROLE_ACTIVE, &a);
	open_end(&server, ROLE_PASSIVE, &b);
	if (duplex_init(&cd, &client, &attr, &err) ||
	    duplex_init(&sd, &server, &attr, &err))
		fail_msg("%s", err.text);
	connect_loop(&a, &b);
}

static void close_both(void)
{
	duplex_fini(&cd);
	duplex_fini(&sd);
	close_loop();
}

static int run_client(const struct phase *ph, struct err *err)
{
	return duplex_phase(&cd, ph, err);
}

static int run_server(const struct phase *ph, struct err *err)
{
	return duplex_phase(&sd, ph, err);
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
	lossy = false;
	memset(devices, 0, sizeof(devices));
	point_defaults(&pt, scenario_find("sendrecv"));
	pt.trial.op_timeout_ns = 60000000000; /* of a machine that is busy */
	attr = (struct window_attr){.op = OP_SEND,
				    .size = 64,
				    .outstanding = 8,
				    .post_list = 4,
				    .sges = 1,
				    .signal_every = 2,
				    .verify = VERIFY_EACH};
	return 0;
}

/* Each direction's messages, all of them, and the server ends with the client:
 * in every phase anew. */
static void both_ways(void **state)
{
	static const struct {
		unsigned outstanding, list;
		uint64_t n;
	} t[] = {{8, 4, 100}, {1, 1, 7}, {64, 16, 1000}, {5, 1, 1}};
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(t); i++) {
		attr.outstanding = t[i].outstanding;
		attr.post_list = t[i].list;
		attr.signal_every = t[i].outstanding > 1 ? 2 : 1;
		open_both();
		good(3);
		good(t[i].n);
		assert_int_equal(cd.out.n.done, t[i].n);
		assert_int_equal(sd.in.verified, t[i].n);
		assert_int_equal(server.tally.value[METRIC_OPS], t[i].n);
		assert_int_equal(server.tally.value[METRIC_PAYLOAD],
				 t[i].n * attr.size);
		assert_int_equal(client.tally.value[METRIC_PAYLOAD],
				 t[i].n * attr.size);
		/* Without acknowledgements, the receiver knows. */
		assert_true(cd.back_seen && !sd.back_seen);
		assert_true(cd.back_ops > 0);
		assert_int_equal(cd.in.verified, cd.back_ops);
		assert_int_equal(sd.out.posted, cd.back_ops);
		assert_int_equal(cd.in.arrived, sd.out.number - 1);
		assert_true(sd.out.n.most <= t[i].outstanding);
		close_both();
	}
}

/* On one CPU each end finds messages whenever it looks: the client's last ones
 * are told of all the same, or it would never be done. */
static void never_silent(void **state)
{
	cpu_set_t all, one;
	size_t cpu = 0;

	(void)state;
	assert_int_equal(sched_getaffinity(0, sizeof(all), &all), 0);
	while (!CPU_ISSET(cpu, &all))
		cpu++;
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	assert_int_equal(sched_setaffinity(0, sizeof(one), &one), 0);
	attr.outstanding = 64;
	attr.post_list = 16;
	open_both();
	alarm(60);
	good(3);
	alarm(0);
	assert_int_equal(cd.out.n.done, 3);
	close_both();
	assert_int_equal(sched_setaffinity(0, sizeof(all), &all), 0);
}

static void all_accounted(const struct window *out, const struct window *in)
{
	assert_true(out->number - 1 <= out->gone + in->arrived);
	assert_true(out->gone <= out->number - 1);
}

/* Messages and last words that are lost: what arrived is counted by each
 * receiver, the rest by its sender, and both ends end. */
static void losses_both_ways(void **state)
{
	static const unsigned every[][2] = {{2, 7}, {5, 3}};
	size_t i;

	(void)state;
	lossy = true;
	for (i = 0; i < N_OF(every); i++) {
		devices[ROLE_ACTIVE].drop_every = every[i][0];
		devices[ROLE_PASSIVE].drop_every = every[i][1];
		open_both();
		good(2);
		good(20);
		assert_int_equal(cd.out.n.done, 20);
		assert_true(devices[0].dropped && devices[1].dropped);
		assert_true(server.tally.value[METRIC_OPS] < 20);
		assert_true(cd.back_seen && !sd.back_seen);
		/* What was lost is known to be, of all phases together; more
		 * is taken for lost where a word was. */
		all_accounted(&cd.out, &sd.in);
		all_accounted(&sd.out, &cd.in);
		close_both();
	}
}

/* Words are said again, but not for ever. */
static void one_way_is_dead(void **state)
{
	struct served s;
	struct err err;

	(void)state;
	lossy = true;
	devices[ROLE_PASSIVE].drop_every = 1;
	pt.trial.op_timeout_ns = 200000000;
	open_both();
	assert_int_equal(run(10, &err, &s), -ETIMEDOUT);
	assert_int_equal(err.reason, REASON_LINK_FAILED);
	close_both();
}

/* Of both ends, and before either looks. */
static void writes_of_both_are_there(void **state)
{
	struct err err;

	(void)state;
	attr.op = OP_WRITE;
	open_both();
	good(10);
	assert_int_equal(devices[ROLE_ACTIVE].reads, 1);
	assert_int_equal(devices[ROLE_PASSIVE].reads, 1);
	assert_true(sd.back_seen && !cd.back_seen);
	assert_true(sd.back_ops > 0);
	assert_int_equal(duplex_verify(&cd, &err), 0);
	assert_int_equal(duplex_verify(&sd, &err), 0);
	assert_int_equal(server.verified, 10);
	assert_int_equal(client.verified, sd.out.posted < cd.in.n_rx
						  ? sd.out.posted
						  : cd.in.n_rx);
	/* What verifies is what is in memory. */
	cd.in.rx[cd.in.stride + attr.size - 1] ^= 1;
	assert_int_equal(duplex_verify(&cd, &err), -EBADMSG);
	close_both();
}

/* Nobody could say how many of them arrived. */
static void no_writes_that_may_be_lost(void **state)
{
	struct blob blob;
	struct err err;

	(void)state;
	attr.op = OP_WRITE;
	lossy = true;
	open_end(&client, ROLE_ACTIVE, &blob);
	assert_int_equal(duplex_init(&cd, &client, &attr, &err), -EOPNOTSUPP);
	assert_int_equal(err.reason, REASON_NOT_IN_TRANSPORT);
	duplex_fini(&cd);
	loop->close(client.ep);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(both_ways, setup),
		cmocka_unit_test_setup(never_silent, setup),
		cmocka_unit_test_setup(losses_both_ways, setup),
		cmocka_unit_test_setup(one_way_is_dead, setup),
		cmocka_unit_test_setup(writes_of_both_are_there, setup),
		cmocka_unit_test_setup(no_writes_that_may_be_lost, setup),
	};

	between = device_transport();
	clock_init_raw(&clk);
	return cmocka_run_group_tests_name("duplex", tests, NULL, NULL);
}
