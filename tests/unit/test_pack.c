/* Control messages are packed within bounds, whatever the lengths say. */
#include "unit.h"

#include <stdlib.h>

#include "ctl/pack.h"

static const uint8_t packed[] = {
	0x78, 0x56, 0x34, 0x12,				/* u32 */
	0xef, 0xcd, 0xab, 0x89, 0x67, 0x45, 0x23, 0x01, /* u64 */
	3,    0,    0,	  0,	'a',  0,    'c',	/* bytes */
	2,    0,    0,	  0,	'h',  'i',		/* str */
	0,    0,    0,	  0,				/* "" */
};

static void put_all(struct writer *w)
{
	put_u32(w, 0x12345678);
	put_u64(w, 0x0123456789abcdef);
	put_bytes(w, "a\0c", 3);
	put_str(w, "hi");
	put_str(w, "");
}

struct all {
	uint32_t u32;
	uint64_t u64;
	char bytes[3], str[3], empty[1];
	size_t n;
};

static void get_all(struct reader *r, struct all *a)
{
	memset(a, 0, sizeof(*a));
	a->u32 = get_u32(r);
	a->u64 = get_u64(r);
	a->n = get_bytes(r, a->bytes, sizeof(a->bytes));
	get_str(r, a->str, sizeof(a->str));
	get_str(r, a->empty, sizeof(a->empty));
}

static void wire_form(void **state)
{
	uint8_t buf[sizeof(packed)];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	struct reader r = {.buf = packed, .len = sizeof(packed)};
	struct all a;

	(void)state;
	put_all(&w);
	assert_false(w.bad);
	assert_int_equal(w.len, sizeof(packed));
	assert_memory_equal(buf, packed, sizeof(packed));
	get_all(&r, &a);
	assert_true(reader_done(&r));
	assert_int_equal(a.u32, 0x12345678);
	assert_true(a.u64 == 0x0123456789abcdef);
	assert_int_equal(a.n, 3);
	assert_memory_equal(a.bytes, "a\0c", 3);
	assert_string_equal(a.str, "hi");
	assert_string_equal(a.empty, "");
}

static void too_little_room(void **state)
{
	struct writer w;
	uint8_t *buf;
	size_t cap;

	(void)state;
	for (cap = 0; cap < sizeof(packed); cap++) {
		buf = malloc(sizeof(packed) + 1);
		memset(buf, 0xaa, sizeof(packed) + 1);
		w = (struct writer){.buf = buf, .cap = cap};
		put_all(&w);
		assert_true(w.bad);
		assert_true(w.len <= cap);
		assert_memory_equal(buf, packed, w.len);
		assert_int_equal(buf[cap], 0xaa);
		free(buf);
	}
}

static void truncated_anywhere(void **state)
{
	struct reader r;
	struct all a;
	uint8_t *buf;
	size_t len;

	(void)state;
	for (len = 0; len < sizeof(packed); len++) {
		/* Of exactly this size: a sanitizer sees a byte too much. */
		buf = malloc(len ? len : 1);
		memcpy(buf, packed, len);
		r = (struct reader){.buf = buf, .len = len};
		get_all(&r, &a);
		assert_true(r.bad);
		assert_false(reader_done(&r));
		assert_true(r.pos <= len);
		free(buf);
	}
}

/* Empty bytes may be anywhere: found by fuzzing. */
static void nothing_at_null(void **state)
{
	uint8_t buf[8];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	struct reader r = {.buf = buf, .len = 4};

	(void)state;
	put_bytes(&w, NULL, 0);
	assert_false(w.bad);
	assert_int_equal(w.len, 4);
	assert_int_equal(get_bytes(&r, NULL, 0), 0);
	assert_true(reader_done(&r));
}

static void too_much(void **state)
{
	uint8_t buf[sizeof(packed) + 1] = {0};
	struct reader r = {.buf = buf, .len = sizeof(buf)};
	struct all a;

	(void)state;
	memcpy(buf, packed, sizeof(packed));
	get_all(&r, &a);
	assert_false(r.bad);
	assert_false(reader_done(&r));
}

