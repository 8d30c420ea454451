#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "metric/reading.h"

static struct reading ok(uint64_t v)
{
	return (struct reading){.value = v, .state = READING_OK};
}

static struct reading scaled(uint64_t v, uint8_t percent)
{
	return (struct reading){
		.value = v, .state = READING_SCALED, .percent = percent};
}

static void assert_reading(struct reading r, struct reading want)
{
	assert_int_equal(r.state, want.state);
	assert_int_equal(r.value, want.value);
	assert_int_equal(r.percent, want.percent);
	assert_true(reading_valid(&r));
}

/* As perf_event_open(2) gives them: value, time enabled, time running. */
static void multiplexed_readings_are_scaled(void **state)
{
	(void)state;
	assert_reading(reading_of(1000, 500, 500), ok(1000));
	assert_reading(reading_of(0, 500, 500), ok(0));
	assert_reading(reading_of(1000, 500, 501), ok(1000));
	assert_reading(reading_of(1000, 400, 100), scaled(4000, 25));
	assert_reading(reading_of(1000, 100000, 1), scaled(100000000, 1));
	assert_reading(reading_of(10, 1000, 999), scaled(10, 99));
	assert_reading(reading_of(UINT64_MAX, 1000000, 500000),
		       scaled(UINT64_MAX, 50));
	/* as large as they get in a day: no overflow on the way */
	assert_reading(reading_of(1ull << 47, 1ull << 46, 1ull << 45),
		       scaled(1ull << 48, 50));
}

static void never_on_the_pmu_is_empty(void **state)
{
	struct reading r = reading_of(0, 500, 0);

	(void)state;
	assert_int_equal(r.state, READING_NOT_RUN);
	assert_false(reading_has(&r));
	r = reading_of(123, 0, 0);
	assert_false(reading_has(&r));
	assert_int_equal(r.value, 0);
}

static struct reading merged(struct reading a, struct reading b)
{
	reading_merge(&a, &b);
	assert_true(reading_valid(&a));
	return a;
}

static void sums_are_as_good_as_their_worst_part(void **state)
{
	struct reading none = {0}, gone = {.state = READING_NOT_RUN};

	(void)state;
	assert_reading(merged(ok(3), ok(4)), ok(7));
	assert_reading(merged(none, ok(4)), ok(4));
	assert_reading(merged(ok(4), none), ok(4));
	assert_reading(merged(ok(3), scaled(4, 20)), scaled(7, 20));
	assert_reading(merged(scaled(4, 20), ok(3)), scaled(7, 20));
	assert_reading(merged(scaled(4, 20), scaled(1, 60)), scaled(5, 20));
	assert_reading(merged(scaled(4, 60), scaled(1, 20)), scaled(5, 20));
	assert_reading(merged(ok(3), gone), gone);
	assert_reading(merged(gone, ok(3)), gone);
}

static void every_empty_state_has_its_reason(void **state)
{
	struct reading r = {0};
	unsigned i;

	(void)state;
	for (i = READING_NONE + 1; i < READING_STATES; i++) {
		r.state = (uint8_t)i;
		if (reading_has(&r))
			continue;
		assert_int_not_equal(reading_reason((enum reading_state)i),
				     REASON_NONE);
		assert_true(strlen(reading_words((enum reading_state)i)) > 10);
	}
	assert_int_equal(reading_reason(READING_NO_PMU), REASON_NO_PMU);
	assert_int_equal(reading_reason(READING_NO_PERMISSION),
			 REASON_NO_PERMISSION);
}

static void claims_are_checked(void **state)
{
	struct reading r = scaled(1, 0);

	(void)state;
	assert_false(reading_valid(&r));
	r.percent = 100;
	assert_false(reading_valid(&r));
	r.percent = 99;
	assert_true(reading_valid(&r));
	r = (struct reading){.value = 1, .state = READING_NO_PMU};
	assert_false(reading_valid(&r));
	r = (struct reading){.value = 1};
	assert_false(reading_valid(&r));
	r = (struct reading){.state = READING_OK, .percent = 5};
	assert_false(reading_valid(&r));
	r = (struct reading){.state = READING_STATES};
	assert_false(reading_valid(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(multiplexed_readings_are_scaled),
		cmocka_unit_test(never_on_the_pmu_is_empty),
		cmocka_unit_test(sums_are_as_good_as_their_worst_part),
		cmocka_unit_test(every_empty_state_has_its_reason),
		cmocka_unit_test(claims_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
