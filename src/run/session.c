#include "run/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/stop.h"
#include "base/units.h"
#include "ctl/chan.h"
#include "ctl/hello.h"
#include "run/phase_msg.h"
#include "info/info.h"
#include "run/data_addr.h"
#include "run/end.h"
#include "run/scenario.h"
#include "transport/netif.h"

#define HELLO_TIMEOUT_NS 4000000000ull
/* Between trials the client may think, draw or wait for its user: its heart
 * beats. */
#define IDLE_TIMEOUT_NS 3600000000000ull

struct session {
	const struct session_cfg *cfg;
	struct chan chan;
	struct gauge gauge;
	uint8_t nonce[NONCE_BYTES];
	struct point pt;
	struct end end;
	bool known; /* the client has said, or proved, who it is */
	bool open, connected;
	bool aborted;	      /* ABORT came in the middle of a phase */
	sig_atomic_t resumed; /* stop_resumed as the trial began */
	uint64_t client_ops;
	struct hello mine, theirs;
	struct frame frame;
	uint8_t out[CHAN_PAYLOAD_MAX];
};

static int protocol(struct session *s, const char *what, struct err *err)
{
	return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
		       "%s: frame %d out of order (%s)", s->chan.peer,
		       (int)s->frame.type, what);
}

static struct writer out(struct session *s)
{
	return (struct writer){.buf = s->out, .cap = sizeof(s->out)};
}

static struct reader in(const struct session *s)
{
	return (struct reader){.buf = s->frame.payload, .len = s->frame.len};
}

/* --- what a phase asks between operations --------------------------------- */

static int pulse(void *arg, bool progressed, struct err *err)
{
	struct session *s = arg;
	struct reader r;
	int ret;

	if (stop_requested)
		return err_set(err, -EINTR, REASON_INTERRUPTED,
			       "the server was told to end");
	ret = chan_pulse(&s->chan, progressed, &s->frame, err);
	if (ret <= 0)
		return ret;
	if (s->frame.type == FRAME_ABORT) {
		s->aborted = true;
		return err_set(err, -ECANCELED, REASON_INTERRUPTED,
			       "the client dropped the trial");
	}
	if (s->frame.type != FRAME_FINISH) {
		s->chan.broken = true;
		return protocol(s, "in a phase", err);
	}
	r = in(s);
	s->client_ops = get_u64(&r);
	if (!reader_done(&r)) {
		s->chan.broken = true;
		return protocol(s, "FINISH does not parse", err);
	}
	return 1;
}

static void rest(void *arg)
{
	const struct session *s = arg;

	chan_wait(&s->chan);
}

/* What a client may have written: it names a folder or device of ours. */
static int check_place(struct session *s, struct err *err)
{
	void *base;
	const struct opt *o = point_opt(&s->pt, "pmem-dir", &base);
	const char *place = o ? (const char *)base + o->offset : "";

	if (!s->cfg->pmem_dir || !place[0] || !strcmp(place, s->cfg->pmem_dir))
		return 0;
	return err_set(err, -EPERM, REASON_NO_PERMISSION,
		       "this server lets no client write to %.100s (serve "
		       "--pmem-dir)",
		       place);
}

/* --- the trial's messages -------------------------------------------------- */

/* What a client may make this host allocate, pin and switch. */
static int check_limit(const struct session *s, struct err *err)
{
	const uint64_t limit = s->cfg->max_memory;
	uint64_t bytes;
	char want[UNITS_TEXT_MAX], have[UNITS_TEXT_MAX];
	struct need need;

	s->pt.scn->need(s->pt.scn_cfg, &need);
	if (need.switches_prefetchers && !s->cfg->allow_prefetchers)
		return err_set(err, -EPERM, REASON_NO_PERMISSION,
			       "this server lets no client switch its "
			       "prefetchers (serve --allow-prefetchers)");
	bytes = need.lock_bytes + need.plain_bytes;
	if (!limit || bytes <= limit)
		return 0;
	return err_set(err, -EPERM, REASON_PEER_REFUSED,
		       "%s of buffers are wanted, this server gives a client "
		       "%s at most (serve --max-memory)",
		       units_format_size(want, sizeof(want), bytes),
		       units_format_size(have, sizeof(have), limit));
}

static int prepare(struct session *s, struct err *err)
{
	struct end_env env = {
		.role = ROLE_PASSIVE,
		.gauge = &s->gauge,
		.nonce = {s->nonce},
		.pulse = pulse,
		.rest = rest,
		.pulse_arg = s,
	};
	struct sockaddr_storage addr;
	struct reader r = in(s);
	struct writer w = out(s);
	struct blob blob = {0};
	int ret;

	if (s->open)
		return protocol(s, "PREPARE in a trial", err);
	s->resumed = stop_resumed;
	ret = point_unpack(&s->pt, &r, err);
	if (!ret)
		ret = check_limit(s, err);
	if (!ret)
		ret = check_place(s, err);
	if (ret)
		return ret;
	data_addr_choose(&s->pt.link, s->chan.fd, &addr);
	env.data_addr[0] = &addr;
	ret = end_open(&s->end, &s->pt, &env, &blob, err);
	if (ret)
		return ret;
	s->open = true;
	put_bytes(&w, blob.data, blob.len);
	put_bytes(&w, s->end.token.data, s->end.token.len);
	put_u32(&w, s->end.pinned_cpu);
	put_str(&w, end_caps(&s->end)->device);
	conditions_pack(&s->end.is, &w);
	return chan_send(&s->chan, FRAME_READY, s->out, w.len, err);
}

