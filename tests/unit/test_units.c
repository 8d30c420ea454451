#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

struct good {
	const char *text;
	uint64_t v;
};

struct bad {
	const char *text;
	const char *names; /* must be in the words */
};

static void check_good(units_parse_fn *parse, const struct good *c, size_t n)
{
	struct err err = {.text = ""};
	uint64_t v;
	size_t i;

	for (i = 0; i < n; i++) {
		v = 99;
		if (parse(c[i].text, &v, &err))
			fail_msg("%s: %s", c[i].text, err.text);
		if (v != c[i].v)
			fail_msg("%s gave %llu", c[i].text,
				 (unsigned long long)v);
	}
}

static void check_bad(units_parse_fn *parse, const struct bad *c, size_t n)
{
	struct err err;
	uint64_t v;
	size_t i;

	for (i = 0; i < n; i++) {
		v = 99;
		err_clear(&err);
		if (parse(c[i].text, &v, &err) != -EINVAL)
			fail_msg("'%s' was taken as %llu", c[i].text,
				 (unsigned long long)v);
		assert_int_equal(v, 99);
		assert_int_equal(err.reason, REASON_USAGE);
		if (!strstr(err.text, c[i].names))
			fail_msg("'%s': '%s' does not say '%s'", c[i].text,
				 err.text, c[i].names);
	}
}

static void sizes(void **state)
{
	static const struct good good[] = {
		{"0", 0},
		{"64", 64},
		{"4k", 4096},
		{"4K", 4096},
		{"4kB", 4096},
		{"4KiB", 4096},
		{"16M", 16777216},
		{"16mib", 16777216},
		{"1G", 1073741824},
		{"7B", 7},
		{"007", 7},
		{"18446744073709551615", UINT64_MAX},
		{"17179869183G", (uint64_t)17179869183u << 30},
	};
	static const struct bad bad[] = {
		{"", "empty"},
		{"k", "'k'"},
		{"-1", "'-1'"},
		{"+1", "'+1'"},
		{" 1", "' 1'"},
		{"1 ", "' '"},
		{"4q", "'q'"},
		{"4iB", "'iB'"},
		{"4kk", "'kk'"},
		{"4kiBx", "'kiBx'"},
		{"1.5k", "'.5k'"},
		{"0x10", "'x10'"},
		{"1e3", "'e3'"},
		{"18446744073709551616", "64 bits"},
		{"17179869184G", "64 bits"},
		{"99999999999999999999999", "64 bits"},
	};

	(void)state;
	check_good(units_parse_size, good, COUNT(good));
	check_bad(units_parse_size, bad, COUNT(bad));
}

static void times(void **state)
{
	static const struct good good[] = {
		{"0", 0},
		{"0.0", 0},
		{"0s", 0},
		{"17ns", 17},
		{"250us", 250000},
		{"5ms", 5000000},
		{"1.5s", 1500000000},
		{".5us", 500},
		{"0.1us", 100},
		{"0.3s", 300000000},
		{"1.4ns", 1},
		{"1.5ns", 2},
		{"0.0000000005s", 1},
		{"18446744073.709551615s", UINT64_MAX},
		{"18446744073709551615ns", UINT64_MAX},
	};
	static const struct bad bad[] = {
		{"", "empty"},
		{"30", "unit"},
		{"1.5", "unit"},
		{"s", "'s'"},
		{".", "'.'"},
		{".s", "'.s'"},
		{"1.s", "point"},
		{"1..5s", "point"},
		{"1.5.5s", "'.5s'"},
		{"-1s", "'-1s'"},
		{"5m", "'m'"},
		{"5 ms", "' ms'"},
		{"5msx", "'msx'"},
		{"5MS", "'MS'"},
		{"18446744073.709551616s", "64 bits"},
		{"99999999999999999999999999s", "64 bits"},
		{"99999999999999999999999999999999999999999999s", "digits"},
	};

	(void)state;
	check_good(units_parse_time, good, COUNT(good));
	check_bad(units_parse_time, bad, COUNT(bad));
}

