/* What every unit test needs before cmocka.h, and a few words more. */
#ifndef TESTS_UNIT_UNIT_H
#define TESTS_UNIT_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/err.h"

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* make check-full sets it. valgrind emulates CPUID, vfork() by fork(), and
 * refuses a lower hard limit of descriptors. */
static inline void not_under_valgrind(void)
{
	if (!getenv("RDMABENCH_UNDER_VALGRIND"))
		return;
	print_message(
		"# skipped: valgrind emulates CPUID, vfork() and limits\n");
	skip();
}

/* An error says what is wrong, not just that something is. */
static inline void assert_words(const struct err *err, const char *words)
{
	if (!strstr(err->text, words))
		fail_msg("'%s' does not say '%s'", err->text, words);
}

#endif
