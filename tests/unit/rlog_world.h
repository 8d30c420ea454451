/*
 * n replicas, a leader that sends its records to the others, k
 * acknowledgements, and power that fails: the world of test_rlog_replicas.c.
 */
#ifndef TESTS_UNIT_RLOG_WORLD_H
#define TESTS_UNIT_RLOG_WORLD_H

#include "unit.h"

#include <errno.h>

#include "pm_model.h"
#include "rlog/steps.h"
#include "rlog_load.h"

enum {
	REGION = RLOG_RING_AT + 4096,
	N_MAX = 3,
	LIVES = 6,
	EVENTS_A_LIFE = 4000,
	IMAGE = (LOAD_PAYLOAD + 128) / 8,
	NO_STEP = -1
};

struct setting {
	unsigned n, k;
	enum rlog_commit commit;
	bool one_sided;
	enum rlog_reach reach;
	bool read_persists; /* no volatile cache behind the NIC */
	/* Mutations. */
	int no_flush, no_fence; /* sites */
	int no_step;		/* of the record's steps */
	bool no_mark_flush;
	unsigned read_fewer; /* replicas than the quorum */
};

/* What the leader sends for one record: maybe a pad, then the record. */
struct message {
	uint64_t pad[RLOG_ALIGN / 8], image[IMAGE];
	uint64_t pad_at, at;
	struct rlog_mark mark;
	uint32_t pad_bytes, bytes;
};

struct replica {
	struct pm pm;
	struct rlog log;
	bool up;
	uint64_t sent; /* the next message for it */
	uint64_t has;  /* its next sequence, committed */
	unsigned step; /* one-sided: of the message `sent` */
};

struct world {
	struct setting set;
	struct pm_power power;
	struct load load;
	struct replica r[N_MAX];
	unsigned leader;
	uint64_t rng, epoch;
	uint64_t first; /* sequence of messages[0] */
	struct message *messages;
	uint64_t n_messages;
};

/* --- a peer whose program stores ---------------------------------------------- */

static void peer_stores(struct world *w, struct replica *r)
{
	const struct message *m = &w->messages[r->sent];
	int ret = 0;

	rlog_trim(&r->log, m->mark.head);
	if (m->pad_bytes)
		ret = rlog_store(&r->log, m->pad, RLOG_ALIGN);
	if (!ret)
		ret = rlog_store(&r->log, m->image, m->bytes);
	assert_true(!ret || w->power.off);
	rlog_commit(&r->log);
	r->sent++;
	if (!w->power.off)
		r->has = w->first + r->sent;
}

/* --- a peer that is memory ------------------------------------------------------ */

/* FLUSH of persistent placement: all of its range, and only that. */
static void responder_flush(struct replica *r, const void *at, size_t len)
{
	pm_flush(&r->pm, RLOG_SITE_COUNT, at, len);
	pm_fence(&r->pm, RLOG_SITE_COUNT);
}

static void responder_data(struct world *w, struct replica *r, bool flush)
{
	const struct message *m = &w->messages[r->sent];
	void *pad = rlog_at(&r->log, m->pad_at), *at = rlog_at(&r->log, m->at);

	(void)w;
	if (!flush) {
		if (m->pad_bytes)
			pm_copy(&r->pm, pad, m->pad, RLOG_ALIGN);
		pm_copy(&r->pm, at, m->image, m->bytes);
		return;
	}
	if (m->pad_bytes)
		responder_flush(r, pad, RLOG_ALIGN);
	responder_flush(r, at, m->bytes);
}

/* The leader's mark, before it writes over what is behind its head.  A peer's
 * head may be further on than that of a new leader, and never goes back. */
static void responder_mark(struct world *w, struct replica *r)
{
	const struct message *m = &w->messages[r->sent];
	struct rlog_mark mark = w->r[w->leader].log.mark;
	char *at;

	if (m->mark.head <= r->log.mark.head)
		return;
	mark.head = m->mark.head;
	mark.sequence = m->mark.sequence;
	mark.before = m->mark.before;
	mark.generation = r->log.mark.generation + 1;
	rlog_mark_seal(&mark);
	r->log.mark = mark;
	at = r->log.region + rlog_mark_at(mark.generation);
	pm_copy(&r->pm, at, &mark, sizeof(mark));
	if (!w->set.no_mark_flush)
		responder_flush(r, at, sizeof(mark));
}

static void responder_step(struct world *w, struct replica *r,
			   enum rlog_step step)
{
	const struct message *m = &w->messages[r->sent];
	const uint64_t tail = m->at + m->bytes;
	char *at = r->log.region + RLOG_TAIL_AT;

