/* Memory, regions and prepared work of a spread. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "work/parts.h"
#include "work/spread.h"
#include "work/spread_work.h"

/* Units that are verified, from the first: a gigabyte would take seconds. */
enum { VERIFY_UNITS = 16384 };

enum { TOKEN_WORDS = 4 };

unsigned spread_depth(const struct spread_attr *a)
{
	return a->outstanding > a->lanes ? a->outstanding / a->lanes : 1;
}

unsigned spread_send_depth(const struct spread_attr *a)
{
	return 2 * spread_depth(a);
}

unsigned spread_recv_depth(const struct spread_attr *a)
{
	return a->shared_recv ? a->outstanding : spread_depth(a);
}

/* Of all lanes together, at most. */
static unsigned receives_of(const struct spread_attr *a)
{
	if (a->op != OP_SEND)
		return 0;
	return spread_recv_depth(a) * (a->shared_recv ? 1 : a->lanes);
}

/* Receives of all lanes are posted again before the answer is complete: so
 * many more (see answer). */
static unsigned spares_of(const struct spread_attr *a)
{
	return a->shared_recv && !a->receives ? receives_of(a) : 0;
}

/* Fewer only where requests arrive. */
static unsigned own_receives(const struct spread_attr *a, enum role role)
{
	if (!a->receives || role == ROLE_ACTIVE)
		return receives_of(a);
	return a->receives * (a->shared_recv ? 1 : a->lanes);
}

static uint64_t unit_of(const struct spread_attr *a)
{
	return (a->size + SPREAD_PAGE - 1) / SPREAD_PAGE * SPREAD_PAGE;
}

static size_t table_bytes(const struct spread_attr *a)
{
	return a->regions * sizeof(struct spread_region);
}

static uint64_t small_bytes(const struct spread_attr *a)
{
	return (uint64_t)(a->outstanding + receives_of(a) + spares_of(a)) *
		       parts_stride(a->size) +
	       table_bytes(a);
}

uint64_t spread_bytes(const struct spread_attr *a)
{
	return small_bytes(a) + (a->op == OP_SEND ? 0 : a->memory);
}

/* --- memory ---------------------------------------------------------------- */

static int map_small(struct spread *s, struct err *err)
{
	struct ep *ep = s->end->ep;
	int ret;

	ret = mem_alloc_on(&s->small, small_bytes(&s->a), s->end->is.numa_node,
			   err);
	if (ret)
		return ret;
	s->slots = s->small.addr;
	s->inbox = s->slots + s->a.outstanding * s->stride;
	s->table = (void *)(s->inbox + (receives_of(&s->a) + spares_of(&s->a)) *
					       s->stride);
	/* The table is read by the other end. */
	return ep->tp->reg(ep, s->small.addr, s->small.len,
			   s->a.regions > 1 ? OP_BIT(OP_READ) : 0,
			   &s->small_region, err);
}

static void fill_units(struct spread *s)
{
	const uint64_t n = s->units_per_region * s->a.regions;
	uint64_t i;

	for (i = 0; s->a.op == OP_READ && i < n; i++) {
		char *at = (char *)s->large.addr + i * s->unit;

		scan_fill(at, s->a.size, SPREAD_SEED);
		scan_stamp_first(at, s->a.size, i);
	}
}

/* Only the server's memory is gone to. */
static int map_large(struct spread *s, struct err *err)
{
	const uint64_t bytes = s->units_per_region * s->unit;
	/* Writes are followed by a read (spread_flush). */
	const unsigned access = OP_BIT(s->a.op) | OP_BIT(OP_READ);
	struct ep *ep = s->end->ep;
	unsigned i;
	int ret;

	if (s->a.op == OP_SEND || s->end->role == ROLE_ACTIVE)
		return 0;
	s->regions = calloc(s->a.regions, sizeof(struct region *));
	if (!s->regions)
		return err_sys(err, -ENOMEM, "%u regions", s->a.regions);
	ret = mem_alloc_as(&s->large, bytes * s->a.regions,
			   s->end->is.numa_node, s->a.pages, err);
	for (i = 0; !ret && i < s->a.regions; i++) {
		char *at = (char *)s->large.addr + i * bytes;

		ret = ep->tp->reg(ep, at, bytes, access, &s->regions[i], err);
		if (ret)
			break;
		s->table[i].addr = (uintptr_t)at;
		s->table[i].rkey = s->regions[i]->rkey;
	}
	if (!ret)
		fill_units(s);
	return ret;
}

