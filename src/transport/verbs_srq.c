#include "transport/verbs_srq.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

struct lane_of {
	uint32_t qpn; /* 0: free; no queue pair of ours has it */
	uint32_t lane;
};

struct verbs_srq {
	struct ibv_srq *srq;
	uint64_t *cookies; /* of the receive in a place */
	uint32_t *free;	   /* places, n_free of them */
	uint32_t n_free;
	struct lane_of *lanes; /* open addressing, at most half full */
	uint32_t mask;
};

struct ibv_srq *verbs_srq_of(const struct verbs_ep *ep)
{
	return ep->srq ? ep->srq->srq : NULL;
}

int verbs_srq_make(struct verbs_ep *ep, unsigned depth, struct err *err)
{
	struct verbs_srq *s = calloc(1, sizeof(*s));
	unsigned i;

	ep->srq = s;
	if (s) {
		s->cookies = calloc(depth, sizeof(*s->cookies));
		s->free = calloc(depth, sizeof(*s->free));
	}
	if (!s || !s->cookies || !s->free)
		return err_sys(err, -ENOMEM, "%u shared receives", depth);
	for (i = 0; i < depth; i++)
		s->free[i] = i;
	s->n_free = depth;
	return rdma_srq_create(&s->srq, &ep->port, ep->pd, depth,
			       ep->ep.caps.max_sges + (ep->grh.length != 0),
			       err);
}

static struct lane_of *place_of(const struct verbs_srq *s, uint32_t qpn)
{
	uint32_t i = qpn & s->mask;

	while (s->lanes[i].qpn && s->lanes[i].qpn != qpn)
		i = (i + 1) & s->mask;
	return &s->lanes[i];
}

int verbs_srq_lanes(struct verbs_ep *ep, struct err *err)
{
	struct verbs_srq *s = ep->srq;
	uint32_t size = 1;
	unsigned i;

	while (size < 2 * ep->n_lanes)
		size *= 2;
	s->lanes = calloc(size, sizeof(*s->lanes));
	if (!s->lanes)
		return err_sys(err, -ENOMEM, "%u lanes", ep->n_lanes);
	s->mask = size - 1;
	for (i = 0; i < ep->n_lanes; i++) {
		const uint32_t qpn = ep->lanes[i].qp->qp_num;

		*place_of(s, qpn) = (struct lane_of){.qpn = qpn, .lane = i};
	}
	return 0;
}

void verbs_srq_free(struct verbs_ep *ep)
{
	struct verbs_srq *s = ep->srq;

	if (!s)
		return;
	if (s->srq)
		ibv_destroy_srq(s->srq);
	free(s->cookies);
	free(s->free);
	free(s->lanes);
	free(s);
	ep->srq = NULL;
}

/* --- posting ---------------------------------------------------------------- */

static void fill_recv(struct verbs_ep *ep, struct ibv_recv_wr *wr,
		      const struct work *w)
{
	struct verbs_srq *s = ep->srq;
	uint32_t place;
	unsigned i;

	assert(s->n_free && w->n_sges <= ep->ep.caps.max_sges);
	place = s->free[--s->n_free];
	s->cookies[place] = w->cookie;
	wr->wr_id = WRID(0, place) | WRID_LAST | WRID_RECV;
	wr->num_sge = 0;
	if (ep->grh.length)
		wr->sg_list[wr->num_sge++] = ep->grh;
	for (i = 0; i < w->n_sges; i++)
		wr->sg_list[wr->num_sge++] = (struct ibv_sge){
			.addr = (uintptr_t)w->sges[i].addr,
			.length = (uint32_t)w->sges[i].len,
			.lkey = w->sges[i].region->lkey,
		};
}

/* Up to VERBS_BATCH receives by one doorbell; how many, or -errno. */
static int post_recvs(struct verbs_ep *ep, const struct work *w,
		      const struct work *end)
{
	struct ibv_recv_wr *last, *next, *bad;
	int ret, n = 0;

	do {
		last = &ep->recv_wrs[n];
		fill_recv(ep, last, &w[n++]);
	} while (w + n < end && w[n].op == OP_RECV && n < VERBS_BATCH);
	next = last->next;
	last->next = NULL;
	ret = ibv_post_srq_recv(ep->srq->srq, ep->recv_wrs, &bad);
	last->next = next;
	ep->ep.counts.posts += (uint64_t)n;
	ep->ep.counts.doorbells++;
	if (!ret)
		return n;
	ep->failed = true;
	return err_sys(&ep->ep.err, ret > 0 ? -ret : ret,
		       "rdma: cannot post to a shared receive queue");
}

/* A run of something else. */
static int post_others(struct ep *base, const struct work *w,
		       const struct work *end)
{
	unsigned n = 0;
	int ret;

	while (w + n < end && w[n].op != OP_RECV)
		n++;
	ret = verbs_post(base, w, n);
	return ret ? ret : (int)n;
}

int verbs_srq_post(struct ep *base, const struct work *w, unsigned n)
{
	struct verbs_ep *ep = verbs_ep(base);
	const struct work *end = w + n;
	int done = ep->failed ? -EIO : 0;

	for (; w < end && done >= 0; w += done > 0 ? done : 0)
		done = w->op == OP_RECV ? post_recvs(ep, w, end)
					: post_others(base, w, end);
	return done < 0 ? done : 0;
}

void verbs_srq_take(struct verbs_ep *ep, const struct ibv_wc *wc,
		    struct comp *comp)
{
	struct verbs_srq *s = ep->srq;
	const uint32_t place = WRID_SEQ(wc->wr_id);
	const bool imm = wc->wc_flags & IBV_WC_WITH_IMM;

	*comp = (struct comp){
		.cookie = s->cookies[place],
		.bytes = wc->byte_len - ep->grh.length,
		.imm = imm ? ntohl(wc->imm_data) : 0,
		.lane = (uint16_t)place_of(s, wc->qp_num)->lane,
		.op = OP_RECV,
		.level = LEVEL_DELIVERED,
	};
	s->free[s->n_free++] = place;
	ep->ep.counts.recvs++;
	/* What came with immediate data was written elsewhere. */
	if (!imm)
		ep->ep.counts.bytes_recv += comp->bytes;
}
