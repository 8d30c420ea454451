/*
 * The blocks of a table: two series that are compared side by side, or one
 * that has no other.
 */
#ifndef REPORT_PAIRS_H
#define REPORT_PAIRS_H

#include "report/series.h"

struct pair {
	const struct series_set *set;
	const struct series *left;  /* the base, where there is a right one */
	const struct series *right; /* NULL: then there is no gain */
	const char *words;	    /* head of the gain */
	unsigned n;		    /* values of each */
};

/* Each block of this path, in the order of the series. */
void pairs_each(const struct series_set *set, const struct series_pair *compare,
		enum path path, void (*fn)(void *arg, const struct pair *pair),
		void *arg);

/* The next x after this in either series; INFINITY at the end. */
double pair_next_x(const struct pair *pair, double x);

#endif
