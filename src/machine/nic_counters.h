/*
 * Counters of an RDMA port, from sysfs (/sys/class/infiniband/DEV/ports/P/
 * counters and hw_counters; Documentation/ABI/stable/sysfs-class-infiniband),
 * as differences around a measured part: the port's, whoever used it.
 *
 * For sysfs the kernel fetches hw_counters from the device at most once in
 * `lifespan` ms (10) and shows the old numbers in between, whoever had asked
 * for them.  So they are asked for by netlink, which fetches them at once
 * (rdma/hw_stats.h); only where the kernel does not answer that, both readings
 * are of sysfs, and wait for so long after the traffic before them.
 */
#ifndef MACHINE_NIC_COUNTERS_H
#define MACHINE_NIC_COUNTERS_H

#include "machine/counter_list.h"

/* Counters that say congestion or retransmission; a row names those that
 * rose.  NULL past the end. */
const char *nic_mark_name(unsigned i);
enum { NIC_MARKS_MAX = 63 };
/* tally.nic_marks: there was something to watch. */
#define NIC_MARKS_WATCHED ((uint64_t)1 << 63)

/* One of hw_counters, fresh. */
struct nic_stat {
	char name[40];
	uint64_t value;
};
enum { NIC_STATS_MAX = 128 };
/* All of a port's: how many, or -errno, -E2BIG if there are more than `max`. */
typedef int nic_stats_fn(const char *device, unsigned port, struct nic_stat *v,
			 unsigned max);

struct nic_source {
	const char *root;    /* "/sys/class/infiniband" */
	nic_stats_fn *stats; /* NULL: from sysfs only */
};

struct nic_counters {
	struct counter_list list;
	nic_stats_fn *read_stats;
	char device[64];
	unsigned port;
	char dir[160]; /* of the port; "" if the link has no RDMA device */
	bool has_ibta; /* it has a folder `counters` */
	struct nic_stat stats[NIC_STATS_MAX]; /* of the last reading */
	unsigned n_stats;		      /* 0: sysfs is read */
	uint64_t lifespan_ns, quiet_ns; /* when traffic ended, raw clock */
	uint64_t before[TALLY_COUNTERS_MAX];
	bool had[TALLY_COUNTERS_MAX];
	uint64_t marks_before[NIC_MARKS_MAX];
	uint64_t marks_had;
};

/* `device` "" for none. */
void nic_counters_open(struct nic_counters *n, const struct counter_list *list,
		       const struct nic_source *source, const char *device,
		       unsigned port);

/* Traffic has ended just now: the lifespan counts from here. */
void nic_counters_quiet(struct nic_counters *n);
/* Before the measured part, and after it: into the tally. */
void nic_counters_begin(struct nic_counters *n);
void nic_counters_end(struct nic_counters *n, struct tally *t);

#endif
