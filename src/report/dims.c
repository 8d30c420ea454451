#include "report/dims.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/show.h"

/* Columns that are not like a knob. */
static const struct {
	const char *name;
	enum dim_kind kind;
} known[] = {
	{"transport", DIM_TRANSPORT},
	{"path", DIM_PATH},
	{"qp_type", DIM_OWN},
	{"cm", DIM_OWN},
	{"poll", DIM_SAME},
	{"device", DIM_OWN},
	{"op", DIM_OWN},
	{"inline_bytes", DIM_OWN},
	{"signal_every", DIM_OWN},
	{"tx_depth", DIM_OWN},
	{"loop", DIM_SAME},
	{"prepare", DIM_SAME},
	{"request_bytes", DIM_SAME},
	{"size_bytes", DIM_SAME},
};

static const char *cell(const struct dims *dims, size_t dim, size_t row)
{
	return reader_cell(dims->table, row, dims->v[dim].col);
}

static const char *name(const struct dims *dims, size_t dim)
{
	return reader_name(dims->table, dims->v[dim].col);
}

static bool add(struct dims *dims, int col, enum dim_kind kind)
{
	size_t i;

	for (i = 0; i < dims->n; i++)
		if (dims->v[i].col == col)
			return true;
	if (dims->n == DIMS_MAX)
		return false;
	dims->v[dims->n++] = (struct dim){col, kind};
	return true;
}

int dims_init(struct dims *dims, const struct reader_table *table,
	      const char *x, struct err *err)
{
	int first = reader_column(table, "loop");
	int last = reader_column(table, "status");
	int not = reader_column(table, x);
	size_t i;
	int col;

	dims->table = table;
	dims->n = 0;
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		col = reader_column(table, known[i].name);
		if (col >= 0 && col != not )
			add(dims, col, known[i].kind);
	}
	for (col = first + 1; first >= 0 && col < last; col++)
		if (col != not &&!add(dims, col, DIM_KNOB))
			return err_set(err, -E2BIG, REASON_IO_ERROR,
				       "%s: more than %d knobs",
				       reader_file(table), DIMS_MAX);
	return 0;
}

static size_t find(const struct dims *dims, const char *column)
{
	size_t i;

	for (i = 0; i < dims->n && strcmp(name(dims, i), column) != 0; i++)
		;
	return i;
}

bool dims_has(const struct dims *dims, const char *column)
{
	return find(dims, column) < dims->n;
}

void dims_drop(struct dims *dims, const char *column)
{
	size_t i = find(dims, column);

	if (i == dims->n)
		return;
	dims->n--;
	memmove(&dims->v[i], &dims->v[i + 1],
		(dims->n - i) * sizeof(dims->v[0]));
}

bool dims_equal(const struct dims *dims, size_t row_a, size_t row_b)
{
	size_t i;

	for (i = 0; i < dims->n; i++)
		if (strcmp(cell(dims, i, row_a), cell(dims, i, row_b)))
			return false;
	return true;
}

/* A knob that one of them does not have cannot differ. */
static bool differs(const struct dims *dims, size_t dim, size_t a, size_t b)
{
	const char *cell_a = cell(dims, dim, a), *cell_b = cell(dims, dim, b);

	if (dims->v[dim].kind == DIM_KNOB && (!*cell_a || !*cell_b))
		return false;
	return strcmp(cell_a, cell_b);
}

const char *dims_unlike(const struct dims *dims, size_t row_a, size_t row_b,
			const char *but)
{
	bool across = !strcmp(but, "transport");
	size_t i;

	for (i = 0; i < dims->n; i++) {
		enum dim_kind kind = dims->v[i].kind;

		if (!strcmp(name(dims, i), but) || (across && kind == DIM_OWN))
			continue;
		if (differs(dims, i, row_a, row_b))
			return name(dims, i);
	}
	return NULL;
}

void dims_transport(const struct dims *dims, size_t row, char label[LABEL_MAX])
{
	const struct reader_table *t = dims->table;
	const char *transport, *qp_type;

	transport = reader_cell(t, row, reader_column(t, "transport"));
	qp_type = reader_cell(t, row, reader_column(t, "qp_type"));
	if (!strcmp(transport, "tcp"))
		snprintf(label, LABEL_MAX, "TCP");
	else if (!strcmp(transport, "rdma"))
		snprintf(label, LABEL_MAX, "RDMA%s%s", *qp_type ? " " : "",
			 qp_type);
	else
		snprintf(label, LABEL_MAX, "%s", transport);
}

/* Recorded with every method, and one that another could not have told by. */
static bool is_method_own(const char *column)
{
	return !strcmp(column, "post") || !strcmp(column, "placement");
}

/* Rows that could differ in it: what is a transport's own only counts among
 * series of that transport, and a method's among those of the method. */
static bool is_comparable(const struct dims *dims, size_t dim, size_t a,
			  size_t b)
{
	const struct reader_table *t = dims->table;
	const char *by = dims->v[dim].kind == DIM_OWN	  ? "transport"
			 : is_method_own(name(dims, dim)) ? "method"
							  : NULL;
	const int col = by ? reader_column(t, by) : -1;

	return col < 0 ||
	       !strcmp(reader_cell(t, a, col), reader_cell(t, b, col));
}

/* Has another series another value there? */
static bool varies(const struct dims *dims, size_t dim, const size_t *rows,
		   size_t n, size_t which)
{
	int transport = reader_column(dims->table, "transport");
	const char *mine = reader_cell(dims->table, rows[which], transport);
	size_t i;

	for (i = 0; i < n; i++) {
		const char *other =
			reader_cell(dims->table, rows[i], transport);
		bool same = !strcmp(mine, other);

		if (!is_comparable(dims, dim, rows[which], rows[i]))
			continue;
		if (same ? strcmp(cell(dims, dim, rows[which]),
				  cell(dims, dim, rows[i]))
			 : differs(dims, dim, rows[which], rows[i]))
			return true;
	}
	return false;
}

