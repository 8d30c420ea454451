/*
 * One link that several threads share: what FaRM and LITE do so that the number
 * of queue pairs does not grow with threads, at the price of a lock around
 * posting and polling (Dragojevic et al., FaRM, NSDI 2014, section 3.1; Tsai
 * and Zhang, LITE, SOSP 2017).
 *
 * Each thread has an end of its own that looks like a link (struct ep).  Whoever
 * polls takes completions for the others as well and leaves them in their
 * boxes.  Receives are nobody's: only reads, writes and atomics can be shared.
 * Threads wait by spinning or yielding.
 */
#ifndef WORK_MUX_H
#define WORK_MUX_H

#include "transport/transport.h"

struct mux;

/* `ep` stays the caller's; `depth`: work that a thread has on its way. */
int mux_new(struct mux **mux, struct ep *ep, unsigned n, unsigned depth,
	    struct err *err);
void mux_free(struct mux *mux); /* NULL is fine */

/* The i-th thread's end; no need to close it. */
struct ep *mux_ep(struct mux *mux, unsigned i);

#endif
