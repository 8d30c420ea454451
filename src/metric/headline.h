/*
 * What a point is about: the number of its trials that decides when it has
 * been measured often enough, and by which two runs are compared.  One
 * operation at a time is about its latency; a full window is about its rate,
 * for there the latency is only how many wait, divided by it.
 *
 * A scenario declares it once, in its point's `struct need`; the column
 * `headline` of every row says it to whoever reads the results.
 */
#ifndef METRIC_HEADLINE_H
#define METRIC_HEADLINE_H

enum headline { HEADLINE_P50, HEADLINE_RATE };
enum { HEADLINE_COUNT = HEADLINE_RATE + 1 };

struct headline_info {
	const char *column; /* of a trial's row */
	/* of points.csv: the median of it over trials, and its interval */
	const char *median, *ci_low, *ci_high;
	int decimals; /* of these three */
};
extern const struct headline_info headline_info[HEADLINE_COUNT];

#endif
