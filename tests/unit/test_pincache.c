/* The pin-down cache against a naive model of it: a list, searched from end
 * to end, with a time of last use. */
#include "unit.h"

#include <errno.h>

#include "rdma/pincache.h"
#include "rng.h"

enum { PAGE = 4096, PINS = 64, ROUNDS = 30000 };

/* What a device would hold. */
struct device {
	unsigned pinned, unpinned;
	bool refuses;
	struct range {
		uintptr_t begin, end;
		bool live;
	} r[ROUNDS + 1];
};

static int pin(void *arg, void *addr, size_t len, void **handle,
	       struct err *err)
{
	struct device *d = arg;
	struct range *r = &d->r[d->pinned];

	if (d->refuses)
		return err_set(err, -EFAULT, REASON_DEVICE_LIMIT, "refused");
	d->pinned++;
	*r = (struct range){(uintptr_t)addr, (uintptr_t)addr + len, true};
	*handle = r;
	return 0;
}

static void unpin(void *arg, void *handle)
{
	struct device *d = arg;
	struct range *r = handle;

	assert_true(r->live);
	r->live = false;
	d->unpinned++;
}

static struct pincache *cache(struct device *d, uint64_t bytes,
			      uint64_t entries)
{
	struct pincache_ops ops = {pin, unpin, d};
	struct pincache_limits limits = {bytes, entries};
	struct pincache *c;
	struct err err;

	memset(d, 0, sizeof(*d));
	assert_int_equal(pincache_new(&c, &ops, &limits, &err), 0);
	return c;
}

static void *at(unsigned page)
{
	return (void *)(uintptr_t)((page + 1) * PAGE);
}

static bool get_put(struct pincache *c, unsigned page, unsigned pages)
{
	struct pin *p;
	struct err err;
	bool hit;

	assert_int_equal(
		pincache_get(c, at(page), pages * PAGE, &p, &hit, &err), 0);
	pincache_put(c, p);
	return hit;
}

static struct device dev;

static void same_memory_is_a_hit(void **state)
{
	struct pincache *c = cache(&dev, 100 * PAGE, 10);
	struct pincache_counts n;

	(void)state;
	assert_false(get_put(c, 4, 4));
	assert_true(get_put(c, 4, 4));
	assert_true(get_put(c, 5, 2));	/* a part of it */
	assert_false(get_put(c, 5, 4)); /* one page beyond */
	pincache_counts(c, &n);
	assert_int_equal(n.hits, 2);
	assert_int_equal(n.misses, 2);
	assert_int_equal(n.bytes, 8 * PAGE);
	assert_int_equal(dev.pinned, 2);
	pincache_free(c);
	assert_int_equal(dev.unpinned, 2);
}

static void oldest_goes_first(void **state)
{
	struct pincache *c = cache(&dev, 100 * PAGE, 3);
	struct pincache_counts n;

	(void)state;
	get_put(c, 0, 1);
	get_put(c, 1, 1);
	get_put(c, 2, 1);
	get_put(c, 0, 1); /* now page 1 is the oldest */
	get_put(c, 3, 1);
	assert_true(get_put(c, 0, 1));
	assert_true(get_put(c, 2, 1));
	assert_false(get_put(c, 1, 1));
	pincache_counts(c, &n);
	assert_int_equal(n.evictions, 2);
	pincache_free(c);
}

static void bytes_are_a_bound(void **state)
{
	struct pincache *c = cache(&dev, 10 * PAGE, 100);
	struct pincache_counts n;
	struct pin *p;
	struct err err;
	bool hit;

	(void)state;
	get_put(c, 0, 4);
	get_put(c, 10, 4);
	get_put(c, 20, 4); /* the first has to go */
	pincache_counts(c, &n);
	assert_int_equal(n.bytes, 8 * PAGE);
	assert_int_equal(n.evictions, 1);
	assert_int_equal(pincache_get(c, at(30), 11 * PAGE, &p, &hit, &err),
			 -ENOBUFS);
	assert_words(&err, "45056 bytes do not fit");
	pincache_free(c);
}

