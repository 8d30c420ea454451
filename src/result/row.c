#include "result/row.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static int find(const struct columns *c, const char *name)
{
	unsigned i;

	for (i = 0; i < c->n; i++)
		if (!strcmp(c->name[i], name))
			return (int)i;
	return -1;
}

void columns_add(struct columns *c, const char *name)
{
	assert(c->n < ROW_COLUMNS_MAX && strlen(name) < COLUMN_NAME_MAX);
	assert(find(c, name) < 0);
	strcpy(c->name[c->n++], name);
}

void row_init(struct row *r, const struct columns *c)
{
	unsigned i;

	r->columns = c;
	r->used = 0;
	for (i = 0; i < c->n; i++)
		r->cell[i] = "";
}

void row_set(struct row *r, const char *column, const char *fmt, ...)
{
	int i = find(r->columns, column);
	size_t room = sizeof(r->text) - r->used;
	va_list ap;
	int n;

	assert(i >= 0);
	if (room < 2)
		return;
	va_start(ap, fmt);
	n = vsnprintf(r->text + r->used, room, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	r->cell[i] = r->text + r->used;
	r->used += ((size_t)n < room ? (size_t)n : room - 1) + 1;
}

const char *row_get(const struct row *r, const char *column)
{
	int i = find(r->columns, column);

	assert(i >= 0);
	return r->cell[i];
}
