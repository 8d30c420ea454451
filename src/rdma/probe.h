/* RDMA devices as facts, one item a device and one a port ("mlx5_0",
 * "mlx5_0/1").  No verbs header is needed here. */
#ifndef RDMA_PROBE_H
#define RDMA_PROBE_H

#include "machine/probe.h"

/* Opens every device for a moment: call it where that does no harm (not
 * before a fork). */
void rdma_probe(struct probe *p);

#endif
