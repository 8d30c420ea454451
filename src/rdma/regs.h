/*
 * Registering memory in all the ways there are, step by step, with a queue
 * pair of this process to itself so that the device can touch what was
 * registered.  No verbs header is needed here.
 */
#ifndef RDMA_REGS_H
#define RDMA_REGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "rdma/device.h"

enum regs_way {
	REGS_PIN,	   /* ibv_reg_mr: pages are pinned */
	REGS_ODP,	   /* on-demand paging: the device faults them in */
	REGS_ODP_IMPLICIT, /* one registration of the whole address space */
	REGS_REREG,	   /* a registration is pointed at other memory */
	REGS_WINDOW,	   /* memory window (type 1) on registered memory */
	REGS_WINDOW2,	   /* type 2B: bound and invalidated by requests */
	REGS_RIGHTS,	   /* what a registration allows is changed */
	REGS_WAYS
};

/* What the device may do with it. */
enum regs_access {
	REGS_READ,    /* nothing but send it */
	REGS_LOCAL,   /* and receive into it */
	REGS_REMOTE,  /* and the peer may read and write */
	REGS_ATOMIC,  /* and the peer's atomics */
	REGS_RELAXED, /* remote, with relaxed ordering */
	REGS_ACCESSES
};

struct regs;

/*
 * no-device, no-permission; device-limit, with the kernel's errno, for a way
 * that the device or its driver does not have: it is tried.
 */
int regs_open(struct regs **regs, const struct rdma_want *want,
	      enum regs_way way, enum regs_access access, struct err *err);
void regs_close(struct regs *r); /* NULL is fine */

/* What the caps of a link say, for the row. */
const char *regs_device(const struct regs *r);
bool regs_software(const struct regs *r);

/* One region's registration; all zeros: none. */
struct reg {
	void *addr;
	size_t len;
	void *mr, *window;
};

/*
 * regs_prepare is what must have been done before this way begins
 * (re-registering: a registration of other memory; a window and rights: of
 * this memory; window type 2: and the window), regs_release its opposite.
 * Between them regs_register makes the memory usable by the device and
 * regs_deregister ends that: these two are what is timed.
 *
 * What the kernel refuses is device-limit or no-memory with its errno in
 * words and as the result.
 */
int regs_prepare(struct regs *r, struct reg *reg, void *addr, size_t len,
		 struct err *err);
int regs_register(struct regs *r, struct reg *reg, struct err *err);
int regs_deregister(struct regs *r, struct reg *reg, struct err *err);
int regs_release(struct regs *r, struct reg *reg, struct err *err);

/* How much of the region one use reads at most. */
enum { REGS_USE_MAX = 1 << 20 };

/* The device reads `len` bytes (REGS_USE_MAX at most) at `offset` of the
 * region, through its registration, and writes them to the sink.  Returns
 * when it has read them; they may be in the sink a little later. */
int regs_use(struct regs *r, const struct reg *reg, size_t offset, size_t len,
	     struct err *err);
unsigned char *regs_sink(struct regs *r);

/* Registrations and windows made and ended since regs_open: calls of the
 * device that succeeded, the sink's own left out. */
struct regs_counts {
	uint64_t made, ended;
};
void regs_counts(const struct regs *r, struct regs_counts *counts);

#endif
