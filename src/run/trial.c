#include "run/trial.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/stop.h"
#include "run/phase_msg.h"
#include "run/data_addr.h"
#include "run/end.h"
#include "run/scenario.h"

const char *const status_names[] = {
	[STATUS_OK] = "ok",
	[STATUS_UNSUPPORTED] = "unsupported",
	[STATUS_FAILED] = "failed",
	[STATUS_INTERRUPTED] = "interrupted",
};

enum { WARMUP_MIN_OPS = 2 };
#define WARMUP_MIN_NS 10000000u

/* What the server's end said of itself. */
struct words {
	struct blob link, token;
};

struct trial_run {
	struct trial *t;
	const struct plan_point *pp;
	struct peer *peers; /* n of them take part */
	unsigned n;
	struct peer *peer; /* the one that is talked to */
	uint64_t seed;
	uint64_t late[TRIAL_COUNT_PAIRS];
	struct end end;
	struct words theirs[END_PEERS_MAX];
	struct blob mine[END_PEERS_MAX];
};

static struct reader answer(const struct trial_run *r)
{
	return (struct reader){.buf = r->peer->frame.payload,
			       .len = r->peer->frame.len};
}

static int bad_answer(const struct trial_run *r, struct err *err)
{
	r->peer->chan.broken = true;
	return err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
		       "%s: an answer does not parse", r->peer->chan.peer);
}

/* Between operations the client only ever hears of the server's failure. */
static int pulse_one(struct trial_run *r, bool progressed, struct err *err)
{
	int ret;

	ret = chan_pulse(&r->peer->chan, progressed, &r->peer->frame, err);
	if (ret <= 0)
		return ret;
	if (r->peer->frame.type != FRAME_ERROR)
		return bad_answer(r, err);
	return peer_error(r->peer, err);
}

static int pulse(void *arg, bool progressed, struct err *err)
{
	struct trial_run *r = arg;
	unsigned i;
	int ret = 0;

	if (stop_requested)
		return err_set(err, -EINTR, REASON_INTERRUPTED,
			       "in the middle of a trial");
	for (i = 0; i < r->n && !ret; i++) {
		r->peer = &r->peers[i];
		ret = pulse_one(r, progressed, err);
	}
	return ret;
}

static void take_blob(struct reader *in, struct blob *b)
{
	b->len = (uint32_t)get_bytes(in, b->data, sizeof(b->data));
}

static int prepare(struct trial_run *r, struct words *theirs, struct err *err)
{
	uint8_t buf[8192];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	struct reader in;
	int ret;

	point_pack(&r->pp->server, &w);
	if (w.bad)
		return err_set(err, -EMSGSIZE, REASON_INTERNAL,
			       "the point does not fit into PREPARE");
	ret = peer_ask(r->peer, FRAME_PREPARE, buf, w.len, FRAME_READY, err);
	if (ret)
		return ret;
	in = answer(r);
	take_blob(&in, &theirs->link);
	take_blob(&in, &theirs->token);
	r->t->link.cpu_server = get_u32(&in);
	get_str(&in, r->t->server_device, sizeof(r->t->server_device));
	conditions_unpack(&r->t->server_is, &in);
	return reader_done(&in) ? 0 : bad_answer(r, err);
}

static int open_end(struct trial_run *r, struct gauge *gauge, struct err *err)
{
	struct sockaddr_storage addr[END_PEERS_MAX];
	struct end_env env = {
		.role = ROLE_ACTIVE,
		.gauge = gauge,
		.n_peers = r->n,
		.seed = r->seed,
		.pulse = pulse,
		.pulse_arg = r,
	};
	unsigned i;
	int ret;

	for (i = 0; i < r->n; i++) {
		env.nonce[i] = r->peers[i].hello.nonce;
		env.data_addr[i] = &addr[i];
		data_addr_choose(&r->pp->client.link, r->peers[i].chan.fd,
				 &addr[i]);
	}
	ret = end_open(&r->end, &r->pp->client, &env, r->mine, err);
	if (ret)
		return ret;
	r->t->link.caps = *end_caps(&r->end);
	r->t->link.cpu_client = r->end.pinned_cpu;
	r->t->client_is = r->end.is;
	return 0;
}

static int connect_to(struct trial_run *r, unsigned index, struct err *err)
{
	const struct words *theirs = &r->theirs[index];
	const struct blob *mine = &r->mine[index];
	uint8_t buf[2 * BLOB_MAX + 16];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	int ret;

	put_bytes(&w, mine->data, mine->len);
	put_bytes(&w, r->end.token.data, r->end.token.len);
	ret = chan_send(&r->peer->chan, FRAME_CONNECT, buf, w.len, err);
	if (!ret && !index)
		ret = end_connect(&r->end, &theirs->link, &theirs->token, err);
	else if (!ret)
		ret = end_connect_more(&r->end, index, &theirs->link,
				       &theirs->token, err);
	return ret ? ret : peer_expect(r->peer, FRAME_CONNECTED, err);
}

