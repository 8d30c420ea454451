#include "work/parts.h"

#include <errno.h>
#include <string.h>

#include "work/exchange.h"

const char *const parts_verify_names[] = {
	[VERIFY_ENDS] = "ends",
	[VERIFY_EACH] = "each",
	[VERIFY_NONE] = "none",
	NULL,
};

int parts_failed(const struct end *e, int ret, struct err *err)
{
	*err = e->ep->err;
	return ret;
}

/* One of them.  Not by end_wait, which a server's finished phase would end. */
static int await_one(struct end *e, struct err *err)
{
	const uint64_t begin = clock_raw_ns();
	struct comp comp;
	int got, ret;

	do {
		got = ep_wait(e->ep, &comp, 1, END_SLICE_EVENT_NS);
		if (got < 0)
			return parts_failed(e, got, err);
		if (got)
			return 0;
		ret = e->pulse(e->pulse_arg, false, err);
		if (ret < 0)
			return ret;
	} while (clock_raw_ns() - begin < e->pt->trial.op_timeout_ns);
	return err_set(err, -ETIMEDOUT, REASON_LINK_FAILED,
		       "what was asked for did not complete (--op-timeout)");
}

int parts_await(struct end *e, unsigned n, struct err *err)
{
	int ret = 0;

	for (; !ret && n; n--)
		ret = await_one(e, err);
	return ret;
}

int parts_ask(struct end *e, const struct work *w, struct err *err)
{
	int ret = parts_post(e, w, 1, err);

	return ret ? ret : parts_await(e, 1, err);
}

void parts_make_flush(struct work *w)
{
	w->op = OP_READ;
	w->n_sges = 1;
	w->flags = WORK_SIGNAL;
}

int parts_flush(struct end *e, struct work *w, struct err *err)
{
	parts_make_flush(w);
	return parts_ask(e, w, err);
}

bool parts_sent_only(const struct end *e, enum op op)
{
	return op == OP_WRITE && !e->ep->caps.acknowledged;
}

int parts_check_writes(const struct end *e, enum op op, struct err *err)
{
	const struct caps *caps = &e->ep->caps;

	if (op != OP_WRITE || !caps->lossy)
		return 0;
	return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
		       "nobody is told which writes arrived over %s: what is "
		       "counted would be what was sent",
		       caps->qp_type);
}

int parts_interrupted(struct err *err)
{
	return err_set(err, -EINTR, REASON_INTERRUPTED,
		       "in the middle of a trial");
}

size_t parts_stride(size_t size)
{
	return (size + SCAN_LINE - 1) / SCAN_LINE * SCAN_LINE;
}

void parts_cut(struct sge *sges, unsigned n, char *at, size_t size,
	       const struct region *region)
{
	const size_t piece = size / n;
	unsigned i;

	for (i = 0; i < n; i++)
		sges[i] = (struct sge){
			.addr = at + i * piece,
			.len = i + 1 < n ? piece : size - i * piece,
			.region = region,
		};
}

/* --- tokens ---------------------------------------------------------------- */

enum { TOKEN_BYTES = sizeof(uint64_t) + sizeof(uint32_t) };

void parts_tell_memory(struct end *e, unsigned i, const void *addr,
		       uint32_t rkey)
{
	const uint64_t at = (uintptr_t)addr;
	struct blob *t = &e->token;
	uint8_t *to = t->data + (size_t)i * TOKEN_BYTES;

	memcpy(to, &at, sizeof(at));
	memcpy(to + sizeof(at), &rkey, sizeof(rkey));
	if (t->len < (i + 1) * TOKEN_BYTES)
		t->len = (i + 1) * TOKEN_BYTES;
}

int parts_learn_memory(const struct end *e, unsigned i, uint64_t *addr,
		       uint32_t *rkey, struct err *err)
{
	const struct blob *t = &e->peer_token;
	const uint8_t *from = t->data + (size_t)i * TOKEN_BYTES;

	if (t->len % TOKEN_BYTES || t->len < (i + 1) * TOKEN_BYTES)
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "the peer's token has %u bytes, not %u times %d",
			       t->len, i + 1, TOKEN_BYTES);
	memcpy(addr, from, sizeof(*addr));
	memcpy(rkey, from + sizeof(*addr), sizeof(*rkey));
	return 0;
}

/* --- serving --------------------------------------------------------------- */

void parts_tally_verified(struct end *e, size_t size, uint64_t n)
{
	if (parts_can_verify(e, size))
		tally_set(&e->tally, METRIC_VERIFIED, n);
	else
		tally_lacks(&e->tally, METRIC_VERIFIED, READING_NO_NUMBER);
}

int parts_check_found(const struct end *e, uint64_t least, struct err *err)
{
	const uint64_t found = e->peer_tallies[0].value[METRIC_VERIFIED];

	if (found >= least)
		return 0;
	return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
		       "%llu payloads are in the server's memory, at least "
		       "%llu were written",
		       (unsigned long long)found, (unsigned long long)least);
}

int parts_serve_nothing(struct end *e, struct err *err)
{
	/* What others write here is looked at after the phase, and counted
	 * then: end_verify(). */
	tally_set(&e->tally, METRIC_VERIFIED, 0);
	return end_stand_by(e, false, err);
}
