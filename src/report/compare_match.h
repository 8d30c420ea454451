/*
 * The points of two results files of one scenario, and which belong
 * together.  A point is known by its number within a run, and by what was
 * asked of it between runs.
 */
#ifndef REPORT_COMPARE_MATCH_H
#define REPORT_COMPARE_MATCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "report/dims.h"
#include "result/reader.h"

enum match_side { MATCH_OLD, MATCH_NEW, MATCH_SIDES };
#define MATCH_NONE ((size_t)-1)

struct match_pair {
	size_t row[MATCH_SIDES]; /* a row of the point, an ok one if there is
				    one; MATCH_NONE: the other has it alone */
};

struct match {
	const struct reader_table *table[MATCH_SIDES];
	struct dims dims[MATCH_SIDES];
	struct match_pair *v;
	size_t n;
};

/* Borrows the tables.  match_fini in either case. */
int match_init(struct match *m, const struct reader_table *old,
	       const struct reader_table *new, struct err *err);
void match_fini(struct match *m);

/* Words on why pair i has no other: the nearest of the other side, and in
 * what it differs. */
void match_explain(const struct match *m, size_t i, char *buf, size_t size);

/* True if `row` is of the point that pair i has on this side, and ok. */
bool match_is_trial(const struct match *m, size_t i, enum match_side side,
		    size_t row);

#endif
