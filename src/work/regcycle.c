#include "work/regcycle.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "machine/mem.h"
#include "machine/sysfs.h"
#include "work/scan.h"

/* Uses are bounded however many regions there are: it is their number's
 * effect on registering that is asked for. */
enum { USED_REGIONS = 16, LINE_BYTES = 64 };

/* A write that is complete has been read, and is at the device that writes it
 * to memory (IBTA 1.4, 9.7.5.1.6; on iWARP on its way to it): it is there soon
 * after. */
#define ARRIVAL_NS 1000000000u

struct regcycle_region {
	void *addr;
	struct reg reg;
	uint64_t ns; /* of its steps so far */
};

static unsigned step_index(unsigned metric)
{
	return metric - METRIC_BASE_COUNT;
}

static void took(struct regcycle *c, struct regcycle_region *r, unsigned metric,
		 uint64_t t0)
{
	uint64_t ns = clock_ns(c->end->clock, clock_ticks(c->end->clock) - t0);

	hist_record(c->dist[step_index(metric)], ns);
	r->ns += ns;
}

static uint64_t now(const struct regcycle *c)
{
	return clock_ticks(c->end->clock);
}

/* What the kernel refuses to do with this kind of memory is a result. */
static int refused(const struct regcycle *c, int ret, const char *what,
		   struct err *err)
{
	return err_set(err, ret,
		       ret == -ENOMEM ? REASON_NO_MEMORY : REASON_DEVICE_LIMIT,
		       "%s of %zu bytes of %s memory: %s (errno %d)", what,
		       c->source.stride, memkind_names[c->cfg->memory],
		       strerror(-ret), -ret);
}

/* --- map and populate ------------------------------------------------------ */

static int map_all(struct regcycle *c, struct err *err)
{
	bool fill = c->cfg->populate == POPULATE_MAP;
	uint64_t i, t0;
	int ret;

	for (i = 0; i < c->cfg->regions; i++) {
		struct regcycle_region *r = &c->region[i];

		r->ns = 0;
		t0 = now(c);
		ret = memsource_map(&c->source, i, fill, &r->addr);
		took(c, r, REGCYCLE_MAP, t0);
		if (ret) {
			r->addr = NULL;
			return refused(c, ret, "mmap", err);
		}
	}
	return 0;
}

static int populate_all(struct regcycle *c, struct err *err)
{
	const struct memsource *s = &c->source;
	bool touch = c->cfg->populate == POPULATE_TOUCH;
	uint64_t i, t0;
	int ret = 0;

	if (!touch && c->cfg->populate != POPULATE_MADVISE)
		return 0;
	for (i = 0; !ret && i < c->cfg->regions; i++) {
		struct regcycle_region *r = &c->region[i];

		t0 = now(c);
		if (touch)
			touchers_run(c->touchers, r->addr, s->stride, s->page);
		else
			ret = memsource_populate(s, r->addr);
		took(c, r, REGCYCLE_POPULATE, t0);
	}
	return ret ? refused(c, ret, "MADV_POPULATE_WRITE (Linux 5.14)", err)
		   : 0;
}

static int unmap_all(struct regcycle *c, struct err *err)
{
	uint64_t i, t0;
	int ret;

	for (i = 0; i < c->cfg->regions; i++) {
		struct regcycle_region *r = &c->region[i];

		if (!r->addr)
			continue;
		t0 = now(c);
		ret = memsource_unmap(&c->source, r->addr);
		took(c, r, REGCYCLE_UNMAP, t0);
		if (ret)
			return refused(c, ret, "munmap", err);
		r->addr = NULL;
	}
	ret = memsource_forget(&c->source);
	return ret ? refused(c, ret, "truncating", err) : 0;
}

/* --- use ------------------------------------------------------------------- */

/* Another number at the begin of each piece, so that the second use cannot
 * be taken for the first. */
static void stamp(struct regcycle *c, const struct regcycle_region *r,
		  size_t bytes)
{
	size_t at;

	for (at = 0; at + sizeof(uint64_t) <= bytes; at += REGS_USE_MAX) {
		c->uses++;
		memcpy((char *)r->addr + at, &c->uses, sizeof(c->uses));
	}
}

static int use_piece(struct regcycle *c, const struct regcycle_region *r,
		     const struct reg *reg, size_t at, size_t len,
		     uint64_t *ticks, struct err *err)
{
	unsigned char *sink = regs_sink(c->regs);
	uint64_t t0;
	int ret;

	/* What no region holds, so that nothing can seem to have arrived. */
	memset(sink, 0xa5, len);
	t0 = now(c);
	ret = regs_use(c->regs, reg, at, len, err);
	*ticks += now(c) - t0;
	if (ret)
		return ret;
	if (scan_await(sink, (char *)r->addr + at, len, ARRIVAL_NS))
		return 0;
	return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
		       "the device did not read what is in the %s memory: %zu "
		       "bytes at %zu differ",
		       memkind_names[c->cfg->memory], len, at);
}

