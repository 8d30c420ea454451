/* How the results of scale are shown and judged. */
#include <math.h>
#include <string.h>

#include "report/plots.h"
#include "report/report.h"
#include "reports.h"

#define FIGURE(what, least, words, column, label, text, y_column, y_label,     \
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
		.write = report_write_interval,                                \
		.columns = column " " y_column "/1000 low high trials",        \
	}
#define RATE(what, least, column, label, text, ...)                            \
	FIGURE(what, least, "rate", column, label, text, "ops_per_s",          \
	       "thousands/s", __VA_ARGS__)
/* The rate, and the tail beside it. */
#define FIGURES(what, column, label, text, ...)                                \
	RATE(what, 3, column, label, text, __VA_ARGS__),                       \
		FIGURE(what "_tail", 3, "p99", column, label, text,            \
		       "lat_p99_ns", "p99", __VA_ARGS__)

static const struct report_figure figures[] = {
	FIGURES("qps", "qps", "queue pairs", "queue pairs", NULL),
	FIGURES("window", "outstanding", "outstanding",
		"operations outstanding", NULL),
	FIGURES("regions", "regions", "regions", "memory regions",
		"memory_bytes"),
	FIGURES("pages", "memory_bytes", "bytes", "memory gone to at random",
		"pages"),
	RATE("threads", 2, "threads", "threads", "threads", NULL),
	RATE("processes", 2, "processes", "processes", "processes", NULL),
	FIGURE("memory", 2, "memory", "qps", "queue pairs", "queue pairs",
	       "client_qp_memory_bytes", "kB a queue pair", NULL),
	RATE("rnr", 3, "min_rnr_timer", "code of the time",
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
