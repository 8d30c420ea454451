/*
 * The request-response exchange (ETH thesis, section 3.8.2): a closed loop
 * without pipelining.  The client sends a request; the server prepares a
 * response buffer of S bytes and sends it; the client measures until the
 * whole response is there.
 *
 * The two loops are written once, here, for every scenario that exchanges;
 * what the server does to the response before it sends it is the scenario's
 * (struct exchange_prep).  Such a scenario's options begin with a struct
 * exchange_cfg and its state with a struct exchange, so that exchange_need,
 * exchange_client, exchange_server and exchange_verify_last stand in its table
 * as they are.
 */
#ifndef WORK_EXCHANGE_H
#define WORK_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/mem.h"
#include "run/end.h"
#include "run/need.h"
#include "work/pace.h"
#include "work/scan.h"
#include "work/stages.h"

struct exchange_cfg {
	uint64_t size;		/* axis: of the response */
	uint64_t request_bytes; /* OPT_WORD: the same as size */
	uint64_t verify;	/* enum exchange_verify */
	uint64_t rate;		/* axis: offered, operations/s; 0: closed */
	uint64_t arrival;	/* enum pace_arrival */
	uint64_t service_ns;	/* the server takes so long, on average */
	uint64_t service_dist;	/* enum pace_arrival: constant, exponential */
};

/* Seeds of what buffers are filled with; the i-th response buffer's is
 * SEED_RESPONSE + i. */
enum { SEED_REQUEST = 0x5eed, SEED_RESPONSE = 0xfeed, SEED_SERVICE = 0x5e1f };

enum exchange_verify { VERIFY_ENDS, VERIFY_EACH, VERIFY_NONE };

/* A scenario names it as its `shared` options. */
extern const struct opt_group exchange_opts;

/* What it measures beside the base metrics; a scenario lists them. */
enum exchange_metric {
	EXCHANGE_COLD = METRIC_BASE_COUNT,
	EXCHANGE_BACKLOG_MAX,
	EXCHANGE_LINE_BYTES,
	EXCHANGE_METRICS_END,
	/* Only of those that have stages. */
	EXCHANGE_TIMES = EXCHANGE_METRICS_END,
	EXCHANGE_COUNTERS = EXCHANGE_TIMES + STAGES,
	EXCHANGE_LINE_PS = EXCHANGE_COUNTERS + STAGES * STAGE_COUNTERS,
	EXCHANGE_STAGED_END
};
/* A scenario without stages lists the first EXCHANGE_METRICS of them. */
extern const struct metric exchange_metrics[];
enum {
	EXCHANGE_METRICS = EXCHANGE_METRICS_END - METRIC_BASE_COUNT,
	EXCHANGE_STAGED_METRICS = EXCHANGE_STAGED_END - METRIC_BASE_COUNT
};

struct exchange;

/*
 * A scenario's part in the exchange.  Both ends are told the same; the
 * functions are called at the server only.  All zeros: responses are sent as
 * they are.
 */
struct exchange_prep {
	/* In the timed part, between request and response: prepares
	 * x->response for operation x->op.  Returns the cache lines that it
	 * visited.  NULL: nothing. */
	uint64_t (*run)(struct exchange *x, void *arg);
	/* Once before the first operation and again after each response has
	 * been sent and its completion was seen.  Outside the timed part: the
	 * client starts its next operation when a message says that this is
	 * over.  NULL: nothing, and no message. */
	void (*between)(struct exchange *x, void *arg);
	void *arg;
	uint64_t lines;	       /* that run visits; it is held to it, exactly */
	enum scan_stamp stamp; /* what of the response has the op's number */
	unsigned buffers;      /* responses that take turns; 0: one */
	/* A response without a stamp looks like the one before.  With this the
	 * client leaves a mark in its buffer, in a line that changes and at the
	 * end, before it posts the receive, and looks in every operation
	 * whether the response has covered it (work/mark.h). */
	bool mark;
	/* Server: opened by the scenario; times and counts run and send apart,
	 * for which each response's completion is waited for before the next
	 * request is looked at.  NULL: not. */
	struct stages *stages;
	enum mem_pages pages; /* of all buffers */
};

/* Receives that the server keeps posted: one is always there while a request
 * is being worked on, so that reposting may wait until after the response.
 * All name the same memory: the next request comes after the response, and
 * its predecessor has been read by then. */
enum { EXCHANGE_RECVS = 2 };

/* A message, made once and posted again and again. */
struct exchange_message {
	struct work work;
	struct sge sge;
};

/* Messages point into themselves: it stays where exchange_init found it. */
struct exchange {
	struct end *end;
	struct exchange_prep prep;
	size_t request_bytes, response_bytes;
	size_t line; /* the server's cache line, which it stamps by */
	enum exchange_verify verify;
	struct mem mem;
	struct region *region;
	char *request, *ready;
	char *response;	 /* the one that is sent or received next */
	char *responses; /* the first of them */
	struct exchange_message send, recv; /* as seen from our end */
	struct exchange_message tell;	    /* that we are ready; or hear it */
	unsigned signal_every, tx_depth;
	unsigned until_signal;	  /* sends, the signalled one included */
	unsigned arrived;	  /* messages not yet looked at */
	uint64_t sent, completed; /* sends: posted, known to be done */
	uint64_t response_sent;	  /* number of the last response among them */
	uint64_t op;		  /* number of the next operation */
	uint64_t under_mark[2];	  /* client: what a mark took the place of */
	uint64_t lines;
	uint64_t verified;
	uint64_t cold_ns; /* client: the very first operation */
	double rate;	  /* 0: closed loop */
	enum pace_arrival arrival;
	struct pace service; /* server: gaps are service times; !open: none */
};

void exchange_sizes(const struct exchange_cfg *cfg, size_t *request,
		    size_t *response);
/* Bytes that one end registers, at most. */
uint64_t exchange_bytes(const struct exchange_cfg *cfg, unsigned buffers);

/* Buffers, registered; receives posted.  `prep` is copied; NULL is one of
 * zeros. */
int exchange_init(struct exchange *x, struct end *e,
		  const struct exchange_cfg *cfg,
		  const struct exchange_prep *prep, struct err *err);
void exchange_fini(struct exchange *x);

/* EXCHANGE_LINE_PS: the median of these scans of so many lines. */
void exchange_line_time(struct tally *t, const struct hist *scans,
			uint64_t lines);

/* Server: the buffer that operation `op` is answered from; they take turns. */
char *exchange_response(const struct exchange *x, uint64_t op);

/* `cfg` begins with a struct exchange_cfg: two-sided messages, one at a time;
 * one response buffer. */
void exchange_need(const void *cfg, struct need *n);

/* The parts of a scenario whose e->state begins with a struct exchange. */
int exchange_client(struct end *e, const struct phase *ph, struct err *err);
int exchange_server(struct end *e, const struct phase *ph, struct err *err);
/* The last message received, still in its buffer. */
int exchange_verify_last(struct end *e, struct err *err);

/* The steps of the two loops, for those who drive both ends from one
 * thread (make bench).  send posts the request; serve handles one request
 * that has arrived. */
int exchange_send_request(struct exchange *x, struct err *err);
int exchange_post_response_recv(struct exchange *x, struct err *err);
int exchange_post_request_recv(struct exchange *x, struct err *err);
int exchange_serve(struct exchange *x, struct err *err);

#endif