/* "request_bytes" "4096" -> "request 4k"; "tx_depth" "16" -> "tx depth 16" */
static void knob_words(char *out, size_t size, const char *column,
		       const char *value)
{
	size_t len = strlen(column), i;
	bool bytes = len > 6 && !strcmp(column + len - 6, "_bytes");
	char number[32], words[64];
	char *end;
	double v = strtod(value, &end);

	if (bytes)
		len -= 6;
	snprintf(words, sizeof(words), "%.*s", (int)(len > 60 ? 60 : len),
		 column);
	for (i = 0; words[i]; i++)
		if (words[i] == '_')
			words[i] = ' ';
	if (bytes && end != value && !*end)
		value = show_bytes(number, sizeof(number), v);
	if (!strcmp(value, "yes"))
		snprintf(out, size, "%s", words);
	else
		snprintf(out, size, "%s %s", words, value);
}

/* So many series differ in so many ways that a name of all of them would be
 * too long to be read. */
enum { MANY_SERIES = 7 };

/* Its value speaks for itself. */
static bool is_bare(const char *column)
{
	static const char *const bare[] = {"poll",  "device", "op",
					   "touch", "scan",   "pattern"};
	size_t i;

	for (i = 0; i < sizeof(bare) / sizeof(bare[0]); i++)
		if (!strcmp(column, bare[i]))
			return true;
	return false;
}

/* How a value is called in a legend; "" if it is better left out. */
static void value_words(char *out, size_t size, const char *column,
			const char *value)
{
	*out = '\0';
	if (!*value)
		return;
	if (!strcmp(column, "cm")) {
		if (!strcmp(value, "rdma_cm"))
			snprintf(out, size, "CM");
		return;
	}
	if (!strcmp(column, "loop")) {
		snprintf(out, size, "%s loop", value);
		return;
	}
	if (is_bare(column))
		snprintf(out, size, "%s", value);
	else
		knob_words(out, size, column, value);
}

/* "RDMA, write" needs no "method write", nor TCP a "method tcp". */
static bool is_said(const struct dims *dims, size_t dim, size_t row)
{
	static const char *const saying[] = {"op", "transport"};
	const char *value = cell(dims, dim, row);
	size_t i;

	for (i = 0; dims->v[dim].kind == DIM_KNOB && i < 2; i++)
		if (*value &&
		    !strcmp(value,
			    reader_cell(dims->table, row,
					reader_column(dims->table, saying[i]))))
			return true;
	return false;
}

bool dims_is_unsaid(const char *column, size_t n)
{
	return n >= MANY_SERIES && !is_bare(column);
}

/* Do most of the series have the same value there?  Then it goes without
 * saying. */
static bool is_usual(const struct dims *dims, size_t dim, const size_t *rows,
		     size_t n, size_t which)
{
	size_t i, all = 0, like = 0;

	if (is_bare(name(dims, dim)))
		return false;
	/* Of few, what is off does: a legend says what is on. */
	if (n < MANY_SERIES)
		return !strcmp(cell(dims, dim, rows[which]), "no");
	for (i = 0; i < n; i++) {
		if (!is_comparable(dims, dim, rows[which], rows[i]))
			continue;
		all++;
		like += !strcmp(cell(dims, dim, rows[which]),
				cell(dims, dim, rows[i]));
	}
	return 2 * like > all;
}

/* Among rows of transports, one that needed none. */
static bool is_local(const struct dims *dims, const size_t *rows, size_t n,
		     size_t which)
{
	int col = reader_column(dims->table, "transport");
	size_t i;

	if (*reader_cell(dims->table, rows[which], col))
		return false;
	for (i = 0; i < n; i++)
		if (*reader_cell(dims->table, rows[i], col))
			return true;
	return false;
}

/* Does it tell the series from the others, and does nothing else say it? */
static bool tells(const struct dims *dims, size_t dim, const size_t *rows,
		  size_t n, size_t which)
{
	if (dims->v[dim].kind == DIM_TRANSPORT ||
	    dims->v[dim].kind == DIM_PATH ||
	    !strcmp(name(dims, dim), "qp_type"))
		return false;
	return varies(dims, dim, rows, n, which) &&
	       !is_said(dims, dim, rows[which]);
}

static void add_value(const struct dims *dims, size_t dim, size_t row,
		      char label[LABEL_MAX])
{
	char words[LABEL_MAX];
	size_t len = strlen(label);

	value_words(words, sizeof(words), name(dims, dim),
		    cell(dims, dim, row));
	if (*words)
		snprintf(label + len, LABEL_MAX - len, "%s%s", len ? ", " : "",
			 words);
}

void dims_label(const struct dims *dims, const size_t *rows, size_t n,
		size_t which, char label[LABEL_MAX])
{
	bool nameless;
	size_t i;

	dims_transport(dims, rows[which], label);
	if (is_local(dims, rows, n, which))
		snprintf(label, LABEL_MAX, "local");
	/* No transport says what was done: the method does, if it is the only
	 * one, too. */
	nameless = !*label;
	for (i = 0; i < dims->n; i++)
		if ((nameless && !strcmp(name(dims, i), "method")) ||
		    (tells(dims, i, rows, n, which) &&
		     !is_usual(dims, i, rows, n, which)))
			add_value(dims, i, rows[which], label);
	/* Usual in everything: a series without a name is in no legend. */
	for (i = 0; i < dims->n && !*label; i++)
		if (tells(dims, i, rows, n, which))
			add_value(dims, i, rows[which], label);
}
