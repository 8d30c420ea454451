/*
 * The life of memory that a NIC uses, step by step and each step timed by
 * itself:
 *
 *	map -> populate -> register -> first use -> second use -> deregister
 *	-> unmap
 *
 * for one region or for many that live at the same time (every step is done
 * for all of them before the next one begins).  An operation is one region's
 * life; its latency is the sum of its steps.
 *
 * A use is the device reading from the region through its registration, in
 * this process alone (rdma/regs.h); what arrived is compared, outside the
 * timed part.  The second use differs from the first in what the first one
 * filled: on-demand faults, translation caches.
 *
 * With the pin-down cache (rdma/pincache.h) every region is looked up twice:
 * the first time it is missed and registered, the second time found.
 * "Register" is then the look-up that found it and "deregister" giving it
 * back: what an application pays that uses its buffers again.
 */
#ifndef WORK_REGCYCLE_H
#define WORK_REGCYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/memkind.h"
#include "machine/touch.h"
#include "rdma/pincache.h"
#include "rdma/regs.h"
#include "run/end.h"
#include "work/remains.h"

struct regcycle_cfg {
	uint64_t size;	   /* axis */
	uint64_t memory;   /* axis; enum memkind */
	uint64_t way;	   /* axis; enum regs_way or REGCYCLE_CACHED */
	uint64_t populate; /* axis; enum regcycle_populate */
	uint64_t threads;  /* axis; that touch */
	uint64_t access;   /* axis; enum regs_access */
	uint64_t regions;  /* axis */
	uint64_t use;	   /* enum regcycle_use */
	uint64_t share_percent;
	uint64_t reserve_hugepages;
	uint64_t cache_bytes, cache_entries;
	char file_dir[OPT_TEXT_MAX];
	char pmem_dir[OPT_TEXT_MAX];
	char dax_device[OPT_TEXT_MAX];
};

enum { REGCYCLE_CACHED = REGS_WAYS };

enum regcycle_populate {
	POPULATE_NONE,
	POPULATE_MAP,	  /* MAP_POPULATE, in the step "map" */
	POPULATE_MADVISE, /* MADV_POPULATE_WRITE */
	POPULATE_TOUCH,	  /* a write to each page */
};

enum regcycle_use {
	USE_NONE,
	USE_LINE,  /* the first 64 bytes */
	USE_WHOLE, /* all of it, in pieces of REGS_USE_MAX */
};

extern const struct opt_group regcycle_opts;

enum regcycle_metric {
	REGCYCLE_MAP = METRIC_BASE_COUNT,
	REGCYCLE_POPULATE,
	REGCYCLE_REGISTER,
	REGCYCLE_FIRST_USE,
	REGCYCLE_SECOND_USE,
	REGCYCLE_DEREGISTER,
	REGCYCLE_UNMAP,
	REGCYCLE_CACHE_HIT,
	REGCYCLE_CACHE_MISS,
	REGCYCLE_CACHE_EVICT,
	REGCYCLE_DISTS_END,
	REGCYCLE_PAGE_BYTES = REGCYCLE_DISTS_END,
	REGCYCLE_REGIONS,
	REGCYCLE_ERRNO,
	REGCYCLE_MADE,
	REGCYCLE_ENDED,
	REGCYCLE_REMAINS,
	REGCYCLE_LOCKED_LEFT = REGCYCLE_REMAINS + REMAINS_METRICS - 1,
	REGCYCLE_HITS,
	REGCYCLE_MISSES,
	REGCYCLE_EVICTIONS,
	REGCYCLE_METRICS_END
};
extern const struct metric regcycle_metrics[];
enum {
	REGCYCLE_METRICS = REGCYCLE_METRICS_END - METRIC_BASE_COUNT,
	REGCYCLE_DISTS = REGCYCLE_DISTS_END - METRIC_BASE_COUNT,
};

struct regcycle_region; /* one of them, while it lives */

struct regcycle {
	struct end *end;
	const struct regcycle_cfg *cfg;
	struct memsource source;
	struct touchers *touchers;
	struct regs *regs;
	struct pincache *cache;
	struct regcycle_region *region;
	uint64_t made;	   /* registered now, from the first on */
	uint64_t together; /* at the same time, in the last cycle */
	int stopped;	   /* the errno that the next one met; 0: none */
	uint64_t cycles;
	uint64_t uses; /* numbers the stamps */
	struct hist *dist[REGCYCLE_DISTS];
};

/* At the end that measures.  Names what is short (memory, locked memory,
 * hugepages) before anything is mapped.  regcycle_fini in either case. */
int regcycle_init(struct regcycle *c, struct end *e,
		  const struct regcycle_cfg *cfg, struct err *err);
void regcycle_fini(struct regcycle *c);

/* Cycles until the phase is over, into the end's tally.  miscount if what
 * was registered and what was deregistered differ, if objects or locked pages
 * are left, or if the cache registered anything but its misses. */
int regcycle_run(struct regcycle *c, const struct phase *ph, struct err *err);

#endif
