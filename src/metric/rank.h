/*
 * Two samples compared by ranks: whether they differ, by how much, and what
 * is left of that when many pairs are asked at once.  Distribution free, as
 * few trials tell nothing of theirs.  No NaN goes in.
 */
#ifndef METRIC_RANK_H
#define METRIC_RANK_H

#include <stdbool.h>

/* Up to so many values in both samples together the test is exact. */
enum { RANK_EXACT_MAX = 80 };

/*
 * The two-sided p of the Wilcoxon-Mann-Whitney test (Mann and Whitney 1947):
 * how often the ranks, dealt at random, would be as uneven.  Ties share
 * their ranks' mean, and p is that of the permutations of those (Streitberg
 * and Roehmel 1986).  Beyond RANK_EXACT_MAX a normal distribution stands in,
 * corrected for ties and continuity (Hollander and Wolfe, section 4.1).
 * 1 if a sample is empty.  0 or -ENOMEM.
 */
int rank_test(const double *a, unsigned na, const double *b, unsigned nb,
	      double *p);

/* The least p that samples of these sizes can have: 2 / C(na + nb, na). */
double rank_least_p(unsigned na, unsigned nb);

struct rank_ratio {
	double ratio;
	double low, high; /* where has_interval */
	bool has_interval;
};

/*
 * How many times a is b: the median of all ratios b[j] / a[i], the estimate
 * of Hodges and Lehmann (1963) on a logarithmic scale, and the interval
 * between the order statistics of those ratios that belongs to the rank test
 * at this level (Hollander and Wolfe, section 4.3).  Values are above 0 and
 * the samples not empty.  Too few values for the level: no interval.  0 or
 * -ENOMEM.
 */
int rank_ratio(const double *a, unsigned na, const double *b, unsigned nb,
	       double level, struct rank_ratio *out);

/* Holm's correction (1979) of n p values, in place: at or below alpha after
 * it, the chance that any of them is so by chance is alpha at most.  0 or
 * -ENOMEM. */
int rank_holm(double *p, unsigned n);

#endif
