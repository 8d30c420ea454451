/*
 * What a verbs link is made of: how messages are cut and in how many pieces
 * of memory they come, and the queues for so many of them.
 */
#include <errno.h>
#include <stdlib.h>

#include "transport/verbs_srq.h"

/* An sge's length has 32 bits; a power of two keeps pieces aligned. */
enum { SEGMENT_MAX = 1 << 30 };

/* --- sizes ---------------------------------------------------------------- */

/* An iWARP read names one sink (RFC 5040, 4.4). */
static unsigned read_sges(const struct rdma_port *port, enum qp_type type,
			  unsigned most)
{
	const unsigned of_reads = (unsigned)port->attr.max_sge_rd;

	if (type != QP_RC)
		return 0;
	if (port->iwarp)
		return 1;
	return of_reads && of_reads < most ? of_reads : most;
}

static int choose_sges(struct verbs_ep *ep, const struct ep_attr *attr,
		       struct err *err)
{
	const bool headed = ep->qp_type == QP_UD;
	unsigned most = (unsigned)ep->port.attr.max_sge - headed;

	if (most > VERBS_SGES_MAX)
		most = VERBS_SGES_MAX;
	if (attr->sges > most)
		return err_set(
			err, -E2BIG, REASON_DEVICE_LIMIT,
			"messages in %u pieces, but a work request of %s "
			"takes %u here",
			attr->sges, ep->port.name, most);
	ep->ep.caps.max_sges = attr->sges	   ? attr->sges
			       : most < VERBS_SGES ? most
						   : VERBS_SGES;
	ep->ep.caps.max_read_sges =
		read_sges(&ep->port, ep->qp_type, ep->ep.caps.max_sges);
	return 0;
}

static int choose_segment(struct verbs_ep *ep, const struct ep_attr *attr,
			  struct err *err)
{
	uint64_t limit = ep->port.port_attr.max_msg_sz;

	if (!limit || limit > SEGMENT_MAX)
		limit = SEGMENT_MAX;
	if (ep->qp_type == QP_UD)
		limit = ep->own.mtu_bytes;
	if (attr->segment_bytes > limit)
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "segments of %llu bytes, but a message of %s "
			       "has at most %llu",
			       (unsigned long long)attr->segment_bytes,
			       ep->port.name, (unsigned long long)limit);
	if (attr->segment_bytes)
		limit = attr->segment_bytes;
	ep->segment_bytes = (uint32_t)limit;
	return 0;
}

static uint64_t pieces_of(uint64_t bytes, uint64_t segment)
{
	return bytes ? (bytes + segment - 1) / segment : 1;
}

static int check_attr(struct verbs_ep *ep, const struct ep_attr *attr,
		      struct err *err)
{
	const uint64_t pieces = pieces_of(attr->max_bytes, ep->segment_bytes);

	if (!attr->lanes || attr->lanes > VERBS_LANES_MAX)
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "%u queue pairs (-q): a link has 1 to %d",
			       attr->lanes, VERBS_LANES_MAX);
	if (pieces > 1 && ep->qp_type != QP_RC)
		return err_set(err, -EMSGSIZE, REASON_NOT_IN_TRANSPORT,
			       "a message of %llu bytes: %s carries at most %u "
			       "in one, and what may be lost is not cut",
			       (unsigned long long)attr->max_bytes,
			       qp_type_names[ep->qp_type], ep->segment_bytes);
	if (pieces > 1 && ep->extras.shared_recv)
		return err_set(err, -EMSGSIZE, REASON_DEVICE_LIMIT,
			       "a message of %llu bytes is %llu pieces, and "
			       "shared receives take whole ones",
			       (unsigned long long)attr->max_bytes,
			       (unsigned long long)pieces);
	if (!attr->send_depth || !attr->recv_depth)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "a depth of 0: at least 1 is needed");
	if (pieces > (uint64_t)ep->port.attr.max_qp_wr)
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "a message of %llu bytes is %llu pieces of %u, "
			       "but a queue of %s holds %d",
			       (unsigned long long)attr->max_bytes,
			       (unsigned long long)pieces, ep->segment_bytes,
			       ep->port.name, ep->port.attr.max_qp_wr);
	ep->max_bytes = attr->max_bytes;
	ep->most_pieces = (uint32_t)pieces;
	return 0;
}

