#include "metric/metric.h"

#define X(id_, name_, unit_, merge_, help_)                                    \
	[METRIC_##id_] = {.name = name_,                                       \
			  .unit = unit_,                                       \
			  .side = SIDE_BOTH,                                   \
			  .merge = merge_,                                     \
			  .help = help_},
const struct metric metric_base[METRIC_BASE_COUNT] = {METRIC_BASE(X)};
#undef X
