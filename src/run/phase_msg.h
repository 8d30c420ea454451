/* A phase as it travels in START: what the server must know of it. */
#ifndef RUN_PHASE_MSG_H
#define RUN_PHASE_MSG_H

#include "ctl/pack.h"
#include "run/end.h"

static inline void phase_pack(const struct phase *ph, struct writer *w)
{
	put_u32(w, ph->measured);
}

static inline void phase_unpack(struct phase *ph, struct reader *r)
{
	*ph = (struct phase){
		.measured = get_u32(r) != 0,
	};
}

#endif
