/*
 * touch: what does it cost to touch a buffer before it is sent?
 *
 * A. K. Trivedi, "End-to-end considerations in the unification of
 * high-performance I/O", ETH Zurich, section 3.8.2 and figure 3.9: before it
 * answers, the server reads or writes one word of every cache line, either of
 * the buffer that it is going to send (touch) or of another one of the same
 * size (notouch).  The transmission buffer is always what is sent, and both
 * do the same accesses; the difference is what coherence between the CPU's
 * caches and the device costs.
 *
 * In notouch nothing in the response tells one operation from another, since
 * a stamp would be a touch.  So the client leaves a mark in its own buffer
 * before each operation and looks whether the response has covered it, in
 * every mode, and with --rotate each buffer has a pattern of its own.
 */
#include <errno.h>
#include <stdlib.h>

#include "machine/cpu_isa.h"
#include "reports.h"
#include "run/scenario.h"
#include "work/exchange.h"
#include "work/scan_kind.h"

struct cfg {
	struct exchange_cfg exchange;
	uint64_t touch;	 /* axis: enum touch */
	uint64_t scan;	 /* axis: enum scan_kind */
	uint64_t cache;	 /* axis: enum cache */
	uint64_t pages;	 /* axis: enum mem_pages, without "as is" */
	uint64_t rotate; /* axis: buffers */
};

enum touch { TOUCH, TOUCH_DUMMY, TOUCH_NONE };
enum cache { CACHE_WARM, CACHE_COLD };
enum { SEED_DUMMY = 0xd0d0 };

static const char *const touch_names[] = {
	[TOUCH] = "touch",
	[TOUCH_DUMMY] = "notouch",
	[TOUCH_NONE] = "none",
	NULL,
};

static const char *const cache_names[] = {
	[CACHE_WARM] = "warm",
	[CACHE_COLD] = "cold",
	NULL,
};

static const char *const page_names[] = {
	[MEM_PAGES_SMALL - 1] = "none",
	[MEM_PAGES_THP - 1] = "thp",
	[MEM_PAGES_2M - 1] = "2M",
	[MEM_PAGES_1G - 1] = "1G",
	NULL,
};

#define AT(field) offsetof(struct cfg, field)

static const struct opt opts[] = {
	{.name = "touch",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(touch),
	 .def = "touch,notouch,none",
	 .names = touch_names,
	 .metavar = "WHAT[,...]",
	 .column = "touch",
	 .help = "what the server scans before it sends: the buffer that is "
		 "sent, another one like it, or nothing"},
	{.name = "scan",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(scan),
	 .def = "read,write",
	 .names = scan_kind_names,
	 .metavar = "HOW[,...]",
	 .column = "scan",
	 .help = "how: one word of each cache line is read, or written; "
		 "write-nt passes the caches, write-clwb writes each line "
		 "back, write-cldemote offers it to the shared cache"},
	{.name = "cache",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(cache),
	 .def = "warm",
	 .names = cache_names,
	 .metavar = "HOW[,...]",
	 .column = "cache",
	 .help = "cold: both buffers are flushed from all caches (clflush) "
		 "before each operation, while the client waits, outside the "
		 "timed part; warm: as the operations leave them"},
	{.name = "hugepages",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(pages),
	 .def = "none",
	 .names = page_names,
	 .metavar = "KIND[,...]",
	 .column = "hugepages",
	 .help = "pages of the buffers: the smallest, transparent huge ones, "
		 "or those set aside"},
	{.name = "rotate",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(rotate),
	 .min = 1,
	 .max = 1024,
	 .def = "1",
	 .metavar = "N[,...]",
	 .column = "rotate",
	 .help = "buffers that take turns, so that the working set of N "
		 "times --size passes the last-level cache"},
};

static const struct opt_group group = {
	.title = "touch",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

struct state {
	struct exchange exchange; /* first: see work/exchange.h */
	struct stages stages;
	struct mem dummy;
	scan_fn *scan;
	scan_flush_fn *flush;
	size_t line;
};

/* --- what a point is ------------------------------------------------------ */

static int supported(const void *cfg, struct err *err)
{
	const struct cfg *c = cfg;

	if (c->cache == CACHE_COLD && c->exchange.rate)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--cache cold and --rate: a client that waits "
			       "until the server has flushed has no rate");
	if (c->touch != TOUCH_NONE && c->scan == SCAN_NONE)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--touch %s and --scan none: nothing would be "
			       "scanned, which --touch none says",
			       touch_names[c->touch]);
	return 0;
}

/* What is not scanned is scanned in no way. */
static void canonical(void *cfg)
{
	struct cfg *c = cfg;

	if (c->touch == TOUCH_NONE)
		c->scan = SCAN_NONE;
}

static void need(const void *cfg, struct need *n)
{
	const struct cfg *c = cfg;

	exchange_need(cfg, n);
	n->lock_bytes = exchange_bytes(&c->exchange, (unsigned)c->rotate);
	if (c->touch != TOUCH_NONE) /* the dummy: both modes have one */
		n->plain_bytes = n->lock_bytes;
}

/* --- the server's part ---------------------------------------------------- */

/* The dummy is laid out as the transmission memory is, to the offset within a
 * (huge) page: the same sets of the first cache, as many pages. */
static char *dummy_of(const struct state *s, uint64_t op)
{
	const struct exchange *x = &s->exchange;

	return (char *)s->dummy.addr +
	       (exchange_response(x, op) - (char *)x->mem.addr);
}

