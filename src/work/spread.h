/*
 * Operations spread over many queue pairs, memory regions and pages: what a
 * device has to look up for each of them, and may not have at hand (Dragojevic
 * et al., FaRM, NSDI 2014; Tsai and Zhang, LITE, SOSP 2017; Kalia et al.,
 * FaSST, OSDI 2016; Novakovic et al., Storm, SYSTOR 2019).
 *
 * `outstanding` slots each have one operation on its way; the k-th operation
 * of slot s has the number s + k * outstanding and goes to lane (number modulo
 * lanes).  One of the two numbers divides the other, so that no lane ever has
 * more on its way than its share.  Writes and reads go to a random unit of the
 * peer's memory, cut into `regions`; a unit is the operation's size in whole
 * pages.  A send is a request that the server answers: it posts the receive
 * again before, so that a lane never has more requests on their way than
 * receives are posted, and the client counts on no more than that.
 *
 * Fetch-adds all go to one word, whichever lane they are on: what they find is
 * together 0, 1, 2 ... without a gap and each once, and ascending on a lane
 * (RC carries them out in order).
 *
 * On a link that loses messages, what has brought no answer for WINDOW_LOSS_NS
 * is lost: it is counted, and is no operation, unless its answer comes in the
 * same phase after all, and before its slot gives up another.  A measured phase
 * in which no request is answered has failed (link-failed).
 *
 * With fewer `receives` than that it is not so: requests arrive where no
 * receive is posted and a reliable link sends them again, after the time that
 * the peer's device names (IBTA 1.4, 9.7.5.2.8).  Those that were begun while
 * all receives of their queue pair were spoken for are counted.
 */
#ifndef WORK_SPREAD_H
#define WORK_SPREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/mem.h"
#include "run/end.h"
#include "work/window.h"

enum { SPREAD_PAGE = 4096, SPREAD_REGIONS_MAX = 16384 };
enum { SPREAD_OUTSTANDING_MAX = 16384 };

struct spread_attr {
	enum op op;  /* send, write, read or fetch-add */
	size_t size; /* at least 8: a message carries its number; fetch-add: 8 */
	unsigned lanes, outstanding;
	unsigned regions;
	uint64_t memory;      /* that is written to or read, in whole units */
	enum mem_pages pages; /* of it */
	/* Of a lane, for requests; 0: as many as it has on its way. */
	unsigned receives;
	bool shared_recv; /* receives are those of all lanes together */
	enum exchange_verify verify;
};

/* A region as the other end knows it. */
struct spread_region {
	uint64_t addr;
	uint64_t rkey;
};

/* Values that fetch-adds found, over all phases; those of several spreads that
 * used the same word add up. */
struct spread_adds {
	uint64_t n;
	uint64_t print; /* sum of splitmix_mix() of each, modulo 2^64 */
};

/* What a slot has given up on a lossy link. */
struct spread_lost {
	uint64_t number; /* of the operation; 0: none, or it has come */
	uint64_t begun;	 /* ticks */
};

struct spread {
	struct end *end;
	struct spread_attr a;
	bool lossy;
	enum scan_stamp stamp; /* of what the client sends or writes */
	unsigned depth;	       /* operations on their way, a lane */
	size_t stride;	       /* of a slot */
	uint64_t unit, units_per_region;
	/* Slots, receives, table of regions; what is written to and read. */
	struct mem small, large;
	struct region *small_region, **regions;
	char *slots, *inbox;
	struct spread_region *table;
	struct work *works, *recvs;
	struct sge *sges, *recv_sges;
	uint64_t *begun;   /* ticks, a slot */
	uint64_t *numbers; /* of the operation a slot is at */
	uint8_t *pending;  /* what it waits for, PENDING_x */
	/* The last that a slot gave up in this phase; and when the one was
	 * begun whose answer has come after all, 0: none. */
	struct spread_lost *given_up;
	uint64_t late_begun;
	/* Client: requests on their way, a lane (all: the first); server:
	 * answers that are not complete. */
	unsigned *on_lane;
	uint16_t *held; /* by receive: 1 + lane of a request that waits */
	unsigned n_held;
	unsigned *spare; /* NULL: none; receives that are not posted */
	unsigned n_spare;
	unsigned n_recvs;     /* posted, our own, all lanes together */
	unsigned n_buffers;   /* of them and of the spare ones */
	unsigned known_recvs; /* the server's, of a lane (or all) */
	uint64_t *units;      /* where it is */
	uint64_t *least;      /* that the next fetch-add finds, a lane */
	struct spread_adds adds;
	uint64_t rng;
	bool known; /* the peer's regions are in the table */
	unsigned busy;
	uint64_t posted, done, verified, most, lost, ahead;
	unsigned last; /* slot read into, or inbox answered into, last */
};

unsigned spread_depth(const struct spread_attr *a);
/* Sends of a lane: an answer may overtake the completion of its question. */
unsigned spread_send_depth(const struct spread_attr *a);
/* Receives that an end posts, of a lane, or of all with shared_recv. */
unsigned spread_recv_depth(const struct spread_attr *a);
/* Bytes that an end registers. */
uint64_t spread_bytes(const struct spread_attr *a);

int spread_init(struct spread *s, struct end *e, const struct spread_attr *a,
		struct err *err);
void spread_fini(struct spread *s);
int spread_client(struct spread *s, const struct phase *ph, struct err *err);
int spread_server(struct spread *s, const struct phase *ph, struct err *err);

/* Client, after a phase: what it has written is in the server's memory then,
 * and not only at its device. */
int spread_flush(struct spread *s, struct err *err);

/* -EBADMSG: what was found is no permutation of 0 to n - 1.  One value for
 * another is found for certain, as the mix maps no two to the same; several at
 * a time but for one case in 2^64. */
int spread_check_adds(const struct spread_adds *a, struct err *err);

/* Of what was written, as far as VERIFY_UNITS go. */
int spread_verify(struct spread *s, struct err *err);

/* Client, after that: -EBADMSG if the server found nothing of what was
 * written. */
int spread_check_found(const struct spread_attr *a, const struct end *e,
		       struct err *err);

#endif
