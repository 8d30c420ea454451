/* Recovery on hostile bytes, for libFuzzer (make fuzz). */
#include <string.h>

#include "../unit/rlog_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Checksums are put right first, or the fuzzer would never get past them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const size_t cap = (size + 2 * RLOG_RING_AT) & ~(size_t)63;
	char *region = aligned_alloc(RLOG_ALIGN, cap);
	struct rlog_header *h;
	size_t at;

	if (!region)
		return 0;
	memset(region, 0, cap);
	memcpy(region, data, size < 256 ? size : 256);
	if (size > 256)
		memcpy(region + RLOG_RING_AT, data + 256, size - 256);
	rlog_super_seal((struct rlog_super *)region);
	rlog_mark_seal((struct rlog_mark *)(region + RLOG_MARK_AT));
	for (at = RLOG_RING_AT; at < cap; at += RLOG_ALIGN) {
		h = (struct rlog_header *)(region + at);
		if (h->magic == RLOG_MAGIC &&
		    h->length <= cap - at - sizeof(*h))
			rlog_header_seal(h);
	}
	fuzz_recovery(region, cap);
	free(region);
	return 0;
}