static void make_token(struct spread *s)
{
	const uint64_t words[TOKEN_WORDS] = {
		(uintptr_t)s->table,
		s->small_region->rkey,
		s->table[0].addr,
		s->table[0].rkey,
	};

	memcpy(s->end->token.data, words, sizeof(words));
	s->end->token.len = sizeof(words);
}

/* --- work ------------------------------------------------------------------- */

static int allocate(struct spread *s, struct err *err)
{
	const unsigned n = s->a.outstanding, spares = spares_of(&s->a);
	const unsigned r = receives_of(&s->a) + spares + 1;

	s->works = calloc(n, sizeof(*s->works));
	s->sges = calloc(n, sizeof(*s->sges));
	s->recvs = calloc(r, sizeof(*s->recvs));
	s->recv_sges = calloc(r, sizeof(*s->recv_sges));
	s->begun = calloc(n, sizeof(*s->begun));
	s->numbers = calloc(n, sizeof(*s->numbers));
	s->pending = calloc(n, sizeof(*s->pending));
	s->given_up = calloc(n, sizeof(*s->given_up));
	s->units = calloc(n, sizeof(*s->units));
	s->least = calloc(s->a.lanes, sizeof(*s->least));
	s->on_lane = calloc(s->a.lanes, sizeof(*s->on_lane));
	s->held = calloc(r, sizeof(*s->held));
	if (spares)
		s->spare = calloc(spares, sizeof(*s->spare));
	if (s->works && s->sges && s->recvs && s->recv_sges && s->begun &&
	    s->numbers && s->pending && s->given_up && s->units && s->least &&
	    s->on_lane && s->held && (s->spare || !spares))
		return 0;
	return err_sys(err, -ENOMEM, "%u operations outstanding", n);
}

static void make_works(struct spread *s)
{
	unsigned i;

	for (i = 0; i < s->a.outstanding; i++) {
		s->numbers[i] = i;
		if (!spread_brings(s))
			scan_fill(spread_slot(s, i), s->a.size, SPREAD_SEED);
		s->sges[i] = (struct sge){
			.addr = spread_slot(s, i),
			.len = s->a.size,
			.region = s->small_region,
		};
		s->works[i] = (struct work){
			.op = s->a.op,
			.n_sges = 1,
			.sges = &s->sges[i],
			.flags = WORK_SIGNAL,
			.cookie = i,
			.compare_add = 1, /* a fetch-add's */
		};
	}
}

static void make_receives(struct spread *s)
{
	unsigned i;

	for (i = 0; i < s->n_buffers; i++) {
		s->recv_sges[i] = (struct sge){
			.addr = s->inbox + i * s->stride,
			.len = s->a.size,
			.region = s->small_region,
		};
		s->recvs[i] = (struct work){
			.op = OP_RECV,
			.lane = i % s->a.lanes,
			.n_sges = 1,
			.sges = &s->recv_sges[i],
			.cookie = i,
		};
	}
}

static int post_receives(struct spread *s, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && i < s->n_recvs; i++)
		ret = spread_post_recv(s, i, err);
	for (; !ret && i < s->n_buffers; i++)
		s->spare[s->n_spare++] = i;
	return ret;
}

/* Writes of two queue pairs to the same unit are in no order, and may leave a
 * part of either: only the begin of what is written is its operation's own. */
static enum scan_stamp stamp_of(const struct spread *s)
{
	if (spread_brings(s))
		return STAMP_NONE;
	return spread_asks(s) ? parts_stamp(s->a.verify) : STAMP_FIRST;
}

