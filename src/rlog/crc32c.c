#include "rlog/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define POLYNOMIAL 0x82f63b78u /* reflected */

static uint32_t by_bits(uint32_t crc, const unsigned char *p, size_t len)
{
	unsigned i;

	while (len--) {
		crc ^= *p++;
		for (i = 0; i < 8; i++)
			crc = crc >> 1 ^ (crc & 1 ? POLYNOMIAL : 0);
	}
	return crc;
}

#if defined(__x86_64__)

/* A lane; three make most of a record of 4 KiB.  The constants move a CRC on
 * by one and by two lanes: x^(8n - 33) modulo the polynomial, reflected. */
enum { LANE = 448 };
#define BY_ONE_LANE 0x1b03397f
#define BY_TWO_LANES 0x68bce87a

static inline uint64_t word_at(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

__attribute__((target("sse4.2"))) static uint32_t by_instruction(
	uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t c = crc;

	for (; len >= 8; len -= 8, p += 8)
		c = _mm_crc32_u64(c, word_at(p));
	for (; len; len--)
		c = _mm_crc32_u8((uint32_t)c, *p++);
	return (uint32_t)c;
}

__attribute__((target("sse4.2,pclmul"))) static inline uint64_t moved_on(
	uint64_t crc, int by)
{
	__m128i product = _mm_clmulepi64_si128(
		_mm_cvtsi64_si128((long long)crc), _mm_cvtsi32_si128(by), 0);

	return _mm_crc32_u64(0, (uint64_t)_mm_cvtsi128_si64(product));
}

__attribute__((target("sse4.2,pclmul"))) static uint32_t by_three_lanes(
	uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t a = crc, b, c;
	size_t i;

	for (; len >= 3 * LANE; len -= 3 * LANE, p += 3 * LANE) {
		b = c = 0;
		for (i = 0; i < LANE; i += 8) {
			a = _mm_crc32_u64(a, word_at(p + i));
			b = _mm_crc32_u64(b, word_at(p + LANE + i));
			c = _mm_crc32_u64(c, word_at(p + 2 * LANE + i));
		}
		a = moved_on(a, BY_TWO_LANES) ^ moved_on(b, BY_ONE_LANE) ^ c;
	}
	return by_instruction((uint32_t)a, p, len);
}

enum crc32c_way crc32c_best(void)
{
	if (!__builtin_cpu_supports("sse4.2"))
		return CRC32C_BITS;
	return __builtin_cpu_supports("pclmul") ? CRC32C_THREE_LANES
						: CRC32C_INSTRUCTION;
}

#else

enum crc32c_way crc32c_best(void)
{
	return CRC32C_BITS;
}

#endif

static uint32_t of(enum crc32c_way way, const void *buf, size_t len)
{
#if defined(__x86_64__)
	if (way == CRC32C_THREE_LANES)
		return ~by_three_lanes(~0u, buf, len);
	if (way == CRC32C_INSTRUCTION)
		return ~by_instruction(~0u, buf, len);
#endif
	(void)way;
	return ~by_bits(~0u, buf, len);
}

uint32_t crc32c(const void *buf, size_t len)
{
	return of(crc32c_best(), buf, len);
}

int crc32c_by(enum crc32c_way way, const void *buf, size_t len, uint32_t *crc)
{
	if (way > crc32c_best())
		return -1;
	*crc = of(way, buf, len);
	return 0;
}
