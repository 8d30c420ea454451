#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "machine/sysfs.h"

enum { READINGS = 1000 * 1000, SPAN_NS = 50 * 1000 * 1000, TRIES = 5 };

static void check_monotone(const struct clock *clk)
{
	uint64_t last = clock_ticks(clk), first = last, now;
	int i;

	for (i = 0; i < READINGS; i++) {
		now = clock_ticks(clk);
		if (now < last)
			fail_msg("back from %llu to %llu",
				 (unsigned long long)last,
				 (unsigned long long)now);
		last = now;
	}
	assert_true(last > first);
}

static double error_over_span(const struct clock *clk)
{
	struct timespec ts = {.tv_sec = 0, .tv_nsec = SPAN_NS};
	uint64_t raw0 = clock_raw_ns(), t0 = clock_ticks(clk), t1, raw1;

	nanosleep(&ts, NULL);
	t1 = clock_ticks(clk);
	raw1 = clock_raw_ns();
	return fabs((double)clock_ns(clk, t1 - t0) / (double)(raw1 - raw0) - 1);
}

/* On a busy machine one span may be torn between its two readings; a wrong
 * rate is wrong every time. */
static void check_agrees_with_raw(const struct clock *clk)
{
	double error = 1;
	int i;

	for (i = 0; i < TRIES && error > 1e-3; i++)
		error = error_over_span(clk);
	if (error > 1e-3)
		fail_msg("%s is off by %.0f ppm", clk->name, error * 1e6);
}

static void check_conversions(const struct clock *clk)
{
	static const uint64_t hour_ns = (uint64_t)3600 * 1000000000u;
	uint64_t ns, back;

	assert_int_equal(clock_ns(clk, 0), 0);
	/* Of a clock slower than a nanosecond it is no end, but far away. */
	assert_true(clock_ticks_of(clk, UINT64_MAX) > UINT64_MAX / 8);
	for (ns = 1000; ns <= 24 * hour_ns; ns *= 10) {
		back = clock_ns(clk, clock_ticks_of(clk, ns));
		assert_true(fabs((double)back - (double)ns) <=
			    2 + (double)ns * 1e-8);
	}
	assert_true(fabs((double)clk->mult / 4294967296.0 * clk->ticks_per_ns -
			 1) < 1e-8);
}

static void check_says_what_it_is(const struct clock *clk)
{
	assert_true(clk->cost_ns > 0);
	assert_true(clk->resolution_ns > 0);
	if (clk->tsc) {
		assert_memory_equal(clk->name, "tsc ", 4);
		assert_string_equal(clk->why, "");
	} else {
		assert_string_equal(clk->name, "CLOCK_MONOTONIC_RAW");
		assert_string_not_equal(clk->why, "");
		assert_true(clk->ticks_per_ns == 1.0);
		assert_int_equal(clock_ns(clk, 123456789), 123456789);
	}
}

static void check_all(const struct clock *clk)
{
	check_says_what_it_is(clk);
	check_conversions(clk);
	check_monotone(clk);
	check_agrees_with_raw(clk);
}

/* Where the kernel keeps time by the TSC, so should we: a fallback that is
 * always taken would pass everything else. */
static bool kernel_trusts_tsc(void)
{
	char source[32];

	return !sysfs_line("/sys/devices/system/clocksource/clocksource0/"
			   "current_clocksource",
			   source, sizeof(source)) &&
	       !strcmp(source, "tsc");
}

static void the_best_clock_here(void **state)
{
	struct clock clk;
	int i;

	(void)state;
	memset(&clk, 0xff, sizeof(clk));
	clock_init(&clk);
	for (i = 0; i < TRIES && !clk.tsc && kernel_trusts_tsc(); i++)
		clock_init(&clk);
	print_message("%s %s, %.1f ns a reading, resolution %llu ns\n",
		      clk.name, clk.why, clk.cost_ns,
		      (unsigned long long)clk.resolution_ns);
	assert_true(clk.tsc || !kernel_trusts_tsc());
	check_all(&clk);
}

static void the_fallback(void **state)
{
	struct clock clk;

	(void)state;
	memset(&clk, 0xff, sizeof(clk));
	clock_init_raw(&clk);
	assert_false(clk.tsc);
	check_all(&clk);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_best_clock_here),
		cmocka_unit_test(the_fallback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
