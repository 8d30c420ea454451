#include "metric/hist.h"

#include <float.h>
#include <math.h>
#include <string.h>

typedef unsigned __int128 u128;

void hist_init(struct hist *h)
{
	memset(h, 0, sizeof(*h));
	h->min = UINT64_MAX;
}

uint64_t hist_low(unsigned i)
{
	unsigned shift;

	if (i < HIST_SUB)
		return i;
	shift = (i >> HIST_SUB_BITS) - 1;
	return (uint64_t)(HIST_SUB + (i & (HIST_SUB - 1))) << shift;
}

static uint64_t clamp(uint64_t v, uint64_t low, uint64_t high)
{
	return v < low ? low : v > high ? high : v;
}

/* ceil(q * count), where a product that is an integer but for the rounding
 * of q (0.07 * 100 is 7.000000000000001) must not become the next one. */
static uint64_t rank_of(double q, uint64_t count)
{
	double r = ceil(q * (double)count * (1 - 4 * DBL_EPSILON));

	return r < 1 ? 1 : r > (double)count ? count : (uint64_t)r;
}

uint64_t hist_quantile(const struct hist *h, double q)
{
	uint64_t rank, seen = 0, low;
	unsigned i;

	if (!h->count)
		return 0;
	if (q <= 0)
		return h->min;
	if (q >= 1)
		return h->max;
	rank = rank_of(q, h->count);
	for (i = 0; i < HIST_BUCKETS - 1; i++) {
		seen += h->bucket[i];
		if (seen >= rank)
			break;
	}
	low = hist_low(i);
	return clamp(low + (hist_low(i + 1) - 1 - low) / 2, h->min, h->max);
}

double hist_mean(const struct hist *h)
{
	return h->count ? (double)h->sum / (double)h->count : 0;
}

/*
 * With sum = n q + r in integers, the squares around q add up to exactly
 * sum_sq - q (sum + r), and those around the mean to r^2 / n less: nothing
 * cancels, however small the spread beside the mean.
 */
double hist_stddev(const struct hist *h)
{
	uint64_t q, r;
	double around_q, squares;

	if (h->count < 2)
		return 0;
	q = h->sum / h->count;
	r = h->sum % h->count;
	around_q = (double)(h->sum_sq - (u128)q * h->sum - (u128)q * r);
	squares = around_q - (double)r * ((double)r / (double)h->count);
	return squares > 0 ? sqrt(squares / (double)(h->count - 1)) : 0;
}

void hist_merge(struct hist *into, const struct hist *from)
{
	unsigned i;

	for (i = 0; i < HIST_BUCKETS; i++)
		into->bucket[i] += from->bucket[i];
	into->count += from->count;
	into->sum += from->sum;
	into->sum_sq += from->sum_sq;
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
}

/* --- validity ------------------------------------------------------------ */

struct bounds {
	long double low, high;
};

static void add_bucket(struct bounds *sum, struct bounds *sq, uint64_t n,
		       uint64_t low, uint64_t high)
{
	long double l = (long double)low, u = (long double)high;

	sum->low += (long double)n * l;
	sum->high += (long double)n * u;
	sq->low += (long double)n * l * l;
	sq->high += (long double)n * u * u;
}

/* The tolerance is for the rounding of the bounds, not of the sums. */
static bool within(long double v, const struct bounds *b)
{
	return v >= b->low * (1 - 1e-9L) && v <= b->high * (1 + 1e-9L);
}

static bool sums_fit_buckets(const struct hist *h)
{
	struct bounds sum = {0, 0}, sq = {0, 0};
	uint64_t max = clamp(h->max, 0, HIST_TOP);
	unsigned i;

	for (i = 0; i < HIST_BUCKETS; i++)
		if (h->bucket[i])
			add_bucket(&sum, &sq, h->bucket[i],
				   clamp(hist_low(i), h->min, max),
				   i == HIST_BUCKETS - 1
					   ? max
					   : clamp(hist_low(i + 1) - 1, h->min,
						   max));
	return within((long double)h->sum, &sum) &&
	       within((long double)h->sum_sq, &sq);
}

/* Popoviciu: the variance is at most a quarter of the range squared.  Sums
 * that pass the bounds above may still contradict each other. */
static bool spread_fits_range(const struct hist *h)
{
	double sd = hist_stddev(h), n = (double)h->count;
	double range = (double)(h->max - h->min);

	return sd * sd * (n - 1) <= n * range * range / 4 * (1 + 1e-6);
}

static bool counts_agree(const struct hist *h, unsigned *first, unsigned *last)
{
	uint64_t sum = 0;
	unsigned i;

	*first = HIST_BUCKETS;
	*last = 0;
	for (i = 0; i < HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		if (__builtin_add_overflow(sum, h->bucket[i], &sum))
			return false;
		*first = *first == HIST_BUCKETS ? i : *first;
		*last = i;
	}
	return sum == h->count;
}

bool hist_valid(const struct hist *h)
{
	unsigned first, last;

	if (!counts_agree(h, &first, &last))
		return false;
	if (!h->count)
		return h->min == UINT64_MAX && !h->max && !h->sum && !h->sum_sq;
	if (h->min > h->max || hist_index(h->min) != first ||
	    hist_index(h->max) != last)
		return false;
	return sums_fit_buckets(h) && spread_fits_range(h);
}
