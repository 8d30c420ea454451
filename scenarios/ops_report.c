/* How the results of ops are shown and judged. */
#include <string.h>

#include "report/plots.h"
#include "report/report.h"
#include "reports.h"

static const struct report_equal equals[] = {
	{"an operation is a work request", "operations", "operation_posts"},
	{"as many reads, writes and atomics as operations", "operations",
	 "client_one_sided"},
};

const struct report report_ops = {
	.measure = "round trip in microseconds",
	.axes = {.x = "size_bytes",
		 .x_label = "bytes",
		 .y = {{"lat_p50_ns", "p50", 1e3}, {"lat_p99_ns", "p99", 1e3}}},
	.conditions = {"poll", "mode"},
	.equals = equals,
	.n_equals = 1,
};
