/*
 * What is known of a point so far: the numbers of its trials, and whether
 * they are enough.
 */
#ifndef RUN_POINT_STATS_H
#define RUN_POINT_STATS_H

#include "metric/headline.h"
#include "metric/stop_rule.h"
#include "result/row.h"
#include "run/trial.h"

enum point_state {
	POINT_OPEN,	   /* another trial is wanted */
	POINT_NARROW,	   /* its interval is narrow enough */
	POINT_LIMIT,	   /* as many trials as allowed */
	POINT_UNSUPPORTED, /* cannot be had here */
};

struct point_stats {
	const struct stop_rule *rule; /* outlives it */
	enum headline headline;
	enum point_state state;
	unsigned n, tried, next_look;  /* n: trials that were ok */
	double *value[HEADLINE_COUNT]; /* of those of them that have it */
	unsigned n_values[HEADLINE_COUNT];
};

/* 0 or -ENOMEM, with nothing to free. */
int point_stats_init(struct point_stats *p, const struct stop_rule *rule,
		     enum headline headline);
void point_stats_fini(struct point_stats *p); /* all zeros: fine */

/* One more trial; `value` counts only if it was ok, and is no NAN: it may lack
 * one.  At most rule->max. */
void point_stats_note(struct point_stats *p, enum status status,
		      const double value[HEADLINE_COUNT]);

/* The columns of points.csv behind those that say which point it is, and
 * their cells. */
void point_stats_columns(struct columns *c);
void point_stats_put(const struct point_stats *p, struct row *row);

#endif
