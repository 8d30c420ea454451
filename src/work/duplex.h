/*
 * Two windows at once, one in each direction: what a link does for both ends
 * together (perftest's --bidirectional).  Each has a lane of its own, and each
 * end one thread for both.
 *
 * The client decides when it ends.  Where messages are told (window.h) its last
 * word on the server's lane says that it is done; the server then ends as well,
 * and its last word on the client's lane says so, when all that it has sent has
 * arrived.  Where messages may be lost these words may be, too: the client
 * says its own again until it is answered, and the server answers each time.
 * Of writes, reads and atomics the program at the other end knows nothing:
 * there the end of the phase is enough.
 *
 * Either end's phase ends with a read behind its writes, so that whoever was
 * told of the end by the control channel finds them in memory.
 */
#ifndef WORK_DUPLEX_H
#define WORK_DUPLEX_H

#include "work/window.h"

struct duplex {
	struct end *end;
	struct window out, in; /* what we send, what we get */
	/* Of the last phase, from the server to the client: operations, and
	 * how long they took (ns; 0: too few to say); this end or the other
	 * one is who knows. */
	bool back_seen;
	uint64_t back_ops, back_ns;
};

/* As window_init; `a` is what each direction does.  Two lanes. */
int duplex_init(struct duplex *d, struct end *e, const struct window_attr *a,
		struct err *err);
void duplex_fini(struct duplex *d);
/* Both ends' part.  The tally has the client's direction. */
int duplex_phase(struct duplex *d, const struct phase *ph, struct err *err);
int duplex_verify(struct duplex *d, struct err *err);

#endif
