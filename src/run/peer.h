/*
 * A peer, as the client sees it: the control channel, what it said of its
 * host, and, when it is our own child, its process.
 */
#ifndef RUN_PEER_H
#define RUN_PEER_H

#include <stdbool.h>
#include <sys/types.h>

#include "ctl/chan.h"
#include "ctl/hello.h"

struct peer {
	struct chan chan;
	struct hello hello;
	bool embedded;	/* a child process of ours */
	bool same_host; /* both ends compete for the same CPUs */
	pid_t child;
	struct frame frame; /* the last one received */
};

/* Who we are, to whoever we talk to. */
struct peer_self {
	const struct host *host;
	const struct token *token; /* proved by both ends; NULL: none */
	uint64_t connect_ns;	   /* to be called, and for each word of the
			      * handshake; 0: 4 s */
};

/* Starts our own server in a child process and talks to it over loopback.
 * Call it before any RDMA device is opened (it forks). */
int peer_open_embedded(struct peer *p, const struct peer_self *self,
		       struct err *err);

/* "host", "host:port", "[v6]:port". */
int peer_open(struct peer *p, const char *where, unsigned port,
	      const struct peer_self *self, struct err *err);

/* What both do once there is a connection: takes the socket over, whatever
 * comes of it, and introduces us. */
int peer_start(struct peer *p, int fd, const char *name,
	       const struct peer_self *self, struct err *err);

/* Says goodbye, reaps the child.  Safe on a zeroed struct. */
void peer_close(struct peer *p);

/* Sends, then waits for the answer `expect` into p->frame.  An ERROR from
 * the peer becomes this call's error, with its reason and words. */
int peer_ask(struct peer *p, enum frame_type ask, const void *payload,
	     size_t len, enum frame_type expect, struct err *err);

/* Waits for one answer, as above. */
int peer_expect(struct peer *p, enum frame_type expect, struct err *err);

/* The ERROR in p->frame as our error; one without a reason is no error that
 * the protocol knows. */
int peer_error(const struct peer *p, struct err *err);

/* Drops the trial that is going on at the peer, whatever its state.  What the
 * peer had to say of it before becomes *told (REASON_NONE: nothing); so does
 * why that could not be done. */
int peer_abort(struct peer *p, const struct err *why, struct err *told);

/* A link that breaks is what an end sees of the other one's giving up: what
 * that one told is the cause, unless it saw no more than that either.  `gone`:
 * it could not be told to drop the trial (peer_abort), so that *told is of the
 * control channel's end, and explains a link that failed or was refused. */
void peer_cause(struct err *why, const struct err *told, bool gone);

#endif
