/*
 * When a point has been measured often enough: when the confidence interval
 * of the median over its trials is narrow, or the limit is reached.
 *
 * Looking after every trial and stopping at the first narrow interval would
 * make the stated level a lie (optional stopping: Armitage, McPherson, Rowe,
 * JRSS A 132, 1969).  The rule looks seldom, each time after 1.4 times as
 * many trials; with distribution-free intervals, which promise a little more
 * than they state, 95 % intervals then hold in 94 % of runs or more.  The
 * unit test simulates it.
 */
#ifndef METRIC_STOP_RULE_H
#define METRIC_STOP_RULE_H

#include <stdbool.h>

#include "metric/stats.h"

enum stop_why {
	STOP_NOT_YET,
	STOP_NARROW, /* the interval is as narrow as asked */
	STOP_LIMIT,  /* as many trials as allowed */
};

struct stop_rule {
	double level; /* 0.95 */
	double width; /* half-width over median: 0.05 */
	unsigned min, max;
};

/* The next number of trials after `n` at which to look. */
unsigned stop_rule_next_look(const struct stop_rule *rule, unsigned n);

/*
 * Looks: `sorted` are n values in ascending order, n being a number that
 * stop_rule_next_look gave.  Fills median and, if n allows one at that
 * level, the interval (*has_ci).
 */
struct stop_look {
	double median;
	bool has_ci;
	struct stats_interval ci;
};
enum stop_why stop_rule_look(const struct stop_rule *rule, const double *sorted,
			     unsigned n, struct stop_look *look);

#endif
