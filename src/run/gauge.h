/*
 * What a process measures of its host once and takes for granted in all of its
 * trials: the clock before the first, the rest when it is first asked for.
 */
#ifndef RUN_GAUGE_H
#define RUN_GAUGE_H

#include "base/clock.h"
#include "rlog/crc32c.h"

struct gauge {
	struct clock clock;
	enum crc32c_way crc; /* CRC32C_BEST: not measured yet */
};

/* `clock`: calibrated already; NULL: it is calibrated now (clock_init). */
void gauge_init(struct gauge *g, const struct clock *clock);

/* The way of a checksum that is the fastest here.  Not while another thread
 * asks for it. */
enum crc32c_way gauge_crc(struct gauge *g);

#endif
