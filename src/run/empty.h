/*
 * Why a column is empty, for run.json: "empty_columns": {column: reason}.
 * A reason starts with a word of the closed list (base/err.h).  The first
 * one that a row had is kept; another row may have had a number.
 */
#ifndef RUN_EMPTY_H
#define RUN_EMPTY_H

#include "result/row.h"
#include "run/plan.h"
#include "run/trial.h"

enum { EMPTY_WHY_MAX = 200 };

struct empty_columns {
	struct {
		char column[COLUMN_NAME_MAX];
		char why[EMPTY_WHY_MAX];
	} v[ROW_COLUMNS_MAX];
	unsigned n;
};

/* Notes what this trial's row leaves empty although it is ok: what was not
 * measured, and by the row whatever else has no cell there. */
void empty_note_trial(struct empty_columns *e, const struct plan_point *pp,
		      const struct trial *t, const struct row *row);

#endif
