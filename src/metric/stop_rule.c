#include "metric/stop_rule.h"

unsigned stop_rule_next_look(const struct stop_rule *rule, unsigned n)
{
	unsigned next = n < rule->min ? rule->min : (n * 7 + 4) / 5;

	return next < rule->max ? next : rule->max;
}

enum stop_why stop_rule_look(const struct stop_rule *rule, const double *sorted,
			     unsigned n, struct stop_look *look)
{
	double half;

	look->median = stats_median(sorted, n);
	look->has_ci = stats_median_interval(sorted, n, rule->level, &look->ci);
	half = look->has_ci ? (look->ci.high - look->ci.low) / 2 : 0;
	if (look->has_ci && half <= rule->width * look->median)
		return STOP_NARROW;
	return n >= rule->max ? STOP_LIMIT : STOP_NOT_YET;
}