/* Both bounds are passed by what is in use: an error, and nothing leaks. */
static void used_ones_stay(void **state)
{
	struct pincache *c = cache(&dev, 100 * PAGE, 1);
	struct pin *a, *b;
	struct err err;
	bool hit;

	(void)state;
	assert_int_equal(pincache_get(c, at(0), PAGE, &a, &hit, &err), 0);
	assert_int_equal(pincache_get(c, at(9), PAGE, &b, &hit, &err),
			 -ENOBUFS);
	assert_words(&err, "in use");
	assert_false(pincache_evict(c));
	pincache_put(c, a);
	assert_true(pincache_evict(c));
	assert_false(pincache_evict(c));
	pincache_free(c);
	assert_int_equal(dev.pinned, dev.unpinned);
}

static void unmapped_memory_is_forgotten(void **state)
{
	struct pincache *c = cache(&dev, 100 * PAGE, 10);
	struct pin *used;
	struct err err;
	bool hit;

	(void)state;
	get_put(c, 0, 4);
	assert_int_equal(pincache_get(c, at(8), 4 * PAGE, &used, &hit, &err),
			 0);
	assert_int_equal(pincache_invalidate(c, at(3), 6 * PAGE), 2);
	assert_int_equal(dev.unpinned, 1); /* the other is in use */
	assert_false(get_put(c, 0, 4));
	assert_false(get_put(c, 8, 4)); /* not the old one */
	pincache_put(c, used);
	assert_int_equal(dev.unpinned, 2);
	assert_int_equal(pincache_invalidate(c, at(50), PAGE), 0);
	pincache_free(c);
	assert_int_equal(dev.unpinned, 4);
}

static void refusal_leaves_nothing(void **state)
{
	struct pincache *c = cache(&dev, 100 * PAGE, 10);
	struct pincache_counts n;
	struct pin *p;
	struct err err;
	bool hit;

	(void)state;
	dev.refuses = true;
	assert_int_equal(pincache_get(c, at(0), PAGE, &p, &hit, &err), -EFAULT);
	assert_words(&err, "refused");
	pincache_counts(c, &n);
	assert_int_equal(n.entries, 0);
	dev.refuses = false;
	assert_false(get_put(c, 0, 1));
	pincache_free(c);
}

/* --- against a model ------------------------------------------------------- */

struct model_pin {
	uintptr_t begin, end;
	uint64_t last_use;
	struct pin *pin;
	unsigned users;
	bool live, gone;
};

struct model {
	struct model_pin v[PINS];
	uint64_t bytes, entries, now, max_bytes, max_entries;
};

static struct model_pin *model_cover(struct model *m, uintptr_t begin,
				     uintptr_t end, void *handle)
{
	const struct range *r = handle;
	unsigned i;

	for (i = 0; i < PINS; i++) {
		struct model_pin *p = &m->v[i];

		/* Of several that cover it, the one that the cache took. */
		if (p->live && !p->gone && p->begin <= begin && end <= p->end &&
		    (!r || (r->begin == p->begin && r->end == p->end)))
			return p;
	}
	return NULL;
}

static void model_remove(struct model *m, struct model_pin *p)
{
	m->bytes -= p->end - p->begin;
	m->entries--;
	p->live = false;
}

static bool model_evict(struct model *m)
{
	struct model_pin *oldest = NULL;
	unsigned i;

	for (i = 0; i < PINS; i++) {
		struct model_pin *p = &m->v[i];

		if (p->live && !p->users &&
		    (!oldest || p->last_use < oldest->last_use))
			oldest = p;
	}
	if (oldest)
		model_remove(m, oldest);
	return oldest != NULL;
}

static bool model_room(struct model *m, uint64_t len)
{
	while (m->entries >= m->max_entries || m->bytes + len > m->max_bytes)
		if (!model_evict(m))
			return false;
	return true;
}

