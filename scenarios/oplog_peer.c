/*
 * A peer: takes batches by message, or finds them written into its log, makes
 * them durable and says so.  For one-sided methods it only lends its memory.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/stop.h"
#include "machine/mem.h"
#include "oplog.h"
#include "work/parts.h"

enum { SIGNAL_EVERY = 16, LOAD_PERIOD_NS = 10000000 };

struct peer_end {
	struct oplog_cfg cfg;
	struct oplog_shape shape;
	struct replica replica;
	struct mem mem; /* messages, then replies: one of each a slot */
	struct region *buffers, *log;
	bool in_place;	  /* records land in the ring: no copy is made */
	uint64_t landing; /* in the log, of the next receive's record */
	uint64_t replies;
	uint64_t received; /* messages, both ways in order */
	pthread_t load;
	atomic_bool loading;
};

/* One more than the leader can have on their way: a reply goes out before its
 * receive is posted again, and the next batch may be faster than that. */
static uint64_t receives(const struct peer_end *p)
{
	return p->shape.slots + 1;
}

static char *message_at(struct peer_end *p, uint64_t slot)
{
	return (char *)p->mem.addr + slot * p->shape.message_bytes;
}

static struct oplog_reply *reply_at(struct peer_end *p, uint64_t slot)
{
	return (struct oplog_reply *)message_at(p, receives(p)) + slot;
}

static int post(struct end *e, const struct work *w, struct err *err)
{
	int ret = e->ep->tp->post(e->ep, w, 1);

	if (ret)
		*err = e->ep->err;
	return ret;
}

/* The record lands where it belongs, behind those that are on their way.  What
 * is there must be free, durably so, before it may: the room is made earlier
 * than a copy would need it. */
static int post_landing(struct end *e, struct peer_end *p, uint64_t slot,
			struct err *err)
{
	struct rlog *log = &p->replica.log;
	const uint64_t bytes = p->shape.record_bytes, end = p->landing + bytes;
	const struct sge sges[] = {
		{message_at(p, slot), sizeof(struct oplog_head), p->buffers},
		{rlog_at(log, p->landing), bytes, p->log},
	};
	const struct work w = {
		.op = OP_RECV, .n_sges = 2, .sges = sges, .cookie = slot};

	if (end - log->mark.head > log->capacity)
		replica_make_room(&p->replica);
	assert(end - log->mark.head <= log->capacity);
	p->landing = end;
	return post(e, &w, err);
}

/* A message of write-imm brings nothing but its number. */
static int post_recv(struct end *e, struct peer_end *p, uint64_t slot,
		     struct err *err)
{
	const bool by_message = p->cfg.method != OPLOG_WRITE_IMM;
	const struct sge sge = {
		.addr = message_at(p, slot),
		.len = p->shape.message_bytes,
		.region = p->buffers,
	};
	const struct work w = {
		.op = OP_RECV,
		.n_sges = by_message,
		.sges = &sge,
		.cookie = slot,
	};

	return p->in_place ? post_landing(e, p, slot, err) : post(e, &w, err);
}

static int post_recvs(struct end *e, struct peer_end *p, struct err *err)
{
	uint64_t i;
	int ret = 0;

	for (i = 0; !ret && i < receives(p); i++)
		ret = post_recv(e, p, i, err);
	return ret;
}

/* --- load: an application that wants the same CPU --------------------------------- */

static void burn(uint64_t ns)
{
	uint64_t begin = clock_raw_ns();

	while (clock_raw_ns() - begin < ns)
		;
}

static void *load_main(void *arg)
{
	struct peer_end *p = arg;
	const uint64_t busy = LOAD_PERIOD_NS / 100 * p->cfg.peer_load;
	const struct timespec rest = {.tv_nsec = (long)(LOAD_PERIOD_NS - busy)};

	while (atomic_load(&p->loading)) {
		burn(busy);
		if (rest.tv_nsec)
			nanosleep(&rest, NULL);
	}
	return NULL;
}

/* It inherits the CPU that this thread is pinned to. */
static int load_begin(struct peer_end *p, struct err *err)
{
	int e;

	if (!p->cfg.peer_load)
		return 0;
	atomic_store(&p->loading, true);
	e = pthread_create(&p->load, NULL, load_main, p);
	if (!e)
		return 0;
	atomic_store(&p->loading, false);
	return err_sys(err, -e, "--peer-load");
}

static void load_end(struct peer_end *p)
{
	if (!atomic_exchange(&p->loading, false))
		return;
	pthread_join(p->load, NULL);
}

