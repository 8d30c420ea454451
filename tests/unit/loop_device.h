/*
 * A device between an end and its link of the loop transport (loop_pair.h),
 * of which the tests decide what it loses or spoils, what it counts, and what
 * it has not yet put into memory.  Each end has one of its own; writes and
 * reads, which loop has not, are carried out in this process's memory.
 */
#ifndef TESTS_UNIT_LOOP_DEVICE_H
#define TESTS_UNIT_LOOP_DEVICE_H

#include <sched.h>

#include "loop_pair.h"

enum { DEVICE_LOST_MAX = 64, DEVICE_EARLY_BYTES = 8, DEVICE_LANES = 2 };
enum { DEVICE_SEEN = 64 };

struct loop_device {
	/* What a test wants of it; sends count from 1. */
	unsigned drop_every;   /* 0: none is lost */
	unsigned repeat_every; /* 0: none arrives twice */
	unsigned spoil_at;     /* this one's tenth byte, on its way */
	unsigned stale_at;     /* the last 8 bytes of this one stayed what those
			      * of the one before it were */
	unsigned extra_bell, extra_bytes; /* counted of each post */
	bool no_read;	 /* reads complete, and have brought nothing */
	bool late_sends; /* complete after what came next */
	/* What is there too, for who takes one at a time. */
	struct comp second;
	bool holds_second;

	/* What it saw. */
	uint64_t bells, sends, dropped, repeated, taken, writes, reads;
	_Atomic uint64_t recvs;
	bool no_credit; /* sends for which the other end had no receive */
	uint64_t tail;	/* of the last send */
	/* Where the first sends etc., and receives, had their memory. */
	const char *send_at[DEVICE_SEEN], *recv_at[DEVICE_SEEN];

	/* What completes without arriving, after as many others of its
	 * lane. */
	struct {
		struct comp comp;
		uint64_t after;
	} lost[DEVICE_LOST_MAX];
	unsigned n_lost;
	uint64_t signalled[DEVICE_LANES], completed[DEVICE_LANES];

	/* Of the latest write only the begin is in memory: the rest follows
	 * with the next one, or with a read. */
	char *to;
	const char *from;
	size_t len;
};

static struct loop_device devices[2]; /* by role */

static struct loop_device *device_of(const struct ep *ep)
{
	return &devices[ep == server.ep];
}

static void device_complete(struct loop_device *d, const struct work *w)
{
	if (!(w->flags & WORK_SIGNAL))
		return;
	assert_true(d->n_lost < DEVICE_LOST_MAX);
	d->lost[d->n_lost].comp = (struct comp){
		.cookie = w->cookie,
		.lane = (uint16_t)w->lane,
		.op = (uint8_t)w->op,
	};
	d->lost[d->n_lost++].after = d->signalled[w->lane];
}

/* In the order of their lane, as queue pairs do. */
static int device_next_lost(struct loop_device *d, struct comp *comp)
{
	unsigned i;

	for (i = 0; i < d->n_lost; i++) {
		const unsigned lane = d->lost[i].comp.lane;

		if (d->lost[i].after != d->completed[lane])
			continue;
		d->completed[lane]++;
		*comp = d->lost[i].comp;
		d->n_lost--;
		memmove(d->lost + i, d->lost + i + 1,
			(d->n_lost - i) * sizeof(d->lost[0]));
		return 1;
	}
	return 0;
}

static void device_remote(struct loop_device *d, const struct work *w)
{
	char *far = (char *)(uintptr_t)w->remote_addr; /* one process */
	const struct sge *s = w->sges;

	if (d->len)
		memcpy(d->to, d->from, d->len);
	d->len = 0;
	if (w->op == OP_READ) {
		memcpy(s->addr, far, d->no_read ? 0 : s->len);
		d->reads++;
		return;
	}
	memcpy(far, s->addr, DEVICE_EARLY_BYTES);
	d->to = far + DEVICE_EARLY_BYTES;
	d->from = (char *)s->addr + DEVICE_EARLY_BYTES;
	d->len = s->len - DEVICE_EARLY_BYTES;
	d->writes++;
}

/* As the link would. */
static void device_count(struct ep *ep, const struct work *w, bool remote)
{
	uint64_t bytes = 0;
	unsigned i;

	for (i = 0; i < w->n_sges; i++)
		bytes += w->sges[i].len;
	ep->counts.posts++;
	if (remote)
		ep->counts.bytes_one_sided += bytes;
	else
		ep->counts.bytes_sent += bytes;
}

/* As a network may; the other end has both at once. */
static int device_repeat(struct ep *ep, struct loop_device *d,
			 const struct work *w)
{
	struct work again = *w;

	again.flags = 0;
	d->repeated++;
	return loop->post(ep, &again, 1);
}