	switch (step) {
	case RLOG_STEP_WRITE:
		responder_mark(w, r);
		responder_data(w, r, false);
		break;
	case RLOG_STEP_READ:
		if (w->set.read_persists)
			responder_data(w, r, true);
		break;
	case RLOG_STEP_FLUSH:
		responder_data(w, r, true);
		break;
	case RLOG_STEP_TAIL:
		pm_copy(&r->pm, at, &tail, sizeof(tail));
		break;
	case RLOG_STEP_FLUSH_TAIL:
		responder_flush(r, at, sizeof(tail));
		break;
	}
}

static void peer_is_written(struct world *w, struct replica *r)
{
	const struct rlog_steps *steps =
		rlog_steps_record(w->set.reach, w->set.commit);

	assert_non_null(steps);
	if ((int)r->step != w->set.no_step)
		responder_step(w, r, steps->step[r->step]);
	if (++r->step < steps->n)
		return;
	r->step = 0;
	r->sent++;
	if (!w->power.off)
		r->has = w->first + r->sent;
}

/* --- the leader -------------------------------------------------------------------- */

static uint64_t acknowledged(const struct world *w)
{
	uint64_t has[N_MAX], t;
	unsigned i, k;

	for (i = 0; i < w->set.n; i++) {
		has[i] = w->r[i].up ? w->r[i].has : 0;
		for (k = i; k && has[k] > has[k - 1]; k--) {
			t = has[k];
			has[k] = has[k - 1];
			has[k - 1] = t;
		}
	}
	return has[w->set.k - 1];
}

/* The next record, into the leader's own log and into a message. */
static int lead(struct world *w)
{
	struct replica *r = &w->r[w->leader];
	struct message *m = &w->messages[w->n_messages];
	uint64_t sequence = r->log.next_reserved;
	uint64_t length = load_length(&w->load, sequence, w->epoch);
	char payload[LOAD_PAYLOAD];
	struct rlog_place p;
	int ret;

	load_payload(&w->load, sequence, w->epoch, payload);
	ret = rlog_reserve(&r->log, length, &p);
	if (ret)
		return ret;
	*m = (struct message){
		.pad_at = p.offset - p.pad_bytes,
		.at = p.offset,
		.mark = r->log.mark,
		.pad_bytes = p.pad_bytes,
		.bytes = p.bytes,
	};
	if (p.pad_bytes) {
		rlog_encode_pad(&r->log, &p, m->pad);
		rlog_store(&r->log, m->pad, RLOG_ALIGN);
	}
	rlog_encode(&r->log, &p, payload, m->image);
	rlog_store(&r->log, m->image, m->bytes);
	rlog_commit(&r->log);
	w->n_messages++;
	r->sent = w->n_messages;
	if (!w->power.off)
		r->has = r->log.next_stored;
	return 0;
}

static void note_acknowledged(struct world *w)
{
	uint64_t i, upto = acknowledged(w);

	for (i = w->first; i < upto; i++)
		load_acked(&w->load, i, w->epoch);
}

/* One step of somebody; true if there was one to do. */
static bool peer_moves(struct world *w, struct replica *r)
{
	if (!r->up || r == &w->r[w->leader] || r->sent >= w->n_messages)
		return false;
	if (w->set.one_sided)
		peer_is_written(w, r);
	else
		peer_stores(w, r);
	return true;
}

static bool anybody_moves(struct world *w)
{
	unsigned i, at = (unsigned)(rng_u64(&w->rng) % w->set.n);

	for (i = 0; i < w->set.n; i++)
		if (peer_moves(w, &w->r[(at + i) % w->set.n]))
			return true;
	return false;
}

/* The ring is full: everything sent is waited for, and half of it goes. */
static void make_room(struct world *w)
{
	struct rlog *l = &w->r[w->leader].log;

	while (anybody_moves(w))
		;
	note_acknowledged(w);
	if (w->power.off)
		return;
	w->load.trimmed = l->next_stored;
	rlog_trim(l, l->committed - l->capacity / 3);
}

static void live(struct world *w)
{
	const struct rlog *l = &w->r[w->leader].log;
	int ret;

	while (!w->power.off && l->next_reserved < LOAD_SEQUENCES - 8) {
		if (rng_u64(&w->rng) % 3 && anybody_moves(w)) {
			note_acknowledged(w);
			continue;
		}
		ret = lead(w);
		if (ret == -ENOSPC)
			make_room(w);
		note_acknowledged(w);
	}
}

/* --- recovery ------------------------------------------------------------------------- */

/* Everybody in `set` is read; the best of them, or -1. */
static int read_replicas(struct world *w, unsigned set, struct rlog_scan *s)
{
	struct rlog_scan all[N_MAX];
	unsigned i, n = 0, who[N_MAX];
	struct err err;
	int best;

	for (i = 0; i < w->set.n; i++)
		if (set & 1u << i &&
		    !rlog_scan(&all[n], w->r[i].pm.cached, REGION, NULL, &err))
			who[n++] = i;
	best = rlog_choose(all, n, n);
	if (best < 0)
		return -1;
	*s = all[best];
	return (int)who[best];
}

