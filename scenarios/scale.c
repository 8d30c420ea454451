/*
 * scale: what happens to rate and tail with many queue pairs, memory regions
 * and pages?
 *
 * A device keeps the state of connections, regions and page tables in memory
 * of the host and caches some of it (Dragojevic et al., FaRM, NSDI 2014; Tsai
 * and Zhang, LITE, SOSP 2017; Novakovic et al., Storm, SYSTOR 2019); datagrams
 * need one queue pair whatever the number of peers (Kalia et al., FaSST, OSDI
 * 2016).  How many operations are outstanding is swept at each number of
 * queue pairs: a fixed window would measure itself.
 */
#include <errno.h>
#include <stdlib.h>

#include "machine/mem.h"
#include "reports.h"
#include "run/scenario.h"
#include "work/parts.h"
#include "work/spread.h"

struct scale_cfg {
	uint64_t op; /* index of scale_kinds */
	uint64_t size, qps, outstanding, regions, memory;
	uint64_t verify; /* enum exchange_verify */
};

struct scale_state {
	uint64_t available; /* memory, before the link was opened */
	uint64_t used;	    /* by the link and what it registered */
	struct spread spread;
};

static const enum op scale_kinds[] = {OP_WRITE, OP_READ, OP_SEND};
static const char *const op_names[] = {"write", "read", "send", NULL};

/* --- options -------------------------------------------------------------- */

#define AT(field) offsetof(struct scale_cfg, field)

static const struct opt opts[] = {
	PARTS_OPT_NAME(
		"op", AT(op), NULL, op_names, "write",
		"write and read go to random units of the server's memory; a "
		"send is a request that is answered"),
	PARTS_OPT_SIZE("size", 's', AT(size), NULL, 8, 1 << 20, "64",
		       "payload of an operation"),
	{.name = "qps",
	 .letter = 'q',
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(qps),
	 .min = 1,
	 .max = 4096,
	 .def = "1",
	 .metavar = "N[,...]",
	 .column = "qps",
	 .help = "queue pairs, used in turn"},
	PARTS_OPT_COUNT(
		"outstanding", AT(outstanding), "outstanding", 1,
		SPREAD_OUTSTANDING_MAX, "16",
		"operations on their way at a time, over all queue pairs; a "
		"multiple or a divisor of their number"),
	PARTS_OPT_COUNT("regions", AT(regions), "regions", 1,
			SPREAD_REGIONS_MAX, "1",
			"memory regions that --memory is cut into"),
	PARTS_OPT_SIZE("memory", 0, AT(memory), "memory_bytes", SPREAD_PAGE,
		       1ull << 40, "1M",
		       "the server's memory that is gone to, in units of an "
		       "operation's size in whole pages of 4 KiB"),
	PARTS_OPT_VERIFY(AT(verify), "; of reads and answers the "
				     "first word always is, but with none"),
};

