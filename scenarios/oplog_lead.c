/* The leader: its buffers, the closed loop with up to --outstanding records,
 * and what is checked afterwards. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop.h"
#include "oplog_leader.h"
#include "work/parts.h"

static int make_buffers(struct leader *l, struct err *err)
{
	const size_t stage = l->shape.slots * l->shape.message_bytes;
	const size_t replies =
		OPLOG_REPLIES(l->shape.slots) * sizeof(struct oplog_reply);
	unsigned i;
	int ret = mem_alloc_on(&l->mem,
			       stage + 2 * RLOG_ALIGN + END_PEERS_MAX * replies,
			       l->end->is.numa_node, err);

	if (ret)
		return ret;
	l->stage = l->mem.addr;
	l->mark = l->stage + stage;
	l->landing = l->mark + RLOG_ALIGN;
	for (i = 0; i < l->n_links && !ret; i++) {
		struct ep *ep = end_ep(l->end, i);

		l->link[i].replies =
			(void *)(l->landing + RLOG_ALIGN + i * replies);
		ret = ep->tp->reg(ep, l->mem.addr, l->mem.len, 0,
				  &l->link[i].region, err);
	}
	return ret;
}

/* A writer hands its payload over in the memory that is sent, with room for the
 * header before it: an append copies it once, into the own log. */
static void fill_images(struct leader *l)
{
	unsigned slot;
	uint64_t i;
	char *at;

	for (slot = 0; slot < l->shape.slots; slot++) {
		at = l->stage + slot * l->shape.message_bytes +
		     sizeof(struct oplog_head) + RLOG_HEADER_BYTES;
		for (i = 0; i < l->cfg.group; i++)
			replica_payload(&l->replica,
					at + i * l->shape.record_bytes);
	}
}

int oplog_leader_open(struct end *e, const struct oplog_cfg *cfg,
		      struct err *err)
{
	struct leader *l = calloc(1, sizeof(*l));
	int ret;

	e->state = l;
	if (!l)
		return err_sys(err, -ENOMEM, "oplog");
	l->end = e;
	l->cfg = *cfg;
	l->n_links = (unsigned)cfg->rf - 1;
	oplog_shape(cfg, &l->shape);
	l->steps =
		rlog_steps_record(oplog_reach((enum oplog_method)cfg->method),
				  (enum rlog_commit)cfg->commit);
	l->batches = calloc(l->shape.slots, sizeof(*l->batches));
	if (!l->batches)
		return err_sys(err, -ENOMEM, "oplog");
	ret = replica_open(&l->replica, e, cfg, "leader", err);
	if (!ret)
		ret = make_buffers(l, err);
	if (!ret)
		fill_images(l);
	if (!l->n_links)
		end_set_local(e, "", false); /* no wire either */
	if (!ret && !oplog_one_sided((enum oplog_method)cfg->method))
		ret = leader_post_replies(l, err);
	return ret;
}

void oplog_leader_close(struct end *e)
{
	struct leader *l = e->state;
	unsigned i;

	if (!l)
		return;
	for (i = 0; i < l->n_links; i++)
		if (l->link[i].region)
			end_ep(e, i)->tp->dereg(end_ep(e, i),
						l->link[i].region);
	mem_free(&l->mem);
	replica_close(&l->replica);
	free(l->batches);
	free(l);
	e->state = NULL;
}

/* --- the loop -------------------------------------------------------------------- */

static int take_token(struct leader *l, unsigned i, struct err *err)
{
	const struct blob *b = end_peer_token(l->end, i);
	struct oplog_token *t = &l->link[i].token;

	if (b->len == sizeof(*t))
		memcpy(t, b->data, sizeof(*t));
	if (b->len == sizeof(*t) && t->kind < NVM_KINDS &&
	    t->domain < NVM_DOMAINS)
		return 0;
	return err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
		       "what the peer says of its log does not parse");
}

/* A batch's reads, FLUSHes and ATOMIC WRITEs are held back by a device that has
 * enough of them on their way: more writers would wait in its queue instead of
 * ours, and the latency would not say why. */
