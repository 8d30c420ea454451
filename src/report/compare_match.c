#include "report/compare_match.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/show.h"

/* Another name of a device is no other question, nor what it can inline. */
static const char *const may_differ[] = {"device", "inline_bytes"};

static const char *cell(const struct match *m, enum match_side side, size_t row,
			const char *column)
{
	return reader_cell(m->table[side], row,
			   reader_column(m->table[side], column));
}

static bool is_ok(const struct match *m, enum match_side side, size_t row)
{
	return !strcmp(cell(m, side, row, "status"), "ok");
}

static bool counts(const char *column)
{
	size_t i;

	for (i = 0; i < sizeof(may_differ) / sizeof(may_differ[0]); i++)
		if (!strcmp(column, may_differ[i]))
			return false;
	return true;
}

/*
 * Whether two points differ in a column of the old side.  A column that the
 * other file does not have is an option that its version did not; a cell
 * that is empty in a row that is not ok was not known when it failed.
 */
static bool differs(const struct match *m, size_t old, size_t new,
		    const char *column)
{
	const char *a = cell(m, MATCH_OLD, old, column);
	const char *b = cell(m, MATCH_NEW, new, column);

	if (!counts(column) || reader_column(m->table[MATCH_NEW], column) < 0)
		return false;
	if ((!*a && !is_ok(m, MATCH_OLD, old)) ||
	    (!*b && !is_ok(m, MATCH_NEW, new)))
		return false;
	return strcmp(a, b);
}

/* In how many columns, and the last of them. */
static unsigned distance(const struct match *m, size_t old, size_t new,
			 const char **column)
{
	const struct dims *d = &m->dims[MATCH_OLD];
	unsigned n = 0;
	size_t i;

	for (i = 0; i < d->n; i++) {
		const char *name =
			reader_name(m->table[MATCH_OLD], d->v[i].col);

		if (differs(m, old, new, name)) {
			*column = name;
			n++;
		}
	}
	return n;
}

static bool same_point(const struct match *m, enum match_side side, size_t a,
		       size_t b)
{
	return !strcmp(cell(m, side, a, "point"), cell(m, side, b, "point"));
}

bool match_is_trial(const struct match *m, size_t i, enum match_side side,
		    size_t row)
{
	return m->v[i].row[side] != MATCH_NONE && is_ok(m, side, row) &&
	       same_point(m, side, m->v[i].row[side], row);
}

/* Adds the row's point to the first n pairs, or prefers the row if it is
 * ok. */
static void add_row(struct match *m, enum match_side side, size_t row,
		    size_t first)
{
	size_t i;

	for (i = first; i < m->n; i++) {
		size_t *known = &m->v[i].row[side];

		if (!same_point(m, side, *known, row))
			continue;
		if (!is_ok(m, side, *known) && is_ok(m, side, row))
			*known = row;
		return;
	}
	m->v[m->n].row[side] = row;
	m->v[m->n++].row[!side] = MATCH_NONE;
}

/* Pairs of which the new one is found are taken out of the end. */
static void join(struct match *m, size_t n_old)
{
	const char *ignored;
	size_t i, k, kept = n_old;

	for (k = n_old; k < m->n; k++) {
		size_t new = m->v[k].row[MATCH_NEW];

		for (i = 0; i < n_old; i++)
			if (m->v[i].row[MATCH_NEW] == MATCH_NONE &&
			    !distance(m, m->v[i].row[MATCH_OLD], new, &ignored))
				break;
		if (i < n_old)
			m->v[i].row[MATCH_NEW] = new;
		else
			m->v[kept++] = m->v[k];
	}
	m->n = kept;
}

static int check_columns(const struct reader_table *t, struct err *err)
{
	static const char *const needed[] = {"point", "status", "transport"};
	size_t i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (reader_column(t, needed[i]) < 0)
			return err_set(err, -EINVAL, REASON_IO_ERROR,
				       "%s: no column '%s'", reader_file(t),
				       needed[i]);
	return 0;
}

int match_init(struct match *m, const struct reader_table *old,
	       const struct reader_table *new, struct err *err)
{
	size_t row, first = 0;
	enum match_side side;
	int ret;

	*m = (struct match){.table = {old, new}};
	m->v = calloc(reader_rows(old) + reader_rows(new) + 1, sizeof(*m->v));
	if (!m->v)
		return err_sys(err, -ENOMEM, "comparing");
	for (side = 0; side < MATCH_SIDES; side++) {
		ret = check_columns(m->table[side], err);
		if (!ret)
			ret = dims_init(&m->dims[side], m->table[side], "",
					err);
		if (ret)
			return ret;
		first = m->n;
		for (row = 0; row < reader_rows(m->table[side]); row++)
			add_row(m, side, row, first);
	}
	join(m, first);
	return 0;
}

void match_fini(struct match *m)
{
	free(m->v);
	m->v = NULL;
	m->n = 0;
}

static void nearest(const struct match *m, size_t i, struct match_pair *best,
		    const char **column)
{
	enum match_side alone = m->v[i].row[MATCH_OLD] == MATCH_NONE;
	unsigned least = DIMS_MAX, d;
	const char *name = "";
	struct match_pair p;
	size_t row;

	*column = NULL;
	for (row = 0; row < reader_rows(m->table[!alone]); row++) {
		p.row[alone] = m->v[i].row[alone];
		p.row[!alone] = row;
		d = distance(m, p.row[MATCH_OLD], p.row[MATCH_NEW], &name);
		if (d && d < least) {
			least = d;
			*best = p;
			*column = name;
		}
	}
}

void match_explain(const struct match *m, size_t i, char *buf, size_t size)
{
	enum match_side alone = m->v[i].row[MATCH_OLD] == MATCH_NONE;
	char label[LABEL_MAX], a[64], b[64];
	struct match_pair p;
	const char *column;

	dims_transport(&m->dims[alone], m->v[i].row[alone], label);
	snprintf(buf, size, "only %s has a point '%.40s, %.20s bytes'",
		 alone ? "NEW" : "OLD", label,
		 cell(m, alone, m->v[i].row[alone], "size_bytes"));
	nearest(m, i, &p, &column);
	if (!column)
		return;
	show_text(a, sizeof(a), cell(m, MATCH_OLD, p.row[MATCH_OLD], column),
		  30);
	show_text(b, sizeof(b), cell(m, MATCH_NEW, p.row[MATCH_NEW], column),
		  30);
	snprintf(buf + strlen(buf), size - strlen(buf),
		 "; the nearest differs in %.40s (OLD '%s', NEW '%s')", column,
		 a, b);
}
