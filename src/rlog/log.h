/*
 * A log on one replica: reserve, encode, store, commit, trim.  It does no
 * I/O: what stores to its memory and makes that durable is passed in.
 *
 *	rlog_reserve -> rlog_encode (into a buffer) -> rlog_store -> rlog_commit
 *
 * The leader stores what it has encoded and sends it to its peers; a peer
 * stores what has arrived (or adopts what the leader wrote into its memory
 * itself) and commits.  Any number of records may be stored and then
 * committed at once (group commit).
 *
 * Sequence numbers and offsets are the leader's to give; a replica takes only
 * what is next, from the epoch that it knows.
 */
#ifndef RLOG_LOG_H
#define RLOG_LOG_H

#include "base/err.h"
#include "rlog/format.h"

/* Where in this code something is made durable: a table of them, so that a
 * test can leave out one at a time and see that it is missed. */
#define RLOG_SITES(X)                                                          \
	X(FORMAT_BEGIN, "an old log is void before it is cleared")             \
	X(FORMAT_CLEAR, "what was there is gone before the log is valid")      \
	X(FORMAT_END, "the log is there when format returns")                  \
	X(RECORD, "records, before they count as committed")                   \
	X(TAIL, "the tail, before what it passed is acknowledged")             \
	X(HEAD, "the head, before the space behind it is written")             \
	X(BEGIN, "that an epoch has begun, before it acknowledges")            \
	X(EPOCH, "the epoch, before anything of it is written")                \
	X(BACK, "the tail, taken back before other records are put there")

#define X(id, why) RLOG_AT_##id,
enum rlog_site { RLOG_SITES(X) RLOG_SITE_COUNT };
#undef X

/* How a log's memory is written.  `dst`, `src` and `len` are multiples of 8
 * and each 8 bytes are stored whole. */
struct rlog_io {
	void *arg;
	void (*copy)(void *arg, void *dst, const void *src, size_t len);
	/* Starts the write-back of the lines of [addr, addr + len). */
	void (*flush)(void *arg, enum rlog_site site, const void *addr,
		      size_t len);
	/* All that was flushed is durable when it returns. */
	void (*fence)(void *arg, enum rlog_site site);
	enum crc32c_way crc; /* of records: 0, or what is faster here */
};

struct rlog {
	char *region;
	struct rlog_io io;
	uint64_t capacity;
	enum rlog_commit commit;
	struct rlog_mark mark;	/* the one that counts: epoch and head */
	uint64_t reserved;	/* offset behind the last place given out */
	uint64_t next_reserved; /* sequence of the next one to give out */
	uint32_t encoded;	/* checksum of the last one encoded */
	uint32_t last;		/* and of the last one stored */
	uint64_t stored;	/* offset behind the last record stored */
	uint64_t next_stored;	/* its sequence, plus one */
	uint64_t committed;	/* all below it is durable */
	uint64_t flushed_lines; /* since it was opened */
};

/* A place for one record. */
struct rlog_place {
	uint64_t offset, sequence;
	uint32_t length;    /* payload */
	uint32_t bytes;	    /* the record in the ring, and its image */
	uint32_t pad_bytes; /* a pad comes first, this long; 0: none */
};

/* Bytes of the largest payload: a log holds at least four such records. */
uint64_t rlog_payload_max(uint64_t capacity);

/*
 * Makes an empty log of `size` bytes (4096 and the capacity) with this epoch
 * in memory that is 64-byte aligned.  Whatever was there is gone when it
 * returns; a crash leaves the old log whole, no log, or the new one.
 */
int rlog_format(void *region, size_t size, enum rlog_commit commit,
		uint64_t epoch, const struct rlog_io *io, struct err *err);

/*
 * Opens what is there (rlog_scan) for a leader of `epoch`, which must be
 * higher than that of the log: earlier leaders are fenced when it returns.
 * -ESTALE if it is not, -EBADMSG without a log or with a damaged one.
 */
int rlog_open(struct rlog *l, void *region, size_t size, uint64_t epoch,
	      const struct rlog_io *io, struct err *err);

/* -ENOSPC: trim first; -EMSGSIZE: never. */
int rlog_reserve(struct rlog *l, uint64_t payload, struct rlog_place *place);

/* The record's image, place->bytes long: header, payload, zeros.  In the order
 * of reserving, and a place's pad before its record.  A payload that is in its
 * place already (RLOG_HEADER_BYTES into the image) is not copied. */
void rlog_encode(struct rlog *l, const struct rlog_place *place,
		 const void *payload, void *image);
/* The pad's, RLOG_ALIGN long. */
void rlog_encode_pad(struct rlog *l, const struct rlog_place *place,
		     void *image);

/*
 * Copies the image of the next record (or pad) into the ring.  It is not
 * durable yet.  The header must be sound and next (the checksum is left to
 * recovery): -ESTALE from another epoch, -EPROTO out of turn, -EBADMSG if
 * malformed or longer than `bytes`, -ENOSPC over the head.
 */
int rlog_store(struct rlog *l, const void *image, size_t bytes);

/* The same for a record that is in its place already. */
int rlog_adopt(struct rlog *l);

/* Makes all that was stored durable, and then, by tail, passes it. */
void rlog_commit(struct rlog *l);

/* Records that end at or before `offset`, of those committed, are no longer
 * needed: their space is free (durably so) when it returns. */
void rlog_trim(struct rlog *l, uint64_t offset);

/* Nobody of a lower epoch may append any more (durably so).  -ESTALE if the
 * log knows this epoch or a higher one. */
int rlog_fence(struct rlog *l, uint64_t epoch);

/* This log is what the epoch begins with (durably so).  Before its leader
 * acknowledges anything, what it recovered included, k replicas must have
 * begun: see recover.h. */
void rlog_begin(struct rlog *l);

/* reserve, encode into `image` (of rlog_record_bytes), store: for those who
 * have no peers and nothing to measure. */
int rlog_append(struct rlog *l, const void *payload, uint64_t length,
		void *image);

static inline uint64_t rlog_free_bytes(const struct rlog *l)
{
	return l->capacity - (l->reserved - l->mark.head);
}

/* Where an offset is. */
static inline void *rlog_at(const struct rlog *l, uint64_t offset)
{
	return l->region + RLOG_RING_AT + offset % l->capacity;
}

#endif
