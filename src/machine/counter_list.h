/*
 * Which counters a run asks for: --counters as data.  The list follows from
 * the text alone, never from the machine, so both ends of a run and the CSV
 * agree on names and slots whatever their processors are; which event of
 * this processor is meant is counter_event.h's matter.
 */
#ifndef MACHINE_COUNTER_LIST_H
#define MACHINE_COUNTER_LIST_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "metric/tally.h"

/* X(id, column, kind, unit, generic event, help).  The generic event is
 * libpfm's name for perf's own; "" where perf has none. */
#define COUNTER_TABLE(X)                                                       \
	X(TASK_CLOCK, "task_clock_ns", SOFT, "ns", "",                         \
	  "time this end's thread was on a CPU")                               \
	X(PAGE_FAULTS, "page_faults", SOFT, "1", "", "page faults, all kinds") \
	X(MAJOR_FAULTS, "major_faults", SOFT, "1", "",                         \
	  "page faults that waited for I/O")                                   \
	X(SWITCHES, "context_switches", SOFT, "1", "", "context switches")     \
	X(MIGRATIONS, "cpu_migrations", SOFT, "1", "", "moves to another CPU") \
	X(CYCLES, "cycles", CORE, "1", "perf::CYCLES", "core cycles")          \
	X(INSTRUCTIONS, "instructions", CORE, "1", "perf::INSTRUCTIONS",       \
	  "instructions retired")                                              \
	X(LLC_MISSES, "llc_misses", CORE, "1", "perf::CACHE-MISSES",           \
	  "last-level cache misses")                                           \
	X(L1D_MISSES, "l1d_load_misses", CORE, "1",                            \
	  "perf::L1-DCACHE-LOAD-MISSES", "loads that missed the L1D")          \
	X(L2_MISSES, "l2_load_misses", CORE, "1", "",                          \
	  "loads that missed the L2")                                          \
	X(L3_MISSES, "l3_load_misses", CORE, "1", "perf::LLC-LOAD-MISSES",     \
	  "loads that missed the L3")                                          \
	X(HITM, "l3_hit_modified", CORE, "1", "",                              \
	  "loads answered by a modified line of another core's cache")         \
	X(DTLB_LOADS, "dtlb_load_misses", CORE, "1", "perf::DTLB-LOAD-MISSES", \
	  "loads whose page was in no data TLB (a completed walk)")            \
	X(DTLB_STORES, "dtlb_store_misses", CORE, "1",                         \
	  "perf::DTLB-STORE-MISSES", "the same of stores")                     \
	X(DTLB_CYCLES, "dtlb_walk_cycles", CORE, "1", "",                      \
	  "cycles with a page walk of a load going on")                        \
	X(PREFETCHES, "l2_prefetches", CORE, "1", "",                          \
	  "requests of the L2 by hardware prefetchers")                        \
	X(PREFETCH_MISSES, "l2_prefetch_misses", CORE, "1", "",                \
	  "those of them that the L2 did not have")                            \
	X(PREFETCH_USELESS, "l2_prefetch_useless", CORE, "1", "",              \
	  "prefetched lines evicted from the L2 unused")                       \
	X(LLC_REFS, "llc_references", CORE, "1", "perf::CACHE-REFERENCES",     \
	  "last-level cache references")                                       \
	X(RFO, "rfo_requests", CORE, "1", "",                                  \
	  "requests of the L2 for a line that is going to be written")         \
	X(STALLS, "memory_stall_cycles", CORE, "1",                            \
	  "perf::STALLED-CYCLES-BACKEND",                                      \
	  "cycles in which nothing was issued while loads were waited for")    \
	X(MEM_READS, "mem_read_lines", UNCORE, "1", "",                        \
	  "lines read from this host's memory, by anybody")                    \
	X(MEM_WRITES, "mem_write_lines", UNCORE, "1", "",                      \
	  "lines written to this host's memory, by anybody")                   \
	X(NIC_SENT, "nic_sent_bytes", NIC, "bytes", "",                        \
	  "sent by the RDMA port, whoever used it")                            \
	X(NIC_RECV, "nic_received_bytes", NIC, "bytes", "",                    \
	  "received by the RDMA port")                                         \
	X(NIC_SENT_PKTS, "nic_sent_packets", NIC, "1", "",                     \
	  "packets sent by the RDMA port")                                     \
	X(NIC_RECV_PKTS, "nic_received_packets", NIC, "1", "",                 \
	  "packets received by the RDMA port")                                 \
	X(NIC_WAIT, "nic_send_wait", NIC, "1", "",                             \
	  "ticks in which the port had data but no credits to send")

enum counter_kind {
	COUNTER_SOFT,	/* the kernel's own; needs no PMU */
	COUNTER_CORE,	/* a core's PMU, of the end's thread */
	COUNTER_UNCORE, /* of the whole host: cpu-bound, pid -1 */
	COUNTER_NIC,	/* a file of the RDMA port in sysfs */
};

#define X(id, ...) CTR_##id,
enum counter_id { COUNTER_TABLE(X) CTR_COUNT };
#undef X
/* An event that the user named, in libpfm's words. */
enum { CTR_EVENT = CTR_COUNT };

struct counter_def {
	const char *name;
	enum counter_kind kind;
	const char *unit;
	const char *generic;
	const char *help;
};
extern const struct counter_def counter_defs[CTR_COUNT];

enum counter_mode { MODE_ANY, MODE_USER, MODE_KERNEL };

enum { COUNTER_NAME_MAX = 48, COUNTER_EVENT_MAX = 96 };

struct counter {
	char name[COUNTER_NAME_MAX];   /* the column without its end's name */
	unsigned id;		       /* enum counter_id or CTR_EVENT */
	enum counter_mode mode;	       /* core counters of a set: user and
				      * kernel apart */
	char event[COUNTER_EVENT_MAX]; /* of CTR_EVENT */
};

struct counter_list {
	struct counter counter[TALLY_COUNTERS_MAX];
	unsigned n;
};

/* Named sets; NULL past the end. */
struct counter_set {
	const char *name, *help;
	const unsigned char *ids; /* CTR_COUNT ends it */
};
const struct counter_set *counter_set_at(unsigned i);

/*
 * "none", or sets and events with commas between them, each counter once:
 * "default,tlb", "cache,MEM_INST_RETIRED:ALL_LOADS:u".  -EINVAL with words;
 * whether the processor has an event is not asked here.
 */
int counter_list_parse(struct counter_list *l, const char *text,
		       struct err *err);

/* The list's kind of slot i; an event's is known only when it is opened. */
bool counter_is_nic(const struct counter *c);
bool counter_list_has_nic(const struct counter_list *l);

#endif
