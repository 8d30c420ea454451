/* An option of a point, as a user would give it. */
#ifndef TESTS_UNIT_POINT_SET_H
#define TESTS_UNIT_POINT_SET_H

#include <stdio.h>
#include <stdlib.h>

#include "run/point.h"

/* Also called outside a test (a setup), so it aborts rather than fails. */
static inline void point_set(struct point *pt, const char *name,
			     const char *text)
{
	struct err err = {.text = "no such option"};
	const struct opt *o;
	void *base;

	o = point_opt(pt, name, &base);
	if (o && !opt_set(o, base, text, &err))
		return;
	fprintf(stderr, "--%s %s: %s\n", name, text, err.text);
	abort();
}

#endif
