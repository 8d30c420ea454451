#include "metric/stats.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	assert(!isnan(x) && !isnan(y));
	return (x > y) - (x < y);
}

void stats_sort(double *x, unsigned n)
{
	if (n)
		qsort(x, n, sizeof(*x), by_value);
}

double stats_quantile(const double *sorted, unsigned n, double q)
{
	double at, below;
	unsigned i;

	assert(q >= 0 && q <= 1);
	if (!n)
		return NAN;
	at = q * (n - 1);
	below = floor(at);
	i = (unsigned)below;
	if (i + 1 >= n)
		return sorted[n - 1];
	if (at == below) /* or 0 * (inf - x) would be NaN */
		return sorted[i];
	return sorted[i] + (at - below) * (sorted[i + 1] - sorted[i]);
}

double stats_median(const double *sorted, unsigned n)
{
	return stats_quantile(sorted, n, 0.5);
}

/*
 * P(Bin(n, 1/2) < k).  The weights go down from 1 in the middle, so that no
 * n is too large for 2^-n; below k <= n/2 + 1 they are all on the left side,
 * and the whole is twice that side less the middle that it shares.
 */
static double tail(unsigned n, unsigned k)
{
	unsigned i, mid = n / 2;
	double w = 1, part = 0, whole = n % 2 ? 0 : -1;

	for (i = mid;; i--) {
		whole += 2 * w;
		if (i < k)
			part += w;
		if (!i)
			break;
		w *= (double)i / (double)(n - i + 1);
	}
	return part / whole;
}

static double level_of(unsigned n, unsigned rank)
{
	return 1 - 2 * tail(n, rank);
}

/* The largest rank that still reaches the level; the first one does. */
static unsigned innermost(unsigned n, double level)
{
	unsigned good = 1, bad = n / 2 + 1, mid;

	while (bad - good > 1) {
		mid = good + (bad - good) / 2;
		if (level_of(n, mid) >= level)
			good = mid;
		else
			bad = mid;
	}
	return good;
}

bool stats_median_interval(const double *sorted, unsigned n, double level,
			   struct stats_interval *ci)
{
	unsigned k;

	if (n < 2 || level_of(n, 1) < level)
		return false;
	k = innermost(n, level);
	ci->rank_low = k;
	ci->rank_high = n + 1 - k;
	ci->low = sorted[k - 1];
	ci->high = sorted[n - k];
	ci->level = level_of(n, k);
	return true;
}
