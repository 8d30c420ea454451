/*
 * Connections by RDMA CM, for both roles, without a wait that lacks a
 * deadline.
 *
 * RDMA CM brings the addresses, the packet numbers and, on iWARP, the whole
 * connection; the queue pairs stay the caller's own, made in the caller's
 * context, so that everything around them (regions, queues, steps) is the
 * same as with plain verbs.
 *
 * The connect request carries half of a nonce that the control channel gave to
 * both ends, and the answer the other half (base/nonce.h).  A passive end
 * listens on an address of the network, so anybody may knock: whoever does not
 * know the nonce is turned away, and the passive end goes on listening.
 *
 * RDMA CM does not work on lo: an address there belongs to no device.
 */
#ifndef RDMA_CM_H
#define RDMA_CM_H

#include "base/nonce.h"
#include "rdma/qp.h"

struct cm;

struct cm_attr {
	const struct rdma_port *port;	     /* stays open until cm_free */
	const struct sockaddr_storage *addr; /* to listen on; NULL: active */
	const uint8_t *nonce;		     /* NONCE_BYTES */
	unsigned n_lanes;
};

/* What both ends have agreed on through the control channel. */
struct cm_link {
	const struct sockaddr_storage *peer; /* for the active end */
	unsigned mtu_bytes;		     /* at most; 0 on iWARP */
	uint8_t rd_atomic;
	/* Of each lane, behind the one before: hundreds take longer than one. */
	uint64_t timeout_ns;
};

/* With an address: binds to it with a free port and listens. */
int cm_new(struct cm **cm, const struct cm_attr *attr, struct err *err);

/* Where a passive end listens, with its port. */
void cm_listen_addr(const struct cm *cm, struct sockaddr_storage *addr);

/* The queue pair of a lane, in INIT; it must outlive cm_disconnect. */
void cm_set_qp(struct cm *cm, unsigned lane, struct ibv_qp *qp);

/* Connects every lane; the queue pairs are in RTS afterwards, and nobody
 * listens any more. */
int cm_connect(struct cm *cm, const struct cm_link *link, struct err *err);
int cm_accept(struct cm *cm, const struct cm_link *link, struct err *err);

/* Readable when something happened to the connection; cm_check then tells
 * whether it ended: 0 or -ECONNRESET. */
int cm_fd(const struct cm *cm);
int cm_check(struct cm *cm, struct err *err);

/* Tells the peer, and does not wait for it.  Then the queue pairs go, then
 * this. */
void cm_disconnect(struct cm *cm);
void cm_free(struct cm *cm);

#endif
