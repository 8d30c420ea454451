/* The receiving end of a window: receives, credit, and what has arrived. */
#include <string.h>

#include "base/stop.h"
#include "work/parts.h"
#include "work/window.h"
#include "work/window_work.h"

/* Completions taken at a time. */
enum { TAKE = 16 };

/* Receives that we have ever posted. */
int window_tell_credit(struct window *w, struct err *err)
{
	struct ep *ep = w->end->ep;
	const struct sge sge = {
		.addr = w->credit_tx + w->n.credits % WINDOW_CREDITS,
		.len = sizeof(uint64_t),
		.region = w->region,
	};
	const struct work work = {
		.op = OP_SEND,
		.lane = w->a.lane,
		.n_sges = 1,
		.sges = &sge,
		.flags = WORK_SIGNAL,
	};
	uint64_t word;
	int ret;

	if (w->credits_busy == WINDOW_CREDITS)
		return 0; /* when one of them has gone */
	w->credit_told = w->arrived + w->n_rx;
	word = w->credit_told | (w->over ? WINDOW_OVER : 0);
	memcpy(sge.addr, &word, sizeof(word));
	ret = ep->tp->post(ep, &work, 1);
	w->credits_busy++;
	w->n.credits++;
	return ret ? parts_failed(w->end, ret, err) : 0;
}

int window_tell_quiet(struct window *w, struct err *err)
{
	w->told_quiet = true;
	return window_tell_credit(w, err);
}

/* It was not the end: messages may take as long as that each, and telling after
 * every one of them is a message back for each. */
static void was_not_over(struct window *w)
{
	w->told_quiet = false;
	if (w->quiet_ns < WINDOW_QUIET_MAX_NS)
		w->quiet_ns *= 2;
}

uint64_t window_untold(const struct window *w)
{
	return w->arrived + w->n_rx - w->credit_told;
}

static int message_slot(const struct window *w, const struct comp *c)
{
	if (w->a.op == OP_WRITE_IMM)
		return (int)(c->imm % w->n_rx_places);
	return (int)c->cookie;
}

static int take_message(struct window *w, const struct comp *c, bool check,
			struct err *err)
{
	int ret = 0;

	if (check)
		ret = window_verify_message(w, (unsigned)message_slot(w, c),
					    err);
	w->arrived++;
	return ret;
}

/* Posts again what these took: receives go round, so they are one run, or
 * two where it passes the end. */
static int post_again(struct window *w, unsigned n, struct err *err)
{
	const unsigned first = w->rx_slot;
	const unsigned to_end = w->n_rx - first;
	int ret;

	if (!n)
		return 0;
	w->rx_slot = window_advance(first, n, w->n_rx);
	ret = window_post_recvs(w, first, n < to_end ? n : to_end, &w->rx_place,
				err);
	if (n >= to_end)
		w->rx_place = 0;
	if (!ret && n > to_end)
		ret = window_post_recvs(w, 0, n - to_end, &w->rx_place, err);
	return ret;
}

static bool is_checked(const struct window *w, const struct window_arrivals *a)
{
	return w->a.verify == VERIFY_EACH ||
	       (w->a.verify == VERIFY_ENDS && !a->n);
}

int window_take_messages(struct window *w, const struct comp *comp, int got,
			 struct window_arrivals *a, struct err *err)
{
	/* What is acknowledged is timed by who sends it. */
	const bool timed = !w->end->ep->caps.acknowledged;
	const uint64_t now = timed ? clock_ticks(w->end->clock) : 0;
	unsigned n = 0;
	int i, ret = 0;

	for (i = 0; !ret && i < got; i++) {
		if (comp[i].op != OP_RECV) {
			w->credits_busy--;
			continue;
		}
		ret = take_message(w, &comp[i], is_checked(w, a), err);
		a->n++;
		n++;
	}
	if (!ret)
		ret = post_again(w, n, err);
	if (n && w->told_quiet)
		was_not_over(w);
	if (n)
		a->last = now;
	if (n && !a->first) {
		a->first = now;
		a->n_first = a->n;
	}
	if (!ret && window_untold(w) >= w->tell_after)
		ret = window_tell_credit(w, err);
	return ret;
}

/* The rate is that of the messages after the first ones, whose beginning
 * nobody here saw; the time is given for all of them at this rate. */
uint64_t window_arrivals_ns(const struct window *w,
			    const struct window_arrivals *a)
{
	const double ns = (double)clock_ns(w->end->clock, a->last - a->first);

	if (a->n == a->n_first)
		return 0;
	return (uint64_t)(ns * (double)a->n / (double)(a->n - a->n_first));
}

void window_close_arrivals(struct window *w, const struct window_arrivals *a)
{
	struct tally *t = &w->end->tally;
	const uint64_t ns = window_arrivals_ns(w, a);

	parts_tally_verified(w->end, w->a.size, w->verified);
	tally_set(t, METRIC_OPS, a->n);
	tally_set(t, METRIC_PAYLOAD, window_payload(w, a->n));
	/* What is acknowledged is counted as well by who sends it; of what may
	 * be lost that says nothing. */
	if (!w->end->ep->caps.acknowledged && ns)
		tally_set(t, METRIC_ELAPSED, ns);
	else if (w->lossy)
		tally_lacks(t, METRIC_ELAPSED, READING_TOO_FEW);
}

/* Completions; 0 when the phase is finished.  Before it waits for long, the
 * client is told all the credit there is. */
static int serve_wait(struct window *w, struct end_waiter *waiter,
		      struct comp *comp, struct err *err)
{
	struct ep *ep = w->end->ep;
	int got;

	while (window_untold(w)) {
		got = ep_wait(ep, comp, TAKE, w->quiet_ns);
		if (got < 0)
			return parts_failed(w->end, got, err);
		if (got)
			return got;
		got = window_tell_quiet(w, err);
		if (got)
			return got;
	}
	return end_wait(waiter, comp, TAKE, err);
}

static int serve_messages(struct window *w, struct err *err)
{
	struct window_arrivals a = {.n = 0};
	struct end_waiter waiter;
	struct comp comp[TAKE];
	int got, ret = 0;

	end_waiter_init(&waiter, w->end, w->a.size);
	while (!ret) {
		got = serve_wait(w, &waiter, comp, err);
		if (got <= 0) {
			ret = got;
			break;
		}
		ret = window_take_messages(w, comp, got, &a, err);
		waiter.done = w->arrived;
		if (!ret && stop_requested)
			ret = parts_interrupted(err);
	}
	window_close_arrivals(w, &a);
	return ret;
}

void window_begin_serving(struct window *w)
{
	w->verified = 0;
	w->n = (struct window_counts){.done = 0};
	w->credit_told = w->arrived + w->n_rx;
	w->over = false;
	w->quiet_ns = WINDOW_QUIET_NS;
	w->told_quiet = false;
	w->recvs->flags = 0;
}

int window_server(struct window *w, const struct phase *ph, struct err *err)
{
	(void)ph;
	window_begin_serving(w);
	w->alone = true;
	return w->told ? serve_messages(w, err)
		       : parts_serve_nothing(w->end, err);
}
