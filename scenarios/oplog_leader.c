/*
 * A batch's way: encoded, handed to the peers, stored and persisted in the own
 * log meanwhile, and acknowledged when k copies are durable.
 */
#include "oplog_leader.h"

#include <errno.h>
#include <string.h>

#include "work/scan.h"

static struct batch *batch_at(struct leader *l, uint64_t number)
{
	return &l->batches[number % l->shape.slots];
}

static int post(struct leader *l, unsigned link, const struct work *w,
		unsigned n, struct err *err)
{
	struct ep *ep = end_ep(l->end, link);
	int ret = ep->tp->post(ep, w, n);

	if (ret)
		*err = ep->err;
	return ret;
}

/* --- acknowledging ---------------------------------------------------------------- */

/* The k-th copy is durable: the records are acknowledged. */
static void acknowledge(struct leader *l, struct batch *b, uint64_t now)
{
	const struct clock *clk = l->end->clock;
	unsigned i;

	for (i = 0; i < b->count; i++) {
		hist_record(l->latency, clock_ns(clk, now - b->arrived[i]));
		l->arrivals[l->arrival_tail++ % OPLOG_OUTSTANDING_MAX] = now;
	}
	hist_record(l->dist[STAGE_WAIT],
		    now > b->persisted ? clock_ns(clk, now - b->persisted) : 0);
	l->acked += b->count;
	l->last_ack = now;
	replica_acked(&l->replica, b->next_sequence - 1);
}

/* One more copy of a batch is durable. */
static void copy_done(struct leader *l, struct batch *b, uint64_t now)
{
	if (++b->copies == l->shape.copies)
		acknowledge(l, b, now);
	while (l->oldest < l->next &&
	       batch_at(l, l->oldest)->copies == l->n_links + 1)
		l->oldest++;
}

/* Each peer acknowledges in order. */
static int peer_done(struct leader *l, unsigned link, uint64_t now,
		     struct err *err)
{
	struct leader_link *k = &l->link[link];
	struct batch *b = batch_at(l, k->acked);

	if (k->acked >= l->next)
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "a peer acknowledges what was not sent");
	hist_record(l->dist[STAGE_ACK_1 + link],
		    clock_ns(l->end->clock, now - b->posted));
	k->acked++;
	copy_done(l, b, now);
	return 0;
}

/* --- one-sided steps --------------------------------------------------------------- */

/* Where a step's bytes are here, how many, and where from the start of the
 * peer's region: the read takes the last of what was written. */
static struct span step_span(struct leader *l, enum rlog_step step,
			     const struct span *s)
{
	switch (step) {
	case RLOG_STEP_READ:
		return (struct span){
			.data = l->landing,
			.at = s->at + s->len - sizeof(uint64_t),
			.len = sizeof(uint64_t),
		};
	case RLOG_STEP_TAIL:
	case RLOG_STEP_FLUSH_TAIL:
		return (struct span){
			.data = (char *)&s->tail,
			.at = RLOG_TAIL_AT,
			.len = sizeof(s->tail),
		};
	default:
		return *s;
	}
}

static void make_step(struct leader *l, unsigned link, enum rlog_step step,
		      const struct span *s, struct work *w, struct sge *sge)
{
	static const enum op ops[] = {
		[RLOG_STEP_WRITE] = OP_WRITE,
		[RLOG_STEP_READ] = OP_READ,
		[RLOG_STEP_FLUSH] = OP_FLUSH,
		[RLOG_STEP_TAIL] = OP_ATOMIC_WRITE,
		[RLOG_STEP_FLUSH_TAIL] = OP_FLUSH,
	};
	const struct span is = step_span(l, step, s);

	*sge = (struct sge){is.data, is.len, l->link[link].region};
	*w = (struct work){
		.op = ops[step],
		.remote_addr = l->link[link].token.region + is.at,
		.remote_rkey = l->link[link].token.rkey,
	};
	if (w->op == OP_FLUSH) {
		w->flush_bytes = is.len;
		w->placement = l->cfg.placement;
		return;
	}
	w->n_sges = 1;
	w->sges = sge;
	*(w->op == OP_READ ? &l->fetched : &l->wire) += is.len;
}

