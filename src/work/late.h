/*
 * Latencies, kept as they were taken until there is time for the histogram,
 * whose code and memory are more than all else that an operation leaves behind.
 * Who has others on their way meanwhile records after a post, while nobody
 * waits; one at a time, between two operations and so many at once that what
 * follows them is fewer than one in a thousand.  It counts in the time from
 * post to post, some 5 ns an operation, and in no latency.  Who ends a phase
 * records what is left.
 */
#ifndef WORK_LATE_H
#define WORK_LATE_H

#include <stdint.h>

#include "run/end.h"

enum { LATE_MANY = 1024 };

struct late {
	unsigned n;
	uint64_t ticks[LATE_MANY]; /* of the end's clock */
};

void late_record_all(struct late *l, struct end *e);

static inline void late_record(struct late *l, struct end *e)
{
	if (l->n)
		late_record_all(l, e);
}

static inline void late_note(struct late *l, struct end *e, uint64_t ticks)
{
	l->ticks[l->n++] = ticks;
	if (__builtin_expect(l->n == LATE_MANY, 0))
		late_record_all(l, e);
}

#endif
