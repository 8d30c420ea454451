/*
 * regcost: what does it cost to make memory usable by a NIC?
 *
 * A. K. Trivedi, "End-to-end considerations in the unification of
 * high-performance I/O", ETH Zurich, figures 5.8, 6.3 and 6.4: the control
 * path that RDMA moves out of the data path, step by step: mapping,
 * populating, registering, deregistering, unmapping, against the size and by
 * the kind of memory; and the "cached" line, where a buffer is used again.
 *
 * It is measured at the client alone.  What connecting costs is the scenario
 * conncost.
 */
#include <errno.h>
#include <stdlib.h>

#include "reports.h"
#include "run/scenario.h"
#include "work/regcycle.h"

/* Each varies one thing around the default point. */
static const struct sweep sweeps[] = {
	{{{"memory", "anon,thp,huge2m,memfd,file,fsdax,devdax"},
	  {"size", "4k-1Mx4"}}},
	{{{"way", "cached,odp,odp-implicit,rereg,rights,window,window2"},
	  {"size", "4k-1Mx16"}}},
	{{{"populate", "none,map,madvise"}, {"size", "4M"}}},
	{{{"touch-threads", "1,2,4"}, {"size", "4M"}}},
	{{{"access", "read,atomic"}}},
	{{{"regions", "64,4096"}, {"size", "4k"}}},
	{{{"memory", "huge1g"}}},
};

/* Without a link there is nothing to carry and nobody to wait for. */
static const struct scenario_default defaults[] = {
	{"transport", "rdma"},
	{"poll", "spin"},
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
	const struct regcycle_cfg *c = cfg;

	*n = (struct need){
		.no_link = true,
		.rdma = true,
		.op = "register",
		.size_bytes = c->size,
	};
}

static int setup(struct end *e, const void *cfg, struct err *err)
{
	struct regcycle *c;

	if (e->role == ROLE_PASSIVE)
		return 0;
	c = calloc(1, sizeof(*c));
	e->state = c;
	if (!c)
		return err_sys(err, -ENOMEM, "regcost");
	return regcycle_init(c, e, cfg, err);
}

static int client(struct end *e, const struct phase *ph, struct err *err)
{
	return regcycle_run(e->state, ph, err);
}

/* Every use was compared as it was made. */
static int verify(struct end *e, struct err *err)
{
	(void)e;
	(void)err;
	return 0;
}

static void teardown(struct end *e)
{
	if (e->state)
		regcycle_fini(e->state);
	free(e->state);
	e->state = NULL;
}

/* Both ends of a range, and what is small enough for a software device. */
static const struct scenario_default smoke[] = {{"size", "4k,1M"}};

const struct scenario scenario_regcost = {
	.name = "regcost",
	.summary = "registering memory, step by step: by size, kind of memory "
		   "and way",
	.question = "What does each step cost that makes memory usable by a "
		    "NIC, and when does keeping it registered pay?",
	.source = "Trivedi, End-to-end considerations in the unification of "
		  "high-performance I/O, ETH Zurich, figures 5.8, 6.3, 6.4",
	.opts = &regcycle_opts,
	.cfg_size = sizeof(struct regcycle_cfg),
	.defaults = defaults,
	.n_defaults = sizeof(defaults) / sizeof(defaults[0]),
	.sweeps = sweeps,
	.n_sweeps = sizeof(sweeps) / sizeof(sweeps[0]),
	.smoke = smoke,
	.n_smoke = sizeof(smoke) / sizeof(smoke[0]),
	.metrics = regcycle_metrics,
	.n_metrics = REGCYCLE_METRICS,
	.report = &report_regcost,
	.supported = supported,
	.need = need,
	.setup = setup,
	.client = client,
	.verify = verify,
	.teardown = teardown,
};
