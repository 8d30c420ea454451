/*
 * The counters that a port's driver keeps (hw_counters, `rdma statistic
 * show link`), fetched from the device now: netlink, RDMA_NLDEV_CMD_STAT_GET
 * of the port, Linux 5.3.  sysfs shows them up to its `lifespan` old.
 */
#ifndef RDMA_HW_STATS_H
#define RDMA_HW_STATS_H

#include <stdint.h>

#include "machine/nic_counters.h"

/* A nic_stats_fn. */
int rdma_hw_stats(const char *device, unsigned port, struct nic_stat *v,
		  unsigned max);

/* The same from an answer of the kernel, `len` bytes behind its header: how
 * many there are, which may be more than `max`. */
unsigned rdma_hw_stats_of(const void *attrs, uint32_t len, struct nic_stat *v,
			  unsigned max);

#endif
