/* How long a trial is. */
#ifndef RUN_TRIAL_CFG_H
#define RUN_TRIAL_CFG_H

#include <stdint.h>

#include "base/opt.h"

struct trial_cfg {
	uint64_t iterations;	/* OPT_WORD: by duration */
	uint64_t duration_ns;	/* of the measured part */
	uint64_t min_ops;	/* even if the duration is over */
	uint64_t warmup_ns;	/* OPT_WORD: until it is steady */
	uint64_t op_timeout_ns; /* without any progress, the link is given up */
	char counters[OPT_TEXT_MAX]; /* machine/counter_list.h */
};

extern const struct opt_group trial_opts;

#endif
