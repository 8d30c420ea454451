/*
 * Both ends on this host, over shared memory: what the harness itself
 * costs, and how the other transports are meant to behave.
 *
 * A message is its length (8 bytes) and its bytes, padded to 8, in the
 * sender's ring; one that does not fit goes in chunks as the receiver makes
 * room.
 *
 * Sleeping (POLL_EVENT) is an event count: the sleeper says so, looks once
 * more, and waits on that word; who moved an index looks at the word
 * afterwards.  The fence between is paid only towards an end that sleeps.
 *
 * Counts: a doorbell is an index published.
 */
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "transport/loop_move.h"

extern const struct transport transport_loop;

/* --- the short way -------------------------------------------------------- */

/*
 * A message of one piece and up to 64 bytes, posted alone on a link of one
 * lane whose other end never sleeps, takes the short way: what the harness
 * costs is measured by it, so it calls nothing.  Whatever is out of the
 * ordinary takes the long way (loop_move.c), which knows every case.
 */

static inline bool recv_short(struct lane *l, const struct work *w)
{
	struct itemq *const q = &l->recvs;
	struct item *const it = itemq_at(q, q->tail);

	if (w->n_sges != 1 || w->lane || q->tail - q->head >= q->depth ||
	    !w->sges[0].len)
		return false;
	it->cookie = w->cookie;
	it->iov[0] = (struct iovec){w->sges[0].addr, w->sges[0].len};
	it->bytes = w->sges[0].len;
	it->left = w->sges[0].len;
	it->first = 0;
	it->n = 1;
	q->tail++;
	return true;
}

static inline bool send_short(struct loop *p, struct lane *l,
			      const struct work *w)
{
	struct half *const tx = &l->tx;
	const struct sge *const sge = w->sges;
	uint64_t len, need;
	char *to;

	if (w->op != OP_SEND || w->n_sges != 1 || w->lane ||
	    (w->flags & WORK_SIGNAL) || l->sends.head != l->sends.tail)
		return false;
	len = sge->len;
	need = 8 + padded(len);
	if (len - 1 >= RING_COPY_MAX || half_room(tx, need) < need)
		return false;
	to = half_at(tx);
	tx->pos += need;
	memcpy(to, &len, sizeof(len));
	ring_copy(to + 8, sge->addr, len);
	half_publish(tx);
	p->ep.counts.doorbells++;
	loop_count_send(p, len);
	return true;
}

static int loop_post(struct ep *ep, const struct work *work, unsigned n)
{
	struct loop *const p = loop_of(ep);
	struct lane *const l = p->lanes;
	bool done = false;

	if (n == 1 && p->plain)
		done = work->op == OP_RECV ? recv_short(l, work)
					   : send_short(p, l, work);
	if (__builtin_expect(!done, 0))
		return loop_post_any(p, work, n);
	ep->counts.posts++;
	return 0;
}

static int loop_poll(struct ep *ep, struct comp *comp, unsigned n)
{
	struct loop *const p = loop_of(ep);
	struct lane *const l = p->lanes;
	struct half *const rx = &l->rx;
	const struct item *it;
	uint64_t avail, len;
	const char *from;

	if (!p->plain || !n || l->msg_left || l->sends.head != l->sends.tail ||
	    l->recvs.head == l->recvs.tail)
		return loop_poll_any(p, comp, n);
	avail = half_filled(rx);
	if (avail - 1 >= rx->bytes)
		return loop_poll_any(p, comp, n);
	it = itemq_at(&l->recvs, l->recvs.head);
	from = half_at(rx);
	memcpy(&len, from, sizeof(len));
	if (len - 1 >= RING_COPY_MAX || len > it->iov[0].iov_len ||
	    8 + padded(len) > avail)
		return loop_poll_any(p, comp, n);
	ring_copy(it->iov[0].iov_base, from + 8, len);
	rx->pos += 8 + padded(len);
	half_publish(rx);
	l->recvs.head++;
	item_delivered(it, 0, len, comp);
	p->ep.counts.doorbells++;
	p->ep.counts.recvs++;
	p->ep.counts.bytes_recv += len;
	return 1;
}

/* --- sleeping ------------------------------------------------------------- */

static void sleep_until_woken(_Atomic uint32_t *asleep, uint64_t timeout_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(timeout_ns / 1000000000u),
		.tv_nsec = (long)(timeout_ns % 1000000000u),
	};

	syscall(SYS_futex, asleep, FUTEX_WAIT, 1, &ts, NULL, 0);
}

