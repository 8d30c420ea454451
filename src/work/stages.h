/*
 * What the server does in an operation, apart: the scan, and the send from
 * its posting until its completion has been seen.  A time each, and, where
 * the kernel lets programs read the PMU, the same few counters around each
 * (machine/rdpmc.h); where not, the metrics are empty and say why.
 *
 *	stages_open(s, ...);
 *	stages_begin(s, tally);			a phase
 *	  stages_start(s);			in the loop, once an operation
 *	  ...scan...  stages_end(s, STAGE_SCAN);	begins the next one
 *	  ...send...  stages_end(s, STAGE_SEND);
 *	stages_finish(s, tally);
 *
 * Readings cost two clock readings a stage and some 15 ns a counter, outside
 * the stages' own times but inside the client's round trip.  Counters are of
 * user mode: what the kernel does to send (TCP's copy) is not in them.
 */
#ifndef WORK_STAGES_H
#define WORK_STAGES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "machine/counter_list.h"
#include "machine/rdpmc.h"
#include "metric/tally.h"

enum stage { STAGE_SCAN, STAGE_SEND, STAGES };
enum { STAGE_COUNTERS = 6 };

struct stages {
	const struct clock *clock;
	unsigned first_time;	   /* metric of the first stage's time; the
				 * second's follows */
	unsigned first_counter;	   /* metric of the first stage's first counter;
				 * the rest follow, stage by stage */
	struct hist *time[STAGES]; /* of this phase */
	uint64_t began;		   /* ticks */
	unsigned n;		   /* counters that are open */
	struct phase_counter pc[STAGE_COUNTERS];
	/* phase_counter_read, or what a test puts in its place. */
	bool (*read)(const struct phase_counter *pc, uint64_t *value);
	uint8_t which[STAGE_COUNTERS]; /* of the n: 0 .. STAGE_COUNTERS - 1 */
	uint8_t why[STAGE_COUNTERS];   /* enum reading_state of the others */
	uint64_t at[STAGE_COUNTERS];
	uint64_t sum[STAGES][STAGE_COUNTERS];
	bool off; /* the PMU was taken from us in this phase */
};

/* Opens what counters there are, for the calling thread.  `writes`: page
 * walks of stores instead of loads.  Never fails. */
void stages_open(struct stages *s, const struct clock *clock, bool writes,
		 const struct counter_sys *sys);
void stages_close(struct stages *s); /* zeroed is fine */

/* The counter's id (counter_list.h). */
enum counter_id stages_counter(unsigned i, bool writes);

void stages_begin(struct stages *s, struct tally *t);
void stages_finish(struct stages *s, struct tally *t);

static inline void stages_read(struct stages *s)
{
	unsigned i;

	for (i = 0; i < s->n; i++)
		s->off |= !s->read(&s->pc[i], &s->at[i]);
}

static inline void stages_start(struct stages *s)
{
	stages_read(s);
	s->began = clock_ticks(s->clock);
}

/* Ends this stage and starts the next. */
static inline void stages_end(struct stages *s, enum stage stage)
{
	uint64_t ticks = clock_ticks(s->clock) - s->began;
	unsigned i;

	hist_record(s->time[stage], clock_ns(s->clock, ticks));
	for (i = 0; i < s->n; i++)
		s->sum[stage][i] -= s->at[i];
	stages_read(s);
	for (i = 0; i < s->n; i++)
		s->sum[stage][i] += s->at[i];
	s->began = clock_ticks(s->clock);
}

#endif
