/* What spread.c and spread_setup.c share. */
#ifndef WORK_SPREAD_WORK_H
#define WORK_SPREAD_WORK_H

#include "work/spread.h"

enum { SPREAD_SEED = 0x5ca1e };

static inline bool spread_asks(const struct spread *s)
{
	return s->a.op == OP_SEND;
}

/* Into the slot, from the peer. */
static inline bool spread_brings(const struct spread *s)
{
	return s->a.op == OP_READ || s->a.op == OP_FETCH_ADD;
}

static inline char *spread_slot(const struct spread *s, unsigned slot)
{
	return s->slots + slot * s->stride;
}

int spread_post_recv(struct spread *s, unsigned i, struct err *err);

#endif
