/*
 * When operations are meant to start.  A closed loop starts the next when
 * the last is done; an open loop starts them at a rate, whatever becomes of
 * the earlier ones, and counts latency from the intended start, so that the
 * wait behind a slow operation is not left out (coordinated omission: Schroeder,
 * Wierman, Harchol-Balter, "Open versus closed", NSDI 2006; Tene's wrk2).
 */
#ifndef WORK_PACE_H
#define WORK_PACE_H

#include <stdbool.h>
#include <stdint.h>

enum pace_arrival { PACE_CONSTANT, PACE_POISSON };

struct pace {
	bool open;
	enum pace_arrival arrival;
	double mean_ticks; /* between two arrivals */
	double next;	   /* ticks since the phase began */
	uint64_t state;	   /* of the random numbers */
};

/* rate: operations a second; 0: a closed loop. */
void pace_init(struct pace *p, double rate, enum pace_arrival arrival,
	       double ticks_per_ns, uint64_t seed);

/* The next intended start, in ticks since the phase began. */
uint64_t pace_next(struct pace *p);

/* The next gap alone, in ticks. */
uint64_t pace_gap(struct pace *p);

/* How many intended starts lie between `intended` and `now` (both ticks):
 * operations that wait for their turn. */
uint64_t pace_backlog(const struct pace *p, uint64_t intended, uint64_t now);

#endif