static int use_region(struct regcycle *c, struct regcycle_region *r,
		      const struct reg *reg, unsigned metric, struct err *err)
{
	size_t size = c->cfg->size, at, len;
	uint64_t ticks = 0, ns;
	int ret = 0;

	if (c->cfg->use == USE_LINE && size > LINE_BYTES)
		size = LINE_BYTES;
	if (metric == REGCYCLE_SECOND_USE)
		stamp(c, r, size);
	for (at = 0; !ret && at < size; at += len) {
		len = size - at < REGS_USE_MAX ? size - at : REGS_USE_MAX;
		ret = use_piece(c, r, reg, at, len, &ticks, err);
	}
	ns = clock_ns(c->end->clock, ticks);
	hist_record(c->dist[step_index(metric)], ns);
	r->ns += ns;
	return ret;
}

static bool is_used(const struct regcycle *c, uint64_t i)
{
	return c->cfg->use != USE_NONE && i < USED_REGIONS;
}

static int use_all(struct regcycle *c, unsigned metric, struct err *err)
{
	uint64_t i;
	int ret = 0;

	for (i = 0; !ret && i < c->made; i++)
		if (is_used(c, i))
			ret = use_region(c, &c->region[i], &c->region[i].reg,
					 metric, err);
	return ret;
}

/* --- register and deregister ----------------------------------------------- */

static int register_one(struct regcycle *c, struct regcycle_region *r,
			struct err *err)
{
	struct err ignored;
	uint64_t t0;
	int ret;

	ret = regs_prepare(c->regs, &r->reg, r->addr, c->cfg->size, err);
	if (ret)
		return ret;
	t0 = now(c);
	ret = regs_register(c->regs, &r->reg, err);
	if (!ret)
		took(c, r, REGCYCLE_REGISTER, t0);
	else
		regs_release(c->regs, &r->reg, &ignored);
	return ret;
}

/* That the first is refused is the pair's reason; that a later one is, where
 * the device stops. */
static int register_all(struct regcycle *c, struct err *err)
{
	int ret = 0;

	for (c->made = 0; c->made < c->cfg->regions; c->made++) {
		ret = register_one(c, &c->region[c->made], err);
		if (ret)
			break;
	}
	if (ret && !c->made)
		return ret;
	c->together = c->made;
	c->stopped = -ret;
	return 0;
}

static int deregister_all(struct regcycle *c, struct err *err)
{
	uint64_t i, t0;
	int ret = 0;

	for (i = 0; !ret && i < c->made; i++) {
		struct regcycle_region *r = &c->region[i];

		t0 = now(c);
		ret = regs_deregister(c->regs, &r->reg, err);
		took(c, r, REGCYCLE_DEREGISTER, t0);
		if (!ret)
			ret = regs_release(c->regs, &r->reg, err);
	}
	c->made = 0;
	return ret;
}

static int plain_cycle(struct regcycle *c, struct err *err)
{
	int ret = register_all(c, err);

	if (!ret)
		ret = use_all(c, REGCYCLE_FIRST_USE, err);
	if (!ret)
		ret = use_all(c, REGCYCLE_SECOND_USE, err);
	return ret ? ret : deregister_all(c, err);
}

/* --- the same through the pin-down cache ----------------------------------- */

static int cache_pin(void *arg, void *addr, size_t len, void **handle,
		     struct err *err)
{
	struct regcycle *c = arg;
	struct reg *reg = calloc(1, sizeof(*reg));
	int ret;

	if (!reg)
		return err_sys(err, -ENOMEM, "pin-down cache");
	ret = regs_prepare(c->regs, reg, addr, len, err);
	if (!ret)
		ret = regs_register(c->regs, reg, err);
	if (ret)
		free(reg);
	else
		*handle = reg;
	return ret;
}

/* One that cannot be ended is seen in the counts: the trial then fails. */
static void cache_unpin(void *arg, void *handle)
{
	struct regcycle *c = arg;
	struct err ignored;

	(void)regs_deregister(c->regs, handle, &ignored);
	free(handle);
}

