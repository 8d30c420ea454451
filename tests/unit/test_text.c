/* base/text: lines as wide as the reader's terminal. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "unit.h"

static void width_is_what_columns_says(void **state)
{
	static const struct {
		const char *columns;
		int width;
	} cases[] = {
		{"60", 59},	    {"72", 71},
		{"80", 79},	    {"20", TEXT_WIDTH_MIN},
		{"1", 59},	    {"300", TEXT_WIDTH_MAX},
		{"", TEXT_WIDTH},   {"0", TEXT_WIDTH},
		{"-9", TEXT_WIDTH}, {"wide", TEXT_WIDTH},
	};
	FILE *none = tmpfile(); /* no terminal */
	size_t i;

	(void)state;
	assert_non_null(none);
	for (i = 0; i < N_OF(cases); i++) {
		setenv("COLUMNS", cases[i].columns, 1);
		assert_int_equal(text_width(none), cases[i].width);
	}
	unsetenv("COLUMNS");
	assert_int_equal(text_width(none), TEXT_WIDTH);
	fclose(none);
}

static void wrapped(const char *text, int indent, const char *want)
{
	char got[512] = "";
	FILE *f = fmemopen(got, sizeof(got), "w");

	assert_non_null(f);
	text_wrap(f, text, indent);
	fclose(f);
	assert_string_equal(got, want);
}

static void words_stay_whole(void **state)
{
	(void)state;
	setenv("COLUMNS", "60", 1);
	wrapped("", 0, "\n");
	wrapped("one  two", 4, "one two\n");
	wrapped("a line of words that is longer than fifty-nine columns, wraps",
		0,
		"a line of words that is longer than fifty-nine columns,\n"
		"wraps\n");
	wrapped("indented words go on below the first of them, not at the edge",
		20,
		"indented words go on below the first of\n"
		"                    them, not at the edge\n");
	wrapped("first\nsecond", 2, "first\n  second\n");
	/* A word that no line has room for. */
	wrapped("/a/path/that/is/much/longer/than/any/line/of/sixty/columns/is "
		"x",
		0,
		"/a/path/that/is/much/longer/than/any/line/of/sixty/columns/"
		"is\n"
		"x\n");
	/* But a list is cut behind a comma. */
	wrapped("any of (default tcp,send,write-imm,write-read,write,flush)",
		28,
		"any of (default\n"
		"                            tcp,send,write-imm,write-read,\n"
		"                            write,flush)\n");
	/* And what is no path at the edge, between characters. */
	wrapped("a-single-word-of-more-than-forty-letters", 30,
		"a-single-word-of-more-than-fo\n"
		"                              rty-letters\n");
	wrapped("a-single-word-of-more-than-f\xc3\xb6rty-letters", 30,
		"a-single-word-of-more-than-f\n"
		"                              \xc3\xb6rty-letters\n");
	unsetenv("COLUMNS");
}

static void words_that_were_meant(void **state)
{
	(void)state;
	assert_int_equal(text_distance("", ""), 0);
	assert_int_equal(text_distance("", "run"), 3);
	assert_int_equal(text_distance("sise", "size"), 1);
	assert_int_equal(text_distance("kitten", "sitting"), 3);
	assert_int_equal(text_distance("a-word-of-more-than-31-letters-x", "a"),
			 UINT_MAX);
	assert_true(text_meant("rnu", "run"));
	assert_true(text_meant("transprot", "transport"));
	assert_false(text_meant("frob", "run"));
	assert_false(text_meant("a-word-of-more-than-31-letters-x", "a"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(width_is_what_columns_says),
		cmocka_unit_test(words_stay_whole),
		cmocka_unit_test(words_that_were_meant),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
