/* What window.c and window_setup.c share. */
#ifndef WORK_WINDOW_WORK_H
#define WORK_WINDOW_WORK_H

#include "work/window.h"

enum { WINDOW_SEED = 0xd00d, WINDOW_CREDITS = 4 };

/* Receives first to first + n - 1, by one doorbell. */
int window_post_recvs(struct window *w, unsigned first, unsigned n,
		      struct err *err);

/* The message that has just arrived in a slot; the number-th operation, a
 * read into a slot. */
int window_verify_message(struct window *w, unsigned slot, struct err *err);
int window_verify_read(struct window *w, unsigned slot, uint64_t number,
		       struct err *err);

#endif
