#include "rlog/crc32c.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define POLYNOMIAL 0x82f63b78u /* reflected */

#define X(id, name) [CRC32C_##id] = name,
const char *const crc32c_way_names[CRC32C_WAYS] = {CRC32C_WAYS_ALL(X)};
#undef X

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

static inline uint64_t word_at(const unsigned char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

/* --- without an instruction ------------------------------------------------------ */

/* Of the byte `i`, and of `i` with up to 7 bytes of zeros behind it: linear in
 * its bits, so those of 1, 2, 4, ... make them all. */
#define BYTE(i, a, b, c, d, e, f, g, h)                                        \
	(((i)&1 ? a : 0u) ^ ((i)&2 ? b : 0u) ^ ((i)&4 ? c : 0u) ^              \
	 ((i)&8 ? d : 0u) ^ ((i)&16 ? e : 0u) ^ ((i)&32 ? f : 0u) ^            \
	 ((i)&64 ? g : 0u) ^ ((i)&128 ? h : 0u))
#define BYTES_4(i, ...)                                                        \
	BYTE(i, __VA_ARGS__), BYTE(i + 1, __VA_ARGS__),                        \
		BYTE(i + 2, __VA_ARGS__), BYTE(i + 3, __VA_ARGS__)
#define BYTES_16(i, ...)                                                       \
	BYTES_4(i, __VA_ARGS__), BYTES_4(i + 4, __VA_ARGS__),                  \
		BYTES_4(i + 8, __VA_ARGS__), BYTES_4(i + 12, __VA_ARGS__)
#define BYTES_64(i, ...)                                                       \
	BYTES_16(i, __VA_ARGS__), BYTES_16(i + 16, __VA_ARGS__),               \
		BYTES_16(i + 32, __VA_ARGS__), BYTES_16(i + 48, __VA_ARGS__)
#define SLICE(...)                                                             \
	{                                                                      \
		BYTES_64(0, __VA_ARGS__), BYTES_64(64, __VA_ARGS__),           \
			BYTES_64(128, __VA_ARGS__), BYTES_64(192, __VA_ARGS__) \
	}

static const uint32_t slices[8][256] = {
	SLICE(0xf26b8303, 0xe13b70f7, 0xc79a971f, 0x8ad958cf, 0x105ec76f,
	      0x20bd8ede, 0x417b1dbc, 0x82f63b78),
	SLICE(0x13a29877, 0x274530ee, 0x4e8a61dc, 0x9d14c3b8, 0x3fc5f181,
	      0x7f8be302, 0xff17c604, 0xfbc3faf9),
	SLICE(0xa541927e, 0x4f6f520d, 0x9edea41a, 0x38513ec5, 0x70a27d8a,
	      0xe144fb14, 0xc76580d9, 0x8b277743),
	SLICE(0xdd45aab8, 0xbf672381, 0x7b2231f3, 0xf64463e6, 0xe964b13d,
	      0xd725148b, 0xaba65fe7, 0x52a0c93f),
	SLICE(0x38116fac, 0x7022df58, 0xe045beb0, 0xc5670b91, 0x8f2261d3,
	      0x1ba8b557, 0x37516aae, 0x6ea2d55c),
	SLICE(0xef306b19, 0xdb8ca0c3, 0xb2f53777, 0x6006181f, 0xc00c303e,
	      0x85f4168d, 0x0e045beb, 0x1c08b7d6),
	SLICE(0x68032cc8, 0xd0065990, 0xa5e0c5d1, 0x4e2dfd53, 0x9c5bfaa6,
	      0x3d5b83bd, 0x7ab7077a, 0xf56e0ef4),
	SLICE(0x493c7d27, 0x9278fa4e, 0x211d826d, 0x423b04da, 0x847609b4,
	      0x0d006599, 0x1a00cb32, 0x34019664),
};

static uint32_t by_slices(uint32_t crc, const unsigned char *p, size_t len)
{
	const uint32_t(*t)[256] = slices;
	uint64_t w;

	for (; len >= 8; len -= 8, p += 8) {
		w = word_at(p) ^ crc;
		crc = t[7][w & 255] ^ t[6][w >> 8 & 255] ^ t[5][w >> 16 & 255] ^
		      t[4][w >> 24 & 255] ^ t[3][w >> 32 & 255] ^
		      t[2][w >> 40 & 255] ^ t[1][w >> 48 & 255] ^ t[0][w >> 56];
	}
	for (; len; len--)
		crc = crc >> 8 ^ t[0][(crc ^ *p++) & 255];
	return crc;
}

/*
 * The polynomial divides x^209 + x^144 + x^54 + x^39 + x^14 + 1: a bit may be
 * taken away if it is added 65, 155, 170, 195 and 209 bits further on.  Words
 * are taken away in turn; what they leave is in the four behind them, so in
 * registers, and memory is read once: an emulator pays for that most.
 */
/* `a`: what goes into this word, and then what it leaves for the fourth behind
 * it; `b` to `d`: for those between. */
static inline void take_away(const unsigned char *p, uint64_t *a, uint64_t *b,
			     uint64_t *c, uint64_t *d)
{
	const uint64_t w = word_at(p) ^ *a;

	*b ^= w << 1;
	*c ^= w >> 63 ^ w << 27 ^ w << 42;
	*d ^= w >> 37 ^ w >> 22 ^ w << 3 ^ w << 17;
	*a = w >> 61 ^ w >> 47;
}

static uint32_t by_sparse(uint32_t crc, const unsigned char *p, size_t len)
{
	uint64_t rest[8] = {0}, a = crc, b = 0, c = 0, d = 0;

	if (len < sizeof(rest))
		return by_slices(crc, p, len);
	for (; len >= sizeof(rest); len -= 32, p += 32) {
		take_away(p, &a, &b, &c, &d);
		take_away(p + 8, &b, &c, &d, &a);
		take_away(p + 16, &c, &d, &a, &b);
		take_away(p + 24, &d, &a, &b, &c);
	}
	memcpy(rest, p, len);
	rest[0] ^= a;
	rest[1] ^= b;
	rest[2] ^= c;
	rest[3] ^= d;
	return by_slices(0, (const unsigned char *)rest, len);
}

/* --- with one ---------------------------------------------------------------------- */

#if defined(__x86_64__)

/* A lane; three make most of a record of 4 KiB.  The constants move a CRC on
 * by one and by two lanes: x^(8n - 33) modulo the polynomial, reflected. */
#define LANE ((size_t)448)
#define BY_ONE_LANE 0x1b03397f
#define BY_TWO_LANES 0x68bce87a

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
		return CRC32C_SPARSE;
	return __builtin_cpu_supports("pclmul") ? CRC32C_THREE_LANES
						: CRC32C_INSTRUCTION;
}

