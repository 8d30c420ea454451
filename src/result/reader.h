/*
 * Reads a results file (RFC 4180, header first) whole into
 * memory.  The parsing is libcsv's; here are only the promises:
 *
 * - every row has as many cells as the header has names;
 * - names are not empty and occur once;
 * - cells are strings without NUL; "" means "could not be had".
 *
 * Whatever breaks one of them is an error that names the file and the line.
 */
#ifndef RESULT_READER_H
#define RESULT_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/err.h"

enum {
	/*
	 * Rows are written whole, each with its newline, so a last line
	 * without one is a write that was interrupted.  By default that is
	 * an error; with this flag the line is left out and reader_partial()
	 * says so, because what was measured before it is still good.
	 */
	READER_SKIP_PARTIAL = 1,
};

struct reader_table;

/* A file of a results folder, which may come from anywhere: plain files only,
 * for a FIFO would never open and a device never end. */
int reader_open(const char *file, FILE **f, struct err *err);

/* *table is set on success only; the caller frees it. */
int reader_read(const char *file, unsigned flags, struct reader_table **table,
		struct err *err);
void reader_free(struct reader_table *table);

const char *reader_file(const struct reader_table *table);
size_t reader_rows(const struct reader_table *table); /* without the header */
size_t reader_columns(const struct reader_table *table);
bool reader_partial(const struct reader_table *table);

/* The line on which a row starts, from 1, for messages. */
size_t reader_line(const struct reader_table *table, size_t row);

/* The column of this name, -1 if there is none; and back. */
int reader_column(const struct reader_table *table, const char *name);
const char *reader_name(const struct reader_table *table, int col);

/* A cell, valid until reader_free; "" if col is -1 (no such column), so
 * that an absent column reads like one that is not available. */
const char *reader_cell(const struct reader_table *table, size_t row, int col);

/* False if the cell is empty or no finite number; *out is then untouched. */
bool reader_number(const struct reader_table *table, size_t row, int col,
		   double *out);

#endif