static void counts(void **state)
{
	static const struct good good[] = {
		{"0", 0},
		{"1000", 1000},
		{"1e6", 1000000},
		{"25E3", 25000},
		{"7e0", 7},
		{"0e18446744073709551615", 0},
		{"1e19", 10000000000000000000u},
		{"18446744073709551615", UINT64_MAX},
	};
	static const struct bad bad[] = {
		{"", "empty"},
		{"1k", "'k'"},
		{"1.5e6", "'.5e6'"},
		{"1e", "exponent"},
		{"1e-3", "exponent"},
		{"e6", "'e6'"},
		{"1e6e6", "'e6'"},
		{"-3", "'-3'"},
		{"1e20", "64 bits"},
		{"2e19", "64 bits"},
		{"1e18446744073709551615", "64 bits"},
		{"1e99999999999999999999", "exponent"},
		{"18446744073709551616", "64 bits"},
	};

	(void)state;
	check_good(units_parse_count, good, COUNT(good));
	check_bad(units_parse_count, bad, COUNT(bad));
}

static void check_list(const char *text, const uint64_t *expect, unsigned n)
{
	struct err err = {.text = ""};
	uint64_t v[UNITS_LIST_MAX];
	unsigned got = 0;

	if (units_parse_list(text, units_parse_size, v, UNITS_LIST_MAX, &got,
			     &err))
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(got, n);
	assert_memory_equal(v, expect, n * sizeof(v[0]));
}

#define CHECK_LIST(text, ...)                                                  \
	check_list(text, (const uint64_t[]){__VA_ARGS__},                      \
		   COUNT(((const uint64_t[]){__VA_ARGS__})))

static void lists(void **state)
{
	(void)state;
	CHECK_LIST("64", 64);
	CHECK_LIST("4k,1k,4k", 4096, 1024, 4096);
	CHECK_LIST("1k-16kx4", 1024, 4096, 16384);
	CHECK_LIST("1k-15kx4", 1024, 4096);
	CHECK_LIST("1k-4k+1k", 1024, 2048, 3072, 4096);
	CHECK_LIST("1-10+4", 1, 5, 9);
	CHECK_LIST("8,1k-4kx2,1M", 8, 1024, 2048, 4096, 1048576);
	CHECK_LIST("5-5x2", 5);
	CHECK_LIST("0-2+1", 0, 1, 2);
	/* up to the very top, where one more step would overflow */
	CHECK_LIST("18446744073709551614-18446744073709551615+1",
		   UINT64_MAX - 1, UINT64_MAX);
	CHECK_LIST("9223372036854775808-18446744073709551615x2",
		   (uint64_t)1 << 63);
}

static void lists_of_other_things(void **state)
{
	uint64_t v[8];
	struct err err;
	unsigned n;

	(void)state;
	assert_int_equal(units_parse_list("1us-1msx10,2s", units_parse_time, v,
					  8, &n, &err),
			 0);
	assert_int_equal(n, 5);
	assert_int_equal(v[3], 1000000);
	assert_int_equal(v[4], 2000000000);
	assert_int_equal(units_parse_list("1-2e3x1e1", units_parse_count, v, 8,
					  &n, &err),
			 0);
	assert_int_equal(n, 4);
	assert_int_equal(v[3], 1000);
}

static int parse_sizes(const char *s, uint64_t *v, struct err *err)
{
	uint64_t list[UNITS_LIST_MAX];
	unsigned n = 99;
	int ret = units_parse_list(s, units_parse_size, list, UNITS_LIST_MAX,
				   &n, err);

	if (!ret)
		*v = n;
	else
		assert_int_equal(n, 99);
	return ret;
}

