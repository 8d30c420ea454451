/*
 * What a process measures of its host once, before its first trial, and takes
 * for granted in all of them: read only after gauge_init.
 */
#ifndef RUN_GAUGE_H
#define RUN_GAUGE_H

#include "base/clock.h"
#include "rlog/crc32c.h"

struct gauge {
	struct clock clock;
	enum crc32c_way crc; /* the fastest way of a checksum */
};

/* `clock`: calibrated already; NULL: it is calibrated now (clock_init). */
void gauge_init(struct gauge *g, const struct clock *clock);

#endif
