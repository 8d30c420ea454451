/*
 * The guardian: a small process of ours that puts the prefetch registers back
 * whatever becomes of us.  It sleeps at the other end of a socket; when that
 * closes, because we said so or because we are dead (SIGKILL included), it
 * restores and ends.  It is in a session of its own and blocks every signal
 * that can be blocked, so neither Ctrl-C nor a kill of our process group
 * reaches it.  What does kill it too: the end of a whole control group or PID
 * namespace (a container that is killed).
 */
#ifndef MACHINE_PREFETCH_GUARD_H
#define MACHINE_PREFETCH_GUARD_H

#include <sys/types.h>

#include "machine/prefetch.h"

enum { PREFETCH_CPUS_MAX = 64 };

/* Registers that are ours for a while, and what they were. */
struct prefetch_set {
	const struct msr_io *io;
	uint32_t msr;
	uint64_t mask;
	unsigned n;
	struct {
		unsigned cpu;
		int fd;
		uint64_t was;
	} v[PREFETCH_CPUS_MAX];
};

/* Do all read as they were, in the bits of the mask?  */
bool prefetch_set_is_back(const struct prefetch_set *s);

/* Writes what they were into the bits of the mask; others, which somebody may
 * have changed meanwhile, stay.  0, or the first -errno. */
int prefetch_set_restore(const struct prefetch_set *s);

struct prefetch_guard {
	pid_t pid; /* 0: none */
	int sock;
};

/* Returns when it stands on guard.  `lock` is a descriptor that it keeps. */
int prefetch_guard_start(struct prefetch_guard *g, const struct prefetch_set *s,
			 int lock, struct err *err);

/* Lets it restore and waits until it is gone, five seconds at most; then it
 * is killed.  Whether it has restored, the registers tell. */
void prefetch_guard_end(struct prefetch_guard *g);

#endif
