/* The reader: what RFC 4180 allows is read, all else is said with its line. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "result/reader.h"

static char path[64];

static int setup(void **state)
{
	int fd;

	(void)state;
	snprintf(path, sizeof(path), "/tmp/rdmabench-reader-XXXXXX");
	fd = mkstemp(path);
	return fd < 0 ? -1 : close(fd);
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static void put(const char *bytes, size_t len)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(bytes, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
}

static struct reader_table *read_ok(const char *text, unsigned flags)
{
	struct reader_table *t = NULL;
	struct err err = {0};

	put(text, strlen(text));
	if (reader_read(path, flags, &t, &err))
		fail_msg("%s", err.text);
	return t;
}

/* It fails with -EINVAL and words that have `words` in them. */
static void read_bad(const char *text, size_t len, unsigned flags,
		     const char *words)
{
	struct reader_table *t = NULL;
	struct err err = {0};

	put(text, len);
	assert_int_equal(reader_read(path, flags, &t, &err), -EINVAL);
	assert_null(t);
	if (!strstr(err.text, words) || !strstr(err.text, path))
		fail_msg("'%s' lacks '%s'", err.text, words);
}
#define BAD(text, words) read_bad(text, sizeof(text) - 1, 0, words)

static void test_cells(void **state)
{
	struct reader_table *t = read_ok("a,b,c\n1,,x\n2, y ,z\n", 0);

	(void)state;
	assert_int_equal(reader_rows(t), 2);
	assert_int_equal(reader_columns(t), 3);
	assert_int_equal(reader_column(t, "c"), 2);
	assert_int_equal(reader_column(t, "d"), -1);
	assert_string_equal(reader_name(t, 1), "b");
	assert_string_equal(reader_cell(t, 0, 0), "1");
	assert_string_equal(reader_cell(t, 0, 1), "");
	assert_string_equal(reader_cell(t, 1, 1), " y ");
	assert_string_equal(reader_cell(t, 1, -1), "");
	assert_string_equal(reader_file(t), path);
	assert_false(reader_partial(t));
	reader_free(t);
}

static void test_quotes(void **state)
{
	struct reader_table *t = read_ok("a,b\r\n\"x, \"\"y\"\"\nz\",2\r\n"
					 "\"\",3\r\n",
					 0);

	(void)state;
	assert_int_equal(reader_rows(t), 2);
	assert_string_equal(reader_cell(t, 0, 0), "x, \"y\"\nz");
	assert_string_equal(reader_cell(t, 0, 1), "2");
	assert_string_equal(reader_cell(t, 1, 0), "");
	assert_int_equal(reader_line(t, 0), 2);
	assert_int_equal(reader_line(t, 1), 4);
	reader_free(t);
}

static void test_numbers(void **state)
{
	struct reader_table *t =
		read_ok("n\n12.5\n-3e2\n\"\"\n7x\nnan\ninf\n", 0);
	double v = 42;
	size_t row;

	(void)state;
	assert_true(reader_number(t, 0, 0, &v) && v > 12.4 && v < 12.6);
	assert_true(reader_number(t, 1, 0, &v) && v < -299 && v > -301);
	v = 42;
	for (row = 2; row < 6; row++)
		assert_false(reader_number(t, row, 0, &v));
	assert_false(reader_number(t, 0, -1, &v));
	assert_true(v > 41 && v < 43);
	reader_free(t);
}

static void test_only_header(void **state)
{
	struct reader_table *t = read_ok("a,b\n", 0);

	(void)state;
	assert_int_equal(reader_rows(t), 0);
	reader_free(t);
}

static void test_many_rows(void **state)
{
	char *text = malloc(1 << 20), *p = text;
	struct reader_table *t;
	int i;

	(void)state;
	p += sprintf(p, "a,b\n");
	for (i = 0; i < 20000; i++)
		p += sprintf(p, "%d,row %d\n", i, i);
	t = read_ok(text, 0);
	assert_int_equal(reader_rows(t), 20000);
	assert_string_equal(reader_cell(t, 12345, 1), "row 12345");
	assert_int_equal(reader_line(t, 12345), 12347);
	reader_free(t);
	free(text);
}

static void test_malformed(void **state)
{
	(void)state;
	BAD("", "empty");
	BAD("a,b\n1,2\n1\n", ":3: 1 cells, but the header has 2");
	BAD("a,b\n\n1,2,3\n", ":3: 3 cells");
	BAD("a,b\n1,x\"y\n", ":2: a quote");
	BAD("a,b\n1,\"x\"y\n", ":2: a quote");
	BAD("a,b\n1,\0\n", ":2: a NUL");
	BAD("a,,c\n", "column 2 has no name");
	BAD("a,b,a\n", "'a' is there twice");
	BAD("a,\"b\nb\",c\n1,2\n", ":3: 2 cells");
}

static void test_interrupted(void **state)
{
	static const char *const tails[] = {"3", "3,4", "3,\"4\n5\n", "3,\"4"};
	char text[64];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct reader_table *t;

		snprintf(text, sizeof(text), "a,b\n1,2\n%s", tails[i]);
		read_bad(text, strlen(text), 0, ":3: the last row is incomp");
		t = read_ok(text, READER_SKIP_PARTIAL);
		assert_true(reader_partial(t));
		assert_int_equal(reader_rows(t), 1);
		assert_string_equal(reader_cell(t, 0, 1), "2");
		reader_free(t);
	}
	read_bad("a,b", 3, READER_SKIP_PARTIAL, ":1: the header is incompl");
	/* The flag forgives the last row only. */
	read_bad("a,b\n1\n2", 7, READER_SKIP_PARTIAL, ":2: 1 cells");
}

/* Every prefix of a good file, and every byte of it changed, is an answer. */
static void test_damage(void **state)
{
	static const char good[] = "a,b\r\n\"x,\"\"y\"\"\",2\n\n\"\n\",3\n";
	char text[sizeof(good)];
	struct err err;
	size_t i;
	int c;

	(void)state;
	for (i = 0; i < sizeof(good); i++) {
		for (c = 0; c < 256; c++) {
			struct reader_table *t = NULL;

			memcpy(text, good, sizeof(good));
			text[i] = (char)c;
			put(text, c ? sizeof(good) - 1 : i);
			if (!reader_read(path, (unsigned)c & 1, &t, &err))
				assert_int_equal(reader_columns(t) > 0, 1);
			reader_free(t);
		}
	}
}

static void test_no_file(void **state)
{
	struct reader_table *t = NULL;
	struct err err = {0};

	(void)state;
	assert_int_equal(reader_read("/nonexistent.csv", 0, &t, &err), -ENOENT);
	assert_int_equal(err.reason, REASON_NO_FILE);
	assert_int_equal(reader_read("/", 0, &t, &err), -EISDIR);
	assert_null(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_cells, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quotes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_numbers, setup, teardown),
		cmocka_unit_test_setup_teardown(test_only_header, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_many_rows, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_malformed, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_interrupted, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_damage, setup, teardown),
		cmocka_unit_test(test_no_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