static uint64_t touch(struct exchange *x, void *arg)
{
	const struct state *s = arg;

	return s->scan(x->response, x->response_bytes, s->line, x->op);
}

static uint64_t touch_dummy(struct exchange *x, void *arg)
{
	const struct state *s = arg;

	return s->scan(dummy_of(s, x->op), x->response_bytes, s->line, x->op);
}

/* The buffers of the next operation. */
static void make_cold(struct exchange *x, void *arg)
{
	const struct state *s = arg;

	s->flush(exchange_response(x, x->op), x->response_bytes, s->line);
	if (s->dummy.addr)
		s->flush(dummy_of(s, x->op), x->response_bytes, s->line);
}

/* --- both ends ------------------------------------------------------------ */

static void describe(struct exchange_prep *prep, const struct cfg *c,
		     struct state *s)
{
	static uint64_t (*const runs[])(struct exchange *, void *) = {
		[TOUCH] = touch,
		[TOUCH_DUMMY] = touch_dummy,
		[TOUCH_NONE] = NULL,
	};

	*prep = (struct exchange_prep){
		.run = runs[c->touch],
		.between = c->cache == CACHE_COLD ? make_cold : NULL,
		.arg = s,
		.stamp = STAMP_NONE,
		.buffers = (unsigned)c->rotate,
		.mark = true,
		.pages = (enum mem_pages)(c->pages + 1),
	};
	if (prep->run)
		prep->lines = scan_lines(c->exchange.size, s->line);
	if (c->touch == TOUCH && scan_kind_writes((enum scan_kind)c->scan))
		prep->stamp = STAMP_LINES;
}

/* With data of its own: pages of zeros might be merged into one, by this host
 * or by the one under a virtual machine, and would never leave a cache. */
static int make_dummy(struct state *s, const struct cfg *c, struct end *e,
		      struct err *err)
{
	const size_t bytes = exchange_bytes(&c->exchange, (unsigned)c->rotate);
	int ret = mem_alloc_as(&s->dummy, bytes, e->is.numa_node,
			       (enum mem_pages)(c->pages + 1), err);

	if (!ret)
		scan_fill(s->dummy.addr, bytes, SEED_DUMMY);
	return ret;
}

static int setup_server(struct state *s, const struct cfg *c, struct end *e,
			struct err *err)
{
	const unsigned isa = cpu_isa();
	int ret;

	ret = scan_kind_loop((enum scan_kind)c->scan, isa, &s->scan, err);
	if (!ret && c->cache == CACHE_COLD)
		ret = scan_flush_loop(isa, &s->flush, err);
	if (!ret && c->touch != TOUCH_NONE)
		ret = make_dummy(s, c, e, err);
	if (!ret)
		stages_open(&s->stages, e->clock,
			    scan_kind_writes((enum scan_kind)c->scan),
			    &counter_sys_linux);
	return ret;
}

static int setup(struct end *e, const void *cfg, struct err *err)
{
	struct state *s = calloc(1, sizeof(*s));
	struct exchange_prep prep;
	int ret;

	e->state = s;
	if (!s)
		return err_sys(err, -ENOMEM, "touch");
	s->line = cpu_line_bytes();
	describe(&prep, cfg, s);
	if (e->role == ROLE_PASSIVE) {
		ret = setup_server(s, cfg, e, err);
		if (ret)
			return ret;
		prep.stages = &s->stages;
	}
	return exchange_init(&s->exchange, e, cfg, &prep, err);
}

static void teardown(struct end *e)
{
	struct state *s = e->state;

	if (!s)
		return;
	if (s->exchange.end)
		exchange_fini(&s->exchange);
	stages_close(&s->stages);
	mem_free(&s->dummy);
	free(s);
	e->state = NULL;
}

/* Both ends of a range, and what is small enough for a software device. */
static const struct scenario_default smoke[] = {{"size", "1k,64k"}};

/* By a software device an operation of 16 MiB takes longer than a trial. */
static const struct scenario_default quick_all[] = {{"size", "1k,64k,1M,4M"}};

/* Many points. */
static const struct scenario_default defaults[] = {{"duration", "30ms"}};

const struct scenario scenario_touch = {
	.name = "touch",
	.summary = "what scanning a buffer before sending it costs, by size",
	.question = "How much of a transfer does it cost to read or write the "
		    "buffer before it is sent, against the same scan of "
		    "another buffer?",
	.source = "Trivedi, End-to-end considerations in the unification of "
		  "high-performance I/O, ETH Zurich, section 3.8.2, figure "
		  "3.9, tables 3.4 and 3.5",
	.opts = &group,
	.shared = &exchange_opts,
	.smoke = smoke,
	.n_smoke = sizeof(smoke) / sizeof(smoke[0]),
	.quick_all = quick_all,
	.n_quick_all = sizeof(quick_all) / sizeof(quick_all[0]),
	.metrics = exchange_metrics,
	.n_metrics = EXCHANGE_STAGED_METRICS,
	.report = &report_touch,
	.defaults = defaults,
	.n_defaults = sizeof(defaults) / sizeof(defaults[0]),
	.cfg_size = sizeof(struct cfg),
	.supported = supported,
	.canonical = canonical,
	.need = need,
	.setup = setup,
	.client = exchange_client,
	.server = exchange_server,
	.verify = exchange_verify_last,
	.teardown = teardown,
};
