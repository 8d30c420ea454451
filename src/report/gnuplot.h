/*
 * Runs gnuplot, the program.  No shell is involved, and nothing that came
 * out of a results file becomes gnuplot code: scripts are ours, text and
 * numbers reach them as data files.
 */
#ifndef REPORT_GNUPLOT_H
#define REPORT_GNUPLOT_H

#include <stdio.h>

#include "base/err.h"

enum { GNUPLOT_SCRIPTS = 4, GNUPLOT_TIMEOUT_S = 60 };

struct gnuplot {
	const char *program; /* looked up on PATH; tests put theirs */
	const char *dir;     /* runs there: scripts name files plainly */
	unsigned timeout_s;
	const char *scripts[GNUPLOT_SCRIPTS]; /* fed in order; NULL ends */
};

/* Waits until it ended, at most timeout_s (then it is killed).  An error
 * carries what it said on stderr; its stdout is dropped. */
int gnuplot_run(const struct gnuplot *g, struct err *err);

/*
 * Writes one field of a data file whose separator is a tab: clean text with
 * gnuplot's escapes, which it interprets in data too (a quote would end the
 * field, "\n" would break the line).
 */
void gnuplot_put_text(FILE *f, const char *text);

#endif
