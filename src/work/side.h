/*
 * A stream of requests and answers between the two ends of a scenario that
 * has no link: what they must tell each other while it runs.  TCP over the
 * address of the control channel's host; the passive end answers.
 */
#ifndef WORK_SIDE_H
#define WORK_SIDE_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

struct side {
	int listener, fd; /* -1: none */
};

/* Passive: listens on a free port of *addr, which is then in it. */
int side_listen(struct side *s, struct sockaddr_storage *addr, struct err *err);
/* Active: connects and shows its half of the nonce (base/nonce.h). */
int side_connect(struct side *s, const struct sockaddr_storage *peer,
		 const uint8_t *nonce, struct err *err);
/* Passive: takes the one that knows the nonce, within 4 s. */
int side_accept(struct side *s, const uint8_t *nonce, struct err *err);
void side_close(struct side *s);

/* All of it, or -errno; within 10 s. */
int side_send(struct side *s, const void *buf, size_t len, struct err *err);
int side_recv(struct side *s, void *buf, size_t len, struct err *err);

#endif
