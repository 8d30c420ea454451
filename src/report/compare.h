/*
 * Two runs compared, point by point: did something become worse?
 *
 * A point of OLD and a point of NEW belong together if everything that was
 * asked of them is the same (transport, size, every knob, the path); only
 * the device's name and what it made of the inline limit may differ.  What
 * is compared is the trials' values of a metric (a trial's median is one
 * value), by the rank test of metric/rank.h, with Holm's correction for all
 * points and metrics of the two folders together.
 */
#ifndef REPORT_COMPARE_H
#define REPORT_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "metric/rank.h"
#include "report/machine_diff.h"
#include "result/reader.h"

enum compare_verdict {
	COMPARE_SAME,	/* nothing was found */
	COMPARE_WITHIN, /* it differs, by less than the threshold */
	COMPARE_BETTER,
	COMPARE_WORSE,
	COMPARE_TOO_FEW, /* no outcome of so few trials could tell */
};

/* "same", "within", "better", "worse", "too-few". */
const char *compare_word(enum compare_verdict verdict);

/* A point and a metric. */
struct compare_case {
	const char *scenario, *metric, *x_column; /* of the tables */
	char label[128];
	double x;
	unsigned
		place; /* cases of one scenario and metric stand by this, then x */
	double *old, *new; /* the trials, in order of value */
	unsigned n_old, n_new;
	bool higher_is_better; /* a rate: *_per_s */

	/* compare_judge fills: */
	double old_median, new_median; /* NAN: no trial */
	struct rank_ratio ratio;       /* new / old; 0: cannot be had */
	double p, p_holm;
	enum compare_verdict verdict;
};

struct compare_options {
	double threshold;  /* 0.05: worse by 5 % */
	double alpha;	   /* 0.05; 1 - alpha is the intervals' level */
	char metrics[256]; /* "lat_p99_ns,ops_per_s"; "": headlines */
	bool common;	   /* points that only one of them has are left out */
};

enum { COMPARE_NOTES_MAX = 64 };

struct compare {
	struct compare_case *cases;
	size_t n, cap;
	size_t count[COMPARE_TOO_FEW + 1];  /* by verdict */
	struct machine_diff diff;	    /* between the two run.json */
	char notes[COMPARE_NOTES_MAX][256]; /* what could not be compared */
	unsigned n_notes;
	struct reader_table **tables; /* that the cases' names are in */
	size_t n_tables;
};

/* Judges cases that have their trials.  Pure.  0 or -ENOMEM. */
int compare_judge(struct compare_case *cases, size_t n,
		  const struct compare_options *o, struct err *err);

/* Trials of each point, in both runs, of which one outcome at least could tell
 * something of each of `points` points compared together. */
unsigned compare_trials_wanted(size_t points, const struct compare_options *o);

/*
 * Reads and judges.  -EINVAL (usage) with words if the runs do not match:
 * not the same scenarios, or a point that the other does not have (unless
 * `common`), or no common point.  compare_fini in either case.
 */
int compare_run(struct compare *c, const char *old_dir, const char *new_dir,
		const struct compare_options *o, struct err *err);
void compare_fini(struct compare *c);

#endif
