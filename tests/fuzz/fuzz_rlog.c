/*
 * Recovery on hostile bytes (make fuzz).  The first byte of the input says
 * what the others are: the log itself, or changes to a good one (two bytes of
 * place, one that is added); and whether checksums are put right afterwards,
 * or the fuzzer would never get past them.
 */
#include <string.h>

#include "../unit/rlog_fuzz.h"
#include "calm.h"

enum { RAW = 1, AS_IS = 2, BY_TAIL = 4, GOOD_RING = 1024 };

static void seal(char *region, size_t cap)
{
	struct rlog_header *h;
	size_t at;

	rlog_super_seal((struct rlog_super *)region);
	rlog_mark_seal((struct rlog_mark *)(region + RLOG_MARK_AT));
	for (at = RLOG_RING_AT; at < cap; at += RLOG_ALIGN) {
		h = (struct rlog_header *)(region + at);
		if (h->magic == RLOG_MAGIC &&
		    h->length <= cap - at - sizeof(*h))
			rlog_header_seal(h, CRC32C_BEST);
	}
}

static void raw(char *region, const uint8_t *data, size_t size)
{
	memcpy(region, data, size < 256 ? size : 256);
	if (size > 256)
		memcpy(region + RLOG_RING_AT, data + 256, size - 256);
}

/* Once around the ring, so that there are pads and what an earlier lap
 * left. */
static void good(char *region, size_t cap, enum rlog_commit commit)
{
	static const char payload[100] = "payload";
	const struct rlog_io io = {
		.copy = fuzz_copy, .flush = fuzz_flush, .fence = fuzz_fence};
	char image[512];
	struct rlog l;
	struct err err;
	uint64_t i;

	if (rlog_format(region, cap, commit, 1, &io, &err) ||
	    rlog_open(&l, region, cap, 2, &io, &err))
		abort();
	rlog_begin(&l);
	for (i = 0; i < 12; i++) {
		if (rlog_append(&l, payload, i * 8, image)) {
			rlog_trim(&l, l.committed - 256);
			continue;
		}
		rlog_commit(&l);
	}
}

static void change(char *region, size_t cap, const uint8_t *data, size_t size)
{
	size_t at;

	for (; size >= 3; size -= 3, data += 3) {
		at = data[0] | (unsigned)data[1] << 8;
		/* Nothing is between the marks and the ring. */
		at = at % (GOOD_RING + 256);
		if (at >= 256)
			at += RLOG_RING_AT - 256;
		if (at < cap)
			region[at] = (char)(region[at] + data[2]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const unsigned how = size ? data[0] : RAW;
	const size_t ring =
		how & RAW ? (size + RLOG_RING_AT) & ~(size_t)63 : GOOD_RING;
	const size_t cap = RLOG_RING_AT + ring;
	char *region = aligned_alloc(RLOG_ALIGN, cap);

	if (!region)
		return 0;
	memset(region, 0, cap);
	if (how & RAW) {
		raw(region, data + 1, size ? size - 1 : 0);
	} else {
		good(region, cap,
		     how & BY_TAIL ? RLOG_BY_TAIL : RLOG_BY_CHECKSUM);
		change(region, cap, data + 1, size - 1);
	}
	if (!(how & AS_IS))
		seal(region, cap);
	fuzz_recovery(region, cap);
	free(region);
	return 0;
}
