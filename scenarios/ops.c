/*
 * ops: what does one verb cost, and how many of them a second are there?
 *
 * Kalia, Kaminsky, Andersen, "Design guidelines for high performance RDMA
 * systems", USENIX ATC 2016: before a system is designed, each operation is
 * timed alone (latency) and counted with many outstanding (rate), against
 * what software decides: lists posted by one doorbell, inlining, selective
 * signalling, scatter-gather.  The plan is a baseline (64-byte sends, 16
 * outstanding) and sweeps from it, one factor at a time.
 */
#include <errno.h>
#include <stdlib.h>

#include "reports.h"
#include "run/scenario.h"
#include "work/duplex.h"
#include "work/parts.h"
#include "work/pingpong.h"
#include "work/window.h"

enum ops_mode { MODE_LATENCY, MODE_RATE };

struct ops_cfg {
	uint64_t op;   /* index of ops_kinds */
	uint64_t mode; /* enum ops_mode */
	uint64_t size, outstanding, post_list, sges;
	uint64_t rotate; /* buffers at each end; 0: each operation has one */
	uint64_t directions, cq_count, cq_period_us;
	uint64_t poll_memory;
	uint64_t verify; /* enum exchange_verify */
};

/* What does it. */
enum ops_way { WAY_WINDOW, WAY_DUPLEX, WAY_PINGPONG };

struct ops_state {
	enum ops_way way;
	struct window window;
	struct duplex duplex;
	struct pingpong pingpong;
};

static const enum op ops_kinds[] = {
	OP_SEND,      OP_WRITE,	   OP_WRITE_IMM,    OP_READ,
	OP_FETCH_ADD, OP_CMP_SWAP, OP_ATOMIC_WRITE, OP_FLUSH,
};

static const char *const op_names[] = {
	"send",		"write",	"write-imm", "read", "fetch-add",
	"compare-swap", "atomic-write", "flush",     NULL,
};

static const char *const mode_names[] = {
	[MODE_LATENCY] = "latency",
	[MODE_RATE] = "rate",
	NULL,
};

enum { ATOMIC_BYTES = 8 };

/* --- options -------------------------------------------------------------- */

#define AT(field) offsetof(struct ops_cfg, field)

static const struct opt opts[] = {
	PARTS_OPT_NAME("op", AT(op), NULL, op_names, "send",
		       "the operation; an atomic one has 8 bytes"),
	PARTS_OPT_NAME("mode", AT(mode), "mode", mode_names, "rate",
		       "latency: one at a time, there and back; rate: as many "
		       "outstanding as --outstanding, always"),
	PARTS_OPT_SIZE("size", 's', AT(size), NULL, 1, 1ull << 30, "64",
		       "payload of an operation"),
	PARTS_OPT_COUNT("outstanding", AT(outstanding), "outstanding", 1,
			WINDOW_OUTSTANDING_MAX, "16",
			"operations on their way at a time, in rate mode"),
	{.name = "post-list",
	 .letter = 'l',
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(post_list),
	 .min = 1,
	 .max = WINDOW_LIST_MAX,
	 .def = "1",
	 .metavar = "N[,...]",
	 .column = "post_list",
	 .help = "operations posted by one doorbell, in rate mode; at most as "
		 "many as outstanding"},
	PARTS_OPT_COUNT(
		"sges", AT(sges), "sges", 1, WINDOW_SGES_MAX, "1",
		"pieces of memory that an operation gathers from or scatters "
		"to"),
	PARTS_OPT_COUNT("rotate", AT(rotate), "rotate", 0,
			WINDOW_OUTSTANDING_MAX, "0",
			"buffers at each end that take turns, in rate mode: "
			"with few of them payload stays in caches, and all "
			"carry the same, which is looked at, but not whose it "
			"is; 0: each operation on its way has its own"),
	PARTS_OPT_COUNT("directions", AT(directions), "directions", 1, 2, "1",
			"2: the server does the same to the client at the same "
			"time, on a queue pair of its own, in rate mode"),
	PARTS_OPT_COUNT("cq-count", AT(cq_count), "cq_count", 0, UINT16_MAX,
			"0",
			"completions that one event stands for (ibv_modify_cq, "
			"--poll event); 0: the device's way"),
	PARTS_OPT_COUNT("cq-period", AT(cq_period_us), "cq_period_us", 0,
			UINT16_MAX, "0",
			"microseconds after which it comes all the same"),
	{.name = "poll-memory",
	 .type = OPT_FLAG,
	 .role = OPT_KNOB,
	 .offset = AT(poll_memory),
	 .def = "no",
	 .column = "poll_memory",
	 .help = "a write's latency by looking at its last byte, not by "
		 "immediate data behind it; where the device does not promise "
		 "the order, visibility_assumed is 1"},
	PARTS_OPT_VERIFY(AT(verify), "; of each the whole payload is its "
				     "operation's own (of others the first 8 "
				     "bytes), and both are in the timed part"),
};

