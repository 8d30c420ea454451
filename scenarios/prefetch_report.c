/* How the results of prefetch are shown and judged. */
#include "report/plots.h"
#include "report/report.h"
#include "reports.h"

#define AXES                                                                   \
	{                                                                      \
		.x = "size_bytes", .x_label = "bytes",                         \
		.y = {{"lat_p50_ns", "p50", 1e3}, {"lat_p99_ns", "p99", 1e3}}, \
	}

static const struct report_equal equals[] = {
	REPORT_EQUAL_MESSAGES,
};

const struct report report_prefetch = {
	.measure = "request to response, in microseconds",
	.axes = AXES,
	.conditions = {"poll", "scan"},
	.equals = equals,
	.n_equals = sizeof(equals) / sizeof(equals[0]),
};
