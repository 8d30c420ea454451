/*
 * The reading of one counter over one measured part: a value, or why there
 * is none.  What could not be counted is never a 0.
 */
#ifndef METRIC_READING_H
#define METRIC_READING_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

enum reading_state {
	READING_NONE, /* not asked for */
	READING_OK,
	READING_SCALED, /* value * enabled / running: it took turns */
	/* The rest are empty, and why. */
	READING_NO_PMU,	  /* no hardware counters here */
	READING_NO_EVENT, /* not an event of this processor */
	READING_NO_PERMISSION,
	READING_NO_FD,	    /* too many open files */
	READING_NOT_RUN,    /* time_running 0: never on the PMU */
	READING_BUSY,	    /* somebody else holds the PMU */
	READING_UNREADABLE, /* reading it failed, or it ran backwards */
	READING_NO_RDMA,    /* a NIC's counter, but the link has no NIC */
	READING_NOT_IN_NIC, /* this device does not count it */
	READING_NO_NUMBER,  /* which message of a lossy link came, is unknown */
	READING_TOO_FEW,    /* of a lossy link's messages, for a rate */
	READING_ONE_OF_MANY, /* a thread's, where several work */
	READING_STATES
};

struct reading {
	uint64_t value;
	uint8_t state;	 /* enum reading_state */
	uint8_t percent; /* READING_SCALED: of the time it counted, 1..99 */
};

static inline bool reading_has(const struct reading *r)
{
	return r->state == READING_OK || r->state == READING_SCALED;
}

/*
 * A value from perf's three numbers.  Multiplexed ones are scaled, and say
 * so; running == 0 is READING_NOT_RUN.  (perf_event_open(2), "Reading
 * results".)
 */
struct reading reading_of(uint64_t value, uint64_t enabled, uint64_t running);

/* Sums; what either lacks, the sum lacks; a scaled part makes it scaled. */
void reading_merge(struct reading *into, const struct reading *from);

/* The word of the closed list, and a sentence for people. */
enum reason reading_reason(enum reading_state state);
const char *reading_words(enum reading_state state);

/* What a peer may claim: states and percents in bounds, no value without a
 * state that has one. */
bool reading_valid(const struct reading *r);

#endif
