/*
 * Words that came out of a file, made fit to be shown.  A cell or a host's
 * name may hold anything; on a terminal or in a figure it must be nothing
 * but text.
 */
#ifndef REPORT_SHOW_H
#define REPORT_SHOW_H

#include <stddef.h>

/*
 * Copies `src` as valid UTF-8 without control characters (they become
 * spaces; bytes that are not UTF-8 become '?') and at most `columns`
 * characters long; what is longer is cut and ends in an ellipsis.  `dst`
 * holds `size` bytes, at least 4.  Returns dst.
 */
char *show_text(char *dst, size_t size, const char *src, size_t columns);

/* Characters of a UTF-8 string: the columns that it takes, near enough. */
size_t show_columns(const char *s);

/* 512 -> "512", 4096 -> "4k", 16777216 -> "16M", 5000 -> "5000": exact. */
char *show_bytes(char *dst, size_t size, double bytes);

/* A value of a column: as bytes if its name ends in _bytes, else exactly. */
char *show_x(char *dst, size_t size, const char *column, double value);

/* Three significant digits without an exponent: 9.87, 12.3, 123, 123000. */
char *show_digits(char *dst, size_t size, double value);

#endif
