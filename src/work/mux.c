#include "work/mux.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

/* A cookie says whose it is; those of work/ are small. */
#define OWNER_SHIFT 56
#define COOKIE_MASK ((UINT64_C(1) << OWNER_SHIFT) - 1)

/* Handed over at a time; taken at a time. */
enum { LIST = 64, TAKE = 16 };

struct mux_end {
	struct ep ep; /* the first member */
	struct mux *mux;
	struct comp *box; /* completions that another thread took */
	unsigned n_box, depth;
};

struct mux {
	struct ep *ep;
	pthread_spinlock_t lock;
	struct transport tp;
	struct mux_end *ends;
	unsigned n;
};

static struct mux_end *mux_end(struct ep *ep)
{
	return (struct mux_end *)ep;
}

static int broken(struct mux_end *e, int ret)
{
	e->ep.err = e->mux->ep->err;
	return ret;
}

static int mux_post(struct ep *ep, const struct work *works, unsigned n)
{
	struct mux_end *e = mux_end(ep);
	struct mux *m = e->mux;
	const uint64_t owner = (uint64_t)(e - m->ends) << OWNER_SHIFT;
	struct work mine[LIST];
	unsigned i;
	int ret;

	if (n > LIST)
		return err_set(&ep->err, -E2BIG, REASON_INTERNAL,
			       "a list of %u on a link that is shared", n);
	for (i = 0; i < n; i++) {
		mine[i] = works[i];
		mine[i].cookie |= owner;
		/* Others post in between. */
		mine[i].flags &= ~(unsigned)WORK_AGAIN;
	}
	pthread_spin_lock(&m->lock);
	ret = m->ep->tp->post(m->ep, mine, n);
	pthread_spin_unlock(&m->lock);
	return ret ? broken(e, ret) : 0;
}

/* With the lock: what is in our box, the earliest first. */
static int empty_box(struct mux_end *e, struct comp *comp, unsigned n)
{
	const unsigned got = e->n_box < n ? e->n_box : n;
	unsigned i;

	for (i = 0; i < got; i++)
		comp[i] = e->box[i];
	for (; i < e->n_box; i++)
		e->box[i - got] = e->box[i];
	e->n_box -= got;
	return (int)got;
}

/* With the lock: each to its owner, none of whom has more on its way. */
static void hand_out(struct mux *m, struct comp *comp, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		struct mux_end *e = &m->ends[comp[i].cookie >> OWNER_SHIFT];

		comp[i].cookie &= COOKIE_MASK;
		assert(e->n_box < e->depth);
		e->box[e->n_box++] = comp[i];
	}
}

static int mux_poll(struct ep *ep, struct comp *comp, unsigned n)
{
	struct mux_end *e = mux_end(ep);
	struct mux *m = e->mux;
	struct comp all[TAKE];
	int got = 0;

	/* Whoever has the lock polls for us, too. */
	if (pthread_spin_trylock(&m->lock))
		return 0;
	if (!e->n_box)
		got = m->ep->tp->poll(m->ep, all, TAKE);
	if (got > 0)
		hand_out(m, all, got);
	if (got >= 0)
		got = empty_box(e, comp, n);
	pthread_spin_unlock(&m->lock);
	return got < 0 ? broken(e, got) : got;
}

static int mux_reg(struct ep *ep, void *addr, size_t len, unsigned access,
		   struct region **region, struct err *err)
{
	struct ep *inner = mux_end(ep)->mux->ep;

	return inner->tp->reg(inner, addr, len, access, region, err);
}

static void mux_dereg(struct ep *ep, struct region *region)
{
	struct ep *inner = mux_end(ep)->mux->ep;

	inner->tp->dereg(inner, region);
}

static int make_ends(struct mux *m, unsigned depth)
{
	unsigned i;

	for (i = 0; i < m->n; i++) {
		struct mux_end *e = &m->ends[i];

		e->ep = *m->ep;
		e->ep.tp = &m->tp;
		e->mux = m;
		e->depth = depth;
		e->box = calloc(depth, sizeof(*e->box));
		if (!e->box)
			return -ENOMEM;
	}
	return 0;
}

int mux_new(struct mux **out, struct ep *ep, unsigned n, unsigned depth,
	    struct err *err)
{
	struct mux *m;

	if (ep->poll == POLL_EVENT)
		return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
			       "threads that share a link wait by spinning or "
			       "yielding, not by events");
	m = calloc(1, sizeof(*m));
	if (!m)
		return err_sys(err, -ENOMEM, "a shared link");
	m->ep = ep;
	m->n = n;
	m->tp = *ep->tp;
	m->tp.post = mux_post;
	m->tp.poll = mux_poll;
	m->tp.reg = mux_reg;
	m->tp.dereg = mux_dereg;
	pthread_spin_init(&m->lock, PTHREAD_PROCESS_PRIVATE);
	m->ends = calloc(n, sizeof(*m->ends));
	*out = m;
	if (m->ends && !make_ends(m, depth))
		return 0;
	mux_free(m);
	*out = NULL;
	return err_sys(err, -ENOMEM, "a shared link of %u", n);
}

void mux_free(struct mux *m)
{
	unsigned i;

	if (!m)
		return;
	for (i = 0; m->ends && i < m->n; i++)
		free(m->ends[i].box);
	free(m->ends);
	pthread_spin_destroy(&m->lock);
	free(m);
}

struct ep *mux_ep(struct mux *m, unsigned i)
{
	return &m->ends[i].ep;
}