static int connect_all(struct trial_run *r, struct err *err)
{
	struct need need;
	unsigned i;
	int ret = 0;

	for (i = 0; i < r->n && !ret; i++) {
		r->peer = &r->peers[i];
		ret = connect_to(r, i, err);
	}
	if (ret)
		return ret;
	r->pp->client.scn->need(r->pp->client.scn_cfg, &need);
	r->t->link.caps = *end_caps(&r->end);
	if (r->end.ep)
		r->t->link.messages_per_op =
			ep_messages_per_op(r->end.ep, need.size_bytes);
	return 0;
}

/* The same question to every peer. */
static int ask_all(struct trial_run *r, enum frame_type ask,
		   const struct writer *w, enum frame_type expect,
		   struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < r->n && !ret; i++) {
		r->peer = &r->peers[i];
		ret = peer_ask(r->peer, ask, w->buf, w->len, expect, err);
	}
	return ret;
}

static void slow_hearts(struct trial_run *r, bool slow)
{
	unsigned i;

	for (i = 0; i < r->n; i++)
		chan_heart_slow(&r->peers[i].chan, slow);
}

/* What each server counted, and all of them together. */
static int take_results(struct trial_run *r, const struct phase *ph,
			struct err *err)
{
	const bool lossy = end_caps(&r->end)->lossy;
	const struct scenario *scn = r->pp->client.scn;
	const struct tally *client = &r->end.tally;
	struct trial *t = r->t;
	unsigned i;
	int ret;

	for (i = 0; i < r->n; i++) {
		r->peer = &r->peers[i];
		if (tally_unpack(&t->peer[i], r->peer->frame.payload,
				 r->peer->frame.len))
			return bad_answer(r, err);
		if (!i)
			t->server = t->peer[0];
		else
			tally_merge(&t->server, &t->peer[i], scn->metrics,
				    scn->n_metrics);
	}
	/* Each has served every operation. */
	if (tally_has(&t->server, METRIC_OPS))
		t->server.value[METRIC_OPS] = t->peer[0].value[METRIC_OPS];
	r->end.peer_tallies = t->peer;
	ret = trial_check_counts(client, &t->server, lossy ? r->late : NULL,
				 err);
	if (!ret && lossy && ph->measured)
		ret = trial_check_arrivals(client, &t->server, err);
	return ret;
}

static int flush(struct trial_run *r, const struct phase *ph, struct err *err)
{
	const struct scenario *scn = r->pp->client.scn;

	return ph->measured && scn->flush ? scn->flush(&r->end, err) : 0;
}

/* START ... FINISH -> RESULT; the servers' tallies into the trial. */
static int phase(struct trial_run *r, const struct phase *ph, struct err *err)
{
	uint8_t buf[16];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	int ret;

	end_before_phase(&r->end, ph);
	phase_pack(ph, &w);
	ret = ask_all(r, FRAME_START, &w, FRAME_STARTED, err);
	if (ret)
		return ret;
	slow_hearts(r, true);
	ret = end_phase(&r->end, ph, err);
	if (!ret)
		ret = flush(r, ph, err);
	slow_hearts(r, false);
	if (ret)
		return ret;
	w = (struct writer){.buf = buf, .cap = sizeof(buf)};
	put_u64(&w, r->end.tally.value[METRIC_OPS]);
	ret = ask_all(r, FRAME_FINISH, &w, FRAME_RESULT, err);
	if (ret)
		return ret;
	end_after_phase(&r->end, ph);
	return take_results(r, ph, err);
}

/* Counts that are equal; of a pair that is sent and received, on a link that
 * loses messages, no more is received than sent. */
struct count_pair {
	enum metric_id client, server;
	enum { PAIR_TO_SERVER, PAIR_TO_CLIENT } way;
};

static bool pair_holds(const struct count_pair *p, uint64_t c, uint64_t s,
		       uint64_t *late)
{
	const uint64_t sent = p->way == PAIR_TO_SERVER ? c : s;
	const uint64_t got = p->way == PAIR_TO_SERVER ? s : c;

	if (!late)
		return c == s;
	if (got > sent + *late)
		return false;
	*late = sent + *late - got;
	return true;
}

/* Where messages may be lost, an operation may be served whose answer is: but
 * none without a message or a write. */
static uint64_t count_at_client(const struct count_pair *p,
				const struct tally *client, bool lossy)
{
	if (lossy && p->client == METRIC_OPS)
		return client->value[METRIC_SENDS] +
		       client->value[METRIC_ONE_SIDED];
	return client->value[p->client];
}

