/* How the results of scale are shown and judged. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/plots.h"
#include "report/report.h"
#include "reports.h"

/* --- at the best window of each -------------------------------------------- */

/* A fixed window misleads: many queue pairs want another than one. */
static const char window[] = "outstanding";
enum { BEST_POINTS = 3 };

static bool is_same_but(const struct series_set *set, const char *column,
			const struct series *a, const struct series *b)
{
	struct dims dims = set->dims;

	dims_drop(&dims, column);
	return a->path == b->path && dims_equal(&dims, a->row, b->row);
}

static bool is_same_but_window(const struct series_set *set,
			       const struct series *a, const struct series *b)
{
	return is_same_but(set, window, a, b);
}

/* The window with the highest rate at this x; NULL if none has it. */
static const struct series *best_window(const struct series_set *set,
					const struct series *s, double x)
{
	const struct series *best = NULL;
	const struct series_point *p;
	double most = -INFINITY;
	size_t i;

	for (i = 0; i < set->n; i++) {
		p = series_at(&set->v[i], x);
		if (!p || !(p->y[0] > most) ||
		    !is_same_but_window(set, s, &set->v[i]))
			continue;
		most = p->y[0];
		best = &set->v[i];
	}
	return best;
}

/* The next above x that any window has; infinite past the last. */
static double next_x(const struct series_set *set, const struct series *s,
		     double x)
{
	double next = INFINITY;
	size_t i, k;

	for (i = 0; i < set->n; i++) {
		const struct series *t = &set->v[i];

		for (k = 0; k < t->n; k++)
			if (t->points[k].x > x && t->points[k].x < next &&
			    is_same_but_window(set, s, t))
				next = t->points[k].x;
	}
	return next;
}

/* One stands for all windows, if they have so many points. */
static bool is_first(const struct report_view *view, const struct series *s,
		     unsigned least)
{
	const struct series *t;
	unsigned n = 0;
	double x;

	for (t = view->set->v; t < s; t++)
		if (is_same_but_window(view->set, s, t))
			return false;
	for (x = 0; isfinite(x = next_x(view->set, s, x));)
		n++;
	return n >= least;
}

static bool is_first_window(const struct report_view *view,
			    const struct series *s)
{
	return is_first(view, s, BEST_POINTS);
}

/* Of who works there may be two only. */
static bool is_first_of_few(const struct report_view *view,
			    const struct series *s)
{
	return is_first(view, s, 2);
}

static void write_best(FILE *f, const struct report_view *view,
		       const struct series *s)
{
	const struct series *best;
	struct series_range over;
	double x = 0;

	while (isfinite(x = next_x(view->set, s, x))) {
		best = best_window(view->set, s, x);
		over = series_interval(view->set, best, x);
		fprintf(f, "%.10g\t%.4f\t%.4f\t%.4f\t%u\t%s\n", x,
			series_at(best, x)->y[0], over.low, over.high,
			series_at(best, x)->trials,
			series_cell(view->set, best, window));
	}
}

/* --- fewer lines than windows and counts ---------------------------------- */

/* Is there a longer way to go: a series like it with less (way -1) or more (1)
 * in this column? */
static bool goes_on(const struct report_view *view, const struct series *s,
		    const char *column, int way)
{
	const struct series_set *set = view->set;
	const double here = atof(series_cell(set, s, column));
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct series *t = &set->v[i];

		if (t->n >= BEST_POINTS && is_same_but(set, column, s, t) &&
		    way * (atof(series_cell(set, t, column)) - here) > 0)
			return true;
	}
	return false;
}

/* Of the tail, which goes with the window, that of the smallest. */
static bool is_least_window(const struct report_view *view,
			    const struct series *s)
{
	return !goes_on(view, s, window, -1);
}

/* Against the window, the fewest queue pairs and the most. */
static bool is_end_of_counts(const struct report_view *view,
			     const struct series *s)
{
	return !goes_on(view, s, "qps", -1) || !goes_on(view, s, "qps", 1);
}

/* --- figures ---------------------------------------------------------------- */

#define FIGURE(what, least, of, words, column, label, text, y_column, y_label, \
	       ...)                                                            \
	{                                                                      \
		.name = "scale_" what,                                         \
		.title = "Scale: " words " against " text,                     \
		.script = plot_scale,                                          \
		.axes = {.x = column,                                          \
			 .x_label = label,                                     \
			 .y = {{y_column, y_label, 1e3}}},                     \
		.min_points = least,                                           \
		.conditions = {"poll", "op",	      "size_bytes",            \
			       "qps",  "outstanding", __VA_ARGS__},            \
		.shows = of, .write = report_write_interval,                   \
		.columns = column " " y_column "/1000 low high trials",        \
	}
#define RATE(what, least, of, column, label, text, ...)                        \
	FIGURE(what, least, of, "rate", column, label, text, "ops_per_s",      \
	       "thousands/s", __VA_ARGS__)
