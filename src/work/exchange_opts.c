/* What an exchange can be told, and what it counts. */
#include "work/exchange.h"
#include "work/parts.h"

#define AT(field) offsetof(struct exchange_cfg, field)

static const char *const arrival_names[] = {
	[PACE_CONSTANT] = "constant",
	[PACE_POISSON] = "poisson",
	NULL,
};

static const char *const service_names[] = {
	[PACE_CONSTANT] = "constant",
	[PACE_POISSON] = "exponential",
	NULL,
};

static const struct opt opts[] = {
	{.name = "size",
	 .letter = 's',
	 .type = OPT_SIZE,
	 .role = OPT_AXIS,
	 .offset = AT(size),
	 .min = 1,
	 .max = 1ull << 40,
	 .def = "1k-16Mx4",
	 .metavar = "SIZE[,...]",
	 .help = "response sizes: 64, 4k, a list 1k,4k, a range 1k-16Mx4 or "
		 "1k-8k+1k"},
	{.name = "request-size",
	 .type = OPT_SIZE,
	 .role = OPT_KNOB,
	 .offset = AT(request_bytes),
	 .min = 1,
	 .max = 1ull << 40,
	 .def = "64",
	 .word = "same",
	 .metavar = "SIZE",
	 .column = "request_bytes",
	 .help = "size of the request, or 'same' as the response"},
	PARTS_OPT_VERIFY(AT(verify), ", outside the timed part"),
	{.name = "rate",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(rate),
	 .max = 100000000,
	 .def = "0",
	 .metavar = "N[,...]",
	 .column = "offered_ops_per_s",
	 .help = "open loop: start so many operations a second, latency from "
		 "the intended start; a list is a saturation sweep; 0: closed "
		 "loop"},
	{.name = "arrival",
	 .type = OPT_ENUM,
	 .role = OPT_KNOB,
	 .offset = AT(arrival),
	 .def = "constant",
	 .names = arrival_names,
	 .metavar = "KIND",
	 .column = "arrival",
	 .help = "intended starts of an open loop"},
	{.name = "service-time",
	 .type = OPT_TIME,
	 .role = OPT_KNOB,
	 .offset = AT(service_ns),
	 .max = 10000000000u,
	 .def = "0",
	 .metavar = "TIME",
	 .column = "service_time_ns",
	 .help = "the server spins so long before it answers: a known delay, "
		 "to be found back in the percentiles, or an application's "
		 "work"},
	{.name = "service-dist",
	 .type = OPT_ENUM,
	 .role = OPT_KNOB,
	 .offset = AT(service_dist),
	 .def = "constant",
	 .names = service_names,
	 .metavar = "KIND",
	 .column = "service_dist",
	 .help = "its distribution; the time given is the mean"},
};

#define STAGE_METRIC(column, words)                                            \
	{                                                                      \
		.name = column, .unit = "1", .side = SIDE_SERVER,              \
		.merge = MERGE_SUM,                                            \
		.help = words ", user mode, over all operations"               \
	}
/* In the order of stages_counter(). */
#define STAGE_METRICS(stage, words)                                            \
	STAGE_METRIC(stage "_llc_references",                                  \
		     "last-level cache references of the " words),             \
		STAGE_METRIC(stage "_llc_misses",                              \
			     "last-level cache misses of the " words),         \
		STAGE_METRIC(stage "_snoop_hitm",                              \
			     "loads answered by a modified line of another "   \
			     "core, of the " words),                           \
		STAGE_METRIC(stage "_rfo_requests",                            \
			     "requests for lines to write, of the " words),    \
		STAGE_METRIC(stage "_dtlb_misses",                             \
			     "data TLB misses with a walk (of stores, if the " \
			     "scan writes), of the " words),                   \
		STAGE_METRIC(stage "_memory_stall_cycles",                     \
			     "cycles stalled on memory, of the " words)

const struct metric exchange_metrics[] = {
	{.name = "lat_cold_ns",
	 .unit = "ns",
	 .side = SIDE_CLIENT,
	 .merge = MERGE_MAX,
	 .help = "the link's very first operation, before any warm-up: cold "
		 "caches, first use of buffers and queues"},
	{.name = "backlog_max",
	 .unit = "1",
	 .side = SIDE_CLIENT,
	 .merge = MERGE_MAX,
	 .help = "open loop: operations that waited for their turn, at most"},
	{.name = "line_bytes",
	 .unit = "bytes",
	 .side = SIDE_SERVER,
	 .merge = MERGE_MAX,
	 .help = "the server's cache line: a scan visits one word of each"},
	{.name = "server_scan",
	 .unit = "ns",
	 .kind = METRIC_DIST,
	 .side = SIDE_SERVER,
	 .help = "the scan of the buffer alone"},
	{.name = "server_send",
	 .unit = "ns",
	 .kind = METRIC_DIST,
	 .side = SIDE_SERVER,
	 .help = "from posting the response until its completion was seen"},
	STAGE_METRICS("scan", "scan"),
	STAGE_METRICS("send", "send, from posting to its completion"),
	{.name = "line_ps",
	 .unit = "ps",
	 .side = SIDE_EITHER,
	 .merge = MERGE_MAX,
	 .help = "the median scan's time, divided by its lines"},
};

const struct opt_group exchange_opts = {
	.title = "exchange",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

_Static_assert(sizeof(exchange_metrics) / sizeof(exchange_metrics[0]) ==
		       EXCHANGE_STAGED_METRICS,
	       "a declaration each");
