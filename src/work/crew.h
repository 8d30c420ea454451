/*
 * A crew: one end of a trial as several workers at the same time, each with a
 * link of its own (or all with one that they share, work/mux.h), in threads or
 * in processes of their own.  What a worker does is what an end does alone;
 * the crew starts phases, waits for all, and adds up what they measured.
 *
 * Worker 0 is the caller, with the end's link.  The links of the others are
 * opened by them, and connected after it: their blobs and tokens travel in the
 * end's token, behind its own.
 *
 * Processes are forked by crew_begin, before anything of a device is opened.
 * All that parent and children have in common is in memory that they share.
 */
#ifndef WORK_CREW_H
#define WORK_CREW_H

#include "metric/metric.h"
#include "run/end.h"

enum { CREW_MAX = 16, CREW_STATE_MAX = 1024 };

/* What each worker does; `state` has CREW_STATE_MAX bytes of its own. */
struct crew_work {
	int (*setup)(struct end *e, void *state, struct err *err);
	int (*client)(struct end *e, void *state, const struct phase *ph,
		      struct err *err);
	int (*server)(struct end *e, void *state, const struct phase *ph,
		      struct err *err);
	int (*flush)(struct end *e, void *state, struct err *err); /* client */
	int (*verify)(struct end *e, void *state, struct err *err);
	/* Client, with the states of all whose work was on one link, after the
	 * last verify: what only together can be judged.  What pointers in them
	 * lead to may be another process's.  NULL: nothing. */
	int (*judge)(const void *const states[], unsigned n, struct err *err);
	/* Called once after setup, whatever came of it. */
	void (*teardown)(struct end *e, void *state);
	const struct metric *metrics; /* of the scenario: how values add up */
	unsigned n_metrics;
};

struct crew;

/* `n` workers, at most CREW_MAX.  `share`: their work on one link, threads
 * only; the other end is then one worker. */
struct crew_attr {
	unsigned n;
	bool processes, share;
	unsigned depth; /* work that a worker has on its way, for `share` */
};

int crew_begin(struct crew **crew, struct end *e, const struct crew_attr *a,
	       const struct crew_work *work, struct err *err);
int crew_setup(struct crew *c, struct err *err);
/* With the other end's token: all links, before either end begins. */
int crew_connect(struct crew *c, struct err *err);
/* A client's operations are divided among the workers. */
int crew_phase(struct crew *c, const struct phase *ph, struct err *err);
int crew_flush(struct crew *c, struct err *err);
int crew_verify(struct crew *c, struct err *err);
void crew_end(struct crew *c); /* NULL is fine */

#endif
