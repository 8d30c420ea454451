/* How the results of prefetch are shown and judged. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "literature.h"
#include "report/plots.h"
#include "report/report.h"
#include "reports.h"
#include "result/reader.h"
#include "work/scan.h"

#define BYTES .x = "size_bytes", .x_label = "bytes"
#define NS_PER_LINE                                                            \
	{                                                                      \
		"line_ps", "ns/line", 1e3                                      \
	}
/* By what the two are compared: (all off - as found) / all off. */
#define HARDWARE                                                               \
	{                                                                      \
		"prefetchers", "all-off", NULL, "prefetching saves"            \
	}
#define SOFTWARE                                                               \
	{                                                                      \
		"prefetch_distance", "0", NULL, "prefetching saves"            \
	}

/* --- figures --------------------------------------------------------------------- */

static const double *caches_of(const struct report_view *view,
			       const struct series *s)
{
	bool local = !strcmp(series_cell(view->set, s, "local"), "yes");

	return view->info->cache_bytes[local ? RUN_CLIENT : RUN_SERVER];
}

/* The caches of the end that scans, beside each point. */
static void write_lines(FILE *f, const struct report_view *view,
			const struct series *s)
{
	const double *cache = caches_of(view, s);
	size_t i;

	for (i = 0; i < s->n; i++)
		fprintf(f, "%.0f\t%.4f\t%u\t%.0f\t%.0f\t%.0f\n", s->points[i].x,
			s->points[i].y[0], s->points[i].trials, cache[0],
			cache[1], cache[2]);
}

/* The distance beside each point: where all that is shown have the same, the
 * legend does not say it. */
static void write_software(FILE *f, const struct report_view *view,
			   const struct series *s)
{
	static const struct series_pair pair = SOFTWARE;
	const char *why, *distance;
	const struct series *base = series_base(view->set, s, &pair, &why);
	const struct series_point *b;
	size_t i;

	distance = series_cell(view->set, s, "prefetch_distance");
	for (i = 0; i < s->n; i++) {
		b = series_at(base, s->points[i].x);
		if (b)
			fprintf(f, "%.0f\t%.3f\t%.4f\t%.4f\t%.9s\n",
				s->points[i].x,
				series_gain(b->y[0], s->points[i].y[0]),
				b->y[0], s->points[i].y[0], distance);
	}
}

#define LINES(kind, words)                                                     \
	{                                                                      \
		.name = "prefetch_lines_" kind,                                \
		.title = "Prefetch: time to " words                            \
			 " a cache line, by order and size",                   \
		.script = plot_prefetch_lines,                                 \
		.axes = {BYTES, .y = {NS_PER_LINE}},                           \
		.where = {{"prefetchers", "as-found"},                         \
			  {"prefetch_distance", "0"},                          \
			  {"scan", kind}},                                     \
		.write = write_lines,                                          \
		.columns = "size_bytes ns_per_line trials l1d_bytes l2_bytes " \
			   "l3_bytes",                                         \
	}

static const struct report_figure figures[] = {
	LINES("read", "read"),
	LINES("write", "write"),
	{
		.name = "prefetch_gain",
		.title = "Prefetch: gain of the hardware prefetchers",
		.script = plot_prefetch_gain,
		.axes = {BYTES, .y = {{"lat_p50_ns", "p50", 1e3}}},
		.pair = HARDWARE,
		.where = {{"pattern", "seq"}, {"prefetch_distance", "0"}},
		.columns = "size_bytes gain_percent off_p50_us on_p50_us",
	},
	{
		.name = "prefetch_software",
		.title = "Prefetch: gain of prefetch instructions in the scan",
		.script = plot_prefetch_gain,
		.axes = {BYTES, .y = {NS_PER_LINE}},
		.pair = SOFTWARE,
		.where = {{"prefetchers", "as-found"}},
		.write = write_software,
		.columns = "size_bytes gain_percent without_ns_per_line "
			   "with_ns_per_line lines_ahead",
	},
};

/* --- invariants ------------------------------------------------------------------- */

/* What both ends scanned; NAN if neither says.  A server that has no part in
 * it has no such column filled. */
static double lines_scanned(const struct check *c, size_t row)
{
	double client = check_number(c, row, "client_lines_scanned");
	double server = check_number(c, row, "server_lines_scanned");

	if (isnan(client) || isnan(server))
		return isnan(client) ? server : client;
	return client + server;
}

/* Every line of every operation, and the end that does not scan none. */
static bool every_line(const struct check *c, size_t row,
		       struct report_bounds *b)
{
	b->is = lines_scanned(c, row);
	b->least = b->most = check_number(c, row, "samples") *
			     check_number(c, row, "size_bytes") / SCAN_LINE;
	return true;
}

static int caches_of_run(const struct check *c, struct run_info *info,
			 struct err *err)
{
	char *dir = strdup(reader_file(c->table)), *slash;
	int ret;

	if (!dir)
		return err_sys(err, -ENOMEM, "check");
	slash = strrchr(dir, '/');
	if (slash)
		*slash = '\0';
	ret = run_info_read(slash ? dir : ".", info, err);
	free(dir);
	return ret;
}

