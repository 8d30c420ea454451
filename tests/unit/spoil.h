/*
 * A transport for tests: loop, with a byte of one message spoiled, a message
 * lost, or the completions of sends kept back for a while.
 */
#ifndef TESTS_UNIT_SPOIL_H
#define TESTS_UNIT_SPOIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "transport/transport.h"

/* The loop transport, but the n-th receive of an end has a byte flipped, or
 * is reported without having come. */
static struct spoil {
	const struct ep *ep;
	uint64_t recv; /* which, from 1; 0: none */
	uint64_t seen;
	unsigned char *byte;
	bool lost; /* the page at byte stays what it was */
} spoil;

static const struct transport *loop;

static int spoiling_poll(struct ep *ep, struct comp *comp, unsigned n)
{
	static unsigned char before[4096];
	int i, got;

	if (spoil.lost && ep == spoil.ep)
		memcpy(before, spoil.byte, sizeof(before));
	got = loop->poll(ep, comp, n);
	for (i = 0; ep == spoil.ep && i < got; i++) {
		if (comp[i].op != OP_RECV || ++spoil.seen != spoil.recv)
			continue;
		if (spoil.lost)
			memcpy(spoil.byte, before, sizeof(before));
		else
			*spoil.byte ^= 0x10;
	}
	return got;
}

static struct transport spoiling; /* filled once, in main */

/* --- a transport that tells late of sends --------------------------------------- */

enum { LATE_MAX = 8, LATE_POLLS = 100 };

/* Holds completions of sends back until nobody could want anything else. */
static struct late {
	const struct ep *ep;
	struct comp kept[LATE_MAX];
	unsigned n_kept, idle;
	uint64_t posted, told, most; /* sends; most: ever outstanding */
} late;

static int late_post(struct ep *ep, const struct work *work, unsigned n)
{
	unsigned i;

	if (ep != late.ep)
		return loop->post(ep, work, n);
	for (i = 0; i < n; i++)
		late.posted += work[i].op != OP_RECV;
	if (late.posted - late.told > late.most)
		late.most = late.posted - late.told;
	return loop->post(ep, work, n);
}

static int late_poll(struct ep *ep, struct comp *comp, unsigned n)
{
	int i, done = 0, got = spoiling_poll(ep, comp, n);

	if (ep != late.ep)
		return got;
	for (i = 0; i < got; i++) {
		if (comp[i].op == OP_RECV)
			comp[done++] = comp[i];
		else if (late.n_kept < LATE_MAX)
			late.kept[late.n_kept++] = comp[i];
	}
	late.idle = done ? 0 : late.idle + 1;
	if (got < 0 || done || !late.n_kept || late.idle < LATE_POLLS)
		return got < 0 ? got : done;
	late.told = late.kept[late.n_kept - 1].cookie;
	comp[0] = late.kept[late.n_kept - 1];
	late.n_kept = 0;
	return 1;
}

#endif
