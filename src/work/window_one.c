/*
 * One operation at a time.  What a window does for many of them (lists, room,
 * who is signalled, whose completion stands for others) took 340 of the 830
 * instructions that a read cost us, with the library's.
 */
#include "base/stop.h"
#include "work/parts.h"
#include "work/window_work.h"

/* One, from its post to its completion. */
static inline int operate(struct window *w, struct window_flow *f,
			  struct ep *ep, const struct clock *clk,
			  struct err *err)
{
	struct comp comp;
	uint64_t begin;
	int ret;

	window_prepare(w, w->works, 0);
	begin = clock_ticks(clk);
	ret = ep->tp->post(ep, w->works, 1);
	if (__builtin_expect(ret, 0))
		return parts_failed(w->end, ret, err);
	ret = end_wait(&f->waiter, &comp, 1, err);
	f->now = clock_ticks(clk);
	late_note(&w->late, w->end, f->now - begin);
	return ret < 0 ? ret : 0;
}

static void close_counts(struct window *w)
{
	w->n.lists = w->n.completions = w->posted;
	w->n.most = 1;
}

int window_one_by_one(struct window *w, struct window_flow *f, uint64_t *end,
		      struct err *err)
{
	const bool results = window_has_results(w);
	const struct clock *clk = w->end->clock;
	struct ep *ep = w->end->ep;
	int ret;

	w->works->flags = WORK_SIGNAL;
	do {
		if (stop_requested)
			return parts_interrupted(err);
		ret = operate(w, f, ep, clk, err);
		w->works->flags = WORK_SIGNAL | WORK_AGAIN;
		if (!ret && results)
			ret = window_check_results(w, 1, err);
		f->waiter.done = ++w->known;
		if (!ret)
			ret = end_waiter_look(&f->waiter, f->now, err);
	} while (!ret && !parts_phase_over(f->ph, w->known,
					   f->now - f->begin >= f->max_ticks));
	close_counts(w);
	*end = f->now;
	return ret;
}