static void bad_lists(void **state)
{
	static const struct bad bad[] = {
		{"", "empty"},
		{",", "empty"},
		{"1k,", "'1k,'"},
		{"1k,,2k", "empty"},
		{"1k,4q,2", "'q'"},
		{"1k,4q,2", "'1k,4q,2'"},
		{"1k-8k", "factor"},
		{"-8kx2", "'-8kx2'"},
		{"1k-", "'1k-'"},
		{"1k-x2", "'1k-x2'"},
		{"1k-4qx2", "'1k-4qx2'"},
		{"1k-8kx", "'1k-8kx'"},
		{"1k-8kx1", "factor of 2"},
		{"1k-8kx0", "factor of 2"},
		{"1k-8kx2k", "'k'"},
		{"1k-8k+0", "step"},
		{"0-8kx2", "0 times"},
		{"8k-1kx2", "above its end"},
		{"1-4x2+1", "'+1'"},
		{"1-64+1,65", "64"},
		{"0-64+1", "64 values"},
		{"0-18446744073709551615+1", "64 values"},
	};
	char big[200];
	uint64_t v;
	struct err err;

	(void)state;
	check_bad(parse_sizes, bad, COUNT(bad));
	check_good(parse_sizes, (const struct good[]){{"1-64+1", 64}}, 1);
	memset(big, '1', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	assert_int_equal(parse_sizes(big, &v, &err), -EINVAL);
}

static void sizes_print_and_parse_back(void **state)
{
	static const struct good cases[] = {
		{"0", 0},
		{"64", 64},
		{"1000", 1000},
		{"1023", 1023},
		{"1k", 1024},
		{"1025", 1025},
		{"4k", 4096},
		{"16M", 16777216},
		{"1025k", 1025 << 10},
		{"1G", 1 << 30},
		{"4096G", (uint64_t)4 << 40},
		{"18446744073709551615", UINT64_MAX},
	};
	char buf[UNITS_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_string_equal(
			units_format_size(buf, sizeof(buf), cases[i].v),
			cases[i].text);
	check_good(units_parse_size, cases, COUNT(cases));
}

static void times_print_in_three_digits(void **state)
{
	static const struct {
		double ns;
		const char *text;
	} cases[] = {
		{0, "0 ns"},	     {0.5, "0.50 ns"},	    {1, "1.00 ns"},
		{9.994, "9.99 ns"},  {9.996, "10.0 ns"},    {99.96, "100 ns"},
		{999.4, "999 ns"},   {999.6, "1.00 us"},    {12345, "12.3 us"},
		{999999, "1.00 ms"}, {123456789, "123 ms"}, {1.5e9, "1.50 s"},
		{3.6e12, "3600 s"},  {-12345, "-12.3 us"},
	};
	char buf[UNITS_TEXT_MAX];
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++)
		assert_string_equal(
			units_format_time(buf, sizeof(buf), cases[i].ns),
			cases[i].text);
	memset(buf, 'G', sizeof(buf));
	units_format_time(buf, 4, 12345);
	assert_string_equal(buf, "12.");
	assert_int_equal(buf[4], 'G');
}

/* Too little, by a byte. */
static void mebibytes_wanted_and_there_differ(void **state)
{
	static const uint64_t there[] = {
		0, 1, 1 << 20, (1 << 20) + 5, 4 << 20, UINT64_MAX - 1};
	unsigned i;

	(void)state;
	for (i = 0; i < COUNT(there); i++)
		assert_true(units_mib_wanted(there[i] + 1) >
			    units_mib_there(there[i]));
	assert_int_equal(units_mib_wanted(4 << 20), 4);
	assert_int_equal(units_mib_there((4 << 20) - 1), 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(times),
		cmocka_unit_test(counts),
		cmocka_unit_test(lists),
		cmocka_unit_test(lists_of_other_things),
		cmocka_unit_test(bad_lists),
		cmocka_unit_test(sizes_print_and_parse_back),
		cmocka_unit_test(times_print_in_three_digits),
		cmocka_unit_test(mebibytes_wanted_and_there_differ),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
