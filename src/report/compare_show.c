#include "report/compare_show.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "base/units.h"
#include "report/dims.h"
#include "report/gnuplot.h"
#include "report/plots.h"
#include "report/show.h"
#include "result/csv.h"

/* --- text -------------------------------------------------------------------*/

/* A value of a column, with the unit that its name tells. */
static char *value_words(char *buf, size_t size, const char *column, double v)
{
	size_t len = strlen(column);

	if (isnan(v))
		snprintf(buf, size, "-");
	else if (len > 3 && !strcmp(column + len - 3, "_ns"))
		units_format_time(buf, size, v);
	else
		show_digits(buf, size, v);
	return buf;
}

static void print_ratio(FILE *out, const struct compare_case *c)
{
	char interval[32] = "-", ratio[16] = "-", p[16] = "-";

	if (c->ratio.ratio > 0)
		snprintf(ratio, sizeof(ratio), "%.3f", c->ratio.ratio);
	if (c->ratio.has_interval)
		snprintf(interval, sizeof(interval), "%.3f-%.3f", c->ratio.low,
			 c->ratio.high);
	if (c->n_old && c->n_new)
		snprintf(p, sizeof(p), "%.2g", c->p_holm);
	fprintf(out, "%6s %13s %7s\n", ratio, interval, p);
}

/* Columns of a name that stands in its point's line. */
enum { NAME_COLUMNS = 17 };

static void print_case(FILE *out, const struct compare_case *c, bool named)
{
	char label[LABEL_MAX] = "", x[40], old[40], new[40];
	size_t columns;

	if (named)
		show_text(label, sizeof(label), c->label, NAME_COLUMNS);
	columns = show_columns(label);
	fprintf(out, "%-7s %s%*s %6s %8s %8s ", compare_word(c->verdict), label,
		(int)(NAME_COLUMNS - columns), "",
		show_x(x, sizeof(x), c->x_column, c->x),
		value_words(old, sizeof(old), c->metric, c->old_median),
		value_words(new, sizeof(new), c->metric, c->new_median));
	print_ratio(out, c);
}

static bool same_block(const struct compare_case *a,
		       const struct compare_case *b)
{
	return !strcmp(a->scenario, b->scenario) &&
	       !strcmp(a->metric, b->metric);
}

static size_t block_end(const struct compare *c, size_t i)
{
	size_t end = i + 1;

	while (end < c->n && same_block(&c->cases[i], &c->cases[end]))
		end++;
	return end;
}

/* Of a scenario with many axes: cut, they could not be told apart. */
static bool long_names(const struct compare *c, size_t i, size_t end)
{
	for (; i < end; i++)
		if (show_columns(c->cases[i].label) > NAME_COLUMNS)
			return true;
	return false;
}

static void print_head(FILE *out, const struct compare_case *c)
{
	fprintf(out, "%s: %s%s\n", c->scenario, c->metric,
		c->higher_is_better ? ", higher is better" : "");
	fprintf(out, "%-7s %-*s %6s %8s %8s %6s %13s %7s\n", "", NAME_COLUMNS,
		"", "", "old", "new", "ratio", "interval", "p");
}

/* A scenario's points by one metric; long names have lines of their own. */
static void print_block(FILE *out, const struct compare *c, size_t i,
			size_t end)
{
	const bool apart = long_names(c, i, end);
	const struct compare_case *k, *first = &c->cases[i];
	char label[LABEL_MAX];

	print_head(out, first);
	for (; i < end; i++) {
		k = &c->cases[i];
		if (apart && (k == first || strcmp(k->label, k[-1].label))) {
			fputs("  ", out);
			text_wrap(out,
				  show_text(label, sizeof(label), k->label,
					    LABEL_MAX),
				  4);
		}
		print_case(out, k, !apart);
	}
}

static void print_cases(FILE *out, const struct compare *c)
{
	size_t i, end;

	for (i = 0; i < c->n; i = end) {
		end = block_end(c, i);
		if (i)
			fputc('\n', out);
		print_block(out, c, i, end);
	}
}

