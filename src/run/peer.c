#include "run/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/units.h"
#include "ctl/chan_pair.h"
#include "run/session.h"

/* Registering or allocating much may take long, and so may looking what the
 * host is like; the heart beats. */
#define ANSWER_TIMEOUT_NS 120000000000ull
#define CONNECT_TIMEOUT_NS 4000000000ull

static uint64_t patience_ns(const struct peer_self *self)
{
	return self->connect_ns ? self->connect_ns : CONNECT_TIMEOUT_NS;
}

int peer_error(const struct peer *p, struct err *err)
{
	frame_words(&p->frame, err);
	if (err->reason == REASON_NONE)
		err->reason = REASON_PEER_PROTOCOL;
	err_wrap(err, "server");
	return -EREMOTEIO;
}

int peer_expect(struct peer *p, enum frame_type expect, struct err *err)
{
	int ret = chan_recv(&p->chan, &p->frame, ANSWER_TIMEOUT_NS, err);

	if (ret)
		return ret;
	if (p->frame.type == expect)
		return 0;
	if (p->frame.type == FRAME_ERROR)
		return peer_error(p, err);
	p->chan.broken = true;
	return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
		       "%s: frame %d where %d was due", p->chan.peer,
		       (int)p->frame.type, (int)expect);
}

int peer_ask(struct peer *p, enum frame_type ask, const void *payload,
	     size_t len, enum frame_type expect, struct err *err)
{
	int ret = chan_send(&p->chan, ask, payload, len, err);

	return ret ? ret : peer_expect(p, expect, err);
}

static bool is_broken_link(const struct err *e)
{
	return e->reason == REASON_LINK_FAILED || e->reason == REASON_PEER_LOST;
}

int peer_abort(struct peer *p, const struct err *why, struct err *told)
{
	struct err err = {.reason = REASON_NONE};
	int ret = chan_send_words(&p->chan, FRAME_ABORT, why, &err);

	*told = (struct err){.reason = REASON_NONE};
	/* Whatever was under way before the answer is void. */
	while (!ret) {
		ret = chan_recv(&p->chan, &p->frame, ANSWER_TIMEOUT_NS, &err);
		if (ret || p->frame.type == FRAME_ABORTED)
			break;
		if (p->frame.type == FRAME_ERROR)
			(void)peer_error(p, told);
	}
	if (ret && (told->reason == REASON_NONE || is_broken_link(told)))
		*told = err;
	return ret;
}

void peer_cause(struct err *why, const struct err *told, bool gone)
{
	/* That it was interrupted, we were not. */
	const bool knows = told->reason != REASON_NONE &&
			   told->reason != REASON_INTERRUPTED &&
			   !is_broken_link(told);
	/* With its program goes its memory: a device then tells of a wrong
	 * key, and who calls it finds nobody. */
	const bool lost = gone && told->reason == REASON_PEER_LOST &&
			  (why->reason == REASON_LINK_FAILED ||
			   why->reason == REASON_PEER_REFUSED);

	if (lost || (knows && is_broken_link(why)))
		*why = *told;
}

static int next_in_handshake(struct peer *p, struct reader *r, struct err *err)
{
	int ret = chan_recv(&p->chan, &p->frame, ANSWER_TIMEOUT_NS, err);

	*r = (struct reader){.buf = p->frame.payload, .len = p->frame.len};
	return ret;
}

/* Answers a server that asks for the token; its own proof is to come with
 * the WELCOME. */
static int answer_challenge(struct peer *p, const struct token *token,
			    struct token_nonces *nonces, struct err *err)
{
	struct reader r = {.buf = p->frame.payload, .len = p->frame.len};
	uint8_t buf[4 + TOKEN_PROOF_BYTES], proof[TOKEN_PROOF_BYTES];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};

	if (!token)
		return err_set(err, -EACCES, REASON_PEER_REFUSED,
			       "%s: asks for a token (--token-file)",
			       p->chan.peer);
	if (get_bytes(&r, nonces->server, sizeof(nonces->server)) !=
		    sizeof(nonces->server) ||
	    !reader_done(&r))
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "%s: its challenge does not parse",
			       p->chan.peer);
	token_prove(token, TOKEN_CLIENT, nonces, proof);
	put_bytes(&w, proof, sizeof(proof));
	return chan_send(&p->chan, FRAME_PROOF, buf, w.len, err);
}

