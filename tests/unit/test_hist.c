#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric/hist.h"
#include "rng.h"

enum { N_MAX = 10007, SMALL_MAX = 1 << 20 };

static void buckets_have_no_gap_and_no_overlap(void **state)
{
	unsigned i;

	(void)state;
	assert_int_equal(hist_low(0), 0);
	assert_true(hist_low(HIST_BUCKETS) == HIST_TOP);
	for (i = 0; i < HIST_BUCKETS; i++) {
		uint64_t low = hist_low(i), next = hist_low(i + 1);

		assert_true(next > low);
		assert_int_equal(hist_index(low), i);
		assert_int_equal(hist_index(next - 1), i);
		/* 1 % at most; nothing at all where values are small */
		assert_true((next - low) * 100 <= low || next - low == 1);
	}
}

static void index_is_monotone(void **state)
{
	unsigned last = 0, i;
	uint64_t v;

	(void)state;
	for (v = 0; v < SMALL_MAX; v++) {
		i = hist_index(v);
		assert_true(i == last || i == last + 1);
		assert_true(hist_low(i) <= v && v < hist_low(i + 1));
		last = i;
	}
	/* no step is left out on the way to the top */
	for (v = SMALL_MAX; v < HIST_TOP; v += v / 300) {
		i = hist_index(v);
		assert_true(i == last || i == last + 1);
		last = i;
	}
	assert_int_equal(last, HIST_BUCKETS - 1);
}

/* A value between two others, so that clamping to them cannot help. */
static void check_error(struct hist *h, uint64_t v)
{
	uint64_t got, error;

	hist_init(h);
	hist_record(h, 0);
	hist_record(h, v);
	hist_record(h, HIST_TOP - 1);
	got = hist_quantile(h, 0.5);
	error = got > v ? got - v : v - got;
	if (error * 100 > v)
		fail_msg("%llu came back as %llu", (unsigned long long)v,
			 (unsigned long long)got);
}

static void one_percent_at_every_magnitude(void **state)
{
	static struct hist h;
	uint64_t v, half;
	unsigned bit;

	(void)state;
	for (v = 1; v < 2000; v++)
		check_error(&h, v);
	for (bit = 10; bit < HIST_MAX_BITS; bit++) {
		v = (uint64_t)1 << bit;
		half = v >> (HIST_SUB_BITS + 1);
		check_error(&h, v - 1);
		check_error(&h, v);
		check_error(&h, v + 1);
		check_error(&h, v + half);
		check_error(&h, v + 2 * half - 1);
		check_error(&h, v + v / 2);
	}
}

static void empty(void **state)
{
	static struct hist h;

	(void)state;
	memset(&h, 0xff, sizeof(h));
	hist_init(&h);
	assert_int_equal(h.count, 0);
	assert_true(h.min == UINT64_MAX && h.max == 0);
	assert_int_equal(hist_quantile(&h, 0), 0);
	assert_int_equal(hist_quantile(&h, 0.5), 0);
	assert_int_equal(hist_quantile(&h, 1), 0);
	assert_true(hist_mean(&h) == 0 && hist_stddev(&h) == 0);
	assert_true(hist_valid(&h));
}

/* --- against a sorted reference ------------------------------------------ */

typedef double distribution(uint64_t *seed);

static double uniform(uint64_t *seed)
{
	return 1e6 * rng_uniform(seed);
}

static double exponential(uint64_t *seed)
{
	return 20000 * rng_exponential(seed);
}

/* From 1 ns to minutes: every magnitude in one histogram. */
static double log_uniform(uint64_t *seed)
{
	return exp(28 * rng_uniform(seed));
}

static double two_peaks(uint64_t *seed)
{
	return (rng_u64(seed) & 7 ? 2000 : 900000) + 100 * rng_uniform(seed);
}

static double constant(uint64_t *seed)
{
	(void)seed;
	return 123457;
}

