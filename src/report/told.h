/*
 * What rank tests tell of points of series: is one below another?  All that a
 * sentence rests on is corrected together (metric/rank.h).
 */
#ifndef REPORT_TOLD_H
#define REPORT_TOLD_H

#include "metric/rank.h"
#include "report/series.h"

#define TOLD_ALPHA 0.05

/* Of y[y]: one series at one x, and another (or itself) at one. */
struct told {
	const struct series *base, *other;
	double base_x, other_x;
	unsigned y;
	double base_y, other_y; /* medians over trials */
	double p;
	double least_p; /* that so many trials can have */
	int sign;	/* of other_y - base_y; 0: not told apart */
	/* other_y / base_y.  All intervals of the set hold together, in 95 of
	 * 100 cases; too few trials for that: this one by itself. */
	struct rank_ratio ratio;
};

struct told_set {
	struct told *v;
	unsigned n, room;
};

/* Tests one more; both have their x.  0 or -ENOMEM. */
int told_add(struct told_set *all, const struct series_set *set,
	     const struct told *what);
/* At every x that both have; `what` has the two series and y. */
int told_pair(struct told_set *all, const struct series_set *set,
	      const struct told *what);
/* Sets the signs (Holm) and the ratios (their intervals by Bonferroni), once
 * all are there.  0 or -ENOMEM. */
int told_settle(struct told_set *all, const struct series_set *set);
void told_fini(struct told_set *all);

/* False if there are so few trials that nothing could ever be told. */
bool told_could(const struct told_set *all);

#endif
