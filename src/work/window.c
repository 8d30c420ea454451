#include "work/window.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/smaller.h"
#include "base/stop.h"
#include "work/parts.h"
#include "work/window_work.h"

/* Completions taken at a time. */
enum { TAKE = 16 };

int window_post_recvs(struct window *w, unsigned first, unsigned n,
		      unsigned *place, struct err *err)
{
	unsigned i;
	int ret;

	assert(n <= WINDOW_LIST_MAX);
	for (i = 0; i < n; i++) {
		w->recvs[i].cookie = first + i;
		w->recvs[i].sges = &w->recv_sges[*place];
		*place = window_advance(*place, 1, w->n_recv_sges);
	}
	w->n.recvs += n;
	w->n.recv_lists++;
	ret = parts_post(w->end, w->recvs, n, err);
	if (n == 1 && w->alone)
		w->recvs->flags = WORK_AGAIN;
	return ret;
}

/* --- posting -------------------------------------------------------------- */

/* Of those not signalled nothing is known until a later one is; with so many
 * of them no list would ever have room again. */
static bool fills_window(const struct window *w)
{
	return w->since_signal + w->a.post_list > w->a.outstanding;
}

/* Only of what will be told of: reading the clock costs as much as the rest of
 * a list. */
static void note_begin(struct window *w, unsigned slot, unsigned n)
{
	const uint64_t now = clock_ticks(w->end->clock);

	for (; n; n--)
		w->begun[slot++] = now;
}

static inline void note_most(struct window *w)
{
	if (w->posted - w->known > w->n.most)
		w->n.most = w->posted - w->known;
}

/* A list, whose room the caller has made sure of.  The last operation of a
 * phase is signalled, so that the end of all of them is known. */
static inline __attribute__((always_inline)) int post_list(struct window *w,
							   unsigned n,
							   bool last,
							   struct err *err)
{
	const unsigned slot = w->slot;
	struct ep *ep = w->end->ep;
	unsigned place = w->tx_place;
	bool signalled = false;
	unsigned i;
	int ret;

	for (i = 0; i < n; i++) {
		struct work *work = &w->works[i];

		window_prepare(w, work, slot + i);
		work->sges = &w->sges[(size_t)place * w->a.sges];
		work->flags = w->again;
		place = window_advance(place, 1, w->n_tx_places);
		if (++w->since_signal < w->a.signal_every &&
		    !(i + 1 == n && (last || fills_window(w))))
			continue;
		work->flags |= WORK_SIGNAL;
		w->since_signal = 0;
		w->n.completions++;
		signalled = true;
	}
	if (signalled)
		note_begin(w, slot, n);
	ret = ep->tp->post(ep, w->works, n);
	w->again = w->alone && n == 1 ? WORK_AGAIN : 0;
	late_record(&w->late, w->end);
	w->slot = window_advance(slot, n, w->n_slots);
	w->tx_place = w->slot ? place : 0;
	w->n.lists++;
	note_most(w);
	return ret ? parts_failed(w->end, ret, err) : 0;
}

static uint64_t on_their_way(const struct window *w)
{
	return w->number - 1 - w->gone;
}

static bool has_credit(const struct window *w, unsigned n)
{
	return !w->told || on_their_way(w) + n <= w->granted;
}

/* The next list's length: whole, unless few operations are left; one is. */
static inline unsigned list_length(const struct window *w,
				   const struct window_flow *f, unsigned whole)
{
	const uint64_t left = f->ph->max_ops - w->posted;
	const unsigned to_end = w->n_slots - w->slot;
	unsigned n = whole;

	if (whole == 1)
		return 1;
	if (n > left)
		n = (unsigned)left;
	return n > to_end ? to_end : n;
}

/* How many lists of one are like the one before: none is signalled or the last
 * of the phase, and no place is the first again. */
static unsigned run_length(const struct window *w, const struct window_flow *f)
{
	const struct window_attr *a = &w->a;
	const bool late = f->now - f->begin >= f->max_ticks;
	const uint64_t least = f->ph->min_ops, most = f->ph->max_ops;
	const uint64_t last = late || most < least ? least : most;
	unsigned n = smaller(a->signal_every, a->outstanding);

	n -= w->since_signal + 1;
	if (!n || !w->again || last <= w->posted || !has_credit(w, 1))
		return 0;
	n = (unsigned)smaller64(n, last - w->posted - 1);
	n = (unsigned)smaller64(n, a->outstanding - (w->posted - w->known));
	n = smaller(n, w->n_slots - w->slot);
	if (w->n_tx_places > 1)
		n = smaller(n, w->n_tx_places - w->tx_place);
	if (w->told)
		n = (unsigned)smaller64(n, w->granted - on_their_way(w));
	return n;
}

