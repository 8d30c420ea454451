/*
 * What people type and read: sizes, times, counts and lists of them.
 *
 * Parsers take the whole string, no spaces and no sign, refuse what does not
 * fit 64 bits, and write their result only on success.  On failure they
 * return -EINVAL (REASON_USAGE) with words that name the bad part; the
 * caller puts the option's name in front with err_wrap.
 */
#ifndef BASE_UNITS_H
#define BASE_UNITS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	UNITS_LIST_MAX = 64, /* more points than anybody waits for */
	UNITS_TEXT_MAX = 32, /* enough for any units_format_* */
};

typedef int units_parse_fn(const char *s, uint64_t *v, struct err *err);

/* "64", "4k", "16M", "1G" in powers of 1024; "B" or "iB" may follow. */
int units_parse_size(const char *s, uint64_t *v, struct err *err);

/* "250us", "1.5s" to ns; ns, us, ms, s.  Only 0 needs no unit: a bare "30"
 * would be read as seconds by one and as microseconds by another. */
int units_parse_time(const char *s, uint64_t *ns, struct err *err);

/* "1000", "1e6".  No suffixes: is "1k" 1000 or 1024? */
int units_parse_count(const char *s, uint64_t *v, struct err *err);

/*
 * Items of `parse` by comma, in the order given: "1k,4k"; ranges with a
 * factor ("1k-16Mx4") or a step ("1k-8k+1k"), whose end is included if it
 * is hit.  More than `max` values are an error.  On failure v[] may have
 * been written to, *n not.
 */
int units_parse_list(const char *s, units_parse_fn *parse, uint64_t *v,
		     unsigned max, unsigned *n, struct err *err);

/* "4k", "16M", "1000": the largest unit that divides v; parses back to v. */
char *units_format_size(char *buf, size_t cap, uint64_t v);

/* "12.3 us", three significant digits.  Both return buf. */
char *units_format_time(char *buf, size_t cap, double ns);

/* Whole MiB, for words about too little: what is wanted is rounded up, what
 * there is down, so that the two never read alike. */
unsigned long long units_mib_wanted(uint64_t bytes);
unsigned long long units_mib_there(uint64_t bytes);

#endif
