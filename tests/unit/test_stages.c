/* What belongs to which stage: times and counters, from made-up readings. */
#include "unit.h"

#include <string.h>

#include "work/stages.h"

enum { TIME = METRIC_BASE_COUNT, COUNTER = METRIC_BASE_COUNT + STAGES };

static struct clock clk;
static struct tally tally;
static struct stages stages;
static uint64_t now[2]; /* what the two counters say */
static bool on;

static bool read_fake(const struct phase_counter *pc, uint64_t *value)
{
	*value = now[pc - stages.pc];
	return on;
}

/* As if the second and the fifth counter could be opened. */
static int setup(void **state)
{
	unsigned i;

	(void)state;
	memset(&stages, 0, sizeof(stages));
	stages.clock = &clk;
	stages.read = read_fake;
	stages.first_time = TIME;
	stages.first_counter = COUNTER;
	stages.n = 2;
	stages.which[0] = 1;
	stages.which[1] = 4;
	for (i = 0; i < STAGE_COUNTERS; i++)
		stages.why[i] = i == 1 || i == 4 ? READING_OK : READING_NO_PMU;
	on = true;
	now[0] = now[1] = 1000;
	tally_init(&tally);
	return 0;
}

static void advance(uint64_t a, uint64_t b)
{
	now[0] += a;
	now[1] += b;
}

static void operation(void)
{
	advance(500, 500); /* between operations: nobody's */
	stages_start(&stages);
	advance(3, 70);
	stages_end(&stages, STAGE_SCAN);
	advance(20, 1);
	stages_end(&stages, STAGE_SEND);
}

static uint64_t counted(enum stage stage, unsigned i)
{
	unsigned id = COUNTER + (unsigned)stage * STAGE_COUNTERS + i;

	assert_true(tally_has(&tally, id));
	return tally.value[id];
}

static void each_stage_gets_its_own(void **state)
{
	unsigned i;

	(void)state;
	stages_begin(&stages, &tally);
	for (i = 0; i < 10; i++)
		operation();
	stages_finish(&stages, &tally);
	assert_int_equal(counted(STAGE_SCAN, 1), 30);
	assert_int_equal(counted(STAGE_SCAN, 4), 700);
	assert_int_equal(counted(STAGE_SEND, 1), 200);
	assert_int_equal(counted(STAGE_SEND, 4), 10);
	for (i = 0; i < STAGES; i++)
		assert_int_equal(tally_dist_of(&tally, TIME + i)->count, 10);
}

static void phases_begin_at_nothing(void **state)
{
	(void)state;
	stages_begin(&stages, &tally);
	operation();
	stages_finish(&stages, &tally);
	tally_init(&tally);
	stages_begin(&stages, &tally);
	operation();
	operation();
	stages_finish(&stages, &tally);
	assert_int_equal(counted(STAGE_SCAN, 1), 6);
	assert_int_equal(tally_dist_of(&tally, TIME)->count, 2);
}

static void what_is_missing_says_why(void **state)
{
	unsigned i;

	(void)state;
	stages_begin(&stages, &tally);
	operation();
	stages_finish(&stages, &tally);
	for (i = 0; i < STAGES * STAGE_COUNTERS; i++) {
		const bool there =
			i % STAGE_COUNTERS == 1 || i % STAGE_COUNTERS == 4;

		assert_int_equal(tally_has(&tally, COUNTER + i), there);
		assert_int_equal(tally.why[COUNTER + i],
				 there ? READING_NONE : READING_NO_PMU);
	}
}

/* A sum with a part missing is no sum. */
static void a_counter_taken_away_leaves_nothing(void **state)
{
	(void)state;
	stages_begin(&stages, &tally);
	operation();
	on = false;
	operation();
	on = true;
	operation();
	stages_finish(&stages, &tally);
	assert_false(tally_has(&tally, COUNTER + 1));
	assert_int_equal(tally.why[COUNTER + 1], READING_NOT_RUN);
}

static void writes_count_the_walks_of_stores(void **state)
{
	unsigned i, differ = 0;

	(void)state;
	for (i = 0; i < STAGE_COUNTERS; i++)
		differ += stages_counter(i, true) != stages_counter(i, false);
	assert_int_equal(differ, 1);
	assert_int_equal(stages_counter(4, false), CTR_DTLB_LOADS);
	assert_int_equal(stages_counter(4, true), CTR_DTLB_STORES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_stage_gets_its_own, setup),
		cmocka_unit_test_setup(phases_begin_at_nothing, setup),
		cmocka_unit_test_setup(what_is_missing_says_why, setup),
		cmocka_unit_test_setup(a_counter_taken_away_leaves_nothing,
				       setup),
		cmocka_unit_test(writes_count_the_walks_of_stores),
	};

	clock_init_raw(&clk);
	return cmocka_run_group_tests_name("stages", tests, NULL, NULL);
}
