/* Rows and CSV files: quoting, whole rows or none, words for failures. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "result/csv.h"
#include "result/reader.h"
#include "result/row.h"

static struct columns cols;
static struct row row;
static struct csvfile csv;
static char dir[64], path[96];

static int setup(void **state)
{
	(void)state;
	memset(&cols, 0, sizeof(cols));
	columns_add(&cols, "name");
	columns_add(&cols, "value_ns");
	columns_add(&cols, "reason");
	row_init(&row, &cols);
	strcpy(dir, "/tmp/rdmabench-csv.XXXXXX");
	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/t.csv", dir);
	csv.fd = -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	csvfile_close(&csv);
	unlink(path);
	rmdir(dir);
	return 0;
}

static void create(void)
{
	struct err err;

	if (csvfile_create(&csv, path, &cols, &err))
		fail_msg("%s", err.text);
}

static void put(void)
{
	struct err err;

	if (csvfile_write(&csv, &row, &err))
		fail_msg("%s", err.text);
}

static const char *content(void)
{
	static char text[65536];
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, text, sizeof(text) - 1);

	assert_true(n >= 0);
	text[n] = '\0';
	close(fd);
	return text;
}

/* --- rows ----------------------------------------------------------------------- */

static void cells(void **state)
{
	(void)state;
	assert_string_equal(row_get(&row, "value_ns"), "");
	row_set(&row, "value_ns", "%d", 42);
	row_set(&row, "name", "%s-%s", "a", "b");
	assert_string_equal(row_get(&row, "value_ns"), "42");
	assert_string_equal(row_get(&row, "name"), "a-b");
	assert_string_equal(row_get(&row, "reason"), "");
	row_set(&row, "name", "again");
	assert_string_equal(row_get(&row, "name"), "again");
	row_init(&row, &cols);
	assert_string_equal(row_get(&row, "name"), "");
}

static void text_that_does_not_fit(void **state)
{
	static char big[2 * ROW_TEXT_MAX];
	int i;

	(void)state;
	memset(big, 'x', sizeof(big) - 1);
	row_set(&row, "name", "%s", big);
	assert_int_equal(strlen(row_get(&row, "name")), ROW_TEXT_MAX - 1);
	for (i = 0; i < 10; i++)
		row_set(&row, "reason", "%s", big);
	assert_string_equal(row_get(&row, "reason"), "");
	row_init(&row, &cols);
	row_set(&row, "name", "%.*s", ROW_TEXT_MAX - 3, big);
	row_set(&row, "reason", "abc");
	assert_string_equal(row_get(&row, "reason"), "a");
}

static void of_unknown_column(void)
{
	row_set(&row, "value", "1");
}

static void get_unknown_column(void)
{
	(void)row_get(&row, "");
}

static void twice_the_same(void)
{
	columns_add(&cols, "name");
}

static void one_too_many(void)
{
	char name[16];
	int i;

	for (i = 0; i <= ROW_COLUMNS_MAX - 3; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		columns_add(&cols, name);
	}
}