/* --- lanes ---------------------------------------------------------------- */

static int ring_init(struct ring *ring, unsigned depth, uint32_t first)
{
	uint32_t size = 1;

	while (size < depth)
		size *= 2;
	ring->slots = calloc(size, sizeof(*ring->slots));
	ring->mask = size - 1;
	ring->depth = depth;
	ring->head = ring->tail = first;
	return ring->slots ? 0 : -ENOMEM;
}

static enum ibv_qp_type ibv_type(enum qp_type type)
{
	static const enum ibv_qp_type types[QP_TYPES] = {
		[QP_RC] = IBV_QPT_RC,
		[QP_UC] = IBV_QPT_UC,
		[QP_UD] = IBV_QPT_UD,
	};

	return types[type];
}

static struct ibv_cq *cq_of(const struct verbs_ep *ep, unsigned lane)
{
	const unsigned i = lane / ep->lanes_per_cq;

	return i ? ep->more_cqs[i - 1].cq : ep->cq.cq;
}

static int lane_init(struct verbs_ep *ep, struct verbs_lane *lane,
		     const struct ep_attr *attr, struct err *err)
{
	const unsigned on_qp = ep->extras.one_qp ? attr->lanes : 1;
	const struct rdma_qp_want want = {
		.pd = ep->pd,
		.srq = verbs_srq_of(ep),
		.cq = cq_of(ep, (unsigned)(lane - ep->lanes)),
		.type = ibv_type(ep->qp_type),
		.placement = ep->placing ? &ep->port.placement : NULL,
		.send_wrs =
			(uint64_t)attr->send_depth * ep->most_pieces * on_qp,
		.recv_wrs =
			(uint64_t)attr->recv_depth * ep->most_pieces * on_qp,
		.sges = ep->ep.caps.max_sges,
		.recv_sges = ep->ep.caps.max_sges + (ep->grh.length != 0),
		.inline_bytes = attr->inline_bytes,
	};
	int ret;

	if (ring_init(&lane->sq, attr->send_depth, attr->first_sequence) ||
	    ring_init(&lane->rq, ep->srq ? 1 : attr->recv_depth,
		      attr->first_sequence))
		return err_sys(err, -ENOMEM, "queues of %u + %u messages",
			       attr->send_depth, attr->recv_depth);
	if (ep->extras.one_qp && lane != ep->lanes) {
		lane->qp = ep->lanes[0].qp;
		return 0;
	}
	ret = rdma_qp_create(&lane->qp, &ep->port, &want, &ep->inline_bytes,
			     err);
	if (ret)
		return ret;
	ep->ep.caps.n_qps++;
	return rdma_qp_to_init(lane->qp, &ep->port, ep->own.qkey, err);
}

static int make_grh(struct verbs_ep *ep, struct err *err)
{
	int ret;

	if (ep->qp_type != QP_UD)
		return 0;
	ret = rdma_mr_create(&ep->grh_mr, ep->pd, ep->grh_bytes,
			     sizeof(ep->grh_bytes), IBV_ACCESS_LOCAL_WRITE,
			     err);
	if (ret)
		return ret;
	ep->grh = (struct ibv_sge){
		.addr = (uintptr_t)ep->grh_bytes,
		.length = sizeof(ep->grh_bytes),
		.lkey = ep->grh_mr->lkey,
	};
	return 0;
}

/* What completes into a queue of so many lanes. */
static uint64_t cqe_of(const struct verbs_ep *ep, const struct ep_attr *attr,
		       uint64_t lanes)
{
	const uint64_t sends = (uint64_t)attr->send_depth * lanes;
	const uint64_t recvs = (uint64_t)attr->recv_depth *
			       (ep->extras.shared_recv ? 1 : lanes);

	return (sends + recvs) * ep->most_pieces;
}

/* The most lanes whose completions one queue of the device has room for; all
 * where it does, or where one is not enough: then making it will say so. */
static unsigned lanes_that_fit(const struct verbs_ep *ep,
			       const struct ep_attr *attr)
{
	const uint64_t max = (uint64_t)ep->port.attr.max_cqe;
	const uint64_t more = cqe_of(ep, attr, 2) - cqe_of(ep, attr, 1);
	const uint64_t base = cqe_of(ep, attr, 1) - more;
	const uint64_t fit = max > base ? (max - base) / more : 0;

	/* One notification is slept for: more queues cannot be waited for. */
	if (!fit || fit >= attr->lanes || attr->poll == POLL_EVENT)
		return attr->lanes;
	return (unsigned)fit;
}

