#include "metric/headline.h"

const struct headline_info headline_info[HEADLINE_COUNT] = {
	[HEADLINE_P50] =
		{
			.column = "lat_p50_ns",
			.median = "p50_median_ns",
			.ci_low = "p50_ci_low_ns",
			.ci_high = "p50_ci_high_ns",
		},
	[HEADLINE_RATE] =
		{
			.column = "ops_per_s",
			.median = "rate_median_per_s",
			.ci_low = "rate_ci_low_per_s",
			.ci_high = "rate_ci_high_per_s",
			.decimals = 2,
		},
};
