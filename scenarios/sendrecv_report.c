/* How the results of sendrecv are shown and judged. */
#include <string.h>

#include "literature.h"
#include "report/plots.h"
#include "report/report.h"
#include "reports.h"

#define AXES                                                                   \
	{                                                                      \
		.x = "size_bytes", .x_label = "bytes",                         \
		.y = {{"lat_p50_ns", "p50", 1e3}, {"lat_p99_ns", "p99", 1e3}}, \
	}
#define PAIR                                                                   \
	{                                                                      \
		"transport", "tcp", "rdma", "RDMA faster"                      \
	}

static const struct report_figure figures[] = {
	{
		.name = "sendrecv_latency",
		.title = "Send/receive: round-trip latency against response "
			 "size",
		.script = plot_sendrecv_latency,
		.columns = "size_bytes p50_us p99_us trials",
	},
	{
		.name = "sendrecv_gain",
		.title = "Send/receive: gain of RDMA over TCP in round-trip "
			 "latency",
		.script = plot_sendrecv_gain,
		.pair = PAIR,
		.columns = "size_bytes gain_percent tcp_p50_us rdma_p50_us",
	},
};

static const struct report_equal equals[] = {
	REPORT_EQUAL_MESSAGES,
	{"a sample for each operation", "samples", "client_recvs"},
};

static const char *why_not_faster(const struct check *c, const struct series *s)
{
	return strcmp(series_cell(c->set, s, "software_device"), "yes")
		       ? ""
		       : "a software device moves data by CPU: nothing is "
			 "expected of it";
}

static const struct report_sign faster = {PAIR, .note = why_not_faster};

static const struct report_rule rules[] = {
	{CHECK_EXACT, "--verify each verified every payload", report_rule_rows,
	 .row = report_row_verified},
	{CHECK_STATISTICAL, "p50 does not fall as size grows by 4",
	 .run = report_rule_rising},
	{CHECK_HARDWARE, "RDMA answers sooner than TCP", report_rule_sign,
	 .sign = &faster},
};

/* Both prepare by a write-scan. */
static const struct report_reference references[] = {
	{THESIS,
	 "TCP",
	 {{"transport", "tcp"}},
	 thesis_sizes,
	 thesis_tcp,
	 THESIS_SIZES},
	{THESIS,
	 "RDMA",
	 {{"transport", "rdma"}},
	 thesis_sizes,
	 thesis_touch_write,
	 THESIS_SIZES},
};

const struct report report_sendrecv = {
	.measure = "round trip in microseconds",
	.axes = AXES,
	.pair = PAIR,
	.conditions = {"poll", "prepare", "request_bytes"},
	.figures = figures,
	.n_figures = sizeof(figures) / sizeof(figures[0]),
	.equals = equals,
	.n_equals = sizeof(equals) / sizeof(equals[0]),
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.references = references,
	.n_references = sizeof(references) / sizeof(references[0]),
};
