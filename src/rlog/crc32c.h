/*
 * CRC32C (Castagnoli: RFC 3720, appendix B.4), the checksum of a record.
 *
 * By the processor's crc32 instruction, which has a latency of three cycles:
 * where PCLMULQDQ is there too, three lanes run side by side and are joined
 * by carry-less multiplication (Gopal et al., "Fast CRC computation for
 * iSCSI polynomial using CRC32 instruction", Intel 323405).  Without SSE 4.2,
 * or where the instruction is slow (an emulated processor does it bit by
 * bit), by shifted words: a message is folded by a sparse multiple of the
 * polynomial (the idea: Russell, "Chorba: a novel CRC32 implementation", 2024),
 * and only its last 32 to 63 bytes go through tables.
 */
#ifndef RLOG_CRC32C_H
#define RLOG_CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Of `len` bytes, in one call; of "123456789" it is 0xe3069283. */
uint32_t crc32c(const void *buf, size_t len);

/* How it is done: X(id, name).  crc32c takes the best that this processor has,
 * as does CRC32C_BEST; crc32c_by is for tests: -1, and *crc untouched, for a
 * way that it has not. */
#define CRC32C_WAYS_ALL(X)                                                     \
	X(BEST, "best")                                                        \
	X(BITS, "bits") /* for tests: slow, but plainly right */               \
	X(SPARSE, "sparse")                                                    \
	X(INSTRUCTION, "instruction")                                          \
	X(THREE_LANES, "three-lanes")

#define X(id, name) CRC32C_##id,
enum crc32c_way { CRC32C_WAYS_ALL(X) CRC32C_WAYS };
#undef X
extern const char *const crc32c_way_names[CRC32C_WAYS];

/* The one that has the most of this processor's instructions. */
enum crc32c_way crc32c_best(void);
/* The way that takes the least time for 4 KiB by this clock, of those that
 * the processor has; and by it. */
enum crc32c_way crc32c_fastest(uint64_t (*now)(void *arg), void *arg);
uint32_t crc32c_of(enum crc32c_way way, const void *buf, size_t len);

int crc32c_by(enum crc32c_way way, const void *buf, size_t len, uint32_t *crc);

#endif
