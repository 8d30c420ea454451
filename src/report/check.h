/*
 * What must hold in any results, a line each:
 *
 *	exact		a violation is a bug, on any machine
 *	statistical	a violation is a warning
 *	hardware	the sign is said, nothing is expected of a software
 *			device
 *
 * Some hold for every scenario; the others are in its `struct report`.
 */
#ifndef REPORT_CHECK_H
#define REPORT_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "report/series.h"
#include "result/reader.h"

enum check_kind { CHECK_EXACT, CHECK_STATISTICAL, CHECK_HARDWARE };

/* What trials tell of a sign. */
enum check_answer {
	CHECK_UNTOLD, /* they could be so by chance */
	CHECK_YES,
	CHECK_NO,    /* the other sign */
	CHECK_MIXED, /* here the one and there the other */
};

struct check_line {
	enum check_kind kind;
	bool holds;		  /* not of hardware */
	enum check_answer answer; /* of hardware */
	char what[160];		  /* the invariant, and of what */
	char where[400];	  /* the first place where it does not hold */
	unsigned times;		  /* at how many it does not */
};

struct check_result {
	struct check_line *lines;
	size_t n;
	unsigned violated; /* exact ones that do not hold */
};

/* "ok", "warning", "VIOLATED"; of hardware "yes", "no", "mixed", "unclear". */
const char *check_verdict(const struct check_line *l);

/* Every scenario's CSV in the folder.  -errno if there is none, or it does
 * not parse.  check_fini in either case. */
int check_run(const char *dir, struct check_result *res, struct err *err);
void check_fini(struct check_result *res);

/* --- for the rules of a scenario ------------------------------------------ */

struct scenario;

/* The results of one scenario. */
struct check {
	struct check_result *res;
	const struct scenario *scn;
	const struct reader_table *table; /* <scenario>.csv, has rows */
	const struct reader_table *hist;  /* <scenario>.hist.csv, or NULL */
	const struct series_set *set;	  /* by the axes of its report */
};

/* A line that holds, until violated: the first place is kept. */
struct check_line *check_add(struct check *c, enum check_kind kind,
			     const char *what);
void check_violate(struct check *c, struct check_line *l, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

bool check_row_ok(const struct check *c, size_t row);
/* NAN if the cell is empty or the column is not there. */
double check_number(const struct check *c, size_t row, const char *column);
/* "" likewise. */
const char *check_cell(const struct check *c, size_t row, const char *column);

#endif
