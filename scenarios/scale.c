/*
 * scale: what happens to rate and tail with many queue pairs, memory regions
 * and pages?
 *
 * A device keeps the state of connections, regions and page tables in memory
 * of the host and caches some of it (Dragojevic et al., FaRM, NSDI 2014; Tsai
 * and Zhang, LITE, SOSP 2017; Novakovic et al., Storm, SYSTOR 2019); datagrams
 * need one queue pair whatever the number of peers (Kalia et al., FaSST, OSDI
 * 2016).  How many operations are outstanding is swept at each number of
 * them: a fixed window would measure itself.
 *
 * Beside how many there are of something: receives of their own or shared,
 * queue pairs of their own or shared by threads, threads or processes, pages
 * small or huge, and what a reliable link does where receives are missing.
 */
#include <errno.h>

#include "reports.h"
#include "scale.h"
#include "work/crew.h"
#include "work/parts.h"

static const enum op scale_kinds[] = {OP_WRITE, OP_READ, OP_SEND, OP_FETCH_ADD};
static const char *const op_names[] = {"write", "read", "send", "fetch-add",
				       NULL};
static const char *const yes_names[] = {"no", "yes", NULL};
static const char *const qp_names[] = {"each", "one", NULL};
static const char *const pages_names[] = {
	[MEM_PAGES_AS_IS] = "as-is", [MEM_PAGES_SMALL] = "small",
	[MEM_PAGES_THP] = "thp",     [MEM_PAGES_2M] = "2m",
	[MEM_PAGES_1G] = "1g",	     NULL,
};

enum { RNR_FOR_EVER = 7, RNR_TIMER_MAX = 31 };

/* --- options -------------------------------------------------------------- */

#define AT(field) offsetof(struct scale_cfg, field)

static const struct opt opts[] = {
	PARTS_OPT_NAME(
		"op", AT(op), NULL, op_names, "write",
		"write and read go to random units of the server's memory, "
		"fetch-add (8 bytes) to one word; a send is a request that is "
		"answered"),
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
	PARTS_OPT_NAME("pages", AT(pages), "pages", pages_names, "as-is",
		       "pages of that memory: whatever this host does, the "
		       "smallest, transparent huge ones, or of a pool"),
	PARTS_OPT_COUNT("threads", AT(threads), "threads", 1, CREW_MAX, "1",
			"threads of each end that work at once; queue pairs, "
			"outstanding, regions and memory are divided among "
			"them"),
	PARTS_OPT_COUNT("processes", AT(processes), "processes", 1, CREW_MAX,
			"1", "the same in processes of their own"),
	PARTS_OPT_NAME("share-qps", AT(share), "share_qps", yes_names, "no",
		       "the client's threads use the same queue pairs, under "
		       "a lock; not for sends"),
	PARTS_OPT_NAME("shared-receives", AT(shared_recv), "shared_receives",
		       yes_names, "no",
		       "sends: one queue of as many receives as are "
		       "outstanding, instead of one for each queue pair"),
	PARTS_OPT_NAME("client-qps", AT(one_qp), "client_qps", qp_names, "each",
		       "sends, --qp-type ud: the client has a queue pair for "
		       "each of the server's --qps, or one for all of them, "
		       "with an address handle each"),
	PARTS_OPT_COUNT("receives", AT(receives), "receives", 0,
			SPREAD_OUTSTANDING_MAX, "0",
			"sends: receives that the server posts for a queue "
			"pair, fewer than may be on their way; 0: as many"),
	PARTS_OPT_COUNT("rnr-retry", AT(rnr_retry), "rnr_retry", 0,
			RNR_FOR_EVER, "7",
			"with --receives: how often a request is sent again "
			"that found none; 7: for ever"),
	PARTS_OPT_COUNT("min-rnr-timer", AT(min_rnr_timer), "min_rnr_timer", 0,
			RNR_TIMER_MAX, "12",
			"with --receives: code of the time before that: 1 is "
			"10 us, 12 0.64 ms, 18 5.12 ms, 26 82 ms, 0 655 ms"),
	PARTS_OPT_VERIFY(AT(verify), "; of reads and answers the "
				     "first word always is, but with none"),
};

