/*
 * The request-response exchange (ETH thesis, section 3.8.2): a closed loop
 * without pipelining.  The client sends a request; the server prepares a
 * response buffer of S bytes and sends it; the client measures until the
 * whole response is there.
 *
 * The two loops are written once, here, for every scenario that exchanges;
 * what the server does to the buffer before it sends is its `prepare`.
 */
#ifndef WORK_EXCHANGE_H
#define WORK_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/mem.h"
#include "run/end.h"
#include "work/pace.h"
#include "work/scan.h"

struct exchange_cfg {
	uint64_t size;		/* axis: of the response */
	uint64_t request_bytes; /* OPT_WORD: the same as size */
	uint64_t prepare;	/* enum exchange_prepare */
	uint64_t verify;	/* enum exchange_verify */
	uint64_t rate;		/* axis: offered, operations/s; 0: closed */
	uint64_t arrival;	/* enum pace_arrival */
	uint64_t service_ns;	/* the server takes so long, on average */
	uint64_t service_dist;	/* enum pace_arrival: constant, exponential */
};

enum exchange_prepare { PREPARE_WRITE, PREPARE_NONE };
enum exchange_verify { VERIFY_ENDS, VERIFY_EACH, VERIFY_NONE };

extern const struct opt_group exchange_opts;

/* What it measures beside the base metrics; a scenario lists them. */
enum exchange_metric {
	EXCHANGE_COLD = METRIC_BASE_COUNT,
	EXCHANGE_BACKLOG_MAX,
	EXCHANGE_METRICS_END
};
extern const struct metric exchange_metrics[];
enum { EXCHANGE_METRICS = EXCHANGE_METRICS_END - METRIC_BASE_COUNT };

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
	size_t request_bytes, response_bytes;
	enum exchange_prepare prepare;
	enum exchange_verify verify;
	struct mem mem;
	struct region *region;
	char *request, *response;
	struct exchange_message send, recv; /* as seen from our end */
	unsigned until_signal;	  /* sends, the signalled one included */
	uint64_t sent, completed; /* sends: posted, known to be done */
	uint64_t op;		  /* number of the next operation */
	uint64_t lines;
	uint64_t verified;
	uint64_t cold_ns; /* client: the very first operation */
	double rate;	  /* 0: closed loop */
	enum pace_arrival arrival;
	struct pace service; /* server: gaps are service times; !open: none */
};

void exchange_sizes(const struct exchange_cfg *cfg, size_t *request,
		    size_t *response);
/* Bytes that one end registers. */
uint64_t exchange_bytes(const struct exchange_cfg *cfg);

/* Buffers, registered; receives posted. */
int exchange_init(struct exchange *x, struct end *e,
		  const struct exchange_cfg *cfg, struct err *err);
void exchange_fini(struct exchange *x);

int exchange_client(struct exchange *x, const struct phase *ph,
		    struct err *err);
int exchange_server(struct exchange *x, const struct phase *ph,
		    struct err *err);

/* The last message received, still in its buffer. */
int exchange_verify_last(struct exchange *x, struct err *err);

/* The steps of the two loops, for those who drive both ends from one
 * thread (make bench).  send posts the request; serve handles one request
 * that has arrived. */
int exchange_send_request(struct exchange *x, struct err *err);
int exchange_post_response_recv(struct exchange *x, struct err *err);
int exchange_serve(struct exchange *x, struct err *err);

#endif
