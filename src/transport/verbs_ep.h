/*
 * One end of a verbs link, as its parts (verbs_rc.c: open, connect and close,
 * verbs_queues.c, verbs_post.c, verbs_poll.c) share it.
 *
 * All lanes, and both directions of each, complete into one queue, unless
 * there are more of them than the device's queues have room for.  In event
 * mode that means one notification to arm, one descriptor to sleep on and,
 * sends being unsignalled, one wake-up per message; when spinning it means
 * one queue to look at however many lanes there are.
 *
 * A message is posted as one work request, or, beyond the segment size, as
 * several of which only the last is signalled.  RC completes each queue in
 * order, so that a ring per queue is all the memory a message needs: the
 * work request's id names the ring's slot, the slot has the completion.
 */
#ifndef TRANSPORT_VERBS_EP_H
#define TRANSPORT_VERBS_EP_H

#include "rdma/qp.h"
#include "transport/transport.h"
#include "transport/verbs_blob.h"

struct cm;
struct verbs_srq;

/* Pieces of memory in one work request: a header, a payload and two more,
 * unless more are asked for; a datagram's receive has one for its routing
 * header. */
enum {
	VERBS_SGES = 4,
	VERBS_SGES_MAX = 16,
	VERBS_SGES_WR = VERBS_SGES_MAX + 1
};

/* Work requests handed over by one doorbell; longer batches ring more. */
enum { VERBS_BATCH = 64 };

/* Completions fetched by one poll: 768 bytes of stack. */
enum { VERBS_POLL = 16 };

/* A work request's id. */
#define WRID_RECV (1ull << 63)
#define WRID_LAST (1ull << 62) /* the message's last piece */
#define WRID(lane, seq) ((uint64_t)(lane) << 32 | (uint32_t)(seq))
#define WRID_LANE(id) ((uint16_t)((id) >> 32))
#define WRID_SEQ(id) ((uint32_t)(id))

/* Messages posted and not yet completed: slots[tail..head), modulo, have what
 * the completion of each that has one of its own will say. */
struct ring {
	struct comp *slots;
	uint32_t mask;
	uint32_t depth;
	uint32_t head, tail;
};

/* By a work request's id, or its sequence number. */
static inline struct comp *slot_of(const struct ring *ring, uint64_t id)
{
	return &ring->slots[WRID_SEQ(id) & ring->mask];
}

struct verbs_lane {
	struct ibv_qp *qp;
	uint32_t remote_qpn; /* UD: named by each send */
	struct ibv_ah *ah;   /* UD: the peer's port; may be shared */
	struct ring sq, rq;
};

struct verbs_ep {
	struct ep ep;

	/* post: read often, written there only */
	uint32_t segment_bytes;
	uint32_t inline_bytes;
	bool placing; /* work is posted by rdma_flush_post */
	struct verbs_lane *lanes;
	unsigned n_lanes;
	unsigned n_wrs;	      /* gathered, not yet handed over */
	struct ibv_ah *ah;    /* UD: that of the first lane */
	uint32_t remote_qkey; /* UD: what the peer's takes */
	struct ibv_sge grh;   /* UD: the first piece of a receive that has no
			      * room before it; length 0 elsewhere */

	/* The short way's own requests, made at open but for what differs;
	 * their pieces of memory, before a receive's a place for that of a
	 * routing header, and the bytes for it in a receive's own; what their completions will say, but for the cookie;
	 * of a send what kind it is (verbs_op.h), its flags if it is not
	 * signalled, and what it is counted by.  again, again_recv: the lane of
	 * short_send and short_recv, if that was the last of its kind to be
	 * posted alone; or NULL. */
	struct verbs_lane *again, *again_recv;
	unsigned short_kind, short_flags;
	uint64_t *short_count, *short_bytes;
	struct comp short_sent, short_came;
	struct ibv_send_wr short_send;
	struct ibv_recv_wr short_recv;
	struct ibv_sge short_out, short_in[2];
	uint32_t short_room;

	/* poll */
	struct rdma_cq cq;
	struct rdma_cq *more_cqs; /* where one has no room for all */
	unsigned n_more_cqs, next_cq;
	unsigned lanes_per_cq;
	struct verbs_srq *srq; /* NULL: each lane has its receives */
	bool armed;	       /* an event will tell of the next completion */
	bool failed;	       /* ep.err says why */
	unsigned unacked;      /* events got and not yet acknowledged */
	unsigned idle;	       /* empty polls in a row, modulo */

	/* open, connect, close */
	enum role role;
	struct rdma_port port;
	enum qp_type qp_type;
	struct ibv_pd *pd;
	struct ibv_mr *grh_mr;
	uint8_t grh_bytes[RDMA_GRH_BYTES]; /* overwritten by each datagram */
	struct cm *cm;			   /* NULL: plain verbs */
	uint64_t max_bytes;		   /* of a message */
	uint32_t most_pieces; /* that the queues have room for, a message */
	struct ep_extras extras;
	struct verbs_blob own;

	/* Gathered by post: at the end, so that what an operation alone needs
	 * is in one page or two. */
	struct ibv_send_wr send_wrs[VERBS_BATCH];
	struct ibv_recv_wr recv_wrs[VERBS_BATCH];
	struct ibv_sge sges[VERBS_BATCH * VERBS_SGES_WR];
};

static inline struct verbs_ep *verbs_ep(struct ep *ep)
{
	return (struct verbs_ep *)ep; /* it is the first member */
}

struct verbs_region {
	struct region region;
	struct ibv_mr *mr;
};

/* verbs_queues.c: what a message may be and how it is cut (needs the port,
 * the type and the MTU); the queues for that.  What has been made is freed
 * in two steps: queue pairs first, then what they and RDMA CM used. */
int verbs_size(struct verbs_ep *ep, const struct ep_attr *attr,
	       struct err *err);
int verbs_queues_make(struct verbs_ep *ep, const struct ep_attr *attr,
		      struct err *err);
void verbs_queues_free(struct verbs_ep *ep);
void verbs_cq_free(struct verbs_ep *ep);

/* verbs_post.c; init links the arrays once, after verbs_queues_make. */
void verbs_post_init(struct verbs_ep *ep);
int verbs_post(struct ep *ep, const struct work *work, unsigned n);

/* verbs_srq.c: to make queue pairs with; NULL: none. */
struct ibv_srq *verbs_srq_of(const struct verbs_ep *ep);

/* verbs_poll.c */
int verbs_poll(struct ep *ep, struct comp *comp, unsigned n);
int verbs_block(struct ep *ep, struct comp *comp, unsigned n,
		uint64_t timeout_ns);

#endif
