#include "result/reader.h"

#include <assert.h>
#include <csv.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Far above what a scenario has; names are looked for one by one. */
enum { COLUMNS_MAX = 4096 };

struct reader_table {
	char *file;
	size_t columns;
	size_t rows;   /* the header is row 0 of cells and lines */
	size_t *cells; /* offsets into text, (rows + 1) * columns */
	size_t *lines;
	char *text;
	bool partial;
};

/* An array that doubles. */
struct grow {
	void *data;
	size_t n, max;
};

/* What libcsv's callbacks work on; the first error stays in ret and err. */
struct parse {
	struct reader_table *table;
	struct err *err;
	struct grow text, cells, lines;
	size_t row_cells; /* of the row being read */
	size_t row_line;  /* where it starts */
	size_t line;	  /* where the parser is */
	int ret;
};

static int grow_by(struct grow *g, size_t n, size_t item)
{
	size_t max = g->max ? g->max : 256;
	void *data;

	if (n > SIZE_MAX / 4 / item - g->n)
		return -ENOMEM;
	while (max < g->n + n)
		max *= 2;
	if (max == g->max)
		return 0;
	data = realloc(g->data, max * item);
	if (!data)
		return -ENOMEM;
	g->data = data;
	g->max = max;
	return 0;
}

static int put_size(struct grow *g, size_t value)
{
	int ret = grow_by(g, 1, sizeof(value));

	if (ret)
		return ret;
	((size_t *)g->data)[g->n++] = value;
	return 0;
}

static int put_text(struct grow *g, const char *s, size_t len)
{
	int ret = grow_by(g, len + 1, 1);

	if (ret)
		return ret;
	if (len)
		memcpy((char *)g->data + g->n, s, len);
	((char *)g->data)[g->n + len] = '\0';
	g->n += len + 1;
	return 0;
}

static int fail(struct parse *p, int ret, const char *what)
{
	return p->ret = err_set(p->err, ret, REASON_IO_ERROR, "%s:%zu: %s",
				p->table->file, p->row_line, what);
}

static void on_cell(void *s, size_t len, void *arg)
{
	struct parse *p = arg;
	int ret;

	if (p->ret)
		return;
	if (p->row_cells++ == COLUMNS_MAX) {
		fail(p, -EINVAL,
		     "thousands of cells in a row: this is none of "
		     "our files");
		return;
	}
	ret = put_size(&p->cells, p->text.n);
	if (!ret)
		ret = put_text(&p->text, s, len);
	if (ret)
		p->ret = err_sys(p->err, ret, "%s", p->table->file);
}

static void end_of_row(struct parse *p)
{
	char what[96];

	if (!p->lines.n)
		p->table->columns = p->row_cells;
	if (p->row_cells == p->table->columns) {
		if (put_size(&p->lines, p->row_line))
			p->ret = err_sys(p->err, -ENOMEM, "%s", p->table->file);
		return;
	}
	snprintf(what, sizeof(what), "%zu cells, but the header has %zu names",
		 p->row_cells, p->table->columns);
	fail(p, -EINVAL, what);
}

static void on_row(int c, void *arg)
{
	struct parse *p = arg;

	(void)c;
	if (!p->ret)
		end_of_row(p);
	p->row_cells = 0;
	p->row_line = p->line + 1;
}

/* RFC 4180: spaces are part of a cell; libcsv would trim them. */
static int no_space(unsigned char c)
{
	(void)c;
	return 0;
}

static int parse_line(struct parse *p, struct csv_parser *csv, const char *line,
		      size_t len)
{
	p->line++;
	if (!p->row_cells && !csv->quoted)
		p->row_line = p->line;
	if (memchr(line, '\0', len))
		return fail(p, -EINVAL, "a NUL byte: this is not a CSV file");
	if (csv_parse(csv, line, len, on_cell, on_row, p) != len && !p->ret)
		return fail(p, -EINVAL,
			    csv_error(csv) == CSV_EPARSE
				    ? "a quote in the wrong place"
				    : csv_strerror(csv_error(csv)));
	return p->ret;
}

/*
 * The file ended in the middle of a row: without a newline, or inside of
 * quotes.  The cells that came so far are left out.
 */
static int drop_partial(struct parse *p, unsigned flags)
{
	if (!p->lines.n)
		return fail(p, -EINVAL,
			    "the header is incomplete: "
			    "an interrupted write?");
	if (!(flags & READER_SKIP_PARTIAL))
		return fail(p, -EINVAL,
			    "the last row is incomplete: "
			    "an interrupted write?");
	p->table->partial = true;
	return 0;
}

