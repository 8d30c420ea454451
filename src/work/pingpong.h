/*
 * Ping-pong of messages and writes: the client's goes over, the server's
 * comes back as soon as it is seen, one at a time.  What is timed is the full
 * round trip.
 *
 * How the other end sees it: a send and a write with immediate data take a
 * receive.  A plain write takes none, so a second one of no bytes, with
 * immediate data, follows it by the same doorbell: on RC and UC what was
 * written before is visible then (IBTA 1.4, 9.5 and o9-20).  On a link that
 * loses messages the first of them may be lost alone: there the write itself
 * has the immediate data.  Or, with
 * `poll_memory`, the other end looks at the last byte that is written and
 * takes the rest for there as well, which only some devices promise.
 *
 * On a link that loses messages the client sends anew what has not come back
 * within WINDOW_LOSS_NS, and counts it: as lost, and not as an operation.
 */
#ifndef WORK_PINGPONG_H
#define WORK_PINGPONG_H

#include "work/late.h"
#include "work/window.h"

struct pingpong_attr {
	enum op op; /* send, write or write with immediate data */
	size_t size;
	bool poll_memory; /* write only */
	unsigned sges;
	enum exchange_verify verify;
};

/* Receives posted: one for what comes, one for what comes late, while the
 * third is not posted again yet. */
enum { PINGPONG_RECVS = 3, PINGPONG_WORKS = 2 };

/* A message that came: its immediate data and whose receive it took. */
struct pingpong_came {
	uint32_t imm;
	uint8_t recv;
};

struct pingpong {
	struct end *end;
	struct ep *ep; /* the end's */
	struct pingpong_attr a;
	bool lossy;
	/* A message that is written, and tells its number besides; one whose
	 * memory alone says which it is. */
	bool by_number, numbered;
	uint8_t seen; /* last byte of what came last */
	enum scan_stamp stamp;
	uint64_t seed; /* of what this end sends */
	/* A place for each receive, so that what comes late spoils nothing;
	 * what is written goes to the first, or on a lossy link, by its
	 * number, to all in turn. */
	char *tx, *rx;
	size_t stride;
	unsigned n_works;
	struct work *last; /* of the works */
	unsigned signal_every, until_signal;
	uint64_t sent, completed; /* works */
	unsigned most_sent;	  /* and not completed: there is room */
	unsigned rounds;	  /* between two words with the peer */
	uint64_t number;	  /* of the next operation, from 1 */
	/* What is looked at: where it is, and its receive, which is to be
	 * posted again. */
	char *at;
	unsigned recv;
	/* What came and is not looked at yet, oldest first: on a lossy link
	 * more than one message may at once. */
	unsigned n_came;
	struct pingpong_came came[PINGPONG_RECVS];
	uint64_t verified, lost;
	struct work works[PINGPONG_WORKS], recvs[PINGPONG_RECVS];
	struct sge recv_sges[PINGPONG_RECVS], sges[WINDOW_SGES_MAX];
	uint64_t remote_addr;
	uint32_t remote_rkey;
	struct mem mem;
	struct region *region;
	struct late late;
};

uint64_t pingpong_bytes(const struct pingpong_attr *a);

int pingpong_init(struct pingpong *p, struct end *e,
		  const struct pingpong_attr *a, struct err *err);
void pingpong_fini(struct pingpong *p);
int pingpong_client(struct pingpong *p, const struct phase *ph,
		    struct err *err);
int pingpong_server(struct pingpong *p, const struct phase *ph,
		    struct err *err);
/* The last one that came, whole. */
int pingpong_verify(struct pingpong *p, struct err *err);

#endif
