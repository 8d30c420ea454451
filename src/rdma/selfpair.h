/*
 * Two queue pairs of this process connected to each other, for those who want
 * the device to touch memory of theirs and need no peer for it.  One work
 * request at a time.
 */
#ifndef RDMA_SELFPAIR_H
#define RDMA_SELFPAIR_H

#include "rdma/cm.h"
#include "rdma/qp.h"

struct selfpair {
	const struct rdma_port *port;
	struct ibv_pd *pd;
	struct rdma_cq cq; /* of both */
	/* Requests are posted to `near`; `far` answers. */
	struct ibv_qp *near, *far;
	struct cm *cm_near, *cm_far; /* iWARP only: NULL elsewhere */
};

/* On the caller's port, in the caller's domain.  selfpair_close in either
 * case, unless all zeros. */
int selfpair_open(struct selfpair *sp, const struct rdma_port *port,
		  struct ibv_pd *pd, struct err *err);
void selfpair_close(struct selfpair *sp);

/* Waits for the next completion by polling; one that is not a success is
 * link-failed with its words. */
int selfpair_wait(struct selfpair *sp, struct err *err);

/* Posts to `near`, or to `far`, signalled, and waits. */
int selfpair_post(struct selfpair *sp, struct ibv_send_wr *wr, struct err *err);
int selfpair_post_far(struct selfpair *sp, struct ibv_send_wr *wr,
		      struct err *err);

#endif
