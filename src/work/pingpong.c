#include "work/pingpong.h"

#include <assert.h>
#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include "base/stop.h"
#include "work/parts.h"

/* Looks at a byte between two at the completion queue, each of which is worth
 * tens of them; and of those between two words with the peer. */
enum { SEED = 0xb0b0, LOOKS = 256, ROUNDS = 1024, YIELDS = 64 };

/* --- setting up ----------------------------------------------------------- */

/* What one end sends is like nothing of the other's, whatever the numbers. */
static uint64_t seed_of(enum role role)
{
	return SEED + ((uint64_t)role << 32);
}

uint64_t pingpong_bytes(const struct pingpong_attr *a)
{
	return (1 + PINGPONG_RECVS) * parts_stride(a->size + RECV_ROOM_MAX);
}

static void make_works(struct pingpong *p)
{
	const bool seen = p->a.op == OP_WRITE && !p->a.poll_memory;
	/* The second of two may arrive without the first. */
	const bool two = seen && !p->lossy;

	parts_cut(p->sges, p->a.sges, p->tx, p->a.size, p->region);
	p->n_works = two ? 2 : 1;
	p->works[0] = (struct work){
		.op = seen && !two ? OP_WRITE_IMM : p->a.op,
		.n_sges = p->a.sges,
		.sges = p->sges,
	};
	p->works[1] = (struct work){.op = OP_WRITE_IMM, .sges = p->sges};
	p->last = &p->works[p->n_works - 1];
	p->by_number = p->lossy && p->works[0].op == OP_WRITE_IMM;
}

/* A byte that is looked at is none of the message's. */
static size_t payload(const struct pingpong *p)
{
	return p->a.size - p->a.poll_memory;
}

static bool can_verify(const struct pingpong *p)
{
	return parts_can_verify(p->end, payload(p));
}

/* What an operation would have to ask for each time. */
static void keep_at_hand(struct pingpong *p)
{
	const struct link_cfg *link = &p->end->pt->link;

	p->ep = p->end->ep;
	p->seed = seed_of(p->end->role);
	p->lossy = p->ep->caps.lossy;
	p->numbered = p->lossy && can_verify(p);
	p->stamp = parts_stamp(p->a.verify);
	p->signal_every = p->until_signal = (unsigned)link->signal_every;
	p->most_sent = (unsigned)link->tx_depth - PINGPONG_WORKS;
	/* A yield may take as long as others run (transport.c). */
	p->rounds = p->ep->poll == POLL_SPIN ? ROUNDS : YIELDS;
}

static void make_recv(struct pingpong *p, unsigned i)
{
	p->recv_sges[i] = (struct sge){
		.addr = p->rx + i * p->stride,
		.len = p->a.size,
		.region = p->region,
	};
	p->recvs[i] = (struct work){
		.op = OP_RECV,
		.n_sges = p->a.op == OP_SEND,
		.sges = &p->recv_sges[i],
		.cookie = i,
		.flags = p->a.op == OP_SEND ? WORK_ROOM : 0,
	};
}

/* That of the message which was looked at. */
static int post_recv(struct pingpong *p, struct err *err)
{
	return p->a.poll_memory
		       ? 0
		       : parts_post(p->end, &p->recvs[p->recv], 1, err);
}

static int post_recvs(struct pingpong *p, struct err *err)
{
	int ret = 0;

	for (p->recv = 0; !ret && p->recv < PINGPONG_RECVS; p->recv++) {
		make_recv(p, p->recv);
		ret = post_recv(p, err);
		/* Nobody else posts any on this link. */
		p->recvs[p->recv].flags |= WORK_AGAIN;
	}
	p->recv = 0;
	return ret;
}

/* What the next message does not have to wait for. */
static inline void make_ready(struct pingpong *p, unsigned flags)
{
	p->last->flags = flags;
	p->last->cookie = p->sent + p->n_works;
	if (!--p->until_signal) {
		p->last->flags |= WORK_SIGNAL;
		p->until_signal = p->signal_every;
	}
}

static int take_token(struct pingpong *p, struct err *err)
{
	unsigned i;
	int ret = parts_learn_memory(p->end, 0, &p->remote_addr,
				     &p->remote_rkey, err);

	for (i = 0; !ret && i < PINGPONG_WORKS; i++) {
		p->works[i].remote_addr = p->remote_addr;
		p->works[i].remote_rkey = p->remote_rkey;
	}
	p->last->flags &= ~(unsigned)WORK_AGAIN;
	return ret;
}

