/*
 * The shared memory of transport loop.  Each end makes one segment (a
 * memfd) with the rings that it sends by, and maps the other's.  A segment
 * is
 *
 *	struct seg_head | one struct seg_index per lane | rings, page-aligned
 *
 * A ring is mapped twice in a row, so that no copy ever meets its end.
 * Indices count bytes since the start, in steps of 8; they never wrap.
 *
 * What the peer writes is not trusted: sizes are checked once at mapping
 * and sealed, indices whenever they are read anew.
 */
#ifndef TRANSPORT_LOOP_SEG_H
#define TRANSPORT_LOOP_SEG_H

#include <stdatomic.h>

#include "transport/soft.h"

/* Far enough apart for the prefetcher that fetches lines in pairs. */
#define SEG_LINE __attribute__((aligned(128)))

struct seg_head {
	uint64_t magic;
	uint8_t nonce[16];
	uint32_t lanes;
	uint32_t event; /* this end sleeps, and wants to be woken */
	uint64_t ring_bytes;
	/* 1: the end that made the segment sleeps; a futex. */
	_Atomic uint32_t asleep SEG_LINE;
	_Atomic uint32_t closed SEG_LINE;
};

struct seg_index {
	_Atomic uint64_t head SEG_LINE; /* written by the sender */
	_Atomic uint64_t tail SEG_LINE; /* written by the receiver */
};

struct seg {
	struct seg_head *head; /* NULL: not mapped */
	struct seg_index *index;
	char *rings[SOFT_LANES_MAX]; /* NULL: not mapped */
	unsigned lanes;
	size_t ring_bytes;
	size_t head_bytes; /* head and indices, whole pages */
	int fd;		   /* -1: none; only of the end that made it */
};

/* Makes a segment and says in the blob where it is. */
int seg_make(struct seg *seg, const struct ep_attr *attr, struct blob *blob,
	     struct err *err);

/* Maps the peer's, whose lanes and nonce must be as in `own`. */
int seg_join(struct seg *seg, const struct seg *own, const struct blob *blob,
	     struct err *err);

/* Safe after a failed seg_make or seg_join and on a zeroed struct. */
void seg_fini(struct seg *seg);

#endif