#define TAIL(what, of, column, label, text, ...)                               \
	FIGURE(what "_tail", 3, of, "p99", column, label, text, "lat_p99_ns",  \
	       "p99", __VA_ARGS__)
#define BEST(what, of, column, label, text, ...)                               \
	{                                                                      \
		.name = "scale_" what,                                         \
		.title = "Scale: rate against " text                           \
			 ", at the best window of each",                       \
		.script = plot_scale,                                          \
		.axes = {.x = column,                                          \
			 .x_label = label,                                     \
			 .y = {{"ops_per_s", "thousands/s", 1e3}}},            \
		.conditions = {"poll", "op", "size_bytes", "qps",              \
			       __VA_ARGS__},                                   \
		.unnamed = window, .shows = of, .write = write_best,           \
		.columns = column " ops_per_s/1000 low high trials "           \
				  "outstanding",                               \
	}

static const struct report_figure figures[] = {
	BEST("qps", is_first_window, "qps", "queue pairs", "queue pairs", NULL),
	TAIL("qps", is_least_window, "qps", "queue pairs", "queue pairs", NULL),
	RATE("window", 3, is_end_of_counts, "outstanding", "outstanding",
	     "operations outstanding", NULL),
	TAIL("window", is_end_of_counts, "outstanding", "outstanding",
	     "operations outstanding", NULL),
	BEST("regions", is_first_window, "regions", "regions", "memory regions",
	     "memory_bytes"),
	TAIL("regions", NULL, "regions", "regions", "memory regions",
	     "memory_bytes"),
	BEST("pages", is_first_window, "memory_bytes", "bytes",
	     "memory gone to at random", "pages"),
	TAIL("pages", NULL, "memory_bytes", "bytes", "memory gone to at random",
	     "pages"),
	BEST("threads", is_first_of_few, "threads", "threads", "threads", NULL),
	BEST("processes", is_first_of_few, "processes", "processes",
	     "processes", NULL),
	FIGURE("memory", 2, NULL, "memory", "qps", "queue pairs", "queue pairs",
	       "client_qp_memory_bytes", "kB a queue pair", NULL),
	RATE("rnr", 3, NULL, "min_rnr_timer", "code of the time",
	     "the time before another try", "receives"),
};

static const struct report_equal equals[] = {
	{"a sample for each operation", "operations", "samples"},
};

/* By the client's own count: the NIC's would only warn. */
static bool never_without_credit(const struct check *c, size_t row,
				 struct report_bounds *b)
{
	b->is = check_number(c, row, "outstanding_max");
	b->least = 0;
	b->most = check_number(c, row, "posted_receives");
	return !isnan(b->is) && !isnan(b->most) &&
	       check_number(c, row, "receives") == 0;
}

/* A queue pair's, not all of them together. */
static bool never_ahead(const struct check *c, size_t row,
			struct report_bounds *b)
{
	b->is = check_number(c, row, "sent_ahead");
	b->least = b->most = 0;
	return !isnan(b->is) && check_number(c, row, "receives") == 0;
}

/* All of the port's, whoever's they are, and told late by some devices. */
static bool never_rnr(const struct check *c, size_t row,
		      struct report_bounds *b)
{
	const char *marks = check_cell(c, row, "nic_marks");

	b->is = strstr(marks, "rnr") != NULL;
	b->least = b->most = 0;
	return marks[0] && check_number(c, row, "receives") == 0;
}

static const struct report_rule rules[] = {
	{CHECK_EXACT, "never more requests on their way than receives posted",
	 report_rule_rows, .row = never_without_credit},
	{CHECK_EXACT, "no request begun without a receive for it",
	 report_rule_rows, .row = never_ahead},
	{CHECK_STATISTICAL, "the NIC told nobody to wait for a receive",
	 report_rule_rows, .row = never_rnr},
	{CHECK_EXACT, "bytes a second are payload: operations x size",
	 report_rule_rows, .row = report_row_payload},
};

static const struct report_sentence sentences[] = {
	{.say = SAY_WORSENS, .words = "queue pairs the rate falls most with"},
};

const struct report report_scale = {
	.measure = "posting to completion or answer, in microseconds",
	.axes = {.x = "qps",
		 .x_label = "queue pairs",
		 .y = {{"lat_p50_ns", "p50", 1e3},
		       {"lat_p99_ns", "p99", 1e3},
		       {"ops_per_s", "thousands/s", 1e3}}},
	.conditions = {"poll", "op", "size_bytes", "qps", "outstanding"},
	.figures = figures,
	.n_figures = sizeof(figures) / sizeof(figures[0]),
	.equals = equals,
	.n_equals = sizeof(equals) / sizeof(equals[0]),
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.sentences = sentences,
	.n_sentences = sizeof(sentences) / sizeof(sentences[0]),
};
