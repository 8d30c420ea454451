/*
 * Persistent memory as a test sees it: what the processor has stored, and
 * what a power failure would leave of it.
 *
 * Every store of 8 bytes is remembered until its line was flushed and a fence
 * has passed.  A power failure keeps or drops each of those, in any order:
 * 8 bytes have afterwards the durable value or any that was stored since
 * (a cache line may be evicted at any time).  For one-sided RDMA the same
 * holds of what has not been flushed by the protocol.
 */
#ifndef TESTS_UNIT_PM_MODEL_H
#define TESTS_UNIT_PM_MODEL_H

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "rlog/log.h"
#include "rng.h"

struct pm_store {
	uint32_t unit; /* 8 bytes each */
	bool flushed;
	uint64_t value;
};

/* An order of crash: events are stores of 8 bytes, flushes and fences. */
struct pm_power {
	uint64_t events, crash_at; /* UINT64_MAX: never */
	bool off;		   /* nothing reaches any memory any more */
	/* Mutation: this site's flushes or fences are left out. */
	int no_flush, no_fence; /* -1: none */
	uint64_t left_out;
};

struct pm {
	struct pm_power *power;
	uint64_t *cached, *durable; /* as the processor sees it; as the media */
	uint32_t units;
	struct pm_store *stores; /* not durable, oldest first */
	uint32_t n, cap;
};

static inline void pm_power_init(struct pm_power *p, uint64_t crash_at)
{
	*p = (struct pm_power){
		.crash_at = crash_at, .no_flush = -1, .no_fence = -1};
}

static inline void pm_init(struct pm *pm, struct pm_power *power, size_t bytes)
{
	*pm = (struct pm){.power = power, .units = (uint32_t)(bytes / 8)};
	pm->cached = aligned_alloc(64, bytes);
	pm->durable = aligned_alloc(64, bytes);
	assert(pm->cached && pm->durable);
	memset(pm->cached, 0, bytes);
	memset(pm->durable, 0, bytes);
}

static inline void pm_fini(struct pm *pm)
{
	free(pm->cached);
	free(pm->durable);
	free(pm->stores);
}

/* True while there is power; counts the event. */
static inline bool pm_event(struct pm *pm)
{
	struct pm_power *p = pm->power;

	if (p->events++ >= p->crash_at)
		p->off = true;
	return !p->off;
}

static inline void pm_store8(struct pm *pm, uint32_t unit, uint64_t value)
{
	if (!pm_event(pm))
		return;
	if (pm->n == pm->cap) {
		pm->cap = pm->cap ? 2 * pm->cap : 1024;
		pm->stores = realloc(pm->stores, pm->cap * sizeof(*pm->stores));
		assert(pm->stores);
	}
	pm->cached[unit] = value;
	pm->stores[pm->n++] = (struct pm_store){unit, false, value};
}

static inline uint32_t pm_unit(const struct pm *pm, const void *addr)
{
	return (uint32_t)((const uint64_t *)addr - pm->cached);
}

static inline void pm_copy(void *arg, void *dst, const void *src, size_t len)
{
	struct pm *pm = arg;
	const uint32_t unit = pm_unit(pm, dst);
	uint64_t value;
	uint32_t i;

	assert(len % 8 == 0 && (uintptr_t)dst % 8 == 0);
	assert(unit + len / 8 <= pm->units);
	for (i = 0; i < len / 8; i++) {
		memcpy(&value, (const char *)src + 8 * (size_t)i, 8);
		pm_store8(pm, unit + i, value);
	}
}

/* Whole lines, as the instruction does. */
static inline void pm_flush(void *arg, enum rlog_site site, const void *addr,
			    size_t len)
{
	struct pm *pm = arg;
	const uint32_t first = pm_unit(pm, addr) / 8 * 8;
	const uint32_t end =
		(pm_unit(pm, addr) + (uint32_t)(len + 7) / 8 + 7) / 8 * 8;
	uint32_t i;

	if (pm->power->no_flush == (int)site) {
		pm->power->left_out++;
		return;
	}
	if (!pm_event(pm))
		return;
	for (i = 0; i < pm->n; i++)
		if (pm->stores[i].unit >= first && pm->stores[i].unit < end)
			pm->stores[i].flushed = true;
}

static inline void pm_fence(void *arg, enum rlog_site site)
{
	struct pm *pm = arg;
	uint32_t i, kept = 0;

	if (pm->power->no_fence == (int)site) {
		pm->power->left_out++;
		return;
	}
	if (!pm_event(pm))
		return;
	for (i = 0; i < pm->n; i++) {
		const struct pm_store *s = &pm->stores[i];

		if (s->flushed)
			pm->durable[s->unit] = s->value;
		else
			pm->stores[kept++] = *s;
	}
	pm->n = kept;
}

enum pm_loss {
	PM_BY_WORD, /* any 8 bytes */
	PM_BY_LINE, /* lines stay whole */
	PM_NEWEST,  /* the last stores survive, those before do not */
	PM_OLDEST,
	PM_LOSSES
};

struct pm_failure {
	enum pm_loss loss;
	uint64_t keep;	 /* of 4: by word, by line */
	uint64_t border; /* newest, oldest */
	uint64_t salt;
};

static inline bool pm_survives(const struct pm_failure *f,
			       const struct pm_store *s, uint32_t i,
			       uint64_t *rng)
{
	switch (f->loss) {
	case PM_BY_WORD:
		return rng_u64(rng) % 4 < f->keep;
	case PM_BY_LINE:
		return splitmix_mix(f->salt + s->unit / 8) % 4 < f->keep;
	case PM_NEWEST:
		return i >= f->border;
	default:
		return i < f->border;
	}
}

/* Power fails and comes back: of what was not durable, each 8 bytes have any
 * of their values.  How it is chosen differs from failure to failure: were it
 * always by chance, there would hardly ever be a whole record. */
static inline void pm_power_cycle(struct pm *pm, uint64_t *rng)
{
	const struct pm_failure f = {
		.loss = rng_u64(rng) % PM_LOSSES,
		.keep = rng_u64(rng) % 5,
		.border = rng_u64(rng) % (pm->n + 1),
		.salt = rng_u64(rng),
	};
	uint32_t i;

	for (i = 0; i < pm->n; i++)
		if (pm_survives(&f, &pm->stores[i], i, rng))
			pm->durable[pm->stores[i].unit] = pm->stores[i].value;
	pm->n = 0;
	memcpy(pm->cached, pm->durable, 8 * (size_t)pm->units);
}

static inline struct rlog_io pm_io(struct pm *pm)
{
	return (struct rlog_io){.arg = pm,
				.copy = pm_copy,
				.flush = pm_flush,
				.fence = pm_fence};
}

#endif
