#include "work/pace.h"

#include <math.h>
#include <string.h>

#include "base/splitmix.h"

/* In (0, 1]. */
static double uniform(uint64_t *state)
{
	return ((double)(splitmix_next(state) >> 11) + 1) / 9007199254740992.0;
}

void pace_init(struct pace *p, double rate, enum pace_arrival arrival,
	       double ticks_per_ns, uint64_t seed)
{
	memset(p, 0, sizeof(*p));
	p->open = rate > 0;
	p->arrival = arrival;
	p->state = seed;
	if (p->open)
		p->mean_ticks = 1e9 * ticks_per_ns / rate;
}

static double gap(struct pace *p)
{
	if (p->arrival == PACE_POISSON)
		return -log(uniform(&p->state)) * p->mean_ticks;
	return p->mean_ticks;
}

uint64_t pace_gap(struct pace *p)
{
	return (uint64_t)gap(p);
}

uint64_t pace_next(struct pace *p)
{
	double now = p->next;

	p->next += gap(p);
	return (uint64_t)now;
}

uint64_t pace_backlog(const struct pace *p, uint64_t intended, uint64_t now)
{
	if (now <= intended)
		return 0;
	return (uint64_t)((double)(now - intended) / p->mean_ticks);
}
