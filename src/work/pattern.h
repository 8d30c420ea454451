/*
 * Walking over a buffer's cache lines in an order that prefetchers like, or
 * do not.  A walk visits every line exactly once:
 *
 *	seq	one after the other: what every prefetcher looks for
 *	stride	every N-th, then every N-th from the second on, and so on
 *	random	a fixed pseudo-random permutation: addresses are known early,
 *		so that misses overlap, but no hardware can guess them
 *	chase	the same permutation as a list: an address depends on what was
 *		loaded from the line before, so that misses cannot overlap
 *
 * The permutation is computed, not looked up: a table would be a second,
 * sequential stream of misses beside the one that is measured.  For the same
 * reason, and because a payload is verified, chase keeps no links in the
 * buffer; the next address has the loaded value, masked with a zero that the
 * compiler and the CPU do not know, added to it.
 *
 * With a distance d, the line d places ahead in the order is prefetched by an
 * instruction before a line is visited (chase: Luk and Mowry's jump pointers,
 * ASPLOS 1996).
 *
 * A read adds up the lines' first words; a write stores the operation's number
 * there, as work/scan.h does (chase: after loading it).
 */
#ifndef WORK_PATTERN_H
#define WORK_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum pattern_order {
	PATTERN_SEQ,
	PATTERN_STRIDE,
	PATTERN_RANDOM,
	PATTERN_CHASE,
	PATTERN_ORDERS
};
extern const char *const pattern_names[]; /* "seq", ...; NULL */

struct pattern_cfg {
	enum pattern_order order;
	uint64_t stride;   /* lines; of PATTERN_STRIDE */
	uint64_t distance; /* lines ahead; 0: no prefetch instructions */
	bool write;
};

struct pattern;
/* Returns how many lines it visited. */
typedef uint64_t pattern_walk_fn(struct pattern *p, char *buf, uint64_t op);

struct pattern {
	enum pattern_order order;
	uint64_t lines, stride, distance;
	uint64_t mask; /* the permutation's domain, a power of two, less one */
	unsigned shift;
	uint64_t sum; /* of the words that the last walk read */
	pattern_walk_fn *walk;
};

/* `len`, bytes, must be whole lines: -EINVAL and words. */
int pattern_init(struct pattern *p, const struct pattern_cfg *cfg, size_t len,
		 struct err *err);

/* The lines in the order of a walk, p->lines of them: what a test may look
 * at without taking part. */
void pattern_list(const struct pattern *p, uint64_t *line);

/* One walk, by the loop that was chosen when it was initialised. */
static inline uint64_t pattern_walk(struct pattern *p, void *buf, uint64_t op)
{
	return p->walk(p, buf, op);
}

#endif
