/*
 * An operation's latency, recorded when the next operation is on its way: that
 * takes as long as it may then, as nobody waits for it.  Who ends a phase
 * settles the last one.
 */
#ifndef WORK_LATE_H
#define WORK_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "run/end.h"

struct late {
	uint64_t ticks; /* of the end's clock */
	bool due;
};

static inline void late_note(struct late *l, uint64_t ticks)
{
	l->ticks = ticks;
	l->due = true;
}

/* True if there was one. */
static inline bool late_settle(struct late *l, struct end *e)
{
	if (!l->due)
		return false;
	l->due = false;
	hist_record(&e->tally.latency, clock_ns(e->clock, l->ticks));
	return true;
}

#endif
