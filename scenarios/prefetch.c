/*
 * prefetch: what do prefetchers hide of a server that touches its response?
 *
 * A. K. Trivedi, "End-to-end considerations in the unification of
 * high-performance I/O", ETH Zurich, section 3.8.3: the server of the
 * request-response exchange reads or writes one word of every cache line of
 * the response before it sends it.  Here the order of the lines is varied
 * (work/pattern.h), the hardware prefetchers of the server's CPU are switched
 * off (machine/prefetch_hold.h), and prefetch instructions are added.
 *
 * With --local the client walks over a buffer of its own and nothing is sent:
 * the same without a device in the way.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop.h"
#include "machine/cpu_isa.h"
#include "machine/prefetch_hold.h"
#include "reports.h"
#include "run/scenario.h"
#include "work/exchange.h"
#include "work/parts.h"
#include "work/pattern.h"

struct cfg {
	struct exchange_cfg exchange;
	uint64_t pattern;     /* axis: enum pattern_order */
	uint64_t stride;      /* lines */
	uint64_t prefetchers; /* axis: enum prefetch_choice */
	uint64_t distance;    /* axis: lines; 0: no instructions */
	uint64_t scan;	      /* axis: enum scan */
	uint64_t local;	      /* flag */
};

enum scan { READS, WRITES };

static const char *const scan_names[] = {
	[READS] = "read",
	[WRITES] = "write",
	NULL,
};

#define AT(field) offsetof(struct cfg, field)

static const struct opt opts[] = {
	{.name = "pattern",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(pattern),
	 .def = "seq",
	 .names = pattern_names,
	 .metavar = "ORDER[,...]",
	 .column = "pattern",
	 .help = "order in which the lines are visited, each once; chase is "
		 "random with each address depending on the line before"},
	{.name = "stride",
	 .type = OPT_COUNT,
	 .role = OPT_KNOB,
	 .offset = AT(stride),
	 .min = 1,
	 .max = 1 << 20,
	 .def = "8",
	 .metavar = "LINES",
	 .column = "stride_lines",
	 .help = "of the pattern stride; it wraps until all are visited"},
	{.name = "prefetchers",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(prefetchers),
	 .def = "as-found",
	 .names = prefetch_names,
	 .metavar = "WHICH[,...]",
	 .column = "prefetchers",
	 .help = "hardware prefetchers of the CPU that scans (root and the "
		 "msr module; put back whatever happens)"},
	{.name = "distance",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(distance),
	 .max = 1 << 20,
	 .def = "0",
	 .metavar = "LINES[,...]",
	 .column = "prefetch_distance",
	 .help = "prefetch by an instruction so many lines ahead; 0: none"},
	{.name = "scan",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(scan),
	 .def = "read,write",
	 .names = scan_names,
	 .metavar = "KIND[,...]",
	 .column = "scan",
	 .help = "what is done to each line"},
	{.name = "local",
	 .type = OPT_FLAG,
	 .role = OPT_KNOB,
	 .offset = AT(local),
	 .def = "no",
	 .column = "local",
	 .help = "the walk alone, at the client; nothing is sent"},
};

static const struct opt_group group = {
	.title = "prefetch",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

/* A size in each cache and one past most second levels: what a trial of 16 MiB
 * costs is only spent on what the thesis shows at every size. */
#define FEW_SIZES                                                              \
	{                                                                      \
		"size", "4k,64k,1M,4M"                                         \
	}

/* From a sequential scan with everything as it is found. */
static const struct sweep sweeps[] = {
	{{{"prefetchers", "as-found,all-off"}}},
	{{{"pattern", "stride,random,chase"}, FEW_SIZES}},
	{{{"prefetchers",
	   "l2-stream-off,l2-adjacent-off,l1-stream-off,l1-stride-off,"
	   "l1-region-off"},
	  {"size", "64k,4M"}}},
	{{{"distance", "16"}, FEW_SIZES}},
};

struct state {
	struct exchange exchange; /* first: see work/exchange.h */
	struct stages stages;
	/* Or, with --local: */
	struct mem mem;
	uint64_t op, lines, verified;
	bool each;

	struct prefetch_hold hold;
	struct pattern pattern;
	bool write;
	uint64_t sum; /* of what a read must find */
};

/* --- what a point is ----------------------------------------------------------- */

static int supported(const void *cfg, struct err *err)
{
	const struct cfg *c = cfg;

	if (c->exchange.size % SCAN_LINE)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--size %llu: not whole cache lines of %d bytes",
			       (unsigned long long)c->exchange.size, SCAN_LINE);
	if (c->local && c->exchange.rate)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--rate: --local has no clients to come at one");
	return 0;
}