static const struct opt_group scale_opts = {
	.title = "scale",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

/* --- metrics --------------------------------------------------------------- */

enum {
	SCALE_DONE = METRIC_BASE_COUNT,
	SCALE_MOST,
	SCALE_DEPTH,
	SCALE_LOST,
	SCALE_MEMORY,
	SCALE_METRICS_END
};

static const struct metric metrics[] = {
	{.name = "operations",
	 .unit = "1",
	 .side = SIDE_CLIENT,
	 .help = "operations completed"},
	{.name = "outstanding_max",
	 .unit = "1",
	 .side = SIDE_CLIENT,
	 .merge = MERGE_MAX,
	 .help = "operations on their way at a time, at most"},
	{.name = "posted_receives",
	 .unit = "1",
	 .side = SIDE_SERVER,
	 .merge = MERGE_MAX,
	 .help = "receives posted whenever a request may be on its way, all "
		 "queue pairs together"},
	{.name = "messages_lost",
	 .unit = "1",
	 .side = SIDE_CLIENT,
	 .help = "requests without an answer, on links that lose messages"},
	{.name = "link_memory_bytes",
	 .unit = "bytes",
	 .side = SIDE_BOTH,
	 .merge = MERGE_MAX,
	 .help = "memory of the host that opening the link took, queue pairs "
		 "and their queues; what else the host did is in it"},
};

_Static_assert(sizeof(metrics) / sizeof(metrics[0]) ==
		       SCALE_METRICS_END - METRIC_BASE_COUNT,
	       "a name for each metric");

/* --- the plan -------------------------------------------------------------- */

static const struct scenario_default defaults[] = {{"transport", "rdma"}};

static const struct sweep sweeps[] = {
	{{{"op", "write,send"},
	  {"qps", "1,4,16,64,256,1024"},
	  {"outstanding", "16,64,256"}}},
	{{{"op", "write"}, {"qps", "4096"}, {"outstanding", "64"}}},
	{{{"op", "send"}, {"qp-type", "ud"}, {"outstanding", "16,64,256"}}},
	{{{"op", "write,read"},
	  {"memory", "64M"},
	  {"regions", "1,16,256,4096,16384"}}},
	{{{"op", "write,read"}, {"memory", "64k,1M,16M,128M"}}},
};

/* --- the scenario ---------------------------------------------------------- */

static int bad(struct err *err, const char *why)
{
	return err_set(err, -EINVAL, REASON_USAGE, "scale: %s", why);
}

static int supported(const void *config, struct err *err)
{
	const struct scale_cfg *cfg = config;
	const uint64_t pages = (cfg->size + SPREAD_PAGE - 1) / SPREAD_PAGE;

	if (cfg->qps % cfg->outstanding && cfg->outstanding % cfg->qps)
		return bad(err, "one of --qps and --outstanding has to divide "
				"the other");
	if (cfg->memory / cfg->regions < pages * SPREAD_PAGE)
		return bad(err, "--memory has less than an operation's pages "
				"for each of --regions");
	return 0;
}

static struct spread_attr attr_of(const struct scale_cfg *cfg)
{
	return (struct spread_attr){
		.op = scale_kinds[cfg->op],
		.size = cfg->size,
		.lanes = (unsigned)cfg->qps,
		.outstanding = (unsigned)cfg->outstanding,
		.regions = (unsigned)cfg->regions,
		.memory = cfg->memory,
		.verify = (enum exchange_verify)cfg->verify,
	};
}

static void need(const void *config, struct need *n)
{
	const struct scale_cfg *cfg = config;
	const struct spread_attr a = attr_of(cfg);
	const uint64_t table = a.regions * sizeof(struct spread_region);

	*n = (struct need){
		.ops = OP_BIT(a.op),
		.max_bytes = a.regions > 1 && table > a.size ? table : a.size,
		.recv_depth = spread_depth(&a),
		/* An answer may overtake the completion of its question. */
		.send_depth = 2 * spread_depth(&a),
		.lanes = a.lanes,
		.sges = 1,
		.lock_bytes = spread_bytes(&a),
		.op = op_names[cfg->op],
		.size_bytes = cfg->size,
	};
	if (a.regions > 1)
		n->ops |= OP_BIT(OP_READ); /* of the table of regions */
}

static int begin(struct end *e, const void *cfg, struct err *err)
{
	struct scale_state *s = calloc(1, sizeof(*s));

	(void)cfg;
	e->state = s;
	if (!s)
		return err_sys(err, -ENOMEM, "scale");
	s->available = mem_available();
	return 0;
}

static int setup(struct end *e, const void *cfg, struct err *err)
{
	const struct spread_attr a = attr_of(cfg);
	struct scale_state *s = e->state;
	const uint64_t left = mem_available();

	s->used = left < s->available ? s->available - left : 0;
	return spread_init(&s->spread, e, &a, err);
}

/* A link that took less than what comes and goes on a host was not seen. */
static void tally_memory(struct tally *t, const struct scale_state *s)
{
	if (s->used)
		tally_set(t, SCALE_MEMORY, s->used);
}

static int client(struct end *e, const struct phase *ph, struct err *err)
{
	struct scale_state *s = e->state;
	int ret = spread_client(&s->spread, ph, err);

	tally_set(&e->tally, SCALE_DONE, s->spread.posted);
	tally_set(&e->tally, SCALE_MOST, s->spread.most);
	tally_memory(&e->tally, s);
	if (s->spread.lossy)
		tally_set(&e->tally, SCALE_LOST, s->spread.lost);
	return ret;
}

static int server(struct end *e, const struct phase *ph, struct err *err)
{
	struct scale_state *s = e->state;
	const struct spread_attr *a = &s->spread.a;
	int ret = spread_server(&s->spread, ph, err);

	tally_memory(&e->tally, s);
	if (a->op == OP_SEND)
		tally_set(&e->tally, SCALE_DEPTH,
			  (uint64_t)a->lanes * s->spread.depth);
	return ret;
}

static int verify(struct end *e, struct err *err)
{
	struct scale_state *s = e->state;

	return spread_verify(&s->spread, err);
}

static void teardown(struct end *e)
{
	struct scale_state *s = e->state;

	if (s && s->spread.end)
		spread_fini(&s->spread);
	free(s);
	e->state = NULL;
}

/* Both ends of a range, and what is small enough for a software device. */
static const struct scenario_default smoke[] = {{"qps", "1,1024"},
						{"outstanding", "64"},
						{"regions", "1,16384"},
						{"memory", "64k,64M"}};

const struct scenario scenario_scale = {
	.name = "scale",
	.summary = "rate and tail against queue pairs, memory regions and "
		   "pages",
	.question = "What happens to rate and tail with many queue pairs, "
		    "memory regions and pages, at the best window of each?",
	.source = "Dragojevic et al., FaRM, NSDI 2014; Tsai and Zhang, LITE, "
		  "SOSP 2017; Kalia et al., FaSST, OSDI 2016",
	.opts = &scale_opts,
	.cfg_size = sizeof(struct scale_cfg),
	.defaults = defaults,
	.n_defaults = sizeof(defaults) / sizeof(defaults[0]),
	.sweeps = sweeps,
	.n_sweeps = sizeof(sweeps) / sizeof(sweeps[0]),
	.smoke = smoke,
	.n_smoke = sizeof(smoke) / sizeof(smoke[0]),
	.metrics = metrics,
	.n_metrics = sizeof(metrics) / sizeof(metrics[0]),
	.report = &report_scale,
	.supported = supported,
	.need = need,
	.begin = begin,
	.setup = setup,
	.client = client,
	.server = server,
	.verify = verify,
	.teardown = teardown,
};