static int by_value(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static void draw(distribution *d, uint64_t *v, unsigned n, uint64_t seed)
{
	unsigned i;

	for (i = 0; i < n; i++)
		v[i] = (uint64_t)d(&seed);
}

static void record_all(struct hist *h, const uint64_t *v, unsigned n)
{
	unsigned i;

	for (i = 0; i < n; i++)
		hist_record(h, v[i]);
}

/* Quantile in thousandths, so that the reference's rank is an integer. */
static void check_quantile(const struct hist *h, const uint64_t *sorted,
			   unsigned n, unsigned thousandths)
{
	unsigned rank = (n * thousandths + 999) / 1000;
	uint64_t ref = sorted[rank ? rank - 1 : 0];
	uint64_t got = hist_quantile(h, thousandths / 1000.0);
	uint64_t error = got > ref ? got - ref : ref - got;

	if (error * 200 > ref)
		fail_msg("n %u q %u/1000: %llu, not %llu", n, thousandths,
			 (unsigned long long)got, (unsigned long long)ref);
	if (thousandths == 0 || thousandths == 1000)
		assert_true(got == ref);
}

static void check_moments(const struct hist *h, const uint64_t *v, unsigned n)
{
	long double sum = 0, squares = 0, mean;
	double sd;
	unsigned i;

	for (i = 0; i < n; i++)
		sum += (long double)v[i];
	mean = sum / n;
	for (i = 0; i < n; i++)
		squares +=
			((long double)v[i] - mean) * ((long double)v[i] - mean);
	sd = n > 1 ? sqrt((double)(squares / (n - 1))) : 0;
	assert_true(fabs(hist_mean(h) - (double)mean) <= 1e-12 * (double)mean);
	assert_true(fabs(hist_stddev(h) - sd) <= 1e-9 * sd);
}

static void check_distribution(distribution *d, unsigned n)
{
	static uint64_t v[N_MAX];
	static struct hist h;
	unsigned q;

	hist_init(&h);
	draw(d, v, n, 42 + n);
	record_all(&h, v, n);
	check_moments(&h, v, n);
	qsort(v, n, sizeof(v[0]), by_value);
	assert_int_equal(h.count, n);
	assert_true(h.min == v[0] && h.max == v[n - 1]);
	for (q = 0; q <= 1000; q++)
		check_quantile(&h, v, n, q);
	assert_true(hist_valid(&h));
}

static void quantiles_of_random_data(void **state)
{
	static distribution *const all[] = {
		uniform, exponential, log_uniform, two_peaks, constant,
	};
	static const unsigned sizes[] = {1, 2, 3, 10, 1000, N_MAX};
	unsigned d, s;

	(void)state;
	for (d = 0; d < 5; d++)
		for (s = 0; s < 6; s++)
			check_distribution(all[d], sizes[s]);
}

/* Where buckets are exact the rank must be, too: ceil(q n), not one more
 * because 0.07 * 100 is 7.000000000000001. */
static void ranks_are_exact(void **state)
{
	static struct hist h;
	unsigned i;

	(void)state;
	hist_init(&h);
	for (i = 1; i <= 100; i++)
		hist_record(&h, 2 * i);
	for (i = 1; i <= 100; i++) {
		assert_int_equal(hist_quantile(&h, i / 100.0), 2 * i);
		assert_int_equal(hist_quantile(&h, i / 100.0 - 0.005), 2 * i);
	}
}

/* What sums of doubles would get wrong by an order of magnitude. */
static void small_spread_on_a_large_mean(void **state)
{
	static struct hist h;
	int i;

	(void)state;
	hist_init(&h);
	for (i = 0; i < 1000000; i++)
		hist_record(&h, 3000000000u + (unsigned)(i & 1));
	assert_true(fabs(hist_mean(&h) - 3000000000.5) < 1e-5);
	assert_true(fabs(hist_stddev(&h) - 0.5) < 1e-6);
}

static void beyond_the_top(void **state)
{
	static struct hist h;

	(void)state;
	hist_init(&h);
	hist_record(&h, 5);
	hist_record(&h, HIST_TOP);
	hist_record(&h, UINT64_MAX);
	hist_record(&h, UINT64_MAX);
	assert_int_equal(h.count, 4);
	assert_int_equal(h.bucket[HIST_BUCKETS - 1], 3);
	assert_true(h.max == UINT64_MAX && hist_quantile(&h, 1) == UINT64_MAX);
	assert_true(h.min == 5 && hist_quantile(&h, 0) == 5);
	assert_true(h.sum == 5 + 3 * HIST_TOP);
	assert_true(fabs(hist_stddev(&h) / (double)HIST_TOP - 0.5) < 1e-6);
	assert_true(hist_valid(&h));
}

/* --- merging and validity ------------------------------------------------ */

static void merge_is_recording_both(void **state)
{
	static struct hist a, b, both, none;
	static uint64_t v[2000];

	(void)state;
	hist_init(&a);
	hist_init(&b);
	hist_init(&both);
	hist_init(&none);
	draw(exponential, v, 1000, 1);
	draw(log_uniform, v + 1000, 1000, 2);
	record_all(&a, v, 1000);
	record_all(&b, v + 1000, 1000);
	record_all(&both, v, 2000);
	hist_merge(&a, &none);
	hist_merge(&a, &b);
	assert_memory_equal(&a, &both, sizeof(a));
	hist_merge(&none, &a);
	assert_memory_equal(&none, &both, sizeof(a));
}

static struct hist *some_hist(void)
{
	static struct hist h;
	static uint64_t v[500];

	hist_init(&h);
	draw(exponential, v, 500, 7);
	record_all(&h, v, 500);
	assert_true(hist_valid(&h));
	return &h;
}

static void contradictions_are_seen(void **state)
{
	struct hist *h;

	(void)state;
	h = some_hist();
	h->count++;
	assert_false(hist_valid(h));
	h = some_hist();
	h->bucket[hist_index(20000)]++;
	assert_false(hist_valid(h));
	h = some_hist();
	h->min = h->min > 2000 ? 1 : h->min * 2 + 100;
	assert_false(hist_valid(h));
	h = some_hist();
	h->max *= 2;
	assert_false(hist_valid(h));
	h = some_hist();
	h->sum += h->sum / 50;
	assert_false(hist_valid(h));
	h = some_hist();
	h->sum_sq -= h->sum_sq / 50;
	assert_false(hist_valid(h));
	h = some_hist();
	h->sum_sq |= (unsigned __int128)1 << 127;
	assert_false(hist_valid(h));
}

static void contradictions_of_few_values(void **state)
{
	static struct hist h;

	(void)state;
	hist_init(&h);
	h.max = 1;
	assert_false(hist_valid(&h));
	hist_init(&h);
	h.sum_sq = 1;
	assert_false(hist_valid(&h));
	/* counts whose sum wraps around to the one claimed, with sums that
	 * three values could have */
	hist_init(&h);
	h.bucket[0] = UINT64_MAX;
	h.bucket[1] = 3;
	h.bucket[100] = 1;
	h.count = 3;
	h.min = 0;
	h.max = 100;
	h.sum = 103;
	h.sum_sq = 10003;
	assert_false(hist_valid(&h));
	/* three times the same leaves no room for a spread */
	hist_init(&h);
	hist_record(&h, 1000000);
	hist_record(&h, 1000000);
	hist_record(&h, 1000000);
	h.sum_sq += 1;
	assert_false(hist_valid(&h));
	h.sum_sq -= 2;
	assert_false(hist_valid(&h));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(buckets_have_no_gap_and_no_overlap),
		cmocka_unit_test(index_is_monotone),
		cmocka_unit_test(one_percent_at_every_magnitude),
		cmocka_unit_test(empty),
		cmocka_unit_test(quantiles_of_random_data),
		cmocka_unit_test(ranks_are_exact),
		cmocka_unit_test(small_spread_on_a_large_mean),
		cmocka_unit_test(beyond_the_top),
		cmocka_unit_test(merge_is_recording_both),
		cmocka_unit_test(contradictions_are_seen),
		cmocka_unit_test(contradictions_of_few_values),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
