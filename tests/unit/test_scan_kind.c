/* Every kind of scan leaves what the verifier expects, and nothing else; what
 * the processor does not have is said. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/cpu_isa.h"
#include "work/scan.h"
#include "work/scan_kind.h"

enum { LEN_MAX = 300, SEED = 3 };

static const size_t lines[] = {32, 64, 128};

static void one(scan_fn *scan, enum scan_kind kind, size_t len, size_t line)
{
	const uint64_t op = 0x0102030405060708;
	struct scan_expect want = {SEED, op, STAMP_NONE, line};
	unsigned char *buf = malloc(len); /* a sanitizer sees its ends */
	struct err err;

	if (scan_kind_writes(kind))
		want.stamp = STAMP_LINES;
	scan_fill(buf, len, SEED);
	assert_int_equal(scan(buf, len, line, op), scan_lines(len, line));
	if (scan_verify(buf, len, &want, &err))
		fail_msg("%s, %zu bytes: %s", scan_kind_names[kind], len,
			 err.text);
	free(buf);
}

static void every_kind_on_every_length(void **state)
{
	const unsigned isa = cpu_isa();
	unsigned kind, tried = 0;
	scan_fn *scan;
	struct err err;
	size_t len, i;

	(void)state;
	for (kind = SCAN_READ; kind < SCAN_KINDS; kind++) {
		if (scan_kind_loop((enum scan_kind)kind, isa, &scan, &err))
			continue;
		tried++;
		for (len = 1; len <= LEN_MAX; len++)
			for (i = 0; i < N_OF(lines); i++)
				one(scan, (enum scan_kind)kind, len, lines[i]);
	}
	assert_true(tried >= 2);
}

static void what_is_missing_is_said(void **state)
{
	static const struct {
		enum scan_kind kind;
		unsigned needs;
		const char *words;
	} t[] = {
		{SCAN_WRITE_NT, CPU_NT_STORE,
		 "scan write-nt: this processor "
		 "has no movnti"},
		{SCAN_WRITE_CLWB, CPU_CLWB, "no clwb"},
		{SCAN_WRITE_CLDEMOTE, CPU_CLDEMOTE, "no cldemote"},
	};
	scan_flush_fn *flush;
	scan_fn *scan;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(t); i++) {
		assert_int_equal(
			scan_kind_loop(t[i].kind, ~t[i].needs, &scan, &err),
			-EOPNOTSUPP);
		assert_int_equal(err.reason, REASON_NO_INSTRUCTION);
		assert_words(&err, t[i].words);
		assert_true(reason_is_unsupported(err.reason));
		assert_int_equal(
			scan_kind_loop(t[i].kind, t[i].needs, &scan, &err), 0);
	}
	assert_int_equal(scan_kind_loop(SCAN_READ, 0, &scan, &err), 0);
	assert_int_equal(scan_kind_loop(SCAN_WRITE, 0, &scan, &err), 0);
	assert_int_equal(scan_kind_loop(SCAN_NONE, 0, &scan, &err), 0);
	assert_null(scan);
	assert_int_equal(scan_flush_loop(0, &flush, &err), -EOPNOTSUPP);
	assert_words(&err, "no clflush");
}

/* Both loops, as far as there are; data stays. */
static void flushing_changes_nothing(void **state)
{
	static const unsigned with[] = {CPU_FLUSH, CPU_FLUSH_OPT};
	const struct scan_expect want = {SEED, 0, STAMP_NONE, 64};
	unsigned char buf[LEN_MAX];
	scan_flush_fn *flush;
	struct err err;
	size_t i;

	(void)state;
	scan_fill(buf, sizeof(buf), SEED);
	for (i = 0; i < N_OF(with); i++) {
		if (!(cpu_isa() & with[i]))
			continue;
		assert_int_equal(scan_flush_loop(with[i], &flush, &err), 0);
		flush(buf, sizeof(buf), 64);
		assert_int_equal(scan_verify(buf, sizeof(buf), &want, &err), 0);
	}
}

static void the_machine_has_a_line(void **state)
{
	size_t line = cpu_line_bytes();

	(void)state;
	assert_in_range(line, 8, 4096);
	assert_int_equal(line & (line - 1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_on_every_length),
		cmocka_unit_test(what_is_missing_is_said),
		cmocka_unit_test(flushing_changes_nothing),
		cmocka_unit_test(the_machine_has_a_line),
	};

	return cmocka_run_group_tests_name("scan_kind", tests, NULL, NULL);
}
