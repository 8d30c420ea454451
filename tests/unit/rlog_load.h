/*
 * A load for a log under test: every record is made from its sequence number
 * and its epoch, so that what is recovered can be checked against what must
 * be there.
 */
#ifndef TESTS_UNIT_RLOG_LOAD_H
#define TESTS_UNIT_RLOG_LOAD_H

#include <stdio.h>
#include <stdlib.h>

#include "rlog/recover.h"
#include "rng.h"

enum { LOAD_SEQUENCES = 8192, LOAD_PAYLOAD = 200 };

struct load {
	uint64_t seed;
	/* The epoch of the record that was acknowledged; 0: none was. */
	uint64_t acked[LOAD_SEQUENCES];
	uint64_t trimmed; /* those below may be gone */
	uint64_t highest; /* acknowledged */
	/* of a check */
	uint64_t expect;
	const char *wrong;
};

static inline uint32_t load_length(const struct load *l, uint64_t sequence,
				   uint64_t epoch)
{
	uint64_t z =
		splitmix_mix(l->seed ^ sequence * 0x9e3779b9u ^ epoch << 40);

	return z % 3 ? (uint32_t)(z >> 8) % LOAD_PAYLOAD : LOAD_PAYLOAD / 2;
}

static inline void load_payload(const struct load *l, uint64_t sequence,
				uint64_t epoch, char *buf)
{
	uint64_t state = l->seed + sequence * 77 + (epoch << 32);
	uint32_t i, n = load_length(l, sequence, epoch);

	for (i = 0; i < n; i++)
		buf[i] = (char)(rng_u64(&state) >> 17);
}

/* Stores the next record of a leader; not committed.  -ENOSPC: trim. */
static inline int load_append(const struct load *l, struct rlog *log,
			      void *image)
{
	char payload[LOAD_PAYLOAD];
	const uint64_t sequence = log->next_reserved, epoch = log->mark.epoch;

	load_payload(l, sequence, epoch, payload);
	return rlog_append(log, payload, load_length(l, sequence, epoch),
			   image);
}

static inline void load_acked(struct load *l, uint64_t sequence, uint64_t epoch)
{
	l->acked[sequence] = epoch;
	if (sequence > l->highest)
		l->highest = sequence;
}

static inline int load_visit(void *arg, const struct rlog_header *h)
{
	struct load *l = arg;
	char payload[LOAD_PAYLOAD];

	if (h->sequence != l->expect)
		l->wrong = "a record is missing";
	l->expect = h->sequence + 1;
	if (h->sequence >= LOAD_SEQUENCES)
		return 1;
	load_payload(l, h->sequence, h->epoch, payload);
	if (h->length != load_length(l, h->sequence, h->epoch) ||
	    memcmp(h + 1, payload, h->length))
		l->wrong = "a record is not what was written";
	if (l->acked[h->sequence] && l->acked[h->sequence] != h->epoch)
		l->wrong = "an acknowledged record was superseded";
	return 0;
}

/* What is wrong with the log found in memory, or NULL. */
static inline const char *load_check(struct load *l, const void *region,
				     size_t size, struct rlog_scan *s)
{
	const struct rlog_reader how = {.visit = load_visit, .arg = l};
	struct rlog_mark mark;
	struct err err;

	l->wrong = NULL;
	if (rlog_mark_read(region, &mark))
		return "no mark is valid";
	l->expect = mark.sequence;
	if (rlog_scan(s, region, size, &how, &err))
		return "there is no log";
	if (s->stop == RLOG_STOP_DAMAGED)
		return "a record below the tail is damaged";
	if (mark.sequence > l->trimmed && mark.sequence > 1)
		return "more was trimmed than was said";
	if (!l->wrong && s->next_sequence <= l->highest)
		return "an acknowledged record is lost";
	return l->wrong;
}

/* What was recovered is as good as acknowledged. */
static inline int load_take(void *arg, const struct rlog_header *h)
{
	load_acked(arg, h->sequence, h->epoch);
	return 0;
}

/* Crash points of a test: more with `make soak`. */
static inline unsigned load_crash_points(void)
{
	const char *text = getenv("RDMABENCH_CRASH_POINTS");

	return text ? (unsigned)strtoul(text, NULL, 10) : 2000;
}

#endif
