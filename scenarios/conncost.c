/*
 * conncost: what does it cost to connect?
 *
 * A. K. Trivedi, "End-to-end considerations in the unification of
 * high-performance I/O", ETH Zurich, figure 6.5: connecting by RDMA CM, by
 * plain verbs and by TCP, step by step at both ends; one at a time and many
 * at once; with many that stand; and taken from a cache, which makes none.
 *
 * What registering memory costs is the scenario regcost.
 */
#include <errno.h>
#include <stdlib.h>

#include "reports.h"
#include "run/scenario.h"
#include "work/connecting.h"

/* Varied are how, how many at once, and how many stand. */
static const struct sweep sweeps[] = {
	{{{"method", "tcp,verbs,cm,cached"}, {"at-once", "1,4,16"}}},
	{{{"method", "tcp,verbs,cm"}, {"at-once", "16"}, {"keep-open", "64"}}},
};

/* It makes its connections itself, and its server waits by events. */
static const struct scenario_default defaults[] = {
	{"transport", "rdma"},
	{"poll", "event"},
	{"warmup", "10ms"},
	/* Enough for hundreds: what takes longer is bounded by --min-ops. */
	{"duration", "30ms"},
};

static int supported(const void *cfg, struct err *err)
{
	(void)cfg;
	(void)err;
	return 0;
}

static void need(const void *cfg, struct need *n)
{
	const struct connecting_cfg *c = cfg;

	*n = (struct need){
		.no_link = true,
		.rdma = c->method != CONNECTING_TCP,
		.op = "connect",
	};
}

static int setup(struct end *e, const void *cfg, struct err *err)
{
	e->state = calloc(1, sizeof(struct connecting));
	if (!e->state)
		return err_sys(err, -ENOMEM, "conncost");
	return connecting_init(e->state, e, cfg, err);
}

static int client(struct end *e, const struct phase *ph, struct err *err)
{
	return connecting_client(e->state, ph, err);
}

static int server(struct end *e, const struct phase *ph, struct err *err)
{
	(void)ph;
	return connecting_server(e->state, err);
}

/* Every connection was checked while it stood. */
static int verify(struct end *e, struct err *err)
{
	(void)e;
	(void)err;
	return 0;
}

static void teardown(struct end *e)
{
	if (e->state)
		connecting_fini(e->state);
	free(e->state);
	e->state = NULL;
}

const struct scenario scenario_conncost = {
	.name = "conncost",
	.summary = "connecting by TCP, verbs and RDMA CM, step by step",
	.question = "What does each step of connecting cost, how many "
		    "connections a second can be made, and what does keeping "
		    "them save?",
	.source = "Trivedi, End-to-end considerations in the unification of "
		  "high-performance I/O, ETH Zurich, figure 6.5",
	.opts = &connecting_opts,
	.cfg_size = sizeof(struct connecting_cfg),
	.defaults = defaults,
	.n_defaults = sizeof(defaults) / sizeof(defaults[0]),
	.sweeps = sweeps,
	.n_sweeps = sizeof(sweeps) / sizeof(sweeps[0]),
	.metrics = connecting_metrics,
	.n_metrics = CONNECTING_METRICS,
	.report = &report_conncost,
	.supported = supported,
	.need = need,
	.setup = setup,
	.client = client,
	.server = server,
	.verify = verify,
	.teardown = teardown,
};
