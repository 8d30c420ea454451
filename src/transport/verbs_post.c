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
#include "transport/verbs_op.h"

/* What the short way's requests have in common. */
static void short_init(struct verbs_ep *ep)
{
	ep->short_in[0] = ep->grh;
	ep->short_send = (struct ibv_send_wr){
		.sg_list = &ep->short_out,
		.num_sge = 1,
	};
}

void verbs_post_init(struct verbs_ep *ep)
{
	unsigned i;

	short_init(ep);
	for (i = 0; i < VERBS_BATCH; i++) {
		const unsigned next = (i + 1) % VERBS_BATCH;

		ep->send_wrs[i].next = &ep->send_wrs[next];
		ep->send_wrs[i].sg_list = &ep->sges[(size_t)i * VERBS_SGES_WR];
		ep->recv_wrs[i].next = &ep->recv_wrs[next];
		ep->recv_wrs[i].sg_list = &ep->sges[(size_t)i * VERBS_SGES_WR];
	}
}

static __attribute__((cold, noinline)) int post_failed(struct verbs_ep *ep,
						       int ret,
						       const char *what)
{
	int e = rdma_errno(ret);

	ep->failed = true;
	if (e == -ENOMEM)
		return err_set(&ep->ep.err, e, REASON_INTERNAL,
			       "rdma: more %s posted than the queue was opened "
			       "for",
			       what);
	return err_sys(&ep->ep.err, e, "rdma: cannot post %s", what);
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
	ret = ep->placing ? rdma_flush_post(qp, ep->send_wrs)
			  : ibv_post_send(qp, ep->send_wrs, &bad);
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

static inline uint64_t work_bytes(const struct work *w)
{
	uint64_t bytes = w->n_sges ? w->sges[0].len : 0;
	unsigned i;

	for (i = 1; i < w->n_sges; i++)
		bytes += w->sges[i].len;
	return bytes;
}

/* Where in a message's memory the next piece begins. */
struct cut {
	const struct sge *sges;
	unsigned left;	 /* sges */
	size_t sge_done; /* bytes of the first */
};

/* The next at most `max` bytes; returns the number of sges. */
static inline int cut_piece(struct cut *cut, struct ibv_sge *out, uint64_t max)
{
	uint64_t len;
	int n = 0;

	for (; cut->left && max; max -= len) {
		const struct sge *in = cut->sges;

		len = in->len - cut->sge_done;
		out[n].addr = (uintptr_t)in->addr + cut->sge_done;
		out[n].lkey = in->region->lkey;
		if (len > max) {
			out[n++].length = (uint32_t)max;
			cut->sge_done += max;
			break;
		}
		out[n].length = (uint32_t)len;
		/* To mlx5 a length of 0 is 2 GiB: leave such sges out. */
		n += len != 0;
		cut->sges++;
		cut->left--;
		cut->sge_done = 0;
	}
	return n;
}

/* What its completion will say: of a receive the bytes are counted as they
 * arrive, piece by piece. */
static inline struct comp completion_of(const struct work *w, uint64_t bytes)
{
	return (struct comp){
		.cookie = w->cookie,
		.bytes = bytes,
		.lane = (uint16_t)w->lane,
		.op = (uint8_t)w->op,
		.level = verbs_op_table[w->op].level,
	};
}

/* The next message's slot, which says that, but with this cookie; nothing of
 * one that will not complete by itself (said: NULL). */
static inline void ring_take(struct ring *ring, const struct comp *said,
			     uint64_t cookie)
{
	const uint32_t seq = ring->head;
	struct comp *slot;

	assert(seq - ring->tail < ring->depth);
	ring->head = seq + 1;
	if (!said)
		return;
	slot = slot_of(ring, seq);
	*slot = *said;
	slot->cookie = cookie;
}

static inline uint64_t take_slot(struct ring *ring, const struct work *w,
				 uint64_t bytes)
{
	const struct comp said = completion_of(w, bytes);
	const uint64_t id = WRID(w->lane, ring->head);

	ring_take(ring, &said, w->cookie);
	return id;
}

static void fill_remote(struct ibv_send_wr *wr, const struct work *w,
			enum verbs_kind kind, uint64_t offset)
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

static inline struct ibv_send_wr *next_send(struct verbs_ep *ep,
					    const struct verbs_op *op,
					    uint64_t id)
{
	struct ibv_send_wr *wr = &ep->send_wrs[ep->n_wrs++];

	wr->wr_id = id;
	wr->opcode = op->more;
	wr->send_flags = 0;
	return wr;
}

/* All pieces of a message but the last; `done` is where that begins. */
static int cut_send(struct verbs_ep *ep, const struct work *w, struct cut *cut,
		    uint64_t bytes, uint64_t *done)
{
	const struct verbs_op *op = &verbs_op_table[w->op];
	struct verbs_lane *lane = &ep->lanes[w->lane];
	const uint64_t id = WRID(w->lane, lane->sq.head - 1);
	struct ibv_send_wr *wr;
	int ret;

	for (*done = 0; bytes - *done > ep->segment_bytes;
	     *done += ep->segment_bytes) {
		wr = next_send(ep, op, id);
		wr->num_sge = cut_piece(cut, wr->sg_list, ep->segment_bytes);
		if (op->kind != KIND_MESSAGE)
			fill_remote(wr, w, op->kind, *done);
		ret = ep->n_wrs == VERBS_BATCH ? ring_send(ep, lane->qp) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

/* The end is closed to further work: what the batch had gathered before this
 * item must not go out with a later one. */
static int no_such_op(struct verbs_ep *ep, const struct work *w)
{
	ep->failed = true;
	return err_set(&ep->ep.err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
		       "rdma: %s has no such operation (%u)", ep->port.name,
		       (unsigned)w->op);
}

static inline void fill_datagram(struct ibv_send_wr *wr,
				 const struct verbs_ep *ep,
				 const struct verbs_lane *lane)
{
	wr->wr.ud.ah = lane->ah;
	wr->wr.ud.remote_qpn = lane->remote_qpn;
	wr->wr.ud.remote_qkey = ep->remote_qkey;
}

/* What operations are counted by, and their bytes. */
static inline uint64_t *count_of(struct ep_counts *c, const struct verbs_op *op)
{
	return op->tells ? &c->sends : &c->one_sided;
}

static inline uint64_t *bytes_of(struct ep_counts *c, const struct verbs_op *op)
{
	return op->kind == KIND_MESSAGE ? &c->bytes_sent : &c->bytes_one_sided;
}

static inline unsigned signal_flag(const struct work *w)
{
	return w->flags & WORK_SIGNAL ? IBV_SEND_SIGNALED : 0;
}

static inline unsigned inline_flag(const struct verbs_ep *ep,
				   const struct verbs_op *op, uint64_t bytes)
{
	return op->carries && bytes <= ep->inline_bytes ? IBV_SEND_INLINE : 0;
}

/* What the last, or only, piece of a message is beside its memory; `done` is
 * where it begins. */
static inline void fill_send(struct verbs_ep *ep, const struct verbs_lane *lane,
			     const struct work *w, struct ibv_send_wr *wr,
			     uint64_t bytes, uint64_t done)
{
	const struct verbs_op *op = &verbs_op_table[w->op];

	wr->opcode = op->opcode;
	wr->send_flags = inline_flag(ep, op, bytes) | signal_flag(w);
	if (op->kind != KIND_MESSAGE)
		fill_remote(wr, w, op->kind, done);
	else if (ep->ah)
		fill_datagram(wr, ep, lane);
	++*count_of(&ep->ep.counts, op);
	*bytes_of(&ep->ep.counts, op) += bytes;
}

static inline int add_send(struct verbs_ep *ep, struct verbs_lane *lane,
			   const struct work *w)
{
	const struct verbs_op *op = &verbs_op_table[w->op];
	struct cut cut = {.sges = w->sges, .left = w->n_sges};
	const uint64_t bytes = work_bytes(w);
	struct ibv_send_wr *wr;
	uint64_t done = 0, id;
	int ret;

	if (__builtin_expect(!(ep->ep.caps.ops & OP_BIT(w->op)), 0))
		return no_such_op(ep, w);
	assert(w->n_sges <= ep->ep.caps.max_sges);
	id = take_slot(&lane->sq, w, bytes) | WRID_LAST;
	if (w->op == OP_FLUSH && w->placement == PLACE_PERSISTENT)
		slot_of(&lane->sq, id)->level = LEVEL_DURABLE;
	if (__builtin_expect(bytes > ep->segment_bytes, 0)) {
		ret = cut_send(ep, w, &cut, bytes, &done);
		if (ret)
			return ret;
	}
	wr = next_send(ep, op, id);
	wr->num_sge = cut_piece(&cut, wr->sg_list, bytes - done);
	fill_send(ep, lane, w, wr, bytes, done);
	return ep->n_wrs == VERBS_BATCH ? ring_send(ep, lane->qp) : 0;
}

static int cut_recv(struct verbs_ep *ep, const struct work *w, struct cut *cut,
		    uint64_t *left)
{
	struct verbs_lane *lane = &ep->lanes[w->lane];
	const uint64_t id = WRID(w->lane, lane->rq.head - 1) | WRID_RECV;
	struct ibv_recv_wr *wr;
	int ret;

	for (; *left > ep->segment_bytes; *left -= ep->segment_bytes) {
		wr = &ep->recv_wrs[ep->n_wrs++];
		wr->wr_id = id;
		wr->num_sge = cut_piece(cut, wr->sg_list, ep->segment_bytes);
		ret = ep->n_wrs == VERBS_BATCH ? ring_recv(ep, lane->qp) : 0;
		if (ret)
			return ret;
	}
	return 0;
}

static inline int add_recv(struct verbs_ep *ep, struct verbs_lane *lane,
			   const struct work *w)
{
	const uint64_t id = take_slot(&lane->rq, w, 0) | WRID_LAST | WRID_RECV;
	struct cut cut = {.sges = w->sges, .left = w->n_sges};
	uint64_t left = work_bytes(w);
	struct ibv_recv_wr *wr;
	int ret;

	assert(w->n_sges <= ep->ep.caps.max_sges);
	if (__builtin_expect(left > ep->segment_bytes, 0)) {
		ret = cut_recv(ep, w, &cut, &left);
		if (ret)
			return ret;
	}
	wr = &ep->recv_wrs[ep->n_wrs++];
	wr->wr_id = id;
	wr->num_sge = 0;
	if (ep->grh.length)
		wr->sg_list[wr->num_sge++] = ep->grh;
	wr->num_sge += cut_piece(&cut, wr->sg_list + wr->num_sge, left);
	return ep->n_wrs == VERBS_BATCH ? ring_recv(ep, lane->qp) : 0;
}

/* Consecutive work of one lane and one direction goes out together; the run
 * ends before the returned item. */
static const struct work *post_sends(struct verbs_ep *ep, const struct work *w,
				     const struct work *end, int *ret)
{
	struct verbs_lane *lane = &ep->lanes[w->lane];
	const unsigned index = w->lane;

	do {
		*ret = add_send(ep, lane, w++);
	} while (w < end && w->op != OP_RECV && w->lane == index && !*ret);
	if (!*ret)
		*ret = ring_send(ep, lane->qp);
	return w;
}

static const struct work *post_recvs(struct verbs_ep *ep, const struct work *w,
				     const struct work *end, int *ret)
{
	struct verbs_lane *lane = &ep->lanes[w->lane];
	const unsigned index = w->lane;

	do {
		*ret = add_recv(ep, lane, w++);
	} while (w < end && w->op == OP_RECV && w->lane == index && !*ret);
	if (!*ret)
		*ret = ring_recv(ep, lane->qp);
	return w;
}

/*
 * What is posted alone and in one piece, as in a round trip, takes the short
 * way: nothing of gathering, cutting or chaining, which would be a third of
 * what we add to the device's own time.
 */
static inline bool is_short(const struct verbs_ep *ep, const struct work *w,
			    unsigned n)
{
	return n == 1 && w->n_sges == 1 &&
	       w->sges->len - 1 < ep->segment_bytes &&
	       ep->ep.caps.ops & OP_BIT(w->op) && !ep->placing && !ep->failed;
}

static inline void short_piece(struct ibv_sge *piece, const struct sge *sge)
{
	piece->addr = (uintptr_t)sge->addr;
	piece->length = (uint32_t)sge->len;
	piece->lkey = sge->region->lkey;
}

/* The doorbell of a short one first: nobody looks for its completion before we
 * return, and what that will say need not be waited for.  The lane is looked up
 * again then, and no register saved for it. */
static inline int ring_recv_short(struct verbs_ep *ep, const struct work *w)
{
	struct verbs_lane *lane = ep->again_recv;
	struct ibv_recv_wr *bad;
	int ret;

	ep->short_recv.wr_id =
		WRID(w->lane, lane->rq.head) | WRID_LAST | WRID_RECV;
	ret = ibv_post_recv(lane->qp, &ep->short_recv, &bad);
	ring_take(&ep->again_recv->rq, &ep->short_came, w->cookie);
	ep->ep.counts.posts++;
	ep->ep.counts.doorbells++;
	return __builtin_expect(ret, 0) ? post_failed(ep, ret, "receives") : 0;
}

static inline int recv_short(struct verbs_ep *ep, struct verbs_lane *lane,
			     const struct work *w)
{
	const uint32_t room = w->flags & WORK_ROOM ? ep->grh.length : 0;
	const bool apart = ep->grh.length != room;

	short_piece(&ep->short_in[1], w->sges);
	ep->short_in[1].addr -= room;
	ep->short_in[1].length += room;
	ep->short_room = room;
	ep->short_recv.sg_list = &ep->short_in[!apart];
	ep->short_recv.num_sge = 1 + apart;
	ep->short_came = completion_of(w, 0);
	ep->again_recv = lane;
	return ring_recv_short(ep, w);
}

/* Each out of line, so that none saves registers for another. */
static __attribute__((noinline)) int recv_again(struct verbs_ep *ep,
						const struct work *w)
{
	ep->short_in[1].addr = (uintptr_t)w->sges->addr - ep->short_room;
	return ring_recv_short(ep, w);
}

static inline int ring_send_short(struct verbs_ep *ep, const struct work *w)
{
	struct ibv_send_wr *wr = &ep->short_send, *bad;
	struct verbs_lane *lane = ep->again;
	int ret;

	wr->wr_id = WRID(w->lane, lane->sq.head) | WRID_LAST;
	wr->send_flags = ep->short_flags | signal_flag(w);
	if (ep->short_kind != KIND_MESSAGE)
		fill_remote(wr, w, ep->short_kind, 0);
	ret = ibv_post_send(lane->qp, wr, &bad);
	ring_take(&ep->again->sq,
		  w->flags & WORK_SIGNAL ? &ep->short_sent : NULL, w->cookie);
	ep->ep.counts.posts++;
	ep->ep.counts.doorbells++;
	++*ep->short_count;
	*ep->short_bytes += ep->short_sent.bytes;
	return __builtin_expect(ret, 0) ? post_failed(ep, ret, "sends") : 0;
}

static inline int send_short(struct verbs_ep *ep, struct verbs_lane *lane,
			     const struct work *w)
{
	const struct verbs_op *op = &verbs_op_table[w->op];
	const uint64_t bytes = w->sges->len;

	short_piece(&ep->short_out, w->sges);
	ep->short_sent = completion_of(w, bytes);
	ep->short_kind = op->kind;
	ep->short_count = count_of(&ep->ep.counts, op);
	ep->short_bytes = bytes_of(&ep->ep.counts, op);
	ep->short_flags = inline_flag(ep, op, bytes);
	ep->short_send.opcode = op->opcode;
	if (op->kind == KIND_MESSAGE && ep->ah)
		fill_datagram(&ep->short_send, ep, lane);
	ep->again = lane;
	return ring_send_short(ep, w);
}

static __attribute__((noinline)) int post_again(struct verbs_ep *ep,
						const struct work *w)
{
	ep->short_out.addr = (uintptr_t)w->sges->addr;
	return ring_send_short(ep, w);
}

static __attribute__((noinline)) int post_short(struct verbs_ep *ep,
						const struct work *w)
{
	struct verbs_lane *lane;

	assert(w->lane < ep->n_lanes);
	lane = &ep->lanes[w->lane];
	return w->op == OP_RECV ? recv_short(ep, lane, w)
				: send_short(ep, lane, w);
}

static __attribute__((noinline)) int post_any(struct verbs_ep *ep,
					      const struct work *w, unsigned n)
{
	const struct work *end = w + n;
	int ret = ep->failed ? -EIO : 0;

	if (n == 1)
		*(w->op == OP_RECV ? &ep->again_recv : &ep->again) = NULL;
	while (w < end && !ret) {
		assert(w->lane < ep->n_lanes);
		if (w->op == OP_RECV)
			w = post_recvs(ep, w, end, &ret);
		else
			w = post_sends(ep, w, end, &ret);
	}
	return ret;
}

int verbs_post(struct ep *base, const struct work *w, unsigned n)
{
	struct verbs_ep *ep = verbs_ep(base);

	if (n == 1 && w->flags & WORK_AGAIN && !ep->failed) {
		if (w->op == OP_RECV && ep->again_recv)
			return recv_again(ep, w);
		if (w->op != OP_RECV && ep->again)
			return post_again(ep, w);
	}
	if (__builtin_expect(is_short(ep, w, n), 1))
		return post_short(ep, w);
	return post_any(ep, w, n);
}