static const struct opt_group ops_opts = {
	.title = "ops",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

/* --- metrics --------------------------------------------------------------- */

enum {
	OPS_DONE = METRIC_BASE_COUNT,
	OPS_POSTS,
	OPS_LISTS,
	OPS_COMPLETIONS,
	OPS_MOST,
	OPS_STALLS,
	OPS_LOST,
	OPS_ASSUMED,
	OPS_BACK,
	OPS_BACK_RATE,
	OPS_LOST_BACK,
	OPS_METRICS_END
};

#define CLIENT_METRIC(m, text)                                                 \
	{                                                                      \
		.name = m, .unit = "1", .side = SIDE_CLIENT,                   \
		.merge = MERGE_SUM, .help = text,                              \
	}

static const struct metric metrics[] = {
	CLIENT_METRIC("operations", "operations completed"),
	CLIENT_METRIC("operation_posts",
		      "work requests for them, by the link's count"),
	CLIENT_METRIC("operation_doorbells",
		      "doorbells for them, a list of --post-list each"),
	CLIENT_METRIC("completions", "completions asked for and got"),
	CLIENT_METRIC("outstanding_max",
		      "operations on their way at a time, at most"),
	CLIENT_METRIC("credit_stalls",
		      "lists that waited for a receive to be posted at the "
		      "server, and for nothing else"),
	CLIENT_METRIC("messages_lost",
		      "messages that a link without acknowledgements lost"),
	CLIENT_METRIC("visibility_assumed",
		      "1: a write was taken for visible by its last byte, and "
		      "the device does not promise that order"),
	{.name = "operations_back",
	 .unit = "1",
	 .side = SIDE_EITHER,
	 .help = "two directions: those of the server"},
	{.name = "back_ops_per_s",
	 .unit = "1/s",
	 .side = SIDE_EITHER,
	 .help = "and their rate"},
	{.name = "messages_lost_back",
	 .unit = "1",
	 .side = SIDE_EITHER,
	 .help = "and how many of them a link without acknowledgements lost"},
};

_Static_assert(sizeof(metrics) / sizeof(metrics[0]) ==
		       OPS_METRICS_END - METRIC_BASE_COUNT,
	       "a name for each metric");

/* --- the plan -------------------------------------------------------------- */

#define RDMA_ONLY                                                              \
	{                                                                      \
		"transport", "rdma"                                            \
	}
#define LATENCY_SIZES "8,64,1k,4k,64k"

static const struct sweep sweeps[] = {
	/* Latency by operation and size; by type of queue pair. */
	{{{"mode", "latency"}, {"op", "send"}, {"size", LATENCY_SIZES}}},
	{{{"mode", "latency"},
	  {"op", "write,write-imm,read,fetch-add,compare-swap"},
	  {"size", LATENCY_SIZES},
	  RDMA_ONLY}},
	{{{"mode", "latency"},
	  {"op", "send"},
	  {"size", "8,64,1k,4k"},
	  {"qp-type", "uc,ud"},
	  RDMA_ONLY}},
	{{{"mode", "latency"},
	  {"op", "write,write-imm"},
	  {"qp-type", "uc"},
	  RDMA_ONLY}},
	/* Rate by how many are outstanding, by operation, by size. */
	{{{"op", "send"}, {"outstanding", "1,4,16,128"}}},
	{{{"op", "write,read"}, {"outstanding", "1,4,16,128"}, RDMA_ONLY}},
	{{{"op", "fetch-add,compare-swap"},
	  {"size", "8"},
	  {"outstanding", "1,4,16,128"},
	  RDMA_ONLY}},
	{{{"op", "send"}, {"size", "64,1k,4k,64k,1M"}}},
	{{{"op", "write,read"}, {"size", "64,1k,4k,64k,1M"}, RDMA_ONLY}},
	{{{"op", "send"},
	  {"size", "64,1k,4k"},
	  {"qp-type", "uc,ud"},
	  RDMA_ONLY}},
	/* What software decides. */
	{{{"op", "send,write"},
	  {"outstanding", "64"},
	  {"post-list", "1,2,4,8,16,64"},
	  RDMA_ONLY}},
	{{{"op", "send,write"},
	  {"size", "16,64,256"},
	  {"inline", "0,auto"},
	  RDMA_ONLY}},
	{{{"op", "write"},
	  {"outstanding", "64"},
	  {"cq-mod", "1,4,16,32"},
	  RDMA_ONLY}},
	{{{"op", "write,read"},
	  {"size", "1k"},
	  {"sges", "1,2,4,16"},
	  RDMA_ONLY}},
	{{{"op", "send"}, {"directions", "1,2"}}},
	{{{"op", "write,read"}, {"directions", "1,2"}, RDMA_ONLY}},
	{{{"op", "send"}, {"post-list", "4,16"}, {"transport", "tcp"}}},
	/* Waiting by events, and what moderating them would save. */
	{{{"mode", "latency,rate"}, {"op", "send"}, {"poll", "event"}}},
	{{{"op", "send"},
	  {"poll", "event"},
	  {"cq-count", "4,16"},
	  {"cq-period", "100"},
	  RDMA_ONLY}},
	/* Where device, kernel and rdma-core have them. */
	{{{"mode", "latency"},
	  {"op", "atomic-write"},
	  {"size", "8"},
	  RDMA_ONLY}},
	{{{"mode", "latency"}, {"op", "flush"}, {"size", "8,4k"}, RDMA_ONLY}},
};

/* --- the scenario ---------------------------------------------------------- */

static bool is_atomic(enum op op)
{
	return op == OP_FETCH_ADD || op == OP_CMP_SWAP || op == OP_ATOMIC_WRITE;
}

static int bad(struct err *err, const char *why)
{
	return err_set(err, -EINVAL, REASON_USAGE, "ops: %s", why);
}

/* There and back, or one way with a completion that came back itself. */
static bool is_windowed(const struct ops_cfg *cfg)
{
	const enum op op = ops_kinds[cfg->op];

	return cfg->mode == MODE_RATE || op == OP_READ || op == OP_FLUSH ||
	       is_atomic(op);
}

/* One at a time has neither a window nor lists. */
static void canonical(void *config)
{
	struct ops_cfg *cfg = config;

	if (cfg->mode == MODE_LATENCY)
		cfg->outstanding = cfg->post_list = 1;
	/* As many as any transport needs are one each. */
	if (cfg->mode == MODE_LATENCY || cfg->rotate >= 2 * cfg->outstanding)
		cfg->rotate = 0;
}

static int supported(const void *config, struct err *err)
{
	const struct ops_cfg *cfg = config;
	const enum op op = ops_kinds[cfg->op];

	if (is_atomic(op) && (cfg->size != ATOMIC_BYTES || cfg->sges != 1))
		return bad(err, "an atomic operation has 8 bytes (-s 8) in "
				"one piece (--sges 1)");
	if (cfg->size < cfg->sges)
		return bad(err, "--sges: more pieces than bytes (-s)");
	if (cfg->directions > 1 && cfg->mode != MODE_RATE)
		return bad(err, "two --directions are for rate mode");
	if (cfg->post_list > cfg->outstanding)
		return bad(err, "--post-list above --outstanding");
	if (cfg->rotate && (is_atomic(op) || cfg->verify == VERIFY_EACH))
		return bad(err, "with --rotate operations overwrite each "
				"other: no atomic ones, and no --verify each "
				"(which --preset smoke has)");
	if (cfg->poll_memory && (op != OP_WRITE || cfg->mode != MODE_LATENCY))
		return bad(err, "--poll-memory is for --op write in latency "
				"mode");
	return 0;
}

static enum ops_way way_of(const struct ops_cfg *cfg)
{
	if (!is_windowed(cfg))
		return WAY_PINGPONG;
	return cfg->directions > 1 ? WAY_DUPLEX : WAY_WINDOW;
}

static struct window_attr window_attr_of(const struct ops_cfg *cfg,
					 uint64_t signal_every)
{
	const uint64_t half = (cfg->outstanding + 1) / 2;

	return (struct window_attr){
		.op = ops_kinds[cfg->op],
		.size = cfg->size,
		.outstanding = (unsigned)cfg->outstanding,
		.post_list = (unsigned)cfg->post_list,
		.sges = (unsigned)cfg->sges,
		/* Completions that come for more than half of the window would
		 * let it run empty. */
		.signal_every =
			(unsigned)(signal_every < half ? signal_every : half),
		.rotate = (unsigned)cfg->rotate,
		.verify = (enum exchange_verify)cfg->verify,
	};
}

static struct pingpong_attr pingpong_attr_of(const struct ops_cfg *cfg)
{
	return (struct pingpong_attr){
		.op = ops_kinds[cfg->op],
		.size = cfg->size,
		.poll_memory = cfg->poll_memory != 0,
		.sges = (unsigned)cfg->sges,
		.verify = (enum exchange_verify)cfg->verify,
	};
}

static unsigned ops_needed(const struct ops_cfg *cfg)
{
	const enum op op = ops_kinds[cfg->op];
	unsigned ops = OP_BIT(op) | OP_BIT(OP_SEND) | OP_BIT(OP_RECV);

	if (op == OP_WRITE && !is_windowed(cfg) && !cfg->poll_memory)
		ops |= OP_BIT(OP_WRITE_IMM);
	return ops;
}

static void need(const void *config, struct need *n)
{
	const struct ops_cfg *cfg = config;
	const struct window_attr w = window_attr_of(cfg, 1);
	const struct pingpong_attr p = pingpong_attr_of(cfg);
	const bool windowed = is_windowed(cfg);

	*n = (struct need){
		.ops = ops_needed(cfg),
		.max_bytes = cfg->size < 8 ? 8 : cfg->size, /* credit has 8 */
		.recv_depth = windowed ? window_recv_depth(&w) : PINGPONG_RECVS,
		.send_depth = windowed ? window_send_depth(&w) : 0,
		.sges = (unsigned)cfg->sges,
		.lanes = (unsigned)cfg->directions,
		.extras = {.cq_count = (uint16_t)cfg->cq_count,
			   .cq_period_us = (uint16_t)cfg->cq_period_us},
		.lock_bytes = windowed ? cfg->directions * window_bytes(&w)
				       : pingpong_bytes(&p),
		.op = op_names[cfg->op],
		.size_bytes = cfg->size,
		.headline =
			cfg->mode == MODE_RATE ? HEADLINE_RATE : HEADLINE_P50,
	};
}

static int check_pieces(const struct end *e, const struct ops_cfg *cfg,
			struct err *err)
{
	const struct caps *caps = &e->ep->caps;

	if (ops_kinds[cfg->op] != OP_READ || cfg->sges <= caps->max_read_sges)
		return 0;
	return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
		       "a read of %s scatters to %u pieces at most",
		       caps->device, caps->max_read_sges);
}

