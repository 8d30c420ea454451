/* The options and the metrics of work/connecting.h. */
#include "work/connecting.h"

#define AT(field) offsetof(struct connecting_cfg, field)

static const char *const method_names[] = {
	[CONNECTING_TCP] = "tcp",
	[CONNECTING_VERBS] = "verbs",
	[CONNECTING_CM] = "cm",
	[CONNECTING_CACHED] = "cached",
	NULL,
};

static const struct opt opts[] = {
	{.name = "method",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(method),
	 .def = "verbs",
	 .names = method_names,
	 .metavar = "NAME[,...]",
	 .column = "method",
	 .help = "tcp; verbs (queue pairs, numbers exchanged over TCP); cm "
		 "(RDMA CM); cached (verbs, connections that stand)"},
	{.name = "at-once",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(at_once),
	 .min = 1,
	 .max = 1024,
	 .def = "1",
	 .metavar = "N[,...]",
	 .column = "at_once",
	 .help = "connections that are made at the same time"},
	{.name = "keep-open",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(keep),
	 .min = 1,
	 .max = 16384,
	 .def = "16",
	 .metavar = "N[,...]",
	 .column = "keep_open",
	 .help = "connections that stand before all are ended again"},
};

const struct opt_group connecting_opts = {
	.title = "connecting",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

#define STEP(id, text, words)                                                  \
	[CONNS_##id] = {.name = text,                                          \
			.unit = "ns",                                          \
			.kind = METRIC_DIST,                                   \
			.side = SIDE_BOTH,                                     \
			.help = words}
#define AMOUNT(id, text, of, who, words)                                       \
	[CONNECTING_##id - METRIC_BASE_COUNT] = {.name = text,                 \
						 .unit = of,                   \
						 .side = who,                  \
						 .merge = MERGE_SUM,           \
						 .help = words}

const struct metric connecting_metrics[] = {
	STEP(ID, "create_id", "RDMA CM's id, TCP's socket"),
	STEP(ADDR, "resolve_addr", "RDMA CM: the peer's address"),
	STEP(ROUTE, "resolve_route", "RDMA CM: the route to it"),
	STEP(PD, "create_pd", "protection domain"),
	STEP(CQ, "create_cq", "completion queue"),
	STEP(QP, "create_qp", "queue pair"),
	STEP(INIT, "to_init", "queue pair to INIT"),
	STEP(HANDSHAKE, "handshake",
	     "verbs: numbers exchanged; cm, tcp: connect (client), accept "
	     "(server); cached: taken from the pool"),
	STEP(RTR, "to_rtr", "queue pair to RTR"),
	STEP(RTS, "to_rts", "queue pair to RTS"),
	STEP(DISCONNECT, "disconnect", "RDMA CM: until the peer has agreed"),
	STEP(DESTROY, "destroy", "all that was created"),
	AMOUNT(QPS, "qps_created", "1", SIDE_BOTH, "queue pairs created"),
	AMOUNT(RATE, "conns_per_s", "1/s", SIDE_CLIENT,
	       "connections a second, while they were being made"),
	AMOUNT(RSS, "rss_bytes_per_conn", "bytes", SIDE_BOTH,
	       "resident memory of this end's process, exact; with 16 "
	       "connections or more"),
	AMOUNT(KERNEL, "kernel_bytes_per_conn_estimate", "bytes", SIDE_BOTH,
	       "an estimate: growth of the whole host's slabs, vmalloc, page "
	       "tables and stacks; of both ends where they share it"),
	AMOUNT(MADE, "created", "1", SIDE_BOTH,
	       "objects created: protection domains, completion queues, queue "
	       "pairs and CM ids; TCP: sockets"),
	AMOUNT(ENDED, "destroyed", "1", SIDE_BOTH, "and destroyed"),
	REMAINS_METRIC_TABLE(CONNECTING_REMAINS - METRIC_BASE_COUNT, SIDE_BOTH),
};
