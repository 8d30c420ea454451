/* Intended starts: evenly spaced, or a Poisson process. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "work/pace.h"

static void constant_is_even(void **unused)
{
	struct pace p;
	unsigned i;

	(void)unused;
	/* 1000 a second on a clock of 2 ticks a ns: 2,000,000 ticks. */
	pace_init(&p, 1000, PACE_CONSTANT, 2, 1);
	assert_true(p.open);
	for (i = 0; i < 1000; i++)
		assert_int_equal(pace_next(&p), i * 2000000ull);
}

static void zero_is_closed(void **unused)
{
	struct pace p;

	(void)unused;
	pace_init(&p, 0, PACE_CONSTANT, 1, 1);
	assert_false(p.open);
}

/* Gaps of a Poisson process are exponential: mean and standard deviation
 * both 1/rate, and exp(-1) of them longer than that. */
static void poisson_is_exponential(void **unused)
{
	enum { N = 200000 };
	double sum = 0, sq = 0, mean, sd;
	unsigned i, longer = 0;
	uint64_t last = 0;
	struct pace p;

	(void)unused;
	pace_init(&p, 1000, PACE_POISSON, 1, 42);
	pace_next(&p);
	for (i = 0; i < N; i++) {
		uint64_t t = pace_next(&p);
		double gap;

		assert_true(t >= last);
		gap = (double)(t - last);
		last = t;
		sum += gap;
		sq += gap * gap;
		longer += gap > 1e6;
	}
	mean = sum / N;
	sd = sqrt(sq / N - mean * mean);
	assert_true(fabs(mean / 1e6 - 1) < 0.01);
	assert_true(fabs(sd / 1e6 - 1) < 0.02);
	assert_true(fabs((double)longer / N - exp(-1)) < 0.005);
}

static void seeds_differ(void **unused)
{
	struct pace a, b;

	(void)unused;
	pace_init(&a, 1000, PACE_POISSON, 1, 1);
	pace_init(&b, 1000, PACE_POISSON, 1, 2);
	pace_next(&a);
	pace_next(&b);
	assert_true(pace_next(&a) != pace_next(&b));
}

static void backlog_counts_who_waits(void **unused)
{
	struct pace p;

	(void)unused;
	pace_init(&p, 1000, PACE_CONSTANT, 1, 1);
	assert_int_equal(pace_backlog(&p, 5000000, 4000000), 0);
	assert_int_equal(pace_backlog(&p, 5000000, 5000000), 0);
	assert_int_equal(pace_backlog(&p, 5000000, 15500000), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(constant_is_even),
		cmocka_unit_test(zero_is_closed),
		cmocka_unit_test(poisson_is_exponential),
		cmocka_unit_test(seeds_differ),
		cmocka_unit_test(backlog_counts_who_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