int trial_check_counts(const struct tally *client, const struct tally *server,
		       uint64_t late[TRIAL_COUNT_PAIRS], struct err *err)
{
	static const struct count_pair pairs[TRIAL_COUNT_PAIRS] = {
		{METRIC_OPS, METRIC_OPS, PAIR_TO_SERVER},
		{METRIC_SENDS, METRIC_RECVS, PAIR_TO_SERVER},
		{METRIC_RECVS, METRIC_SENDS, PAIR_TO_CLIENT},
		{METRIC_BYTES_SENT, METRIC_BYTES_RECV, PAIR_TO_SERVER},
		{METRIC_BYTES_RECV, METRIC_BYTES_SENT, PAIR_TO_CLIENT},
	};
	size_t i;

	for (i = 0; i < TRIAL_COUNT_PAIRS; i++) {
		uint64_t c = count_at_client(&pairs[i], client, late != NULL);
		uint64_t s = server->value[pairs[i].server];

		/* A server that is only written to counts no operations. */
		if (pairs[i].server == METRIC_OPS &&
		    !tally_has(server, METRIC_OPS))
			continue;
		if (!pair_holds(&pairs[i], c, s, late ? &late[i] : NULL))
			return err_set(err, -EBADMSG, REASON_MISCOUNT,
				       "%s at the client %llu, %s at the "
				       "server %llu",
				       metric_base[pairs[i].client].name,
				       (unsigned long long)c,
				       metric_base[pairs[i].server].name,
				       (unsigned long long)s);
	}
	return 0;
}

int trial_check_arrivals(const struct tally *client, const struct tally *server,
			 struct err *err)
{
	if (client->value[METRIC_OPS] &&
	    (server->value[METRIC_OPS] || !tally_has(server, METRIC_OPS)))
		return 0;
	return err_set(err, -ETIMEDOUT, REASON_LINK_FAILED,
		       "of %llu messages none arrived%s though the peer is "
		       "alive",
		       (unsigned long long)(client->value[METRIC_SENDS] +
					    client->value[METRIC_ONE_SIDED]),
		       server->value[METRIC_OPS] ? " back" : "");
}

/* Warm is when two stretches of operations in a row agree in their medians,
 * when this many were tried, or when as long has gone by as is measured: two
 * operations of 16 MiB may be longer. */
enum { WARMUP_STRETCHES = 8 };
#define WARMUP_AGREE 0.05

static void phases(const struct trial_cfg *c, struct phase *warm,
		   struct phase *measured)
{
	uint64_t warm_ns = c->duration_ns / 10;

	if (warm_ns < WARMUP_MIN_NS)
		warm_ns = WARMUP_MIN_NS;
	*warm = (struct phase){
		.min_ops = WARMUP_MIN_OPS,
		.max_ops = UINT64_MAX,
		.max_ns = c->warmup_ns == OPT_WORD ? warm_ns : c->warmup_ns,
	};
	*measured = (struct phase){
		.measured = true,
		.min_ops = c->min_ops,
		.max_ops = UINT64_MAX,
		.max_ns = c->duration_ns,
	};
	if (c->iterations == OPT_WORD)
		return;
	measured->min_ops = measured->max_ops = c->iterations;
	if (c->warmup_ns == OPT_WORD && warm->max_ns > WARMUP_MIN_NS)
		warm->max_ns = WARMUP_MIN_NS;
}

/* A length that the user gave is kept; else until it is steady. */
static int warm_up(struct trial_run *r, const struct phase *warm,
		   struct err *err)
{
	const bool fixed = r->pp->client.trial.warmup_ns != OPT_WORD;
	const uint64_t begun = clock_raw_ns();
	double p50, last = 0;
	unsigned i;
	int ret;

	for (i = 0; i < WARMUP_STRETCHES; i++) {
		ret = phase(r, warm, err);
		if (ret)
			return ret;
		r->t->warmup_ops += r->end.tally.value[METRIC_OPS];
		p50 = (double)hist_quantile(&r->end.tally.latency, 0.5);
		if (fixed || fabs(p50 - last) <= WARMUP_AGREE * p50 ||
		    clock_raw_ns() - begun >= r->pp->client.trial.duration_ns)
			return 0;
		last = p50;
	}
	return 0;
}

static int measure(struct trial_run *r, struct err *err)
{
	const struct point *pt = &r->pp->client;
	struct phase warm, measured;
	int ret;

	phases(&pt->trial, &warm, &measured);
	ret = warm_up(r, &warm, err);
	if (ret)
		return ret;
	ret = phase(r, &measured, err);
	if (ret)
		return ret;
	ret = end_verify(&r->end, err);
	r->t->client = r->end.tally;
	/* Without a link, the scenario knows the path only now. */
	r->t->link.caps = *end_caps(&r->end);
	memcpy(r->t->notes, r->end.notes, sizeof(r->t->notes));
	return ret;
}