/* They are posted with nothing between them but what differs. */
static int post_run(struct window *w, unsigned n, struct err *err)
{
	const size_t step = w->n_tx_places > 1 ? 1 : 0;
	const struct sge *sges = &w->sges[(size_t)w->tx_place * w->a.sges];
	struct ep *ep = w->end->ep;
	struct work *work = w->works;
	unsigned i;
	int ret = 0;

	work->flags = WORK_AGAIN;
	for (i = 0; i < n && !ret; i++) {
		window_prepare(w, work, w->slot + i);
		work->sges = sges;
		sges += step * w->a.sges;
		ret = ep->tp->post(ep, work, 1);
	}
	w->since_signal += n;
	w->n.lists += n;
	note_most(w);
	w->slot = window_advance(w->slot, n, w->n_slots);
	w->tx_place =
		w->slot ? window_advance(w->tx_place, step * n, w->n_tx_places)
			: 0;
	return ret ? parts_failed(w->end, ret, err) : 0;
}

static inline __attribute__((always_inline)) int post_lists(
	struct window *w, struct window_flow *f, const unsigned whole,
	struct err *err)
{
	unsigned n;
	int ret;

	while (!f->last && w->posted - w->known < w->a.outstanding) {
		n = whole == 1 ? run_length(w, f) : 0;
		if (n) {
			ret = post_run(w, n, err);
			if (ret)
				return ret;
			continue;
		}
		n = list_length(w, f, whole);
		if (w->posted - w->known + n > w->a.outstanding)
			return 0;
		if (!has_credit(w, n)) {
			w->n.stalls++;
			return 0;
		}
		f->last = w->posted + n >= f->ph->min_ops &&
			  (w->posted + n >= f->ph->max_ops ||
			   f->now - f->begin >= f->max_ticks);
		ret = post_list(w, n, f->last, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* Posts while there is room, and credit.  Lists of one have no loop: that was a
 * third of what a window adds to an operation. */
int window_post_lists(struct window *w, struct window_flow *f, struct err *err)
{
	return w->a.post_list == 1 ? post_lists(w, f, 1, err)
				   : post_lists(w, f, w->a.post_list, err);
}

/* --- completing ----------------------------------------------------------- */

static __attribute__((cold, noinline)) int atomic_failed(uint64_t number,
							 uint64_t found,
							 struct err *err)
{
	return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
		       "atomic operation %llu found %llu instead of what the "
		       "one before it left",
		       (unsigned long long)(number - 1),
		       (unsigned long long)found);
}

static int check_atomics(struct window *w, uint64_t number, uint64_t n,
			 struct err *err)
{
	const char *const end = w->tx + w->n_slots * w->stride;
	const char *at = w->tx + w->known_slot * w->stride;
	const uint64_t after = number + n;
	uint64_t found;

	w->verified += n;
	for (; number < after; number++) {
		memcpy(&found, at, sizeof(found));
		if (found != number - 1)
			return atomic_failed(number, found, err);
		at += w->stride;
		if (at == end)
			at = w->tx;
	}
	return 0;
}

int window_check_results(struct window *w, uint64_t n, struct err *err)
{
	uint64_t number = w->number - w->posted + w->known;
	unsigned slot = w->known_slot;
	int ret = 0;

	if (window_is_atomic(w->a.op))
		return check_atomics(w, number, n, err);
	for (; !ret && n; n--, number++) {
		ret = window_verify_read(w, slot, number, err);
		slot = window_advance(slot, 1, w->n_slots);
	}
	return ret;
}

/* What was taken for lost, and is told of now, has arrived after all: late, or
 * the word of it was lost.  More than was sent has not; a network may repeat
 * a datagram. */
static void take_back_lost(struct window *w)
{
	const uint64_t sent = w->number - 1;

	if (w->granted > sent + w->n_rx)
		w->granted = sent + w->n_rx;
	if (w->granted <= on_their_way(w) + w->n_rx)
		return;
	w->gone = sent + w->n_rx - w->granted;
	w->doubt = w->gone != 0;
}

/* Each has memory of its own: a later one that is there already must not be
 * believed before its own completion is taken, or that stays uncounted. */
static int take_credit(struct window *w, unsigned slot, struct err *err)
{
	unsigned place = slot;
	uint64_t granted;

	/* The number never falls; what came late is no news. */
	memcpy(&granted, w->credit_rx + slot, sizeof(granted));
	w->peer_over += granted >= WINDOW_OVER;
	granted &= ~WINDOW_OVER;
	if (granted > w->granted)
		w->granted = granted;
	take_back_lost(w);
	return window_post_recvs(w, slot, 1, &place, err);
}

int window_take_one(struct window *w, const struct comp *c, uint64_t now,
		    struct err *err)
{
	uint64_t n;
	unsigned slot;
	int ret;

	if (c->op == OP_RECV)
		return take_credit(w, (unsigned)c->cookie, err);
	n = c->cookie - w->known;
	slot = window_advance(w->known_slot, n - 1, w->n_slots);
	late_note(&w->late, w->end, now - w->begun[slot]);
	ret = window_has_results(w) ? window_check_results(w, n, err) : 0;
	w->known = c->cookie;
	w->known_slot = window_advance(slot, 1, w->n_slots);
	return ret;
}

/* What has not arrived by now is taken for lost, and its receives to be there
 * for others. */
void window_give_up_lost(struct window *w)
{
	assert(on_their_way(w) + w->n_rx >= w->granted);
	w->gone = w->number - 1 + w->n_rx - w->granted;
	w->doubt = false;
}

/* Operations whose completion was asked for are on their way: not those after
 * the last signalled one, which a lack of credit may leave behind. */
static bool will_complete(const struct window *w)
{
	return w->posted - w->known > w->since_signal;
}

bool window_waits_in_vain(const struct window *w)
{
	return w->lossy && !will_complete(w);
}

/* Something on its way will surely complete, or on a lossless link come; for
 * credit alone a lossy link is waited for only so long, until it is given up
 * where nothing comes at all. */
static int await(struct window *w, struct window_flow *f, struct comp *comp,
		 struct err *err)
{
	struct ep *ep = w->end->ep;
	int got;

	if (!window_waits_in_vain(w))
		return end_wait(&f->waiter, comp, TAKE, err);
	got = ep_wait(ep, comp, TAKE, WINDOW_LOSS_NS);
	if (got < 0)
		return parts_failed(w->end, got, err);
	if (got)
		return got;
	window_give_up_lost(w);
	return end_waiter_slice(&f->waiter, err);
}

static int complete_some(struct window *w, struct window_flow *f,
			 struct err *err)
{
	struct comp comp[TAKE];
	int i, n, ret = 0;

	n = await(w, f, comp, err);
	f->now = clock_ticks(w->end->clock);
	for (i = 0; !ret && i < n; i++)
		ret = window_take_one(w, &comp[i], f->now, err);
	/* That messages which may be lost have left says nothing of the link. */
	f->waiter.done = w->granted + (w->lossy ? 0 : w->known);
	return n < 0 ? n : ret;
}

/* All of the phase is complete; messages: the server's program has them. */
bool window_all_done(const struct window *w)
{
	if (w->posted != w->known || w->doubt)
		return false;
	return !w->told || on_their_way(w) + w->n_rx == w->granted;
}

void window_begin(struct window *w, struct window_flow *f,
		  const struct phase *ph)
{
	*f = (struct window_flow){
		.ph = ph,
		.max_ticks = clock_ticks_of(w->end->clock, ph->max_ns),
	};
	end_waiter_init(&f->waiter, w->end, w->a.size);
	w->posted = w->known = 0;
	w->slot = w->tx_place = w->known_slot = 0;
	w->recvs->flags = w->again = 0;
	w->since_signal = 0;
	w->peer_over = 0;
	w->verified = 0;
	w->late.n = 0;
	w->n = (struct window_counts){.done = 0};
	/* What an earlier phase has read is the same. */
	if (w->a.rotate && w->a.op == OP_READ)
		memset(w->tx, 0, w->n_tx_places * w->stride);
	f->begin = f->now = clock_ticks(w->end->clock);
}

uint64_t window_payload(const struct window *w, uint64_t operations)
{
	return w->a.op == OP_FLUSH ? 0 : operations * w->a.size;
}

/* What the link took from us: the payload, and 8 bytes a credit. */
static int check_bytes(const struct window *w, const struct ep_counts *before,
		       uint64_t credits, struct err *err)
{
	const struct ep_counts *now = &w->end->ep->counts;
	const uint64_t bytes = now->bytes_sent - before->bytes_sent +
			       now->bytes_one_sided - before->bytes_one_sided;
	const uint64_t want =
		window_payload(w, w->posted) + credits * sizeof(*w->credit_tx);

	if (bytes == want)
		return 0;
	return err_set(err, -EBADMSG, REASON_MISCOUNT,
		       "%llu bytes by the link's count, %llu of payload and "
		       "credit by ours",
		       (unsigned long long)bytes, (unsigned long long)want);
}

/* Receives and credit of both; a receive for a message that is cut is cut. */
static uint64_t other_posts(const struct window *w, const struct window *other)
{
	const unsigned pieces = ep_messages_per_op(w->end->ep, w->a.size);
	uint64_t n = w->n.recvs + w->n.credits;

	if (other)
		n += other->n.recvs * (w->a.op == OP_SEND ? pieces : 1) +
		     other->n.credits;
	return n;
}

int window_check_posts(struct window *w, const struct ep_counts *before,
		       const struct window *other, struct err *err)
{
	const struct ep_counts *now = &w->end->ep->counts;
	const uint64_t posts = now->posts - before->posts;
	const uint64_t bells = now->doorbells - before->doorbells;
	const uint64_t pieces = ep_messages_per_op(w->end->ep, w->a.size);
	uint64_t our_posts = w->posted * pieces + other_posts(w, other);
	uint64_t our_bells = w->n.lists + w->n.recv_lists + w->n.credits;

	w->n.posts = posts - other_posts(w, other);
	if (other)
		our_bells += other->n.recv_lists + other->n.credits;
	if (check_bytes(w, before,
			w->n.credits + (other ? other->n.credits : 0), err))
		return -EBADMSG;
	/* Other transports' doorbells are system calls, and pieces may take
	 * more than one. */
	if (posts == our_posts &&
	    (bells == our_bells || !w->end->ep->caps.qp_type[0] || pieces > 1))
		return 0;
	return err_set(err, -EBADMSG, REASON_MISCOUNT,
		       "%llu posts and %llu doorbells by the link's count, "
		       "%llu and %llu by ours",
		       (unsigned long long)posts, (unsigned long long)bells,
		       (unsigned long long)our_posts,
		       (unsigned long long)our_bells);
}

static void close_tally(struct window *w, uint64_t ticks)
{
	struct tally *t = &w->end->tally;

	w->n.done = w->posted;
	tally_set(t, METRIC_OPS, w->posted);
	tally_set(t, METRIC_PAYLOAD, window_payload(w, w->posted));
	tally_set(t, METRIC_VERIFIED, w->verified);
	tally_set(t, METRIC_ELAPSED, clock_ns(w->end->clock, ticks));
}

/* Lists, as room and credit allow; *end: ticks when all was complete. */
static int many(struct window *w, struct window_flow *f, uint64_t *end,
		struct err *err)
{
	int ret;

	while (!f->last || !window_all_done(w)) {
		if (stop_requested)
			return parts_interrupted(err);
		ret = window_post_lists(w, f, err);
		if (!ret)
			ret = complete_some(w, f, err);
		if (!ret)
			ret = end_waiter_look(&f->waiter, f->now, err);
		if (ret)
			return ret;
		/* Credit that comes after the last completion is no part of
		 * the work. */
		if (!*end && f->last && w->posted == w->known)
			*end = f->now;
	}
	return 0;
}

int window_client(struct window *w, const struct phase *ph, struct err *err)
{
	const struct ep_counts before = w->end->ep->counts;
	const bool one = w->n_slots == 1 && !w->told && !w->lossy;
	uint64_t end = 0;
	struct window_flow f;
	int ret;

	ret = window_learn(w, err);
	if (ret)
		return ret;
	window_begin(w, &f, ph);
	w->alone = true;
	ret = one ? window_one_by_one(w, &f, &end, err)
		  : many(w, &f, &end, err);
	if (ret)
		return ret;
	late_record(&w->late, w->end);
	ret = window_check_posts(w, &before, NULL, err);
	if (!ret && parts_sent_only(w->end, w->a.op)) {
		ret = window_flush(w, err);
		end = clock_ticks(w->end->clock);
	}
	close_tally(w, end - f.begin);
	return ret;
}

int window_flush(struct window *w, struct err *err)
{
	/* Nothing else takes credit where there is none. */
	const struct sge sge = {
		.addr = w->credit_rx,
		.len = sizeof(uint64_t),
		.region = w->region,
	};
	struct work work = {
		.lane = w->a.lane,
		.sges = &sge,
		.remote_addr = w->remote_addr,
		.remote_rkey = w->works[0].remote_rkey,
	};

	return w->a.op == OP_WRITE ? parts_flush(w->end, &work, err) : 0;
}