static int connect_end(struct session *s, struct err *err)
{
	struct reader r = in(s);
	struct blob blob, token;
	int ret;

	if (!s->open || s->connected)
		return protocol(s, "CONNECT without PREPARE", err);
	blob.len = (uint32_t)get_bytes(&r, blob.data, sizeof(blob.data));
	token.len = (uint32_t)get_bytes(&r, token.data, sizeof(token.data));
	if (!reader_done(&r))
		return protocol(s, "CONNECT does not parse", err);
	ret = end_connect(&s->end, &blob, &token, err);
	if (ret)
		return ret;
	s->connected = true;
	return chan_send(&s->chan, FRAME_CONNECTED, NULL, 0, err);
}

static int send_result(struct session *s, struct err *err)
{
	size_t len = tally_pack(&s->end.tally, s->out, sizeof(s->out));

	return chan_send(&s->chan, FRAME_RESULT, s->out, len, err);
}

static int run_phase(struct session *s, struct err *err)
{
	struct reader r = in(s);
	struct phase ph;
	int ret;

	if (!s->connected)
		return protocol(s, "START before CONNECT", err);
	phase_unpack(&ph, &r);
	if (!reader_done(&r))
		return protocol(s, "START does not parse", err);
	end_before_phase(&s->end, &ph);
	chan_heart_slow(&s->chan, true);
	ret = chan_send(&s->chan, FRAME_STARTED, NULL, 0, err);
	if (!ret)
		ret = end_phase(&s->end, &ph, err);
	chan_heart_slow(&s->chan, false);
	if (ret)
		return ret;
	end_after_phase(&s->end, &ph);
	if (!end_has_part(&s->end))
		tally_set(&s->end.tally, METRIC_OPS, s->client_ops);
	if (!end_caps(&s->end)->lossy && /* there the client compares */
	    tally_has(&s->end.tally, METRIC_OPS) &&
	    s->end.tally.value[METRIC_OPS] != s->client_ops)
		return err_set(
			err, -EBADMSG, REASON_MISCOUNT,
			"the server served %llu operations, the client "
			"counts %llu",
			(unsigned long long)s->end.tally.value[METRIC_OPS],
			(unsigned long long)s->client_ops);
	if (ph.measured) {
		ret = end_verify(&s->end, err);
		if (ret)
			return ret;
	}
	return send_result(s, err);
}

static void drop_trial(struct session *s)
{
	end_close(&s->end);
	s->open = s->connected = false;
}

/* A trial's last word: whether we were stopped in it, and went on. */
static int say_closed(struct session *s, enum frame_type type, struct err *err)
{
	struct writer w = out(s);

	put_u32(&w, stop_resumed != s->resumed);
	return chan_send(&s->chan, type, s->out, w.len, err);
}

static int close_trial(struct session *s, struct err *err)
{
	if (!s->open)
		return protocol(s, "CLOSE without a trial", err);
	drop_trial(s);
	return say_closed(s, FRAME_CLOSED, err);
}

static int abort_trial(struct session *s, struct err *err)
{
	drop_trial(s);
	s->aborted = false;
	return say_closed(s, FRAME_ABORTED, err);
}

static int dispatch(struct session *s, struct err *err)
{
	switch (s->frame.type) {
	case FRAME_PREPARE:
		return prepare(s, err);
	case FRAME_CONNECT:
		return connect_end(s, err);
	case FRAME_START:
		return run_phase(s, err);
	case FRAME_CLOSE:
		return close_trial(s, err);
	case FRAME_ABORT:
		return abort_trial(s, err);
	case FRAME_FINISH: /* crossed with our ERROR: the ABORT follows */
		return 0;
	default:
		s->chan.broken = true;
		return protocol(s, "not a request", err);
	}
}

/* A trial's failure is told to the client and the session goes on; a broken
 * channel ends it. */
static int after_failure(struct session *s, struct err *err)
{
	struct err words = *err;

	drop_trial(s);
	if (s->chan.broken || stop_requested)
		return -EINTR;
	if (s->aborted)
		return abort_trial(s, err);
	return chan_send_words(&s->chan, FRAME_ERROR, &words, err);
}

static int serve_client(struct session *s, struct err *err)
{
	const uint64_t ns = s->cfg->idle_ns;
	int ret;

	for (;;) {
		ret = chan_recv(&s->chan, &s->frame, ns ? ns : IDLE_TIMEOUT_NS,
				err);
		if (ret)
			return ret;
		ret = dispatch(s, err);
		if (ret)
			ret = after_failure(s, err);
		if (ret)
			return ret;
	}
}

/* --- the handshake ---------------------------------------------------------- */

