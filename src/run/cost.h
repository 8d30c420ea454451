/*
 * How long trials take.  Before a point was tried it is a guess from what it
 * moves: its phases, as long as they are asked to be or as their least number
 * of operations takes, and the memory that is filled, registered and verified
 * around them, all of it by how fast this host copies.  What the trials of
 * this run really took then sets the guesses right, for each transport by
 * itself; a point that was tried is expected to take as long again.
 */
#ifndef RUN_COST_H
#define RUN_COST_H

#include "run/plan.h"

enum { COST_TRANSPORTS = 8 };

struct cost {
	double copy_ns;			/* to copy a byte */
	double took_s[PLAN_POINTS_MAX]; /* by id, of the plan going on; or 0 */
	struct cost_sum {
		double guess_s, took_s;
	} sums[COST_TRANSPORTS];
};

/* Copies for some milliseconds to know how fast it is; without memory to do
 * so it assumes. */
void cost_init(struct cost *c);

/* A trial of the point, seconds, with set-up and warm-up.  Of one that ends by
 * a number of operations it is good only beside others. */
double cost_guess(const struct cost *c, const struct plan_point *pp);

/* What is known of single points is another plan's. */
void cost_begin_plan(struct cost *c);

/* A trial of the point took so long, and was carried out (one that is refused
 * tells nothing of others). */
void cost_note(struct cost *c, const struct plan_point *pp, double took_s);

/* As cost_guess, by all that was noted; `mine`: the point is of the plan going
 * on. */
double cost_expect(const struct cost *c, const struct plan_point *pp,
		   bool mine);

#endif