/* --- opening ------------------------------------------------------------------------ */

static int lend_log(struct end *e, struct peer_end *p, struct err *err)
{
	unsigned access =
		OP_BIT(OP_WRITE) | OP_BIT(OP_WRITE_IMM) | OP_BIT(OP_READ);

	if (p->cfg.method == OPLOG_WRITE_FLUSH)
		access |= OP_BIT(OP_FLUSH) | OP_BIT(OP_ATOMIC_WRITE);
	if (p->cfg.placement == PLACE_PERSISTENT && !p->replica.nvm.persistent)
		return err_set(err, -EOPNOTSUPP, REASON_DEVICE_LIMIT,
			       "--placement persistent, but the peer's log is "
			       "in no persistent memory (--memory devdax)");
	if (p->cfg.placement == PLACE_PERSISTENT)
		access |= ACCESS_PERSISTENT;

	return e->ep->tp->reg(e->ep, p->replica.nvm.addr, p->replica.nvm.len,
			      access, &p->log, err);
}

/* Where every batch is one record it is known where the next ones belong; and
 * where the log can be registered (fsdax cannot) they may land there. */
static void land_in_ring(struct end *e, struct peer_end *p)
{
	struct err why;

	if (p->cfg.group > 1)
		return;
	p->in_place = !e->ep->tp->reg(e->ep, p->replica.nvm.addr,
				      p->replica.nvm.len, 0, &p->log, &why);
	p->landing = p->replica.log.stored;
}

static int make_buffers(struct end *e, struct peer_end *p, struct err *err)
{
	const size_t bytes = receives(p) * (p->shape.message_bytes +
					    sizeof(struct oplog_reply));
	int ret = mem_alloc_on(&p->mem, bytes, e->is.numa_node, err);

	if (!ret)
		ret = e->ep->tp->reg(e->ep, p->mem.addr, p->mem.len, 0,
				     &p->buffers, err);
	return ret;
}

static void tell(struct end *e, const struct peer_end *p)
{
	const struct oplog_token token = {
		.region = (uintptr_t)p->replica.nvm.addr,
		.rkey = p->log ? p->log->rkey : 0,
		.kind = (uint32_t)p->replica.nvm.kind,
		.domain = (uint32_t)p->replica.nvm.domain,
		.software_device = end_caps(e)->software_device,
	};

	memcpy(e->token.data, &token, sizeof(token));
	e->token.len = sizeof(token);
}

int oplog_peer_open(struct end *e, const struct oplog_cfg *cfg, struct err *err)
{
	struct peer_end *p = calloc(1, sizeof(*p));
	const bool remote = oplog_one_sided((enum oplog_method)cfg->method) ||
			    cfg->method == OPLOG_WRITE_IMM;
	int ret;

	e->state = p;
	if (!p)
		return err_sys(err, -ENOMEM, "oplog");
	p->cfg = *cfg;
	oplog_shape(cfg, &p->shape);
	if (cfg->method == OPLOG_LOCAL)
		return 0;
	ret = replica_open(&p->replica, e, cfg, "peer", err);
	if (!ret && remote)
		ret = lend_log(e, p, err);
	if (!ret && !remote)
		land_in_ring(e, p);
	if (!ret)
		ret = make_buffers(e, p, err);
	if (!ret && !oplog_one_sided((enum oplog_method)cfg->method))
		ret = post_recvs(e, p, err);
	if (!ret)
		ret = load_begin(p, err);
	tell(e, p);
	return ret;
}

void oplog_peer_close(struct end *e)
{
	struct peer_end *p = e->state;

	if (!p)
		return;
	load_end(p);
	if (p->buffers)
		e->ep->tp->dereg(e->ep, p->buffers);
	if (p->log)
		e->ep->tp->dereg(e->ep, p->log);
	mem_free(&p->mem);
	replica_close(&p->replica);
	free(p);
	e->state = NULL;
}

/* --- batches -------------------------------------------------------------------------- */

static int refuse(int ret, uint64_t sequence, struct err *err)
{
	return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
		       "the leader's batch at record %llu is not the next "
		       "(%d)",
		       (unsigned long long)sequence, ret);
}

