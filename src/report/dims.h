/*
 * The columns of a results file that say what a point was (transport, poll
 * mode, every knob, ...) as against what was measured.  Rows that agree in
 * all of them but x (mostly the size) belong to one series.
 *
 * Knobs are not listed here: they are whatever stands between `loop` and
 * `status`, so a new one separates series and is named in the legend without
 * a change of this code.
 */
#ifndef REPORT_DIMS_H
#define REPORT_DIMS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "result/reader.h"

enum dim_kind {
	DIM_TRANSPORT,
	DIM_PATH, /* splits figures, never within one */
	DIM_OWN,  /* a transport's own: QP type, inline, ... */
	DIM_SAME, /* a condition: must be the same where two are compared */
	DIM_KNOB, /* like DIM_SAME where both transports have it */
};

struct dim {
	int col;
	enum dim_kind kind;
};

enum { DIMS_MAX = 96 };

struct dims {
	const struct reader_table *table;
	size_t n;
	struct dim v[DIMS_MAX];
};

/* Every such column of the table, but `x`. */
int dims_init(struct dims *dims, const struct reader_table *table,
	      const char *x, struct err *err);

/* Is it such a column, so that labels tell where series differ in it? */
bool dims_has(const struct dims *dims, const char *column);

/* From now on it tells nothing. */
void dims_drop(struct dims *dims, const char *column);

/* True if both rows belong to the same series. */
bool dims_equal(const struct dims *dims, size_t row_a, size_t row_b);

/*
 * NULL if two rows were measured under the same conditions (path, poll,
 * prepare, ...) whatever they have in the column `but`, else the name of the
 * first column in which they differ.  If `but` is the transport, what is a
 * transport's own may differ too.
 */
const char *dims_unlike(const struct dims *dims, size_t row_a, size_t row_b,
			const char *but);

enum { LABEL_MAX = 128 };

/*
 * What the legend calls the series of rows[which]: the transport, and what
 * tells it from the others in `rows` (one row of each series): "TCP",
 * "RDMA RC, CM", "TCP, event".  Of many rows, what most have in common is left
 * out.  It comes out of the file: not clean.
 */
void dims_label(const struct dims *dims, const size_t *rows, size_t n,
		size_t which, char label[LABEL_MAX]);

/* Do the labels of so many series leave out the value of this column that
 * most of them have? */
bool dims_is_unsaid(const char *column, size_t n);

/* "TCP", "RDMA RC", "loop". */
void dims_transport(const struct dims *dims, size_t row, char label[LABEL_MAX]);

#endif
