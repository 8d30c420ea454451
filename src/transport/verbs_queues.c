/*
 * What a verbs link is made of: how messages are cut and in how many pieces
 * of memory they come, and the queues for so many of them.
 */
#include <errno.h>
#include <stdlib.h>

#include "transport/verbs_ep.h"

/* An sge's length has 32 bits; a power of two keeps pieces aligned. */
enum { SEGMENT_MAX = 1 << 30 };

/* --- sizes ---------------------------------------------------------------- */

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

static int ring_init(struct ring *ring, unsigned depth)
{
	uint32_t size = 1;

	while (size < depth)
		size *= 2;
	ring->slots = calloc(size, sizeof(*ring->slots));
	ring->mask = size - 1;
	ring->depth = depth;
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
	const struct rdma_qp_want want = {
		.pd = ep->pd,
		.cq = cq_of(ep, (unsigned)(lane - ep->lanes)),
		.type = ibv_type(ep->qp_type),
		.send_wrs = (uint64_t)attr->send_depth * ep->most_pieces,
		.recv_wrs = (uint64_t)attr->recv_depth * ep->most_pieces,
		.sges = ep->ep.caps.max_sges,
		.recv_sges = ep->ep.caps.max_sges + (ep->grh.length != 0),
		.inline_bytes = attr->inline_bytes,
	};
	int ret;

	if (ring_init(&lane->sq, attr->send_depth) ||
	    ring_init(&lane->rq, attr->recv_depth))
		return err_sys(err, -ENOMEM, "queues of %u + %u messages",
			       attr->send_depth, attr->recv_depth);
	ret = rdma_qp_create(&lane->qp, &ep->port, &want, &ep->inline_bytes,
			     err);
	if (ret)
		return ret;
	return rdma_qp_to_init(lane->qp, &ep->port, err);
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

/* One queue, or as many as it takes. */
static int make_cqs(struct verbs_ep *ep, const struct ep_attr *attr,
		    struct err *err)
{
	const bool events = attr->poll == POLL_EVENT;
	const uint64_t per_lane =
		((uint64_t)attr->send_depth + attr->recv_depth) *
		ep->most_pieces;
	const uint64_t fit = (uint64_t)ep->port.attr.max_cqe / per_lane;
	uint64_t lanes = attr->lanes;
	unsigned i;
	int ret;

	/* One notification is slept for: more queues cannot be waited for. */
	if (fit && fit < lanes && !events)
		lanes = fit;
	ep->lanes_per_cq = (unsigned)lanes;
	ret = rdma_cq_create(&ep->cq, &ep->port, per_lane * lanes, events, err);
	if (ret || lanes == attr->lanes)
		return ret;
	ep->more_cqs = calloc(attr->lanes / lanes, sizeof(*ep->more_cqs));
	if (!ep->more_cqs)
		return err_sys(err, -ENOMEM, "completion queues");
	for (i = 0; !ret && (i + 1) * lanes < attr->lanes; i++) {
		ret = rdma_cq_create(&ep->more_cqs[i], &ep->port,
				     per_lane * lanes, false, err);
		ep->n_more_cqs += !ret;
	}
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
	return 0;
}

int verbs_size(struct verbs_ep *ep, const struct ep_attr *attr, struct err *err)
{
	int ret = choose_sges(ep, attr, err);

	if (!ret)
		ret = choose_segment(ep, attr, err);
	return ret ? ret : check_attr(ep, attr, err);
}

static void lane_fini(struct verbs_lane *lane)
{
	if (lane->qp)
		ibv_destroy_qp(lane->qp);
	free(lane->sq.slots);
	free(lane->rq.slots);
}

void verbs_queues_free(struct verbs_ep *ep)
{
	unsigned i;

	for (i = 0; i < ep->n_lanes; i++)
		lane_fini(&ep->lanes[i]);
	free(ep->lanes);
	ep->lanes = NULL;
	ep->n_lanes = 0;
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
