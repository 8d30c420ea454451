/*
 * A session: one client's dialogue, in a process of its own.
 *
 *	HELLO/WELCOME, then for each trial
 *	PREPARE -> READY, CONNECT -> CONNECTED,
 *	{START -> STARTED, ...operations..., FINISH -> RESULT} for each phase,
 *	CLOSE -> CLOSED
 *
 * A trial that fails here answers ERROR and leaves the session ready for the
 * next; ABORT drops a trial at any time and is always answered ABORTED.
 */
#ifndef RUN_SESSION_H
#define RUN_SESSION_H

#include <stdbool.h>

#include "base/clock.h"
#include "base/err.h"
#include "ctl/token.h"

struct session_cfg {
	unsigned sessions; /* going on at the server, this one included */
	const struct clock *clock; /* NULL: calibrated when it begins */
	uint64_t max_memory;	/* bytes of buffers for a client; 0: no limit */
	uint64_t handshake_ns;	/* until its HELLO is here; 0: 4 s */
	uint64_t idle_ns;	/* until it asks for something; 0: 1 h */
	bool allow_prefetchers; /* a client may switch this host's */
	/* The folder or DAX device where a client may have logs written; "":
	 * none; NULL: wherever it says, for it is this host's user. */
	const char *pmem_dir;
	const struct token *token; /* that a client must prove; NULL: none */
};

/* Takes over the connected socket; serves until the client says goodbye (0)
 * or the channel breaks (-errno). */
int session_run(int fd, const struct session_cfg *cfg, struct err *err);

#endif