#else

enum crc32c_way crc32c_best(void)
{
	return CRC32C_SPARSE;
}

#endif

uint32_t crc32c_of(enum crc32c_way way, const void *buf, size_t len)
{
	if (way == CRC32C_BEST)
		way = crc32c_best();
#if defined(__x86_64__)
	if (way == CRC32C_THREE_LANES)
		return ~by_three_lanes(~0u, buf, len);
	if (way == CRC32C_INSTRUCTION)
		return ~by_instruction(~0u, buf, len);
#endif
	return way == CRC32C_BITS ? ~by_bits(~0u, buf, len)
				  : ~by_sparse(~0u, buf, len);
}

uint32_t crc32c(const void *buf, size_t len)
{
	return crc32c_of(CRC32C_BEST, buf, len);
}

int crc32c_by(enum crc32c_way way, const void *buf, size_t len, uint32_t *crc)
{
	if (way > crc32c_best())
		return -1;
	*crc = crc32c_of(way, buf, len);
	return 0;
}

enum crc32c_way crc32c_fastest(uint64_t (*now)(void *), void *arg)
{
	static const unsigned char zeros[4096];
	const enum crc32c_way most = crc32c_best();
	enum crc32c_way way, fastest = most;
	uint64_t begin, took, least = UINT64_MAX;
	volatile uint32_t keep;
	unsigned i;

	for (i = 0; i < 8; i++)
		for (way = CRC32C_SPARSE; way <= most; way++) {
			begin = now(arg);
			keep = crc32c_of(way, zeros, sizeof(zeros));
			took = now(arg) - begin;
			if (took >= least)
				continue;
			least = took;
			fastest = way;
		}
	(void)keep;
	return fastest;
}