/* The steps of [from, to) in one post; the last one's completion counts. */
static int post_steps(struct leader *l, unsigned link, const struct span *s,
		      unsigned from, unsigned to, struct err *err)
{
	struct sge sges[RLOG_STEPS_MAX];
	struct work works[RLOG_STEPS_MAX];
	unsigned i, n = to - from;

	for (i = 0; i < n; i++)
		make_step(l, link, s->steps->step[from + i], s, &works[i],
			  &sges[i]);
	works[n - 1].flags = WORK_SIGNAL;
	works[n - 1].cookie = to == s->steps->n ? COOKIE_LAST : COOKIE_FIRST;
	return post(l, link, works, n, err);
}

/* All of them, or only the first, whose completion the rest waits for. */
static int begin_steps(struct leader *l, unsigned link, const struct span *s,
		       struct err *err)
{
	const bool wait = l->cfg.post == POST_SERIALISED;

	return post_steps(l, link, s, 0, wait ? 1 : s->steps->n, err);
}

static struct span span_of(struct leader *l, const struct batch *b)
{
	return (struct span){
		.data = b->image,
		.at = RLOG_RING_AT + b->offset % l->shape.capacity,
		.len = b->count * l->shape.record_bytes,
		.tail = b->offset + b->count * l->shape.record_bytes,
		.steps = l->steps,
	};
}

/* --- sending a batch ------------------------------------------------------------------ */

static int send_batch(struct leader *l, unsigned link, struct batch *b,
		      struct err *err)
{
	struct leader_link *k = &l->link[link];
	const struct sge sge = {
		.addr = b->image - sizeof(struct oplog_head),
		.len = l->shape.message_bytes,
		.region = k->region,
	};
	const struct work w = {
		.op = OP_SEND,
		.n_sges = 1,
		.sges = &sge,
		.flags = ++k->sends % SIGNAL_EVERY ? 0 : WORK_SIGNAL,
		.cookie = COOKIE_SENT,
	};

	l->wire += sge.len;
	return post(l, link, &w, 1, err);
}

static int write_imm(struct leader *l, unsigned link, const struct span *s,
		     uint32_t count, struct err *err)
{
	struct leader_link *k = &l->link[link];
	const struct sge sge = {
		.addr = s->data, .len = s->len, .region = k->region};
	const struct work w = {
		.op = OP_WRITE_IMM,
		.n_sges = s->len != 0,
		.sges = &sge,
		.flags = ++k->sends % SIGNAL_EVERY ? 0 : WORK_SIGNAL,
		.cookie = COOKIE_SENT,
		.remote_addr = k->token.region + s->at,
		.remote_rkey = k->token.rkey,
		.imm = count,
	};

	l->wire += s->len;
	return post(l, link, &w, 1, err);
}

static int to_peer(struct leader *l, unsigned link, struct batch *b,
		   struct err *err)
{
	struct span s = span_of(l, b);

	if (l->cfg.method == OPLOG_WRITE_IMM)
		return write_imm(l, link, &s, b->count, err);
	if (!oplog_one_sided((enum oplog_method)l->cfg.method))
		return send_batch(l, link, b, err);
	return begin_steps(l, link, &s, err);
}

/* --- making a batch --------------------------------------------------------------------- */

static int encode(struct leader *l, struct batch *b, unsigned count)
{
	struct rlog *log = &l->replica.log;
	char *at = b->image, *payload;
	struct rlog_place place;
	unsigned i;
	int ret;

	for (i = 0; i < count; i++, at += place.bytes) {
		ret = rlog_reserve(log, l->cfg.size, &place);
		if (ret)
			return ret;
		if (!i)
			b->offset = place.offset;
		payload = at + RLOG_HEADER_BYTES;
		scan_stamp_first(payload, l->cfg.size, place.sequence);
		rlog_encode(log, &place, payload, at);
		b->arrived[i] =
			l->arrivals[l->arrival_head++ % OPLOG_OUTSTANDING_MAX];
		b->next_sequence = place.sequence + 1;
	}
	b->count = count;
	*(struct oplog_head *)(void *)(b->image - sizeof(struct oplog_head)) =
		(struct oplog_head){.count = count,
				    .sequence = b->next_sequence - count};
	return 0;
}

