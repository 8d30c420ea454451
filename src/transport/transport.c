#include "transport/transport.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#define TRANSPORT(t) extern const struct transport transport_##t;
#include "transport/list.h"
#undef TRANSPORT

static const struct transport *const transports[] = {
#define TRANSPORT(t) &transport_##t,
#include "transport/list.h"
#undef TRANSPORT
};

const char *const poll_mode_names[] = {
	[POLL_SPIN] = "spin",
	[POLL_EVENT] = "event",
	[POLL_YIELD] = "yield",
	[POLL_COUNT] = NULL,
};

const char *const op_words[OP_COUNT] = {
	[OP_SEND] = "send",
	[OP_RECV] = "receive",
	[OP_WRITE] = "write",
	[OP_WRITE_IMM] = "write-imm",
	[OP_READ] = "read",
	[OP_FETCH_ADD] = "fetch-add",
	[OP_CMP_SWAP] = "compare-swap",
	[OP_ATOMIC_WRITE] = "atomic-write",
	[OP_FLUSH] = "flush",
};

const char *const qp_type_names[] = {
	[QP_RC] = "RC",
	[QP_UC] = "UC",
	[QP_UD] = "UD",
	[QP_TYPES] = NULL,
};

const struct transport *transport_at(unsigned i)
{
	if (i >= sizeof(transports) / sizeof(transports[0]))
		return NULL;
	return transports[i];
}

const struct transport *transport_find(const char *name)
{
	unsigned i;

	for (i = 0; transport_at(i); i++)
		if (!strcmp(transport_at(i)->name, name))
			return transport_at(i);
	return NULL;
}

int ep_no_extras(const struct ep_attr *attr, const char *transport,
		 struct err *err)
{
	const struct ep_extras *x = &attr->extras;

	if (!x->shared_recv && !x->one_qp && !x->rnr && !x->cq_count &&
	    !x->cq_period_us)
		return 0;
	return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
		       "%s has no queue pairs to share, to moderate or to let "
		       "try again",
		       transport);
}

int ep_has_ops(const struct ep *ep, unsigned ops, const char *who,
	       struct err *err)
{
	const unsigned missing = ops & ~ep->caps.ops;
	char list[128] = "";
	size_t at = 0;
	unsigned op;

	for (op = 0; op < OP_COUNT; op++)
		if (missing & OP_BIT(op))
			at += (size_t)snprintf(list + at, sizeof(list) - at,
					       "%s%s", at ? ", " : "",
					       op_words[op]);
	if (!missing)
		return 0;
	return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
		       "%s%s%s has no %s, which %s needs", ep->tp->name,
		       ep->caps.qp_type[0] ? " " : "", ep->caps.qp_type, list,
		       who);
}

unsigned ep_messages_per_op(const struct ep *ep, uint64_t bytes)
{
	uint64_t max = ep->caps.max_message_bytes;

	if (!bytes || !max)
		return 1;
	return (unsigned)((bytes + max - 1) / max);
}

/* A yield costs more than a poll, and on a busy machine as much as others may
 * run: with as few looks at the clock, ends of a link that brought nothing did
 * not pulse for 5 s, and were given up. */
enum { YIELDS_PER_CLOCK = 8 };

/* No PAUSE between two polls: since Skylake it takes some 140 cycles (Intel's
 * optimization manual, "Pause latency"), and so late would a completion be
 * seen; under emulation it leaves the translated code. */
static int wait_polling(struct ep *ep, struct comp *comp, unsigned n,
			uint64_t timeout_ns, bool yield)
{
	int (*const poll)(struct ep *, struct comp *, unsigned) = ep->tp->poll;
	const unsigned per_clock =
		yield ? YIELDS_PER_CLOCK : ep_polls_per_clock(ep);
	uint64_t end = 0;
	unsigned i;
	int got;

	for (;;) {
		for (i = 0; i < per_clock; i++) {
			got = poll(ep, comp, n);
			if (got)
				return got;
			if (yield)
				sched_yield();
		}
		if (!end)
			end = clock_raw_ns() + timeout_ns;
		else if (clock_raw_ns() >= end)
			return 0;
	}
}

int ep_wait(struct ep *ep, struct comp *comp, unsigned n, uint64_t timeout_ns)
{
	int got;

	if (ep->poll == POLL_EVENT)
		return ep->tp->block(ep, comp, n, timeout_ns);
	/* What is there already should not pay for a loop. */
	got = ep->tp->poll(ep, comp, n);
	if (got)
		return got;
	return wait_polling(ep, comp, n, timeout_ns, ep->poll == POLL_YIELD);
}
