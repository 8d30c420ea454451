/*
 * The scans of `touch` (ETH thesis, section 3.8.3): a loop over a buffer
 * that visits one word of every cache line, by reading it or by writing the
 * operation's number to it; the written ones also with what processors have
 * got since then to move a line out of the writer's cache.
 *
 * Each is a function of its own, called through a pointer and reading or
 * writing through volatile words, so that no compiler can drop or merge an
 * access; tests/cachegrind holds the number of accesses and misses to the
 * arithmetic.
 */
#ifndef WORK_SCAN_KIND_H
#define WORK_SCAN_KIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum scan_kind {
	SCAN_NONE,
	SCAN_READ,
	SCAN_WRITE,
	SCAN_WRITE_NT,	     /* stores that pass the caches */
	SCAN_WRITE_CLWB,     /* each line written back, and kept */
	SCAN_WRITE_CLDEMOTE, /* each line offered to the shared cache */
	SCAN_KINDS
};
/* "none", "read", "write", "write-nt", ...; ends with NULL. */
extern const char *const scan_kind_names[SCAN_KINDS + 1];

/*
 * Visits one word of each line of `line` bytes, the last and shorter one
 * too; returns how many.  A write stores `op`, its low bytes where less than
 * a word is left.  Stores that are weakly ordered are fenced before it
 * returns: the buffer may be sent then.
 */
typedef uint64_t scan_fn(void *buf, size_t len, size_t line, uint64_t op);

/* The loop of a kind into *fn, by what the processor has (cpu_isa bits); or
 * -EOPNOTSUPP and no-instruction.  SCAN_NONE is NULL. */
int scan_kind_loop(enum scan_kind kind, unsigned isa, scan_fn **fn,
		   struct err *err);

static inline bool scan_kind_writes(enum scan_kind kind)
{
	return kind >= SCAN_WRITE;
}

/* Puts every line of the buffer out of all caches; they are written back,
 * and it is done when it returns.  -EOPNOTSUPP and no-instruction where the
 * processor cannot. */
typedef void scan_flush_fn(const void *buf, size_t len, size_t line);
int scan_flush_loop(unsigned isa, scan_flush_fn **fn, struct err *err);

#endif
