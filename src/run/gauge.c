#include "run/gauge.h"

static uint64_t ticks(void *arg)
{
	const struct clock *clock = arg;

	return clock_ticks(clock);
}

void gauge_init(struct gauge *g, const struct clock *clock)
{
	if (clock)
		g->clock = *clock;
	else
		clock_init(&g->clock);
	g->crc = crc32c_fastest(ticks, &g->clock);
}
