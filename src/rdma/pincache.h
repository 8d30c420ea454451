/*
 * Pin-down cache: keeps memory registered after its use, so that using the
 * same memory again costs a look-up instead of a registration (Tezuka,
 * O'Carroll, Hori, Ishikawa, "Pin-down cache: a virtual memory management
 * technique for zero-copy communication", IPPS 1998).
 *
 * Registrations are found by address in an interval tree; one that covers
 * the wanted range is a hit, even if it is larger.  The least recently used
 * one that nobody uses goes when a bound would be passed.
 *
 * Memory that is unmapped must be invalidated first: a registration outlives
 * the mapping, and another mapping at the same address would be a false hit
 * on pages that are gone.
 *
 * How to register is passed in.  Not thread-safe: one cache, one thread.
 */
#ifndef RDMA_PINCACHE_H
#define RDMA_PINCACHE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct pincache_ops {
	/* 0 and *handle, or -errno with words. */
	int (*pin)(void *arg, void *addr, size_t len, void **handle,
		   struct err *err);
	void (*unpin)(void *arg, void *handle);
	void *arg;
};

struct pincache_limits {
	uint64_t bytes;
	uint64_t entries;
};

struct pincache_counts {
	uint64_t hits, misses;
	uint64_t evictions;	 /* because of a bound */
	uint64_t invalidations;	 /* because the memory went */
	uint64_t bytes, entries; /* held now, invalidated ones in use too */
};

struct pincache;

/* A registration that is in use. */
struct pin;

/* `ops` are copied. */
int pincache_new(struct pincache **cache, const struct pincache_ops *ops,
		 const struct pincache_limits *limits, struct err *err);

/* Every pin must have been put.  NULL is fine. */
void pincache_free(struct pincache *c);

/* Finds or makes a registration that covers the range; *hit tells which.
 * no-memory (-ENOBUFS) if what is in use and this do not fit the bounds
 * together; otherwise what `pin` failed with. */
int pincache_get(struct pincache *c, void *addr, size_t len, struct pin **pin,
		 bool *hit, struct err *err);
void *pin_handle(const struct pin *pin);
void pincache_put(struct pincache *c, struct pin *pin);

/* Drops the least recently used registration: true if there was one that
 * nobody uses. */
bool pincache_evict(struct pincache *c);

/* The range is about to be unmapped: registrations that touch it are found
 * no more, and go at once or with their last user.  Returns how many. */
unsigned pincache_invalidate(struct pincache *c, const void *addr, size_t len);

void pincache_counts(const struct pincache *c, struct pincache_counts *counts);

#endif
