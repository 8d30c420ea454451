/*
 * scale: the parts of one experiment.  scale.c declares it, scale_end.c is
 * what its two ends do.
 */
#ifndef SCENARIOS_SCALE_H
#define SCENARIOS_SCALE_H

#include "run/scenario.h"
#include "work/spread.h"

struct scale_cfg {
	uint64_t op; /* index of scale_kinds */
	uint64_t size, qps, outstanding, regions, memory;
	uint64_t pages; /* enum mem_pages */
	uint64_t threads, processes, share;
	uint64_t shared_recv, one_qp;
	uint64_t receives, rnr_retry, min_rnr_timer;
	uint64_t verify; /* enum exchange_verify */
};

enum {
	SCALE_DONE = METRIC_BASE_COUNT,
	SCALE_MOST,
	SCALE_AHEAD,
	SCALE_DEPTH,
	SCALE_LOST,
	SCALE_QPS,
	SCALE_CQS,
	SCALE_MEMORY,
	SCALE_RESIDENT,
	SCALE_PER_QP,
	SCALE_PROCESS,
	SCALE_METRICS_END
};

/* In this order. */
enum { SCALE_METRICS = SCALE_METRICS_END - METRIC_BASE_COUNT };
extern const struct metric scale_metrics[SCALE_METRICS];

/* Threads or processes of an end, and what each of them does. */
unsigned scale_workers(const struct scale_cfg *cfg);
struct spread_attr scale_attr(const struct scale_cfg *cfg);

int scale_begin(struct end *e, const void *cfg, struct err *err);
int scale_setup(struct end *e, const void *cfg, struct err *err);
int scale_phase(struct end *e, const struct phase *ph, struct err *err);
int scale_connect(struct end *e, struct err *err);
int scale_flush(struct end *e, struct err *err);
int scale_verify(struct end *e, struct err *err);
void scale_teardown(struct end *e);

#endif