static void store(struct leader *l, const struct batch *b)
{
	unsigned i;

	for (i = 0; i < b->count; i++)
		(void)rlog_store(&l->replica.log,
				 b->image + i * l->shape.record_bytes,
				 l->shape.record_bytes);
}

/* What a software device has carried out while it was posted to is taken at
 * once: where the rest waits for the write, it is on its way while the own copy
 * is made; and an acknowledgement does not wait for bookkeeping. */
static int look(struct leader *l, struct err *err)
{
	struct comp comp[4];
	int ret = 0, n;
	unsigned i;

	for (i = 0; i < l->n_links && !ret; i++) {
		struct ep *ep = end_ep(l->end, i);

		n = ep->tp->poll(ep, comp, 4);
		if (n < 0) {
			*err = ep->err;
			return n;
		}
		ret = leader_take(l, i, comp, n, err);
	}
	return ret;
}

int leader_begin(struct leader *l, unsigned count, struct err *err)
{
	const struct clock *clk = l->end->clock;
	struct batch *b = batch_at(l, l->next);
	uint64_t t0 = clock_ticks(clk), t1, t2, t3, t4;
	unsigned i;
	int ret;

	b->image = l->stage +
		   l->next % l->shape.slots * l->shape.message_bytes +
		   sizeof(struct oplog_head);
	b->copies = 0;
	ret = encode(l, b, count);
	if (ret)
		return err_sys(err, ret, "reserving in the log");
	t1 = b->posted = clock_ticks(clk);
	l->next++;
	for (i = 0; i < l->n_links && !ret; i++)
		ret = to_peer(l, i, b, err);
	if (!ret && l->cfg.post == POST_SERIALISED)
		ret = look(l, err);
	t2 = clock_ticks(clk);
	store(l, b);
	t3 = clock_ticks(clk);
	rlog_commit(&l->replica.log);
	t4 = b->persisted = clock_ticks(clk);
	if (!ret)
		copy_done(l, b, b->persisted);
	if (!ret && oplog_one_sided((enum oplog_method)l->cfg.method))
		ret = look(l, err);
	hist_record(l->dist[STAGE_ENCODE], clock_ns(clk, t1 - t0));
	hist_record(l->dist[STAGE_POST], clock_ns(clk, t2 - t1));
	hist_record(l->dist[STAGE_APPEND], clock_ns(clk, t3 - t2));
	hist_record(l->dist[STAGE_PERSIST], clock_ns(clk, t4 - t3));
	return ret;
}

/* --- marks ------------------------------------------------------------------- */

/* By message a peer makes room by itself, by the same rule. */
static int mark_to(struct leader *l, unsigned link, struct err *err)
{
	const struct span none = {.data = l->mark};
	const enum oplog_method m = (enum oplog_method)l->cfg.method;

	l->link[link].trimmed = !oplog_one_sided(m) && m != OPLOG_WRITE_IMM;
	if (l->link[link].trimmed)
		return 0;
	if (m == OPLOG_WRITE_IMM)
		return write_imm(l, link, &none, 0, err);
	return begin_steps(l, link, &l->mark_span, err);
}

int leader_send_mark(struct leader *l, struct err *err)
{
	const struct rlog_mark *m = &l->replica.log.mark;
	unsigned i;
	int ret = 0;

	memcpy(l->mark, m, sizeof(*m));
	l->mark_span = (struct span){
		.data = l->mark,
		.at = rlog_mark_at(m->generation),
		.len = sizeof(*m),
		.steps = rlog_steps_mark(
			oplog_reach((enum oplog_method)l->cfg.method)),
	};
	for (i = 0; i < l->n_links && !ret; i++)
		ret = mark_to(l, i, err);
	return ret;
}

int leader_read_back(struct leader *l, struct err *err)
{
	struct span s;
	unsigned i;
	int ret = 0;

	s = span_of(l, batch_at(l, l->next - 1));
	s.steps = rlog_steps_record(RLOG_WRITE_READ, RLOG_BY_CHECKSUM);
	for (i = 0; i < l->n_links && !ret; i++) {
		l->link[i].trimmed = false;
		ret = post_steps(l, i, &s, 1, s.steps->n, err);
	}
	return ret;
}