static struct model_pin *model_add(struct model *m, uintptr_t begin,
				   uintptr_t end)
{
	unsigned i;

	for (i = 0; m->v[i].live; i++)
		assert_true(i + 1 < PINS);
	m->v[i] = (struct model_pin){.begin = begin, .end = end, .live = true};
	m->bytes += end - begin;
	m->entries++;
	return &m->v[i];
}

static void step_get(struct pincache *c, struct model *m, uint64_t *rng)
{
	unsigned page = (unsigned)(rng_u64(rng) % 40);
	size_t len = (1 + rng_u64(rng) % 8) * PAGE;
	uintptr_t begin = (uintptr_t)at(page);
	bool hit, covered = model_cover(m, begin, begin + len, NULL);
	struct model_pin *mp;
	struct pin *p;
	struct err err;
	int ret = pincache_get(c, at(page), len, &p, &hit, &err);

	assert_int_equal(hit, covered);
	if (covered) {
		mp = model_cover(m, begin, begin + len, pin_handle(p));
		assert_non_null(mp);
	} else if (!model_room(m, len)) {
		assert_int_equal(ret, -ENOBUFS);
		return;
	} else {
		mp = model_add(m, begin, begin + len);
	}
	assert_int_equal(ret, 0);
	mp->pin = p;
	mp->users++;
}

static void step_put(struct pincache *c, struct model *m, uint64_t *rng)
{
	struct model_pin *mp = &m->v[rng_u64(rng) % PINS];

	if (!mp->live || !mp->users)
		return;
	pincache_put(c, mp->pin);
	if (--mp->users)
		return;
	mp->last_use = ++m->now;
	if (mp->gone)
		model_remove(m, mp);
}

static void step_invalidate(struct pincache *c, struct model *m, uint64_t *rng)
{
	unsigned page = (unsigned)(rng_u64(rng) % 48), n = 0, i;
	size_t len = (1 + rng_u64(rng) % 3) * PAGE;
	uintptr_t begin = (uintptr_t)at(page);

	for (i = 0; i < PINS; i++) {
		struct model_pin *p = &m->v[i];

		if (!p->live || p->gone || p->begin >= begin + len ||
		    begin >= p->end)
			continue;
		n++;
		if (p->users)
			p->gone = true;
		else
			model_remove(m, p);
	}
	assert_int_equal(pincache_invalidate(c, at(page), len), n);
}

static void put_all(struct pincache *c, struct model *m)
{
	unsigned i;

	for (i = 0; i < PINS; i++)
		for (; m->v[i].live && m->v[i].users; m->v[i].users--)
			pincache_put(c, m->v[i].pin);
}

static void like_a_list(void **state)
{
	struct model m = {.max_bytes = 60 * PAGE, .max_entries = 20};
	struct pincache *c = cache(&dev, m.max_bytes, m.max_entries);
	struct pincache_counts n;
	uint64_t rng = 3;
	unsigned i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		unsigned what = (unsigned)(rng_u64(&rng) % 16);

		if (what < 6)
			step_get(c, &m, &rng);
		else if (what < 15)
			step_put(c, &m, &rng);
		else
			step_invalidate(c, &m, &rng);
		pincache_counts(c, &n);
		assert_int_equal(n.bytes, m.bytes);
		assert_int_equal(n.entries, m.entries);
		assert_int_equal(dev.pinned - dev.unpinned, n.entries);
		assert_true(n.bytes <= m.max_bytes);
		assert_true(n.entries <= m.max_entries);
	}
	/* It was no test of nothing. */
	assert_true(n.hits > 1000 && n.evictions > 1000);
	assert_true(n.invalidations > 100);
	put_all(c, &m);
	pincache_free(c);
	assert_int_equal(dev.pinned, dev.unpinned);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_memory_is_a_hit),
		cmocka_unit_test(oldest_goes_first),
		cmocka_unit_test(bytes_are_a_bound),
		cmocka_unit_test(used_ones_stay),
		cmocka_unit_test(unmapped_memory_is_forgotten),
		cmocka_unit_test(refusal_leaves_nothing),
		cmocka_unit_test(like_a_list),
	};

	return cmocka_run_group_tests_name("pincache", tests, NULL, NULL);
}
