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
#include "run/scenario.h"
#include "work/exchange.h"

static int supported(const void *cfg, struct err *err)
{
	(void)cfg;
	(void)err;
	return 0;
}

static void need(const void *cfg, struct need *n)
{
	size_t request, response;

	exchange_sizes(cfg, &request, &response);
	*n = (struct need){
		.ops = OP_BIT(OP_SEND) | OP_BIT(OP_RECV),
		.max_bytes = request > response ? request : response,
		.recv_depth = EXCHANGE_RECVS,
		.lock_bytes = exchange_bytes(cfg),
		.op = "send",
		.size_bytes = response,
		.open_loop = ((const struct exchange_cfg *)cfg)->rate != 0,
	};
}

static int setup(struct end *e, const void *cfg, struct err *err)
{
	e->state = calloc(1, sizeof(struct exchange));
	if (!e->state)
		return err_sys(err, -ENOMEM, "sendrecv");
	return exchange_init(e->state, e, cfg, err);
}

static int client(struct end *e, const struct phase *ph, struct err *err)
{
	return exchange_client(e->state, ph, err);
}

static int server(struct end *e, const struct phase *ph, struct err *err)
{
	return exchange_server(e->state, ph, err);
}

static int verify(struct end *e, struct err *err)
{
	return exchange_verify_last(e->state, err);
}

static void teardown(struct end *e)
{
	if (e->state)
		exchange_fini(e->state);
	free(e->state);
	e->state = NULL;
}

const struct scenario scenario_sendrecv = {
	.name = "sendrecv",
	.summary = "request-response over TCP and RDMA send/recv, by size",
	.question = "From which message size on does RDMA answer sooner than "
		    "TCP, and by how much?",
	.source = "Trivedi, End-to-end considerations in the unification of "
		  "high-performance I/O, ETH Zurich, section 3.8.2",
	.opts = &exchange_opts,
	.metrics = exchange_metrics,
	.n_metrics = EXCHANGE_METRICS,
	.report = &report_sendrecv,
	.cfg_size = sizeof(struct exchange_cfg),
	.supported = supported,
	.need = need,
	.setup = setup,
	.client = client,
	.server = server,
	.verify = verify,
	.teardown = teardown,
};
