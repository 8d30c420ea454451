/*
 * What a log looks like in memory.  The region of a replica is
 *
 *	0	struct rlog_super	written once, when the log is made
 *	64	struct rlog_mark	  two, written in turn: the last known
 *	128	struct rlog_mark	  head and the epoch
 *	192	uint64_t tail		  commit by tail only
 *	4096	the ring, `capacity` bytes of records
 *
 * A record is a header and its payload, padded to 64 bytes, so that no two
 * share a cache line.  Its place is its logical offset, which only grows;
 * modulo the capacity it is the place in the ring.  A record never wraps: what
 * is left at the end of the ring and does not hold it is filled by a record
 * that has a header only (RLOG_PAD).
 *
 * A record is valid at a place if magic, offset, sequence and checksum are
 * those of that place, and if it names the checksum of the record before it:
 * what an earlier lap or another leader left there follows on something else.
 * So nothing is erased when a log wraps.
 *
 * All replicas of a log are the same, byte by byte, but for their marks and
 * for what is not acknowledged.  Integers are little endian, as
 * the hosts are.
 */
#ifndef RLOG_FORMAT_H
#define RLOG_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "rlog/crc32c.h"

#define RLOG_SUPER_MAGIC 0x31676f6c70657221ull
#define RLOG_MAGIC 0x474f4c52u

enum {
	RLOG_VERSION = 1,
	RLOG_ALIGN = 64,
	RLOG_SUPER_AT = 0,
	RLOG_MARK_AT = 64, /* and RLOG_MARK_AT + RLOG_ALIGN */
	RLOG_TAIL_AT = 192,
	RLOG_RING_AT = 4096,
	RLOG_CAPACITY_MIN = 1024,
	RLOG_HEADER_BYTES = 48,
};

/* When is a record committed? */
enum rlog_commit {
	RLOG_BY_CHECKSUM, /* as soon as its checksum is right */
	RLOG_BY_TAIL,	  /* when the tail, 8 bytes, has passed it */
	RLOG_COMMITS
};
extern const char *const rlog_commit_names[]; /* NULL-terminated */

enum rlog_flag {
	RLOG_PAD = 1,	/* no payload: skip `length` bytes */
	RLOG_FLAGS = 1, /* all that there are */
};

struct rlog_super {
	uint64_t magic;
	uint32_t version;
	uint32_t commit; /* enum rlog_commit */
	uint64_t capacity;
	uint32_t unused;
	uint32_t crc; /* of all before it */
};

struct rlog_mark {
	uint64_t generation; /* the higher of the two valid ones counts */
	uint64_t epoch;	     /* nobody of a lower one may append */
	uint64_t began;	     /* the last whose leader made this log its own */
	uint64_t head;	     /* logical offset of the first record */
	uint64_t sequence;   /* its number */
	uint32_t before;     /* checksum of the one before it */
	uint32_t crc;	     /* of all before it */
};

struct rlog_header {
	uint32_t magic;
	uint32_t crc;	 /* of the rest of the header and the payload */
	uint32_t length; /* bytes of payload behind the header */
	uint32_t flags;
	uint64_t sequence; /* 1, 2, ...; a pad has that of its successor */
	uint64_t epoch;
	uint64_t offset;
	uint32_t before; /* checksum of the record (or pad) before; or 0 */
	uint32_t unused;
};

/* Bytes that a record of so much payload takes in the ring. */
static inline uint64_t rlog_record_bytes(uint64_t payload)
{
	return (payload + RLOG_HEADER_BYTES + RLOG_ALIGN - 1) &
	       ~(uint64_t)(RLOG_ALIGN - 1);
}

/* Bytes in the ring of the record that this header (checked) begins. */
static inline uint64_t rlog_header_span(const struct rlog_header *h)
{
	return rlog_record_bytes(h->length);
}

/* The same as it is stored and sent: of a pad only its header is. */
static inline uint64_t rlog_header_image(const struct rlog_header *h)
{
	return h->flags & RLOG_PAD ? RLOG_ALIGN : rlog_header_span(h);
}

/* Fills in magic and crc; the payload is at h + 1. */
void rlog_header_seal(struct rlog_header *h, enum crc32c_way way);

/* Is the checksum right?  Only for a header whose length is known to be
 * within memory (of a pad only the header is read). */
bool rlog_header_sealed(const struct rlog_header *h, enum crc32c_way way);

void rlog_super_seal(struct rlog_super *s);
/* Magic, version, commit, capacity (a multiple of RLOG_ALIGN, room for it in
 * `size` bytes) and checksum. */
bool rlog_super_valid(const struct rlog_super *s, uint64_t size);

void rlog_mark_seal(struct rlog_mark *m);
bool rlog_mark_valid(const struct rlog_mark *m);

/* The mark that counts of the two, copied to *m; -1 if none is valid. */
int rlog_mark_read(const void *region, struct rlog_mark *m);

/* Where the next mark goes: its place depends on its generation, so that the
 * one that counts is never written over. */
static inline uint64_t rlog_mark_at(uint64_t generation)
{
	return RLOG_MARK_AT + (generation & 1) * RLOG_ALIGN;
}

static inline uint64_t rlog_region_bytes(uint64_t capacity)
{
	return RLOG_RING_AT + capacity;
}

#endif
