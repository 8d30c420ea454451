/* Ranks: against counting by hand, published tables, and simulation. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "metric/rank.h"
#include "metric/stats.h"
#include "rng.h"

static double p_of(const double *a, unsigned na, const double *b, unsigned nb)
{
	double p = -1;

	assert_int_equal(rank_test(a, na, b, nb, &p), 0);
	return p;
}

static void assert_near(double a, double b, double within)
{
	if (!(fabs(a - b) <= within))
		fail_msg("%.9g is not %.9g", a, b);
}

/* U counted pair by pair, ties as a half. */
static double count_u(const double *all, unsigned n, unsigned chosen)
{
	double u = 0;
	unsigned i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < n; k++)
			if ((chosen >> i & 1) && !(chosen >> k & 1))
				u += all[i] > all[k]   ? 1
				     : all[i] < all[k] ? 0
						       : 0.5;
	return u;
}

/* By dealing the values in every way there is. */
static double p_by_hand(const double *all, unsigned na, unsigned nb)
{
	unsigned n = na + nb, deal, ways = 0, far = 0;
	double mean = na * nb / 2.0;
	double off = fabs(count_u(all, n, (1u << na) - 1) - mean);

	for (deal = 0; deal < 1u << n; deal++) {
		if ((unsigned)__builtin_popcount(deal) != na)
			continue;
		ways++;
		far += fabs(count_u(all, n, deal) - mean) >= off - 1e-9;
	}
	return (double)far / ways;
}

static void exact_as_by_hand(void **state)
{
	uint64_t seed = 4;
	double all[10];
	unsigned run, i, na, n;

	(void)state;
	for (run = 0; run < 60; run++) {
		n = 2 + (unsigned)(rng_u64(&seed) % 8);
		na = 1 + (unsigned)(rng_u64(&seed) % (n - 1));
		/* Few different values: ties. */
		for (i = 0; i < n; i++)
			all[i] = (double)(rng_u64(&seed) % (run % 2 ? 4 : 999));
		assert_near(p_of(all, na, all + na, n - na),
			    p_by_hand(all, na, n - na), 1e-12);
	}
}

/* The critical values of the usual table (two-sided, 5 %): 8 for 7 and 7,
 * 23 for 10 and 10.  U is a's rank sum's excess. */
static void table_values(void **state)
{
	/* U = 8 and 9 of 7 against 7 */
	const double a[] = {1, 2, 3, 4, 5, 6, 15},
		     b[] = {5.5, 7, 8, 9, 10, 11, 12};
	const double c[] = {1, 2, 3, 4, 5, 7.5, 15};

	(void)state;
	assert_true(p_of(a, 7, b, 7) < 0.05);
	assert_near(p_of(a, 7, b, 7), 130 / 3432.0, 1e-12);
	assert_true(p_of(c, 7, b, 7) > 0.05);
}

static void extremes(void **state)
{
	const double a[] = {1, 2, 3, 4, 5, 6, 7},
		     b[] = {8, 9, 10, 11, 12, 13, 14};
	const double same[] = {5, 5, 5, 5};

	(void)state;
	assert_near(p_of(a, 7, b, 7), 2 / 3432.0, 1e-15);
	assert_near(p_of(b, 7, a, 7), 2 / 3432.0, 1e-15);
	assert_near(rank_least_p(7, 7), 2 / 3432.0, 1e-15);
	assert_near(rank_least_p(3, 3), 0.1, 1e-15);
	assert_near(p_of(a, 7, a, 7), 1, 1e-12);
	assert_near(p_of(same, 2, same, 4), 1, 1e-12);
	assert_near(p_of(a, 0, b, 7), 1, 0);
	assert_near(rank_least_p(1, 1), 1, 1e-15);
}