int pingpong_init(struct pingpong *p, struct end *e,
		  const struct pingpong_attr *a, struct err *err)
{
	const unsigned access = OP_BIT(OP_WRITE) | OP_BIT(OP_WRITE_IMM);
	int ret;

	memset(p, 0, sizeof(*p));
	p->end = e;
	p->a = *a;
	p->number = 1;
	keep_at_hand(p);
	ret = mem_alloc_on(&p->mem, pingpong_bytes(a), e->is.numa_node, err);
	if (ret)
		return ret;
	p->tx = p->mem.addr;
	p->stride = parts_stride(a->size + e->ep->caps.recv_room);
	p->rx = p->at = p->tx + p->stride;
	ret = e->ep->tp->reg(e->ep, p->mem.addr, p->mem.len,
			     a->op == OP_SEND ? 0 : access, &p->region, err);
	if (ret)
		return ret;
	scan_fill(p->tx, a->size, p->seed);
	make_works(p);
	make_ready(p, 0);
	parts_tell_memory(e, 0, p->rx, p->region->rkey);
	return post_recvs(p, err);
}

void pingpong_fini(struct pingpong *p)
{
	if (p->region)
		p->end->ep->tp->dereg(p->end->ep, p->region);
	p->region = NULL;
	mem_free(&p->mem);
}

/* --- what came ------------------------------------------------------------- */

static inline uint64_t number_in(const struct pingpong *p)
{
	uint64_t number = p->number;

	/* Of what may have been lost only the message itself tells which it
	 * is. */
	if (p->numbered)
		memcpy(&number, p->at, sizeof(number));
	return number;
}

static int verify_message(struct pingpong *p, uint64_t number, struct err *err)
{
	const struct scan_expect want = {
		.seed = seed_of(!p->end->role),
		.op = number,
		.stamp = p->stamp,
	};

	if (!can_verify(p))
		return 0;
	p->verified++;
	return scan_verify(p->at, payload(p), &want, err);
}

int pingpong_verify(struct pingpong *p, struct err *err)
{
	/* With each, it was when it came; what is lost may leave its begin in
	 * the memory of what came before it. */
	if (p->a.verify != VERIFY_ENDS || p->number == 1 || p->lossy)
		return 0;
	p->end->verified++;
	return verify_message(p, p->number - 1, err);
}

static unsigned place_of(uint32_t imm)
{
	return imm % PINGPONG_RECVS;
}

/* --- over and back --------------------------------------------------------- */

static inline int post_message(struct pingpong *p, uint64_t number,
			       struct err *err)
{
	struct work *last = p->last;
	int ret;

	scan_stamp(p->stamp, p->tx, p->a.size, p->seed, number);
	/* What is looked at is never what it was before. */
	if (p->a.poll_memory)
		p->tx[p->a.size - 1] = (char)number;
	last->imm = (uint32_t)number;
	if (p->by_number)
		last->remote_addr =
			p->remote_addr + place_of(last->imm) * p->stride;
	ret = parts_post(p->end, p->works, p->n_works, err);
	p->sent += p->n_works;
	make_ready(p, WORK_AGAIN);
	return ret;
}

static bool queue_full(const struct pingpong *p)
{
	return p->sent - p->completed > p->most_sent;
}

/* What came is looked at. */
static inline void look_at(struct pingpong *p, struct pingpong_came came)
{
	p->recv = came.recv;
	if (p->by_number)
		p->at = p->rx + place_of(came.imm) * p->stride;
	else if (p->a.op == OP_SEND)
		p->at = p->recv_sges[came.recv].addr;
}

/* The oldest of those that wait, if its answer has room: 1, or 0. */
static __attribute__((noinline)) int look_at_oldest(struct pingpong *p)
{
	if (!p->n_came || queue_full(p))
		return 0;
	look_at(p, p->came[0]);
	memmove(p->came, p->came + 1, --p->n_came * sizeof(p->came[0]));
	return 1;
}

/* A completion of a send frees its place; a message that came waits for its
 * turn, unless that is now. */
static inline int take(struct pingpong *p, const struct comp *comp)
{
	const struct pingpong_came came = {
		.imm = comp->imm,
		.recv = (uint8_t)comp->cookie,
	};

	if (comp->op != OP_RECV) {
		p->completed = comp->cookie;
		return p->n_came ? look_at_oldest(p) : 0;
	}
	if (!p->n_came && !queue_full(p)) {
		look_at(p, came);
		return 1;
	}
	assert(p->n_came < PINGPONG_RECVS);
	p->came[p->n_came++] = came;
	return look_at_oldest(p);
}

