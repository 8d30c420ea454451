/*
 * The plan: every point of one scenario, in order, and how often each is
 * measured.  Made from the options before anything is opened, so that bad
 * ones fail first.
 */
#ifndef RUN_PLAN_H
#define RUN_PLAN_H

#include <stdbool.h>

#include "run/point.h"

/* One point as each end sees it: the host options differ. */
struct plan_point {
	unsigned id;
	struct point client, server;
};

enum { PLAN_AXES_MAX = 24, PLAN_POINTS_MAX = 4096 };

struct plan_axis {
	const struct opt *o;
	size_t base; /* of its struct, in struct point */
	struct opt_list values;
	bool given; /* by the user or a preset */
};

struct plan {
	const struct scenario *scn;
	struct plan_point proto; /* every option but the axes */
	struct plan_axis axes[PLAN_AXES_MAX];
	unsigned n_axes;
	/* What the preset keeps of lists that are not the user's (the
	 * scenario's .smoke, .quick_all); n_keep, 0: all. */
	const struct scenario_default *keep;
	unsigned n_keep;
	struct plan_point *points;
	unsigned n_points;
};

/* Defaults of every option; axes get their default lists. */
void plan_init(struct plan *plan, const struct scenario *scn);
void plan_fini(struct plan *plan);

/* Sets an option by long name.  *known tells whether this scenario has it.
 * A flag's text may be NULL (yes). */
int plan_set(struct plan *plan, const char *name, const char *text, bool *known,
	     struct err *err);

/* The points: what the scenario's sweeps say, or the cross product of the
 * axes.  The transport varies fastest, so that neighbours in time are the
 * pair to compare.  Each point is there once: a transport that knows no types
 * of queue pair has no point for each of them, and sweeps may meet.  Values
 * of a cross product that contradict each other (`supported`) are left out;
 * if none remain, that is the error. */
int plan_expand(struct plan *plan, struct err *err);

/* Is it of the scenario, and not of link or trial? */
bool plan_is_own(const struct plan *plan, const struct plan_axis *a);

/* Where the ends of a run wait. */
struct poll_room {
	unsigned cpus;	/* of this host, for ends that spin */
	unsigned ends;	/* of the client and its server, those on this host */
	unsigned first; /* where a client is that --cpus does not pin, */
	unsigned last;	/* and a server */
};

/* What --poll auto and too many spinning ends become on this host, or two on
 * one CPU.  Returns a line to say to the user, or NULL. */
const char *plan_settle_poll(struct plan *plan, const struct poll_room *room,
			     char *buf, size_t cap);

/* A trial's order over the points: a permutation from the seed. */
void plan_order(const struct plan *plan, uint64_t seed, unsigned trial,
		unsigned *order);

/* A point in words: scenario, size, transport, and then "name=value" of each
 * axis of the scenario's own, and of whatever else varies in the plan.
 * Returns buf. */
char *plan_describe(const struct plan *plan, const struct plan_point *pp,
		    char *buf, size_t cap);

#endif