/* --- completions --------------------------------------------------------------- */

static int post_reply_recv(struct leader *l, unsigned link, uint64_t slot,
			   struct err *err)
{
	const struct sge sge = {
		.addr = &l->link[link].replies[slot],
		.len = sizeof(struct oplog_reply),
		.region = l->link[link].region,
	};
	const struct work w = {
		.op = OP_RECV, .n_sges = 1, .sges = &sge, .cookie = slot};

	return post(l, link, &w, 1, err);
}

int leader_post_replies(struct leader *l, struct err *err)
{
	unsigned i, k;
	int ret = 0;

	for (i = 0; i < l->n_links; i++)
		for (k = 0; k < OPLOG_REPLIES(l->shape.slots) && !ret; k++)
			ret = post_reply_recv(l, i, k, err);
	return ret;
}

static int repost(struct leader *l, unsigned link, struct err *err)
{
	struct leader_link *k = &l->link[link];

	if (!k->owes)
		return 0;
	k->owes = false;
	return post_reply_recv(l, link, k->owed, err);
}

int leader_repost(struct leader *l, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < l->n_links && !ret; i++)
		ret = repost(l, i, err);
	return ret;
}

/* It must say exactly what was sent. */
static int check_reply(struct leader *l, unsigned link, uint64_t slot,
		       struct err *err)
{
	const struct leader_link *k = &l->link[link];
	const uint64_t want = batch_at(l, k->acked)->next_sequence;
	const uint64_t is = k->replies[slot].sequence;

	if (is == want)
		return 0;
	return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
		       "a peer acknowledges records below %llu instead of %llu",
		       (unsigned long long)is, (unsigned long long)want);
}

/* Its receive can wait until the writer that it sets free has been served. */
static int take_reply(struct leader *l, unsigned link, uint64_t slot,
		      uint64_t now, struct err *err)
{
	struct leader_link *k = &l->link[link];
	int ret = repost(l, link, err);

	if (ret)
		return ret;
	k->owes = true;
	k->owed = slot;
	if (l->trimming) {
		k->trimmed = true;
		return 0;
	}
	ret = check_reply(l, link, slot, err);
	return ret ? ret : peer_done(l, link, now, err);
}

/* Serialised: the write has completed, the rest follows. */
static int go_on(struct leader *l, unsigned link, struct err *err)
{
	struct span s = l->mark_span;

	if (!l->trimming)
		s = span_of(l, batch_at(l, l->link[link].written++));
	return post_steps(l, link, &s, 1, s.steps->n, err);
}

/* A one-sided copy counts from the completion that promises what the method
 * does: visible at the peer, or durable there. */
static enum level promised(const struct leader *l)
{
	if (l->cfg.method == OPLOG_WRITE)
		return LEVEL_LOCAL;
	return l->cfg.placement == PLACE_PERSISTENT ? LEVEL_DURABLE
						    : LEVEL_PLACED;
}

static int check_level(const struct leader *l, const struct comp *c,
		       struct err *err)
{
	if (c->level >= promised(l))
		return 0;
	return err_set(err, -EPROTO, REASON_INTERNAL,
		       "a completion of level %u acknowledges a log write that "
		       "wants %u",
		       c->level, (unsigned)promised(l));
}

static int take(struct leader *l, unsigned link, const struct comp *c,
		struct err *err)
{
	const uint64_t now = clock_ticks(l->end->clock);

	if (c->op == OP_RECV)
		return take_reply(l, link, c->cookie, now, err);
	if (c->cookie == COOKIE_SENT)
		return 0;
	if (c->cookie == COOKIE_FIRST)
		return go_on(l, link, err);
	if (check_level(l, c, err))
		return -EPROTO;
	if (!l->trimming)
		return peer_done(l, link, now, err);
	l->link[link].trimmed = true;
	return 0;
}

int leader_take(struct leader *l, unsigned link, const struct comp *comp, int n,
		struct err *err)
{
	int i, ret = 0;

	for (i = 0; i < n && !ret; i++)
		ret = take(l, link, &comp[i], err);
	return ret;
}
