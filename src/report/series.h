/*
 * From rows (one per trial) to series (one per combination of everything
 * but x) of points (one per x): what the figures and the table show.  A point is the median over its trials, because the unit of
 * statistics is the trial.  Only rows that are ok count.
 */
#ifndef REPORT_SERIES_H
#define REPORT_SERIES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "report/dims.h"
#include "result/reader.h"

enum path { PATH_LOOPBACK, PATH_WIRE, PATH_UNKNOWN, PATH_COUNT };

/* "loopback", "wire", "unknown". */
const char *path_name(enum path path);

enum { SERIES_VALUES_MAX = 10 };

/* A column that is shown: its values divided by `per` (0: by 1). */
struct series_value {
	const char *column; /* of the CSV: "lat_p50_ns" */
	const char *label;  /* "p50" */
	double per;
};

/* What a point is: y over x.  Rows without x or y[0] are not shown, nor are
 * those where one of them is not above 0, unless `linear`. */
struct series_axes {
	const char *x;	     /* column of the CSV: "size_bytes" */
	const char *x_label; /* "bytes" */
	bool linear;	     /* neither axis is logarithmic: 0 can be shown */
	struct series_value y[SERIES_VALUES_MAX + 1]; /* to a NULL column */
};

/*
 * What is compared with what: two series that differ in `column` alone (and
 * what is a transport's own, where that is the transport), and have `base`
 * and `other` there.  `other` NULL: anything but the base.
 */
struct series_pair {
	const char *column, *base, *other;
	const char *words; /* heads a positive gain: "RDMA faster" */
};

struct series_point {
	double x;
	double y[SERIES_VALUES_MAX]; /* medians over the trials; NAN if no
					trial has it, but for y[0] */
	unsigned trials;
};

struct series {
	size_t row; /* one of its rows, where its cells can be looked up */
	enum path path;
	unsigned style; /* 1, 2, ...: the line style, in every figure */
	const struct series_point *points; /* by rising x */
	size_t n;
	char label[LABEL_MAX]; /* for the legend; clean text */
};

struct series_set {
	const struct reader_table *table;
	const struct series_axes *axes;
	struct dims dims;
	struct series *v; /* tcp first, then rdma, loop, others */
	size_t n;
	struct series_point *points; /* of all of them */
};

/* Fails if a column is missing that is needed, or if the file holds more
 * than one run.  No row that is ok: an empty set.  `set` borrows the table
 * and the axes. */
int series_init(struct series_set *set, const struct reader_table *table,
		const struct series_axes *axes, struct err *err);
void series_fini(struct series_set *set);

unsigned series_values(const struct series_axes *axes);

/* The cell of a series, or of a row, by the column's name; "" if absent. */
const char *series_cell(const struct series_set *set, const struct series *s,
			const char *column);
bool series_is(const struct series_set *set, const struct series *s,
	       const char *transport);

/* The trials' values of y[k] at this x, unsorted, into `values`, which has
 * room for one a row of the table; returns how many have one. */
unsigned series_trials(const struct series_set *set, const struct series *s,
		       double x, unsigned k, double *values);

/* Of y[0] at this x, over the trials: the 95 % interval of their median, or
 * where they are fewer than the 6 that one wants, from the lowest to the
 * highest.  NAN without memory, or without a trial. */
struct series_range {
	double low, high;
};
struct series_range series_interval(const struct series_set *set,
				    const struct series *s, double x);

/* Its point at this x, or NULL. */
const struct series_point *series_at(const struct series *s, double x);

/* How much less `other` is than `base`, in percent of the base. */
double series_gain(double base, double other);

/* True if the pair's other, or its base, could be this series. */
bool series_is_other(const struct series_set *set, const struct series *s,
		     const struct series_pair *pair);
bool series_is_base(const struct series_set *set, const struct series *s,
		    const struct series_pair *pair);

/* The base to compare `s` with, that has at least one x in common; NULL and
 * *why (the name of a column that differs, or x) if there is none. */
const struct series *series_base(const struct series_set *set,
				 const struct series *s,
				 const struct series_pair *pair,
				 const char **why);

#endif