static int cached_use(struct regcycle *c, struct regcycle_region *r,
		      unsigned metric, struct err *err)
{
	uint64_t t0 = now(c);
	struct pin *pin;
	bool hit;
	int ret =
		pincache_get(c->cache, r->addr, c->cfg->size, &pin, &hit, err);

	if (ret)
		return ret;
	took(c, r, hit ? REGCYCLE_CACHE_HIT : REGCYCLE_CACHE_MISS, t0);
	if (hit)
		took(c, r, REGCYCLE_REGISTER, t0);
	if (is_used(c, (uint64_t)(r - c->region)))
		ret = use_region(c, r, pin_handle(pin), metric, err);
	t0 = now(c);
	pincache_put(c->cache, pin);
	if (hit)
		took(c, r, REGCYCLE_DEREGISTER, t0);
	return ret;
}

/* Every second cycle by eviction, the others because memory goes. */
static void forget_all(struct regcycle *c)
{
	uint64_t i, t0;
	bool evicted = c->cycles++ % 2;

	while (evicted) {
		t0 = now(c);
		evicted = pincache_evict(c->cache);
		if (evicted)
			took(c, &c->region[0], REGCYCLE_CACHE_EVICT, t0);
	}
	for (i = 0; i < c->cfg->regions; i++)
		pincache_invalidate(c->cache, c->region[i].addr, c->cfg->size);
}

static int cached_cycle(struct regcycle *c, struct err *err)
{
	uint64_t i;
	int ret = 0;

	for (i = 0; !ret && i < c->cfg->regions; i++)
		ret = cached_use(c, &c->region[i], REGCYCLE_FIRST_USE, err);
	for (i = 0; !ret && i < c->cfg->regions; i++)
		ret = cached_use(c, &c->region[i], REGCYCLE_SECOND_USE, err);
	forget_all(c);
	c->together = c->cfg->regions;
	return ret;
}

/* --- a cycle, a phase ------------------------------------------------------ */

static int cycle(struct regcycle *c, struct err *err)
{
	struct err ignored;
	uint64_t i;
	int ret = map_all(c, err);

	if (!ret)
		ret = populate_all(c, err);
	if (!ret)
		ret = c->cache ? cached_cycle(c, err) : plain_cycle(c, err);
	/* What is registered goes before its memory does. */
	if (ret && c->made)
		deregister_all(c, &ignored);
	if (ret)
		unmap_all(c, &ignored);
	else
		ret = unmap_all(c, err);
	for (i = 0; !ret && i < c->together; i++)
		hist_record(&c->end->tally.latency, c->region[i].ns);
	return ret;
}

struct before {
	struct regs_counts regs;
	struct pincache_counts cache;
	struct remains remains;
	uint64_t begin_ns;
};

static void take_before(struct regcycle *c, struct before *b)
{
	regs_counts(c->regs, &b->regs);
	if (c->cache)
		pincache_counts(c->cache, &b->cache);
	remains_begin(&b->remains, regs_device(c->regs));
	b->begin_ns = clock_raw_ns();
}

static void tally_cache(struct regcycle *c, const struct before *b)
{
	struct tally *t = &c->end->tally;
	struct pincache_counts after;

	if (!c->cache)
		return;
	pincache_counts(c->cache, &after);
	tally_set(t, REGCYCLE_HITS, after.hits - b->cache.hits);
	tally_set(t, REGCYCLE_MISSES, after.misses - b->cache.misses);
	tally_set(t, REGCYCLE_EVICTIONS, after.evictions - b->cache.evictions);
}

static void tally_phase(struct regcycle *c, const struct before *b)
{
	struct tally *t = &c->end->tally;
	struct regs_counts after;

	regs_counts(c->regs, &after);
	tally_set(t, METRIC_OPS, t->latency.count);
	tally_set(t, METRIC_ELAPSED, clock_raw_ns() - b->begin_ns);
	tally_set(t, REGCYCLE_PAGE_BYTES, c->source.page);
	tally_set(t, REGCYCLE_REGIONS, c->together);
	tally_set(t, REGCYCLE_ERRNO, (uint64_t)c->stopped);
	tally_set(t, REGCYCLE_MADE, after.made - b->regs.made);
	tally_set(t, REGCYCLE_ENDED, after.ended - b->regs.ended);
	tally_cache(c, b);
}

