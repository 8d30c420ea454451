/*
 * Draws what a results folder can show: for every scenario whose CSV is in
 * it the figures of its `struct report`, each as SVG and PNG, with the
 * data file that its plot script reads beside it.  Whoever wants another
 * look copies plot/NAME.gp, plot/style.gp and NAME.dat and runs gnuplot.
 *
 * A figure shows one run and one path.  Where a file has rows of several
 * paths, each path has its figure (NAME_loopback, NAME_wire).
 */
#ifndef REPORT_FIGURES_H
#define REPORT_FIGURES_H

#include <stddef.h>

#include "base/err.h"

enum figures_kind {
	FIGURES_DRAWN,	   /* name: a file in the folder */
	FIGURES_NOT_DRAWN, /* name: the figure; why: in words */
	FIGURES_NOTE,	   /* name: the file that it is about; why */
};

struct figures_item {
	enum figures_kind kind;
	char name[64];
	char why[ERR_TEXT_MAX];
};

struct figures_result {
	size_t n;
	struct figures_item *items;
};

/*
 * A figure that has nothing to show is no error: `res` says why.  Errors: no
 * results here (no-file), a damaged file, gnuplot missing (no-program; the
 * data files are there), gnuplot failing.  `res` then has what was done so
 * far; figures_fini() it in either case.
 */
int figures_draw(const char *dir, struct figures_result *res, struct err *err);
void figures_fini(struct figures_result *res);

#endif
