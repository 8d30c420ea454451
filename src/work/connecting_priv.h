/* What both ends of work/connecting.h share. */
#ifndef WORK_CONNECTING_PRIV_H
#define WORK_CONNECTING_PRIV_H

#include "work/connecting.h"

/* Requests of the client over the side channel: what, first, n. */
enum { ASK_OPEN = 1, ASK_CHECK, ASK_CLOSE, ASK_MEMORY };
enum { ASK_WORDS = 3, END_BYTES = 5 * 4 + 4 + 16 };

void connecting_begin_phase(struct connecting *c);
/* What there is now is none of the phase's. */
void connecting_take_before(struct connecting *c);
void connecting_tally_memory(struct connecting *c);

/* All that were opened are closed again: the counts into the tally.
 * miscount if not all that was made was ended, or anything is left. */
int connecting_end_phase(struct connecting *c, struct err *err);

/* Queue pairs as they travel: END_BYTES each. */
int connecting_send_ends(struct connecting *c, unsigned first, unsigned n,
			 struct err *err);
int connecting_recv_ends(struct connecting *c, struct conns_end *ends,
			 unsigned n, struct err *err);
int connecting_join_all(struct connecting *c, unsigned first,
			const struct conns_end *ends, unsigned n,
			struct err *err);

#endif