enum { Y_P50, Y_P99, Y_LINE };

/* The same points in both orders, beyond the last cache. */
static void look_beyond(struct check *c, const struct report_rule *rule,
			struct check_line **l, const struct series *random,
			const struct series *seq, double cache)
{
	const struct series_point *p;
	size_t i;

	for (i = 0; i < random->n; i++) {
		p = series_at(seq, random->points[i].x);
		if (!p || p->x <= cache)
			continue;
		if (!*l)
			*l = check_add(c, rule->kind, rule->what);
		if (random->points[i].y[Y_LINE] < p->y[Y_LINE])
			check_violate(c, *l,
				      "%s, %.0f bytes: %.2f ns a line, "
				      "sequential %.2f",
				      random->label, p->x,
				      random->points[i].y[Y_LINE],
				      p->y[Y_LINE]);
	}
}

static int random_is_not_faster(struct check *c, const struct report_rule *rule,
				struct err *err)
{
	static const struct series_pair pair = {"pattern", "seq", "random",
						NULL};
	struct check_line *l = NULL;
	const struct series *seq, *s;
	struct report_view view = {.set = c->set};
	struct run_info info;
	const char *why;
	size_t i;
	int ret = caches_of_run(c, &info, err);

	if (ret)
		return ret;
	view.info = &info;
	for (i = 0; i < c->set->n; i++) {
		s = &c->set->v[i];
		seq = series_base(c->set, s, &pair, &why);
		if (seq && caches_of(&view, s)[2] > 0)
			look_beyond(c, rule, &l, s, seq,
				    caches_of(&view, s)[2]);
	}
	return 0;
}

/* Where it helped, of where it was tried; nothing is expected. */
static const struct report_sign hardware_helps = {
	{"prefetchers", "all-off", "as-found", NULL}, .y = Y_LINE};
static const struct report_sign software_helps = {SOFTWARE, .y = Y_LINE};

static const struct report_equal equals[] = {
	REPORT_EQUAL_MESSAGES,
};

static const struct report_rule rules[] = {
	{CHECK_EXACT, "every line is visited once an operation",
	 report_rule_rows, .row = every_line},
	{CHECK_EXACT, "--verify each verified every payload", report_rule_rows,
	 .row = report_row_verified},
	{CHECK_STATISTICAL, "p50 does not fall as size grows by 4",
	 .run = report_rule_rising},
	{CHECK_STATISTICAL,
	 "beyond the last cache a random line takes as long as a sequential "
	 "one, or longer",
	 .run = random_is_not_faster},
	{CHECK_HARDWARE, "hardware prefetchers make the scan faster",
	 report_rule_sign, .sign = &hardware_helps},
	{CHECK_HARDWARE, "prefetch instructions make the scan faster",
	 report_rule_sign, .sign = &software_helps},
};

static const struct report_sentence sentences[] = {
	{.say = SAY_MOST,
	 .words = "being without hardware prefetchers",
	 .pair = HARDWARE,
	 .where = {{"pattern", "seq"}}},
	{.say = SAY_MOST,
	 .words = "a random order of touching, against a sequential one,",
	 .pair = {"pattern", "random", "seq", NULL},
	 .where = {{"prefetchers", "as-found"}}},
	{.say = SAY_MOST,
	 .words = "doing without prefetch instructions",
	 .pair = SOFTWARE,
	 .where = {{"prefetchers", "as-found"}}},
};

#define THESIS_OF(what, name, kind, values)                                    \
	{                                                                      \
		THESIS what, name,                                             \
			{{"transport", "rdma"},                                \
			 {"pattern", "seq"},                                   \
			 {"scan", kind},                                       \
			 {"prefetchers", name}},                               \
			thesis_sizes, values, THESIS_SIZES                     \
	}
#define WRITING "; every line is written"
#define READING "; every line is read"

static const struct report_reference references[] = {
	THESIS_OF(WRITING, "as-found", "write", thesis_touch_write),
	THESIS_OF(WRITING, "all-off", "write", thesis_off_write),
	THESIS_OF(READING, "as-found", "read", thesis_touch_read),
	THESIS_OF(READING, "all-off", "read", thesis_off_read),
};

const struct report report_prefetch = {
	.measure = "request to response (--local: the walk alone) in "
		   "microseconds, and time per line",
	.axes = {BYTES, .y = {[Y_P50] = {"lat_p50_ns", "p50", 1e3},
			      [Y_P99] = {"lat_p99_ns", "p99", 1e3},
			      [Y_LINE] = NS_PER_LINE}},
	.conditions = {"poll", "stride_lines", "local"},
	.figures = figures,
	.n_figures = sizeof(figures) / sizeof(figures[0]),
	.equals = equals,
	.n_equals = sizeof(equals) / sizeof(equals[0]),
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.sentences = sentences,
	.n_sentences = sizeof(sentences) / sizeof(sentences[0]),
	.references = references,
	.n_references = sizeof(references) / sizeof(references[0]),
};