static const struct opt_group scale_opts = {
	.title = "scale",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

/* --- metrics --------------------------------------------------------------- */

/* Workers of one end add up; hosts that hold the same do not. */
#define SCALE_METRIC(m, u, s, how, text)                                       \
	{                                                                      \
		.name = m, .unit = u, .side = SIDE_##s, .merge = MERGE_##how,  \
		.help = text                                                   \
	}

const struct metric scale_metrics[SCALE_METRICS] = {
	SCALE_METRIC("operations", "1", CLIENT, SUM, "operations completed"),
	SCALE_METRIC("outstanding_max", "1", CLIENT, SUM,
		     "operations on their way at a time, at most"),
	SCALE_METRIC("sent_ahead", "1", CLIENT, SUM,
		     "requests begun while all receives that could take them "
		     "were spoken for: none with credit"),
	SCALE_METRIC("posted_receives", "1", SERVER, SUM,
		     "receives posted whenever a request may be on its way, "
		     "all queue pairs together"),
	SCALE_METRIC("messages_lost", "1", CLIENT, SUM,
		     "requests without an answer, on links that lose "
		     "messages"),
	SCALE_METRIC("queue_pairs", "1", BOTH, MAX, "queue pairs made"),
	SCALE_METRIC("completion_queues", "1", BOTH, MAX,
		     "completion queues made: more than one where one has "
		     "no room for all"),
	SCALE_METRIC("link_memory_bytes", "bytes", BOTH, MAX,
		     "memory of the host that opening the link took, queue "
		     "pairs and their queues; what else the host did, the "
		     "other end on it among that, is in it"),
	SCALE_METRIC("link_rss_bytes", "bytes", BOTH, MAX,
		     "the part of it that this process has in its address "
		     "space"),
	SCALE_METRIC("qp_memory_bytes", "bytes", BOTH, MAX,
		     "memory of the host for each queue pair, where a link "
		     "of many took enough to be seen"),
	SCALE_METRIC("process_rss_bytes", "bytes", BOTH, MAX,
		     "all that this process has in memory at the end"),
};

/* --- the plan -------------------------------------------------------------- */

static const struct scenario_default defaults[] = {
	{"transport", "rdma"},
	/* Many points. */
	{"duration", "30ms"},
};

#define SENDS                                                                  \
	{                                                                      \
		"op", "send"                                                   \
	}

static const struct sweep sweeps[] = {
	/* Queue pairs, at the best window of each. */
	{{{"op", "write,send"},
	  {"qps", "1,16,64,256"},
	  {"outstanding", "16,64,256"}}},
	/* So many take a second to make; 256 stay of them where .quick_all
	 * leaves those out. */
	{{{"op", "send"}, {"qps", "256,1024"}, {"outstanding", "64,1024"}}},
	{{{"op", "write"},
	  {"qps", "256,1024,4096"},
	  {"outstanding", "64,1024"}}},
	{{SENDS,
	  {"transport", "tcp"},
	  {"qps", "1,16,64"},
	  {"outstanding", "16,64"}}},
	/* Without connections, and with one queue pair for many peers. */
	{{SENDS, {"qp-type", "ud"}, {"outstanding", "16,64,256"}}},
	{{SENDS,
	  {"qp-type", "ud"},
	  {"qps", "16,64,256"},
	  {"outstanding", "16,64,256"},
	  {"client-qps", "each,one"}}},
	{{SENDS,
	  {"qps", "16,64,256"},
	  {"outstanding", "16,64,256"},
	  {"shared-receives", "yes"}}},
	{{SENDS,
	  {"qps", "256,1024"},
	  {"outstanding", "16,64,1024"},
	  {"shared-receives", "yes"}}},
	/* Requests that find no receive. */
	{{SENDS,
	  {"qps", "4"},
	  {"outstanding", "64"},
	  {"receives", "0,4"},
	  {"min-rnr-timer", "1,12,16"}}},
	/* All to the same word. */
	{{{"op", "fetch-add"},
	  {"size", "8"},
	  {"qps", "1,16,64"},
	  {"outstanding", "16,64"}}},
	{{{"op", "fetch-add"},
	  {"size", "8"},
	  {"qps", "16"},
	  {"outstanding", "16,64"},
	  {"threads", "2,4"},
	  {"share-qps", "yes"},
	  {"poll", "yield"}}},
	/* Who works; several yield, so one does as well. */
	{{{"op", "write,send"},
	  {"qps", "16"},
	  {"outstanding", "16,64"},
	  {"threads", "1,2,4"},
	  {"poll", "yield"}}},
	{{{"op", "write"},
	  {"qps", "16"},
	  {"outstanding", "16,64"},
	  {"threads", "2,4"},
	  {"share-qps", "yes"},
	  {"poll", "yield"}}},
	{{{"op", "write"},
	  {"qps", "16"},
	  {"outstanding", "16,64"},
	  {"processes", "1,4"},
	  {"poll", "yield"}}},
	/* Where it goes. */
	{{{"op", "write,read"},
	  {"memory", "64M"},
	  {"regions", "1,256,16384"},
	  {"outstanding", "16,256"}}},
	{{{"op", "write"},
	  {"memory", "64k,4M,128M"},
	  {"pages", "small,thp"},
	  {"outstanding", "16,256"}}},
	{{{"op", "read"},
	  {"memory", "64k,4M,128M"},
	  {"pages", "small"},
	  {"outstanding", "16,64"}}},
};

/* --- the scenario ---------------------------------------------------------- */

static int bad(struct err *err, const char *why)
{
	return err_set(err, -EINVAL, REASON_USAGE, "scale: %s", why);
}

static bool sends(const struct scale_cfg *cfg)
{
	return scale_kinds[cfg->op] == OP_SEND;
}

unsigned scale_workers(const struct scale_cfg *cfg)
{
	return (unsigned)(cfg->threads > 1 ? cfg->threads : cfg->processes);
}

/* A worker's part of what is divided among those that have links of their
 * own. */
static uint64_t part(const struct scale_cfg *cfg, uint64_t of)
{
	return cfg->share ? of : of / scale_workers(cfg);
}

struct spread_attr scale_attr(const struct scale_cfg *cfg)
{
	const unsigned n = scale_workers(cfg);

	return (struct spread_attr){
		.op = scale_kinds[cfg->op],
		.size = cfg->size,
		.lanes = (unsigned)part(cfg, cfg->qps),
		.outstanding = (unsigned)cfg->outstanding / n,
		.regions = cfg->regions == 1
				   ? 1
				   : (unsigned)part(cfg, cfg->regions),
		.memory = part(cfg, cfg->memory),
		.pages = (enum mem_pages)cfg->pages,
		.receives = (unsigned)cfg->receives,
		.shared_recv = cfg->shared_recv != 0,
		.verify = (enum exchange_verify)cfg->verify,
	};
}

/* What only sends have, and what says nothing by itself. */
static void canonical(void *config)
{
	struct scale_cfg *cfg = config;

	if (!sends(cfg))
		cfg->shared_recv = cfg->one_qp = cfg->receives = 0;
	if (!cfg->receives) {
		cfg->rnr_retry = RNR_FOR_EVER;
		cfg->min_rnr_timer = 12;
	}
	if (scale_workers(cfg) == 1)
		cfg->share = 0;
}

/* Each operation has its completion: it is what makes room for the next. */
static void settle(struct point *pt)
{
	pt->link.signal_every = 1;
}

static int check_workers(const struct scale_cfg *cfg, struct err *err)
{
	const unsigned n = scale_workers(cfg);

	if (cfg->threads > 1 && cfg->processes > 1)
		return bad(err, "--threads or --processes, not both");
	if (cfg->share && (sends(cfg) || cfg->processes > 1))
		return bad(err, "--share-qps is for threads that write or "
				"read: a receive is nobody's");
	if (cfg->outstanding % n || (!cfg->share && cfg->qps % n) ||
	    (cfg->regions > 1 && !cfg->share && cfg->regions % n))
		return bad(err, "--threads or --processes have to divide "
				"--outstanding, --qps and --regions");
	return 0;
}

static int check_receives(const struct scale_cfg *cfg, struct err *err)
{
	const struct spread_attr a = scale_attr(cfg);

	if (!sends(cfg) && (cfg->receives || cfg->shared_recv || cfg->one_qp))
		return bad(err, "--receives, --shared-receives and "
				"--client-qps are for --op send");
	if (cfg->receives > spread_recv_depth(&a))
		return bad(err, "--receives: more than may be on their way");
	return 0;
}

static int supported(const void *config, struct err *err)
{
	const struct scale_cfg *cfg = config;
	const uint64_t pages = (cfg->size + SPREAD_PAGE - 1) / SPREAD_PAGE;
	struct spread_attr a;
	int ret = check_workers(cfg, err);

	if (ret)
		return ret;
	a = scale_attr(cfg);
	if (a.op == OP_FETCH_ADD && a.size != sizeof(uint64_t))
		return bad(err, "a fetch-add has 8 bytes (-s 8)");
	if (a.lanes % a.outstanding && a.outstanding % a.lanes)
		return bad(err, "one of --qps and --outstanding has to divide "
				"the other");
	if (a.memory / a.regions < pages * SPREAD_PAGE)
		return bad(err, "--memory has less than an operation's pages "
				"for each of --regions");
	return check_receives(cfg, err);
}

static struct ep_extras extras_of(const struct scale_cfg *cfg)
{
	return (struct ep_extras){
		.shared_recv = cfg->shared_recv != 0,
		.one_qp = cfg->one_qp != 0,
		.rnr = cfg->receives != 0,
		.rnr_retry = (uint8_t)cfg->rnr_retry,
		.min_rnr_timer = (uint8_t)cfg->min_rnr_timer,
	};
}

static void need(const void *config, struct need *n)
{
	const struct scale_cfg *cfg = config;
	const struct spread_attr a = scale_attr(cfg);
	const uint64_t table = a.regions * sizeof(struct spread_region);
	const unsigned of_link = cfg->share ? scale_workers(cfg) : 1;

	*n = (struct need){
		.ops = OP_BIT(a.op),
		.max_bytes = a.regions > 1 && table > a.size ? table : a.size,
		.recv_depth = spread_recv_depth(&a),
		.send_depth = spread_send_depth(&a) * of_link,
		.lanes = a.lanes,
		.sges = 1,
		.workers = scale_workers(cfg),
		.extras = extras_of(cfg),
		.lock_bytes = spread_bytes(&a) * scale_workers(cfg),
		.op = op_names[cfg->op],
		.size_bytes = cfg->size,
		.headline = HEADLINE_RATE,
	};
	if (a.regions > 1)
		n->ops |= OP_BIT(OP_READ); /* of the table of regions */
}

/* Both ends of a range, and what is small enough for a software device. */
static const struct scenario_default smoke[] = {
	{"qps", "1,1024"},	{"outstanding", "64"}, {"regions", "1,16384"},
	{"memory", "64k,64M"},	{"threads", "1,2"},    {"processes", "1,4"},
	{"min-rnr-timer", "12"}};

/* To make so many takes longer than to measure them; and of the windows both
 * ends. */
static const struct scenario_default quick_all[] = {{"qps", "1,4,16,64,256"},
						    {"outstanding", "16,256"},
						    {"regions", "1,256"},
						    {"threads", "1,4"}};

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
	.quick_all = quick_all,
	.n_quick_all = sizeof(quick_all) / sizeof(quick_all[0]),
	.metrics = scale_metrics,
	.n_metrics = SCALE_METRICS,
	.report = &report_scale,
	.supported = supported,
	.canonical = canonical,
	.settle = settle,
	.need = need,
	.begin = scale_begin,
	.setup = scale_setup,
	.connect = scale_connect,
	.client = scale_phase,
	.server = scale_phase,
	.flush = scale_flush,
	.verify = scale_verify,
	.teardown = scale_teardown,
};