static int random_bytes(void *buf, size_t len, struct err *err)
{
	if (getrandom(buf, len, 0) == (ssize_t)len)
		return 0;
	return err_sys(err, -errno, "getrandom");
}

static int next_in_handshake(struct session *s, enum frame_type type,
			     const char *what, struct err *err)
{
	const uint64_t ns = s->cfg->handshake_ns;
	int ret;

	ret = chan_recv(&s->chan, &s->frame, ns ? ns : HELLO_TIMEOUT_NS, err);
	if (!ret && s->frame.type != type)
		ret = protocol(s, what, err);
	return ret;
}

/* The client proves that it has the token; `proof` becomes ours. */
static int check_token(struct session *s, const struct hello *theirs,
		       uint8_t proof[TOKEN_PROOF_BYTES], struct err *err)
{
	const struct token *token = s->cfg->token;
	uint8_t answer[TOKEN_PROOF_BYTES];
	struct token_nonces nonces;
	struct writer w = out(s);
	struct reader r;
	int ret;

	memcpy(nonces.client, theirs->nonce, sizeof(nonces.client));
	ret = random_bytes(nonces.server, sizeof(nonces.server), err);
	if (ret)
		return ret;
	put_bytes(&w, nonces.server, sizeof(nonces.server));
	ret = chan_send(&s->chan, FRAME_CHALLENGE, s->out, w.len, err);
	if (!ret)
		ret = next_in_handshake(s, FRAME_PROOF, "PROOF comes next",
					err);
	if (ret)
		return ret;
	r = in(s);
	if (get_bytes(&r, answer, sizeof(answer)) != sizeof(answer) ||
	    !reader_done(&r))
		return protocol(s, "PROOF does not parse", err);
	if (!token_is_proved(token, TOKEN_CLIENT, &nonces, answer))
		return err_set(err, -EACCES, REASON_PEER_REFUSED,
			       "the client's token is not this server's "
			       "(--token-file)");
	token_prove(token, TOKEN_SERVER, &nonces, proof);
	return 0;
}

static int welcome(struct session *s, const struct session_cfg *cfg,
		   struct err *err)
{
	struct hello *mine = &s->mine;
	struct writer w;
	struct reader r;
	int ret;

	mine->version = CTL_VERSION;
	mine->sessions = cfg->sessions;
	ret = next_in_handshake(s, FRAME_HELLO, "HELLO comes first", err);
	if (ret)
		return ret;
	r = in(s);
	ret = hello_unpack(&s->theirs, &r, err);
	if (!ret && cfg->token)
		ret = check_token(s, &s->theirs, mine->proof, err);
	if (!ret)
		ret = random_bytes(s->nonce, sizeof(s->nonce), err);
	if (ret)
		return ret;
	s->known = true;
	/* Looking takes a while, on a busy machine seconds. */
	ret = chan_heart_start(&s->chan, err);
	if (ret)
		return ret;
	memcpy(mine->nonce, s->nonce, sizeof(mine->nonce));
	host_read(&mine->host);
	info_gather(&mine->facts, &mine->host, "");
	w = out(s);
	hello_pack(mine, &w);
	return chan_send(&s->chan, FRAME_WELCOME, s->out, w.len, err);
}

/* The last word to whoever is there.  A stranger gets a line it can read, also
 * one who has nothing more to say (nc </dev/null). */
static void say_bye(struct session *s, const struct err *why)
{
	static const char line[] = "rdmabench: this is the control port of "
				   "`rdmabench serve`\r\n";
	const bool gone = why->reason == REASON_PEER_LOST;
	struct err ignored;

	if (why->reason == REASON_PEER_PROTOCOL || (gone && !s->known))
		(void)!send(s->chan.fd, line, sizeof(line) - 1,
			    MSG_NOSIGNAL | MSG_DONTWAIT);
	else if (!gone)
		(void)chan_send_words(&s->chan, FRAME_BYE, why, &ignored);
}

static void peer_text(int fd, char *buf, size_t cap)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char addr[NETIF_TEXT];

	if (getpeername(fd, (struct sockaddr *)&ss, &len))
		addr[0] = '\0';
	else
		netif_text(&ss, addr);
	snprintf(buf, cap, "client %s", addr);
}

int session_run(int fd, const struct session_cfg *cfg, struct err *err)
{
	struct session *s = calloc(1, sizeof(*s));
	char peer[80];
	int ret;

	if (!s) {
		close(fd);
		return err_sys(err, -ENOMEM, "session");
	}
	s->cfg = cfg;
	s->resumed = stop_resumed;
	peer_text(fd, peer, sizeof(peer));
	ret = chan_init(&s->chan, fd, peer, err);
	if (ret) {
		close(fd);
		goto out_free;
	}
	gauge_init(&s->gauge, cfg->clock);
	ret = welcome(s, cfg, err);
	if (!ret)
		ret = serve_client(s, err);
	drop_trial(s);
	if (ret == -ECONNABORTED && err->reason == REASON_NONE)
		ret = 0; /* a BYE without complaint */
	else
		say_bye(s, err);
	chan_fini(&s->chan);
out_free:
	free(s);
	return ret;
}
