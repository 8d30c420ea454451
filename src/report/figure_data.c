#include "report/figure_data.h"

#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "report/gnuplot.h"
#include "report/show.h"

/* style.gp has room for so many series, and so many colours. */
enum { LEGEND_MAX = 64, COLOURS = 8 };

bool report_has(const struct report_where *where, const struct series_set *set,
		const struct series *s)
{
	for (; where->column; where++)
		if (strcmp(series_cell(set, s, where->column), where->value))
			return false;
	return true;
}

/* Before it is asked whether there is something to compare it with. */
static bool may_show(const struct report_figure *fig,
		     const struct report_view *view, const struct series *s)
{
	return s->path == view->path && s->n >= fig->min_points &&
	       report_has(fig->where, view->set, s) &&
	       (!fig->shows || fig->shows(view, s));
}

bool report_shows(const struct report_figure *fig,
		  const struct report_view *view, const struct series *s)
{
	const char *why;

	return may_show(fig, view, s) &&
	       (!fig->pair.column ||
		series_base(view->set, s, &fig->pair, &why));
}

/* --- why not --------------------------------------------------------------*/

/* The reason cell of the first row with this value that is not ok. */
static const char *first_reason(const struct report_view *view,
				const char *column, const char *value)
{
	const struct reader_table *t = view->set->table;
	int status = reader_column(t, "status");
	int col = reader_column(t, column);
	size_t row;

	for (row = 0; row < reader_rows(t); row++)
		if (!strcmp(reader_cell(t, row, col), value) &&
		    strcmp(reader_cell(t, row, status), "ok"))
			return reader_cell(t, row, reader_column(t, "reason"));
	return "";
}

static const char *no_rows(const struct report_view *view, const char *column,
			   const char *value, char *buf, size_t size)
{
	bool transport = !strcmp(column, "transport");
	char clean[256];

	show_text(clean, sizeof(clean), first_reason(view, column, value), 200);
	snprintf(buf, size, "no %s%s%s rows that are ok%s%s%s",
		 transport ? "" : column, transport ? "" : " ", value,
		 *clean ? " (" : "", clean, *clean ? ")" : "");
	return buf;
}

static const struct series *find(const struct report_figure *fig,
				 const struct report_view *view,
				 bool (*is)(const struct series_set *,
					    const struct series *,
					    const struct series_pair *))
{
	size_t i;

	for (i = 0; i < view->set->n; i++) {
		const struct series *s = &view->set->v[i];

		if (may_show(fig, view, s) && is(view->set, s, &fig->pair))
			return s;
	}
	return NULL;
}

static const char *no_pair(const struct report_figure *fig,
			   const struct report_view *view, char *buf,
			   size_t size)
{
	const struct series_pair *pair = &fig->pair;
	const struct series *other = find(fig, view, series_is_other);
	const char *why;

	if (!other)
		return no_rows(view, pair->column,
			       pair->other ? pair->other : "other", buf, size);
	if (!find(fig, view, series_is_base))
		return no_rows(view, pair->column, pair->base, buf, size);
	series_base(view->set, other, pair, &why);
	snprintf(buf, size,
		 "no %s and %s rows under the same conditions: "
		 "they differ in '%.60s'",
		 pair->base, pair->other ? pair->other : "other", why);
	return buf;
}

const char *figure_data_check(const struct report_figure *fig,
			      const struct report_view *view, char *buf,
			      size_t size)
{
	size_t i;

	for (i = 0; i < view->set->n; i++)
		if (report_shows(fig, view, &view->set->v[i]))
			return fig->check ? fig->check(view, buf, size) : NULL;
	if (fig->pair.column)
		return no_pair(fig, view, buf, size);
	return "no rows that it could show";
}

/* --- the file -------------------------------------------------------------*/

static void put_number(FILE *f, double v)
{
	if (isnan(v))
		fputs("NaN", f);
	else
		fprintf(f, "%.4f", v);
}

static void write_values(FILE *f, const struct report_view *view,
			 const struct series *s)
{
	unsigned k, n = series_values(view->set->axes);
	size_t i;

	for (i = 0; i < s->n; i++) {
		fprintf(f, "%.10g", s->points[i].x);
		for (k = 0; k < n; k++) {
			fputc('\t', f);
			put_number(f, s->points[i].y[k]);
		}
		fprintf(f, "\t%u\n", s->points[i].trials);
	}
}

void report_write_interval(FILE *f, const struct report_view *view,
			   const struct series *s)
{
	const unsigned n = series_values(view->set->axes);
	struct series_range over;
	unsigned k;
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct series_point *p = &s->points[i];

		over = series_interval(view->set, s, p->x);
		fprintf(f, "%.10g\t", p->x);
		put_number(f, p->y[0]);
		fputc('\t', f);
		put_number(f, over.low);
		fputc('\t', f);
		put_number(f, over.high);
		for (k = 1; k < n; k++) {
			fputc('\t', f);
			put_number(f, p->y[k]);
		}
		fprintf(f, "\t%u\n", p->trials);
	}
}

