/*
 * A window of operations: N outstanding, kept full, so that what is measured
 * is the rate and not the round trip (Kalia, Kaminsky, Andersen, "Design
 * guidelines for high performance RDMA systems", USENIX ATC 2016: doorbell
 * batching, selective signalling, inlining, and how many are outstanding).
 *
 * The client posts lists of `post_list` operations, one doorbell each, while
 * fewer than `outstanding` of them are not known to be complete; every
 * `signal_every`-th asks for a completion, which stands for those before it.
 * A list waits until the whole of it has room.
 *
 * Messages (send, write with immediate data) take receives at the server.
 * There are two windows of them (`outstanding` in whole lists); where each
 * message is acknowledged eight, but at most 1,019, of 1 MiB.  The client never
 * has more messages on their way than receives are posted: the server tells,
 * by a short message now and then, how many it has posted in all (credit).  On
 * a link that loses messages the client waits for credit only so long
 * (WINDOW_LOSS_NS), takes for lost what it has not been told of by then, and
 * takes that back when it is told: if only the credit was lost, or late, more
 * may be on their way meanwhile than receives are posted, and are lost then.
 * How many were lost is what was sent less what arrived, by either end's count.
 *
 * A write is complete when the peer's device acknowledges it; where it is when
 * it has left (iWARP), a phase ends with a read that what came before must
 * have arrived for.  Over links that lose messages there are no plain writes.
 *
 * What is exact: operations, posts and doorbells by this module's own count
 * against the link's; results of atomics (RC carries them out in order: each
 * finds what the one before left, which is more than a permutation);
 * payloads, which begin with the operation's number (but where buffers take
 * turns) and, where each is verified, are its own to the last byte
 * (STAMP_WHOLE), in the timed part.
 */
#ifndef WORK_WINDOW_H
#define WORK_WINDOW_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/mem.h"
#include "run/end.h"
#include "work/exchange.h"
#include "work/late.h"

enum { WINDOW_OUTSTANDING_MAX = 4096, WINDOW_LIST_MAX = 64 };
enum { WINDOW_SGES_MAX = 16 };

#define WINDOW_LOSS_NS 50000000u

struct window_attr {
	enum op op;
	size_t size; /* of an operation; at least `sges` */
	unsigned outstanding, post_list, sges, signal_every;
	/* Which of the link's lanes; and the server sends on it. */
	unsigned lane;
	bool reverse;
	/* Buffers at each end that take turns; 0: as many as may be needed at
	 * a time.  They overwrite each other then, so that all carry the same:
	 * none has a number.  Not with VERIFY_EACH, nor for atomics. */
	unsigned rotate;
	enum exchange_verify verify;
};

/* What a phase counted, beside what the link counts. */
struct window_counts {
	uint64_t done;	      /* operations completed */
	uint64_t posts;	      /* work requests for them, as the link says */
	uint64_t lists;	      /* doorbells for them */
	uint64_t completions; /* asked for and got */
	uint64_t most;	      /* outstanding at a time */
	uint64_t stalls;      /* lists that waited for credit alone */
	uint64_t recvs;	      /* receives posted, and doorbells for them */
	uint64_t recv_lists;
	uint64_t credits; /* messages with credit sent (server) */
};

struct window {
	struct end *end;
	struct window_attr a;
	bool told, lossy; /* operations take receives; may be lost */
	bool ordered;	  /* those that arrive do so in order */
	bool sender;	  /* this end's part in it */
	enum scan_stamp stamp;
	bool over;	    /* to be told with the next credit */
	unsigned peer_over; /* how often that was told to us */
	unsigned n_slots;   /* ours: outstanding, in whole lists */
	unsigned n_rx;	    /* receives */
	/* Buffers that those have; n_rx_places are the peer's memory. */
	unsigned n_tx_places, n_rx_places;
	size_t stride;
	struct mem mem;
	struct region *region;
	char *tx, *rx; /* slots to send from and to be reached at */
	uint64_t *credit_tx, *credit_rx;
	/* Made once: those of one list, and the memory of each buffer. */
	struct work *works, *recvs;
	struct sge *sges, *recv_sges;
	unsigned n_recv_sges;
	uint64_t *begun; /* ticks at which a signalled slot was posted */
	uint64_t remote_addr;
	size_t remote_step; /* from an operation's to the next; atomics: 0 */
	uint64_t number;    /* of the next operation, over all phases,
				 * from 1: 0 is what was never written */
	uint64_t posted, known; /* of this phase: posted, known complete */
	/* Places of the next that is posted, its buffer, and of the next that
	 * will be known. */
	unsigned slot, tx_place, known_slot;
	/* Sender: where in the peer's memory the next goes; else: the receive
	 * that the next message takes, and its buffer. */
	unsigned rx_slot, rx_place;
	bool alone;	/* all that this end posts is this window's */
	unsigned again; /* WORK_AGAIN, if it may be said of the next */
	unsigned since_signal;
	uint64_t granted; /* receives that the peer has ever posted */
	uint64_t gone;	  /* messages taken for lost, until told otherwise */
	bool doubt;	  /* we were: some of the rest may be on their way */
	uint64_t arrived; /* messages, over all phases */
	uint64_t credit_told;
	unsigned tell_after; /* so much of it that is untold */
	/* Of silence, after which all the credit there is is told; and that
	 * was so the last time. */
	uint64_t quiet_ns;
	bool told_quiet;
	unsigned credits_busy;
	uint64_t verified;
	struct late late;
	struct window_counts n;
};

/* Receives that an end of it posts, and work that it has outstanding. */
unsigned window_recv_depth(const struct window_attr *a);
unsigned window_send_depth(const struct window_attr *a);
/* Bytes that one end registers. */
uint64_t window_bytes(const struct window_attr *a);

/* Buffers, registered; receives posted; the token for the other end. */
int window_init(struct window *w, struct end *e, const struct window_attr *a,
		struct err *err);
void window_fini(struct window *w);

/* Fill the tally: operations, elapsed, latency from post to completion of
 * those that were signalled; `w->n` has the rest. */
int window_client(struct window *w, const struct phase *ph, struct err *err);
int window_server(struct window *w, const struct phase *ph, struct err *err);

/* A sender, after a phase: what it has written is in the other end's memory
 * then, and not only at its device. */
int window_flush(struct window *w, struct err *err);

/* What is in the slots after a phase, whole. */
int window_verify(struct window *w, struct err *err);

#endif
