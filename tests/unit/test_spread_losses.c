/* Requests and answers over many lanes of a link that loses: what is lost,
 * what is only late, and a link that dies. */
#include "spread_pair.h"

static void losses(void **state)
{
	(void)state;
	mid.lossy = true;
	mid.drop_every = 25;
	open_both();
	assert_int_equal(run(100, &why), 0);
	assert_int_equal(mid.dropped, 4);
	assert_true(cs.lost >= 4); /* late is lost, on a busy machine */
	assert_int_equal(client.tally.latency.count, 100 - cs.lost);
	/* What was lost is no operation; what the server answered is no more
	 * of one. */
	assert_int_equal(client.tally.value[METRIC_OPS], 100 - cs.lost);
	assert_int_equal(client.tally.value[METRIC_PAYLOAD],
			 (100 - cs.lost) * attr.size);
	assert_int_equal(ss.done, 96);
	assert_false(tally_has(&server.tally, METRIC_OPS));
	close_both();
}

/* Nothing is lost: what is slow is given up, but comes after all.  (A busy
 * machine may make it so slow that its slot gives up two: then again.) */
static void late_is_not_lost(void **state)
{
	unsigned tries = 20;

	(void)state;
	mid.lossy = true;
	do {
		mid.slow_at = 20;
		open_both();
		assert_int_equal(run(200, &why), 0);
		assert_int_equal(client.tally.value[METRIC_OPS], 200 - cs.lost);
		assert_int_equal(client.tally.latency.count, 200 - cs.lost);
		close_both();
	} while (cs.lost && --tries);
	assert_int_equal(cs.lost, 0);
	assert_true(client.tally.latency.max > WINDOW_LOSS_NS);
}

/* What leaves late is not given up before, or its completion would be half of
 * the next one in its slot, which was then done without an answer. */
static void leaves_late(void **state)
{
	(void)state;
	mid.lossy = true;
	mid.drop_every = mid.hold_at = 5;
	attr.lanes = attr.outstanding = 1;
	open_both();
	assert_int_equal(run(12, &why), 0);
	assert_int_equal(client.tally.value[METRIC_OPS], 12 - cs.lost);
	assert_int_equal(cs.verified, cs.done);
	close_both();
}

/* Answers that come when their slot has given up another are no operations,
 * and their payloads are nobody's. */
static void later_than_the_next(void **state)
{
	(void)state;
	mid.lossy = true;
	mid.slow_at = 5;
	mid.slow_losses = 7;
	attr.lanes = attr.outstanding = 1;
	open_both();
	assert_int_equal(run(12, &why), 0);
	assert_true(cs.lost >= 1);
	assert_int_equal(client.tally.value[METRIC_OPS], 12 - cs.lost);
	assert_int_equal(cs.verified, cs.done);
	close_both();
}

/* What is waited for in vain at the end is not the others' time. */
static void last_is_lost(void **state)
{
	uint64_t begin;
	(void)state;
	mid.lossy = true;
	mid.drop_from = 10;
	attr.lanes = attr.outstanding = 1;
	open_both();
	begin = clock_raw_ns();
	assert_int_equal(run(10, &why), 0);
	assert_true(client.tally.value[METRIC_ELAPSED] + WINDOW_LOSS_NS <=
		    clock_raw_ns() - begin);
	assert_true(cs.lost >= 1);
	assert_int_equal(client.tally.value[METRIC_OPS], 10 - cs.lost);
	close_both();
}

/* But a link that dies early is no fast one.  (If all is late: then again.) */
static void dies_early(void **state)
{
	const struct phase ph = {.measured = true,
				 .min_ops = 1,
				 .max_ops = UINT64_MAX,
				 .max_ns = 20000000};
	unsigned tries = 20;
	int ret;

	do {
		setup(state);
		mid.lossy = true;
		mid.drop_from = 10;
		open_both();
		ret = run_ph(&ph, &why);
		close_both();
	} while (ret == -ETIMEDOUT && --tries);
	assert_int_equal(ret, 0);
	assert_true(cs.done && cs.done < 10);
	assert_true(client.tally.value[METRIC_ELAPSED] >= ph.max_ns);
}

static void nothing_arrives(void **state)
{
	(void)state;
	mid.lossy = true;
	mid.drop_from = 1;
	open_both();
	assert_int_equal(run(attr.outstanding, &why), -ETIMEDOUT);
	assert_int_equal(why.reason, REASON_LINK_FAILED);
	assert_non_null(strstr(why.text, "none of 16 requests"));
	close_both();
}

/* Not for as long as it takes to lose each of a million. */
static void no_more_arrives(void **state)
{
	(void)state;
	mid.lossy = true;
	mid.drop_from = 5;
	pt.trial.op_timeout_ns = 100000000;
	open_both();
	assert_int_equal(run(1000000, &why), -ETIMEDOUT);
	assert_int_equal(why.reason, REASON_LINK_FAILED);
	assert_non_null(strstr(why.text, "--op-timeout"));
	close_both();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(losses, setup),
		cmocka_unit_test_setup(late_is_not_lost, setup),
		cmocka_unit_test_setup(leaves_late, setup),
		cmocka_unit_test_setup(later_than_the_next, setup),
		cmocka_unit_test_setup(last_is_lost, setup),
		cmocka_unit_test_setup(dies_early, setup),
		cmocka_unit_test_setup(nothing_arrives, setup),
		cmocka_unit_test_setup(no_more_arrives, setup),
	};

	init_spread();
	return cmocka_run_group_tests_name("spread_losses", tests, NULL, NULL);
}
