/* What window.c, window_one.c, window_serve.c and window_setup.c share. */
#ifndef WORK_WINDOW_WORK_H
#define WORK_WINDOW_WORK_H

#include "work/window.h"

enum { WINDOW_SEED = 0xd00d, WINDOW_CREDITS = 4 };

/* A receiver that hears nothing for so long tells the credit it has: the first
 * time, and at most, which is much less than WINDOW_LOSS_NS. */
#define WINDOW_QUIET_NS UINT64_C(200000)
#define WINDOW_QUIET_MAX_NS (64 * WINDOW_QUIET_NS)

/* Beside the number in a credit: there are no more operations. */
#define WINDOW_OVER (UINT64_C(1) << 63)

/* So many places on, at most all of them.  A division instead is a helper's
 * call where a guest's instructions are translated, and there were seven in an
 * operation. */
static inline unsigned window_advance(unsigned place, uint64_t by, unsigned n)
{
	const unsigned sum = place + (unsigned)by;

	return sum < n ? sum : sum - n;
}

static inline bool window_is_atomic(enum op op)
{
	return op == OP_FETCH_ADD || op == OP_CMP_SWAP;
}

/* Results are looked at as they come. */
static inline bool window_has_results(const struct window *w)
{
	return window_is_atomic(w->a.op) ||
	       (w->a.op == OP_READ && w->a.verify == VERIFY_EACH);
}

/* The next operation's work, out of a slot; its flags are the caller's. */
static inline void window_prepare(struct window *w, struct work *work,
				  unsigned slot)
{
	const uint64_t number = w->number++;
	const unsigned rx = w->rx_slot;

	w->rx_slot = window_advance(rx, 1, w->n_rx_places);
	work->cookie = ++w->posted;
	work->imm = rx;
	work->remote_addr = w->remote_addr + rx * w->remote_step;
	if (w->stamp != STAMP_NONE) {
		scan_stamp(w->stamp, w->tx + slot * w->stride, w->a.size,
			   WINDOW_SEED, number);
	} else if (w->a.op == OP_CMP_SWAP) {
		work->compare_add = number - 1;
		work->swap = number;
	}
}

/* How a sender's phase goes on, as its loop needs it. */
struct window_flow {
	const struct phase *ph;
	struct end_waiter waiter;
	uint64_t begin, now; /* ticks */
	uint64_t max_ticks;
	bool last; /* no list after the next one */
};

/* Times of arrivals, for the rate; of what is acknowledged none are taken. */
struct window_arrivals {
	uint64_t first, last; /* ticks */
	uint64_t n_first, n;
};

/* The sender's steps: where the other end's memory is; a phase begins; lists
 * are posted while there is room and credit; a completion is taken; all of the
 * phase is complete and, of messages, arrived. */
int window_learn(struct window *w, struct err *err);
void window_begin(struct window *w, struct window_flow *f,
		  const struct phase *ph);
int window_post_lists(struct window *w, struct window_flow *f, struct err *err);
int window_take_one(struct window *w, const struct comp *c, uint64_t now,
		    struct err *err);
/* Where one is outstanding at most and none takes a receive: the whole phase;
 * *end: ticks when the last was complete. */
int window_one_by_one(struct window *w, struct window_flow *f, uint64_t *end,
		      struct err *err);
/* The next `n` operations, which have results (window_has_results), are
 * complete: those are as they should be. */
int window_check_results(struct window *w, uint64_t n, struct err *err);
bool window_all_done(const struct window *w);
/* On a link that loses messages: nothing that is on its way will surely
 * complete; what has not arrived by now is taken for lost. */
bool window_waits_in_vain(const struct window *w);
void window_give_up_lost(struct window *w);

/* The receiver's: a phase begins; what has completed; credit not yet told, and
 * telling it (later, if all its messages are on their way); its counts. */
void window_begin_serving(struct window *w);
int window_take_messages(struct window *w, const struct comp *comp, int got,
			 struct window_arrivals *a, struct err *err);
uint64_t window_untold(const struct window *w);
int window_tell_credit(struct window *w, struct err *err);
/* The same, as nothing has come for w->quiet_ns. */
int window_tell_quiet(struct window *w, struct err *err);
/* How long all of them took, at the rate of those after the first; 0: there
 * were none, or their times were not taken. */
uint64_t window_arrivals_ns(const struct window *w,
			    const struct window_arrivals *a);
void window_close_arrivals(struct window *w, const struct window_arrivals *a);

/* What so many operations carry, in bytes: credit is not of it. */
uint64_t window_payload(const struct window *w, uint64_t operations);

/* The link's own counts of this phase against ours: those of a sender and,
 * unless NULL, of a receiver on the same link.  Of the link's are w->n.posts
 * then, too. */
int window_check_posts(struct window *w, const struct ep_counts *before,
		       const struct window *other, struct err *err);

/* Receives first to first + n - 1, by one doorbell; `*place` is the buffer of
 * the first, and then of the next. */
int window_post_recvs(struct window *w, unsigned first, unsigned n,
		      unsigned *place, struct err *err);

/* The message that has just arrived in a slot; the number-th operation, a
 * read into a slot. */
int window_verify_message(struct window *w, unsigned slot, struct err *err);
int window_verify_read(struct window *w, unsigned slot, uint64_t number,
		       struct err *err);

#endif