static int make_cq(struct verbs_ep *ep, const struct ep_attr *attr,
		   struct rdma_cq *cq, struct err *err)
{
	const uint64_t cqe = cqe_of(ep, attr, ep->lanes_per_cq);
	int ret = rdma_cq_create(cq, &ep->port, cqe, attr->poll == POLL_EVENT,
				 err);

	if (ret)
		return ret;
	ep->ep.caps.n_cqs++;
	return rdma_cq_moderate(cq, &ep->port, ep->extras.cq_count,
				ep->extras.cq_period_us, err);
}

/* One queue, or as many as it takes. */
static int make_cqs(struct verbs_ep *ep, const struct ep_attr *attr,
		    struct err *err)
{
	unsigned made = ep->lanes_per_cq = lanes_that_fit(ep, attr);
	int ret = make_cq(ep, attr, &ep->cq, err);

	if (ret || made == attr->lanes)
		return ret;
	ep->more_cqs = calloc(attr->lanes / made, sizeof(*ep->more_cqs));
	if (!ep->more_cqs)
		return err_sys(err, -ENOMEM, "completion queues");
	for (; !ret && made < attr->lanes; made += ep->lanes_per_cq)
		ret = make_cq(ep, attr, &ep->more_cqs[ep->n_more_cqs++], err);
	return ret;
}

int verbs_queues_make(struct verbs_ep *ep, const struct ep_attr *attr,
		      struct err *err)
{
	unsigned i;
	int ret;

	ret = rdma_pd_create(&ep->pd, &ep->port, err);
	if (!ret)
		ret = make_grh(ep, err);
	if (ret)
		return ret;
	ret = make_cqs(ep, attr, err);
	if (!ret && ep->extras.shared_recv)
		ret = verbs_srq_make(ep, attr->recv_depth, err);
	if (ret)
		return ret;
	ep->lanes = calloc(attr->lanes, sizeof(*ep->lanes));
	if (!ep->lanes)
		return err_sys(err, -ENOMEM, "%u lanes", attr->lanes);
	ep->n_lanes = attr->lanes;
	for (i = 0; i < ep->n_lanes; i++) {
		ret = lane_init(ep, &ep->lanes[i], attr, err);
		if (ret)
			return ret;
	}
	return ep->srq ? verbs_srq_lanes(ep, err) : 0;
}

int verbs_size(struct verbs_ep *ep, const struct ep_attr *attr, struct err *err)
{
	int ret = choose_sges(ep, attr, err);

	if (!ret)
		ret = choose_segment(ep, attr, err);
	return ret ? ret : check_attr(ep, attr, err);
}

static void lane_fini(struct verbs_ep *ep, struct verbs_lane *lane)
{
	if (lane->qp && (lane == ep->lanes || !ep->extras.one_qp))
		ibv_destroy_qp(lane->qp);
	free(lane->sq.slots);
	free(lane->rq.slots);
}

static void free_ahs(struct verbs_ep *ep)
{
	unsigned i;

	for (i = 0; ep->ah && i < ep->n_lanes; i++)
		if (ep->lanes[i].ah && (!i || ep->extras.one_qp))
			ibv_destroy_ah(ep->lanes[i].ah);
}

void verbs_queues_free(struct verbs_ep *ep)
{
	unsigned i;

	for (i = 0; i < ep->n_lanes; i++)
		lane_fini(ep, &ep->lanes[i]);
	free_ahs(ep);
	free(ep->lanes);
	ep->lanes = NULL;
	ep->n_lanes = 0;
	verbs_srq_free(ep);
}

void verbs_cq_free(struct verbs_ep *ep)
{
	unsigned i;

	if (ep->unacked)
		ibv_ack_cq_events(ep->cq.cq, ep->unacked);
	rdma_cq_destroy(&ep->cq);
	for (i = 0; i < ep->n_more_cqs; i++)
		rdma_cq_destroy(&ep->more_cqs[i]);
	free(ep->more_cqs);
	if (ep->grh_mr)
		ibv_dereg_mr(ep->grh_mr);
	if (ep->pd)
		ibv_dealloc_pd(ep->pd);
}
