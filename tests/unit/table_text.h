/* What report/table prints of a folder, as the tests look at it. */
#ifndef TABLE_TEXT_H
#define TABLE_TEXT_H

#include <stdio.h>
#include <string.h>

#include "report/show.h"
#include "report/table.h"
#include "unit.h"

/* The caller frees it. */
static inline char *table_of(const char *dir)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct err err = {0};

	assert_non_null(f);
	if (table_print(f, dir, &err))
		fail_msg("%s", err.text);
	fclose(f);
	return text;
}

/* Takes the text apart. */
static inline void assert_narrow(char *text)
{
	char *line;

	for (line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
		if (show_columns(line) > 80)
			fail_msg("'%s' is wider than 80", line);
}

#endif