static int get_welcome(struct peer *p, const struct peer_self *self,
		       struct token_nonces *nonces, struct err *err)
{
	struct reader r;
	int ret = next_in_handshake(p, &r, err);

	if (!ret && p->frame.type == FRAME_CHALLENGE) {
		ret = answer_challenge(p, self->token, nonces, err);
		if (!ret)
			ret = next_in_handshake(p, &r, err);
	}
	if (ret)
		return ret;
	if (p->frame.type != FRAME_WELCOME)
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "%s: answered HELLO with frame %d: use the same "
			       "binary on both hosts",
			       p->chan.peer, (int)p->frame.type);
	ret = hello_unpack(&p->hello, &r, err);
	if (ret)
		err_wrap(err, "%s", p->chan.peer);
	return ret;
}

/* One that asked for nothing has zeros here, which prove nothing. */
static int check_server(const struct peer *p, const struct token *token,
			const struct token_nonces *nonces, struct err *err)
{
	if (!token ||
	    token_is_proved(token, TOKEN_SERVER, nonces, p->hello.proof))
		return 0;
	return err_set(err, -EACCES, REASON_PEER_REFUSED,
		       "%s: does not prove the token (--token-file), so it is "
		       "not trusted",
		       p->chan.peer);
}

static int exchange_hellos(struct peer *p, const struct peer_self *self,
			   struct err *err)
{
	struct hello mine = {.version = CTL_VERSION};
	struct token_nonces nonces = {.server = {0}};
	uint8_t buf[2048];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	int ret;

	/* What this host is like is not for who has proved nothing. */
	if (!self->token)
		mine.host = *self->host;
	if (getrandom(mine.nonce, sizeof(mine.nonce), 0) != sizeof(mine.nonce))
		return err_sys(err, -errno, "getrandom");
	memcpy(nonces.client, mine.nonce, sizeof(nonces.client));
	hello_pack(&mine, &w);
	/* A server that refuses may have hung up by now: its words wait. */
	(void)chan_send(&p->chan, FRAME_HELLO, buf, w.len, err);
	ret = get_welcome(p, self, &nonces, err);
	if (!ret)
		ret = check_server(p, self->token, &nonces, err);
	if (ret)
		return ret;
	p->same_host = self->host->boot_id[0] &&
		       !strcmp(self->host->boot_id, p->hello.host.boot_id);
	return chan_heart_start(&p->chan, err);
}

int peer_start(struct peer *p, int fd, const char *name,
	       const struct peer_self *self, struct err *err)
{
	int ret = chan_init(&p->chan, fd, name, err);

	if (ret) {
		close(fd);
		p->chan.fd = -1;
		return ret;
	}
	/* One that says nothing may be no server of ours. */
	p->chan.silence_ns = patience_ns(self);
	ret = exchange_hellos(p, self, err);
	p->chan.silence_ns = CHAN_SILENCE_NS;
	return ret;
}

/* --- our own server -------------------------------------------------------- */

static _Noreturn void run_child(int fd, pid_t parent, const struct token *token)
{
	struct session_cfg cfg = {
		.sessions = 1, .allow_prefetchers = true, .token = token};
	struct err err = {0};

	/* Ctrl-C reaches the whole group: the client decides.  A client that
	 * is killed takes its server along. */
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	signal(SIGTERM, SIG_DFL);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	_exit(session_run(fd, &cfg, &err) ? 1 : 0);
}

int peer_open_embedded(struct peer *p, const struct peer_self *self,
		       struct err *err)
{
	pid_t parent = getpid();
	int ret, fd[2];

	memset(p, 0, sizeof(*p));
	p->chan.fd = -1;
	p->embedded = true;
	ret = chan_pair(fd, err);
	if (ret)
		return ret;
	fflush(NULL);
	p->child = fork();
	if (p->child == 0) {
		close(fd[0]);
		run_child(fd[1], parent, self->token);
	}
	close(fd[1]);
	if (p->child < 0) {
		ret = err_sys(err, -errno, "fork");
		close(fd[0]);
		return ret;
	}
	return peer_start(p, fd[0], "server (own child)", self, err);
}

/* --- somebody else's ------------------------------------------------------- */

/* getaddrinfo() would take 99999 for 34463. */
static int check_where(const char *where, const char *host, const char *port,
		       struct err *err)
{
	uint64_t number;

