#include "run/past.h"

#include <stdbool.h>
#include <string.h>

#include "run/trial.h"

unsigned past_status(const struct reader_table *t, size_t row)
{
	const char *word = reader_cell(t, row, reader_column(t, "status"));
	unsigned status = 0;

	while (status < STATUS_COUNT && strcmp(word, status_names[status]))
		status++;
	return status;
}

double past_number(const struct reader_table *t, size_t row, const char *column)
{
	double v = -1;

	reader_number(t, row, reader_column(t, column), &v);
	return v;
}

/* Does the histogram of this row (from 1) hold every sample?  *at is the
 * first line of `hist` that may be of it, and moves on. */
static bool hist_is_whole(const struct reader_table *hist, size_t row,
			  double samples, size_t *at)
{
	double sum = 0;

	for (; *at < reader_rows(hist); (*at)++) {
		if (past_number(hist, *at, "row") > (double)row)
			break;
		sum += past_number(hist, *at, "count");
	}
	return sum >= samples && sum <= samples;
}

void past_count_whole(const struct reader_table *t,
		      const struct reader_table *hist, size_t *rows,
		      size_t *hist_rows)
{
	size_t at = 0;

	*hist_rows = 0;
	for (*rows = 0; *rows < reader_rows(t); (*rows)++) {
		unsigned status = past_status(t, *rows);

		if (status == STATUS_INTERRUPTED || status == STATUS_COUNT)
			return;
		if (status == STATUS_OK &&
		    !hist_is_whole(hist, *rows + 1,
				   past_number(t, *rows, "samples"), &at))
			return;
		*hist_rows = at;
	}
}
