/*
 * Bounded, little-endian packing of control messages.  A writer that runs
 * out of room and a reader that runs out of bytes set `bad` and go on
 * harmlessly, so callers check once, at the end.
 */
#ifndef CTL_PACK_H
#define CTL_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer {
	uint8_t *buf;
	size_t cap, len;
	bool bad;
};

struct reader {
	const uint8_t *buf;
	size_t len, pos;
	bool bad;
};

void put_u32(struct writer *w, uint32_t v);
void put_u64(struct writer *w, uint64_t v);
void put_bytes(struct writer *w, const void *data, size_t len); /* u32 + data */
void put_str(struct writer *w, const char *s);

uint32_t get_u32(struct reader *r);
uint64_t get_u64(struct reader *r);
/* Copies at most cap bytes; more on the wire is bad.  Returns the length. */
size_t get_bytes(struct reader *r, void *out, size_t cap);
/* NUL-terminated UTF-8; what is none, and control characters, become '?', for
 * it may be printed or get into JSON. */
void get_str(struct reader *r, char *out, size_t cap);
/* Everything read, nothing left, nothing bad. */
bool reader_done(const struct reader *r);

#endif