static unsigned to_read(const struct world *w)
{
	return rlog_quorum(w->set.n, w->set.k) - w->set.read_fewer;
}

static bool is_quorum(const struct world *w, unsigned set)
{
	return (unsigned)__builtin_popcount(set) == to_read(w);
}

/* Whichever are read, nothing acknowledged is missing. */
static const char *check_all(struct world *w)
{
	struct rlog_scan s;
	const char *wrong;
	unsigned i, set;
	int best;

	for (i = 0; i < w->set.n; i++) {
		wrong = NULL;
		best = read_replicas(w, 1u << i, &s);
		if (best < 0)
			return "a replica is damaged";
	}
	for (set = 1; set < 1u << w->set.n; set++) {
		if (!is_quorum(w, set))
			continue;
		best = read_replicas(w, set, &s);
		wrong = load_check(&w->load, w->r[best].pm.cached, REGION, &s);
		if (wrong)
			return wrong;
	}
	return NULL;
}

static bool open_replica(struct world *w, unsigned i,
			 const struct rlog_scan *from)
{
	struct replica *r = &w->r[i];
	struct rlog_io io = pm_io(&r->pm);
	struct err err;

	if (rlog_open(&r->log, r->pm.cached, REGION, w->epoch, &io, &err))
		return false;
	if (w->power.off)
		return true;
	assert_int_equal(rlog_catch_up(&r->log, from), 0);
	r->up = true;
	r->sent = 0;
	r->step = 0;
	r->has = w->power.off ? 0 : r->log.next_stored;
	return true;
}

static unsigned some_quorum(struct world *w)
{
	unsigned set;

	do {
		set = (unsigned)(rng_u64(&w->rng) % (1u << w->set.n));
	} while (!is_quorum(w, set));
	return set;
}

/* Enough to write; sometimes all. */
static unsigned writers(struct world *w, unsigned set)
{
	while ((unsigned)__builtin_popcount(set) < w->set.k ||
	       rng_u64(&w->rng) % 2)
		set |= 1u << rng_u64(&w->rng) % w->set.n;
	return set;
}

/* A new leader: reads a quorum, fences it, makes it one, and begins. */
static const char *take_over(struct world *w)
{
	const struct rlog_reader how = {.visit = load_take, .arg = &w->load};
	unsigned i, set = some_quorum(w);
	struct rlog_scan from, own;
	int best = read_replicas(w, set, &from);
	struct err err;

	if (best < 0)
		return "no quorum";
	w->leader = (unsigned)best;
	set = writers(w, set);
	for (i = 0; i < w->set.n; i++)
		w->r[i].up = false;
	for (i = 0; i < w->set.n; i++)
		if (set & 1u << i && !open_replica(w, i, &from))
			return "a replica does not open";
	w->n_messages = 0;
	w->first = from.next_sequence;
	if (w->power.off)
		return NULL;
	/* All of them have begun: what was recovered is acknowledged. */
	rlog_scan(&own, w->r[best].pm.cached, REGION, &how, &err);
	return NULL;
}

static const char *one_life(struct world *w)
{
	const char *wrong;
	unsigned i;

	w->power.events = 0;
	w->power.off = false;
	w->power.crash_at = rng_u64(&w->rng) % 2
				    ? rng_u64(&w->rng) % EVENTS_A_LIFE
				    : rng_u64(&w->rng) % (EVENTS_A_LIFE / 16);
	w->epoch++;
	wrong = take_over(w);
	if (wrong)
		return wrong;
	if (!w->power.off)
		live(w);
	for (i = 0; i < w->set.n; i++)
		pm_power_cycle(&w->r[i].pm, &w->rng);
	return check_all(w);
}

static void make_replicas(struct world *w)
{
	struct rlog_io io;
	struct err err;
	unsigned i;

	for (i = 0; i < w->set.n; i++) {
		pm_init(&w->r[i].pm, &w->power, REGION);
		io = pm_io(&w->r[i].pm);
		assert_int_equal(rlog_format(w->r[i].pm.cached, REGION,
					     w->set.commit, 1, &io, &err),
				 0);
	}
}

static const char *lives(uint64_t seed, const struct setting *set)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *wrong = NULL;
	unsigned i;

	assert_non_null(w);
	w->set = *set;
	w->messages = calloc(LOAD_SEQUENCES, sizeof(*w->messages));
	assert_non_null(w->messages);
	w->rng = w->load.seed = seed;
	w->epoch = 1;
	pm_power_init(&w->power, UINT64_MAX);
	make_replicas(w);
	w->power.no_flush = set->no_flush;
	w->power.no_fence = set->no_fence;
	for (i = 0; i < LIVES && !wrong; i++)
		wrong = one_life(w);
	for (i = 0; i < set->n; i++)
		pm_fini(&w->r[i].pm);
	free(w->messages);
	free(w);
	return wrong;
}

#endif
