#include "work/scan.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/splitmix.h"

static uint64_t word_at(uint64_t index, uint64_t seed)
{
	return splitmix_mix((index + 1) * SPLITMIX_STEP + seed);
}

void scan_fill(void *buf, size_t len, uint64_t seed)
{
	char *p = buf;
	size_t off;

	for (off = 0; off < len; off += sizeof(uint64_t)) {
		uint64_t w = word_at(off / sizeof(uint64_t), seed);
		size_t rest = len - off;

		memcpy(p + off, &w, rest < sizeof(w) ? rest : sizeof(w));
	}
}

void scan_stamp_whole(void *buf, size_t len, uint64_t seed, uint64_t op)
{
	scan_fill(buf, len, seed + op);
	scan_stamp_first(buf, len, op);
}

static bool stamped(const struct scan_expect *want, size_t off)
{
	switch (want->stamp) {
	case STAMP_LINES:
		return off % (want->line ? want->line : SCAN_LINE) == 0;
	case STAMP_FIRST:
	case STAMP_WHOLE:
		return off == 0;
	default:
		return false;
	}
}

static int wrong(const struct scan_expect *want, size_t off, uint64_t got,
		 uint64_t expected, struct err *err)
{
	return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
		       "operation %" PRIu64 ": payload differs at byte %zu: "
		       "%016" PRIx64 " where %016" PRIx64 " was sent%s",
		       want->op, off, got, expected,
		       stamped(want, off) ? " (stale data?)" : "");
}

int scan_verify(const void *buf, size_t len, const struct scan_expect *want,
		struct err *err)
{
	const uint64_t seed =
		want->seed + (want->stamp == STAMP_WHOLE ? want->op : 0);
	const char *p = buf;
	size_t off;

	for (off = 0; off < len; off += sizeof(uint64_t)) {
		uint64_t w = stamped(want, off)
				     ? want->op
				     : word_at(off / sizeof(uint64_t), seed);
		size_t rest = len - off;
		uint64_t got = 0;

		if (rest > sizeof(w))
			rest = sizeof(w);
		memcpy(&got, p + off, rest);
		if (memcmp(&got, &w, rest))
			return wrong(want, off, got, w, err);
	}
	return 0;
}

/* How many bytes from `at` on are there, each word read once: memcmp(3) reads
 * the first difference that it finds a second time, to tell which is less, and
 * calls a page equal if that word alone has arrived by then. */
static size_t arrived(const unsigned char *buf, const unsigned char *want,
		      size_t at, size_t len)
{
	uint64_t word;

	for (; len - at >= sizeof(word); at += sizeof(word)) {
		memcpy(&word, want + at, sizeof(word));
		if (*(const volatile uint64_t *)(const void *)(buf + at) !=
		    word)
			return at;
	}
	while (at < len &&
	       *(const volatile unsigned char *)(buf + at) == want[at])
		at++;
	return at;
}

bool scan_await(const void *buf, const void *want, size_t len, uint64_t ns)
{
	const uint64_t begin = clock_raw_ns();
	size_t at = 0;
	bool late;

	assert((uintptr_t)buf % sizeof(uint64_t) == 0);
	do {
		late = clock_raw_ns() - begin > ns;
		at = arrived(buf, want, at, len);
	} while (at < len && !late);
	/* What is read from now on was written before what was seen. */
	atomic_thread_fence(memory_order_acquire);
	return at == len;
}
