/* Buffers for data links, and the limits that would stop us. */
#ifndef MACHINE_MEM_H
#define MACHINE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct mem {
	void *addr;
	size_t len; /* as asked */
	size_t mapped;
};

/*
 * Anonymous memory, page aligned, every page touched (so that no fault falls
 * into a timed part).  Refuses, with the arithmetic in words, what is more
 * than mem_available says, before anything is mapped.
 */
int mem_alloc(struct mem *mem, size_t len, struct err *err);

/* The same, bound to a NUMA node (-1: wherever it falls): all of it comes
 * from there or the call fails, with the node in words. */
int mem_alloc_on(struct mem *mem, size_t len, int node, struct err *err);

/* Pages that buffers consist of. */
enum mem_pages {
	MEM_PAGES_AS_IS, /* whatever this host does by itself */
	MEM_PAGES_SMALL, /* none but the smallest */
	MEM_PAGES_THP,	 /* transparent huge pages: asked for and got */
	MEM_PAGES_2M,	 /* set aside by the administrator */
	MEM_PAGES_1G,
};

/* The same, of these pages; -ENOMEM and no-hugepages, with what there is and
 * the way to get more, if they cannot be had. */
int mem_alloc_as(struct mem *mem, size_t len, int node, enum mem_pages pages,
		 struct err *err);

/* What this thread touches from now on comes from the node, whoever mapped it
 * (-1: as before); and back to where it falls. */
int mem_policy_bind(int node, struct err *err);
void mem_policy_default(void);

void mem_free(struct mem *mem); /* zeroed struct is fine */

/* Bytes available: /proc/meminfo MemAvailable, or what is left in our own
 * control group (version 2) if that is less; UINT64_MAX if unknown. */
uint64_t mem_available(void);
/* Bytes that this process has in memory (VmRSS); 0 if unknown. */
uint64_t mem_resident(void);

/* Are so many?  0, or -ENOMEM and the arithmetic in words. */
int mem_check_available(uint64_t need, struct err *err);

/*
 * Would registering `len` bytes pass RLIMIT_MEMLOCK?  0, or -ENOMEM and words
 * with limit, need and the way out (ulimit -l, limits.conf).  CAP_IPC_LOCK
 * lifts the limit (that of a user namespace does not, and is not told apart).
 * Raises the soft limit to the hard one first.
 */
int mem_check_lock(size_t len, struct err *err);

/* CAP_IPC_LOCK, which lifts that limit. */
bool mem_may_lock_any(void);

#endif
