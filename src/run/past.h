/* What an earlier part of a run left in its <scenario>.csv and its
 * <scenario>.hist.csv, which may end anywhere. */
#ifndef RUN_PAST_H
#define RUN_PAST_H

#include "result/reader.h"

/* enum status of a row (from 0); STATUS_COUNT: none of them. */
unsigned past_status(const struct reader_table *t, size_t row);
/* -1: no number. */
double past_number(const struct reader_table *t, size_t row,
		   const char *column);

/* How many rows are whole, from the first on, each with its whole histogram;
 * and how many rows of histograms these have. */
void past_count_whole(const struct reader_table *t,
		      const struct reader_table *hist, size_t *rows,
		      size_t *hist_rows);

#endif
