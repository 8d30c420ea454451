/*
 * Making connections, keeping them open, and ending them again, step by step
 * at both ends.
 *
 * The client makes --at-once connections at a time until --keep-open stand,
 * lets every one of them carry its number (which the server compares), and
 * ends them in the same way.  An operation is a connection; its latency runs
 * from the start of its batch to its being usable.  "cached" takes
 * connections that stand from a pool and puts them back: it makes none.
 */
#ifndef WORK_CONNECTING_H
#define WORK_CONNECTING_H

#include <stdbool.h>
#include <stdint.h>

#include "rdma/conns.h"
#include "run/end.h"
#include "work/remains.h"
#include "work/side.h"
#include "work/sockets.h"

enum connecting_method {
	CONNECTING_TCP,
	CONNECTING_VERBS,
	CONNECTING_CM,
	CONNECTING_CACHED, /* those of plain verbs, kept */
};

struct connecting_cfg {
	uint64_t method;  /* axis; enum connecting_method */
	uint64_t at_once; /* axis */
	uint64_t keep;	  /* axis; at least at_once are open anyway */
};

extern const struct opt_group connecting_opts;

/* The steps come first, as enum conns_step. */
enum connecting_metric {
	CONNECTING_STEPS = METRIC_BASE_COUNT,
	CONNECTING_QPS = CONNECTING_STEPS + CONNS_STEPS,
	CONNECTING_RATE,
	CONNECTING_RSS,
	CONNECTING_KERNEL,
	CONNECTING_MADE,
	CONNECTING_ENDED,
	CONNECTING_REMAINS,
	CONNECTING_METRICS_END = CONNECTING_REMAINS + REMAINS_METRICS
};
extern const struct metric connecting_metrics[];
enum { CONNECTING_METRICS = CONNECTING_METRICS_END - METRIC_BASE_COUNT };

/* What an end had made and ended when a phase began. */
struct connecting_before {
	struct conns_counts counts;
	struct remains remains;
};

struct connecting_memory {
	uint64_t rss, kernel; /* bytes; of the process, of the host */
};

struct connecting {
	struct end *end;
	const struct connecting_cfg *cfg;
	enum connecting_method method;
	unsigned keep;
	struct conns *conns;	/* RDMA */
	struct sockets sockets; /* TCP */
	struct side side;
	struct sockaddr_storage peer; /* client: where the server listens */
	struct hist *dist[CONNS_STEPS];
	bool recording;
	enum conns_step last;		 /* that makes a connection usable */
	uint64_t batch_t0, opening;	 /* ticks */
	struct connecting_memory memory; /* when the phase began */
	struct connecting_before before;
	unsigned *idle, n_idle; /* the pool: a stack, the warmest on top */
	uint64_t checked;	/* connections, in this phase */
};

/* connecting_fini in either case. */
int connecting_init(struct connecting *c, struct end *e,
		    const struct connecting_cfg *cfg, struct err *err);
void connecting_fini(struct connecting *c);

int connecting_client(struct connecting *c, const struct phase *ph,
		      struct err *err);
int connecting_server(struct connecting *c, struct err *err);

#endif