static void need(const void *cfg, struct need *n)
{
	const struct cfg *c = cfg;

	exchange_need(cfg, n);
	n->switches_prefetchers =
		!c->local && c->prefetchers != PREFETCH_AS_FOUND;
	n->no_link = n->client_alone = c->local;
	if (c->local)
		n->op = "scan";
}

/* The end that scans. */
static bool scans(const struct end *e, const struct cfg *c)
{
	return e->role == (c->local ? ROLE_ACTIVE : ROLE_PASSIVE);
}

/* --- before the link ------------------------------------------------------------ */

static int begin(struct end *e, const void *cfg, struct err *err)
{
	const struct cfg *c = cfg;
	struct prefetch_host host;
	struct state *s = calloc(1, sizeof(*s));
	const bool pinned = e->pinned_cpu != UINT_MAX;

	e->state = s;
	if (!s)
		return err_sys(err, -ENOMEM, "prefetch");
	s->write = c->scan == WRITES;
	s->each = c->exchange.verify == VERIFY_EACH;
	if (!scans(e, c))
		return 0;
	prefetch_host_init(&host);
	return prefetch_hold_begin(
		&s->hold, &host, (enum prefetch_choice)c->prefetchers,
		pinned ? &e->pinned_cpu : e->cpus, pinned ? 1 : e->n_cpus, err);
}

/* --- the walk, timed --------------------------------------------------------------- */

static uint64_t first_words(const char *buf, size_t len)
{
	uint64_t sum = 0, word;
	size_t off;

	for (off = 0; off < len; off += SCAN_LINE) {
		memcpy(&word, buf + off, sizeof(word));
		sum += word;
	}
	return sum;
}

/* How many lines it visited; 0 if what it read there is not what is there. */
static uint64_t walk(struct state *s, char *buf, uint64_t op)
{
	const uint64_t lines = pattern_walk(&s->pattern, buf, op);

	return s->write || s->pattern.sum == s->sum ? lines : 0;
}

/* --- on the exchange ----------------------------------------------------------------- */

static uint64_t prepare(struct exchange *x, void *arg)
{
	return walk(arg, x->response, x->op);
}

static int setup_exchange(struct end *e, const struct cfg *c, struct err *err)
{
	struct state *s = e->state;
	const struct exchange_prep prep = {
		.run = prepare,
		.arg = s,
		.lines = s->pattern.lines,
		.stamp = s->write ? STAMP_LINES : STAMP_NONE,
		.mark = !s->write,
		.stages = scans(e, c) ? &s->stages : NULL,
	};
	int ret;

	if (prep.stages)
		stages_open(prep.stages, e->clock, s->write,
			    &counter_sys_linux);
	ret = exchange_init(&s->exchange, e, &c->exchange, &prep, err);
	if (!ret && e->role == ROLE_PASSIVE)
		s->sum = first_words(s->exchange.response, c->exchange.size);
	return ret;
}

/* --- alone ---------------------------------------------------------------------------- */

static int setup_alone(struct end *e, const struct cfg *c, struct err *err)
{
	struct state *s = e->state;
	int ret;

	if (!scans(e, c))
		return 0;
	ret = mem_alloc_on(&s->mem, c->exchange.size, e->is.numa_node, err);
	if (ret)
		return ret;
	scan_fill(s->mem.addr, s->mem.len, SEED_RESPONSE);
	s->sum = first_words(s->mem.addr, s->mem.len);
	return 0;
}

static int verify_alone(struct state *s, uint64_t op, struct err *err)
{
	const struct scan_expect want = {
		.seed = SEED_RESPONSE,
		.op = op,
		.stamp = s->write ? STAMP_LINES : STAMP_NONE,
		.line = SCAN_LINE,
	};

	s->verified++;
	return scan_verify(s->mem.addr, s->mem.len, &want, err);
}

static int walk_once(struct state *s, struct end *e, struct err *err)
{
	uint64_t t0 = clock_ticks(e->clock), t1, lines;

	lines = walk(s, s->mem.addr, s->op);
	t1 = clock_ticks(e->clock);
	hist_record(&e->tally.latency, clock_ns(e->clock, t1 - t0));
	if (lines != s->pattern.lines)
		return err_set(
			err, -EBADMSG, REASON_MISCOUNT,
			"walk %llu visited %llu lines of %llu, or others",
			(unsigned long long)s->op, (unsigned long long)lines,
			(unsigned long long)s->pattern.lines);
	s->lines += lines;
	s->op++;
	return s->each ? verify_alone(s, s->op - 1, err) : 0;
}

/* Between walks, and no oftener than this, the server is heard. */
#define PULSE_NS 5000000u

