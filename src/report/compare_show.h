/* A comparison as text, as CSV and as a figure. */
#ifndef REPORT_COMPARE_SHOW_H
#define REPORT_COMPARE_SHOW_H

#include <stdio.h>

#include "report/compare.h"

/* At most 80 columns; the stream's errors are the caller's to check. */
void compare_print(FILE *out, const struct compare *c,
		   const struct compare_options *o);

/* compare.csv, and compare.dat with compare.svg and compare.png, into the
 * folder, which must be there; what is there by these names is replaced.
 * Errors as those of gnuplot_run; the CSV is written first. */
int compare_write_csv(const struct compare *c, const char *dir,
		      struct err *err);
int compare_draw(const struct compare *c, const struct compare_options *o,
		 const char *dir, struct err *err);

#endif
