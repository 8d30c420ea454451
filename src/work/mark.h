/*
 * A mark in a receive buffer: what a message must have covered when it has
 * arrived.  Two words, one in a place that changes from operation to
 * operation and the last, so that it costs two cache lines whatever the
 * length; a buffer of less than a word has none.  A message is not expected
 * to hold MARK_WORD itself (work/scan.h's patterns do not).
 */
#ifndef WORK_MARK_H
#define WORK_MARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/splitmix.h"

#define MARK_WORD UINT64_C(0x5ca1ab1e0ddba115)

static inline size_t mark_place(size_t len, uint64_t op)
{
	return splitmix_mix(op) % (len / sizeof(uint64_t)) * sizeof(uint64_t);
}

/* `was`: what it covers, for mark_lift. */
static inline void mark_put(char *buf, size_t len, uint64_t op, uint64_t was[2])
{
	const uint64_t mark = MARK_WORD;

	if (len < sizeof(mark))
		return;
	memcpy(&was[0], buf + mark_place(len, op), sizeof(mark));
	memcpy(buf + mark_place(len, op), &mark, sizeof(mark));
	memcpy(&was[1], buf + len - sizeof(mark), sizeof(mark));
	memcpy(buf + len - sizeof(mark), &mark, sizeof(mark));
}

/* Where no message has come since. */
static inline void mark_lift(char *buf, size_t len, uint64_t op,
			     const uint64_t was[2])
{
	if (len < sizeof(was[0]))
		return;
	memcpy(buf + len - sizeof(was[1]), &was[1], sizeof(was[1]));
	memcpy(buf + mark_place(len, op), &was[0], sizeof(was[0]));
}

static inline bool mark_is_at(const char *word)
{
	const uint64_t mark = MARK_WORD;

	return !memcmp(word, &mark, sizeof(mark));
}

/* True if either word is still there: `op` as it was put. */
static inline bool mark_is_left(const char *buf, size_t len, uint64_t op)
{
	if (len < sizeof(uint64_t))
		return false;
	return mark_is_at(buf + mark_place(len, op)) ||
	       mark_is_at(buf + len - sizeof(uint64_t));
}

#endif
