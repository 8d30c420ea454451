/*
 * Work into work requests.  A post costs a few stores per work request and
 * one doorbell per run of sends or receives to one lane (on rxe a doorbell
 * of sends is a system call; elsewhere it is a store to the device).
 */
#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <string.h>

#include "transport/verbs_ep.h"

enum kind { KIND_NONE, KIND_MESSAGE, KIND_REMOTE, KIND_ATOMIC };

static const struct verbs_op {
	enum kind kind;
	enum ibv_wr_opcode opcode; /* of the last piece */
	enum ibv_wr_opcode more;   /* of those before */
	bool carries;		   /* payload goes out, may be inline */
	bool fetches;		   /* payload comes in */
} verbs_op_table[OP_COUNT] = {
	[OP_SEND] = {KIND_MESSAGE, IBV_WR_SEND, IBV_WR_SEND, true, false},
	[OP_WRITE] = {KIND_REMOTE, IBV_WR_RDMA_WRITE, IBV_WR_RDMA_WRITE, true,
		      false},
	[OP_WRITE_IMM] = {KIND_REMOTE, IBV_WR_RDMA_WRITE_WITH_IMM,
			  IBV_WR_RDMA_WRITE, true, false},
	[OP_READ] = {KIND_REMOTE, IBV_WR_RDMA_READ, IBV_WR_RDMA_READ, false,
		     true},
	[OP_FETCH_ADD] = {KIND_ATOMIC, IBV_WR_ATOMIC_FETCH_AND_ADD,
			  IBV_WR_ATOMIC_FETCH_AND_ADD, false, true},
	[OP_CMP_SWAP] = {KIND_ATOMIC, IBV_WR_ATOMIC_CMP_AND_SWP,
			 IBV_WR_ATOMIC_CMP_AND_SWP, false, true},
};

unsigned verbs_ops(const struct rdma_port *port)
{
	unsigned ops = OP_BIT(OP_SEND) | OP_BIT(OP_RECV) | OP_BIT(OP_WRITE) |
		       OP_BIT(OP_READ);

	/* RFC 5040 has no immediate data; siw follows it. */
	if (!port->iwarp)
		ops |= OP_BIT(OP_WRITE_IMM);
	if (port->attr.atomic_cap != IBV_ATOMIC_NONE)
		ops |= OP_BIT(OP_FETCH_ADD) | OP_BIT(OP_CMP_SWAP);
	return ops;
}

void verbs_post_init(struct verbs_ep *ep)
{
	unsigned i;

	for (i = 0; i < VERBS_BATCH; i++) {
		const unsigned next = (i + 1) % VERBS_BATCH;

		ep->send_wrs[i].next = &ep->send_wrs[next];
		ep->send_wrs[i].sg_list = &ep->sges[i * VERBS_SGES];
		ep->recv_wrs[i].next = &ep->recv_wrs[next];
		ep->recv_wrs[i].sg_list = &ep->sges[i * VERBS_SGES];
	}
}

static int post_failed(struct verbs_ep *ep, int e, const char *what)
{
	ep->failed = true;
	if (e == ENOMEM)
		return err_set(&ep->ep.err, -e, REASON_INTERNAL,
			       "rdma: more %s posted than the queue was opened "
			       "for", what);
	return err_sys(&ep->ep.err, -e, "rdma: cannot post %s", what);
}

/* Hands over what was gathered.  The arrays are chained for good; only the
 * last link is cut for the call. */
static int ring_send(struct verbs_ep *ep, struct ibv_qp *qp)
{
	struct ibv_send_wr *last, *next, *bad;
	int ret;

	if (!ep->n_wrs)
		return 0;
	last = &ep->send_wrs[ep->n_wrs - 1];
	next = last->next;
	last->next = NULL;
	ret = ibv_post_send(qp, ep->send_wrs, &bad);
	last->next = next;
	ep->ep.counts.posts += ep->n_wrs;
	ep->ep.counts.doorbells++;
	ep->n_wrs = 0;
	return ret ? post_failed(ep, ret, "sends") : 0;
}

static int ring_recv(struct verbs_ep *ep, struct ibv_qp *qp)
{
	struct ibv_recv_wr *last, *next, *bad;
	int ret;

	if (!ep->n_wrs)
		return 0;
	last = &ep->recv_wrs[ep->n_wrs - 1];
	next = last->next;
	last->next = NULL;
	ret = ibv_post_recv(qp, ep->recv_wrs, &bad);
	last->next = next;
	ep->ep.counts.posts += ep->n_wrs;
	ep->ep.counts.doorbells++;
	ep->n_wrs = 0;
	return ret ? post_failed(ep, ret, "receives") : 0;
}

static uint64_t work_bytes(const struct work *w)
{
	uint64_t bytes = 0;
	unsigned i;

	for (i = 0; i < w->n_sges; i++)
		bytes += w->sges[i].len;
	return bytes;
}

/* Where in a message's memory the next piece begins. */
struct cut {
	const struct work *work;
	unsigned sge;	 /* index */
	size_t sge_done; /* bytes of it */
	uint64_t done;	 /* bytes of the message */
};