static void print_diff(FILE *out, const struct compare *c)
{
	char line[600];
	size_t i;

	for (i = 0; i < c->diff.n; i++) {
		const struct machine_difference *d = &c->diff.v[i];

		if (!i)
			fputs("\nWhat differs between the two:\n", out);
		snprintf(line, sizeof(line), "%s: %s -> %s", d->what, d->old,
			 d->new);
		fputs("- ", out);
		text_wrap(out, line, 2);
	}
}

static void print_sum(FILE *out, const struct compare *c,
		      const struct compare_options *o)
{
	char line[700];

	snprintf(line, sizeof(line),
		 "%zu points: %zu worse, %zu better, %zu differ by less than "
		 "%g %%, %zu the same, %zu with too few trials. Medians over "
		 "trials; ratio new/old by Hodges and Lehmann with its %g %% "
		 "interval; exact Mann-Whitney test, p corrected for %zu "
		 "points by Holm, worse at p up to %g.",
		 c->n, c->count[COMPARE_WORSE], c->count[COMPARE_BETTER],
		 c->count[COMPARE_WITHIN], 100 * o->threshold,
		 c->count[COMPARE_SAME], c->count[COMPARE_TOO_FEW],
		 100 * (1 - o->alpha), c->n, o->alpha);
	fputc('\n', out);
	text_wrap(out, line, 0);
}

void compare_print(FILE *out, const struct compare *c,
		   const struct compare_options *o)
{
	unsigned i;

	print_cases(out, c);
	print_sum(out, c, o);
	for (i = 0; i < c->n_notes; i++) {
		if (!i)
			fputs("\nNot compared:\n", out);
		fputs("- ", out);
		text_wrap(out, c->notes[i], 2);
	}
	print_diff(out, c);
}

/* --- CSV --------------------------------------------------------------------*/

static void put_case(struct row *r, const struct compare_case *c)
{
	row_set(r, "scenario", "%s", c->scenario);
	row_set(r, "metric", "%s", c->metric);
	row_set(r, "series", "%s", c->label);
	row_set(r, "x_column", "%s", c->x_column);
	row_set(r, "x", "%.10g", c->x);
	row_set(r, "trials_old", "%u", c->n_old);
	row_set(r, "trials_new", "%u", c->n_new);
	row_set(r, "verdict", "%s", compare_word(c->verdict));
	if (c->n_old)
		row_set(r, "median_old", "%.10g", c->old_median);
	if (c->n_new)
		row_set(r, "median_new", "%.10g", c->new_median);
	if (c->ratio.ratio > 0)
		row_set(r, "ratio", "%.6f", c->ratio.ratio);
	if (c->ratio.has_interval) {
		row_set(r, "ratio_low", "%.6f", c->ratio.low);
		row_set(r, "ratio_high", "%.6f", c->ratio.high);
	}
	if (c->n_old && c->n_new) {
		row_set(r, "p", "%.6g", c->p);
		row_set(r, "p_holm", "%.6g", c->p_holm);
	}
}

static int write_rows(const struct compare *c, const char *path,
		      const struct columns *columns, struct err *err)
{
	struct row *row = malloc(sizeof(*row));
	struct csvfile csv;
	size_t i;
	int ret;

	if (!row)
		return err_sys(err, -ENOMEM, "%s", path);
	unlink(path);
	ret = csvfile_create(&csv, path, columns, err);
	if (ret)
		goto free_row;
	for (i = 0; !ret && i < c->n; i++) {
		row_init(row, columns);
		put_case(row, &c->cases[i]);
		ret = csvfile_write(&csv, row, err);
	}
	csvfile_close(&csv);
free_row:
	free(row);
	return ret;
}

int compare_write_csv(const struct compare *c, const char *dir, struct err *err)
{
	static const char *const names[] = {
		"scenario",   "metric",	    "series",	  "x_column",
		"x",	      "trials_old", "trials_new", "median_old",
		"median_new", "ratio",	    "ratio_low",  "ratio_high",
		"p",	      "p_holm",	    "verdict",
	};
	struct columns *columns = calloc(1, sizeof(*columns));
	char path[640];
	size_t i;
	int ret;

	if (!columns)
		return err_sys(err, -ENOMEM, "compare.csv");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		columns_add(columns, names[i]);
	snprintf(path, sizeof(path), "%s/compare.csv", dir);
	ret = write_rows(c, path, columns, err);
	free(columns);
	return ret;
}

