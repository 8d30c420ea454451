/*
 * One direction of one lane of transport loop, as one of its ends sees it:
 * a byte ring with one writer and one reader.
 *
 * Each end keeps its own index privately, publishes it with release, and
 * reads the other's (acquire) only when what it knows of it does not do: a
 * line that the other end writes is touched as rarely as possible.
 */
#ifndef TRANSPORT_LOOP_RING_H
#define TRANSPORT_LOOP_RING_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct half {
	char *ring;
	uint64_t bytes;
	uint64_t pos;  /* this end's index */
	uint64_t seen; /* the other's, as last read */
	_Atomic uint64_t *mine, *theirs;
};

/* Indices move in steps of 8 and are never further apart than the ring is
 * long; anything else is a peer that does not mean well. */
static inline bool half_is_sound(const struct half *h, uint64_t bytes)
{
	return bytes <= h->bytes && !(bytes & 7);
}

static inline uint64_t padded(uint64_t bytes)
{
	return (bytes + 7) & ~(uint64_t)7;
}

static inline char *half_at(const struct half *h)
{
	return h->ring + (h->pos & (h->bytes - 1));
}

static inline void half_publish(struct half *h)
{
	atomic_store_explicit(h->mine, h->pos, memory_order_release);
}

/* Writer: bytes that may be written; at least `want` if there is so much
 * room.  An index that is not sound is not believed: no room. */
static inline uint64_t half_room(struct half *h, uint64_t want)
{
	uint64_t used = h->pos - h->seen, seen;

	if (h->bytes - used >= want)
		return h->bytes - used;
	seen = atomic_load_explicit(h->theirs, memory_order_acquire);
	if (half_is_sound(h, h->pos - seen))
		h->seen = seen;
	return h->bytes - (h->pos - h->seen);
}

/* Reader: bytes that may be read; the caller asks half_is_sound. */
static inline uint64_t half_filled(struct half *h)
{
	if (h->seen == h->pos)
		h->seen = atomic_load_explicit(h->theirs, memory_order_acquire);
	return h->seen - h->pos;
}

enum { RING_COPY_MAX = 64 };

/* 1 to RING_COPY_MAX bytes, without a call. */
static inline void ring_copy(char *to, const char *from, size_t n)
{
	if (n >= 32) {
		memcpy(to, from, 32);
		memcpy(to + n - 32, from + n - 32, 32);
	} else if (n >= 16) {
		memcpy(to, from, 16);
		memcpy(to + n - 16, from + n - 16, 16);
	} else if (n >= 8) {
		memcpy(to, from, 8);
		memcpy(to + n - 8, from + n - 8, 8);
	} else {
		while (n--)
			*to++ = *from++;
	}
}

#endif