static int parse_stream(struct parse *p, struct csv_parser *csv, FILE *f,
			unsigned flags)
{
	bool whole = true;
	char *line = NULL;
	size_t max = 0;
	ssize_t len;
	int ret = 0;

	while (!ret && (len = getline(&line, &max, f)) > 0) {
		whole = line[len - 1] == '\n';
		if (whole)
			ret = parse_line(p, csv, line, (size_t)len);
	}
	if (!ret && !feof(f))
		ret = err_sys(p->err, -errno, "%s", p->table->file);
	free(line);
	if (ret)
		return ret;
	if (!whole && !p->row_cells)
		p->row_line = p->line + 1;
	if (csv_fini(csv, on_cell, on_row, p) || !whole)
		return drop_partial(p, flags);
	return p->ret;
}

static int parse_file(struct parse *p, FILE *f, unsigned flags)
{
	struct csv_parser csv;
	int ret;

	if (csv_init(&csv, CSV_STRICT | CSV_STRICT_FINI))
		return err_sys(p->err, -ENOMEM, "%s", p->table->file);
	csv_set_space_func(&csv, no_space);
	ret = parse_stream(p, &csv, f, flags);
	csv_free(&csv);
	return ret;
}

static int check_header(const struct reader_table *t, struct err *err)
{
	size_t i;

	for (i = 0; i < t->columns; i++) {
		const char *name = reader_name(t, (int)i);

		if (!*name)
			return err_set(err, -EINVAL, REASON_IO_ERROR,
				       "%s:1: column %zu has no name", t->file,
				       i + 1);
		if (reader_column(t, name) != (int)i)
			return err_set(err, -EINVAL, REASON_IO_ERROR,
				       "%s:1: column '%.64s' is there twice",
				       t->file, name);
	}
	return 0;
}

/* Hands over what was parsed, so that reader_free() frees it either way. */
static int finish(struct parse *p, struct err *err)
{
	struct reader_table *t = p->table;

	t->text = p->text.data;
	t->cells = p->cells.data;
	t->lines = p->lines.data;
	if (p->ret)
		return p->ret;
	if (!p->lines.n)
		return err_set(err, -EINVAL, REASON_IO_ERROR,
			       "%s: empty, not even a header", t->file);
	t->rows = p->lines.n - 1;
	return check_header(t, err);
}

int reader_open(const char *file, FILE **f, struct err *err)
{
	int ret, fd = open(file, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return err_sys(err, -errno, "%s", file);
	if (fstat(fd, &st) || S_ISDIR(st.st_mode))
		ret = err_sys(err, -EISDIR, "%s", file);
	else if (!S_ISREG(st.st_mode))
		ret = err_set(err, -EINVAL, REASON_IO_ERROR,
			      "%s: not a plain file", file);
	else if (!(*f = fdopen(fd, "r")))
		ret = err_sys(err, -errno, "%s", file);
	else
		return 0;
	close(fd);
	return ret;
}

int reader_read(const char *file, unsigned flags, struct reader_table **table,
		struct err *err)
{
	struct parse p = {.err = err, .row_line = 1};
	FILE *f = NULL;
	int ret;

	ret = reader_open(file, &f, err);
	if (ret)
		return ret;
	p.table = calloc(1, sizeof(*p.table));
	if (!p.table || !(p.table->file = strdup(file))) {
		ret = err_sys(err, -ENOMEM, "%s", file);
		goto free_table;
	}
	p.ret = parse_file(&p, f, flags);
	ret = finish(&p, err);
	if (ret)
		goto free_table;
	*table = p.table;
	fclose(f);
	return 0;

free_table:
	reader_free(p.table);
	fclose(f);
	return ret;
}

void reader_free(struct reader_table *t)
{
	if (!t)
		return;
	free(t->lines);
	free(t->cells);
	free(t->text);
	free(t->file);
	free(t);
}

const char *reader_file(const struct reader_table *t)
{
	return t->file;
}

size_t reader_rows(const struct reader_table *t)
{
	return t->rows;
}

size_t reader_columns(const struct reader_table *t)
{
	return t->columns;
}

bool reader_partial(const struct reader_table *t)
{
	return t->partial;
}

size_t reader_line(const struct reader_table *t, size_t row)
{
	assert(row < t->rows);
	return t->lines[row + 1];
}

const char *reader_name(const struct reader_table *t, int col)
{
	assert(col >= 0 && (size_t)col < t->columns);
	return t->text + t->cells[col];
}

int reader_column(const struct reader_table *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->columns; i++)
		if (!strcmp(t->text + t->cells[i], name))
			return (int)i;
	return -1;
}

const char *reader_cell(const struct reader_table *t, size_t row, int col)
{
	assert(row < t->rows && col < (int)t->columns);
	if (col < 0)
		return "";
	return t->text + t->cells[(row + 1) * t->columns + (size_t)col];
}

bool reader_number(const struct reader_table *t, size_t row, int col,
		   double *out)
{
	const char *s = reader_cell(t, row, col);
	double value;
	char *end;

	if (!*s)
		return false;
	value = strtod(s, &end);
	if (*end || !isfinite(value))
		return false;
	*out = value;
	return true;
}
