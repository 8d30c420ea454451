/*
 * The steps of setting up a connection, each callable alone: regcost times
 * them one by one and scale makes thousands.
 *
 *	PD -> CQ -> QP -> INIT -> (exchange) -> RTR -> RTS
 */
#ifndef RDMA_QP_H
#define RDMA_QP_H

#include "rdma/port.h"

/* What a verb failed with, as -errno: verbs return errno, but some providers
 * (siw's ibv_post_recv) its negative. */
static inline int rdma_errno(int ret)
{
	return ret > 0 ? -ret : ret;
}

/* --- completion queue ---------------------------------------------------- */

struct rdma_cq {
	struct ibv_cq *cq;
	struct ibv_comp_channel *channel; /* NULL: without events */
};

/* With `events` it has a channel of its own, whose fd does not block.
 * `cqe` beyond the device's max_cqe is device-limit. */
int rdma_cq_create(struct rdma_cq *cq, const struct rdma_port *port,
		   uint64_t cqe, bool events, struct err *err);

/* All events must have been acknowledged, and all its QPs be gone.  -errno if
 * the device keeps it (a bug, unless somebody else failed before). */
int rdma_cq_destroy(struct rdma_cq *cq);

/* An event for so many completions, or after so many microseconds from the
 * first; 0 and 0 do nothing.  Devices that cannot are device-limit. */
int rdma_cq_moderate(struct rdma_cq *cq, const struct rdma_port *port,
		     uint16_t count, uint16_t period_us, struct err *err);

/* --- protection domain --------------------------------------------------- */

int rdma_pd_create(struct ibv_pd **pd, const struct rdma_port *port,
		   struct err *err);

/* --- shared receive queue -------------------------------------------------- */

/* `wrs` receives of up to `sges` pieces; more than the device takes is
 * device-limit. */
int rdma_srq_create(struct ibv_srq **srq, const struct rdma_port *port,
		    struct ibv_pd *pd, unsigned wrs, unsigned sges,
		    struct err *err);

/* --- queue pair ----------------------------------------------------------- */

struct rdma_qp_want {
	struct ibv_pd *pd;
	struct ibv_cq *cq;   /* for both queues */
	struct ibv_srq *srq; /* NULL: receives of its own */
	enum ibv_qp_type type;
	const struct rdma_placement *placement; /* NULL: none */
	uint64_t send_wrs, recv_wrs;
	unsigned sges;	    /* pieces of a send */
	unsigned recv_sges; /* pieces of a receive */
	int inline_bytes;   /* -1: as much as is useful */
};

/* Also probes how much inline data the device takes, which no attribute
 * tells: asks for what is wanted, then for less until a QP can be made.
 * What was granted is in `inline_bytes`.  More work requests than the
 * device's max_qp_wr are device-limit, as is inline data that was asked for
 * by number and is not granted. */
int rdma_qp_create(struct ibv_qp **qp, const struct rdma_port *port,
		   const struct rdma_qp_want *want, unsigned *inline_bytes,
		   struct err *err);

/* The largest inline data with which such a QP can be made, at most `limit`;
 * -errno if none can be made at all. */
int rdma_qp_inline_max(const struct rdma_qp_want *want, unsigned limit);

/* What the two ends have agreed on for one connection. */
struct rdma_path {
	uint32_t remote_qpn;
	uint32_t send_psn, recv_psn;
	uint8_t remote_gid[16];
	uint16_t remote_lid;
	unsigned mtu_bytes;
	uint8_t rd_atomic_out; /* reads and atomics we may have outstanding */
	uint8_t rd_atomic_in;  /* those the peer may */
	/* Where the peer has posted no receive: other than our policy. */
	bool rnr;
	uint8_t rnr_retry, min_rnr_timer;
};

/* A datagram's receive begins with so many bytes of global routing header,
 * whether there is one or not (IBTA 1.4, 11.4.1.2). */
enum { RDMA_GRH_BYTES = 40 };

/* Where datagrams go: the peer's port, for all of its queue pairs. */
int rdma_ah_create(struct ibv_ah **ah, struct ibv_pd *pd,
		   const struct rdma_port *port, const struct rdma_path *path,
		   struct err *err);

/* After INIT receives may be posted, after RTR packets are accepted, after
 * RTS they are sent.  What each step needs depends on the queue pair's type
 * (IBTA 1.4, table 97): of `path` UC leaves out retries and reads, UD all
 * but the packet number.  Only UD looks at `qkey`: what datagrams to it must
 * carry; its upper bit, which asks for a privileged one, is clear. */
int rdma_qp_to_init(struct ibv_qp *qp, const struct rdma_port *port,
		    uint32_t qkey, struct err *err);
int rdma_qp_to_rtr(struct ibv_qp *qp, const struct rdma_port *port,
		   const struct rdma_path *path, struct err *err);
int rdma_qp_to_rts(struct ibv_qp *qp, const struct rdma_path *path,
		   struct err *err);

/* Fills the fields and returns the mask bits of this project's timeouts and
 * retries, for those who take the rest of the attributes from RDMA CM. */
int rdma_qp_rtr_policy(struct ibv_qp_attr *attr);
int rdma_qp_rts_policy(struct ibv_qp_attr *attr);

/* The MTU to propose: `asked` bytes, or the port's active one for 0. */
int rdma_mtu_choose(unsigned *mtu, const struct rdma_port *port, unsigned asked,
		    struct err *err);

/* Reads and atomics that a QP is made for where none are asked for: what the
 * device takes, at most 16. */
uint8_t rdma_rd_atomic_useful(const struct rdma_port *port);
/* The same or `asked`; device-limit where the device takes fewer. */
int rdma_rd_atomic_choose(uint8_t *most, const struct rdma_port *port,
			  unsigned asked, struct err *err);

/* --- memory --------------------------------------------------------------- */

/* ibv_reg_mr; `access` is IBV_ACCESS_ flags.  The words for its many reasons
 * to fail: memlock, file-backed memory, read-only memory. */
int rdma_mr_create(struct ibv_mr **mr, struct ibv_pd *pd, void *addr,
		   size_t len, unsigned access, struct err *err);

#endif
