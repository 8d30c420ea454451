/*
 * A table's columns, fixed when a run starts, and one row of it.  Cells are
 * text as the CSV has them; an empty cell means "could not be had".
 */
#ifndef RESULT_ROW_H
#define RESULT_ROW_H

#include <stddef.h>

enum { ROW_COLUMNS_MAX = 320, COLUMN_NAME_MAX = 64, ROW_TEXT_MAX = 16384 };

struct columns {
	char name[ROW_COLUMNS_MAX][COLUMN_NAME_MAX];
	unsigned n;
};

/* A name that is there already, or one too many, is a bug: asserts. */
void columns_add(struct columns *c, const char *name);

struct row {
	const struct columns *columns;
	const char *cell[ROW_COLUMNS_MAX]; /* "" until set */
	char text[ROW_TEXT_MAX];
	size_t used;
};

void row_init(struct row *r, const struct columns *c);

/* Sets a cell; an unknown column is a bug: asserts.  Text that does not fit
 * is cut. */
void row_set(struct row *r, const char *column, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
const char *row_get(const struct row *r, const char *column);

#endif