static void write_gain(FILE *f, const struct report_figure *fig,
		       const struct report_view *view, const struct series *s)
{
	const char *why;
	const struct series *base = series_base(view->set, s, &fig->pair, &why);
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct series_point *p = &s->points[i], *b;

		b = series_at(base, p->x);
		if (b)
			fprintf(f, "%.10g\t%.3f\t%.4f\t%.4f\n", p->x,
				series_gain(b->y[0], p->y[0]), b->y[0],
				p->y[0]);
	}
}

static void write_series(FILE *f, const struct report_figure *fig,
			 const struct report_view *view, const struct series *s)
{
	if (fig->write)
		fig->write(f, view, s);
	else if (fig->pair.column)
		write_gain(f, fig, view, s);
	else
		write_values(f, view, s);
}

static void write_columns(FILE *f, const struct report_figure *fig,
			  const struct series_axes *axes)
{
	const struct series_pair *pair = &fig->pair;
	unsigned i;

	fprintf(f, "# %s.gp draws this; columns are separated by a tab: ",
		fig->name);
	if (fig->columns) {
		fprintf(f, "%s\n", fig->columns);
	} else if (pair->column) {
		fprintf(f, "%s gain_percent %s_%s %s_%s\n", axes->x, pair->base,
			axes->y[0].label, pair->other ? pair->other : "other",
			axes->y[0].label);
	} else {
		fputs(axes->x, f);
		for (i = 0; i < series_values(axes); i++)
			fprintf(f, " %s/%g", axes->y[i].column,
				axes->y[i].per > 0 ? axes->y[i].per : 1);
		fputs(" trials\n", f);
	}
}

/* Its label says what tells it from the others that are shown; where it is
 * alone and has no transport, what tells it from the rest. */
static void write_name(FILE *f, const struct series_set *set,
		       const size_t *shown, size_t n, size_t which)
{
	size_t rows[LEGEND_MAX], i;
	char label[LABEL_MAX], clean[LABEL_MAX];
	const struct series *s = &set->v[shown[which]];

	for (i = 0; i < n; i++)
		rows[i] = set->v[shown[i]].row;
	dims_label(&set->dims, rows, n, which, label);
	show_text(clean, sizeof(clean), label, LABEL_MAX - 1);
	/* More series than colours: as many as are shown must do. */
	fprintf(f, "%zu\t", set->n > COLOURS ? which + 1 : (size_t)s->style);
	gnuplot_put_text(f, *clean ? clean : s->label);
	fputc('\n', f);
}

static void write_names(FILE *f, const struct report_figure *fig,
			const struct report_view *view)
{
	size_t shown[LEGEND_MAX], n = 0, k;
	struct series_set set = *view->set;

	if (fig->unnamed)
		dims_drop(&set.dims, fig->unnamed);
	for (k = 0; k < view->set->n && n < LEGEND_MAX; k++)
		if (report_shows(fig, view, &view->set->v[k]))
			shown[n++] = k;
	for (k = 0; k < n; k++)
		write_name(f, &set, shown, n, k);
}

/* What is shown, and what that is compared with. */
static bool has_part(const struct report_figure *fig,
		     const struct report_view *view, const struct series *s)
{
	return may_show(fig, view, s) &&
	       (!fig->pair.column || series_is_base(view->set, s, &fig->pair) ||
		series_is_other(view->set, s, &fig->pair));
}

/* The caption speaks of nothing else that is in the run. */
static void write_caption(FILE *f, const struct report_figure *fig,
			  const struct report_view *view,
			  const char *const *conditions)
{
	struct series shown[LEGEND_MAX];
	struct series_set set = *view->set;
	struct caption c;
	size_t i;

	set.v = shown;
	set.n = 0;
	for (i = 0; i < view->set->n && set.n < LEGEND_MAX; i++)
		if (has_part(fig, view, &view->set->v[i]))
			shown[set.n++] = view->set->v[i];
	caption_make(&c, &set, view->path, view->info, conditions);
	for (i = 0; i < c.n; i++) {
		gnuplot_put_text(f, c.lines[i]);
		fputc('\n', f);
	}
}

/* The beginning of every data file: what style.gp reads. */
static void write_head(FILE *f, const struct report_figure *fig,
		       const struct report_view *view,
		       const char *const *conditions)
{
	write_columns(f, fig, view->set->axes);
	fputs("# index 0: caption; 1: line style and name of each series; "
	      "2, 3, ...: the series (medians over trials)\n",
	      f);
	write_caption(f, fig, view, conditions);
	fputs("\n\n", f);
	write_names(f, fig, view);
}

int figure_data_write(const char *file, const struct report_figure *fig,
		      const struct report_view *view,
		      const char *const *conditions, struct err *err)
{
	size_t i;
	FILE *f;
	bool bad;

	unlink(file); /* nor through a link that came with the folder */
	f = fopen(file, "we");
	if (!f)
		return err_sys(err, -errno, "%s", file);
	write_head(f, fig, view, conditions);
	for (i = 0; i < view->set->n; i++) {
		if (!report_shows(fig, view, &view->set->v[i]))
			continue;
		fputs("\n\n", f);
		write_series(f, fig, view, &view->set->v[i]);
	}
	bad = ferror(f);
	if (fclose(f) || bad) {
		unlink(file);
		return err_set(err, -EIO, REASON_IO_ERROR,
			       "%s: cannot be written whole: is the disk full?",
			       file);
	}
	return 0;
}
