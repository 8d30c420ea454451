#include "work/duplex.h"

#include <errno.h>
#include <string.h>

#include "base/stop.h"
#include "work/parts.h"
#include "work/window_work.h"

enum { TAKE = 16 };

/* Between two looks at the other host's word. */
#define LOOK_NS 500000u

/* One end's phase. */
struct both {
	struct window_flow f; /* of what we send */
	struct window_arrivals a;
	uint64_t end;	 /* ticks at which our last was complete; 0: not yet */
	uint64_t looked; /* ticks */
	uint64_t moved;	 /* ticks at which something last completed; or,
			  * where sends may be lost, arrived */
	uint64_t ours;	 /* ticks at which something of what we send did */
	bool finished;	 /* server: the client has */
	/* How often we told that we are done, when last, and how often we had
	 * been told until then. */
	unsigned words, heard;
	uint64_t said; /* ticks */
};

static bool is_client(const struct duplex *d)
{
	return d->end->role == ROLE_ACTIVE;
}

int duplex_init(struct duplex *d, struct end *e, const struct window_attr *a,
		struct err *err)
{
	struct window_attr one = *a, two = *a;
	int ret;

	memset(d, 0, sizeof(*d));
	d->end = e;
	two.lane = 1;
	two.reverse = true;
	ret = window_init(&d->out, e, is_client(d) ? &one : &two, err);
	return ret ? ret
		   : window_init(&d->in, e, is_client(d) ? &two : &one, err);
}

void duplex_fini(struct duplex *d)
{
	if (d->out.end)
		window_fini(&d->out);
	if (d->in.end)
		window_fini(&d->in);
}

int duplex_verify(struct duplex *d, struct err *err)
{
	int ret = window_verify(&d->out, err);

	return ret ? ret : window_verify(&d->in, err);
}

/* --- the loop --------------------------------------------------------------- */

static int take(struct duplex *d, struct both *b, const struct comp *comp,
		int n, struct err *err)
{
	struct comp theirs[TAKE];
	int i, ret = 0, n_theirs = 0;

	for (i = 0; !ret && i < n; i++) {
		if (comp[i].lane != d->out.a.lane) {
			theirs[n_theirs++] = comp[i];
			continue;
		}
		b->ours = b->f.now;
		ret = window_take_one(&d->out, &comp[i], b->f.now, err);
	}
	if (!ret && n_theirs)
		ret = window_take_messages(&d->in, theirs, n_theirs, &b->a,
					   err);
	return ret;
}

static bool sent_all(const struct duplex *d, const struct both *b)
{
	return b->f.last && window_all_done(&d->out);
}

/* The server has no end of its own: one more list, and it is done. */
static void obey(const struct duplex *d, struct both *b)
{
	if (!is_client(d) && (d->out.told ? d->out.peer_over : b->finished))
		b->f.max_ticks = 0;
}

/* Once, or where words may be lost as well: the client until it is answered,
 * the server as often as it is told. */
static bool has_to_say(const struct duplex *d, const struct both *b)
{
	const uint64_t since = b->f.now - b->said;

	if (!d->in.told || !sent_all(d, b))
		return false;
	if (!b->words || !d->out.lossy)
		return !b->words;
	if (!is_client(d))
		return d->out.peer_over > b->heard;
	return !d->out.peer_over &&
	       clock_ns(d->end->clock, since) >= WINDOW_LOSS_NS;
}

/* Our last word, once all that we sent has arrived or is lost; the server's is
 * that it has heard the client's, too. */
static int say_over(struct duplex *d, struct both *b, struct err *err)
{
	if (!has_to_say(d, b))
		return 0;
	d->in.over = true;
	if (d->in.credits_busy == WINDOW_CREDITS)
		return 0; /* in the next round */
	b->words++;
	b->said = b->f.now;
	b->heard = d->out.peer_over;
	return window_tell_credit(&d->in, err);
}

/* What has not arrived for so long, though the other direction goes on. */
static void look_for_lost(struct duplex *d, struct both *b)
{
	const uint64_t still = clock_ns(d->end->clock, b->f.now - b->ours);

	if (still < WINDOW_LOSS_NS || !window_waits_in_vain(&d->out) ||
	    window_all_done(&d->out))
		return;
	window_give_up_lost(&d->out);
	b->ours = b->f.now;
}

static bool is_over(const struct duplex *d, const struct both *b)
{
	if (!sent_all(d, b))
		return false;
	if (is_client(d))
		return !d->out.told || d->out.peer_over;
	return b->finished && (!d->out.told || d->out.peer_over);
}

static int look(struct duplex *d, struct both *b, struct err *err)
{
	struct end *e = d->end;
	const uint64_t still = clock_ns(e->clock, b->f.now - b->moved);
	int ret = 0;

	if (clock_ns(e->clock, b->f.now - b->looked) < LOOK_NS)
		return 0;
	b->looked = b->f.now;
	if (!b->finished)
		ret = e->pulse(e->pulse_arg, still < LOOK_NS, err);
	if (ret < 0)
		return ret;
	if (ret > 0) {
		/* Until now there was nothing to wait for. */
		b->finished = true;
		b->moved = b->f.now;
		return 0;
	}
	/* A server whose client goes on may have nothing to wait for. */
	if ((!is_client(d) && !b->finished) ||
	    still < e->pt->trial.op_timeout_ns)
		return 0;
	return err_set(err, -ETIMEDOUT, REASON_LINK_FAILED,
		       "nothing arrived for %.1f s though the peer is alive "
		       "(--op-timeout)",
		       (double)still / 1e9);
}

