/*
 * The kernel's pool of hugepages: how many are free, and taking some for a
 * while.
 */
#ifndef MACHINE_HUGEPOOL_H
#define MACHINE_HUGEPOOL_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/* Pages that nobody has and nobody was promised, on a NUMA node or (-1) on
 * all.  -ENOENT if this kernel has none of that size. */
int hugepool_free(size_t page_bytes, int node, uint64_t *n);

/* Where the pool's size is written to, for the words of an error. */
char *hugepool_path(char *buf, size_t cap, size_t page_bytes);

/* All zeros: nothing is reserved. */
struct hugepool {
	pid_t guard;
	int owner; /* our end of the guard's socket */
};

/*
 * Adds n pages to the pool (root).  A child process, the guard, takes them,
 * waits for the end of this one and gives them back whatever ended it and
 * whenever, SIGKILL too.  It forks: call it before memory is registered.  -ENOMEM with the arithmetic
 * if the kernel finds fewer; then none are kept.
 */
int hugepool_reserve(struct hugepool *h, size_t page_bytes, uint64_t n,
		     struct err *err);

/* Gives them back, and waits until they are.  Zeroed struct is fine. */
void hugepool_release(struct hugepool *h);

#endif
