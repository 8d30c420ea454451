/* How the results of touch are shown and judged. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "literature.h"
#include "report/plots.h"
#include "report/report.h"
#include "reports.h"

/* The drop in performance, 1/notouch to 1/touch: 1 - notouch/touch. */
#define PAIR                                                                   \
	{                                                                      \
		"touch", "touch", "notouch", "notouch faster"                  \
	}

/* --- figures --------------------------------------------------------------- */

enum { STACK_WHOLE, STACK_SCAN, STACK_SEND };

static const struct series_pair stack_pair = {"touch", "notouch", NULL, NULL};

/* The notouch series that the parts of this one are shares of; itself, if it
 * is one. */
static const struct series *whole_of(const struct report_view *view,
				     const struct series *s)
{
	const char *why;

	if (series_is_base(view->set, s, &stack_pair))
		return s;
	return series_base(view->set, s, &stack_pair, &why);
}

static bool stack_shows(const struct report_view *view, const struct series *s)
{
	return whole_of(view, s) != NULL;
}

static double not_below_0(double v)
{
	return v > 0 ? v : 0;
}

/* Shares of the notouch round trip, in percent: what touching adds is what
 * stands above 100. */
static void stack_write(FILE *f, const struct report_view *view,
			const struct series *s)
{
	const struct series *base = whole_of(view, s);
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct series_point *p = &s->points[i], *b;
		double scan, send, all;

		b = series_at(base, p->x);
		if (!b)
			continue;
		all = b->y[STACK_WHOLE] / 100;
		scan = not_below_0(p->y[STACK_SCAN]);
		send = not_below_0(p->y[STACK_SEND]);
		fprintf(f, "%.0f\t%.3f\t%.3f\t%.3f\t%.4f\n", p->x, scan / all,
			send / all,
			not_below_0(p->y[STACK_WHOLE] - scan - send) / all,
			p->y[STACK_WHOLE]);
	}
}

#define STACK(which, words, transport, scan)                                   \
	{                                                                      \
		.name = "touch_stack_" which,                                  \
		.title = "Where the time goes, touch against notouch: " words, \
		.script = plot_touch_stack,                                    \
		.axes = {.x = "size_bytes",                                    \
			 .x_label = "bytes",                                   \
			 .y = {{"lat_mean_ns", "round trip", 1e3},             \
			       {"server_scan_mean_ns", "scan", 1e3},           \
			       {"server_send_mean_ns", "send", 1e3}}},         \
		.where = {{"transport", transport}, {"scan", scan}},           \
		.shows = stack_shows, .write = stack_write,                    \
		.columns = "size_bytes scan_percent send_percent "             \
			   "rest_percent round_trip_us",                       \
	}

#define HITS(stage, scan)                                                      \
	{                                                                      \
		.name = "touch_hits_" stage "_" scan,                          \
		.title = "Last-level cache hits of the " stage ", scan " scan, \
		.script = plot_touch_hits,                                     \
		.axes = {.x = "size_bytes",                                    \
			 .x_label = "bytes",                                   \
			 .y = {{stage "_llc_references", "references", 1},     \
			       {stage "_llc_misses", "misses", 1}}},           \
		.where = {{"scan", scan}},                                     \
		.columns = "size_bytes references misses trials",              \
	}

static const struct report_figure figures[] = {
	{
		.name = "touch_drop",
		.title = "Touching a buffer before it is sent: drop in "
			 "performance against touching another",
		.script = plot_touch_drop,
		.pair = PAIR,
		.columns = "size_bytes drop_percent touch_p50_us "
			   "notouch_p50_us",
	},
	STACK("tcp_read", "TCP, read", "tcp", "read"),
	STACK("tcp_write", "TCP, write", "tcp", "write"),
	STACK("rdma_read", "RDMA, read", "rdma", "read"),
	STACK("rdma_write", "RDMA, write", "rdma", "write"),
	HITS("scan", "read"),
	HITS("scan", "write"),
	HITS("send", "read"),
	HITS("send", "write"),
};

/* --- rules ----------------------------------------------------------------- */

static const struct report_equal equals[] = {
	REPORT_EQUAL_MESSAGES,
	{"a sample for each request", "samples", "client_sends"},
};

/* Every operation visited every line of its buffer, touch or notouch alike;
 * none visited none. */
static bool each_line_once(const struct check *c, size_t row,
			   struct report_bounds *b)
{
	b->is = check_number(c, row, "server_lines_scanned");
	b->least = ceil(check_number(c, row, "size_bytes") /
			check_number(c, row, "line_bytes")) *
		   check_number(c, row, "samples");
	if (!strcmp(check_cell(c, row, "touch"), "none"))
		b->least = 0;
	b->most = b->least;
	return true;
}

/* Why the sign may be the other one here; "" where it would be news. */
static const char *why_other_sign(const struct check *c, const struct series *s)
{
	if (series_is(c->set, s, "tcp") || series_is(c->set, s, "loop"))
		return "here the CPU copies what is sent: touching may "
		       "warm its cache for the copy, and be faster";
	if (!strcmp(series_cell(c->set, s, "software_device"), "yes"))
		return "a software device sends by CPU: touching may warm "
		       "its cache, and be faster";
	return "a NIC with direct cache access need not show it either";
}

static const struct report_sign slower = {PAIR, .note = why_other_sign};

static const struct report_rule rules[] = {
	{CHECK_EXACT, "--verify each verified every payload", report_rule_rows,
	 .row = report_row_verified},
	{CHECK_EXACT, "each line visited once an operation, touch or notouch",
	 report_rule_rows, .row = each_line_once},
	{CHECK_STATISTICAL, "p50 does not fall as size grows by 4",
	 .run = report_rule_rising},
	{CHECK_HARDWARE, "touching the buffer that is sent is slower",
	 report_rule_sign, .sign = &slower},
};

static const struct report_sentence sentences[] = {
	{.say = SAY_MOST,
	 .words =
		 "touching the buffer that is sent, against touching another,"},
	{.say = SAY_ORDER},
};

/* A table each for writing and for reading. */
#define THESIS_OF(what, by, mode, kind, values)                                \
	{                                                                      \
		THESIS what, mode,                                             \
			{{"transport", by}, {"touch", mode}, {"scan", kind}},  \
			thesis_sizes, values, THESIS_SIZES                     \
	}
#define WRITING "; every line is written"
#define READING "; every line is read"

static const struct report_reference references[] = {
	THESIS_OF(WRITING, "rdma", "touch", "write", thesis_touch_write),
	THESIS_OF(WRITING, "rdma", "notouch", "write", thesis_notouch_write),
	THESIS_OF(READING, "rdma", "touch", "read", thesis_touch_read),
	THESIS_OF(READING, "rdma", "notouch", "read", thesis_notouch_read),
	THESIS_OF("; TCP", "tcp", "touch", "write", thesis_tcp),
};

const struct report report_touch = {
	.measure = "round trip in microseconds",
	.axes = {.x = "size_bytes",
		 .x_label = "bytes",
		 .y = {{"lat_p50_ns", "p50", 1e3}, {"lat_p99_ns", "p99", 1e3}}},
	.pair = PAIR,
	.conditions = {"poll", "request_bytes", "cache", "hugepages", "rotate"},
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
