/*
 * Recovery on hostile bytes: shared by the unit test, which makes them from
 * a seed, and by libFuzzer (make fuzz).  Whatever the memory holds, a scan
 * stays inside it, ends, and says nothing that cannot be.
 */
#ifndef TESTS_UNIT_RLOG_FUZZ_H
#define TESTS_UNIT_RLOG_FUZZ_H

#include <stdio.h>
#include <stdlib.h>

#include "rlog/recover.h"

static inline int fuzz_visit(void *arg, const struct rlog_header *h)
{
	const struct rlog_scan *bounds = arg;
	const char *end = (const char *)(h + 1) + h->length;

	if ((const char *)h < bounds->region ||
	    end > bounds->region + bounds->end)
		abort();
	return 0;
}

static inline void fuzz_fence(void *arg, enum rlog_site site)
{
	(void)arg;
	(void)site;
}

static inline void fuzz_flush(void *arg, enum rlog_site site, const void *addr,
			      size_t len)
{
	(void)arg;
	(void)site;
	(void)addr;
	(void)len;
}

static inline void fuzz_copy(void *arg, void *dst, const void *src, size_t len)
{
	(void)arg;
	memmove(dst, src, len);
}

/* `region` is 64-byte aligned, and may be written to: a log is opened in it
 * and another catches up. */
static inline void fuzz_recovery(char *region, size_t size)
{
	const struct rlog_io io = {
		.copy = fuzz_copy, .flush = fuzz_flush, .fence = fuzz_fence};
	struct rlog_scan s, bounds = {.region = region, .end = size};
	const struct rlog_reader how = {.visit = fuzz_visit, .arg = &bounds};
	struct rlog l, other;
	struct err err;
	char *copy;

	if (rlog_scan(&s, region, size, &how, &err))
		return;
	if (s.stop >= RLOG_STOP_COUNT || s.end < s.mark.head ||
	    s.end - s.mark.head > s.capacity ||
	    s.capacity > size - RLOG_RING_AT)
		abort();
	copy = aligned_alloc(RLOG_ALIGN, size + RLOG_ALIGN);
	if (!copy)
		return;
	memset(copy, 0, size);
	if (!rlog_format(copy, rlog_region_bytes(s.capacity), s.commit, 1, &io,
			 &err) &&
	    !rlog_open(&other, copy, size, UINT64_MAX, &io, &err))
		(void)rlog_catch_up(&other, &s);
	if (!rlog_open(&l, region, size, UINT64_MAX, &io, &err)) {
		(void)rlog_adopt(&l);
		rlog_commit(&l);
		rlog_trim(&l, UINT64_MAX);
	}
	free(copy);
}

#endif
