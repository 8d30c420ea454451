/* What the user asked of hosts and links, looked at once before any trial. */
#ifndef RUN_ASKED_H
#define RUN_ASKED_H

#include "run/run.h"

/* CPUs and NUMA nodes of this host (the server's too, if it is a child of
 * ours): tried with this thread and one page.  -errno and words. */
int asked_places(const struct run *run, struct err *err);

/* An RDMA device that was asked for by name and is not here, whatever is to
 * run: TCP takes its address.  Polling must be settled. */
int asked_devices(const struct run *run, struct err *err);

/* A warning for options of links, or of RDMA, where no point has any. */
void asked_in_vain(struct run *run);

#endif
