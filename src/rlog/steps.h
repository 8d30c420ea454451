/*
 * What a leader posts, in this order on one queue pair, so that a record is
 * in a peer's log without the peer's processor: data only, for whoever posts
 * them and for the model of a responder that tests them.
 *
 * A WRITE alone promises nothing when it completes.  A READ behind it makes
 * it visible, and durable only where the NIC's writes do not stay in a
 * volatile cache.  A FLUSH of persistent placement makes
 * durable what was written before into its range; an ATOMIC WRITE behind it
 * begins when the FLUSH has ended (InfiniBand Architecture 1.5, annex A19).
 */
#ifndef RLOG_STEPS_H
#define RLOG_STEPS_H

#include "rlog/format.h"

enum rlog_reach {
	RLOG_WRITE, /* no guarantee: the floor */
	RLOG_WRITE_READ,
	RLOG_WRITE_FLUSH,
	RLOG_REACHES
};

enum rlog_step {
	RLOG_STEP_WRITE, /* the data: records, or a mark */
	RLOG_STEP_READ,	 /* at least a byte of it */
	RLOG_STEP_FLUSH, /* its range */
	RLOG_STEP_TAIL,	 /* ATOMIC WRITE of the tail, 8 bytes */
	RLOG_STEP_FLUSH_TAIL,
};

enum { RLOG_STEPS_MAX = 4 };

struct rlog_steps {
	enum rlog_step step[RLOG_STEPS_MAX];
	unsigned n;
};

/* For records; NULL: there is no such way.  (Commit by tail wants 8 bytes
 * that are written at once and in order, which only ATOMIC WRITE behind a
 * FLUSH promises: a plain write of 8 bytes is not called atomic.) */
const struct rlog_steps *rlog_steps_record(enum rlog_reach reach,
					   enum rlog_commit commit);

/* For a mark (head and epoch). */
const struct rlog_steps *rlog_steps_mark(enum rlog_reach reach);

#endif