static int setup(struct end *e, const void *cfg, struct err *err)
{
	const uint64_t signal_every = e->pt->link.signal_every;
	const struct window_attr w = window_attr_of(cfg, signal_every);
	const struct pingpong_attr p = pingpong_attr_of(cfg);
	struct ops_state *s = calloc(1, sizeof(*s));
	int ret;

	e->state = s;
	if (!s)
		return err_sys(err, -ENOMEM, "ops");
	s->way = way_of(cfg);
	ret = check_pieces(e, cfg, err);
	if (ret)
		return ret;
	switch (s->way) {
	case WAY_WINDOW:
		return window_init(&s->window, e, &w, err);
	case WAY_DUPLEX:
		return duplex_init(&s->duplex, e, &w, err);
	default:
		return pingpong_init(&s->pingpong, e, &p, err);
	}
}

static void tally_window(struct tally *t, const struct window *w)
{
	tally_set(t, OPS_DONE, w->n.done);
	tally_set(t, OPS_POSTS, w->n.posts);
	tally_set(t, OPS_LISTS, w->n.lists);
	tally_set(t, OPS_COMPLETIONS, w->n.completions);
	tally_set(t, OPS_MOST, w->n.most);
	if (w->told)
		tally_set(t, OPS_STALLS, w->n.stalls);
}

