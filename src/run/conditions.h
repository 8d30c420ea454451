/* Under which conditions an end measured: recorded for both in run.json. */
#ifndef RUN_CONDITIONS_H
#define RUN_CONDITIONS_H

#include <stdbool.h>

#include "ctl/pack.h"

struct conditions {
	int numa_node;	   /* the buffers are bound to it; -1: they are not */
	char numa_why[96]; /* why not */
	bool idle_held;	   /* CPUs kept out of deep idle states */
	char idle_why[96]; /* why not */
};

/* As they travel in READY. */
void conditions_pack(const struct conditions *c, struct writer *w);
void conditions_unpack(struct conditions *c, struct reader *r);

#endif
