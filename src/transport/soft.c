#include "transport/soft.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static_assert(sizeof(struct item) == 256, "SOFT_SGES fills the item");

static uint32_t round_up_pow2(uint32_t x)
{
	uint32_t p = 1;

	while (p < x)
		p <<= 1;
	return p;
}

int itemq_init(struct itemq *q, unsigned depth, uint32_t first, struct err *err)
{
	uint32_t slots = round_up_pow2(depth);
	struct item *items;

	items = aligned_alloc(64, slots * sizeof(*items));
	if (!items)
		return err_sys(err, -ENOMEM, "queue of %u messages", depth);
	/* Touched here, so that no page fault falls into a measurement. */
	memset(items, 0, slots * sizeof(*items));
	*q = (struct itemq){
		.items = items,
		.mask = slots - 1,
		.depth = depth,
		.head = first,
		.done = first,
		.tail = first,
	};
	return 0;
}

void itemq_fini(struct itemq *q)
{
	free(q->items);
	q->items = NULL;
}

int soft_check_attr(const char *name, const struct ep_attr *attr,
		    struct err *err)
{
	if (attr->lanes < 1 || attr->lanes > SOFT_LANES_MAX)
		return err_set(err, -EINVAL, REASON_DEVICE_LIMIT,
			       "%s: %u lanes asked for, 1 to %d are possible",
			       name, attr->lanes, SOFT_LANES_MAX);
	if (attr->send_depth < 1 || attr->send_depth > SOFT_DEPTH_MAX ||
	    attr->recv_depth < 1 || attr->recv_depth > SOFT_DEPTH_MAX)
		return err_set(err, -EINVAL, REASON_DEVICE_LIMIT,
			       "%s: depths %u and %u asked for, "
			       "1 to %d are possible",
			       name, attr->send_depth, attr->recv_depth,
			       SOFT_DEPTH_MAX);
	return 0;
}

int soft_reg(struct ep *ep, void *addr, size_t len, unsigned access,
	     struct region **region, struct err *err)
{
	struct region *r;

	if (access & ~ep->caps.ops)
		return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
			       "%s: a peer cannot reach into memory here",
			       ep->tp->name);
	r = malloc(sizeof(*r));
	if (!r)
		return err_sys(err, -ENOMEM, "%s: region", ep->tp->name);
	*r = (struct region){.addr = addr, .len = len};
	*region = r;
	return 0;
}

void soft_dereg(struct ep *ep, struct region *region)
{
	(void)ep;
	free(region);
}

int soft_refuse(struct ep *ep, const struct itemq *q, const struct work *w)
{
	const char *name = ep->tp->name;

	if (q->tail - q->head >= q->depth)
		return err_set(&ep->err, -ENOBUFS, REASON_INTERNAL,
			       "%s: more than %u messages outstanding", name,
			       q->depth);
	if (w->n_sges < 1 || w->n_sges > SOFT_SGES)
		return err_set(&ep->err, -EINVAL, REASON_DEVICE_LIMIT,
			       "%s: a message in %u pieces, 1 to %d can be",
			       name, w->n_sges, SOFT_SGES);
	return err_set(&ep->err, -EINVAL, REASON_NOT_IN_TRANSPORT,
		       "%s: an empty message cannot be told from none", name);
}

void item_advance(struct item *it, size_t bytes)
{
	it->left -= bytes;
	while (bytes) {
		struct iovec *iov = &it->iov[it->first];

		if (bytes < iov->iov_len) {
			iov->iov_base = (char *)iov->iov_base + bytes;
			iov->iov_len -= bytes;
			return;
		}
		bytes -= iov->iov_len;
		it->first++;
		it->n--;
	}
}
