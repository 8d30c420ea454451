/*
 * A shared receive queue: one queue of receives for all lanes of a link, so
 * that as many are posted as may be on their way, and not as many for each
 * lane (IBTA 1.4, 10.2.9; MVAPICH's "Shared receive queue based scalable MPI
 * design", Sur, Chai, Jin, Panda, IPDPS 2006).
 *
 * Receives are taken in the order of posting, but messages of different lanes
 * may complete in another one: a receive has a place of its own, not a turn in
 * a ring.  Messages have one piece.
 */
#ifndef TRANSPORT_VERBS_SRQ_H
#define TRANSPORT_VERBS_SRQ_H

#include "transport/verbs_ep.h"

/* `depth` receives; queue pairs are made with ->srq afterwards. */
int verbs_srq_make(struct verbs_ep *ep, unsigned depth, struct err *err);
/* Once the queue pairs are there: whose number is which lane. */
int verbs_srq_lanes(struct verbs_ep *ep, struct err *err);
/* After the queue pairs; NULL is fine. */
void verbs_srq_free(struct verbs_ep *ep);

/* As verbs_post; receives go to the shared queue, whatever their lane. */
int verbs_srq_post(struct ep *base, const struct work *w, unsigned n);

/* A receive's completion: comp->lane is the one that it came on. */
void verbs_srq_take(struct verbs_ep *ep, const struct ibv_wc *wc,
		    struct comp *comp);

#endif