static uint64_t writers_taken(const struct leader *l)
{
	uint64_t writers = l->cfg.outstanding, most;
	unsigned i, limit, answered = 0;

	for (i = 0; l->steps && i < l->steps->n; i++)
		answered += l->steps->step[i] != RLOG_STEP_WRITE;
	for (i = 0; answered && i < l->n_links; i++) {
		limit = end_ep(l->end, i)->caps.max_reads;
		most = (limit < answered ? 1 : limit / answered) * l->cfg.group;
		if (limit && most < writers)
			writers = most;
	}
	return writers;
}

static int begin_phase(struct leader *l, struct err *err)
{
	static const unsigned metrics[LEADER_STAGES] = {
		[STAGE_ENCODE] = OPLOG_METRIC_ENCODE,
		[STAGE_POST] = OPLOG_METRIC_POST,
		[STAGE_APPEND] = OPLOG_METRIC_APPEND,
		[STAGE_PERSIST] = OPLOG_METRIC_PERSIST,
		[STAGE_WAIT] = OPLOG_METRIC_WAIT,
		[STAGE_ACK_1] = OPLOG_METRIC_ACK_1,
		[STAGE_ACK_2] = OPLOG_METRIC_ACK_2,
	};
	struct tally *t = &l->end->tally;
	unsigned i;
	int ret = 0;

	for (i = 0; i < STAGE_ACK_1 + l->n_links; i++)
		l->dist[i] = tally_dist(t, metrics[i]);
	l->latency = &t->latency;
	l->started = l->acked = l->wire = l->trims = l->fetched = 0;
	l->arrival_head = 0;
	l->arrival_tail = l->writers = writers_taken(l);
	for (i = 0; i < l->n_links && !ret; i++)
		ret = take_token(l, i, err);
	l->last_ack = clock_ticks(l->end->clock);
	for (i = 0; i < l->writers; i++)
		l->arrivals[i] = l->last_ack;
	return ret;
}

static bool over(const struct leader *l, const struct phase *ph, uint64_t begin)
{
	if (l->acked < ph->min_ops && !stop_requested)
		return false;
	return stop_requested || l->started >= ph->max_ops ||
	       clock_ns(l->end->clock, l->last_ack - begin) >= ph->max_ns;
}

/* A batch does not wrap: it is written at once.  One record never does, and
 * is spared the division. */
static uint64_t up_to_end(const struct leader *l, uint64_t n)
{
	uint64_t at, to_end;

	if (n == 1)
		return 1;
	at = l->replica.log.reserved % l->shape.capacity;
	to_end = (l->shape.capacity - at) / l->shape.record_bytes;
	return n < to_end ? n : to_end;
}

static uint64_t oldest_arrival(const struct leader *l)
{
	return l->arrivals[l->arrival_head % OPLOG_OUTSTANDING_MAX];
}

/* How many of the waiting records make the next batch; 0: not yet. */
static unsigned ready(const struct leader *l, const struct phase *ph)
{
	const uint64_t waiting = l->arrival_tail - l->arrival_head;
	uint64_t n = waiting < l->cfg.group ? waiting : l->cfg.group;

	if (!n || l->next - l->oldest >= l->shape.slots)
		return 0;
	if (n < l->cfg.group && ph->max_ops - l->started > n &&
	    (!l->cfg.group_ns ||
	     clock_ns(l->end->clock,
		      clock_ticks(l->end->clock) - oldest_arrival(l)) <
		     l->cfg.group_ns))
		return 0;
	n = up_to_end(l, n);
	return (unsigned)(n < ph->max_ops - l->started
				  ? n
				  : ph->max_ops - l->started);
}

/* How long a group that is not full may still wait for more; 0: there is
 * none, or no place for it. */
static uint64_t group_left_ns(const struct leader *l)
{
	const struct clock *clk = l->end->clock;
	uint64_t waited;

	if (!l->cfg.group_ns || l->arrival_tail == l->arrival_head ||
	    l->next - l->oldest >= l->shape.slots)
		return 0;
	waited = clock_ns(clk, clock_ticks(clk) - oldest_arrival(l));
	return waited < l->cfg.group_ns ? l->cfg.group_ns - waited : 0;
}

/* Such a group is not kept by a peer that is slow to answer: the links are
 * waited for in turn, none for longer than it has left. */
