/*
 * What this host lacks of what a point needs, as far as it is known without
 * running it: its transport, or the RDMA device that a scenario opens by
 * itself.  What is left may still be refused, by the device or by the server's
 * host.
 */
#ifndef RUN_HERE_H
#define RUN_HERE_H

#include "run/plan.h"

enum { HERE_TRANSPORTS = 8 };

/* What was found out; all zeros: nothing yet. */
struct here {
	struct here_probe {
		bool done;
		int ret;
		struct err why;
	} transport[HERE_TRANSPORTS];
};

/* 0 if nothing is known to be missing, else -errno with its reason
 * (no-device, no-permission).  The first time it may open a device for a
 * moment: not before a fork. */
int here_can(struct here *here, const struct plan_point *pp, struct err *why);

#endif
