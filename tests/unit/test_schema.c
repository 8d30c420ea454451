/* Which version's columns meant something else, and which are not known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "result/schema.h"

static struct reader_table *table(const char *text)
{
	char path[] = "/tmp/rdmabench-schema-XXXXXX";
	struct reader_table *t = NULL;
	const int fd = mkstemp(path);
	struct err err;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (int)strlen(text));
	close(fd);
	assert_int_equal(reader_read(path, 0, &t, &err), 0);
	unlink(path);
	return t;
}

static void meanings(void **state)
{
	struct reader_table *t = table("schema_version,scenario\n1,ops\n2,ops\n"
				       "1,sendrecv\n,scale\n");
	struct err err;

	(void)state;
	assert_non_null(schema_was(t, 0, "bw_bytes_per_s"));
	assert_null(schema_was(t, 0, "ops_per_s"));
	assert_null(schema_was(t, 1, "bw_bytes_per_s"));
	assert_null(schema_was(t, 2, "bw_bytes_per_s"));
	assert_non_null(schema_was(t, 3, "bw_bytes_per_s"));
	assert_int_equal(schema_check(t, &err), 0);
	reader_free(t);
}

static void later_ones_are_refused(void **state)
{
	char text[80];
	struct reader_table *t;
	struct err err;

	(void)state;
	snprintf(text, sizeof(text),
		 "schema_version,scenario\n%d,ops\n%d,ops\n", SCHEMA_VERSION,
		 SCHEMA_VERSION + 1);
	t = table(text);
	assert_int_equal(schema_check(t, &err), -EINVAL);
	assert_non_null(strstr(err.text, ":3: "));
	reader_free(t);
	t = table("scenario\nops\n"); /* none at all is the first */
	assert_int_equal(schema_check(t, &err), 0);
	assert_non_null(schema_was(t, 0, "bw_bytes_per_s"));
	reader_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(meanings),
		cmocka_unit_test(later_ones_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