static int check_counts(const struct regcycle *c, struct err *err)
{
	const uint64_t *v = c->end->tally.value;

	if (v[REGCYCLE_MADE] != v[REGCYCLE_ENDED])
		return err_set(err, -EBADMSG, REASON_MISCOUNT,
			       "%llu registrations made, %llu ended",
			       (unsigned long long)v[REGCYCLE_MADE],
			       (unsigned long long)v[REGCYCLE_ENDED]);
	if (c->cache && v[REGCYCLE_MADE] != v[REGCYCLE_MISSES])
		return err_set(
			err, -EBADMSG, REASON_MISCOUNT,
			"the cache missed %llu times and registered %llu",
			(unsigned long long)v[REGCYCLE_MISSES],
			(unsigned long long)v[REGCYCLE_MADE]);
	return 0;
}

int regcycle_run(struct regcycle *c, const struct phase *ph, struct err *err)
{
	struct tally *t = &c->end->tally;
	struct before before;
	unsigned i;
	int ret;

	for (i = 0; i < REGCYCLE_DISTS; i++)
		c->dist[i] = tally_dist(t, METRIC_BASE_COUNT + i);
	take_before(c, &before);
	do {
		ret = cycle(c, err);
		if (!ret)
			ret = c->end->pulse(c->end->pulse_arg, true, err);
	} while (!ret && t->latency.count < ph->max_ops &&
		 (t->latency.count < ph->min_ops ||
		  clock_raw_ns() - before.begin_ns < ph->max_ns));
	if (ret)
		return ret;
	tally_phase(c, &before);
	ret = remains_end(&before.remains, t, REGCYCLE_REMAINS, err);
	return ret ? ret : check_counts(c, err);
}

/* --- made and undone ------------------------------------------------------- */

static int open_source(struct regcycle *c, struct err *err)
{
	const struct regcycle_cfg *cfg = c->cfg;
	const struct memkind_want want = {
		.kind = (enum memkind)cfg->memory,
		.len = cfg->size,
		.n = cfg->regions,
		.share_percent = (unsigned)cfg->share_percent,
		.reserve_hugepages = cfg->reserve_hugepages,
		.file_dir = cfg->file_dir,
		.pmem_dir = cfg->pmem_dir,
		.dax_device = cfg->dax_device,
	};

	return memsource_open(&c->source, &want, err);
}

static bool pins(const struct regcycle_cfg *cfg)
{
	return cfg->way != REGS_ODP && cfg->way != REGS_ODP_IMPLICIT;
}

static int open_regs(struct regcycle *c, struct err *err)
{
	const struct link_cfg *l = &c->end->pt->link;
	const struct rdma_want want = {
		.device = l->device,
		.port = l->ib_port == OPT_WORD ? 0 : (unsigned)l->ib_port,
		.gid_index = l->gid_index == OPT_WORD ? -1 : (int)l->gid_index,
	};
	enum regs_way way = c->cfg->way == REGCYCLE_CACHED
				    ? REGS_PIN
				    : (enum regs_way)c->cfg->way;
	int ret = regs_open(&c->regs, &want, way,
			    (enum regs_access)c->cfg->access, err);

	if (ret)
		return ret;
	end_set_local(c->end, regs_device(c->regs), regs_software(c->regs));
	return 0;
}

static int open_cache(struct regcycle *c, struct err *err)
{
	const struct pincache_ops ops = {cache_pin, cache_unpin, c};
	const struct pincache_limits limits = {c->cfg->cache_bytes,
					       c->cfg->cache_entries};

	if (c->cfg->way != REGCYCLE_CACHED)
		return 0;
	return pincache_new(&c->cache, &ops, &limits, err);
}

int regcycle_init(struct regcycle *c, struct end *e,
		  const struct regcycle_cfg *cfg, struct err *err)
{
	int ret;

	memset(c, 0, sizeof(*c));
	c->end = e;
	c->cfg = cfg;
	c->region = calloc(cfg->regions, sizeof(*c->region));
	if (!c->region)
		return err_sys(err, -ENOMEM, "%llu regions",
			       (unsigned long long)cfg->regions);
	ret = mem_policy_bind(e->is.numa_node, err);
	/* First what forks: nothing is registered yet. */
	if (!ret)
		ret = open_source(c, err);
	if (!ret)
		ret = open_regs(c, err);
	/* After it: without a device no limit matters. */
	if (!ret && pins(cfg))
		ret = mem_check_lock(cfg->size * cfg->regions, err);
	if (!ret)
		ret = open_cache(c, err);
	if (!ret && cfg->populate == POPULATE_TOUCH)
		ret = touchers_new(&c->touchers, (unsigned)cfg->threads,
				   e->cpus, e->n_cpus, err);
	return ret;
}

void regcycle_fini(struct regcycle *c)
{
	touchers_free(c->touchers);
	pincache_free(c->cache);
	regs_close(c->regs);
	memsource_close(&c->source);
	mem_policy_default();
	free(c->region);
}
