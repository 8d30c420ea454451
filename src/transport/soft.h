/*
 * What the transports that move bytes by CPU (tcp, loop) have in common:
 * regions that pin nothing, and queues of posted work that remember how far
 * a message has got.
 *
 * A queue is a ring made at open.  For sends, [head, done) have been taken
 * by the link and wait to be reported, [done, tail) are on their way; for
 * receives only head and tail are used.
 */
#ifndef TRANSPORT_SOFT_H
#define TRANSPORT_SOFT_H

#include <errno.h>
#include <sys/uio.h>

#include "transport/transport.h"

enum {
	SOFT_SGES = 14, /* makes struct item 256 bytes */
	SOFT_DEPTH_MAX = 1 << 16,
	SOFT_LANES_MAX = 64,
};

/* One posted message.  All that a message of one piece needs is in the
 * first 64 bytes. */
struct item {
	uint64_t cookie;
	uint64_t bytes; /* of the whole message */
	uint64_t left;	/* not moved yet */
	uint16_t first; /* the piece that is being moved */
	uint16_t n;	/* pieces from there on */
	uint8_t signal;
	uint8_t begun; /* loop: the length is in the ring */
	uint16_t unused;
	struct iovec iov[SOFT_SGES]; /* iov[first] is what remains of it */
} __attribute__((aligned(64)));

struct itemq {
	struct item *items;
	uint32_t mask, depth;
	uint32_t head, done, tail;
};

int itemq_init(struct itemq *q, unsigned depth, uint32_t first,
	       struct err *err);
void itemq_fini(struct itemq *q);

/* Bounds of an attr that both transports share. */
int soft_check_attr(const char *name, const struct ep_attr *attr,
		    struct err *err);

int soft_reg(struct ep *ep, void *addr, size_t len, unsigned access,
	     struct region **region, struct err *err);
void soft_dereg(struct ep *ep, struct region *region);

/* What is wrong with a work that soft_fill refused; fills ep->err. */
int soft_refuse(struct ep *ep, const struct itemq *q, const struct work *w);

/* Moves the iov of an item on by `bytes`. */
void item_advance(struct item *it, size_t bytes);

static inline struct item *itemq_at(const struct itemq *q, uint32_t i)
{
	return &q->items[i & q->mask];
}

/* Writes a work into the free slot at tail, without taking the slot yet:
 * a send that goes out at once and unsignalled never needs it.  NULL if
 * the work is not sound (soft_refuse says why).  Empty pieces are left
 * out. */
static inline struct item *soft_fill(const struct itemq *q,
				     const struct work *w)
{
	struct item *const it = itemq_at(q, q->tail);
	uint64_t bytes;
	unsigned i, n = 0;

	if (__builtin_expect(q->tail - q->head >= q->depth, 0) ||
	    __builtin_expect(w->n_sges - 1 >= SOFT_SGES, 0))
		return NULL;
	bytes = w->sges[0].len;
	it->iov[0] = (struct iovec){w->sges[0].addr, bytes};
	n += bytes != 0;
	for (i = 1; i < w->n_sges; i++) {
		it->iov[n] = (struct iovec){w->sges[i].addr, w->sges[i].len};
		n += w->sges[i].len != 0;
		bytes += w->sges[i].len;
	}
	if (__builtin_expect(!bytes, 0))
		return NULL;
	it->cookie = w->cookie;
	it->bytes = bytes;
	it->left = bytes;
	it->first = 0;
	it->n = (uint16_t)n;
	it->signal = w->flags & WORK_SIGNAL;
	it->begun = 0;
	return it;
}

/* Reports finished sends; the unsignalled ones only free their slot. */
static inline unsigned itemq_reap(struct itemq *q, unsigned lane,
				  struct comp *comp, unsigned n)
{
	unsigned got = 0;

	while (q->head != q->done && got < n) {
		const struct item *it = itemq_at(q, q->head++);

		if (!it->signal)
			continue;
		comp[got++] = (struct comp){
			.cookie = it->cookie,
			.bytes = it->bytes,
			.lane = (uint16_t)lane,
			.op = OP_SEND,
			.level = LEVEL_LOCAL,
		};
	}
	return got;
}

static inline void item_delivered(const struct item *it, unsigned lane,
				  uint64_t bytes, struct comp *comp)
{
	*comp = (struct comp){
		.cookie = it->cookie,
		.bytes = bytes,
		.lane = (uint16_t)lane,
		.op = OP_RECV,
		.level = LEVEL_DELIVERED,
	};
}

#endif
