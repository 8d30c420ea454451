/* What conns.c and conns_cm.c share. */
#ifndef RDMA_CONNS_PRIV_H
#define RDMA_CONNS_PRIV_H

#include <rdma/rdma_cma.h>

#include "rdma/conns.h"
#include "rdma/qp.h"

struct conn {
	struct ibv_pd *pd;
	struct rdma_cq cq;
	struct ibv_qp *qp;
	struct rdma_cm_id *id;
	uint32_t psn;
	uint64_t t0; /* of the step that it waits in */
};

struct conns {
	struct rdma_port port;
	struct conns_attr attr;
	struct conns_counts counts;
	struct rdma_event_channel *channel;
	struct rdma_cm_id *listener;
	struct conn v[];
};

static inline uint64_t conns_now(const struct conns *c)
{
	return clock_ticks(c->attr.clock);
}

static inline void conns_tell(const struct conns *c, enum conns_step step,
			      unsigned i, uint64_t t0)
{
	c->attr.took(c->attr.arg, step, i, conns_now(c) - t0);
}

/* RDMA CM's half of freeing. */
void conns_cm_fini(struct conns *c);

#endif
