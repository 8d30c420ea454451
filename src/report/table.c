#include "report/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "report/caption.h"
#include "report/series.h"
#include "report/show.h"
#include "result/reader.h"

enum { WIDTH = 80 };

static const char not_there[] = "-";

/* Right-aligned, by characters and not by bytes. */
static void print_right(FILE *out, const char *s, size_t width)
{
	size_t columns = show_columns(s);

	fprintf(out, "%*s%s", (int)(columns < width ? width - columns : 0), "",
		s);
}

/* --- a block: two series side by side -------------------------------------*/

/* The right one may be NULL: then there is no gain. */
struct pair {
	const struct series *left, *right;
};

static void print_value(FILE *out, const struct series_point *p, double us)
{
	char digits[32];

	print_right(out,
		    p && !isnan(us) ? show_digits(digits, sizeof(digits), us)
				    : not_there,
		    10);
}

static void print_side(FILE *out, const struct series_point *p)
{
	print_value(out, p, p ? p->p50_us : NAN);
	print_value(out, p, p ? p->p99_us : NAN);
}

static void print_row(FILE *out, const struct pair *pair, double size)
{
	const struct series_point *l, *r;
	char words[40];

	l = series_at(pair->left, size);
	r = pair->right ? series_at(pair->right, size) : NULL;
	print_right(out, show_bytes(words, sizeof(words), size), 10);
	print_side(out, l);
	if (pair->right) {
		print_side(out, r);
		if (l && r)
			snprintf(words, sizeof(words), "%+.1f %%",
				 series_gain(l->p50_us, r->p50_us));
		print_right(out, l && r ? words : not_there, 12);
	}
	fputc('\n', out);
}

/* The next size after `size` in either series; INFINITY at the end. */
static double next_size(const struct pair *pair, double size)
{
	const struct series *both[] = {pair->left, pair->right};
	double next = INFINITY;
	size_t i, k;

	for (i = 0; i < 2; i++)
		for (k = 0; both[i] && k < both[i]->n; k++)
			if (both[i]->points[k].size_bytes > size)
				next = fmin(next,
					    both[i]->points[k].size_bytes);
	return next;
}

static void print_header(FILE *out, const struct pair *pair)
{
	char label[LABEL_MAX];

	fputc('\n', out);
	print_right(out, "", 12);
	print_right(out,
		    show_text(label, sizeof(label), pair->left->label,
			      pair->right ? 18 : 68),
		    18);
	if (pair->right) {
		/* A long one takes the room of the gain's header. */
		show_text(label, sizeof(label), pair->right->label, 46);
		fputs("  ", out);
		print_right(out, label, 18);
		if (show_columns(label) <= 18)
			print_right(out, "RDMA faster", 13);
	}
	fputc('\n', out);
	print_right(out, "bytes", 10);
	print_right(out, "p50", 10);
	print_right(out, "p99", 10);
	if (pair->right) {
		print_right(out, "p50", 10);
		print_right(out, "p99", 10);
		print_right(out, "by", 12);
	}
	fputc('\n', out);
}

static void print_pair(FILE *out, const struct pair *pair)
{
	double size;

	print_header(out, pair);
	for (size = next_size(pair, 0); isfinite(size);
	     size = next_size(pair, size))
		print_row(out, pair, size);
}

/* True if some RDMA series is shown beside this one. */
static bool is_baseline(const struct series_set *set, const struct series *s)
{
	const char *why;
	size_t i;

	for (i = 0; i < set->n; i++)
		if (series_is(set, &set->v[i], "rdma") &&
		    series_baseline(set, &set->v[i], &why) == s)
			return true;
	return false;
}

static void print_path(FILE *out, const struct series_set *set, enum path path)
{
	const char *why;
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct series *s = &set->v[i];
		struct pair pair = {.left = s};
		const struct series *base;

		if (s->path != path)
			continue;
		if (series_is(set, s, "rdma")) {
			base = series_baseline(set, s, &why);
			if (base)
				pair = (struct pair){base, s};
		} else if (is_baseline(set, s)) {
			continue;
		}
		print_pair(out, &pair);
	}
}

static void print_title(FILE *out, const struct series_set *set, enum path path)
{
	char devices[512], trials[64], line[1024];
	const char *where = caption_path(path);

	caption_devices(devices, sizeof(devices), set, path);
	caption_trials(trials, sizeof(trials), set, path);
	snprintf(line, sizeof(line),
		 "sendrecv: round trip in microseconds, %s%s%s%s%s", trials,
		 *where ? "; " : "", where, *devices ? "; " : "", devices);
	text_wrap(out, line, 0);
}

