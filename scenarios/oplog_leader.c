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

static enum rlog_reach reach_of(const struct leader *l)
{
	return l->cfg.method == OPLOG_WRITE ? RLOG_WRITE : RLOG_WRITE_READ;
}

struct made_step {
	struct sge sge;
	struct work work;
};

/* One step as work.  `data` is where it is here, `at` there. */
static void make_step(struct leader *l, unsigned link, enum rlog_step step,
		      const struct span *s, struct made_step *out)
{
	const struct oplog_token *t = &l->link[link].token;
	const bool read = step == RLOG_STEP_READ;

	l->fetched += read ? sizeof(uint64_t) : 0;

	out->sge = (struct sge){
		.addr = read ? l->landing : s->data,
		.len = read ? sizeof(uint64_t) : s->len,
		.region = l->link[link].region,
	};
	out->work = (struct work){
		.op = read ? OP_READ : OP_WRITE,
		.n_sges = 1,
		.sges = &out->sge,
		/* Its last bytes. */
		.remote_addr = t->region + s->at +
			       (read ? s->len - sizeof(uint64_t) : 0),
		.remote_rkey = t->rkey,
	};
}

/* All steps in one post, or only those that do not wait for the first. */
static int post_steps(struct leader *l, unsigned link,
		      const struct rlog_steps *steps, const struct span *s,
		      struct err *err)
{
	struct made_step made[RLOG_STEPS_MAX];
	struct work works[RLOG_STEPS_MAX];
	const unsigned n = l->cfg.post == POST_SERIALISED ? 1 : steps->n;
	unsigned i;

	for (i = 0; i < n; i++) {
		make_step(l, link, steps->step[i], s, &made[i]);
		works[i] = made[i].work;
	}
	works[n - 1].flags = WORK_SIGNAL;
	works[n - 1].cookie = n == steps->n ? COOKIE_LAST : COOKIE_FIRST;
	return post(l, link, works, n, err);
}

static int post_read(struct leader *l, unsigned link, const struct span *s,
		     struct err *err)
{
	struct made_step made;

	make_step(l, link, RLOG_STEP_READ, s, &made);
	made.work.flags = WORK_SIGNAL;
	made.work.cookie = COOKIE_LAST;
	return post(l, link, &made.work, 1, err);
}

static struct span span_of(struct leader *l, const struct batch *b)
{
	return (struct span){
		.data = b->image,
		.at = RLOG_RING_AT + b->offset % l->shape.capacity,
		.len = b->count * l->shape.record_bytes,
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
	l->wire += s.len;
	return post_steps(l, link,
			  rlog_steps_record(reach_of(l), l->replica.log.commit),
			  &s, err);
}

/* --- making a batch --------------------------------------------------------------------- */

static int encode(struct leader *l, struct batch *b, unsigned count)
{
	struct rlog *log = &l->replica.log;
	char *at = b->image, *pattern = l->replica.pattern;
	struct rlog_place place;
	unsigned i;
	int ret;

	for (i = 0; i < count; i++, at += place.bytes) {
		ret = rlog_reserve(log, l->cfg.size, &place);
		if (ret)
			return ret;
		if (!i)
			b->offset = place.offset;
		scan_stamp_first(pattern, l->cfg.size, place.sequence);
		rlog_encode(log, &place, pattern, at);
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

int leader_begin(struct leader *l, unsigned count, struct err *err)
{
	const struct clock *clk = l->end->clock;
	struct batch *b = batch_at(l, l->next);
	uint64_t t0 = clock_ticks(clk), t1, t2, t3;
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
	t2 = clock_ticks(clk);
	store(l, b);
	t3 = clock_ticks(clk);
	rlog_commit(&l->replica.log);
	b->persisted = clock_ticks(clk);
	hist_record(l->dist[STAGE_ENCODE], clock_ns(clk, t1 - t0));
	hist_record(l->dist[STAGE_POST], clock_ns(clk, t2 - t1));
	hist_record(l->dist[STAGE_APPEND], clock_ns(clk, t3 - t2));
	hist_record(l->dist[STAGE_PERSIST], clock_ns(clk, b->persisted - t3));
	if (!ret)
		copy_done(l, b, b->persisted);
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
	l->wire += l->mark_span.len;
	return post_steps(l, link, rlog_steps_mark(reach_of(l)), &l->mark_span,
			  err);
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
	};
	for (i = 0; i < l->n_links && !ret; i++)
		ret = mark_to(l, i, err);
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
		for (k = 0; k < l->shape.slots && !ret; k++)
			ret = post_reply_recv(l, i, k, err);
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

static int take_reply(struct leader *l, unsigned link, uint64_t slot,
		      uint64_t now, struct err *err)
{
	int ret = 0;

	if (l->trimming)
		l->link[link].trimmed = true;
	else
		ret = check_reply(l, link, slot, err);
	if (!ret && !l->trimming)
		ret = peer_done(l, link, now, err);
	return ret ? ret : post_reply_recv(l, link, slot, err);
}

/* Serialised: the write has completed, the read follows. */
static int go_on(struct leader *l, unsigned link, struct err *err)
{
	struct span s = l->mark_span;

	if (!l->trimming)
		s = span_of(l, batch_at(l, l->link[link].written++));
	return post_read(l, link, &s, err);
}

int leader_take(struct leader *l, unsigned link, const struct comp *c,
		struct err *err)
{
	const uint64_t now = clock_ticks(l->end->clock);

	if (c->op == OP_RECV)
		return take_reply(l, link, c->cookie, now, err);
	if (c->cookie == COOKIE_SENT)
		return 0;
	if (c->cookie == COOKIE_FIRST)
		return go_on(l, link, err);
	if (!l->trimming)
		return peer_done(l, link, now, err);
	l->link[link].trimmed = true;
	return 0;
}
