/*
 * What one end of one trial measured.  Mergeable (several processes or
 * lanes), and sent in a RESULT message: see tally_pack.
 */
#ifndef METRIC_TALLY_H
#define METRIC_TALLY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metric/hist.h"
#include "metric/metric.h"
#include "metric/reading.h"

/* Counters that a run can choose; which one is in which slot, the run's
 * --counters say (machine/counter_list.h). */
enum { TALLY_COUNTERS_MAX = 48 };

/* Distributions beside the latency (METRIC_DIST). */
enum { TALLY_DISTS_MAX = 12 };

struct tally_dist {
	unsigned metric;
	struct hist hist;
};

struct tally {
	uint64_t value[METRIC_MAX];
	uint64_t present; /* bit i: value[i] was measured (0 is a value) */
	uint8_t why[METRIC_MAX]; /* enum reading_state of what could not be */
	struct reading counter[TALLY_COUNTERS_MAX];
	uint64_t nic_marks;  /* bit i: nic_mark_name(i) rose */
	struct hist latency; /* full round trips, ns */
	unsigned n_dists;
	struct tally_dist dist[TALLY_DISTS_MAX]; /* the first n_dists are set */
};

void tally_init(struct tally *t);
void tally_set(struct tally *t, unsigned metric, uint64_t value);
void tally_add(struct tally *t, unsigned metric, uint64_t value);
bool tally_has(const struct tally *t, unsigned metric);

/* Why a scenario's metric (of either kind) could not be measured, for
 * run.json; any state that has no value. */
void tally_lacks(struct tally *t, unsigned metric, enum reading_state why);

/* The distribution of a scenario's metric, empty when first asked for: ask
 * before the timed loop.  A scenario has at most TALLY_DISTS_MAX (asserts). */
struct hist *tally_dist(struct tally *t, unsigned metric);
/* The same for reading; NULL if nothing was measured. */
const struct hist *tally_dist_of(const struct tally *t, unsigned metric);

/* `extra` are the scenario's own metrics (merge rules), n_extra of them.
 * Values of a metric that nobody declared are dropped. */
void tally_merge(struct tally *into, const struct tally *from,
		 const struct metric *extra, unsigned n_extra);

/*
 * Wire form: little endian; version u16, n_values u16, present u64, values
 * u64[n_values] (0 where not present), why u8[n_values]; n_counters u16, each {state u8,
 * percent u8, value u64}, nic_marks u64; then the latency's histogram
 * sparsely: count, min, max, sum, sum_sq low and high half u64, n u32, n times
 * {index u32, count u64}; n_dists u16, each {metric u16, histogram}.  tally_pack returns the length, or 0 if cap is too small
 * (TALLY_PACK_MAX always suffices).  tally_unpack trusts nothing: returns
 * -EBADMSG unless lengths and indexes (ascending) are right, counts, bounds
 * and sums agree (hist_valid) and nothing follows; *t is then half written
 * and not to be used.
 */
enum {
	TALLY_WIRE_VERSION = 4,
	TALLY_HIST_MAX = 48 + 4 + 12 * HIST_BUCKETS,
	TALLY_PACK_MAX = 2 + 2 + 8 + 9 * METRIC_MAX + 2 +
			 10 * TALLY_COUNTERS_MAX + 8 + TALLY_HIST_MAX + 2 +
			 TALLY_DISTS_MAX * (2 + TALLY_HIST_MAX)
};
size_t tally_pack(const struct tally *t, void *buf, size_t cap);
int tally_unpack(struct tally *t, const void *buf, size_t len);

#endif
