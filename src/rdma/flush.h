/*
 * FLUSH and ATOMIC WRITE, the memory placement extensions (InfiniBand
 * Architecture 1.5, annex A19).  FLUSH makes what was written before it on
 * the same queue pair visible (global) or durable (persistent) at the
 * responder; ATOMIC WRITE stores 8 bytes at once, behind a FLUSH only when
 * that has ended.  Linux has them since 6.2 and rdma-core since 45, where
 * ibv_wr_flush and ibv_wr_atomic_write post them and ibv_post_send cannot.
 *
 * A binary that was built with an older rdma-core has the same functions:
 * rdma_flush_built is false and nothing can be posted.
 */
#ifndef RDMA_FLUSH_H
#define RDMA_FLUSH_H

#include <infiniband/verbs.h>
#include <stdbool.h>

/* What a device can. */
struct rdma_placement {
	bool global, persistent, atomic_write;
};

bool rdma_flush_built(void);

/* Asks the device; -errno. */
int rdma_flush_query(struct ibv_context *ctx, struct rdma_placement *can);

/* IBV_ACCESS flags of a queue pair that takes them. */
unsigned rdma_flush_access(const struct rdma_placement *can);

/* As ibv_create_qp: such a queue pair's work is posted by rdma_flush_post,
 * and by ibv_post_send what that knows. */
struct ibv_qp *rdma_flush_create_qp(struct ibv_pd *pd,
				    struct ibv_qp_init_attr *attr,
				    const struct rdma_placement *can);

/* Opcodes and access flags beyond those of older headers
 * (include/uapi/rdma/ib_user_verbs.h, ib_user_ioctl_verbs.h). */
enum {
	RDMA_WR_FLUSH = 14,
	RDMA_WR_ATOMIC_WRITE = 15,
	RDMA_ACCESS_FLUSH_GLOBAL = 1 << 8,
	RDMA_ACCESS_FLUSH_PERSISTENT = 1 << 9,
};

/*
 * Posts a chain with one doorbell; 0 or an errno, as ibv_post_send.  In a
 * FLUSH wr.atomic has the range (remote_addr, rkey, compare_add bytes) and in
 * swap 0 for global, 1 for persistent placement.  An ATOMIC WRITE's first
 * piece of memory is its 8 bytes, read before this returns.
 */
int rdma_flush_post(struct ibv_qp *qp, const struct ibv_send_wr *wr);

#endif
