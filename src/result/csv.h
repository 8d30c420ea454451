/* RFC 4180: header first, CRLF-free, every row written whole. */
#ifndef RESULT_CSV_H
#define RESULT_CSV_H

#include <sys/types.h>

#include "base/err.h"
#include "result/row.h"

struct csvfile {
	int fd;
	char path[512];
};

/* Creates the file (it must not exist) and writes the header; no file is left
 * without one. */
int csvfile_create(struct csvfile *csv, const char *path,
		   const struct columns *c, struct err *err);

/* Opens a file that is there to go on after its first `rows` rows; what
 * follows them is cut off.  Its header must be that of `c`. */
int csvfile_resume(struct csvfile *csv, const char *path,
		   const struct columns *c, size_t rows, struct err *err);

/* One row, by one write: it is there whole or not at all.  When the disk is
 * full, what was written of it is taken back. */
int csvfile_write(struct csvfile *csv, const struct row *row, struct err *err);

/* Will what was written be there to read?  -ENOENT (io-error) if the file was
 * removed meanwhile: writes to it go on as if nothing had happened. */
int csvfile_check(const struct csvfile *csv, struct err *err);

/* What was written is on disk when it returns, where there is one; -EIO of a
 * disk that has gone.  No file (fd -1) is fine. */
int csvfile_sync(const struct csvfile *csv, struct err *err);

/* Where it ends now, in bytes, and back to there: rows that belong together
 * are written whole or not at all.  -1 (no file) cuts nothing. */
off_t csvfile_end(const struct csvfile *csv);
void csvfile_cut(struct csvfile *csv, off_t end);

void csvfile_close(struct csvfile *csv);

#endif