static int loop_block(struct ep *ep, struct comp *comp, unsigned n,
		      uint64_t timeout_ns)
{
	struct loop *p = loop_of(ep);
	_Atomic uint32_t *asleep = &p->own.head->asleep;
	int got;

	got = loop_poll(ep, comp, n);
	if (got || !timeout_ns || !p->connected)
		return got;
	/* Poll again after saying so: what came in between would find us
	 * neither awake nor asleep. */
	atomic_store(asleep, 1);
	atomic_thread_fence(memory_order_seq_cst);
	got = loop_poll(ep, comp, n);
	if (!got)
		sleep_until_woken(asleep, timeout_ns);
	atomic_store_explicit(asleep, 0, memory_order_relaxed);
	return got ? got : loop_poll(ep, comp, n);
}

/* --- open, connect, close ------------------------------------------------- */

static int loop_probe(const struct ep_attr *attr, struct err *err)
{
	return soft_check_attr("loop", attr, err);
}

static void lanes_fini(struct loop *p)
{
	unsigned i;

	for (i = 0; p->lanes && i < p->n_lanes; i++) {
		itemq_fini(&p->lanes[i].sends);
		itemq_fini(&p->lanes[i].recvs);
	}
	free(p->lanes);
}

static int lanes_init(struct loop *p, const struct ep_attr *attr,
		      struct err *err)
{
	unsigned i;
	int ret = 0;

	p->n_lanes = attr->lanes;
	p->lanes = calloc(p->n_lanes, sizeof(*p->lanes));
	if (!p->lanes)
		return err_sys(err, -ENOMEM, "loop: %u lanes", p->n_lanes);
	for (i = 0; i < p->n_lanes && !ret; i++) {
		p->lanes[i].no = i;
		ret = itemq_init(&p->lanes[i].sends, attr->send_depth,
				 attr->first_sequence, err);
		if (!ret)
			ret = itemq_init(&p->lanes[i].recvs, attr->recv_depth,
					 attr->first_sequence, err);
	}
	if (ret)
		lanes_fini(p);
	return ret;
}

static int loop_open(struct ep **ep, const struct ep_attr *attr,
		     struct blob *blob, struct err *err)
{
	struct loop *p;
	int ret;

	ret = loop_probe(attr, err);
	if (!ret)
		ret = ep_no_extras(attr, "loop", err);
	if (ret)
		return ret;
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_sys(err, -ENOMEM, "loop: end");
	p->ep.tp = &transport_loop;
	p->ep.poll = attr->poll;
	p->ep.clock = attr->clock;
	p->ep.caps = (struct caps){
		.ops = OP_BIT(OP_SEND) | OP_BIT(OP_RECV),
		.max_sges = SOFT_SGES,
		.max_lanes = SOFT_LANES_MAX,
		.max_depth = SOFT_DEPTH_MAX,
		.software_device = true,
		.path = "loopback",
		.detail = "shared memory",
	};
	ret = lanes_init(p, attr, err);
	if (ret)
		goto free_loop;
	ret = seg_make(&p->own, attr, blob, err);
	if (ret)
		goto free_lanes;
	*ep = &p->ep;
	return 0;

free_lanes:
	lanes_fini(p);
free_loop:
	free(p);
	return ret;
}

static void half_init(struct half *h, struct seg *seg, unsigned lane)
{
	*h = (struct half){
		.ring = seg->rings[lane],
		.bytes = seg->ring_bytes,
		.mine = &seg->index[lane].head,
		.theirs = &seg->index[lane].tail,
	};
}

/* Needs the other end's memory only, not its help: never waits. */
static int loop_connect(struct ep *ep, const struct blob *peer,
			uint64_t timeout_ns, struct err *err)
{
	struct loop *p = loop_of(ep);
	unsigned i;
	int ret;

	(void)timeout_ns;
	ret = seg_join(&p->peer, &p->own, peer, err);
	if (ret)
		return ret;
	for (i = 0; i < p->n_lanes; i++) {
		struct half *rx = &p->lanes[i].rx;

		half_init(&p->lanes[i].tx, &p->own, i);
		half_init(rx, &p->peer, i);
		rx->mine = &p->peer.index[i].tail;
		rx->theirs = &p->peer.index[i].head;
	}
	p->peer_sleeps = p->peer.head->event;
	p->connected = true;
	p->plain = p->n_lanes == 1 && !p->peer_sleeps;
	return 0;
}

static void loop_close(struct ep *ep)
{
	struct loop *p = loop_of(ep);

	if (!ep)
		return;
	atomic_store(&p->own.head->closed, 1);
	if (p->connected)
		loop_wake(p);
	seg_fini(&p->peer);
	seg_fini(&p->own);
	lanes_fini(p);
	free(p);
}

const struct transport transport_loop = {
	.name = "loop",
	.summary = "shared memory on this host: the harness's own cost",
	.probe = loop_probe,
	.open = loop_open,
	.reg = soft_reg,
	.dereg = soft_dereg,
	.connect = loop_connect,
	.post = loop_post,
	.poll = loop_poll,
	.block = loop_block,
	.close = loop_close,
};
