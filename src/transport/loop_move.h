/*
 * The parts of an end of transport loop, and the long way that work takes
 * through it: any number of lanes and pieces, messages longer than the
 * ring, ends that sleep.  loop.c has the short way.
 */
#ifndef TRANSPORT_LOOP_MOVE_H
#define TRANSPORT_LOOP_MOVE_H

#include "transport/loop_ring.h"
#include "transport/loop_seg.h"

struct lane {
	struct half tx, rx;
	uint64_t msg_left; /* of the message being received; 0: none */
	uint64_t msg_bytes;
	struct itemq sends, recvs;
	unsigned no;
};

struct loop {
	struct ep ep;
	struct lane *lanes;
	unsigned n_lanes;
	unsigned next; /* the lane that poll looks at first */
	bool connected;
	bool plain; /* connected by one lane, the other end never sleeps */
	bool peer_sleeps; /* the other end is in event mode */
	struct seg own, peer;
};

static inline struct loop *loop_of(struct ep *ep)
{
	return (struct loop *)ep;
}

static inline void loop_count_send(struct loop *p, uint64_t bytes)
{
	p->ep.counts.sends++;
	p->ep.counts.bytes_sent += bytes;
}

/* As struct transport's post and poll. */
int loop_post_any(struct loop *p, const struct work *work, unsigned n);
int loop_poll_any(struct loop *p, struct comp *comp, unsigned n);

/* After an index was published to an end in event mode. */
void loop_wake(struct loop *p);

#endif
