#include "metric/rank.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric/stats.h"

/* A value, where it came from, and twice its rank: a tie's mean rank may be
 * a half. */
struct ranked {
	double value;
	unsigned twice_rank;
	bool from_a;
};

static int by_value(const void *x, const void *y)
{
	const struct ranked *a = x, *b = y;

	return (a->value > b->value) - (a->value < b->value);
}

/* Both samples in order, with ranks. */
static struct ranked *rank_both(const double *a, unsigned na, const double *b,
				unsigned nb)
{
	unsigned i, k, end, n = na + nb;
	struct ranked *r = calloc(n + 1, sizeof(*r));

	if (!r)
		return NULL;
	for (i = 0; i < n; i++)
		r[i] = (struct ranked){i < na ? a[i] : b[i - na], 0, i < na};
	qsort(r, n, sizeof(*r), by_value);
	for (i = 0; i < n; i = end) {
		for (end = i + 1; end < n && r[end].value <= r[i].value; end++)
			;
		/* Ranks i + 1 to end: twice their mean. */
		for (k = i; k < end; k++)
			r[k].twice_rank = i + 1 + end;
	}
	return r;
}

/*
 * ways[s]: in how many ways k of n numbers can be chosen so that they sum up
 * to s, for s up to `most`.  One number after the other is offered; rows are
 * by how many were taken so far.  The caller frees; NULL: no memory.
 */
static double *count_ways(const unsigned *numbers, unsigned n, unsigned k,
			  unsigned most)
{
	size_t width = (size_t)most + 1;
	double *rows = calloc((k + 1) * width, sizeof(*rows));
	unsigned i, j, s;

	if (!rows)
		return NULL;
	rows[0] = 1;
	for (i = 0; i < n; i++)
		for (j = i + 1 < k ? i + 1 : k; j > 0; j--)
			for (s = numbers[i]; s <= most; s++)
				rows[j * width + s] +=
					rows[(j - 1) * width + s - numbers[i]];
	memmove(rows, rows + k * width, width * sizeof(*rows));
	return rows;
}

/* The share of ways whose sum is as far from the mean as `sum` is. */
static double share_as_far(const double *ways, unsigned most, double mean,
			   double sum)
{
	double far = fabs(sum - mean) - 1e-9, part = 0, all = 0;
	unsigned s;

	for (s = 0; s <= most; s++) {
		all += ways[s];
		if (fabs(s - mean) >= far)
			part += ways[s];
	}
	return part / all;
}

static int exact(const struct ranked *r, unsigned n, unsigned na, double sum,
		 double *p)
{
	unsigned numbers[RANK_EXACT_MAX], i, most = 0;
	double *ways;

	for (i = 0; i < n; i++) {
		numbers[i] = r[i].twice_rank;
		most += numbers[i];
	}
	ways = count_ways(numbers, n, na, most);
	if (!ways)
		return -ENOMEM;
	*p = share_as_far(ways, most, (double)na * (n + 1), sum);
	free(ways);
	return 0;
}

/* `sum` and its mean are of doubled ranks. */
static double approximate(const struct ranked *r, unsigned n, unsigned na,
			  double sum)
{
	double mean = (double)na * (n + 1), squares = 0, variance, off;
	unsigned i;

	for (i = 0; i < n; i++)
		squares += pow(r[i].twice_rank - (n + 1.0), 2);
	variance = (double)na * (n - na) * squares / ((double)n * (n - 1));
	off = fabs(sum - mean) - 1; /* half a rank, doubled */
	if (off <= 0 || variance <= 0)
		return 1;
	return erfc(off / sqrt(2 * variance));
}

int rank_test(const double *a, unsigned na, const double *b, unsigned nb,
	      double *p)
{
	unsigned i, n = na + nb;
	struct ranked *r;
	double sum = 0;
	int ret = 0;

	*p = 1;
	if (!na || !nb)
		return 0;
	r = rank_both(a, na, b, nb);
	if (!r)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		sum += r[i].from_a ? r[i].twice_rank : 0;
	if (n <= RANK_EXACT_MAX)
		ret = exact(r, n, na, sum, p);
	else
		*p = approximate(r, n, na, sum);
	free(r);
	return ret;
}

double rank_least_p(unsigned na, unsigned nb)
{
	double choices = 1;
	unsigned i;

	for (i = 1; i <= na; i++)
		choices *= (double)(nb + i) / i;
	return fmin(1, 2 / choices);
}

/* --- how much --------------------------------------------------------------*/

/* The largest k with P(U < k) at most alpha / 2, U the Mann-Whitney count
 * of samples without ties; -ENOMEM. */
static long exact_k(unsigned na, unsigned nb, double alpha)
{
	unsigned numbers[RANK_EXACT_MAX], i, n = na + nb,
					     most = n * (n + 1) / 2;
	unsigned least = na * (na + 1) / 2; /* the sum where U is 0 */
	double *ways, all = 0, below = 0;
	long k = 0;

	for (i = 0; i < n; i++)
		numbers[i] = i + 1;
	ways = count_ways(numbers, n, na, most);
	if (!ways)
		return -ENOMEM;
	for (i = 0; i <= most; i++)
		all += ways[i];
	for (i = least; i <= most; i++) {
		below += ways[i];
		if (below / all > alpha / 2)
			break;
		k++;
	}
	free(ways);
	return k;
}

/* z of a two-sided normal test, by bisection. */
static double normal_z(double alpha)
{
	double low = 0, high = 40;
	unsigned i;

	for (i = 0; i < 100; i++) {
		double mid = (low + high) / 2;

		if (erfc(mid / sqrt(2)) > alpha)
			low = mid;
		else
			high = mid;
	}
	return high;
}

static long approximate_k(unsigned na, unsigned nb, double alpha)
{
	double pairs = (double)na * nb;
	double k = pairs / 2 -
		   normal_z(alpha) * sqrt(pairs * (na + nb + 1.0) / 12) - 0.5;

	return k > 0 ? (long)k : 0;
}

int rank_ratio(const double *a, unsigned na, const double *b, unsigned nb,
	       double level, struct rank_ratio *out)
{
	unsigned i, j, n = na * nb;
	double *ratios = calloc((size_t)n + 1, sizeof(*ratios));
	long k;

	if (!ratios)
		return -ENOMEM;
	for (i = 0; i < na; i++)
		for (j = 0; j < nb; j++)
			ratios[i * nb + j] = b[j] / a[i];
	stats_sort(ratios, n);
	/* Between two in the middle, the mean on the logarithmic scale. */
	*out = (struct rank_ratio){
		.ratio = sqrt(ratios[(n - 1) / 2] * ratios[n / 2])};
	k = na + nb <= RANK_EXACT_MAX ? exact_k(na, nb, 1 - level)
				      : approximate_k(na, nb, 1 - level);
	if (k > 0) {
		out->has_interval = true;
		out->low = ratios[k - 1];
		out->high = ratios[n - (unsigned)k];
	}
	free(ratios);
	return k < 0 ? (int)k : 0;
}

/* --- many at once ----------------------------------------------------------*/

static int by_pointed(const void *x, const void *y)
{
	const double *const *a = x, *const *b = y;

	return (**a > **b) - (**a < **b);
}

int rank_holm(double *p, unsigned n)
{
	double **order = calloc((size_t)n + 1, sizeof(*order)), least = 0;
	unsigned i;

	if (!order)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		order[i] = &p[i];
	qsort(order, n, sizeof(*order), by_pointed);
	for (i = 0; i < n; i++) {
		least = fmax(least, fmin(1, *order[i] * (n - i)));
		*order[i] = least;
	}
	free(order);
	return 0;
}
