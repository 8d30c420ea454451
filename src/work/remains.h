/*
 * What a phase leaves behind: RDMA objects of this process, by the kernel's
 * own count (rdma/resources.h), and locked memory (VmPin and VmLck of
 * /proc/self/status).  Exact: a phase that ends what it made leaves nothing.
 */
#ifndef WORK_REMAINS_H
#define WORK_REMAINS_H

#include <stdint.h>

#include "base/err.h"
#include "metric/tally.h"
#include "rdma/resources.h"

struct remains {
	const char *device;
	int told; /* -errno: the kernel does not count, or there is no device */
	struct rdma_resources before;
	uint64_t locked; /* bytes */
};

/* Two metrics in a row: objects, bytes.  For a scenario's table. */
enum { REMAINS_METRICS = 2 };
#define REMAINS_METRIC_TABLE(first, who)                                       \
	[(first)] = {.name = "objects_left",                                   \
		     .unit = "1",                                              \
		     .side = who,                                              \
		     .merge = MERGE_SUM,                                       \
		     .help = "PDs, CQs, queue pairs, MRs and CM ids of this "  \
			     "process at the end above those at the start, "   \
			     "by the kernel's count"},                         \
	[(first) + 1] = {                                                      \
		.name = "locked_left_bytes",                                   \
		.unit = "bytes",                                               \
		.side = who,                                                   \
		.merge = MERGE_MAX,                                            \
		.help = "locked memory (VmPin and VmLck) at the end above "    \
			"that at the start"}

/* `device` "": none is used; the string must stay. */
void remains_begin(struct remains *r, const char *device);

/* Into the tally, at metrics `first` and the next; where the kernel does not
 * count, the first is empty with its reason.  miscount if anything is left. */
int remains_end(const struct remains *r, struct tally *t, unsigned first,
		struct err *err);

#endif
