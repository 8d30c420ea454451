/*
 * A results folder that comes from anywhere: a file for each section of the
 * input, which begins with a line "=NAME".  The folder is read by everything
 * that reads one: check, the table, the captions' description of the run and
 * the difference between two machines.
 */
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calm.h"
#include "report/caption.h"
#include "report/check.h"
#include "report/compare.h"
#include "report/machine_diff.h"
#include "report/table.h"
#include "result/reader.h"

static const char *const files[] = {"run.json", "sendrecv.csv", "prefetch.csv",
				    "sendrecv.hist.csv", "ops.csv"};
enum { FILES = sizeof(files) / sizeof(files[0]) };

static char dir[64];

static void remove_dir(void)
{
	char path[128];
	unsigned i;

	for (i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, files[i]);
		unlink(path);
	}
	rmdir(dir);
}

static void make_dir(void)
{
	if (dir[0])
		return;
	strcpy(dir, access("/dev/shm", W_OK) ? "/tmp/fuzz-XXXXXX"
					     : "/dev/shm/fuzz-XXXXXX");
	if (!mkdtemp(dir))
		abort();
	atexit(remove_dir);
}

static void write_file(const char *name, const char *data, size_t len)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	unlink(path);
	if (!data)
		return;
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 || write(fd, data, len) != (ssize_t)len || close(fd))
		abort();
}

/* The section of this name: up to the next line that begins with '='. */
static const char *section(const char *text, size_t size, const char *name,
			   size_t *len)
{
	const char *end = text + size, *next;
	char head[40];
	const char *at;
	int n = snprintf(head, sizeof(head), "=%s\n", name);

	at = memmem(text, size, head, (size_t)n);
	if (!at)
		return NULL;
	at += n;
	next = memmem(at, (size_t)(end - at), "\n=", 2);
	*len = next ? (size_t)(next + 1 - at) : (size_t)(end - at);
	return at;
}

static void read_cells(const char *name, unsigned flags)
{
	struct reader_table *t;
	struct err err;
	char path[128];
	double value;
	size_t row;
	int col;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	if (reader_read(path, flags, &t, &err))
		return;
	for (row = 0; row < reader_rows(t); row++)
		for (col = 0; col < (int)reader_columns(t); col++)
			if (reader_number(t, row, col, &value) &&
			    (!isfinite(value) ||
			     !strlen(reader_cell(t, row, col))))
				abort();
	reader_free(t);
}

static void read_folder(FILE *out)
{
	static const struct compare_options options = {
		.threshold = 0.05, .alpha = 0.05, .common = true};
	static struct compare compare;
	struct machine_diff diff;
	struct check_result res;
	struct run_info info;
	struct err err;

	(void)run_info_read(dir, &info, &err);
	(void)machine_diff_read(&diff, dir, dir, &err);
	machine_diff_fini(&diff);
	(void)check_run(dir, &res, &err);
	check_fini(&res);
	(void)table_print(out, dir, &err);
	rewind(out);
	(void)compare_run(&compare, dir, dir, &options, &err);
	compare_fini(&compare);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static FILE *out;
	const char *at;
	size_t len = 0;
	unsigned i;

	make_dir();
	if (!out)
		out = fopen("/dev/null", "w");
	for (i = 0; i < FILES; i++) {
		at = section((const char *)data, size, files[i], &len);
		write_file(files[i], at, len);
		if (at && i)
			read_cells(files[i], i & 1 ? READER_SKIP_PARTIAL : 0);
	}
	read_folder(out);
	return 0;
}
