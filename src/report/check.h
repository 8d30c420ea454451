/*
 * What must hold in any results (DESIGN section 5), a line each:
 *
 *	exact		a violation is a bug, on any machine
 *	statistical	a violation is a warning
 *	hardware	the sign is said, nothing is expected of a software
 *			device
 */
#ifndef REPORT_CHECK_H
#define REPORT_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum check_kind { CHECK_EXACT, CHECK_STATISTICAL, CHECK_HARDWARE };

struct check_line {
	enum check_kind kind;
	bool holds;
	char what[160];	 /* the invariant, and of what */
	char where[320]; /* the first place where it does not hold */
};

struct check_result {
	struct check_line *lines;
	size_t n;
	unsigned violated; /* exact ones that do not hold */
};

/* Every scenario's CSV in the folder.  -errno if there is none, or it does
 * not parse.  check_fini in either case. */
int check_run(const char *dir, struct check_result *res, struct err *err);
void check_fini(struct check_result *res);

#endif