/* --- what was not measured ------------------------------------------------*/

/* Rows that are not ok, for the same reason. */
struct group {
	size_t row;
	size_t rows;
	double least, most; /* sizes */
};

static bool same_group(const struct reader_table *t, size_t a, size_t b)
{
	static const char *const columns[] = {"transport", "status", "reason"};
	size_t i;

	for (i = 0; i < sizeof(columns) / sizeof(columns[0]); i++) {
		int col = reader_column(t, columns[i]);

		if (strcmp(reader_cell(t, a, col), reader_cell(t, b, col)))
			return false;
	}
	return true;
}

static void add_to_group(const struct reader_table *t, struct group *groups,
			 size_t *n, size_t row)
{
	double size = 0;
	size_t i;

	reader_number(t, row, reader_column(t, "size_bytes"), &size);
	for (i = 0; i < *n; i++)
		if (same_group(t, groups[i].row, row))
			break;
	if (i == *n)
		groups[(*n)++] = (struct group){row, 0, size, size};
	groups[i].rows++;
	groups[i].least = fmin(groups[i].least, size);
	groups[i].most = fmax(groups[i].most, size);
}

static void print_group(FILE *out, const struct series_set *set,
			const struct group *g)
{
	const struct reader_table *t = set->table;
	char label[LABEL_MAX], transport[LABEL_MAX], reason[400], line[800];
	char least[40], most[40], status[80];

	dims_transport(&set->dims, g->row, label);
	show_text(transport, sizeof(transport), label, 20);
	show_text(reason, sizeof(reason),
		  reader_cell(t, g->row, reader_column(t, "reason")), 300);
	show_text(status, sizeof(status),
		  reader_cell(t, g->row, reader_column(t, "status")), 16);
	show_bytes(least, sizeof(least), g->least);
	show_bytes(most, sizeof(most), g->most);
	snprintf(line, sizeof(line), "%s %s at %s%s%s (%zu row%s): %s",
		 transport, status, least, g->most > g->least ? " to " : "",
		 g->most > g->least ? most : "", g->rows,
		 g->rows == 1 ? "" : "s", *reason ? reason : "no reason given");
	fputs("- ", out);
	text_wrap(out, line, 2);
}

static int print_missing(FILE *out, const struct series_set *set,
			 struct err *err)
{
	const struct reader_table *t = set->table;
	struct group *groups = calloc(reader_rows(t) + 1, sizeof(*groups));
	size_t row, i, n = 0;

	if (!groups)
		return err_sys(err, -ENOMEM, "table");
	for (row = 0; row < reader_rows(t); row++)
		if (strcmp(reader_cell(t, row, reader_column(t, "status")),
			   "ok"))
			add_to_group(t, groups, &n, row);
	for (i = 0; i < n; i++) {
		if (!i)
			fputc('\n', out);
		print_group(out, set, &groups[i]);
	}
	free(groups);
	return 0;
}

static int print_set(FILE *out, const struct series_set *set, struct err *err)
{
	bool first = true;
	enum path path;
	size_t i;

	for (path = 0; path < PATH_COUNT; path++) {
		for (i = 0; i < set->n && set->v[i].path != path; i++)
			;
		if (i == set->n)
			continue;
		if (!first)
			fputc('\n', out);
		first = false;
		print_title(out, set, path);
		print_path(out, set, path);
	}
	if (first)
		fputs("sendrecv: no rows that are ok\n", out);
	if (reader_partial(set->table))
		fputs("\nThe last row is incomplete, an interrupted write: "
		      "left out.\n",
		      out);
	return print_missing(out, set, err);
}

int table_print(FILE *out, const char *dir, struct err *err)
{
	struct reader_table *table;
	struct series_set set;
	char *file;
	int ret;

	if (asprintf(&file, "%s/sendrecv.csv", dir) < 0)
		return err_sys(err, -ENOMEM, "table");
	ret = reader_read(file, READER_SKIP_PARTIAL, &table, err);
	free(file);
	if (ret)
		return ret;
	ret = series_init(&set, table, err);
	if (!ret) {
		ret = print_set(out, &set, err);
		series_fini(&set);
	}
	reader_free(table);
	return ret;
}
