#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"

static void set_keeps_everything(void **state)
{
	struct err e;

	(void)state;
	assert_int_equal(
		err_set(&e, -EINVAL, REASON_USAGE, "no %d of %s", 3, "these"),
		-EINVAL);
	assert_int_equal(e.reason, REASON_USAGE);
	assert_string_equal(e.text, "no 3 of these");
	err_clear(&e);
	assert_int_equal(e.reason, REASON_NONE);
	assert_string_equal(e.text, "");
}

static void sys_adds_words_and_guesses_the_reason(void **state)
{
	static const struct {
		int e;
		enum reason reason;
	} cases[] = {
		{EACCES, REASON_NO_PERMISSION},
		{EPERM, REASON_NO_PERMISSION},
		{ENOMEM, REASON_NO_MEMORY},
		{EMFILE, REASON_NO_MEMORY},
		{ENOENT, REASON_NO_FILE},
		{EADDRINUSE, REASON_IN_USE},
		{ENODEV, REASON_NO_DEVICE},
		{ECONNREFUSED, REASON_PEER_REFUSED},
		{ECONNRESET, REASON_PEER_LOST},
		{EPIPE, REASON_PEER_LOST},
		{ETIMEDOUT, REASON_PEER_TIMEOUT},
		{EINTR, REASON_INTERRUPTED},
		{ENOSPC, REASON_IO_ERROR},
	};
	char expect[128];
	struct err e;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(err_sys(&e, -cases[i].e, "open %s", "x"),
				 -cases[i].e);
		assert_int_equal(e.reason, cases[i].reason);
		strcpy(expect, "open x: ");
		strcat(expect, strerror(cases[i].e));
		if (cases[i].e == EMFILE)
			strcat(expect, " (ulimit -n)");
		assert_string_equal(e.text, expect);
	}
}

static void wrap_puts_context_in_front(void **state)
{
	struct err e;

	(void)state;
	err_set(&e, -1, REASON_PEER_LOST, "gone");
	err_wrap(&e, "host %d", 2);
	err_wrap(&e, "run");
	assert_string_equal(e.text, "run: host 2: gone");
	assert_int_equal(e.reason, REASON_PEER_LOST);
}

static void long_words_are_cut_not_spilt(void **state)
{
	struct {
		struct err e;
		char guard[64];
	} s;
	char big[2 * ERR_TEXT_MAX];
	int i;

	(void)state;
	memset(&s, 'G', sizeof(s));
	memset(big, 'x', sizeof(big) - 1);
	big[sizeof(big) - 1] = '\0';
	err_set(&s.e, -1, REASON_INTERNAL, "%s", big);
	assert_int_equal(strlen(s.e.text), ERR_TEXT_MAX - 1);
	err_sys(&s.e, -ENOENT, "%s", big);
	assert_int_equal(strlen(s.e.text), ERR_TEXT_MAX - 1);
	for (i = 0; i < 3; i++) {
		err_wrap(&s.e, "%s", "context");
		assert_int_equal(strlen(s.e.text), ERR_TEXT_MAX - 1);
	}
	assert_memory_equal(s.e.text, "context: context: context: xxx", 30);
	err_wrap(&s.e, "%s", big);
	assert_int_equal(strlen(s.e.text), ERR_TEXT_MAX - 1);
	for (i = 0; i < 64; i++)
		assert_int_equal(s.guard[i], 'G');
}

/* Both ends and every row use these words: each one, once. */
static void words_are_unique_and_parse_back(void **state)
{
	int i, k;

	(void)state;
	for (i = 0; i < REASON_COUNT; i++) {
		const char *w = reason_word((enum reason)i);

		assert_non_null(w);
		assert_true(i == REASON_NONE ? !*w : *w);
		assert_int_equal(strspn(w, "abcdefghijklmnopqrstuvwxyz-"),
				 strlen(w));
		assert_int_equal(reason_parse(w), i);
		for (k = 0; k < i; k++)
			assert_string_not_equal(w, reason_word((enum reason)k));
	}
	assert_int_equal(reason_parse("no-such-word"), REASON_COUNT);
	assert_int_equal(reason_parse("no-devic"), REASON_COUNT);
	assert_string_equal(reason_word(REASON_COUNT), "internal");
}

static void exit_codes_are_the_documented_ones(void **state)
{
	int i;

	(void)state;
	assert_int_equal(reason_exit_code(REASON_NONE), 0);
	assert_int_equal(reason_exit_code(REASON_VERIFY_FAILED), 1);
	assert_int_equal(reason_exit_code(REASON_MISCOUNT), 1);
	assert_int_equal(reason_exit_code(REASON_USAGE), 2);
	assert_int_equal(reason_exit_code(REASON_NO_DEVICE), 3);
	assert_int_equal(reason_exit_code(REASON_IO_ERROR), 3);
	assert_int_equal(reason_exit_code(REASON_PEER_REFUSED), 4);
	assert_int_equal(reason_exit_code(REASON_LINK_FAILED), 4);
	assert_int_equal(reason_exit_code(REASON_INTERRUPTED), 130);
	for (i = 1; i < REASON_COUNT; i++)
		assert_int_not_equal(reason_exit_code((enum reason)i), 0);
}

static void unsupported_only_for_what_is_lacking(void **state)
{
	(void)state;
	assert_true(reason_is_unsupported(REASON_NO_DEVICE));
	assert_true(reason_is_unsupported(REASON_NO_PMU));
	assert_true(reason_is_unsupported(REASON_BUILT_WITHOUT));
	assert_false(reason_is_unsupported(REASON_NONE));
	assert_false(reason_is_unsupported(REASON_PEER_LOST));
	assert_false(reason_is_unsupported(REASON_VERIFY_FAILED));
	assert_false(reason_is_unsupported(REASON_COUNT));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_keeps_everything),
		cmocka_unit_test(sys_adds_words_and_guesses_the_reason),
		cmocka_unit_test(wrap_puts_context_in_front),
		cmocka_unit_test(long_words_are_cut_not_spilt),
		cmocka_unit_test(words_are_unique_and_parse_back),
		cmocka_unit_test(exit_codes_are_the_documented_ones),
		cmocka_unit_test(unsupported_only_for_what_is_lacking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
