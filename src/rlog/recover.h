/*
 * What a crash left.  A scan begins at the last known head and keeps exactly
 * the complete prefix: it ends at the first place without a valid record,
 * and says what is there instead.
 *
 * With `n` replicas and `k` acknowledgements (our own counts as one): fence
 * the old epoch on every replica that is read (rlog_open does; a leader that
 * writes by one-sided RDMA is shut out by destroying its queue pair and its
 * memory key first: the key alone fences nobody, as a device may give the same
 * one again), read n - k + 1 of them, so that at least one has each
 * acknowledged record, and take the longest valid prefix of those with the
 * highest epoch: that of the last record, or the one that has begun on the
 * replica, if that is higher (and then one that has records of it comes first:
 * behind what an epoch began with may be more, never acknowledged, of an
 * earlier one).  All that are to be written catch up with it and
 * begin; once k have, nothing that was recovered can be superseded.  (The
 * log view of Liskov, Cowling, "Viewstamped replication revisited", MIT 2012,
 * section 4.2; why the last record's epoch alone does not do: Ongaro,
 * Ousterhout, "In search of an understandable consensus algorithm", USENIX
 * ATC 2014, section 5.4.2.)
 */
#ifndef RLOG_RECOVER_H
#define RLOG_RECOVER_H

#include "base/err.h"
#include "rlog/log.h"

/* Why the scan ended.  X(id, word) */
#define RLOG_STOPS(X)                                                          \
	X(EMPTY, "empty")	       /* nothing was ever written there */    \
	X(TORN, "torn")		       /* this place's record, not complete */ \
	X(STALE, "stale")	       /* of another lap or leader */          \
	X(SEQUENCE, "out-of-sequence") /* whole, but not the next */           \
	X(GARBAGE, "garbage")	       /* no record */                         \
	X(TAIL, "tail")		       /* commit by tail: the end */           \
	X(FULL, "full")		       /* the ring is full up to its head */   \
	X(DAMAGED, "damaged")	       /* invalid, though below the tail */

#define X(id, word) RLOG_STOP_##id,
enum rlog_stop { RLOG_STOPS(X) RLOG_STOP_COUNT };
#undef X
extern const char *const rlog_stop_names[RLOG_STOP_COUNT];

struct rlog_scan {
	const char *region;
	uint64_t capacity;
	enum rlog_commit commit;
	struct rlog_mark mark;
	uint64_t tail; /* as stored; commit by tail */
	uint64_t end;  /* offset behind the last valid record */
	uint64_t next_sequence;
	uint32_t last;	     /* checksum of the last valid record */
	uint64_t last_epoch; /* of the last valid record; 0: none */
	uint64_t rank;	     /* that, or the epoch that has begun */
	uint64_t records;    /* pads not counted */
	uint64_t bytes;	     /* of payload */
	enum rlog_stop stop;
};

/* Called for each valid record, pads excepted; not 0: the scan returns it. */
typedef int rlog_visit(void *arg, const struct rlog_header *h);

struct rlog_reader {
	rlog_visit *visit; /* may be NULL */
	void *arg;
	enum crc32c_way crc; /* 0, or what is faster here */
};

/*
 * Reads `size` bytes, 8-byte aligned, which may hold anything at all (but must
 * not change meanwhile).  0, or -EBADMSG if there is no log; *s is set only
 * then.  `how` may be NULL.
 */
int rlog_scan(struct rlog_scan *s, const void *region, size_t size,
	      const struct rlog_reader *how, struct err *err);

static inline const struct rlog_header *rlog_scan_at(const struct rlog_scan *s,
						     uint64_t offset)
{
	return (const void *)(s->region + RLOG_RING_AT + offset % s->capacity);
}

/* How many of n replicas must be read so that k acknowledgements suffice. */
static inline unsigned rlog_quorum(unsigned n, unsigned k)
{
	return n - k + 1;
}

/* Which of them holds what was acknowledged; damaged ones are passed over.
 * -1 if fewer than `quorum` are left. */
int rlog_choose(const struct rlog_scan *scans, unsigned n, unsigned quorum);

/* Makes an opened log the same as `from`, and begins: what is equal stays
 * untouched, what differs is replaced, what is missing is copied and
 * committed.  -EINVAL if the two are no replicas of one log. */
int rlog_catch_up(struct rlog *l, const struct rlog_scan *from);

#endif
