/* How many receives a window has, and how late it tells of them. */
#include "window_pair.h"

#include "work/window_work.h"

static void open_one(unsigned outstanding, size_t size, unsigned rotate)
{
	attr.op = OP_SEND;
	attr.outstanding = outstanding;
	attr.size = size;
	attr.rotate = rotate;
	attr.verify = VERIFY_ENDS;
	open_windows();
}

static int setup(void **state)
{
	(void)state;
	acknowledged = false;
	attr.post_list = 1;
	return 0;
}

/* What is told leaves the sender something, however many there are. */
static void told_in_time(void **state)
{
	static const unsigned outstanding[] = {1, 2, 5, 16, 128, 300, 4096};
	static const size_t size[] = {1, 64, 3000};
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(outstanding) * N_OF(size) * 4; i++) {
		acknowledged = i % 2;
		open_one(outstanding[i / 4 % N_OF(outstanding)],
			 size[i / 4 / N_OF(outstanding)], i / 2 % 2);
		assert_true(sw.n_rx >= 2 * cw.n_slots);
		assert_true(sw.n_rx <= 8 * cw.n_slots);
		assert_true(sw.n_rx + 4 <= window_recv_depth(&attr));
		assert_true((char *)(sw.credit_rx + sw.n_rx) <=
			    (char *)sw.mem.addr + sw.mem.len);
		assert_true(sw.tell_after >= 1);
		assert_int_equal(sw.n_rx - sw.tell_after, cw.n_slots);
		close_windows();
	}
}

/* Messages that come slower than the silence after which all is told are not
 * told of one by one for ever; a phase begins anew. */
static void silence_is_learnt(void **state)
{
	const struct comp message = {.op = OP_RECV};
	struct window_arrivals a = {.n = 1}; /* none is the first */
	struct err err;
	unsigned i;

	(void)state;
	open_one(16, 64, 0);
	window_begin_serving(&sw);
	assert_int_equal(window_take_messages(&sw, &message, 1, &a, &err), 0);
	assert_int_equal(sw.quiet_ns, WINDOW_QUIET_NS);
	assert_int_equal(window_tell_quiet(&sw, &err), 0);
	for (i = 0; i < 2; i++) {
		assert_int_equal(
			window_take_messages(&sw, &message, 1, &a, &err), 0);
		assert_int_equal(sw.quiet_ns, 2 * WINDOW_QUIET_NS);
	}
	for (i = 0; i < 20; i++) {
		assert_int_equal(window_tell_quiet(&sw, &err), 0);
		assert_int_equal(
			window_take_messages(&sw, &message, 1, &a, &err), 0);
	}
	assert_int_equal(sw.quiet_ns, WINDOW_QUIET_MAX_NS);
	assert_true(sw.quiet_ns < WINDOW_LOSS_NS / 2);
	window_begin_serving(&sw);
	assert_int_equal(sw.quiet_ns, WINDOW_QUIET_NS);
	close_windows();
}

/* Of short ones that are complete at the peer's device there are many. */
static void many(void **state)
{
	(void)state;
	acknowledged = true;
	open_one(16, 64, 0);
	assert_int_equal(cw.n_rx, 128);
	assert_int_equal(sw.tell_after, 112);
	close_windows();
	open_one(128, 64, 0);
	assert_int_equal(cw.n_rx, 1019);
	assert_int_equal(window_recv_depth(&attr), 1023);
	close_windows();
	open_one(128, 65536, 0);
	assert_int_equal(cw.n_rx, 256); /* long ones: two windows */
	close_windows();
	open_one(16, 16384, 0);
	assert_int_equal(cw.n_rx, 64); /* of 1 MiB */
	close_windows();
	open_one(128, 65536, 1);
	assert_int_equal(cw.n_rx, 1019); /* into one buffer */
	close_windows();
}

/* Where they are complete when they have left, credit alone bounds how many
 * are on their way. */
static void no_more_than_two_windows(void **state)
{
	(void)state;
	open_one(16, 64, 0);
	assert_int_equal(cw.n_rx, 32);
	close_windows();
}

/* And no message is ever without a receive. */
static void no_receive_is_missing(void **state)
{
	const struct phase ph = ops(3000);
	unsigned i;

	(void)state;
	for (i = 0; i < 2; i++) {
		acknowledged = i;
		open_one(16, 64, 0);
		run_windows(&ph);
		assert_false(devices[ROLE_ACTIVE].no_credit);
		assert_int_equal(server.tally.value[METRIC_OPS], 3000);
		assert_true(sw.n.credits > 0);
		close_windows();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(told_in_time, setup),
		cmocka_unit_test_setup(silence_is_learnt, setup),
		cmocka_unit_test_setup(many, setup),
		cmocka_unit_test_setup(no_more_than_two_windows, setup),
		cmocka_unit_test_setup(no_receive_is_missing, setup),
	};

	init_windows();
	return cmocka_run_group_tests_name("window_credit", tests, NULL, NULL);
}