/* The next at most `max` bytes; returns the number of sges. */
static int cut_piece(struct cut *cut, struct ibv_sge *out, uint64_t max)
{
	const struct sge *in;
	uint64_t left = max, len;
	int n = 0;

	while (cut->sge < cut->work->n_sges && left) {
		in = &cut->work->sges[cut->sge];
		len = in->len - cut->sge_done;
		if (len > left)
			len = left;
		/* To mlx5 a length of 0 is 2 GiB: leave such sges out. */
		if (len) {
			out[n].addr = (uintptr_t)in->addr + cut->sge_done;
			out[n].length = (uint32_t)len;
			out[n++].lkey = in->region->lkey;
		}
		left -= len;
		cut->sge_done += len;
		if (cut->sge_done == in->len) {
			cut->sge++;
			cut->sge_done = 0;
		}
	}
	cut->done += max - left;
	return n;
}

static struct slot *ring_take(struct ring *ring, const struct work *w,
			      uint64_t bytes)
{
	struct slot *slot = &ring->slots[ring->head & ring->mask];

	assert(ring->head - ring->tail < ring->depth);
	slot->cookie = w->cookie;
	slot->bytes = bytes;
	slot->op = w->op;
	return slot;
}

static void fill_remote(struct ibv_send_wr *wr, const struct work *w,
			enum kind kind, uint64_t offset)
{
	if (kind == KIND_ATOMIC) {
		wr->wr.atomic.remote_addr = w->remote_addr;
		wr->wr.atomic.rkey = w->remote_rkey;
		wr->wr.atomic.compare_add = w->compare_add;
		wr->wr.atomic.swap = w->swap;
		return;
	}
	wr->wr.rdma.remote_addr = w->remote_addr + offset;
	wr->wr.rdma.rkey = w->remote_rkey;
	wr->imm_data = htonl(w->imm);
}

static int add_send(struct verbs_ep *ep, struct verbs_lane *lane,
		    const struct work *w)
{
	const struct verbs_op *op = &verbs_op_table[w->op];
	const uint64_t bytes = work_bytes(w), id = WRID(w->lane, lane->sq.head);
	const unsigned flags = op->carries && bytes <= ep->inline_bytes
				       ? IBV_SEND_INLINE : 0;
	struct cut cut = {.work = w};
	struct ibv_send_wr *wr;
	uint64_t offset;
	int ret;

	assert(op->kind != KIND_NONE && w->n_sges <= VERBS_SGES);
	ring_take(&lane->sq, w, bytes);
	do {
		if (ep->n_wrs == VERBS_BATCH) {
			ret = ring_send(ep, lane->qp);
			if (ret)
				return ret;
		}
		wr = &ep->send_wrs[ep->n_wrs++];
		offset = cut.done;
		wr->num_sge = cut_piece(&cut, wr->sg_list, ep->segment_bytes);
		wr->wr_id = id;
		wr->opcode = op->more;
		wr->send_flags = flags;
		if (op->kind != KIND_MESSAGE)
			fill_remote(wr, w, op->kind, offset);
	} while (cut.done < bytes);
	wr->wr_id |= WRID_LAST;
	wr->opcode = op->opcode;
	if (w->flags & WORK_SIGNAL)
		wr->send_flags |= IBV_SEND_SIGNALED;
	lane->sq.head++;
	ep->ep.counts.sends++;
	ep->ep.counts.bytes_sent += op->carries ? bytes : 0;
	ep->ep.counts.bytes_recv += op->fetches ? bytes : 0;
	return 0;
}

static int add_recv(struct verbs_ep *ep, struct verbs_lane *lane,
		    const struct work *w)
{
	const uint64_t bytes = work_bytes(w);
	const uint64_t id = WRID_RECV | WRID(w->lane, lane->rq.head);
	struct cut cut = {.work = w};
	struct ibv_recv_wr *wr;
	int ret;

	/* The slot counts what arrives, piece by piece. */
	ring_take(&lane->rq, w, 0);
	do {
		if (ep->n_wrs == VERBS_BATCH) {
			ret = ring_recv(ep, lane->qp);
			if (ret)
				return ret;
		}
		wr = &ep->recv_wrs[ep->n_wrs++];
		wr->num_sge = cut_piece(&cut, wr->sg_list, ep->segment_bytes);
		wr->wr_id = id;
	} while (cut.done < bytes);
	wr->wr_id |= WRID_LAST;
	if (bytes > ep->segment_bytes)
		ep->cut_recvs = true;
	lane->rq.head++;
	return 0;
}

/* Consecutive work of one lane and one direction goes out together. */
static const struct work *run_end(const struct work *w, const struct work *end)
{
	const bool recv = w->op == OP_RECV;
	const unsigned lane = w->lane;

	do {
		w++;
	} while (w < end && w->lane == lane && (w->op == OP_RECV) == recv);
	return w;
}

int verbs_post(struct ep *base, const struct work *w, unsigned n)
{
	struct verbs_ep *ep = verbs_ep(base);
	const struct work *end = w + n, *stop;
	struct verbs_lane *lane;
	int ret = ep->failed ? -EIO : 0;
	bool recv;

	while (w < end && !ret) {
		assert(w->lane < ep->n_lanes);
		lane = &ep->lanes[w->lane];
		recv = w->op == OP_RECV;
		for (stop = run_end(w, end); w < stop && !ret; w++)
			ret = recv ? add_recv(ep, lane, w)
				   : add_send(ep, lane, w);
		if (!ret)
			ret = recv ? ring_recv(ep, lane->qp)
				   : ring_send(ep, lane->qp);
	}
	return ret;
}
