/*
 * Two ends of a link for a test: each in a thread of its own (or the second
 * in a process), with a socketpair between that carries blobs and keeps
 * step.  Both run the same function, which looks at s->role.
 *
 * Nothing here asserts: cmocka jumps out of a failed assertion, which only
 * its own thread may do.  A side that fails says why in s->why and returns
 * -1; the test's thread reports it when both have ended.
 */
#ifndef CONFORMANCE_PAIR_H
#define CONFORMANCE_PAIR_H

#include "transport/transport.h"

#define SEC_NS 1000000000u

enum { LIMIT_S = 20 }; /* no single wait of a test may take longer */

/* What is tested: one argument of the command line. */
struct conf {
	const char *spec; /* "tcp", "rdma:cm" */
	const struct transport *tp;
	struct ep_attr attr; /* device, address, rdma_cm, clock */
	bool meets;	     /* connect waits for the other end */
	bool lossy;	     /* a message to nobody is none's concern */
	uint64_t most;	     /* bytes in a message; 0: cut as needed */
	bool notices; /* an end that only receives sees the other close */
};

struct side;

enum {
	CASE_RAW = 1,	    /* the function opens and connects by itself */
	CASE_SOLO = 2,	    /* only the first side, in the test's thread */
	CASE_PROCESSES = 4, /* the second side is a process */
	CASE_TOLD = 8,	    /* a loss must be told: not on lossy links */
};

/* One line of a table of tests. */
struct conf_case {
	const char *name;
	int (*run)(struct side *s);
	/* Before connect, after open; may be NULL. */
	int (*prepare)(struct side *s);
	unsigned polls; /* 1u << POLL_x: a test for each */
	unsigned flags;
	unsigned lanes;	   /* 0: 1 */
	unsigned depth;	   /* 0: 8 */
	uint64_t bytes;	   /* of a slot; 0: 64 */
	uint64_t messages; /* for the function, as it likes */
};

enum { QUEUED = 64 };

struct side {
	const struct conf *conf;
	const struct conf_case *test;
	struct ep_attr attr;
	enum role role;
	unsigned depth, lanes;
	size_t bytes;
	int sock; /* to the other side */
	struct ep *ep;
	struct blob blob, peer;
	struct region *region;
	char *mem; /* first `depth` slots to send from, then to receive in */
	size_t mem_bytes;
	struct comp queue[QUEUED]; /* taken from the link, not yet looked at */
	unsigned queued, taken;
	uint64_t sends_done;	   /* send completions passed over */
	struct comp early[QUEUED]; /* receives found while waiting for sends */
	unsigned n_early;
	char why[700];
};

/* Runs it; 0, or -1 with `why` telling which side failed and how. */
int pair_run(const struct conf *conf, const struct conf_case *test,
	     enum poll_mode poll, char *why, size_t len);

/* Descriptors of this process, and one. */
int open_files(void);

/* --- for the functions of tests ------------------------------------------- */

int side_fail(struct side *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
int side_ep_fail(struct side *s, const char *what, int ret);

#define CHECK(s, cond, ...)                                                    \
	do {                                                                   \
		if (!(cond))                                                   \
			return side_fail(s, __VA_ARGS__);                      \
	} while (0)

#define TRY(call)                                                              \
	do {                                                                   \
		if ((call) < 0)                                                \
			return -1;                                             \
	} while (0)

int side_open(struct side *s);	  /* and registers its memory */
int side_swap(struct side *s);	  /* blobs */
int side_connect(struct side *s); /* must succeed */
void side_close(struct side *s);  /* safe twice */

/* Returns when the other side has come to the same place. */
int side_meet(struct side *s);

char *side_tx(struct side *s, unsigned slot);
char *side_rx(struct side *s, unsigned slot);

/* Sends from, or receives in, a slot.  The cookie is the caller's. */
int side_send(struct side *s, unsigned slot, size_t len, unsigned flags,
	      uint64_t cookie);
int side_recv(struct side *s, unsigned slot, size_t len, uint64_t cookie);
struct work side_work(struct side *s, enum op op, struct sge *sge, char *at,
		      size_t len);
int side_post(struct side *s, const struct work *work, unsigned n);

/* The next completion, whatever of; fails after LIMIT_S. */
int side_next(struct side *s, struct comp *c);
/* The next of a receive; those of sends are counted in sends_done. */
int side_next_recv(struct side *s, struct comp *c);
/* Until sends_done is n.  The peer's next message may be here before our
 * last send is known to have arrived: such are kept. */
int side_await_sends(struct side *s, uint64_t n);

/* Bytes that depend on seed and place; tells the first that is wrong. */
void fill(char *p, size_t len, uint64_t seed);
int side_verify(struct side *s, const char *p, size_t len, uint64_t seed);

#endif