static int collect_briefly(struct leader *l, struct end_waiter *w,
			   uint64_t left_ns, struct err *err)
{
	struct comp comp[8];
	unsigned i;
	int n, ret = 0;

	for (i = 0; i < l->n_links && !ret; i++) {
		struct ep *ep = end_ep(l->end, i);

		n = ep_wait(ep, comp, 8, left_ns / l->n_links);
		if (n < 0) {
			*err = ep->err;
			return n;
		}
		ret = leader_take(l, i, comp, n, err);
		w->done += (uint64_t)n;
	}
	return ret ? ret : end_waiter_look(w, clock_ticks(l->end->clock), err);
}

static int collect(struct leader *l, struct end_waiter *w, struct err *err)
{
	unsigned link = (unsigned)(w->done % (l->n_links ? l->n_links : 1));
	const uint64_t left_ns = group_left_ns(l);
	struct comp comp[8];
	int n, ret;

	if (!l->n_links)
		return 0;
	ret = leader_repost(l, err);
	if (ret)
		return ret;
	if (left_ns)
		return collect_briefly(l, w, left_ns, err);
	n = end_wait_any(w, l->n_links, &link, comp, 8, err);
	if (n <= 0)
		return n ? n
			 : err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
				   "a server ended the phase");
	w->done += (uint64_t)n;
	return leader_take(l, link, comp, n, err);
}

static int await_all(struct leader *l, struct end_waiter *w, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < l->n_links; i++)
		while (!ret && !l->link[i].trimmed)
			ret = collect(l, w, err);
	l->trimming = false;
	return ret;
}

/* The ring is full, and nothing is on its way: the older half is no longer
 * needed, here and at the peers. */
static int make_room(struct leader *l, struct end_waiter *w, struct err *err)
{
	int ret;

	l->trims++;
	l->trimming = true;
	replica_make_room(&l->replica);
	ret = leader_send_mark(l, err);
	return ret ? ret : await_all(l, w, err);
}

/* Of bare writes the peers' memory says nothing yet, though all are complete;
 * and the peers verify it next.  Outside the time that is measured. */
static int see_written(struct leader *l, struct end_waiter *w, struct err *err)
{
	int ret;

	if (l->cfg.method != OPLOG_WRITE || !l->next || stop_requested)
		return 0;
	l->trimming = true;
	ret = leader_read_back(l, err);
	return ret ? ret : await_all(l, w, err);
}

static int step(struct leader *l, const struct phase *ph, bool ending,
		struct end_waiter *w, struct err *err)
{
	const unsigned n = ending ? 0 : ready(l, ph);

	if (!n)
		return collect(l, w, err);
	if (n * l->shape.record_bytes <= rlog_free_bytes(&l->replica.log)) {
		l->started += n;
		return leader_begin(l, n, err);
	}
	return l->oldest < l->next ? collect(l, w, err) : make_room(l, w, err);
}

static uint64_t handed_over(const struct leader *l)
{
	uint64_t bytes = 0;
	unsigned i;

	for (i = 0; i < l->n_links; i++) {
		const struct ep_counts *c = &end_ep(l->end, i)->counts;

		bytes += c->bytes_sent + c->bytes_one_sided;
	}
	return bytes;
}

/* What the transports were handed is what the log wanted sent and read: each
 * record to each peer once, with its header, and the marks. */
static int check_wire(const struct leader *l, uint64_t before, struct err *err)
{
	const uint64_t is = handed_over(l) - before;
	const uint64_t want = l->wire + l->fetched;

	if (is == want)
		return 0;
	return err_set(err, -EBADMSG, REASON_MISCOUNT,
		       "%llu bytes on the wire, %llu wanted",
		       (unsigned long long)is, (unsigned long long)want);
}

static void close_phase(struct leader *l, uint64_t begin, uint64_t batches,
			uint64_t lines)
{
	struct tally *t = &l->end->tally;

	tally_set(t, METRIC_OPS, l->acked);
	tally_set(t, METRIC_PAYLOAD, l->acked * l->cfg.size);
	tally_set(t, METRIC_ELAPSED,
		  clock_ns(l->end->clock, l->last_ack - begin));
	tally_set(t, OPLOG_METRIC_WIRE, l->wire);
	tally_set(t, OPLOG_METRIC_TRIMS, l->trims);
	tally_set(t, OPLOG_METRIC_WRITERS, l->writers);
	tally_set(t, OPLOG_METRIC_BATCHES, l->next - batches);
	tally_set(t, OPLOG_METRIC_FLUSHED,
		  l->replica.log.flushed_lines - lines);
}

