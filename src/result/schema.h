/*
 * What the columns of a results file mean, by its column schema_version:
 *
 * 1	bw_bytes_per_s of ops, scale and oplog was of all bytes moved: the
 *	tool's own credit, answers and headers were in it
 * 2	it is payload alone; rows have a headline
 *
 * A number goes up when a column's meaning changes, not when one is added.
 */
#ifndef RESULT_SCHEMA_H
#define RESULT_SCHEMA_H

#include "result/reader.h"

enum { SCHEMA_VERSION = 2 };

/* -EINVAL where a row says that a later version wrote it: what it means is
 * not known here.  A table without such a column is of the first. */
int schema_check(const struct reader_table *t, struct err *err);

/* What the column of that row meant, if that was something else than now;
 * else NULL. */
const char *schema_was(const struct reader_table *t, size_t row,
		       const char *column);

#endif
