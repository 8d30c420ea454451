/*
 * Hardware prefetchers switched off for a while, on some CPUs, and always put
 * back: prefetch_hold_end lets the guardian (prefetch_guard.h) do it, and so
 * does every other end of this process.
 *
 * Reserved bits stay as they are.  A prefetcher counts as off only if its bit
 * reads back set and was not set before.  On Intel's CPUs both hyperthreads of
 * a core share the register.
 *
 * One hold at a time on a host: a lock on the folder of the registers is kept
 * until they are back.
 */
#ifndef MACHINE_PREFETCH_HOLD_H
#define MACHINE_PREFETCH_HOLD_H

#include "machine/prefetch_guard.h"

struct prefetch_hold {
	bool held;
	int lock;
	struct prefetch_host host;
	struct prefetch_set set;
	struct prefetch_guard guard;
};

/*
 * An as-found hold touches nothing.  Forks: call it before the process has
 * registered memory (before Linux 5.12 a fork would take pages from under a
 * device).  On failure nothing is held and nothing has changed: no-msr,
 * no-permission, in-use (another run holds them), usage.
 */
int prefetch_hold_begin(struct prefetch_hold *h,
			const struct prefetch_host *host,
			enum prefetch_choice choice, const unsigned *cpus,
			unsigned n, struct err *err);

/* Fine on a zeroed or ended one.  -EIO and words if a register does not read
 * as it did before. */
int prefetch_hold_end(struct prefetch_hold *h, struct err *err);

#endif