static int walk_alone(struct end *e, const struct phase *ph, struct err *err)
{
	struct state *s = e->state;
	uint64_t begun = clock_raw_ns(), now = begun, heard = begun, ops = 0;
	int ret = 0;

	s->lines = s->verified = 0;
	while (!ret && !stop_requested &&
	       (ops < ph->min_ops ||
		(ops < ph->max_ops && now - begun < ph->max_ns))) {
		ret = walk_once(s, e, err);
		ops += !ret;
		now = clock_raw_ns();
		if (ret || now - heard < PULSE_NS)
			continue;
		ret = e->pulse(e->pulse_arg, true, err);
		heard = now;
	}
	tally_set(&e->tally, METRIC_OPS, ops);
	tally_set(&e->tally, METRIC_LINES, s->lines);
	tally_set(&e->tally, METRIC_VERIFIED, s->verified);
	tally_set(&e->tally, METRIC_ELAPSED, now - begun);
	exchange_line_time(&e->tally, &e->tally.latency, s->pattern.lines);
	if (!ret && stop_requested)
		ret = parts_interrupted(err);
	return ret;
}

/* --- a scenario ------------------------------------------------------------------------ */

static int setup(struct end *e, const void *cfg, struct err *err)
{
	const struct cfg *c = cfg;
	const struct pattern_cfg pattern = {
		.order = (enum pattern_order)c->pattern,
		.stride = c->stride,
		.distance = c->distance,
		.write = c->scan == WRITES,
	};
	struct state *s = e->state;
	int ret = pattern_init(&s->pattern, &pattern, c->exchange.size, err);

	if (ret)
		return ret;
	if (cpu_line_bytes() != SCAN_LINE)
		return err_set(err, -EOPNOTSUPP, REASON_DEVICE_LIMIT,
			       "cache lines of %zu bytes: the walks are made "
			       "for %d",
			       cpu_line_bytes(), SCAN_LINE);
	return c->local ? setup_alone(e, c, err) : setup_exchange(e, c, err);
}

static int client(struct end *e, const struct phase *ph, struct err *err)
{
	return e->ep ? exchange_client(e, ph, err) : walk_alone(e, ph, err);
}

/* Prefetchers that cannot be put back are told here; teardown has no words. */
static int verify(struct end *e, struct err *err)
{
	struct state *s = e->state;
	int ret = 0;

	if (e->ep)
		ret = exchange_verify_last(e, err);
	else if (s->op && !s->each) {
		e->verified++;
		ret = verify_alone(s, s->op - 1, err);
	}
	return ret ? ret : prefetch_hold_end(&s->hold, err);
}

static void teardown(struct end *e)
{
	struct state *s = e->state;
	struct err ignored;

	if (!s)
		return;
	if (e->ep)
		exchange_fini(&s->exchange);
	stages_close(&s->stages);
	mem_free(&s->mem);
	(void)prefetch_hold_end(&s->hold, &ignored);
	free(s);
	e->state = NULL;
}

/* Both ends of a range, and what is small enough for a software device. */
static const struct scenario_default smoke[] = {{"size", "64k"}};

/* By a software device an operation of 16 MiB takes longer than a trial. */
static const struct scenario_default quick_all[] = {{"size", "1k,64k,1M,4M"}};

/* Many points, and a scan takes microseconds. */
static const struct scenario_default defaults[] = {{"duration", "30ms"}};

const struct scenario scenario_prefetch = {
	.name = "prefetch",
	.summary = "orders of touching a response, and prefetchers on and off",
	.question = "How much of the cost of touching a buffer before it is "
		    "sent do prefetchers hide, and in which order of access?",
	.source = "Trivedi, End-to-end considerations in the unification of "
		  "high-performance I/O, ETH Zurich, section 3.8.3",
	.opts = &group,
	.shared = &exchange_opts,
	.defaults = defaults,
	.n_defaults = sizeof(defaults) / sizeof(defaults[0]),
	.sweeps = sweeps,
	.n_sweeps = sizeof(sweeps) / sizeof(sweeps[0]),
	.smoke = smoke,
	.n_smoke = sizeof(smoke) / sizeof(smoke[0]),
	.quick_all = quick_all,
	.n_quick_all = sizeof(quick_all) / sizeof(quick_all[0]),
	.metrics = exchange_metrics,
	.n_metrics = EXCHANGE_STAGED_METRICS,
	.report = &report_prefetch,
	.cfg_size = sizeof(struct cfg),
	.supported = supported,
	.need = need,
	.begin = begin,
	.setup = setup,
	.client = client,
	.server = exchange_server,
	.verify = verify,
	.teardown = teardown,
};