static void bad_stays_bad(void **state)
{
	struct reader r = {.buf = packed, .len = sizeof(packed), .bad = true};
	uint8_t buf[8];
	struct writer w = {.buf = buf, .cap = sizeof(buf), .bad = true};

	(void)state;
	assert_int_equal(get_u32(&r), 0);
	assert_int_equal(r.pos, 0);
	put_u32(&w, 1);
	assert_int_equal(w.len, 0);
}

/* More than the caller has room for, or than there is. */
static void lengths_that_lie(void **state)
{
	static const uint32_t lengths[] = {4, 5, 0x7fffffff, 0xfffffffc,
					   0xffffffff};
	uint8_t buf[12] = {0};
	struct reader r;
	char out[4];
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(lengths); i++) {
		memset(out, 0x55, sizeof(out));
		memcpy(buf, &lengths[i], 4);
		r = (struct reader){.buf = buf, .len = sizeof(buf)};
		assert_int_equal(get_bytes(&r, out, 3), 0);
		assert_true(r.bad);
		assert_int_equal(out[3], 0x55);
		r = (struct reader){.buf = buf, .len = sizeof(buf)};
		get_str(&r, out, 4); /* 3 and the NUL */
		assert_true(r.bad);
		assert_string_equal(out, "");
	}
}

static void strings_may_be_printed(void **state)
{
	uint8_t buf[64];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	struct reader r = {.buf = buf};
	char out[32];

	(void)state;
	put_bytes(&w, "a\0b\x1b[2Jc\n\x7f\xc3\xa9", 12);
	r.len = w.len;
	get_str(&r, out, sizeof(out));
	assert_true(reader_done(&r));
	assert_string_equal(out, "a?b?[2Jc??\xc3\xa9");
}

/* Cut, overlong, surrogates, beyond Unicode, C1 controls: not one byte. */
static void strings_are_utf8(void **state)
{
	static const char *const in[] = {"\x80",
					 "\xc3",
					 "\xc3(",
					 "\xc0\x80",
					 "\xc1\xbf",
					 "\xe0\x80\xaf",
					 "\xed\xa0\x80",
					 "\xf5",
					 "\xf4\x90\x80\x80",
					 "\xe2\x82",
					 "\xff",
					 "\xc2\x9b"
					 "2J",
					 "\xf0\x9f\x98",
					 "\xc2\x80"};
	static const char *const good[] = {"\xe2\x82\xac", "\xf0\x9f\x98\x80",
					   "\xc2\xa0", "~"};
	uint8_t buf[64];
	struct reader r = {.buf = buf};
	struct writer w;
	char out[32];
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(in); i++) {
		w = (struct writer){.buf = buf, .cap = sizeof(buf)};
		put_str(&w, in[i]);
		r = (struct reader){.buf = buf, .len = w.len};
		get_str(&r, out, sizeof(out));
		assert_int_equal(out[0], '?');
		assert_int_equal(strlen(out), strlen(in[i]));
	}
	for (i = 0; i < N_OF(good); i++) {
		w = (struct writer){.buf = buf, .cap = sizeof(buf)};
		put_str(&w, good[i]);
		r = (struct reader){.buf = buf, .len = w.len};
		get_str(&r, out, sizeof(out));
		assert_string_equal(out, good[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wire_form),
		cmocka_unit_test(too_little_room),
		cmocka_unit_test(truncated_anywhere),
		cmocka_unit_test(nothing_at_null),
		cmocka_unit_test(too_much),
		cmocka_unit_test(bad_stays_bad),
		cmocka_unit_test(lengths_that_lie),
		cmocka_unit_test(strings_may_be_printed),
		cmocka_unit_test(strings_are_utf8),
	};

	return cmocka_run_group_tests_name("pack", tests, NULL, NULL);
}
