/*
 * A scenario: one experiment, in one file of scenarios/, ending in one
 * `const struct scenario`.  Adding one touches its file, a line of
 * scenarios/list.h, its plot and its test.
 */
#ifndef RUN_SCENARIO_H
#define RUN_SCENARIO_H

#include "base/err.h"
#include "base/opt.h"
#include "metric/metric.h"
#include "run/end.h"

/* What a point asks of its link; filled from the scenario's options. */
struct need {
	unsigned ops;	    /* OP_BIT()s that the transport must have */
	uint64_t max_bytes; /* the largest message */
	unsigned recv_depth;
	uint64_t lock_bytes; /* memory to be registered at one end */
	const char *op;	     /* for the row: "send" */
	uint64_t size_bytes; /* for the row */
	bool open_loop;	     /* for the row */
};

struct scenario {
	const char *name;
	const char *summary;  /* a line for `list` */
	const char *question; /* what the experiment asks, a sentence or two */
	const char *source;   /* the literature it reproduces */
	const struct opt_group *opts; /* of a struct of cfg_size bytes */
	size_t cfg_size;	      /* at most SCENARIO_CFG_MAX: asserted */
	const struct metric *metrics; /* its own, beside the base ones */
	unsigned n_metrics;

	/* Options that contradict each other: -EINVAL and words. */
	int (*supported)(const void *cfg, struct err *err);
	void (*need)(const void *cfg, struct need *need);

	/* Each end: allocate and register before connecting, post receives;
	 * teardown is called whenever setup was, even if it failed. */
	int (*setup)(struct end *e, const void *cfg, struct err *err);
	int (*client)(struct end *e, const struct phase *ph, struct err *err);
	int (*server)(struct end *e, const struct phase *ph, struct err *err);
	/* After the measured part, outside it: the last payload, whole. */
	int (*verify)(struct end *e, struct err *err);
	void (*teardown)(struct end *e);
};

/* The registry (scenarios/list.h); NULL past the end / if unknown. */
const struct scenario *scenario_at(unsigned i);
const struct scenario *scenario_find(const char *name);

#endif
