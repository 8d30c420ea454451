#include "report/table.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "report/pairs.h"
#include "report/report.h"
#include "report/show.h"
#include "result/reader.h"
#include "run/scenario.h"

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

enum { COLUMN = 10, GAIN = 16, LEFT_ONLY_MAX = 6, EACH_MAX = 2 };

static size_t x_width(const struct pair *pair)
{
	size_t needs = show_columns(pair->set->axes->x_label);

	return needs > COLUMN ? needs : COLUMN;
}

/* Of a column of values: a label must not touch the one before it. */
static size_t value_width(const struct pair *pair)
{
	size_t width = COLUMN;
	unsigned k;

	for (k = 0; k < pair->n; k++) {
		size_t needs = show_columns(pair->set->axes->y[k].label) + 1;

		if (needs > width)
			width = needs;
	}
	return width;
}

static void print_value(FILE *out, double v, size_t width)
{
	char digits[32];

	print_right(out,
		    isnan(v) ? not_there
			     : show_digits(digits, sizeof(digits), v),
		    width);
}

static void print_side(FILE *out, const struct pair *pair,
		       const struct series_point *p)
{
	const size_t width = value_width(pair);
	unsigned k;

	for (k = 0; k < pair->n; k++)
		print_value(out, p ? p->y[k] : NAN, width);
}

static void print_row(FILE *out, const struct pair *pair, double x)
{
	const struct series_point *l, *r;
	char words[40];

	l = series_at(pair->left, x);
	r = pair->right ? series_at(pair->right, x) : NULL;
	print_right(out, show_x(words, sizeof(words), pair->set->axes->x, x),
		    x_width(pair));
	print_side(out, pair, l);
	if (pair->right) {
		print_side(out, pair, r);
		if (l && r)
			snprintf(words, sizeof(words), "%+.1f %%",
				 series_gain(l->y[0], r->y[0]));
		print_right(out, l && r ? words : not_there, GAIN);
	}
	fputc('\n', out);
}

static bool names_fit(const struct pair *pair, size_t width)
{
	if (!pair->right)
		return show_columns(pair->left->label) <=
		       WIDTH - x_width(pair) - 2;
	return show_columns(pair->left->label) <= width &&
	       show_columns(pair->right->label) <= width;
}

static void print_long_name(FILE *out, const struct pair *pair,
			    const char *side, const char *name)
{
	const int indent = (int)x_width(pair) + 2;

	fprintf(out, "%*s%-7s", indent, "", side);
	text_wrap(out, name, indent + 7);
}

/* A name that is longer than its columns would lose its end, which may be
 * what tells it from the others: lines of their own then. */
static void print_long_names(FILE *out, const struct pair *pair)
{
	print_long_name(out, pair, pair->right ? "left:" : "",
			pair->left->label);
	if (pair->right)
		print_long_name(out, pair, "right:", pair->right->label);
}

static void print_names(FILE *out, const struct pair *pair, size_t width)
{
	print_right(out, "", x_width(pair) + 2);
	print_right(out, pair->left->label, width);
	if (pair->right) {
		fputs("  ", out);
		print_right(out, pair->right->label, width);
		print_right(out, pair->words, GAIN + 1);
	}
	fputc('\n', out);
}

static void print_labels(FILE *out, const struct pair *pair, const char *gain)
{
	const struct series_axes *axes = pair->set->axes;
	const size_t width = value_width(pair);
	unsigned k, side;

	print_right(out, axes->x_label, x_width(pair));
	for (side = 0; side < (pair->right ? 2 : 1); side++)
		for (k = 0; k < pair->n; k++)
			print_right(out, axes->y[k].label, width);
	if (pair->right)
		print_right(out, gain, GAIN);
	fputc('\n', out);
}

static void print_heads(FILE *out, const struct pair *pair)
{
	const size_t width = value_width(pair) * pair->n - 2;
	const bool fit = names_fit(pair, width);

	if (fit)
		print_names(out, pair, width);
	else
		print_long_names(out, pair);
	print_labels(out, pair, fit ? "by" : pair->words);
}

