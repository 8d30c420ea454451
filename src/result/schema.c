#include "result/schema.h"

#include <errno.h>
#include <string.h>

/* Before version `until` the column of this scenario was something else. */
static const struct {
	double until;
	const char *scenario, *column, *was;
} changes[] = {
	{2, "ops", "bw_bytes_per_s", "all bytes moved, credit among them"},
	{2, "scale", "bw_bytes_per_s", "all bytes moved, answers among them"},
	{2, "oplog", "bw_bytes_per_s", "all bytes moved, headers among them"},
};

static double version_of(const struct reader_table *t, size_t row)
{
	double version = 1;

	reader_number(t, row, reader_column(t, "schema_version"), &version);
	return version;
}

int schema_check(const struct reader_table *t, struct err *err)
{
	size_t row;

	for (row = 0; row < reader_rows(t); row++)
		if (version_of(t, row) > SCHEMA_VERSION)
			return err_set(err, -EINVAL, REASON_IO_ERROR,
				       "%s:%zu: schema_version %.0f: a later "
				       "rdmabench wrote this, and this one "
				       "knows up to %d",
				       reader_file(t), reader_line(t, row),
				       version_of(t, row), SCHEMA_VERSION);
	return 0;
}

const char *schema_was(const struct reader_table *t, size_t row,
		       const char *column)
{
	const char *scenario =
		reader_cell(t, row, reader_column(t, "scenario"));
	size_t i;

	for (i = 0; i < sizeof(changes) / sizeof(changes[0]); i++)
		if (version_of(t, row) < changes[i].until &&
		    !strcmp(scenario, changes[i].scenario) &&
		    !strcmp(column, changes[i].column))
			return changes[i].was;
	return NULL;
}