static void tally_pingpong(struct tally *t, const struct pingpong *p)
{
	tally_set(t, OPS_DONE, t->value[METRIC_OPS]);
	if (p->lossy)
		tally_set(t, OPS_LOST, p->lost);
	if (p->a.poll_memory)
		tally_set(t, OPS_ASSUMED, !p->end->ep->caps.write_in_order);
}

static void tally_duplex(struct tally *t, const struct duplex *d)
{
	if (d->end->role == ROLE_ACTIVE)
		tally_window(t, &d->out);
	else /* for the client, which knows what arrived of them */
		tally_set(t, OPS_DONE, d->out.n.done);
	if (!d->back_seen)
		return;
	tally_set(t, OPS_BACK, d->back_ops);
	if (d->back_ns)
		tally_set(t, OPS_BACK_RATE,
			  (uint64_t)((double)d->back_ops * 1e9 /
				     (double)d->back_ns));
}

static int both(struct end *e, const struct phase *ph, struct err *err)
{
	struct ops_state *s = e->state;
	int ret = duplex_phase(&s->duplex, ph, err);

	tally_duplex(&e->tally, &s->duplex);
	return ret;
}

static int client(struct end *e, const struct phase *ph, struct err *err)
{
	struct ops_state *s = e->state;
	int ret;

	if (s->way == WAY_DUPLEX)
		return both(e, ph, err);
	if (s->way == WAY_WINDOW) {
		ret = window_client(&s->window, ph, err);
		tally_window(&e->tally, &s->window);
	} else {
		ret = pingpong_client(&s->pingpong, ph, err);
		tally_pingpong(&e->tally, &s->pingpong);
	}
	return ret;
}