/* Beyond RANK_EXACT_MAX the normal distribution says nearly the same. */
static void large_samples(void **state)
{
	double a[RANK_EXACT_MAX], b[RANK_EXACT_MAX];
	uint64_t seed = 9;
	unsigned i, half = RANK_EXACT_MAX / 2;
	double exact, near;

	(void)state;
	for (i = 0; i < RANK_EXACT_MAX; i++) {
		a[i] = rng_uniform(&seed);
		b[i] = rng_uniform(&seed) + 0.2;
	}
	exact = p_of(a, half, b, half);
	near = p_of(a, half, b, half + 1);
	assert_true(exact > 1e-6 && exact < 0.1);
	assert_true(near > exact / 1.7 && near < exact * 1.7);
	assert_true(p_of(a, RANK_EXACT_MAX, b, RANK_EXACT_MAX) < 0.01);
}

static void ratios(void **state)
{
	const double a[] = {100, 101, 99, 102, 98, 100.5, 99.5};
	double b[7];
	struct rank_ratio r;
	unsigned i;

	(void)state;
	for (i = 0; i < 7; i++)
		b[i] = 1.5 * a[i];
	assert_int_equal(rank_ratio(a, 7, b, 7, 0.95, &r), 0);
	assert_near(r.ratio, 1.5, 1e-9);
	assert_true(r.has_interval && r.low < 1.5 && r.high > 1.5);
	assert_true(r.low > 1.46 && r.high < 1.54);
	/* Three against three have no interval at 95 %. */
	assert_int_equal(rank_ratio(a, 3, b, 3, 0.95, &r), 0);
	assert_false(r.has_interval);
	assert_near(r.ratio, 1.5, 0.05);
}

/* The interval of 7 against 7 lies between the 9th ratio from either end. */
static void interval_ranks(void **state)
{
	double a[7], b[7], all[49];
	struct rank_ratio r;
	uint64_t seed = 5;
	unsigned i, j;

	(void)state;
	for (i = 0; i < 7; i++) {
		a[i] = 1 + rng_uniform(&seed);
		b[i] = 1 + rng_uniform(&seed);
	}
	for (i = 0; i < 7; i++)
		for (j = 0; j < 7; j++)
			all[i * 7 + j] = b[j] / a[i];
	stats_sort(all, 49);
	assert_int_equal(rank_ratio(a, 7, b, 7, 0.95, &r), 0);
	assert_near(r.ratio, all[24], 1e-12);
	assert_near(r.low, all[8], 1e-12);
	assert_near(r.high, all[40], 1e-12);
}

/* It covers the truth as often as it says, whatever the distribution. */
static void interval_covers(void **state)
{
	enum { RUNS = 2000 };
	double a[7], b[7];
	struct rank_ratio r;
	uint64_t seed = 6;
	unsigned run, i, hits = 0;

	(void)state;
	for (run = 0; run < RUNS; run++) {
		for (i = 0; i < 7; i++) {
			a[i] = exp(0.3 * rng_exponential(&seed));
			b[i] = 2 * exp(0.3 * rng_exponential(&seed));
		}
		assert_int_equal(rank_ratio(a, 7, b, 7, 0.95, &r), 0);
		hits += r.low <= 2 && 2 <= r.high;
	}
	assert_true(hits >= RUNS * 0.95 && hits <= RUNS * 0.98);
}

static void holm(void **state)
{
	double p[] = {0.01, 0.04, 0.03, 0.005}, one[] = {0.2};

	(void)state;
	assert_int_equal(rank_holm(p, 4), 0);
	assert_near(p[0], 0.03, 1e-12);
	assert_near(p[1], 0.06, 1e-12);
	assert_near(p[2], 0.06, 1e-12);
	assert_near(p[3], 0.02, 1e-12);
	assert_int_equal(rank_holm(one, 1), 0);
	assert_near(one[0], 0.2, 1e-12);
	assert_int_equal(rank_holm(NULL, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exact_as_by_hand),
		cmocka_unit_test(table_values),
		cmocka_unit_test(extremes),
		cmocka_unit_test(large_samples),
		cmocka_unit_test(ratios),
		cmocka_unit_test(interval_ranks),
		cmocka_unit_test(interval_covers),
		cmocka_unit_test(holm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
