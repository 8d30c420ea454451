/*
 * Populating memory by touching it: one write to each page, by one thread or
 * by several side by side.
 */
#ifndef MACHINE_TOUCH_H
#define MACHINE_TOUCH_H

#include <stddef.h>

#include "base/err.h"

struct touchers;

enum { TOUCHERS_MAX = 256 };

/*
 * The caller is one of the `threads`; the others are started here and wait.
 * They may run on all of `cpus` even if the caller is pinned: an application
 * that touches with several threads has CPUs for them.
 */
int touchers_new(struct touchers **t, unsigned threads, const unsigned *cpus,
		 unsigned n_cpus, struct err *err);
void touchers_free(struct touchers *t); /* NULL is fine */

/* Writes a byte (0) into each page of the range, an equal share of it in each
 * thread; returns when all have. */
void touchers_run(struct touchers *t, void *addr, size_t len, size_t page);

#endif
