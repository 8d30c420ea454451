/*
 * From rows (one per trial) to series (one per combination of everything
 * but the size) of points (one per size): what the figures and the table
 * show.  A point is the median over its trials, because the unit of
 * statistics is the trial (DESIGN section 6).  Only rows that are ok count.
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

struct series_point {
	double size_bytes;
	double p50_us; /* median over the trials of lat_p50_ns */
	double p99_us; /* of lat_p99_ns; NAN if no trial has it */
	unsigned trials;
};

struct series {
	size_t row; /* one of its rows, where its cells can be looked up */
	enum path path;
	unsigned style; /* 1, 2, ...: the line style, in every figure */
	const struct series_point *points; /* by rising size */
	size_t n;
	char label[LABEL_MAX]; /* for the legend; clean text */
};

struct series_set {
	const struct reader_table *table;
	struct dims dims;
	struct series *v; /* tcp first, then rdma, loop, others */
	size_t n;
	struct series_point *points; /* of all of them */
};

/* Fails if a column is missing that is needed, or if the file holds more
 * than one run.  No row that is ok: an empty set.  `set` borrows the table. */
int series_init(struct series_set *set, const struct reader_table *table,
		struct err *err);
void series_fini(struct series_set *set);

/* The cell of a series, or of a row, by the column's name; "" if absent. */
const char *series_cell(const struct series_set *set, const struct series *s,
			const char *column);
bool series_is(const struct series_set *set, const struct series *s,
	       const char *transport);

/* Its point of this size, or NULL. */
const struct series_point *series_at(const struct series *s, double size_bytes);

/* How much less time `rdma` takes than `tcp`, in percent of tcp. */
double series_gain(double tcp_us, double rdma_us);

/* The TCP series under the same conditions as the RDMA series `s`, with at
 * least one size in common; NULL and *why (a column's name, or "size") if
 * there is none. */
const struct series *series_baseline(const struct series_set *set,
				     const struct series *s, const char **why);

#endif