static bool has_moved(const struct duplex *d, const struct comp *comp, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (!d->out.lossy || comp[i].op == OP_RECV)
			return true;
	return false;
}

/* The last ones that came are too few to be told of while more may come.  By
 * their own direction's silence: the other one may never be silent before its
 * sender hears that we are done, which waits for this. */
static bool credit_is_due(const struct duplex *d, const struct both *b)
{
	return d->in.told && window_untold(&d->in) && b->f.now > b->a.last &&
	       clock_ns(d->end->clock, b->f.now - b->a.last) >= d->in.quiet_ns;
}

static int step(struct duplex *d, struct both *b, struct err *err)
{
	struct comp comp[TAKE];
	int n, ret = window_post_lists(&d->out, &b->f, err);

	if (ret)
		return ret;
	n = ep_wait(d->end->ep, comp, TAKE, WINDOW_QUIET_NS);
	b->f.now = clock_ticks(d->end->clock);
	if (n < 0)
		return parts_failed(d->end, n, err);
	if (has_moved(d, comp, n))
		b->moved = b->f.now;
	ret = take(d, b, comp, n, err);
	look_for_lost(d, b);
	if (!ret && credit_is_due(d, b))
		ret = window_tell_quiet(&d->in, err);
	if (!ret)
		ret = say_over(d, b, err);
	if (!b->end && b->f.last && d->out.posted == d->out.known)
		b->end = b->f.now;
	return ret ? ret : look(d, b, err);
}

/* Each direction is counted by its sender, unless only the receiver knows what
 * has arrived.  The tally's payload is that of the client's, as its operations
 * are. */
static void close_tally(struct duplex *d, const struct both *b)
{
	const bool by_sender = d->end->ep->caps.acknowledged || !d->out.told;
	const uint64_t ns = clock_ns(d->end->clock, b->end - b->f.begin);
	struct tally *t = &d->end->tally;

	d->out.n.done = d->out.posted;
	d->back_seen = is_client(d) != by_sender;
	if (is_client(d)) {
		tally_set(t, METRIC_OPS, d->out.posted);
		tally_set(t, METRIC_PAYLOAD,
			  window_payload(&d->out, d->out.posted));
		tally_set(t, METRIC_ELAPSED, ns);
		d->back_ops = b->a.n;
		d->back_ns = window_arrivals_ns(&d->in, &b->a);
	} else {
		if (d->in.told)
			window_close_arrivals(&d->in, &b->a);
		d->back_ops = d->out.posted;
		d->back_ns = ns;
	}
	parts_tally_verified(d->end, d->out.a.size,
			     d->out.verified + d->in.verified);
}

/* What was said twice may be answered twice: nothing of it is left to the next
 * phase. */
static int drain(struct duplex *d, struct both *b, struct err *err)
{
	struct comp comp[TAKE];
	int n, ret = 0;

	if (!is_client(d) || !d->out.lossy || b->words < 2)
		return 0;
	do {
		n = ep_wait(d->end->ep, comp, TAKE, WINDOW_LOSS_NS);
		b->f.now = clock_ticks(d->end->clock);
		ret = n < 0 ? parts_failed(d->end, n, err)
			    : take(d, b, comp, n, err);
	} while (!ret && n);
	return ret;
}

/* An end's writes are visible at the other one before that looks at them: of
 * the server this is the last chance, for the client waits for its result. */
static int make_visible(struct duplex *d, struct both *b, struct err *err)
{
	int ret = window_flush(&d->out, err);

	if (parts_sent_only(d->end, d->out.a.op))
		b->end = clock_ticks(d->end->clock);
	return ret;
}

static int run_both(struct duplex *d, struct both *b, struct err *err)
{
	const struct ep_counts before = d->end->ep->counts;
	int ret = 0;

	while (!ret && !is_over(d, b)) {
		obey(d, b);
		ret = stop_requested ? parts_interrupted(err) : step(d, b, err);
	}
	if (!ret)
		ret = drain(d, b, err);
	late_record(&d->out.late, d->out.end);
	if (!ret)
		ret = window_check_posts(&d->out, &before, &d->in, err);
	return ret ? ret : make_visible(d, b, err);
}

int duplex_phase(struct duplex *d, const struct phase *ph, struct err *err)
{
	static const struct phase endless = {.max_ops = UINT64_MAX};
	struct both b = {.end = 0};
	int ret = window_learn(&d->out, err);

	if (ret)
		return ret;
	window_begin_serving(&d->in);
	window_begin(&d->out, &b.f, is_client(d) ? ph : &endless);
	if (!is_client(d))
		b.f.max_ticks = UINT64_MAX; /* until it obeys */
	b.looked = b.moved = b.ours = b.f.now;
	ret = run_both(d, &b, err);
	close_tally(d, &b);
	return ret;
}
