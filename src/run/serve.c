#include "run/serve.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/stop.h"
#include "ctl/chan.h"
#include "run/session.h"

/* Frames, threads, the provider of an RDMA device: far less, in fact. */
#define SESSION_OWN_BYTES ((rlim_t)256 << 20)

#define AT(field) offsetof(struct serve_cfg, field)

static const struct opt opts[] = {
	{.name = "bind",
	 .type = OPT_TEXT,
	 .role = OPT_RUN,
	 .offset = AT(bind),
	 .def = "127.0.0.1",
	 .metavar = "ADDR",
	 .help = "address of the control port; 0.0.0.0 or :: for all; whoever "
		 "reaches it may run benchmarks here"},
	{.name = "port",
	 .letter = 'p',
	 .type = OPT_COUNT,
	 .role = OPT_RUN,
	 .offset = AT(port),
	 .max = 65535,
	 .def = "18515",
	 .metavar = "PORT",
	 .help = "control port; 0: any free one, which is printed"},
	{.name = "token-file",
	 .type = OPT_TEXT,
	 .role = OPT_RUN,
	 .offset = AT(token_file),
	 .def = "",
	 .metavar = "FILE",
	 .help = "serve only clients that prove that they know the secret in "
		 "this file (16 to 1024 bytes, only its owner may read it)"},
	{.name = "max-sessions",
	 .type = OPT_COUNT,
	 .role = OPT_RUN,
	 .offset = AT(max_sessions),
	 .min = 1,
	 .max = 1024,
	 .def = "64",
	 .metavar = "N",
	 .help = "clients served at the same time"},
	{.name = "max-memory",
	 .type = OPT_SIZE,
	 .role = OPT_RUN,
	 .offset = AT(max_memory),
	 .min = 1 << 20,
	 .max = (uint64_t)1 << 50,
	 .def = "4G",
	 .metavar = "SIZE",
	 .help = "buffers that one client may have allocated here, and "
		 "pinned for RDMA"},
	{.name = "handshake-timeout",
	 .type = OPT_TIME,
	 .role = OPT_RUN,
	 .offset = AT(handshake_ns),
	 .min = 100000000,
	 .max = 60000000000,
	 .def = "4s",
	 .metavar = "TIME",
	 .help = "how long a client that has not said who it is keeps its "
		 "place"},
	{.name = "idle-timeout",
	 .type = OPT_TIME,
	 .role = OPT_RUN,
	 .offset = AT(idle_ns),
	 .min = 100000000,
	 .max = 604800000000000,
	 .def = "3600s",
	 .metavar = "TIME",
	 .help = "how long a client that asks for nothing keeps its place, "
		 "though it lives"},
	{.name = "pmem-dir",
	 .type = OPT_TEXT,
	 .role = OPT_RUN,
	 .offset = AT(pmem_dir),
	 .def = "",
	 .metavar = "PATH",
	 .help = "the only folder or DAX device where clients may have logs "
		 "written (oplog --pmem-dir); otherwise none"},
	{.name = "allow-prefetchers",
	 .type = OPT_FLAG,
	 .role = OPT_RUN,
	 .offset = AT(allow_prefetchers),
	 .def = "no",
	 .help = "clients may switch this host's hardware prefetchers while "
		 "they measure (`prefetch`; root): whoever else works here "
		 "feels it"},
};

const struct opt_group serve_opts = {
	.title = "serve",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

struct serve {
	const struct serve_cfg *cfg;
	const struct serve_log *log;
	struct token token; /* of no length: none */
	int listener;
	pid_t pid; /* of the listener, for sessions to watch */
	pid_t *sessions;
	unsigned n_sessions;
};

static void say(const struct serve *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void say(const struct serve *s, const char *fmt, ...)
{
	char line[ERR_TEXT_MAX + 128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	s->log->say(line);
}

static int try_listen(const struct addrinfo *ai)
{
	int one = 1, e;
	int fd = socket(ai->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, ai->ai_addr, ai->ai_addrlen) && !listen(fd, 64))
		return fd;
	e = errno;
	close(fd);
	return -e;
}

static int cannot_listen(const char *bind, const char *port, int ret,
			 struct err *err)
{
	switch (ret) {
	case -EADDRINUSE:
		return err_set(err, ret, REASON_IN_USE,
			       "port %s at %s is taken: is a server running "
			       "already? Choose another with -p",
			       port, bind);
	case -EADDRNOTAVAIL:
		return err_set(err, ret, REASON_IO_ERROR,
			       "--bind %s: no interface of this host has that "
			       "address (`ip addr` lists them)",
			       bind);
	default:
		return err_sys(err, ret, "--bind %s, port %s", bind, port);
	}
}

static int open_listener(const struct serve_cfg *cfg, struct err *err)
{
	struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST,
	};
	struct addrinfo *ai;
	char port[8];
	int fd;

	snprintf(port, sizeof(port), "%u", (unsigned)cfg->port);
	if (getaddrinfo(cfg->bind, port, &hints, &ai))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--bind %s: not a numeric address", cfg->bind);
	fd = try_listen(ai);
	freeaddrinfo(ai);
	return fd >= 0 ? fd : cannot_listen(cfg->bind, port, fd, err);
}

static void announce(struct serve *s)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);
	char host[64] = "?", port[16] = "?";

	if (!getsockname(s->listener, (struct sockaddr *)&ss, &len))
		getnameinfo((struct sockaddr *)&ss, len, host, sizeof(host),
			    port, sizeof(port),
			    NI_NUMERICHOST | NI_NUMERICSERV);
	say(s, "listening on %s port %s", host, port);
}

