/*
 * Metrics: every number that a run counts is declared once, here or in a
 * scenario's own table, with name, unit, kind and help; the declaration
 * feeds the CSV, the figures and the manual.
 */
#ifndef METRIC_METRIC_H
#define METRIC_METRIC_H

#include <stdint.h>

enum metric_side {
	SIDE_CLIENT = 1,
	SIDE_SERVER = 2,
	SIDE_BOTH = 3,
	SIDE_EITHER = 4, /* one of them, whichever did it: one column */
};

enum metric_merge {
	MERGE_SUM,
	MERGE_MAX,
};

enum metric_kind {
	METRIC_VALUE, /* one number */
	METRIC_DIST,  /* a distribution of times in ns: tally_dist() */
};

/*
 * A value's column is its name, a distribution's are <name>_mean_ns,
 * <name>_p50_ns and <name>_p99_ns; what both sides measure has each with
 * "client_" and "server_" before it.
 */
struct metric {
	const char *name; /* a value's has its unit: "lines_scanned" */
	const char *unit; /* "1", "ns", "bytes" */
	enum metric_kind kind;
	enum metric_side side;
	enum metric_merge merge;
	const char *help;
};

/*
 * The engine's own, counted by both ends of every link.  X(id, name, unit,
 * merge, help)
 */
#define METRIC_BASE(X)                                                         \
	X(OPS, "ops", "1", MERGE_SUM, "operations completed")                  \
	X(ELAPSED, "elapsed_ns", "ns", MERGE_MAX,                              \
	  "from the first operation's start to the last one's end")            \
	X(SENDS, "sends", "1", MERGE_SUM, "messages sent")                     \
	X(RECVS, "recvs", "1", MERGE_SUM, "messages received")                 \
	X(BYTES_SENT, "bytes_sent", "bytes", MERGE_SUM, "payload sent")        \
	X(BYTES_RECV, "bytes_received", "bytes", MERGE_SUM,                    \
	  "payload received")                                                  \
	X(ONE_SIDED, "one_sided", "1", MERGE_SUM,                              \
	  "reads, writes and atomics of the peer's memory")                    \
	X(BYTES_ONE_SIDED, "bytes_one_sided", "bytes", MERGE_SUM,              \
	  "payload written to and read from the peer's memory")                \
	X(PAYLOAD, "payload_bytes", "bytes", MERGE_SUM,                        \
	  "what the operations carried, where messages of the tool's own "     \
	  "went "                                                              \
	  "along")                                                             \
	X(POSTS, "posts", "1", MERGE_SUM, "work requests posted")              \
	X(DOORBELLS, "doorbells", "1", MERGE_SUM,                              \
	  "calls that hand work to the device or the kernel")                  \
	X(LINES, "lines_scanned", "1", MERGE_SUM,                              \
	  "cache lines touched while preparing")                               \
	X(VERIFIED, "verified", "1", MERGE_SUM, "messages verified whole")     \
	X(CPU_NS, "cpu_ns", "ns", MERGE_SUM,                                   \
	  "CPU time of this end's process, user and system")                   \
	X(HOST_BUSY_NS, "host_busy_ns", "ns", MERGE_MAX,                       \
	  "CPU time of the whole host that was not idle (/proc/stat)")         \
	X(HOST_SOFTIRQ_NS, "host_softirq_ns", "ns", MERGE_MAX,                 \
	  "the part of it spent in soft interrupts")

#define X(id, ...) METRIC_##id,
enum metric_id { METRIC_BASE(X) METRIC_BASE_COUNT };
#undef X

enum {
	METRIC_SCENARIO_MAX = 24,
	METRIC_MAX = METRIC_BASE_COUNT + METRIC_SCENARIO_MAX
};

extern const struct metric metric_base[METRIC_BASE_COUNT];

#endif
