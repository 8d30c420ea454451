#include "transport/loop_move.h"

#include <linux/futex.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- sleeping and waking -------------------------------------------------- */

void loop_wake(struct loop *p)
{
	_Atomic uint32_t *asleep = &p->peer.head->asleep;

	atomic_thread_fence(memory_order_seq_cst);
	if (!atomic_load_explicit(asleep, memory_order_relaxed))
		return;
	if (atomic_exchange(asleep, 0))
		syscall(SYS_futex, asleep, FUTEX_WAKE, 1, NULL, NULL, 0);
}

static inline void publish(struct loop *p, struct half *h)
{
	half_publish(h);
	p->ep.counts.doorbells++;
	if (p->peer_sleeps)
		loop_wake(p);
}

/* --- copying -------------------------------------------------------------- */

/* Between the ring and the next n bytes of an item's pieces. */
static void copy_item(struct item *it, char *ring, uint64_t n, bool to_ring)
{
	while (n) {
		struct iovec *iov = &it->iov[it->first];
		size_t part = n < iov->iov_len ? n : iov->iov_len;

		if (to_ring)
			memcpy(ring, iov->iov_base, part);
		else
			memcpy(iov->iov_base, ring, part);
		item_advance(it, part);
		ring += part;
		n -= part;
	}
}

/* --- sending -------------------------------------------------------------- */

static inline void write_length(struct half *tx, uint64_t bytes)
{
	memcpy(half_at(tx), &bytes, sizeof(bytes));
	tx->pos += sizeof(bytes);
}

/* Writes what there is room for: 1 if that was the rest, 0, or -errno. */
static int item_send(struct loop *p, struct half *tx, struct item *it)
{
	uint64_t space = half_room(tx, padded(it->left) + 8);
	uint64_t n;

	if (space < 16)
		return 0;
	if (!it->begun) {
		write_length(tx, it->left);
		it->begun = 1;
		space -= 8;
	}
	n = it->left < space ? it->left : space;
	copy_item(it, half_at(tx), n, true);
	tx->pos += padded(n);
	publish(p, tx);
	if (it->left)
		return 0;
	loop_count_send(p, it->bytes);
	return 1;
}

/* Until all is sent or the ring is full. */
static int lane_flush(struct loop *p, struct lane *l)
{
	int ret;

	while (l->sends.done != l->sends.tail) {
		ret = item_send(p, &l->tx, itemq_at(&l->sends, l->sends.done));
		if (ret <= 0)
			return ret;
		l->sends.done++;
	}
	return 0;
}

static int post_send(struct loop *p, struct lane *l, const struct work *w)
{
	struct itemq *q = &l->sends;
	struct item *it = soft_fill(q, w);
	int ret;

	if (!it)
		return soft_refuse(&p->ep, q, w);
	if (q->done == q->tail) {
		ret = item_send(p, &l->tx, it);
		if (ret < 0)
			return ret;
		if (ret && !it->signal)
			return 0;
		q->done += (unsigned)ret;
	}
	q->tail++;
	return 0;
}

/* --- receiving ------------------------------------------------------------ */

static __attribute__((cold, noinline)) int bad_index(struct loop *p)
{
	return err_set(&p->ep.err, -EPROTO, REASON_PEER_PROTOCOL,
		       "loop: the other end's ring makes no sense");
}

static __attribute__((cold, noinline)) int too_long(struct loop *p,
						    uint64_t msg, uint64_t have)
{
	return err_set(&p->ep.err, -EMSGSIZE, REASON_LINK_FAILED,
		       "loop: a message of %llu bytes met a receive of %llu",
		       (unsigned long long)msg, (unsigned long long)have);
}

/* The length of the next message, taken out of the ring. */
static int begin_message(struct loop *p, struct lane *l, const struct item *it)
{
	uint64_t bytes;

	memcpy(&bytes, half_at(&l->rx), sizeof(bytes));
	if (__builtin_expect(bytes - 1 >= it->left, 0))
		return too_long(p, bytes, it->left);
	l->rx.pos += 8;
	l->msg_bytes = bytes;
	l->msg_left = bytes;
	return 0;
}

/* Moves what is there into the oldest receive: 1 if that completed it, 0 if
 * the ring is empty, -EAGAIN if there may be more, or another -errno. */