static void print_pair(void *arg, const struct pair *whole)
{
	struct pair narrow = *whole, *pair = &narrow;
	unsigned most = pair->right ? EACH_MAX : LEFT_ONLY_MAX;
	FILE *out = arg;
	double x;

	if (pair->n > most)
		pair->n = most;
	fputc('\n', out);
	print_heads(out, pair);
	x = pair_next_x(pair, -INFINITY);
	while (isfinite(x)) {
		print_row(out, pair, x);
		x = pair_next_x(pair, x);
	}
}

static void print_title(FILE *out, const struct series_set *set,
			const struct scenario *scn, enum path path)
{
	char devices[512], trials[64], line[1024];
	const char *where = caption_path(path);

	caption_devices(devices, sizeof(devices), set, path);
	caption_trials(trials, sizeof(trials), set, path);
	snprintf(line, sizeof(line), "%s: %s, %s%s%s%s%s", scn->name,
		 scn->report->measure, trials, *where ? "; " : "", where,
		 *devices ? "; " : "", devices);
	text_wrap(out, line, 0);
}

/* --- what was not measured ------------------------------------------------*/

/* Rows that are not ok, for the same reason. */
struct group {
	size_t row;
	size_t rows;
	double least, most; /* x */
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

static void add_to_group(const struct series_set *set, struct group *groups,
			 size_t *n, size_t row)
{
	const struct reader_table *t = set->table;
	double x = 0;
	size_t i;

	reader_number(t, row, reader_column(t, set->axes->x), &x);
	for (i = 0; i < *n; i++)
		if (same_group(t, groups[i].row, row))
			break;
	if (i == *n)
		groups[(*n)++] = (struct group){row, 0, x, x};
	groups[i].rows++;
	groups[i].least = fmin(groups[i].least, x);
	groups[i].most = fmax(groups[i].most, x);
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
	show_x(least, sizeof(least), set->axes->x, g->least);
	show_x(most, sizeof(most), set->axes->x, g->most);
	snprintf(line, sizeof(line), "%s%s%s at %s%s%s (%zu row%s): %s",
		 transport, *transport ? " " : "", status, least,
		 g->most > g->least ? " to " : "",
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
			add_to_group(set, groups, &n, row);
	for (i = 0; i < n; i++) {
		if (!i)
			fputc('\n', out);
		print_group(out, set, &groups[i]);
	}
	free(groups);
	return 0;
}

static int print_set(FILE *out, const struct series_set *set,
		     const struct scenario *scn, struct err *err)
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
		print_title(out, set, scn, path);
		pairs_each(set, &scn->report->pair, path, print_pair, out);
	}
	if (first)
		fprintf(out, "%s: no rows that are ok\n", scn->name);
	if (reader_partial(set->table))
		fputs("\nThe last row is incomplete, an interrupted write: "
		      "left out.\n",
		      out);
	return print_missing(out, set, err);
}

static int print_scenario(FILE *out, const char *file,
			  const struct scenario *scn, struct err *err)
{
	struct reader_table *table;
	struct series_set set;
	int ret;

	ret = reader_read(file, READER_SKIP_PARTIAL, &table, err);
	if (ret)
		return ret;
	ret = series_init(&set, table, &scn->report->axes, err);
	if (!ret) {
		ret = print_set(out, &set, scn, err);
		series_fini(&set);
	}
	reader_free(table);
	return ret;
}

int table_print(FILE *out, const char *dir, struct err *err)
{
	unsigned i, printed = 0;
	char *file;
	int ret = 0;

	for (i = 0; !ret && scenario_at(i); i++) {
		if (!scenario_at(i)->report)
			continue;
		if (asprintf(&file, "%s/%s.csv", dir, scenario_at(i)->name) < 0)
			return err_sys(err, -ENOMEM, "table");
		if (!access(file, F_OK)) {
			if (printed++)
				fputc('\n', out);
			ret = print_scenario(out, file, scenario_at(i), err);
		}
		free(file);
	}
	return ret;
}
