/*
 * Many TCP connections of one process, made and ended: what rdma/conns.h is
 * for RDMA.  The steps are its: the socket is CONNS_ID, connecting until it
 * is established CONNS_HANDSHAKE, closing CONNS_DESTROY.
 */
#ifndef WORK_SOCKETS_H
#define WORK_SOCKETS_H

#include "rdma/conns.h"

struct sockets {
	unsigned n;
	const struct clock *clock;
	conns_took *took;
	void *arg;
	const uint8_t *nonce; /* the session's */
	int listener;
	int *fd;       /* of each connection; -1: none */
	uint64_t *t0;  /* of its handshake */
	int *nameless; /* accepted, and not yet told which they are */
	unsigned n_nameless;
	uint64_t made, ended; /* sockets of connections */
};

int sockets_init(struct sockets *s, const struct conns_attr *attr,
		 struct err *err);
void sockets_fini(struct sockets *s); /* zeroed struct is fine */

/* With a free port, into *addr. */
int sockets_listen(struct sockets *s, struct sockaddr_storage *addr,
		   struct err *err);
/* Accepts what waits. */
int sockets_accept(struct sockets *s, struct err *err);

int sockets_connect(struct sockets *s, unsigned first, unsigned n,
		    const struct sockaddr_storage *peer, struct err *err);

/* The connection's number, over the connection, and whose it is. */
int sockets_say(struct sockets *s, unsigned i, struct err *err);
/* All of [first, first + n) must have said theirs; strangers are closed. */
int sockets_hear(struct sockets *s, unsigned first, unsigned n,
		 struct err *err);

void sockets_close(struct sockets *s, unsigned first, unsigned n);

#endif