static int item_recv(struct loop *p, struct lane *l)
{
	struct item *it = itemq_at(&l->recvs, l->recvs.head);
	struct half *rx = &l->rx;
	uint64_t avail = half_filled(rx), n;
	int ret;

	if (!avail)
		return 0;
	if (__builtin_expect(!half_is_sound(rx, avail), 0))
		return bad_index(p);
	if (!l->msg_left) {
		ret = begin_message(p, l, it);
		if (ret)
			return ret;
		avail -= 8;
	}
	n = l->msg_left < avail ? l->msg_left : avail;
	copy_item(it, half_at(rx), n, false);
	rx->pos += padded(n);
	l->msg_left -= n;
	return l->msg_left ? -EAGAIN : 1;
}

/* Takes messages until the ring is empty or `comp` is full; the room that
 * this makes is published once. */
static int lane_recv(struct loop *p, struct lane *l, struct comp *comp,
		     unsigned n)
{
	uint64_t known = l->rx.pos; /* to the sender */
	unsigned got = 0;
	int ret = 0;

	while (got < n && l->recvs.head != l->recvs.tail) {
		ret = item_recv(p, l);
		if (ret == -EAGAIN) {
			publish(p, &l->rx);
			known = l->rx.pos;
			continue;
		}
		if (ret <= 0)
			break;
		item_delivered(itemq_at(&l->recvs, l->recvs.head++), l->no,
			       l->msg_bytes, &comp[got++]);
		p->ep.counts.recvs++;
		p->ep.counts.bytes_recv += l->msg_bytes;
	}
	if (l->rx.pos != known)
		publish(p, &l->rx);
	return got ? (int)got : ret;
}

/* --- post, poll, block ---------------------------------------------------- */

static __attribute__((cold, noinline)) int refuse_post(struct loop *p,
						       const struct work *w)
{
	if (w->lane >= p->n_lanes)
		return err_set(&p->ep.err, -EINVAL, REASON_INTERNAL,
			       "loop: lane %u of %u", w->lane, p->n_lanes);
	if (w->op != OP_SEND)
		return err_set(&p->ep.err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
			       "loop: has only send and receive");
	return err_set(&p->ep.err, -ENOTCONN, REASON_INTERNAL,
		       "loop: a send before connect");
}

static int post_one(struct loop *p, const struct work *w)
{
	struct lane *l;

	if (w->lane >= p->n_lanes)
		return refuse_post(p, w);
	l = &p->lanes[w->lane];
	if (w->op == OP_SEND && p->connected)
		return post_send(p, l, w);
	if (w->op != OP_RECV)
		return refuse_post(p, w);
	if (!soft_fill(&l->recvs, w))
		return soft_refuse(&p->ep, &l->recvs, w);
	l->recvs.tail++;
	return 0;
}

int loop_post_any(struct loop *p, const struct work *work, unsigned n)
{
	unsigned i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = post_one(p, &work[i]);
		if (ret)
			return ret;
		p->ep.counts.posts++;
	}
	return 0;
}

/* Something is awaited of an end that has closed, and what it had sent
 * before has been taken. */
static __attribute__((noinline)) int lane_lost(struct loop *p, struct lane *l)
{
	bool recvs = l->recvs.head != l->recvs.tail && !half_filled(&l->rx);
	bool sends = l->sends.done != l->sends.tail;

	if (!recvs && !sends)
		return 0;
	return err_set(&p->ep.err, -ECONNRESET, REASON_PEER_LOST,
		       "loop: the other end has closed");
}

static int lane_poll(struct loop *p, struct lane *l, struct comp *comp,
		     unsigned n)
{
	unsigned got = 0;
	int ret;

	if (l->sends.head != l->sends.tail) {
		ret = lane_flush(p, l);
		if (ret)
			return ret;
		got = itemq_reap(&l->sends, l->no, comp, n);
	}
	ret = lane_recv(p, l, comp + got, n - got);
	if (ret > 0)
		return (int)got + ret;
	if (got || ret < 0)
		return got ? (int)got : ret;
	if (atomic_load_explicit(&p->peer.head->closed, memory_order_acquire))
		return lane_lost(p, l);
	return 0;
}

/* Goes round, so that a busy lane does not starve the others. */
int loop_poll_any(struct loop *p, struct comp *comp, unsigned n)
{
	unsigned i, got = 0;
	int ret;

	for (i = 0; i < p->n_lanes && got < n && p->connected; i++) {
		ret = lane_poll(p, &p->lanes[p->next], &comp[got], n - got);
		if (ret < 0)
			return got ? (int)got : ret;
		got += (unsigned)ret;
		if (++p->next == p->n_lanes)
			p->next = 0;
	}
	return (int)got;
}