int oplog_lead(struct end *e, const struct phase *ph, struct err *err)
{
	struct leader *l = e->state;
	const uint64_t batches = l->next, bytes = handed_over(l);
	const uint64_t lines = l->replica.log.flushed_lines;
	struct end_waiter w;
	uint64_t begin;
	bool ending;
	int ret;

	end_waiter_init(&w, e, l->shape.message_bytes);
	ret = begin_phase(l, err);
	begin = l->last_ack;
	while (!ret) {
		ending = over(l, ph, begin);
		if (ending && l->oldest == l->next)
			break;
		ret = step(l, ph, ending, &w, err);
		/* Peers that only lend their memory hear nothing else. */
		if (!ret)
			ret = end_waiter_look(&w, l->last_ack, err);
	}
	close_phase(l, begin, batches, lines);
	tally_set(&e->tally, OPLOG_METRIC_IDLE, w.idle);
	if (!ret)
		ret = see_written(l, &w, err);
	if (!ret && stop_requested)
		return parts_interrupted(err);
	return ret ? ret : check_wire(l, bytes, err);
}

/* --- afterwards --------------------------------------------------------------------- */

static void note(struct end *e, unsigned i, const char *text)
{
	snprintf(e->notes[i], sizeof(e->notes[i]), "%s", text);
}

static void note_writers(struct leader *l)
{
	if (l->writers == l->cfg.outstanding)
		return;
	snprintf(l->end->notes[3], sizeof(l->end->notes[3]),
		 "%llu of %llu: a queue pair on %s has %u reads, FLUSHes and "
		 "atomics on their way at once (--rd-atomic)",
		 (unsigned long long)l->writers,
		 (unsigned long long)l->cfg.outstanding,
		 end_caps(l->end)->device, end_caps(l->end)->max_reads);
}

/* The weakest of all copies. */
static void note_durability(struct leader *l)
{
	struct durable_case c = {
		.by = DURABLE_BY_CPU,
		.kind = l->replica.nvm.kind,
		.domain = l->replica.nvm.domain,
	};
	const char *reason, *other;
	enum durable is = durable_judge(&c, &reason), that;
	unsigned i;

	note(l->end, 2, nvm_kind_names[c.kind]);
	for (i = 0; i < l->n_links; i++) {
		c.by = oplog_durable_by(&l->cfg);
		c.kind = (enum nvm_kind)l->link[i].token.kind;
		c.domain = (enum nvm_domain)l->link[i].token.domain;
		c.software_device = l->link[i].token.software_device;
		that = durable_judge(&c, &other);
		if (that < is) {
			is = that;
			reason = other;
		}
		note(l->end, 2, nvm_kind_names[c.kind]);
	}
	note(l->end, 4, crc32c_way_names[gauge_crc(l->end->gauge)]);
	note(l->end, 0, durable_names[is]);
	note(l->end, 1, reason);
}

/* Each replica was recovered from its own memory: all must have found the
 * same records, and all that were acknowledged. */
static int check_peers(struct leader *l, struct err *err)
{
	const struct tally *mine = &l->end->tally;
	unsigned i;

	for (i = 0; i < l->n_links; i++) {
		const struct tally *t = &l->end->peer_tallies[i];

		if (tally_has(t, OPLOG_METRIC_RECOVERED) &&
		    t->value[OPLOG_METRIC_RECOVERED] ==
			    mine->value[OPLOG_METRIC_RECOVERED] &&
		    t->value[OPLOG_METRIC_LAST_CRC] ==
			    mine->value[OPLOG_METRIC_LAST_CRC])
			continue;
		return err_set(
			err, -EBADMSG, REASON_VERIFY_FAILED,
			"recovery found records up to %llu here and up to "
			"%llu at peer %u, or others",
			(unsigned long long)mine->value[OPLOG_METRIC_RECOVERED],
			(unsigned long long)t->value[OPLOG_METRIC_RECOVERED],
			i + 1);
	}
	return 0;
}

int oplog_leader_verify(struct end *e, struct err *err)
{
	struct leader *l = e->state;
	int ret = replica_verify(&l->replica, e, l->replica.log.next_stored - 1,
				 err);

	note_durability(l);
	note_writers(l);
	return ret ? ret : check_peers(l, err);
}
