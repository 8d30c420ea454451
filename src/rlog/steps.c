#include "rlog/steps.h"

#include <stddef.h>

#define STEPS(...)                                                             \
	{                                                                      \
		.step = {__VA_ARGS__},                                         \
		.n = sizeof((enum rlog_step[]){__VA_ARGS__}) /                 \
		     sizeof(enum rlog_step),                                   \
	}

static const struct rlog_steps by_checksum[RLOG_REACHES] = {
	[RLOG_WRITE] = STEPS(RLOG_STEP_WRITE),
	[RLOG_WRITE_READ] = STEPS(RLOG_STEP_WRITE, RLOG_STEP_READ),
	[RLOG_WRITE_FLUSH] = STEPS(RLOG_STEP_WRITE, RLOG_STEP_FLUSH),
};

static const struct rlog_steps flush_by_tail = STEPS(
	RLOG_STEP_WRITE, RLOG_STEP_FLUSH, RLOG_STEP_TAIL, RLOG_STEP_FLUSH_TAIL);

const struct rlog_steps *rlog_steps_record(enum rlog_reach reach,
					   enum rlog_commit commit)
{
	if (commit == RLOG_BY_CHECKSUM)
		return &by_checksum[reach];
	return reach == RLOG_WRITE_FLUSH ? &flush_by_tail : NULL;
}

const struct rlog_steps *rlog_steps_mark(enum rlog_reach reach)
{
	return &by_checksum[reach];
}
