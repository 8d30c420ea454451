/*
 * Many RDMA connections of one process, made and ended step by step and each
 * step told to the caller, for both roles; by plain verbs or by RDMA CM.
 *
 * Every connection has a protection domain, a completion queue and a queue
 * pair of its own: the cost of a connection is that of all it needs.
 * Several are made at once by doing each step for all of them before the next
 * one begins, so that their waits overlap; a step that waits counts for each
 * from its own start to its own end.
 *
 * No verbs header is needed here.
 */
#ifndef RDMA_CONNS_H
#define RDMA_CONNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/nonce.h"
#include "rdma/device.h"

enum conns_step {
	CONNS_ID, /* RDMA CM's id, TCP's socket */
	CONNS_ADDR,
	CONNS_ROUTE,
	CONNS_PD,
	CONNS_CQ,
	CONNS_QP,
	CONNS_INIT,
	CONNS_HANDSHAKE, /* verbs: the exchange; else connect and accept */
	CONNS_RTR,
	CONNS_RTS,
	CONNS_DISCONNECT,
	CONNS_DESTROY,
	CONNS_STEPS
};

/* A step of connection `i` took so many ticks. */
typedef void conns_took(void *arg, enum conns_step step, unsigned i,
			uint64_t ticks);

/* Is asked while a step waits for the peer: -errno and words end the wait. */
typedef int conns_pulse(void *arg, struct err *err);

struct conns_attr {
	const struct rdma_want *want;
	unsigned n; /* connections at the same time at most */
	bool passive;
	const uint8_t *nonce; /* NONCE_BYTES; RDMA CM and sockets */
	const struct clock *clock;
	conns_took *took;
	conns_pulse *pulse; /* of the active end */
	void *arg;
};

struct conns;

/* no-device, no-permission as rdma_port_open. */
int conns_new(struct conns **c, const struct conns_attr *attr, struct err *err);
void conns_free(struct conns *c); /* NULL is fine; ends what there is */

const char *conns_device(const struct conns *c);
bool conns_software(const struct conns *c);
bool conns_iwarp(const struct conns *c);
const struct sockaddr_storage *conns_addr(const struct conns *c);

/* Made and ended since conns_new: calls that succeeded. */
struct conns_counts {
	uint64_t qps;	      /* made */
	uint64_t made, ended; /* PDs, CQs, QPs and CM ids */
};
void conns_counts(const struct conns *c, struct conns_counts *counts);

/* --- plain verbs ------------------------------------------------------------ */

/* What one end tells the other about one of its queue pairs. */
struct conns_end {
	uint32_t qpn, psn, mtu_bytes;
	uint16_t lid;
	uint8_t rd_atomic;
	uint8_t gid[16];
};

/* PD, CQ, QP and INIT of [first, first + n); at the passive end with a
 * receive posted. */
int conns_make(struct conns *c, unsigned first, unsigned n, struct err *err);
void conns_end_of(const struct conns *c, unsigned i, struct conns_end *end);

/* RTR and RTS. */
int conns_join(struct conns *c, unsigned i, const struct conns_end *peer,
	       struct err *err);

/* --- RDMA CM ---------------------------------------------------------------- */

/* The passive end listens on its device's address; *addr is it with the port. */
int conns_listen(struct conns *c, struct sockaddr_storage *addr,
		 struct err *err);
/* Readable when conns_serve has something to do. */
int conns_fd(const struct conns *c);
/* Handles what has come: requests are accepted, what the peer disconnects is
 * ended.  Does not wait. */
int conns_serve(struct conns *c, struct err *err);

/* The active end: all steps. */
int conns_connect(struct conns *c, unsigned first, unsigned n,
		  const struct sockaddr_storage *peer, struct err *err);
int conns_disconnect(struct conns *c, unsigned first, unsigned n,
		     struct err *err);

/* --- both -------------------------------------------------------------------- */

/* The connection carries a message without bytes, whose immediate data (not
 * on iWARP) is its number: the active end sends, the passive end must have
 * it. */
int conns_say(struct conns *c, unsigned i, struct err *err);
int conns_hear(struct conns *c, unsigned i, struct err *err);

/* Ends the connections' QP, CQ and PD (and id), all that can be: the error is
 * the first that cannot. */
int conns_destroy(struct conns *c, unsigned first, unsigned n, struct err *err);

#endif