static int server(struct end *e, const struct phase *ph, struct err *err)
{
	struct ops_state *s = e->state;

	if (s->way == WAY_DUPLEX)
		return both(e, ph, err);
	return s->way == WAY_WINDOW ? window_server(&s->window, ph, err)
				    : pingpong_server(&s->pingpong, ph, err);
}

static int flush(struct end *e, struct err *err)
{
	struct ops_state *s = e->state;

	/* In both directions each end's phase does it. */
	return s->way == WAY_WINDOW ? window_flush(&s->window, err) : 0;
}

/* One that comes after its phase is counted in the next. */
static uint64_t lost_of(uint64_t sent, uint64_t arrived)
{
	return sent > arrived ? sent - arrived : 0;
}

/* What was sent and did not arrive: only both ends together know. */
static void tally_lost(struct end *e, const struct ops_state *s)
{
	const struct tally *far = e->peer_tallies;
	struct tally *t = &e->tally;

	if (e->role != ROLE_ACTIVE || !e->ep->caps.lossy ||
	    s->way == WAY_PINGPONG)
		return;
	tally_set(t, OPS_LOST,
		  lost_of(t->value[OPS_DONE], far->value[METRIC_OPS]));
	if (s->way == WAY_DUPLEX)
		tally_set(t, OPS_LOST_BACK,
			  lost_of(far->value[OPS_DONE], s->duplex.back_ops));
}

static int verify(struct end *e, struct err *err)
{
	struct ops_state *s = e->state;

	tally_lost(e, s);
	if (s->way == WAY_DUPLEX)
		return duplex_verify(&s->duplex, err);
	return s->way == WAY_WINDOW ? window_verify(&s->window, err)
				    : pingpong_verify(&s->pingpong, err);
}

static void teardown(struct end *e)
{
	struct ops_state *s = e->state;

	if (s && s->way == WAY_WINDOW)
		window_fini(&s->window);
	else if (s && s->way == WAY_DUPLEX)
		duplex_fini(&s->duplex);
	else if (s)
		pingpong_fini(&s->pingpong);
	free(s);
	e->state = NULL;
}

/* Both ends of a range, and what is small enough for a software device. */
static const struct scenario_default smoke[] = {{"size", "8,1k"},
						{"outstanding", "1,64,128"},
						{"post-list", "1,64"},
						{"cq-mod", "1,32"},
						{"sges", "1,16"}};

/* A window of 1 MiB takes a software device longer than a trial; of the rest
 * what shows where a curve bends. */
static const struct scenario_default quick_all[] = {
	{"size", "8,64,256,1k,4k,64k"},
	{"outstanding", "1,16,64,128"},
	{"post-list", "1,4,16,64"},
	{"sges", "1,4,16"}};

/* Many points. */
static const struct scenario_default defaults[] = {{"duration", "30ms"}};

const struct scenario scenario_ops = {
	.name = "ops",
	.summary = "each verb alone: latency and rate, by what software "
		   "decides",
	.question = "What does one operation cost, and how many a second are "
		    "there, by how many are outstanding, posted by one "
		    "doorbell, inlined, signalled?",
	.source = "Kalia, Kaminsky, Andersen, Design guidelines for high "
		  "performance RDMA systems, USENIX ATC 2016",
	.opts = &ops_opts,
	.defaults = defaults,
	.n_defaults = sizeof(defaults) / sizeof(defaults[0]),
	.cfg_size = sizeof(struct ops_cfg),
	.sweeps = sweeps,
	.n_sweeps = sizeof(sweeps) / sizeof(sweeps[0]),
	.smoke = smoke,
	.n_smoke = sizeof(smoke) / sizeof(smoke[0]),
	.quick_all = quick_all,
	.n_quick_all = sizeof(quick_all) / sizeof(quick_all[0]),
	.metrics = metrics,
	.n_metrics = sizeof(metrics) / sizeof(metrics[0]),
	.report = &report_ops,
	.canonical = canonical,
	.supported = supported,
	.need = need,
	.setup = setup,
	.client = client,
	.server = server,
	.flush = flush,
	.verify = verify,
	.teardown = teardown,
};