/* Our own message's place first, as nothing else frees it; then the byte, and
 * nothing but the byte; then what came before it. */
static inline bool see_byte(struct pingpong *p)
{
	const volatile uint8_t *last =
		(const volatile uint8_t *)p->rx + p->a.size - 1;
	uint8_t byte;
	unsigned i;

	for (i = 0; i < LOOKS && !queue_full(p); i++) {
		byte = *last;
		if (byte == p->seen)
			continue;
		atomic_thread_fence(memory_order_acquire);
		p->seen = byte;
		return true;
	}
	return false;
}

/* Completions of what we sent. */
static int look_around(struct pingpong *p, struct err *err)
{
	struct ep *ep = p->ep;
	struct comp comp;
	int n = ep->tp->poll(ep, &comp, 1);

	if (n < 0)
		return parts_failed(p->end, n, err);
	if (n)
		p->completed = comp.cookie;
	if (ep->poll != POLL_SPIN)
		sched_yield();
	return 0;
}

/* The peer is looked after now and then.  1: go on; 0: the phase is finished
 * (server), or given up (client, on a lossy link); -errno.  *since: when this
 * was first asked, 0: not yet. */
static int may_go_on(struct pingpong *p, uint64_t *since, struct err *err)
{
	const uint64_t limit =
		p->lossy ? WINDOW_LOSS_NS : p->end->pt->trial.op_timeout_ns;
	const uint64_t now = clock_raw_ns();
	const int ret = p->end->pulse(p->end->pulse_arg, false, err);

	if (ret)
		return ret < 0 ? ret : 0;
	if (!*since)
		*since = now;
	if (p->end->role == ROLE_PASSIVE || now - *since < limit)
		return 1;
	if (p->lossy)
		return 0;
	return err_set(err, -ETIMEDOUT, REASON_LINK_FAILED,
		       "no write became visible for %.1f s",
		       (double)limit / 1e9);
}

/* 1: it is there; else as may_go_on. */
static __attribute__((noinline)) int look_for_byte(struct pingpong *p,
						   struct err *err)
{
	unsigned left = p->rounds;
	uint64_t since = 0;
	int ret;

	do {
		ret = look_around(p, err);
		if (ret)
			return ret;
		if (--left)
			continue;
		left = p->rounds;
		ret = may_go_on(p, &since, err);
		if (ret <= 0)
			return ret;
	} while (!see_byte(p));
	return 1;
}

static inline int await_byte(struct pingpong *p, struct err *err)
{
	return see_byte(p) ? 1 : look_for_byte(p, err);
}

/* As end_wait, but not for ever: what has not come by then is lost. */
static inline int await_limited(struct pingpong *p, struct comp *comp,
				struct err *err)
{
	int got = ep_look(p->ep, comp, 1);

	if (!got)
		got = ep_wait(p->ep, comp, 1, WINDOW_LOSS_NS);
	return got < 0 ? parts_failed(p->end, got, err) : got;
}

/* 1, or as end_wait: what came first is looked at.  One completion at a time:
 * what follows a message that is there can wait until it is answered. */
static inline __attribute__((always_inline)) int await_recv(
	struct pingpong *p, struct end_waiter *w, struct err *err)
{
	const bool limited = p->lossy && p->end->role == ROLE_ACTIVE;
	struct comp comp;
	int n;

	if (p->n_came && look_at_oldest(p))
		return 1;
	do {
		n = limited ? await_limited(p, &comp, err)
			    : end_wait(w, &comp, 1, err);
		if (n <= 0)
			return n;
	} while (!take(p, &comp));
	return 1;
}

static inline int await(struct pingpong *p, struct end_waiter *w,
			struct err *err)
{
	return p->a.poll_memory ? await_byte(p, err) : await_recv(p, w, err);
}

/* Until our own number is back; messages given up before may come late. */
static int await_own(struct pingpong *p, struct end_waiter *w, struct err *err)
{
	int ret;

	for (;;) {
		ret = await(p, w, err);
		if (ret <= 0 || number_in(p) == p->number)
			return ret;
		ret = post_recv(p, err);
		if (ret)
			return ret;
	}
}

static void close_tally(struct pingpong *p, uint64_t ops, uint64_t ns)
{
	tally_set(&p->end->tally, METRIC_OPS, ops);
	parts_tally_verified(p->end, payload(p), p->verified);
	if (ns)
		tally_set(&p->end->tally, METRIC_ELAPSED, ns);
}

/* Of a measured phase the last one is, after it; where that could be spoilt by
 * what was lost, the first. */
