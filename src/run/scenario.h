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
#include "run/need.h"

/* A shared option's default where the scenario wants another one, against the
 * quick preset too. */
struct scenario_default {
	const char *name, *text; /* as a user would type it */
};

struct report;

/*
 * One part of a scenario's default plan: the axes that it names take these
 * lists, crossed with each other, and the others keep their baseline, which
 * is their default.  The list that is left empty ends it.
 */
enum { SWEEP_AXES = 8 };
struct sweep {
	struct sweep_axis {
		const char *option, *list; /* as a user would type them */
	} axes[SWEEP_AXES + 1];
};

struct scenario {
	const char *name;
	const char *summary;  /* a line for `list` */
	const char *question; /* what the experiment asks, a sentence or two */
	const char *source;   /* the literature it reproduces */
	const struct opt_group *opts; /* of a struct of cfg_size bytes */
	size_t cfg_size;	      /* at most SCENARIO_CFG_MAX: asserted */
	const struct scenario_default *defaults; /* n_defaults; may be NULL */
	unsigned n_defaults;
	/* Options that it has in common with others, of the struct that its
	 * own begins with (exchange_opts); NULL: none. */
	const struct opt_group *shared;
	/* NULL: the plan is the cross product of all axes.  Else it is what
	 * the sweeps say, until the user gives an axis of the scenario's own
	 * that one of them names: then it is the cross product of what was
	 * given. */
	const struct sweep *sweeps;
	unsigned n_sweeps;
	/* What preset smoke keeps of the lists of these options: it asks of
	 * every kind of point whether it is correct, and not how a number
	 * scales.  n_smoke; may be NULL. */
	const struct scenario_default *smoke;
	unsigned n_smoke;
	/* What preset quick keeps of them under `run --all`, whose ten minutes
	 * are for all scenarios: not what takes longest, which the scenario
	 * alone measures.  n_quick_all; may be NULL. */
	const struct scenario_default *quick_all;
	unsigned n_quick_all;
	const struct metric *metrics; /* its own, beside the base ones */
	unsigned n_metrics;
	/* Columns of words that only the ends know (end->notes). */
	const char *const *notes; /* n_notes, at most END_NOTES_MAX */
	unsigned n_notes;
	bool peers_csv; /* NAME.peers.csv: what each server measured */
	const struct report *report; /* report/report.h; NULL: none yet */

	/* What of a point follows from its other options; may be NULL. */
	void (*settle)(struct point *pt);
	/* Options that contradict each other: -EINVAL and words. */
	int (*supported)(const void *cfg, struct err *err);
	/* Changes options that mean the same to one of their forms: points that
	 * are then equal are one.  NULL: each combination is its own. */
	void (*canonical)(void *cfg);
	void (*need)(const void *cfg, struct need *need);

	/* Each end, before anything of a device is opened (it may fork): what
	 * is to be done to the host.  May be NULL. */
	int (*begin)(struct end *e, const void *cfg, struct err *err);
	/* Each end: allocate and register before connecting, post receives,
	 * and fill end->token with what the other end's scenario has to know
	 * (addresses, keys); that one's is in end->peer_token from connect
	 * on, and nothing in it may be trusted.  Teardown is always
	 * called, whatever failed. */
	int (*setup)(struct end *e, const void *cfg, struct err *err);
	/* Each end, after its link: connects what else it has.  No end begins
	 * before both are through.  May be NULL. */
	int (*connect)(struct end *e, struct err *err);
	int (*client)(struct end *e, const struct phase *ph, struct err *err);
	/* NULL: the server has no part in it (need.no_link), and counts what
	 * the client tells. */
	int (*server)(struct end *e, const struct phase *ph, struct err *err);
	/* The client, after the measured part, outside it and before any end
	 * verifies: makes visible what is complete, but maybe only at the
	 * peer's device.  May be NULL. */
	int (*flush)(struct end *e, struct err *err);
	/* After the measured part, outside it: the last payload, whole.  The
	 * client's comes last, and has the servers' tallies at hand. */
	int (*verify)(struct end *e, struct err *err);
	void (*teardown)(struct end *e);
};

/* The registry (scenarios/list.h); NULL past the end / if unknown. */
const struct scenario *scenario_at(unsigned i);
const struct scenario *scenario_find(const char *name);

#endif