static void dies(void (*f)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		signal(SIGABRT, SIG_DFL);
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		f();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void bugs_assert(void **state)
{
	(void)state;
	dies(of_unknown_column);
	dies(get_unknown_column);
	dies(twice_the_same);
	dies(one_too_many);
}

/* --- files ---------------------------------------------------------------------- */

static void quoting(void **state)
{
	(void)state;
	create();
	row_set(&row, "name", "plain text; 'quoted'");
	row_set(&row, "value_ns", "1.5");
	put();
	row_init(&row, &cols);
	row_set(&row, "name", "a,b");
	row_set(&row, "value_ns", "say \"x\"");
	row_set(&row, "reason", "two\nlines");
	put();
	assert_string_equal(content(), "name,value_ns,reason\n"
				       "plain text; 'quoted',1.5,\n"
				       "\"a,b\",\"say \"\"x\"\"\",\"two\n"
				       "lines\"\n");
}

static void reads_back(void **state)
{
	static const char *const texts[] = {
		"a",	",",   "\"", "\"\"", ",\",\"", "\r\n",
		"\n\"", " a ", "\r", "'",    "a\"b",   "\xc3\xa9",
	};
	struct reader_table *t = NULL;
	struct err err;
	size_t i;

	(void)state;
	create();
	for (i = 0; i < N_OF(texts); i++) {
		row_init(&row, &cols);
		row_set(&row, "name", "%s", texts[i]);
		row_set(&row, "reason", "%s", texts[N_OF(texts) - 1 - i]);
		put();
	}
	if (reader_read(path, 0, &t, &err))
		fail_msg("%s", err.text);
	assert_int_equal(reader_rows(t), N_OF(texts));
	assert_int_equal(reader_columns(t), 3);
	for (i = 0; i < N_OF(texts); i++) {
		assert_string_equal(reader_cell(t, i, 0), texts[i]);
		assert_string_equal(reader_cell(t, i, 1), "");
		assert_string_equal(reader_cell(t, i, 2),
				    texts[N_OF(texts) - 1 - i]);
	}
	reader_free(t);
}

/* Every character doubled, every column there: the longest line there is. */
static void the_longest_line(void **state)
{
	static char quotes[ROW_TEXT_MAX + 1];
	struct reader_table *t = NULL;
	struct err err;
	char name[16];
	int i;

	(void)state;
	for (i = 3; i < ROW_COLUMNS_MAX; i++) {
		snprintf(name, sizeof(name), "c%d", i);
		columns_add(&cols, name);
	}
	create();
	memset(quotes, '"', ROW_TEXT_MAX);
	row_init(&row, &cols);
	for (i = 0; i < ROW_COLUMNS_MAX - 1; i++)
		row_set(&row, cols.name[i], "\"");
	row_set(&row, cols.name[i], "%s", quotes);
	put();
	if (reader_read(path, 0, &t, &err))
		fail_msg("%s", err.text);
	assert_string_equal(reader_cell(t, 0, 5), "\"");
	assert_string_equal(reader_cell(t, 0, i), row.cell[i]);
	reader_free(t);
}

static void file_exists(void **state)
{
	struct err err;

	(void)state;
	create();
	csvfile_close(&csv);
	assert_int_equal(csvfile_create(&csv, path, &cols, &err), -EEXIST);
	assert_int_equal(err.reason, REASON_IO_ERROR);
	assert_words(&err, path);
	assert_words(&err, "exists");
	assert_int_equal(csv.fd, -1);
	assert_string_equal(content(), "name,value_ns,reason\n");
}

static void no_folder(void **state)
{
	char nowhere[128];
	struct err err;

	(void)state;
	snprintf(nowhere, sizeof(nowhere), "%s/no/t.csv", dir);
	assert_int_equal(csvfile_create(&csv, nowhere, &cols, &err), -ENOENT);
	assert_int_equal(err.reason, REASON_NO_FILE);
	assert_words(&err, nowhere);
}

static void limit_file(rlim_t bytes)
{
	struct rlimit lim;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &lim), 0);
	lim.rlim_cur = bytes;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &lim), 0);
}

/* Wherever the disk is full, the rows before are whole and nothing else is
 * there. */
static void disk_full(void **state)
{
	static const char header[] = "name,value_ns,reason\n";
	static const char line[] = "0123456789,77,\n";
	const size_t h = sizeof(header) - 1, l = sizeof(line) - 1;
	struct stat st;
	struct err err;
	size_t room;
	int ret;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	row_set(&row, "name", "0123456789");
	row_set(&row, "value_ns", "77");
	for (room = h; room < h + 2 * l; room++) {
		create();
		limit_file(room);
		do
			ret = csvfile_write(&csv, &row, &err);
		while (!ret);
		limit_file(RLIM_INFINITY);
		assert_int_equal(err.reason, REASON_IO_ERROR);
		assert_words(&err, path);
		assert_int_equal(fstat(csv.fd, &st), 0);
		assert_int_equal(st.st_size, h + (room - h) / l * l);
		put(); /* there is room again */
		assert_int_equal(fstat(csv.fd, &st), 0);
		assert_int_equal(st.st_size, h + ((room - h) / l + 1) * l);
		csvfile_close(&csv);
		unlink(path);
	}
}

static void disk_full_at_once(void **state)
{
	struct err err;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	limit_file(5);
	assert_true(csvfile_create(&csv, path, &cols, &err) < 0);
	limit_file(RLIM_INFINITY);
	assert_int_equal(err.reason, REASON_IO_ERROR);
	assert_words(&err, path);
	assert_int_equal(access(path, F_OK), -1);
}

static void rows_that_belong_together(void **state)
{
	off_t end;

	(void)state;
	create();
	end = csvfile_end(&csv);
	put();
	put();
	csvfile_cut(&csv, end);
	assert_string_equal(content(), "name,value_ns,reason\n");
	csvfile_close(&csv);
	csvfile_cut(&csv, csvfile_end(&csv)); /* of no file: nothing */
}

static void removed(void **state)
{
	struct err err;

	(void)state;
	create();
	put();
	assert_int_equal(csvfile_check(&csv, &err), 0);
	unlink(path);
	put(); /* the kernel takes it */
	assert_int_equal(csvfile_check(&csv, &err), -ENOENT);
	assert_int_equal(err.reason, REASON_IO_ERROR);
	assert_words(&err, path);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cells),	   TEST(text_that_does_not_fit),
		TEST(bugs_assert), TEST(quoting),
		TEST(reads_back),  TEST(the_longest_line),
		TEST(file_exists), TEST(no_folder),
		TEST(disk_full),   TEST(disk_full_at_once),
		TEST(removed),	   TEST(rows_that_belong_together),
	};

	return cmocka_run_group_tests_name("row_csv", tests, NULL, NULL);
}
