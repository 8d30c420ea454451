#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "metric/stats.h"
#include "rng.h"

enum { MANY = 5000, RUNS = 2000, EXACT_N = 60 };

static void sorts(void **state)
{
	double x[] = {3, -1, 1e300, 0, -1, 2.5};
	double expect[] = {-1, -1, 0, 2.5, 3, 1e300};

	(void)state;
	stats_sort(x, 6);
	assert_memory_equal(x, expect, sizeof(x));
	stats_sort(NULL, 0);
}

static void median_and_quantiles(void **state)
{
	double odd[] = {1, 2, 10}, even[] = {1, 2, 4, 10};

	(void)state;
	assert_true(isnan(stats_median(odd, 0)));
	assert_true(stats_median(odd, 1) == 1);
	assert_true(stats_median(odd, 3) == 2);
	assert_true(stats_median(even, 4) == 3);
	assert_true(stats_quantile(even, 4, 0) == 1);
	assert_true(stats_quantile(even, 4, 1) == 10);
	/* numpy.quantile([1, 2, 4, 10], [.25, .9]) */
	assert_true(fabs(stats_quantile(even, 4, 0.25) - 1.75) < 1e-12);
	assert_true(fabs(stats_quantile(even, 4, 0.9) - 8.2) < 1e-12);
}

static void infinities_stay_where_they_are(void **state)
{
	double x[] = {1, 2, INFINITY};

	(void)state;
	assert_true(stats_median(x, 3) == 2);
	assert_true(isinf(stats_quantile(x, 3, 1)));
}

/* 2^n P(Bin(n, 1/2) < k), in integers. */
static uint64_t tail_exact(unsigned n, unsigned k)
{
	uint64_t c = 1, sum = 0;
	unsigned i;

	for (i = 0; i < k; i++) {
		sum += c;
		c = (uint64_t)((unsigned __int128)c * (n - i) / (i + 1));
	}
	return sum;
}

static double level_exact(unsigned n, unsigned k)
{
	return 1 - 2 * ldexp((double)tail_exact(n, k), -(int)n);
}

static void check_ranks(const double *x, unsigned n, double level)
{
	struct stats_interval ci;
	bool have = stats_median_interval(x, n, level, &ci);

	if (n < 2 || level_exact(n, 1) < level) {
		assert_false(have);
		return;
	}
	assert_true(have);
	assert_int_equal(ci.rank_low + ci.rank_high, n + 1);
	assert_true(ci.low == x[ci.rank_low - 1]);
	assert_true(ci.high == x[ci.rank_high - 1]);
	assert_true(ci.level >= level);
	assert_true(fabs(ci.level - level_exact(n, ci.rank_low)) < 1e-12);
	/* and the next narrower pair of ranks would not do */
	if (ci.rank_low + 1 <= n / 2)
		assert_true(level_exact(n, ci.rank_low + 1) < level);
}

static void ranks_are_the_binomial_ones(void **state)
{
	static const double levels[] = {0.5, 0.9, 0.95, 0.99, 0.999};
	double x[EXACT_N];
	unsigned n, l;

	(void)state;
	for (n = 0; n < EXACT_N; n++)
		x[n] = n * 1.5;
	for (n = 0; n <= EXACT_N; n++)
		for (l = 0; l < 5; l++)
			check_ranks(x, n, levels[l]);
}

/* Conover, Practical Nonparametric Statistics, and any other table. */
static void ranks_of_the_books(void **state)
{
	double x[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};
	struct stats_interval ci, before;

	(void)state;
	memset(&ci, 0x5a, sizeof(ci));
	before = ci;
	assert_false(stats_median_interval(x, 5, 0.95, &ci));
	assert_memory_equal(&ci, &before, sizeof(ci));
	assert_true(stats_median_interval(x, 6, 0.95, &ci));
	assert_true(ci.rank_low == 1 && ci.rank_high == 6);
	assert_true(stats_median_interval(x, 10, 0.95, &ci));
	assert_true(ci.rank_low == 2 && ci.rank_high == 9);
	assert_true(fabs(ci.level - 0.978515625) < 1e-12);
	assert_true(stats_median_interval(x, 15, 0.95, &ci));
	assert_true(ci.rank_low == 4 && ci.rank_high == 12);
}

static void many_values_do_not_underflow(void **state)
{
	static double x[MANY];
	struct stats_interval ci;
	double normal = MANY / 2.0 - 1.959964 * sqrt(MANY) / 2;
	unsigned i;

	(void)state;
	for (i = 0; i < MANY; i++)
		x[i] = i;
	assert_true(stats_median_interval(x, MANY, 0.95, &ci));
	assert_true(fabs(ci.rank_low - normal) <= 1.5);
	assert_true(ci.level >= 0.95 && ci.level < 0.952);
}

/* How often the interval holds the true median of an exponential: ln 2. */
static double coverage(unsigned n, double level, double *promised)
{
	struct stats_interval ci;
	uint64_t seed = 20240501 + n;
	double x[64];
	unsigned run, i, held = 0;

	for (run = 0; run < RUNS; run++) {
		for (i = 0; i < n; i++)
			x[i] = rng_exponential(&seed);
		stats_sort(x, n);
		assert_true(stats_median_interval(x, n, level, &ci));
		held += ci.low <= M_LN2 && M_LN2 <= ci.high;
	}
	*promised = ci.level;
	return (double)held / RUNS;
}

static void interval_covers_as_promised(void **state)
{
	static const unsigned sizes[] = {7, 11, 20, 30};
	double promised, seen, sigma;
	unsigned i;

	(void)state;
	for (i = 0; i < 4; i++) {
		seen = coverage(sizes[i], 0.95, &promised);
		sigma = sqrt(promised * (1 - promised) / RUNS);
		assert_true(fabs(seen - promised) < 3.5 * sigma);
	}
	assert_true(coverage(11, 0.95, &promised) >= 0.95);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sorts),
		cmocka_unit_test(median_and_quantiles),
		cmocka_unit_test(infinities_stay_where_they_are),
		cmocka_unit_test(ranks_are_the_binomial_ones),
		cmocka_unit_test(ranks_of_the_books),
		cmocka_unit_test(many_values_do_not_underflow),
		cmocka_unit_test(interval_covers_as_promised),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
