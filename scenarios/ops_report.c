/* How the results of ops are shown and judged. */
#include <math.h>
#include <string.h>

#include "report/plots.h"
#include "report/report.h"
#include "reports.h"

#define RATE_CONDITIONS                                                        \
	{                                                                      \
		"poll", "op", "size_bytes", "outstanding"                      \
	}

/* Each sweep is a figure: of the others only single points lie on its axis,
 * and those are left out. */
#define RATE_FIGURE(what, column, label, least, text)                          \
	{                                                                      \
		.name = "ops_rate_" what,                                      \
		.title = "Single operations: rate against " text,              \
		.script = plot_ops_rate,                                       \
		.axes = {.x = column,                                          \
			 .x_label = label,                                     \
			 .linear = false,                                      \
			 .y = {{"ops_per_s", "thousands/s", 1e3}}},            \
		.where = {{"mode", "rate"}}, .min_points = least,              \
		.conditions = RATE_CONDITIONS, .write = report_write_interval, \
		.columns = column " thousands_per_s low high trials",          \
	}

static const struct report_figure figures[] = {
	{
		.name = "ops_latency",
		.title = "Single operations: latency against size, one at a "
			 "time",
		.script = plot_ops_latency,
		.where = {{"mode", "latency"}},
		.conditions = {"poll", "op"},
		.write = report_write_interval,
		.columns = "size_bytes p50_us low high p99_us thousands_per_s "
			   "trials",
	},
	RATE_FIGURE("outstanding", "outstanding", "outstanding", 3,
		    "how many are outstanding"),
	RATE_FIGURE("size", "size_bytes", "bytes", 4, "size"),
	RATE_FIGURE("post_list", "post_list", "a doorbell", 3,
		    "how many one doorbell posts"),
	RATE_FIGURE("signal", "signal_every", "a completion", 3,
		    "how seldom one is signalled"),
	RATE_FIGURE("sges", "sges", "pieces", 3, "how many pieces one has"),
	RATE_FIGURE("directions", "directions", "directions", 2,
		    "directions at the same time"),
	{
		.name = "ops_rate_inline",
		.title = "Single operations: rate against whether data is "
			 "inlined",
		.script = plot_ops_rate,
		.axes = {.x = "inline_bytes",
			 .x_label = "inline bytes",
			 .linear = true,
			 .y = {{"ops_per_s", "thousands/s", 1e3}}},
		.where = {{"mode", "rate"}},
		.min_points = 2,
		.conditions = RATE_CONDITIONS,
		.write = report_write_interval,
		.columns = "inline_bytes thousands_per_s low high trials",
	},
};

static const struct report_equal equals[] = {
	{"a sample for each completion", "completions", "samples"},
};

/* One at a time some go back and forth. */
static bool payload(const struct check *c, size_t row, struct report_bounds *b)
{
	return !strcmp(check_cell(c, row, "mode"), "rate") &&
	       strcmp(check_cell(c, row, "op"), "flush") != 0 &&
	       report_row_payload(c, row, b);
}

/* Each list is whole but a phase's last. */
static bool doorbells(const struct check *c, size_t row,
		      struct report_bounds *b)
{
	const double list = check_number(c, row, "post_list");

	b->is = check_number(c, row, "operation_doorbells");
	b->least = b->most = ceil(check_number(c, row, "operations") / list);
	return !strcmp(check_cell(c, row, "mode"), "rate") && !isnan(b->is);
}

/* A message that the device cannot take whole is cut. */
static bool posts(const struct check *c, size_t row, struct report_bounds *b)
{
	b->is = check_number(c, row, "operation_posts");
	b->least = b->most = check_number(c, row, "operations") *
			     check_number(c, row, "messages_per_op");
	return !isnan(b->is) && !isnan(b->most);
}

static const struct report_rule rules[] = {
	{CHECK_EXACT, "a work request for each operation, or each piece of it",
	 report_rule_rows, .row = posts},
	{CHECK_EXACT, "a doorbell for every --post-list operations",
	 report_rule_rows, .row = doorbells},
	{CHECK_EXACT, "bytes a second are payload: operations x size",
	 report_rule_rows, .row = payload},
	{CHECK_STATISTICAL, "p50 does not fall as size grows by 4",
	 .run = report_rule_rising},
};

static const struct report_sentence sentences[] = {
	{.say = SAY_BEST,
	 .words = "an operation at a time is done soonest by",
	 .where = {{"mode", "latency"}}},
	{.say = SAY_BEST,
	 .words = "most operations a second are done with",
	 .where = {{"mode", "rate"}}},
	{.say = SAY_WORSENS,
	 .words = "bytes p50 rises most with",
	 .where = {{"mode", "latency"}}},
};

const struct report report_ops = {
	.measure = "round trip, or posting to completion, in microseconds",
	.axes = {.x = "size_bytes",
		 .x_label = "bytes",
		 .y = {{"lat_p50_ns", "p50", 1e3},
		       {"lat_p99_ns", "p99", 1e3},
		       {"ops_per_s", "thousands/s", 1e3}}},
	.conditions = {"poll"},
	.figures = figures,
	.n_figures = sizeof(figures) / sizeof(figures[0]),
	.equals = equals,
	.n_equals = sizeof(equals) / sizeof(equals[0]),
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.sentences = sentences,
	.n_sentences = sizeof(sentences) / sizeof(sentences[0]),
};