static int device_send(struct ep *ep, struct loop_device *d,
		       const struct work *w)
{
	const bool spoil = d->spoil_at && d->sends == d->spoil_at;
	char *byte = spoil ? (char *)w->sges[0].addr + 9 : NULL;
	char *tail = (char *)w->sges[0].addr + w->sges[0].len - 8;
	const bool stale = d->stale_at && d->sends == d->stale_at;
	uint64_t own = 0;
	int ret;

	d->no_credit |= d->sends - d->dropped > devices[d == &devices[0]].recvs;
	if (spoil)
		*byte ^= 1;
	if (d->stale_at) {
		memcpy(&own, tail, sizeof(own));
		memcpy(tail, stale ? &d->tail : &own, sizeof(own));
		d->tail = own;
	}
	ret = loop->post(ep, w, 1);
	if (!ret && d->repeat_every && d->sends % d->repeat_every == 0)
		ret = device_repeat(ep, d, w);
	if (spoil)
		*byte ^= 1;
	if (d->stale_at)
		memcpy(tail, &own, sizeof(own));
	return ret;
}

static int device_post_one(struct ep *ep, struct loop_device *d,
			   const struct work *w)
{
	const bool remote = w->op == OP_WRITE || w->op == OP_READ;
	int ret = 0;

	if (w->op == OP_RECV) {
		if (d->recvs < DEVICE_SEEN && w->n_sges)
			d->recv_at[d->recvs] = w->sges->addr;
		d->recvs++;
		/* loop has no empty messages */
		return w->n_sges ? loop->post(ep, w, 1) : 0;
	}
	if (d->sends < DEVICE_SEEN && w->n_sges)
		d->send_at[d->sends] = w->sges->addr;
	d->sends++;
	if (!remote && (!d->drop_every || d->sends % d->drop_every)) {
		ret = device_send(ep, d, w);
	} else {
		if (remote)
			device_remote(d, w);
		d->dropped += !remote;
		device_count(ep, w, remote);
		device_complete(d, w);
	}
	d->signalled[w->lane] += (w->flags & WORK_SIGNAL) != 0;
	return ret;
}

static int device_post(struct ep *ep, const struct work *w, unsigned n)
{
	struct loop_device *d = device_of(ep);
	unsigned i;
	int ret = 0;

	d->bells += 1 + d->extra_bell;
	for (i = 0; !ret && i < n; i++)
		ret = device_post_one(ep, d, &w[i]);
	ep->counts.doorbells = d->bells;
	ep->counts.bytes_sent += d->extra_bytes;
	return ret;
}

static void await_second(struct ep *ep, struct loop_device *d,
			 struct comp *comp)
{
	while (!loop->poll(ep, comp, 1))
		sched_yield();
	assert_int_equal(comp->op, OP_RECV);
	d->holds_second = true;
}

static int take_second(struct loop_device *d, struct comp *comp)
{
	*comp = d->second;
	d->holds_second = false;
	return 1;
}

/* One completion, or two: with what has come twice, when it is there too. */
static int device_take(struct ep *ep, struct loop_device *d, struct comp *comp,
		       unsigned n)
{
	const unsigned every = devices[d == &devices[0]].repeat_every;
	int ret;

	if (d->holds_second)
		return take_second(d, comp);
	ret = loop->poll(ep, comp, 1);
	if (ret == 1 && d->late_sends && comp->op != OP_RECV) {
		d->second = *comp;
		await_second(ep, d, comp);
		return 1;
	}
	if (ret < 1 || !every || comp->op != OP_RECV ||
	    ++d->taken % (every + 1) != every)
		return ret;
	await_second(ep, d, &d->second);
	d->taken++;
	return n > 1 ? 1 + take_second(d, comp + 1) : 1;
}

static int device_poll(struct ep *ep, struct comp *comp, unsigned n)
{
	struct loop_device *d = device_of(ep);
	int ret = device_next_lost(d, comp);

	if (!ret) {
		ret = device_take(ep, d, comp, n);
		if (ret > 0 && comp->op != OP_RECV)
			d->completed[comp->lane]++;
	}
	ep->counts.doorbells = d->bells;
	return ret;
}

/* The transport that the ends get (loop_link.between).  Also finds loop. */
static struct transport device_transport(void)
{
	struct transport t;

	loop = transport_find("loop");
	t = *loop;
	t.post = device_post;
	t.poll = device_poll;
	t.reg = reg_for_peer;
	return t;
}

/* As new, but for what a test wants of them. */
static void devices_renew(void)
{
	unsigned i;

	for (i = 0; i < 2; i++)
		devices[i] = (struct loop_device){
			.drop_every = devices[i].drop_every,
			.repeat_every = devices[i].repeat_every,
			.spoil_at = devices[i].spoil_at,
			.stale_at = devices[i].stale_at,
			.extra_bell = devices[i].extra_bell,
			.extra_bytes = devices[i].extra_bytes,
			.no_read = devices[i].no_read,
		};
}

#endif
