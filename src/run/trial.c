#include "run/trial.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
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
	struct peer *peer;
	struct end end;
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
static int pulse(void *arg, bool progressed, struct err *err)
{
	struct trial_run *r = arg;
	int ret;

	if (stop_requested)
		return err_set(err, -EINTR, REASON_INTERRUPTED, "interrupted");
	ret = chan_pulse(&r->peer->chan, progressed, &r->peer->frame, err);
	if (ret <= 0)
		return ret;
	if (r->peer->frame.type != FRAME_ERROR)
		return bad_answer(r, err);
	frame_words(&r->peer->frame, err);
	err_wrap(err, "server");
	return -EREMOTEIO;
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

static int open_end(struct trial_run *r, const struct clock *clock,
		    struct blob *mine, struct err *err)
{
	struct sockaddr_storage addr;
	struct end_env env = {
		.role = ROLE_ACTIVE,
		.clock = clock,
		.nonce = r->peer->hello.nonce,
		.data_addr = &addr,
		.pulse = pulse,
		.pulse_arg = r,
	};
	int ret;

	data_addr_choose(&r->pp->client.link, r->peer->chan.fd, &addr);
	ret = end_open(&r->end, &r->pp->client, &env, mine, err);
	if (ret)
		return ret;
	r->t->link.caps = *end_caps(&r->end);
	r->t->link.cpu_client = r->end.pinned_cpu;
	r->t->client_is = r->end.is;
	return 0;
}

static int connect_both(struct trial_run *r, const struct blob *mine,
			const struct words *theirs, struct err *err)
{
	uint8_t buf[2 * BLOB_MAX + 16];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	struct need need;
	int ret;

	put_bytes(&w, mine->data, mine->len);
	put_bytes(&w, r->end.token.data, r->end.token.len);
	ret = chan_send(&r->peer->chan, FRAME_CONNECT, buf, w.len, err);
	if (!ret)
		ret = end_connect(&r->end, &theirs->link, &theirs->token, err);
	if (!ret)
		ret = peer_expect(r->peer, FRAME_CONNECTED, err);
	if (ret)
		return ret;
	r->pp->client.scn->need(r->pp->client.scn_cfg, &need);
	r->t->link.caps = *end_caps(&r->end);
	if (r->end.ep)
		r->t->link.messages_per_op =
			ep_messages_per_op(r->end.ep, need.size_bytes);
	return 0;
}

/* START ... FINISH -> RESULT; the server's tally into `server`. */
static int phase(struct trial_run *r, const struct phase *ph,
		 struct tally *server, struct err *err)
{
	uint8_t buf[16];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	int ret;

	end_before_phase(&r->end, ph);
	phase_pack(ph, &w);
	ret = peer_ask(r->peer, FRAME_START, buf, w.len, FRAME_STARTED, err);
	if (ret)
		return ret;
	chan_heart_pause(&r->peer->chan, true);
	ret = end_phase(&r->end, ph, err);
	chan_heart_pause(&r->peer->chan, false);
	if (ret)
		return ret;
	w = (struct writer){.buf = buf, .cap = sizeof(buf)};
	put_u64(&w, r->end.tally.value[METRIC_OPS]);
	ret = peer_ask(r->peer, FRAME_FINISH, buf, w.len, FRAME_RESULT, err);
	if (ret)
		return ret;
	end_after_phase(&r->end, ph);
	if (tally_unpack(server, r->peer->frame.payload, r->peer->frame.len))
		return bad_answer(r, err);
	return trial_check_counts(&r->end.tally, server,
				  end_caps(&r->end)->lossy, err);
}

/* Counts that are equal; of a pair that is sent and received, on a link that
 * loses messages, no more is received than sent. */
struct count_pair {
	enum metric_id client, server;
	enum { PAIR_TO_SERVER, PAIR_TO_CLIENT } way;
};

static bool pair_holds(const struct count_pair *p, uint64_t c, uint64_t s,
		       bool lossy)
{
	if (!lossy)
		return c == s;
	return p->way == PAIR_TO_SERVER ? s <= c : c <= s;
}

int trial_check_counts(const struct tally *client, const struct tally *server,
		       bool lossy, struct err *err)
{
	static const struct count_pair pairs[] = {
		{METRIC_OPS, METRIC_OPS, PAIR_TO_SERVER},
		{METRIC_SENDS, METRIC_RECVS, PAIR_TO_SERVER},
		{METRIC_RECVS, METRIC_SENDS, PAIR_TO_CLIENT},
		{METRIC_BYTES_SENT, METRIC_BYTES_RECV, PAIR_TO_SERVER},
		{METRIC_BYTES_RECV, METRIC_BYTES_SENT, PAIR_TO_CLIENT},
	};
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		uint64_t c = client->value[pairs[i].client];
		uint64_t s = server->value[pairs[i].server];

		/* A server that is only written to counts no operations. */
		if (pairs[i].server == METRIC_OPS &&
		    !tally_has(server, METRIC_OPS))
			continue;
		if (!pair_holds(&pairs[i], c, s, lossy))
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

/* Warm is when two stretches of operations in a row agree in their medians,
 * or when this many were tried. */
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
	bool fixed = r->pp->client.trial.warmup_ns != OPT_WORD;
	double p50, last = 0;
	unsigned i;
	int ret;

	for (i = 0; i < WARMUP_STRETCHES; i++) {
		ret = phase(r, warm, &r->t->server, err);
		if (ret)
			return ret;
		r->t->warmup_ops += r->end.tally.value[METRIC_OPS];
		p50 = (double)hist_quantile(&r->end.tally.latency, 0.5);
		if (fixed || fabs(p50 - last) <= WARMUP_AGREE * p50)
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
	ret = phase(r, &measured, &r->t->server, err);
	if (ret)
		return ret;
	r->t->client = r->end.tally;
	/* Without a link, the scenario knows the path only now. */
	r->t->link.caps = *end_caps(&r->end);
	return pt->scn->verify(&r->end, err);
}

static int attempt(struct trial_run *r, const struct clock *clock,
		   struct err *err)
{
	struct words theirs = {0};
	struct blob mine = {0};
	int ret;

	ret = prepare(r, &theirs, err);
	if (!ret)
		ret = open_end(r, clock, &mine, err);
	if (!ret)
		ret = connect_both(r, &mine, &theirs, err);
	if (!ret)
		ret = measure(r, err);
	end_close(&r->end);
	if (!ret)
		ret = peer_ask(r->peer, FRAME_CLOSE, NULL, 0, FRAME_CLOSED,
			       err);
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

int trial_run(struct trial *t, const struct plan_point *pp, struct peer *peer,
	      const struct clock *clock)
{
	struct trial_run r = {.t = t, .pp = pp, .peer = peer};
	struct err err;
	int ret;

	memset(t, 0, sizeof(*t));
	t->link.cpu_client = t->link.cpu_server = UINT_MAX;
	ret = attempt(&r, clock, &t->why);
	if (!ret)
		return 0;
	t->status = status_of(&t->why, pp);
	if (peer->chan.broken || stop_requested)
		return ret;
	/* The reason stays the trial's; if the peer cannot even drop it, the
	 * run is over. */
	return peer_abort(peer, &t->why, &err);
}
