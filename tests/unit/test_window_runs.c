/* Lists of one, of which those between two that are signalled go out as a run:
 * the same operations, from the same memory, as one after the other. */
#include "window_pair.h"

#include "base/smaller.h"

static const unsigned outstanding[] = {1, 2, 7, 40};
static const unsigned every[] = {1, 2, 5, 100};
static const enum op moves[] = {OP_SEND, OP_WRITE, OP_READ};

static int setup(void **state)
{
	(void)state;
	acknowledged = true; /* a phase ends with no read */
	attr.rotate = 0;
	attr.verify = VERIFY_EACH;
	return 0;
}

/* Every so many, what would else leave no room, and the last. */
static uint64_t signalled(uint64_t n)
{
	const uint64_t each = smaller(attr.signal_every, attr.outstanding);

	return n / each + (n % each != 0);
}

static void one_after_the_other(const struct phase *ph, uint64_t n)
{
	const struct loop_device *sender = &devices[ROLE_ACTIVE];
	unsigned i, buffers;

	memset(devices, 0, sizeof(devices));
	open_windows();
	run_windows(ph);
	assert_int_equal(cw.n.done, n);
	assert_int_equal(cw.n.lists, n);
	if (attr.op != OP_SEND) /* nor receives, of credit */
		assert_int_equal(sender->bells, n);
	assert_int_equal(cw.n.completions, signalled(n));
	assert_int_equal(client.tally.latency.count, signalled(n));
	assert_true(cw.n.most <= attr.outstanding);
	assert_false(sender->no_credit);
	buffers = attr.rotate ? attr.rotate : cw.n_slots;
	for (i = 0; i < n && i < DEVICE_SEEN; i++)
		assert_ptr_equal(sender->send_at[i],
				 cw.tx + i % cw.n_slots % buffers * cw.stride);
	close_windows();
}

/* Fewer than what is outstanding, and more. */
static void measure(void)
{
	const struct phase few = ops(3), many = ops(150);

	one_after_the_other(&few, 3);
	one_after_the_other(&many, 150);
}

static void each_way(void)
{
	size_t o, e, m;

	for (m = 0; m < N_OF(moves); m++) {
		for (o = 0; o < N_OF(outstanding); o++) {
			for (e = 0; e < N_OF(every); e++) {
				attr.op = moves[m];
				attr.outstanding = outstanding[o];
				attr.signal_every = every[e];
				measure();
			}
		}
	}
}

static void exact(void **state)
{
	(void)state;
	each_way();
}

static void buffers_take_turns(void **state)
{
	(void)state;
	attr.verify = VERIFY_ENDS;
	attr.rotate = 1;
	each_way();
	attr.rotate = 3;
	each_way();
}

/* The time is over before it begins: a phase has its least, and no more. */
static void no_run_past_the_end(void **state)
{
	const struct phase ph = {.min_ops = 37, .max_ops = 1000};

	(void)state;
	attr.op = OP_WRITE;
	attr.outstanding = 40;
	attr.signal_every = 30;
	one_after_the_other(&ph, 37);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(exact, setup),
		cmocka_unit_test_setup(buffers_take_turns, setup),
		cmocka_unit_test_setup(no_run_past_the_end, setup),
	};

	init_windows();
	return cmocka_run_group_tests_name("window_runs", tests, NULL, NULL);
}