/* What the session has before it begins: little, but a sanitizer's shadow is
 * data as well. */
static rlim_t data_bytes(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	unsigned long pages = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%*u %*u %*u %*u %*u %lu", &pages) != 1)
		pages = 0;
	fclose(f);
	return (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
}

/* Whatever a scenario makes of its options, the kernel refuses more than the
 * buffers and what the session itself needs. */
static void limit_memory(uint64_t bytes)
{
	const rlim_t most = bytes + SESSION_OWN_BYTES + data_bytes();
	const struct rlimit limit = {.rlim_cur = most, .rlim_max = most};

	(void)setrlimit(RLIMIT_DATA, &limit);
}

static void run_session(struct serve *s, int fd)
{
	struct session_cfg cfg = {
		.sessions = s->n_sessions + 1,
		.max_memory = s->cfg->max_memory,
		.handshake_ns = s->cfg->handshake_ns,
		.idle_ns = s->cfg->idle_ns,
		.allow_prefetchers = s->cfg->allow_prefetchers,
		.pmem_dir = s->cfg->pmem_dir,
		.token = s->token.len ? &s->token : NULL,
	};
	struct err err = {0};
	int ret;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != s->pid)
		_exit(1);
	close(s->listener);
	limit_memory(cfg.max_memory);
	ret = session_run(fd, &cfg, &err);
	if (ret)
		say(s, "session %d ended: %s: %s", (int)getpid(),
		    reason_word(err.reason), err.text);
	else
		say(s, "session %d ended", (int)getpid());
	_exit(ret ? 1 : 0);
}

/* Nobody is hung up on without a word. */
static void refuse(const struct serve *s, int fd, const struct err *why)
{
	struct chan chan;
	struct err ignored;

	say(s, "refused a client: %s", why->text);
	if (chan_init(&chan, fd, "client", &ignored)) {
		close(fd);
		return;
	}
	(void)chan_send_words(&chan, FRAME_BYE, why, &ignored);
	chan_fini(&chan);
}

/* The client stays in the queue, so poll() would call again at once. */
static void cannot_accept(const struct serve *s, int e)
{
	struct timespec pause = {.tv_nsec = 500000000};
	struct err why;

	if (e == EAGAIN || e == EINTR || e == ECONNABORTED)
		return;
	err_sys(&why, -e, "cannot accept a client");
	say(s, "%s", why.text);
	nanosleep(&pause, NULL);
}

static void accept_client(struct serve *s)
{
	int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
	struct err why;
	pid_t pid;

	if (fd < 0) {
		cannot_accept(s, errno);
		return;
	}
	if (s->n_sessions >= s->cfg->max_sessions) {
		err_set(&why, -EBUSY, REASON_PEER_REFUSED,
			"too many sessions, %u (--max-sessions): wait for one "
			"to end",
			s->n_sessions);
		refuse(s, fd, &why);
		return;
	}
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		run_session(s, fd);
	if (pid < 0) {
		err_set(&why, -errno, REASON_PEER_REFUSED,
			"no process for it: %s (ulimit -u, memory)",
			strerror(errno));
		refuse(s, fd, &why);
		return;
	}
	close(fd);
	s->sessions[s->n_sessions++] = pid;
	say(s, "session %d began", (int)pid);
}

static void reap(struct serve *s)
{
	pid_t pid;
	int status;
	unsigned i;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		for (i = 0; i < s->n_sessions; i++)
			if (s->sessions[i] == pid)
				s->sessions[i] = s->sessions[--s->n_sessions];
		if (WIFSIGNALED(status))
			say(s, "session %d was ended by signal %d", (int)pid,
			    WTERMSIG(status));
	}
}

static void loop(struct serve *s)
{
	struct pollfd p = {.fd = s->listener, .events = POLLIN};
	bool called;

	while (!stop_requested) {
		called = poll(&p, 1, 500) == 1;
		/* First: who has ended disturbs nobody and takes no place. */
		reap(s);
		if (called)
			accept_client(s);
	}
}

/* Politely, then not. */
static void end_sessions(struct serve *s)
{
	struct timespec tick = {.tv_nsec = 10000000};
	unsigned i, tries;

	for (i = 0; i < s->n_sessions; i++)
		kill(s->sessions[i], SIGTERM);
	for (tries = 0; s->n_sessions && tries < 200; tries++) {
		reap(s);
		nanosleep(&tick, NULL);
	}
	for (i = 0; i < s->n_sessions; i++)
		kill(s->sessions[i], SIGKILL);
	while (s->n_sessions && waitpid(-1, NULL, 0) > 0)
		;
}

int serve_run(const struct serve_cfg *cfg, const struct serve_log *log,
	      struct err *err)
{
	struct serve s = {.cfg = cfg, .log = log, .pid = getpid()};
	int ret;

	if (cfg->token_file[0]) {
		ret = token_read(&s.token, cfg->token_file, err);
		if (ret)
			return ret;
	}
	s.listener = open_listener(cfg, err);
	if (s.listener < 0)
		return s.listener;
	s.sessions = calloc(cfg->max_sessions, sizeof(*s.sessions));
	if (!s.sessions) {
		close(s.listener);
		return err_sys(err, -ENOMEM, "sessions");
	}
	announce(&s);
	loop(&s);
	close(s.listener);
	end_sessions(&s);
	free(s.sessions);
	return 0;
}