int spread_init(struct spread *s, struct end *e, const struct spread_attr *a,
		struct err *err)
{
	int ret;

	memset(s, 0, sizeof(*s));
	s->end = e;
	s->a = *a;
	s->lossy = e->ep->caps.lossy;
	s->stamp = stamp_of(s);
	s->depth = spread_depth(a);
	s->n_recvs = own_receives(a, e->role);
	s->n_buffers = s->n_recvs + spares_of(a);
	s->known_recvs = a->receives ? a->receives : spread_recv_depth(a);
	s->stride = parts_stride(a->size);
	s->unit = unit_of(a);
	s->units_per_region = a->memory / a->regions / s->unit;
	s->rng = e->seed;
	ret = parts_check_writes(e, a->op, err);
	if (!ret)
		ret = allocate(s, err);
	if (!ret)
		ret = map_small(s, err);
	if (!ret)
		ret = map_large(s, err);
	if (ret)
		return ret;
	make_works(s);
	make_token(s);
	make_receives(s);
	return post_receives(s, err);
}

void spread_fini(struct spread *s)
{
	struct ep *ep = s->end ? s->end->ep : NULL;
	unsigned i;

	for (i = 0; s->regions && i < s->a.regions && s->regions[i]; i++)
		ep->tp->dereg(ep, s->regions[i]);
	if (s->small_region)
		ep->tp->dereg(ep, s->small_region);
	s->small_region = NULL;
	free(s->regions);
	mem_free(&s->large);
	mem_free(&s->small);
	free(s->works);
	free(s->sges);
	free(s->recvs);
	free(s->recv_sges);
	free(s->begun);
	free(s->numbers);
	free(s->pending);
	free(s->given_up);
	free(s->units);
	free(s->least);
	free(s->on_lane);
	free(s->held);
	free(s->spare);
}

/* --- verifying --------------------------------------------------------------- */

static int verify_written(struct spread *s, struct err *err)
{
	const uint64_t all = s->units_per_region * s->a.regions;
	const uint64_t n = all < VERIFY_UNITS ? all : VERIFY_UNITS;
	uint64_t i;
	int ret = 0;

	for (i = 0; !ret && i < n; i++) {
		const char *at = (char *)s->large.addr + i * s->unit;
		struct scan_expect want = {
			.seed = SPREAD_SEED,
			.stamp = STAMP_FIRST,
		};

		memcpy(&want.op, at, sizeof(want.op));
		if (!want.op)
			continue; /* not gone to yet, or by number 0 */
		s->end->verified++;
		ret = scan_verify(at, s->a.size, &want, err);
	}
	return ret;
}

/* The last that was read, or answered: nothing has come into it since. */
static int verify_last(struct spread *s, struct err *err)
{
	const bool reads = s->a.op == OP_READ;
	const char *at = reads ? spread_slot(s, s->last)
			       : s->inbox + s->last * s->stride;
	struct scan_expect want = {.seed = SPREAD_SEED, .stamp = STAMP_FIRST};

	if (!s->done)
		return 0;
	if (reads)
		want.op = s->units[s->last];
	else
		memcpy(&want.op, at, sizeof(want.op));
	s->end->verified++;
	return scan_verify(at, s->a.size, &want, err);
}

int spread_verify(struct spread *s, struct err *err)
{
	const bool client = s->end->role == ROLE_ACTIVE;

	if (s->a.verify == VERIFY_NONE || s->a.op == OP_FETCH_ADD)
		return 0; /* what was found is checked as it comes */
	if (s->a.op == OP_WRITE)
		return client ? 0 : verify_written(s, err);
	if (!client || s->a.verify == VERIFY_EACH)
		return 0;
	return verify_last(s, err);
}

/* Of more units than are looked at all may have gone to the others. */
int spread_check_found(const struct spread_attr *a, const struct end *e,
		       struct err *err)
{
	if (a->op != OP_WRITE || a->verify == VERIFY_NONE ||
	    a->memory / unit_of(a) > VERIFY_UNITS)
		return 0;
	return parts_check_found(e, 1, err);
}