/* --- figure -----------------------------------------------------------------*/

/* A verdict's line style, so that worse looks the same in every figure. */
static const struct {
	enum compare_verdict verdict;
	unsigned style;
	const char *name;
} looks[] = {
	{COMPARE_WORSE, 2, "worse"},
	{COMPARE_BETTER, 4, "better"},
	{COMPARE_WITHIN, 1, "differs by less than the threshold"},
	{COMPARE_SAME, 3, "no difference found"},
	{COMPARE_TOO_FEW, 6, "too few trials"},
};
enum { LOOKS = sizeof(looks) / sizeof(looks[0]) };

static bool drawn(const struct compare_case *c, unsigned look)
{
	return c->verdict == looks[look].verdict && c->ratio.ratio > 0;
}

static bool any_drawn(const struct compare *c, unsigned look)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (drawn(&c->cases[i], look))
			return true;
	return false;
}

static void put_line(FILE *f, const struct compare *c, size_t i)
{
	const struct compare_case *k = &c->cases[i];
	bool has = k->ratio.has_interval;
	char x[40], name[LABEL_MAX], label[300];

	show_text(name, sizeof(name), k->label, 60);
	snprintf(label, sizeof(label), "%s %s %s  %s", k->scenario, name,
		 show_x(x, sizeof(x), k->x_column, k->x), k->metric);
	fprintf(f, "%.6f\t%.6f\t%.6f\t%zu\t", k->ratio.ratio,
		has ? k->ratio.low : k->ratio.ratio,
		has ? k->ratio.high : k->ratio.ratio, c->n - i);
	gnuplot_put_text(f, label);
	fputc('\n', f);
}

static void write_dat(FILE *f, const struct compare *c,
		      const struct compare_options *o)
{
	unsigned look;
	size_t i;

	fprintf(f,
		"# compare.gp draws this; separated by a tab: ratio low high "
		"place label\nratio new/old by Hodges and Lehmann, %g %% "
		"interval; threshold %g %%; Holm's correction for %zu "
		"points\n\n\n",
		100 * (1 - o->alpha), 100 * o->threshold, c->n);
	for (look = 0; look < LOOKS; look++)
		if (any_drawn(c, look))
			fprintf(f, "%u\t%s\n", looks[look].style,
				looks[look].name);
	for (look = 0; look < LOOKS; look++) {
		if (!any_drawn(c, look))
			continue;
		fputs("\n\n", f);
		for (i = 0; i < c->n; i++)
			if (drawn(&c->cases[i], look))
				put_line(f, c, i);
	}
}

static int put_dat(const struct compare *c, const struct compare_options *o,
		   const char *dir, struct err *err)
{
	char path[640];
	bool bad;
	FILE *f;

	snprintf(path, sizeof(path), "%s/compare.dat", dir);
	unlink(path); /* nor through a link that came with the folder */
	f = fopen(path, "we");
	if (!f)
		return err_sys(err, -errno, "%s", path);
	write_dat(f, c, o);
	bad = ferror(f);
	if (fclose(f) || bad)
		return err_set(err, -EIO, REASON_IO_ERROR,
			       "%s: cannot be written whole", path);
	return 0;
}

int compare_draw(const struct compare *c, const struct compare_options *o,
		 const char *dir, struct err *err)
{
	struct gnuplot g = {
		.program = "gnuplot",
		.dir = dir,
		.timeout_s = GNUPLOT_TIMEOUT_S,
	};
	char start[120];
	unsigned look, any = 0;
	int ret;

	for (look = 0; look < LOOKS; look++)
		any += any_drawn(c, look);
	if (!any)
		return err_set(err, -ENODATA, REASON_NO_FILE,
			       "no ratio that could be drawn");
	ret = put_dat(c, o, dir, err);
	if (ret)
		return ret;
	snprintf(start, sizeof(start),
		 "base = 'compare'\nthreshold = %.6f\nn_places = %zu\n",
		 o->threshold, c->n);
	g.scripts[0] = start;
	g.scripts[1] = plot_style;
	g.scripts[2] = plot_compare;
	ret = gnuplot_run(&g, err);
	if (ret)
		err_wrap(err, "compare");
	return ret;
}
