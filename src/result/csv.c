#include "result/csv.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csv.h>

enum { LINE_MAX_BYTES = 2 * ROW_TEXT_MAX + 4 * ROW_COLUMNS_MAX + 2 };

/* Quotes only where it must: most readers of a CSV are people. */
static size_t put_cell(char *out, size_t cap, const char *cell)
{
	size_t len = strlen(cell);

	if (cell[strcspn(cell, "\",\r\n")])
		return csv_write2(out, cap, cell, len, '"');
	memcpy(out, cell, len);
	return len;
}

static size_t format_line(char *line, const char *const *cells, unsigned n)
{
	size_t len = 0;
	unsigned i;

	for (i = 0; i < n; i++) {
		if (i)
			line[len++] = ',';
		len += put_cell(line + len, LINE_MAX_BYTES - len - 2, cells[i]);
	}
	line[len++] = '\n';
	return len;
}

static int write_whole(struct csvfile *csv, const char *line, size_t len,
		       struct err *err)
{
	off_t before = csvfile_end(csv);
	ssize_t n = write(csv->fd, line, len);
	int ret;

	if (n == (ssize_t)len)
		return 0;
	ret = n < 0 ? -errno : -ENOSPC;
	csvfile_cut(csv, before);
	return err_sys(err, ret, "writing %s", csv->path);
}

static int write_cells(struct csvfile *csv, const char *const *cells,
		       unsigned n, struct err *err)
{
	char *line = malloc(LINE_MAX_BYTES);
	int ret;

	if (!line)
		return err_sys(err, -ENOMEM, "a row of %s", csv->path);
	ret = write_whole(csv, line, format_line(line, cells, n), err);
	free(line);
	return ret;
}

int csvfile_create(struct csvfile *csv, const char *path,
		   const struct columns *c, struct err *err)
{
	const char *cells[ROW_COLUMNS_MAX];
	unsigned i;
	int ret;

	strncpy(csv->path, path, sizeof(csv->path) - 1);
	csv->path[sizeof(csv->path) - 1] = '\0';
	csv->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC,
		       0644);
	if (csv->fd < 0)
		return err_sys(err, -errno, "%s", path);
	for (i = 0; i < c->n; i++)
		cells[i] = c->name[i];
	ret = write_cells(csv, cells, c->n, err);
	if (ret) {
		unlink(path);
		csvfile_close(csv);
	}
	return ret;
}

/* Where line n ends, counted from 1, a quoted line end being none; 0 if there
 * are not so many. */
static size_t end_of_line(const char *text, size_t size, size_t n)
{
	bool quoted = false;
	size_t i;

	for (i = 0; i < size; i++) {
		if (text[i] == '"')
			quoted = !quoted;
		if (text[i] == '\n' && !quoted && !--n)
			return i + 1;
	}
	return 0;
}

static bool has_header(const char *text, size_t size, const struct columns *c)
{
	const char *cells[ROW_COLUMNS_MAX];
	char *line = malloc(LINE_MAX_BYTES);
	bool same = false;
	unsigned i;
	size_t len;

	for (i = 0; i < c->n; i++)
		cells[i] = c->name[i];
	if (line) {
		len = format_line(line, cells, c->n);
		same = len <= size && !memcmp(line, text, len);
	}
	free(line);
	return same;
}

static int cut_after(struct csvfile *csv, const struct columns *c, size_t rows,
		     struct err *err)
{
	off_t size = lseek(csv->fd, 0, SEEK_END);
	char *text;
	size_t end;
	int ret = 0;

	text = size > 0 ? mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE,
			       csv->fd, 0)
			: MAP_FAILED;
	if (text == MAP_FAILED)
		return err_sys(err, size > 0 ? -errno : -EINVAL, "%s",
			       csv->path);
	end = end_of_line(text, (size_t)size, rows + 1);
	if (!end || !has_header(text, (size_t)size, c))
		ret = err_set(err, -EINVAL, REASON_IO_ERROR,
			      "%s: its header or its rows are not those of "
			      "this run",
			      csv->path);
	munmap(text, (size_t)size);
	if (!ret && ftruncate(csv->fd, (off_t)end))
		ret = err_sys(err, -errno, "%s", csv->path);
	return ret;
}

int csvfile_resume(struct csvfile *csv, const char *path,
		   const struct columns *c, size_t rows, struct err *err)
{
	int ret;

	snprintf(csv->path, sizeof(csv->path), "%s", path);
	csv->fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	if (csv->fd < 0)
		return err_sys(err, -errno, "%s", path);
	ret = cut_after(csv, c, rows, err);
	if (ret)
		csvfile_close(csv);
	return ret;
}

int csvfile_write(struct csvfile *csv, const struct row *row, struct err *err)
{
	return write_cells(csv, row->cell, row->columns->n, err);
}

int csvfile_check(const struct csvfile *csv, struct err *err)
{
	struct stat st;

	if (!fstat(csv->fd, &st) && !st.st_nlink)
		return err_set(err, -ENOENT, REASON_IO_ERROR,
			       "%s was removed while it was written to",
			       csv->path);
	return 0;
}

int csvfile_sync(const struct csvfile *csv, struct err *err)
{
	/* EINVAL: a file system that has no such thing. */
	if (csv->fd < 0 || !fdatasync(csv->fd) || errno == EINVAL)
		return 0;
	return err_sys(err, -errno, "writing %s to disk", csv->path);
}

off_t csvfile_end(const struct csvfile *csv)
{
	return lseek(csv->fd, 0, SEEK_END);
}

void csvfile_cut(struct csvfile *csv, off_t end)
{
	if (end >= 0)
		(void)!ftruncate(csv->fd, end);
}

void csvfile_close(struct csvfile *csv)
{
	if (csv->fd >= 0)
		close(csv->fd);
	csv->fd = -1;
}
