/*
 * Preparing and verifying payloads.
 *
 * A payload is a fixed pattern of 8-byte words, each a hash of its position
 * and of a seed, so that shifted, mixed-up or missing data is found.  A
 * write-scan (ETH thesis, section 3.8.2) stores the operation's number into
 * the first word of every cache line, which also tells a stale payload from
 * a fresh one.
 */
#ifndef WORK_SCAN_H
#define WORK_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* The line of those that do not ask the machine (machine/cpu_isa.h). */
enum { SCAN_LINE = 64 };

/* How much of a payload carries the operation's number. */
enum scan_stamp {
	STAMP_NONE,
	STAMP_FIRST, /* the first word only */
	STAMP_LINES, /* every line */
	/* The first word, and the rest is the pattern of another seed for each
	 * operation: a stale tail is found as well. */
	STAMP_WHOLE,
};

/* Writes the pattern. */
void scan_fill(void *buf, size_t len, uint64_t seed);

/* The write-scan: one store for each `line` bytes.  Returns how many. */
static inline uint64_t scan_write(void *buf, size_t len, size_t line,
				  uint64_t op)
{
	char *p = buf, *end = p + len;
	uint64_t lines = 0;

	for (; (size_t)(end - p) >= line; p += line, lines++)
		*(volatile uint64_t *)(void *)p = op;
	if (p < end) {
		size_t rest = (size_t)(end - p);

		__builtin_memcpy(p, &op, rest < sizeof(op) ? rest : sizeof(op));
		lines++;
	}
	return lines;
}

static inline void scan_stamp_first(void *buf, size_t len, uint64_t op)
{
	if (__builtin_expect(len >= sizeof(op), 1))
		__builtin_memcpy(buf, &op, sizeof(op));
	else
		__builtin_memcpy(buf, &op, len);
}

/* STAMP_WHOLE: the pattern anew, which takes as long as to verify it. */
void scan_stamp_whole(void *buf, size_t len, uint64_t seed, uint64_t op);

/* As a message's own: STAMP_FIRST or STAMP_WHOLE, others do nothing. */
static inline void scan_stamp(enum scan_stamp stamp, void *buf, size_t len,
			      uint64_t seed, uint64_t op)
{
	if (stamp == STAMP_FIRST)
		scan_stamp_first(buf, len, op);
	else if (stamp == STAMP_WHOLE)
		scan_stamp_whole(buf, len, seed, op);
}

/* Number of lines that a scan visits. */
static inline uint64_t scan_lines(size_t len, size_t line)
{
	return (len + line - 1) / line;
}

struct scan_expect {
	uint64_t seed;
	uint64_t op;
	enum scan_stamp stamp;
	size_t line; /* between the stamps of STAMP_LINES; 0: SCAN_LINE */
};

/* 0, or -EBADMSG with verify-failed and the first wrong byte's offset. */
int scan_verify(const void *buf, size_t len, const struct scan_expect *want,
		struct err *err);

/* Waits up to `ns` for another thread or a device to have written to `buf`,
 * aligned to 8 bytes, what `want` holds; true if each byte of it was seen. */
bool scan_await(const void *buf, const void *want, size_t len, uint64_t ns);

#endif