static bool is_checked(const struct pingpong *p, const struct phase *ph,
		       uint64_t done)
{
	if (p->a.verify != VERIFY_ENDS)
		return p->a.verify == VERIFY_EACH;
	return !done && (!ph->measured || p->lossy);
}

/* A phase of the client's, as it goes on. */
struct pingpong_run {
	const struct phase *ph;
	struct end_waiter w;
	uint64_t begin, t1; /* ticks */
	uint64_t most;	    /* that may pass between them */
	uint64_t max_ticks; /* that, once there are enough operations */
	uint64_t ops;	    /* begun */
	bool check;	    /* the one that is on its way */
	/* Of what came back last the receive is not posted again yet, nor its
	 * latency noted. */
	bool due;
	uint64_t due_ticks;
};

static inline bool is_over(const struct pingpong_run *r)
{
	return r->t1 - r->begin >= r->most;
}

/* What the last operation left to do.  Nobody waits for it once the next one
 * is on its way, so that it is done then. */
static inline int settle(struct pingpong *p, struct pingpong_run *r,
			 struct err *err)
{
	if (!r->due)
		return 0;
	r->due = false;
	r->w.done++;
	late_note(&p->late, p->end, r->due_ticks);
	return post_recv(p, err);
}

/* What will be asked once the operation that has begun is complete. */
static inline void count_begun(struct pingpong *p, struct pingpong_run *r)
{
	r->check = is_checked(p, r->ph, r->w.done);
	r->ops++;
	if (r->ops >= r->ph->min_ops)
		r->most = r->ops < r->ph->max_ops ? r->max_ticks : 0;
}

/* This one; the link only when nothing comes back any more. */
static int give_up(struct pingpong *p, struct end_waiter *w, struct err *err)
{
	p->lost++;
	p->number++;
	return end_waiter_slice(w, err);
}

/* One operation.  What can be done while it is on its way is. */
static inline int operate(struct pingpong *p, struct pingpong_run *r,
			  struct err *err)
{
	const struct clock *clk = p->end->clock;
	const uint64_t t0 = clock_ticks(clk);
	int ret = post_message(p, p->number, err);

	if (!ret)
		ret = settle(p, r, err);
	if (ret)
		return ret;
	count_begun(p, r);
	if (stop_requested)
		return parts_interrupted(err);
	ret = await_own(p, &r->w, err);
	r->t1 = clock_ticks(clk);
	if (__builtin_expect(ret <= 0, 0))
		return ret ? ret : give_up(p, &r->w, err);
	r->due_ticks = r->t1 - t0;
	r->due = true;
	/* Outside the timed part. */
	ret = r->check ? verify_message(p, p->number, err) : 0;
	p->number++;
	return ret;
}

int pingpong_client(struct pingpong *p, const struct phase *ph, struct err *err)
{
	const struct clock *clk = p->end->clock;
	struct pingpong_run r = {
		.ph = ph,
		.max_ticks = clock_ticks_of(clk, ph->max_ns),
	};
	int ret;

	ret = take_token(p, err);
	if (ret)
		return ret;
	end_waiter_init(&r.w, p->end, p->a.size);
	p->verified = p->lost = 0;
	p->late.n = 0;
	r.most = parts_phase_over(ph, 0, !ph->max_ns) ? 0 : UINT64_MAX;
	r.begin = r.t1 = clock_ticks(clk);
	while (!ret && !is_over(&r))
		ret = operate(p, &r, err);
	if (ret)
		return ret;
	ret = settle(p, &r, err);
	late_record(&p->late, p->end);
	close_tally(p, r.w.done, clock_ns(clk, r.t1 - r.begin));
	return ret;
}

/* Answers with the number that came. */
static int answer(struct pingpong *p, bool check, struct err *err)
{
	int ret;

	p->number = number_in(p);
	ret = check ? verify_message(p, p->number, err) : 0;
	if (!ret)
		ret = post_message(p, p->number, err);
	p->number++;
	return ret ? ret : post_recv(p, err);
}

int pingpong_server(struct pingpong *p, const struct phase *ph, struct err *err)
{
	struct end_waiter w;
	uint64_t ops = 0;
	int ret;

	ret = take_token(p, err);
	if (ret)
		return ret;
	end_waiter_init(&w, p->end, p->a.size);
	p->verified = 0;
	for (; !ret; ops++) {
		ret = await(p, &w, err);
		if (ret <= 0)
			break;
		ret = stop_requested ? parts_interrupted(err)
				     : answer(p, is_checked(p, ph, ops), err);
		w.done++;
	}
	close_tally(p, ops, 0);
	return ret;
}
