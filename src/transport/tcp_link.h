/*
 * How two ends of transport tcp meet: one socket per lane, each introduced
 * by a hello (half of the session's nonce and the lane) and answered by one
 * with the other half, so that neither end takes a stranger for its peer and
 * connect returns only when the other end has taken the link.
 */
#ifndef TRANSPORT_TCP_LINK_H
#define TRANSPORT_TCP_LINK_H

#include "base/nonce.h"
#include "transport/soft.h"

struct tcp_link {
	struct sockaddr_storage local; /* where data links live, no port */
	struct sockaddr_storage peer;  /* passive: known once connected */
	uint8_t nonce[NONCE_BYTES];
	enum role role;
	unsigned lanes;
	int listener;		 /* -1: none */
	int fds[SOFT_LANES_MAX]; /* -1: not connected */
};

/* Copies what it needs of attr; a passive end listens from here on. */
int tcp_link_open(struct tcp_link *link, const struct ep_attr *attr,
		  struct blob *blob, struct err *err);

/* Connects every lane, or none.  The sockets are left blocking. */
int tcp_link_connect(struct tcp_link *link, const struct blob *peer,
		     uint64_t timeout_ns, struct err *err);

void tcp_link_close(struct tcp_link *link);

#endif