static int take_record(struct peer_end *p, const char *at)
{
	struct rlog *l = &p->replica.log;
	const bool in_place = p->in_place || p->cfg.method == OPLOG_WRITE_IMM;
	int ret;

	ret = in_place ? rlog_adopt(l)
		       : rlog_store(l, at, p->shape.record_bytes);
	if (ret != -ENOSPC || in_place)
		return ret;
	/* The leader has made room too, by the same rule, or it would not
	 * have sent this. */
	replica_make_room(&p->replica);
	return rlog_store(l, at, p->shape.record_bytes);
}

static int take_batch(struct peer_end *p, uint64_t slot, uint64_t count,
		      struct err *err)
{
	const char *at = message_at(p, slot) + sizeof(struct oplog_head);
	uint64_t i;
	int ret;

	if (count > p->cfg.group)
		return refuse(-E2BIG, p->replica.log.next_stored, err);
	for (i = 0; i < count; i++, at += p->shape.record_bytes) {
		ret = take_record(p, at);
		if (ret)
			return refuse(ret, p->replica.log.next_stored, err);
	}
	return 0;
}

static int send_reply(struct end *e, struct peer_end *p, uint64_t slot,
		      uint64_t persist_ns, struct err *err)
{
	struct oplog_reply *reply = reply_at(p, slot);
	const struct sge sge = {
		.addr = reply, .len = sizeof(*reply), .region = p->buffers};
	const struct work w = {
		.op = OP_SEND,
		.n_sges = 1,
		.sges = &sge,
		.flags = ++p->replies % SIGNAL_EVERY ? 0 : WORK_SIGNAL,
	};

	*reply = (struct oplog_reply){
		.sequence = p->replica.log.next_stored,
		.persist_ns = persist_ns,
	};
	return post(e, &w, err);
}

/* One message: a batch, or (write-imm, number 0) that room is to be made. */
static int serve(struct end *e, struct peer_end *p, const struct comp *c,
		 struct hist *persist, struct err *err)
{
	const uint64_t slot = c->cookie;
	const struct oplog_head *head = (const void *)message_at(p, slot);
	const bool imm = p->cfg.method == OPLOG_WRITE_IMM;
	uint64_t count = imm ? c->imm : head->count, begin, ns;
	int ret;

	ret = take_batch(p, slot, count, err);
	if (ret)
		return ret;
	begin = clock_ticks(e->clock);
	if (count)
		rlog_commit(&p->replica.log);
	else
		replica_make_room(&p->replica);
	ns = clock_ns(e->clock, clock_ticks(e->clock) - begin);
	ret = send_reply(e, p, slot, ns, err);
	if (count)
		hist_record(persist, ns);
	return ret ? ret : post_recv(e, p, slot, err);
}

static int serve_all(struct end *e, struct peer_end *p, struct err *err)
{
	struct hist *persist = tally_dist(&e->tally, OPLOG_METRIC_PEER_PERSIST);
	const uint64_t first = p->replica.log.next_stored;
	struct end_waiter w;
	struct comp comp[8];
	int i, n, ret = 0;

	end_waiter_init(&w, e, p->shape.message_bytes);
	while (!ret && (n = end_wait(&w, comp, 8, err)) > 0) {
		for (i = 0; i < n && !ret; i++) {
			if (comp[i].op != OP_RECV)
				continue;
			ret = serve(e, p, &comp[i], persist, err);
			w.done++;
		}
		if (stop_requested)
			return err_set(err, -EINTR, REASON_INTERRUPTED,
				       "the server was told to end");
	}
	tally_set(&e->tally, METRIC_OPS, p->replica.log.next_stored - first);
	tally_set(&e->tally, OPLOG_METRIC_IDLE, w.idle);
	return ret ? ret : n;
}

int oplog_follow(struct end *e, const struct phase *ph, struct err *err)
{
	struct peer_end *p = e->state;
	const uint64_t before = p->replica.log.flushed_lines;
	int ret;

	(void)ph;
	if (p->cfg.method == OPLOG_LOCAL ||
	    oplog_one_sided((enum oplog_method)p->cfg.method))
		return end_stand_by(e, false, err);
	ret = serve_all(e, p, err);
	tally_set(&e->tally, OPLOG_METRIC_FLUSHED,
		  p->replica.log.flushed_lines - before);
	return ret;
}

int oplog_peer_verify(struct end *e, struct err *err)
{
	struct peer_end *p = e->state;

	if (p->cfg.method == OPLOG_LOCAL)
		return 0;
	/* The leader compares what is found with what it acknowledged. */
	return replica_verify(
		&p->replica, e,
		p->replica.log.committed ? p->replica.log.next_stored - 1 : 0,
		err);
}