/* The last word of the peer that was asked. */
static int take_closed(struct trial_run *r, struct err *err)
{
	struct reader in = answer(r);
	const bool stopped = get_u32(&in) != 0;

	if (!reader_done(&in))
		return bad_answer(r, err);
	if (stopped)
		r->t->stopped = "the server";
	return 0;
}

static int close_all(struct trial_run *r, struct err *err)
{
	static const struct writer none = {0};
	unsigned i;
	int ret = ask_all(r, FRAME_CLOSE, &none, FRAME_CLOSED, err);

	for (i = 0; i < r->n && !ret; i++) {
		r->peer = &r->peers[i];
		ret = take_closed(r, err);
	}
	return ret;
}

static int attempt(struct trial_run *r, struct gauge *gauge, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < r->n && !ret; i++) {
		r->peer = &r->peers[i];
		ret = prepare(r, &r->theirs[i], err);
	}
	if (!ret)
		ret = open_end(r, gauge, err);
	if (!ret)
		ret = connect_all(r, err);
	if (!ret)
		ret = measure(r, err);
	end_close(&r->end);
	if (!ret)
		ret = close_all(r, err);
	return ret;
}

/* What the device refuses is a result; what broke is a failure. */
static enum status status_of(const struct err *why, const struct plan_point *pp)
{
	bool named = link_names_device(&pp->client.link) ||
		     link_names_device(&pp->server.link);

	if (why->reason == REASON_INTERRUPTED)
		return STATUS_INTERRUPTED;
	if (why->reason == REASON_NO_DEVICE && named)
		return STATUS_FAILED;
	return reason_is_unsupported(why->reason) ? STATUS_UNSUPPORTED
						  : STATUS_FAILED;
}

unsigned trial_peers(const struct plan_point *pp)
{
	struct need need;

	pp->client.scn->need(pp->client.scn_cfg, &need);
	return need.peers ? need.peers : 1;
}

unsigned trial_peer_rows(const struct plan_point *pp)
{
	struct need need;

	pp->client.scn->need(pp->client.scn_cfg, &need);
	return need.client_alone ? 0 : trial_peers(pp);
}

/* Every peer drops the trial, whatever became of it there; -errno if one
 * cannot even do that. */
static int drop_all(struct trial_run *r)
{
	struct err told, ignored;
	unsigned i;
	int ret = 0, one;

	for (i = 0; i < r->n; i++) {
		r->peer = &r->peers[i];
		one = peer_abort(r->peer, &r->t->why, &told);
		peer_cause(&r->t->why, &told, one != 0);
		if (!one)
			one = take_closed(r, &ignored);
		ret = ret ? ret : one;
	}
	return ret;
}

static bool any_broken(const struct trial_run *r)
{
	unsigned i;

	for (i = 0; i < r->n; i++)
		if (r->peers[i].chan.broken)
			return true;
	return false;
}

static void begin(struct trial *t, const struct peer *peers, unsigned n)
{
	unsigned i;

	memset(t, 0, sizeof(*t));
	t->link.cpu_client = t->link.cpu_server = UINT_MAX;
	t->n_peers = n;
	for (i = 0; i < n; i++)
		snprintf(t->peer_host[i], sizeof(t->peer_host[i]), "%.63s",
			 peers[i].hello.host.name);
}

int trial_run(struct trial *t, const struct plan_point *pp, struct peer *peers,
	      uint64_t seed, struct gauge *gauge)
{
	/* Half a megabyte, and a stack may be smaller. */
	struct trial_run *r = calloc(1, sizeof(*r));
	const unsigned n = trial_peers(pp);
	const sig_atomic_t resumed = stop_resumed;
	int ret;

	begin(t, peers, n);
	if (!r) {
		t->status = STATUS_FAILED;
		return err_sys(&t->why, -ENOMEM, "trial");
	}
	r->t = t;
	r->pp = pp;
	r->peers = peers;
	r->n = n;
	r->seed = seed;
	ret = attempt(r, gauge, &t->why);
	if (ret) {
		/* Ctrl-C reaches the own server, too, which may be gone
		 * first. */
		if (stop_requested && t->why.reason == REASON_PEER_LOST)
			t->why.reason = REASON_INTERRUPTED;
		/* If a peer cannot even drop it, the run is over.  One whose
		 * channel broke unseen has its loss still to tell. */
		if ((!any_broken(r) || t->why.reason == REASON_LINK_FAILED) &&
		    !stop_requested)
			ret = drop_all(r);
		t->status = status_of(&t->why, pp);
	}
	if (stop_resumed != resumed)
		t->stopped = "this process";
	free(r);
	return ret;
}
