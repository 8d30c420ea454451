/* Requests and answers over many lanes of the loop transport, both ends in
 * one process: counts, and answers that are spoilt. */
#include "spread_pair.h"

/* More lanes than outstanding, as many, fewer: a lane has its share at most,
 * and every operation is answered once. */
static void lanes_and_windows(void **state)
{
	static const struct {
		unsigned lanes, outstanding, most;
	} t[] = {{1, 1, 1}, {16, 4, 1}, {4, 4, 1}, {4, 16, 4}, {1, 8, 8}};
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(t); i++) {
		memset(&mid, 0, sizeof(mid));
		attr.lanes = t[i].lanes;
		attr.outstanding = t[i].outstanding;
		open_both();
		assert_int_equal(run(3, &why), 0);
		assert_int_equal(run(200, &why), 0);
		assert_int_equal(client.tally.latency.count, 200);
		assert_int_equal(client.tally.value[METRIC_OPS], 200);
		assert_int_equal(server.tally.value[METRIC_OPS], 200);
		assert_int_equal(client.tally.value[METRIC_VERIFIED], 200);
		assert_int_equal(cs.most, t[i].outstanding);
		assert_int_equal(mid.most, t[i].most);
		close_both();
	}
}

/* Fewer receives than may be on their way: what is begun without one is
 * counted, and is answered all the same where the link waits for it. */
static void too_few_receives(void **state)
{
	(void)state;
	attr.receives = 1;
	open_both();
	assert_int_equal(ss.n_recvs, attr.lanes);
	assert_int_equal(run(100, &why), 0);
	assert_int_equal(client.tally.latency.count, 100);
	/* The first of each lane has one; the others of the window have not. */
	assert_true(cs.ahead >= attr.outstanding - attr.lanes);
	close_both();
	attr.receives = 0;
	open_both();
	assert_int_equal(run(100, &why), 0);
	assert_int_equal(cs.ahead, 0);
	close_both();
}

/* Acknowledgements that come late, or only with the next ones: a lane never
 * has more answers on their way than it was opened for. */
static void late_completions(void **state)
{
	(void)state;
	attr.lanes = 1;
	attr.outstanding = 4;
	mid.late = true;
	mid.most_late = spread_send_depth(&attr);
	open_both();
	assert_int_equal(run(60, &why), 0);
	assert_int_equal(client.tally.latency.count, 60);
	assert_int_equal(server.tally.value[METRIC_OPS], 60);
	assert_int_equal(mid.most_answers, spread_send_depth(&attr));
	close_both();
}

/* A receive of all lanes may be taken by any of them while an answer is sent
 * again: it has no memory in common with one that is not complete. */
static void shared_receives(void **state)
{
	(void)state;
	attr.lanes = 1;
	attr.outstanding = 4;
	attr.shared_recv = true;
	mid.late = true;
	mid.most_late = attr.outstanding; /* as many as there are spare ones */
	open_both();
	assert_int_equal(run(60, &why), 0);
	assert_int_equal(client.tally.value[METRIC_VERIFIED], 60);
	assert_int_equal(ss.n_recvs, attr.outstanding);
	assert_int_equal(mid.most_answers, attr.outstanding);
	assert_false(mid.reused);
	close_both();
}

/* Where a write's completion says nothing, a read on each lane does: all of
 * them at once, or as many as there are slots. */
static void flushes(void **state)
{
	static const struct {
		unsigned lanes, outstanding, most;
	} t[] = {{4, 16, 4}, {16, 4, 4}, {1, 1, 1}};
	size_t i;

	(void)state;
	attr.op = OP_WRITE;
	for (i = 0; i < N_OF(t); i++) {
		memset(&mid, 0, sizeof(mid));
		attr.lanes = t[i].lanes;
		attr.outstanding = t[i].outstanding;
		open_both();
		client.ep->caps.acknowledged = false;
		assert_int_equal(run(32, &why), 0);
		assert_int_equal(mid.most, t[i].most);
		assert_int_equal(mid.read_on, (1u << t[i].lanes) - 1);
		assert_int_equal(spread_verify(&ss, &why), 0);
		close_both();
	}
}

static uint64_t where(uint64_t with)
{
	seed = with;
	mid.where = 0;
	open_both();
	assert_int_equal(run(100, &why), 0);
	close_both();
	return mid.where;
}

/* Else several at once, and each trial, find what the one before has warmed. */
static void units_by_seed(void **state)
{
	uint64_t one;

	(void)state;
	attr.op = OP_WRITE;
	attr.memory = 64 * SPREAD_PAGE;
	one = where(1);
	assert_int_equal(where(1), one);
	assert_int_not_equal(where(2), one);
}

static void spoilt(void **state)
{
	(void)state;
	mid.spoil_at = mid.stale_at ? 0 : 20;
	open_both();
	assert_int_equal(run(100, &why), -EBADMSG);
	assert_int_equal(why.reason, REASON_VERIFY_FAILED);
	close_both();
}

static void stale_tail(void **state)
{
	mid.stale_at = 20;
	spoilt(state);
}

/* One word, four lanes: all that was found, over both phases, is 0 to n - 1. */
static int add_up(uint64_t wrong_by, struct err *err)
{
	int ret;

	attr.op = OP_FETCH_ADD;
	attr.size = sizeof(uint64_t);
	mid.spoil_at = 50;
	mid.wrong_by = wrong_by;
	open_both();
	ret = run(3, err);
	if (!ret)
		ret = run(200, err);
	if (!ret)
		ret = spread_check_adds(&cs.adds, err);
	close_both();
	return ret;
}

static void found_is_a_permutation(void **state)
{
	(void)state;
	assert_int_equal(add_up(0, &why), 0);
	assert_int_equal(cs.adds.n, 203);
	assert_int_equal(client.tally.value[METRIC_VERIFIED], 200);
}

/* Twice, so that another is lost: found by the sum over all lanes, though on
 * its own lane the value was not out of order. */
static void found_twice(void **state)
{
	(void)state;
	assert_int_equal(add_up((uint64_t)-1, &why), -EBADMSG);
	assert_non_null(strstr(why.text, "each once"));
	assert_int_equal(cs.adds.n, 203);
}

static void found_out_of_order(void **state)
{
	(void)state;
	assert_int_equal(add_up((uint64_t)-16, &why), -EBADMSG);
	assert_non_null(strstr(why.text, "the one before it"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(lanes_and_windows, setup),
		cmocka_unit_test_setup(too_few_receives, setup),
		cmocka_unit_test_setup(late_completions, setup),
		cmocka_unit_test_setup(shared_receives, setup),
		cmocka_unit_test_setup(flushes, setup),
		cmocka_unit_test_setup(units_by_seed, setup),
		cmocka_unit_test_setup(spoilt, setup),
		cmocka_unit_test_setup(stale_tail, setup),
		cmocka_unit_test_setup(found_is_a_permutation, setup),
		cmocka_unit_test_setup(found_twice, setup),
		cmocka_unit_test_setup(found_out_of_order, setup),
	};

	init_spread();
	return cmocka_run_group_tests_name("spread", tests, NULL, NULL);
}