	if (!host[0])
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--connect '%s': no host", where);
	if (units_parse_count(port, &number, err) || !number || number > 65535)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--connect %s: '%s' is no port, 1 to 65535",
			       where, port);
	return 0;
}

/* Splits "host:port", "[v6]:port", "host", "v6". */
static int split(const char *where, char *host, size_t cap, char *port,
		 struct err *err)
{
	const char *end, *colon;

	if (where[0] == '[') {
		end = strchr(where, ']');
		if (!end || (end[1] && end[1] != ':'))
			return err_set(err, -EINVAL, REASON_USAGE,
				       "--connect %s: not [ADDR]:PORT", where);
		snprintf(host, cap, "%.*s", (int)(end - where - 1), where + 1);
		if (end[1])
			snprintf(port, 16, "%.15s", end + 2);
		return 0;
	}
	colon = strchr(where, ':');
	if (colon && !strchr(colon + 1, ':')) {
		snprintf(host, cap, "%.*s", (int)(colon - where), where);
		snprintf(port, 16, "%.15s", colon + 1);
		return 0;
	}
	snprintf(host, cap, "%s", where);
	return 0;
}

static int connect_in_time(const struct addrinfo *ai, uint64_t ns)
{
	struct pollfd p = {.events = POLLOUT};
	socklen_t len = sizeof(int);
	int e = 0;

	p.fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
		      0);
	if (p.fd < 0)
		return -errno;
	if (connect(p.fd, ai->ai_addr, ai->ai_addrlen) &&
	    errno != EINPROGRESS) {
		e = errno;
	} else if (poll(&p, 1, (int)(ns / 1000000)) != 1) {
		e = ETIMEDOUT;
	} else {
		getsockopt(p.fd, SOL_SOCKET, SO_ERROR, &e, &len);
	}
	if (e) {
		close(p.fd);
		return -e;
	}
	return p.fd;
}

static int call(const char *host, const char *port, uint64_t ns,
		struct err *err)
{
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list, *ai;
	int fd = -EHOSTUNREACH, ret;

	/* A static binary resolves names only where the same glibc is
	 * installed; numeric addresses always work. */
	ret = getaddrinfo(host, port, &hints, &list);
	if (ret)
		return err_set(err, -EHOSTUNREACH, REASON_PEER_REFUSED,
			       "--connect %s: %s (try its numeric address)",
			       host, gai_strerror(ret));
	for (ai = list; ai && fd < 0; ai = ai->ai_next)
		fd = connect_in_time(ai, ns);
	freeaddrinfo(list);
	if (fd < 0)
		return err_set(err, fd, REASON_PEER_REFUSED,
			       "--connect %s, port %s: %s (is `rdmabench "
			       "serve --bind ...` running there?)",
			       host, port, strerror(-fd));
	return fd;
}

int peer_open(struct peer *p, const char *where, unsigned port,
	      const struct peer_self *self, struct err *err)
{
	char host[256], service[16], name[80];
	int ret;

	memset(p, 0, sizeof(*p));
	p->chan.fd = -1;
	snprintf(service, sizeof(service), "%u", port);
	ret = split(where, host, sizeof(host), service, err);
	if (!ret)
		ret = check_where(where, host, service, err);
	if (ret)
		return ret;
	ret = call(host, service, patience_ns(self), err);
	if (ret < 0)
		return ret;
	snprintf(name, sizeof(name), "server %.50s:%s", host, service);
	return peer_start(p, ret, name, self, err);
}

/* A child that does not leave by itself within a second is killed. */
static void reap(pid_t child)
{
	struct timespec tick = {.tv_nsec = 2000000};
	int i, status;

	for (i = 0; i < 500; i++) {
		if (waitpid(child, &status, WNOHANG) == child)
			return;
		nanosleep(&tick, NULL);
	}
	kill(child, SIGKILL);
	waitpid(child, &status, 0);
}

void peer_close(struct peer *p)
{
	struct err none = {0}, ignored;

	if (p->chan.fd >= 0 && p->chan.in) {
		if (!p->chan.broken)
			(void)chan_send_words(&p->chan, FRAME_BYE, &none,
					      &ignored);
		chan_fini(&p->chan);
	}
	if (p->child > 0)
		reap(p->child);
	p->child = 0;
}
