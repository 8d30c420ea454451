/*
 * Statistics of a few trials, distribution free.  Everything but stats_sort
 * takes values that stats_sort has put in order; no NaN.
 */
#ifndef METRIC_STATS_H
#define METRIC_STATS_H

#include <stdbool.h>

struct stats_interval {
	double low, high;
	double level;		      /* achieved, at least the one asked for */
	unsigned rank_low, rank_high; /* from 1 */
};

/* Ascending, in place. */
void stats_sort(double *x, unsigned n);

/* q in [0,1]; between two values linear (Hyndman and Fan 1996, type 7: what
 * R and NumPy do by default).  NaN if n is 0. */
double stats_quantile(const double *sorted, unsigned n, double q);
double stats_median(const double *sorted, unsigned n);

/*
 * The confidence interval of a median between two order statistics: the
 * number of values below the true median is binomial (n, 1/2) whatever the
 * distribution (David and Nagaraja, Order Statistics, 7.1).  The narrowest
 * symmetric pair of ranks that reaches `level`, e.g. 0.95; false, with *ci
 * untouched, if even minimum and maximum do not: for 0.95 below 6 values.
 */
bool stats_median_interval(const double *sorted, unsigned n, double level,
			   struct stats_interval *ci);

#endif
