/*
 * Log-linear histogram of durations in nanoseconds (the method of
 * HdrHistogram): 128 equal buckets per power of two, so that a bucket is at
 * most 1/128 (0.8 %) wide, from 1 ns to over an hour, in constant memory.
 * Below 256 ns buckets are exact.  Minimum, maximum, count, sum and sum of
 * squares are exact integers: sums of doubles would lose the spread of a
 * long run of nearly equal values.  What is longer than HIST_TOP lands in
 * the last bucket, counts in max as it is, and in the sums as HIST_TOP.
 * Plain data: may be copied, sent and merged.
 */
#ifndef METRIC_HIST_H
#define METRIC_HIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	HIST_SUB_BITS = 7,
	HIST_SUB = 1 << HIST_SUB_BITS,
	HIST_MAX_BITS = 42, /* 2^42 ns = 73 min */
	HIST_BUCKETS = (HIST_MAX_BITS - HIST_SUB_BITS + 1) * HIST_SUB
};

#define HIST_TOP ((uint64_t)1 << HIST_MAX_BITS)

struct hist {
	uint64_t count;
	uint64_t min, max; /* exact; min is UINT64_MAX while empty */
	uint64_t sum;	   /* 2^64 ns are 584 years */
	unsigned __int128 sum_sq;
	uint64_t bucket[HIST_BUCKETS];
};

void hist_init(struct hist *h);

static inline unsigned hist_index(uint64_t v)
{
	unsigned shift;

	if (v < HIST_SUB)
		return (unsigned)v;
	/* The highest bit's place: 63 - clz, as one instruction. */
	shift = (63u ^ (unsigned)__builtin_clzll(v)) - HIST_SUB_BITS;
	if (shift >= HIST_MAX_BITS - HIST_SUB_BITS)
		return HIST_BUCKETS - 1;
	return (shift << HIST_SUB_BITS) + (unsigned)(v >> shift);
}

/* In the timed loop: at most 5 ns (make bench holds it to that). */
static inline void hist_record(struct hist *h, uint64_t ns)
{
	uint64_t v = ns < HIST_TOP ? ns : HIST_TOP;

	h->bucket[hist_index(v)]++;
	h->count++;
	h->sum += v;
	h->sum_sq += (unsigned __int128)v * v;
	if (ns < h->min)
		h->min = ns;
	if (ns > h->max)
		h->max = ns;
}

/* Inclusive lower bound of bucket i, ns; for i == HIST_BUCKETS the upper
 * bound of the last. */
uint64_t hist_low(unsigned i);

/* q in [0,1]: the value at rank ceil(q*count) by bucket midpoint, clamped to
 * [min,max]; q=0 is min, q=1 is max, exactly.  0 when empty. */
uint64_t hist_quantile(const struct hist *h, double q);

double hist_mean(const struct hist *h);	  /* 0 when empty */
double hist_stddev(const struct hist *h); /* sample; 0 below 2 values */

void hist_merge(struct hist *into, const struct hist *from);

/* For what came over a wire: do count, minimum, maximum and both sums agree
 * with the buckets?  The functions above need it to be true. */
bool hist_valid(const struct hist *h);

#endif
