#include "work/late.h"

void late_record_all(struct late *l, struct end *e)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		hist_record(&e->tally.latency, clock_ns(e->clock, l->ticks[i]));
	l->n = 0;
}
