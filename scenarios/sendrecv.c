/*
 * sendrecv: what does a response of S bytes cost over TCP and over RDMA?
 *
 * A. K. Trivedi, "End-to-end considerations in the unification of
 * high-performance I/O", ETH Zurich, section 3.8.2: a client sends a small
 * request; the server writes into every cache line of a buffer of S bytes
 * and sends it; the client measures from the request to the complete
 * response.  One operation at a time, no pipelining.
 */
#include <errno.h>
#include <stdlib.h>

#include "reports.h"
#include "machine/cpu_isa.h"
#include "run/scenario.h"
#include "work/exchange.h"

struct cfg {
	struct exchange_cfg exchange;
	uint64_t prepare; /* axis: enum prepare */
};

enum prepare { PREPARE_WRITE, PREPARE_NONE };

static const char *const prepare_names[] = {
	[PREPARE_WRITE] = "write",
	[PREPARE_NONE] = "none",
	NULL,
};

static const struct opt opts[] = {
	{.name = "prepare",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = offsetof(struct cfg, prepare),
	 .def = "write",
	 .names = prepare_names,
	 .metavar = "HOW[,...]",
	 .column = "prepare",
	 .help = "what the server does to the response before it sends it; "
		 "write stores into every cache line"},
};

static const struct opt_group group = {
	.title = "sendrecv",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

static int supported(const void *cfg, struct err *err)
{
	(void)cfg;
	(void)err;
	return 0;
}

static uint64_t write_lines(struct exchange *x, void *arg)
{
	(void)arg;
	return scan_write(x->response, x->response_bytes, x->line, x->op);
}

static int setup(struct end *e, const void *cfg, struct err *err)
{
	const struct cfg *c = cfg;
	const struct exchange_prep write = {
		.run = write_lines,
		.lines = scan_lines(c->exchange.size, cpu_line_bytes()),
		.stamp = STAMP_LINES,
	};

	e->state = calloc(1, sizeof(struct exchange));
	if (!e->state)
		return err_sys(err, -ENOMEM, "sendrecv");
	return exchange_init(e->state, e, &c->exchange,
			     c->prepare == PREPARE_WRITE ? &write : NULL, err);
}

static void teardown(struct end *e)
{
	if (e->state)
		exchange_fini(e->state);
	free(e->state);
	e->state = NULL;
}

/* The largest is cut in two by devices that carry 8 MiB at most. */
static const struct scenario_default smoke[] = {{"size", "1k,64k,1M,16M"}};

/* Messages of 16 MiB take a software device longer than all others. */
static const struct scenario_default quick_all[] = {
	{"size", "1k,4k,16k,64k,256k,1M,4M"}};

const struct scenario scenario_sendrecv = {
	.name = "sendrecv",
	.summary = "request-response over TCP and RDMA send/recv, by size",
	.question = "From which message size on does RDMA answer sooner than "
		    "TCP, and by how much?",
	.source = "Trivedi, End-to-end considerations in the unification of "
		  "high-performance I/O, ETH Zurich, section 3.8.2",
	.opts = &group,
	.shared = &exchange_opts,
	.smoke = smoke,
	.n_smoke = sizeof(smoke) / sizeof(smoke[0]),
	.quick_all = quick_all,
	.n_quick_all = sizeof(quick_all) / sizeof(quick_all[0]),
	.metrics = exchange_metrics,
	.n_metrics = EXCHANGE_METRICS,
	.report = &report_sendrecv,
	.cfg_size = sizeof(struct cfg),
	.supported = supported,
	.need = exchange_need,
	.setup = setup,
	.client = exchange_client,
	.server = exchange_server,
	.verify = exchange_verify_last,
	.teardown = teardown,
};
