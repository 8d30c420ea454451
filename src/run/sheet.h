/*
 * What one scenario of a run writes: a row a trial (<scenario>.csv), its
 * histogram (<scenario>.hist.csv), and in the end a row a point with the
 * median over its trials (<scenario>.points.csv).  Also keeps what decides
 * whether a point needs another trial.
 */
#ifndef RUN_SHEET_H
#define RUN_SHEET_H

#include "metric/stop_rule.h"
#include "result/csv.h"
#include "run/plan.h"
#include "run/point_stats.h"
#include "run/trial.h"

/* Trials by their status. */
struct run_counts {
	unsigned ok, unsupported, failed, interrupted;
	struct err first_failure; /* its reason gives the exit code */
};

struct sheet;

/* Creates the files in dir.  `rule` must live as long as the sheet. */
int sheet_open(struct sheet **sheet, const char *dir, const char *run_id,
	       const struct plan *plan, const struct stop_rule *rule,
	       struct err *err);

/*
 * Goes on with the files that an earlier part of this run left in dir, if it
 * left any: rows that are whole, with their histograms, count as done
 * trials; what comes after them is cut off, and so is a last row that says
 * interrupted.  `counts` gets what they were.
 */
int sheet_resume(struct sheet **sheet, const char *dir, const char *run_id,
		 const struct plan *plan, const struct stop_rule *rule,
		 struct run_counts *counts, struct err *err);

/* Trials that the point has had, in this part of the run or before. */
unsigned sheet_tried(const struct sheet *s, const struct plan_point *pp);

/* Writes the trial's row and histogram, whole or not at all.  They are the
 * kernel's when it returns, and on disk if a second has passed since the last
 * time: a killed run loses nothing, a power cut the trials of a second. */
int sheet_add(struct sheet *s, const struct plan_point *pp, unsigned number,
	      const struct trial *t, struct err *err);

/* The row that sheet_add wrote last. */
const struct row *sheet_row(const struct sheet *s);

bool sheet_wants(const struct sheet *s, const struct plan_point *pp);
unsigned sheet_open_points(const struct sheet *s);

/* <scenario>.points.csv, of what there is; all files are on disk then. */
int sheet_write_points(struct sheet *s, struct err *err);

void sheet_close(struct sheet *s); /* NULL is fine */

#endif
