#include "rdma/pincache.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "base/itree.h"

struct pin {
	struct itree_node node; /* first: a node is its pin */
	struct pin *older, *newer;
	void *handle;
	unsigned users;
	bool gone; /* invalidated: in no tree, unpinned by its last user */
};

struct pincache {
	struct pincache_ops ops;
	struct pincache_limits limits;
	struct pincache_counts counts;
	struct itree tree;
	struct pin *oldest, *newest; /* those that nobody uses */
};

static uint64_t pin_bytes(const struct pin *p)
{
	return p->node.end - p->node.begin;
}

/* --- the list of those that nobody uses ------------------------------------ */

static void list_add(struct pincache *c, struct pin *p)
{
	p->older = c->newest;
	p->newer = NULL;
	if (c->newest)
		c->newest->newer = p;
	else
		c->oldest = p;
	c->newest = p;
}

static void list_remove(struct pincache *c, struct pin *p)
{
	if (p->older)
		p->older->newer = p->newer;
	else
		c->oldest = p->newer;
	if (p->newer)
		p->newer->older = p->older;
	else
		c->newest = p->older;
}

/* --- one registration ------------------------------------------------------ */

static void drop(struct pincache *c, struct pin *p)
{
	c->ops.unpin(c->ops.arg, p->handle);
	c->counts.bytes -= pin_bytes(p);
	c->counts.entries--;
	free(p);
}

static void drop_unused(struct pincache *c, struct pin *p)
{
	list_remove(c, p);
	itree_erase(&c->tree, &p->node);
	drop(c, p);
}

bool pincache_evict(struct pincache *c)
{
	if (!c->oldest)
		return false;
	drop_unused(c, c->oldest);
	c->counts.evictions++;
	return true;
}

static bool fits(const struct pincache *c, uint64_t len)
{
	return c->counts.entries < c->limits.entries &&
	       len <= c->limits.bytes &&
	       c->counts.bytes <= c->limits.bytes - len;
}

static int make_room(struct pincache *c, uint64_t len, struct err *err)
{
	while (!fits(c, len))
		if (!pincache_evict(c))
			return err_set(
				err, -ENOBUFS, REASON_NO_MEMORY,
				"%llu bytes do not fit into a pin-down cache "
				"of %llu bytes and %llu registrations: %llu "
				"bytes in %llu are in use",
				(unsigned long long)len,
				(unsigned long long)c->limits.bytes,
				(unsigned long long)c->limits.entries,
				(unsigned long long)c->counts.bytes,
				(unsigned long long)c->counts.entries);
	return 0;
}

static int add(struct pincache *c, void *addr, size_t len, struct pin **pin,
	       struct err *err)
{
	struct pin *p;
	int ret = make_room(c, len, err);

	if (ret)
		return ret;
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_sys(err, -ENOMEM, "pin-down cache");
	ret = c->ops.pin(c->ops.arg, addr, len, &p->handle, err);
	if (ret) {
		free(p);
		return ret;
	}
	p->node.begin = (uintptr_t)addr;
	p->node.end = (uintptr_t)addr + len;
	p->users = 1;
	itree_insert(&c->tree, &p->node);
	c->counts.bytes += len;
	c->counts.entries++;
	*pin = p;
	return 0;
}

/* --- the interface --------------------------------------------------------- */

int pincache_new(struct pincache **cache, const struct pincache_ops *ops,
		 const struct pincache_limits *limits, struct err *err)
{
	struct pincache *c = calloc(1, sizeof(*c));

	if (!c)
		return err_sys(err, -ENOMEM, "pin-down cache");
	c->ops = *ops;
	c->limits = *limits;
	*cache = c;
	return 0;
}

void pincache_free(struct pincache *c)
{
	if (!c)
		return;
	while (c->oldest)
		drop_unused(c, c->oldest);
	assert(!c->counts.entries);
	free(c);
}

int pincache_get(struct pincache *c, void *addr, size_t len, struct pin **pin,
		 bool *hit, struct err *err)
{
	uintptr_t begin = (uintptr_t)addr;
	struct pin *p;

	assert(len && begin + len > begin);
	p = (struct pin *)itree_cover(&c->tree, begin, begin + len);
	*hit = p != NULL;
	if (!p) {
		c->counts.misses++;
		return add(c, addr, len, pin, err);
	}
	c->counts.hits++;
	if (!p->users++)
		list_remove(c, p);
	*pin = p;
	return 0;
}

void *pin_handle(const struct pin *pin)
{
	return pin->handle;
}

void pincache_put(struct pincache *c, struct pin *pin)
{
	assert(pin->users);
	if (--pin->users)
		return;
	if (pin->gone)
		drop(c, pin);
	else
		list_add(c, pin);
}

unsigned pincache_invalidate(struct pincache *c, const void *addr, size_t len)
{
	uintptr_t begin = (uintptr_t)addr;
	struct pin *p;
	unsigned n = 0;

	while ((p = (struct pin *)itree_overlap(&c->tree, begin,
						begin + len))) {
		if (p->users) {
			itree_erase(&c->tree, &p->node);
			p->gone = true;
		} else {
			drop_unused(c, p);
		}
		n++;
	}
	c->counts.invalidations += n;
	return n;
}

void pincache_counts(const struct pincache *c, struct pincache_counts *counts)
{
	*counts = c->counts;
}
