#include "pair.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- failing -------------------------------------------------------------- */

int side_fail(struct side *s, const char *fmt, ...)
{
	va_list ap;

	if (s->why[0])
		return -1;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof(s->why), fmt, ap);
	va_end(ap);
	return -1;
}

int side_ep_fail(struct side *s, const char *what, int ret)
{
	return side_fail(s, "%s: %d, %s (%s)", what, ret, s->ep->err.text,
			 reason_word(s->ep->err.reason));
}

/* --- the other side ------------------------------------------------------- */

static int sock_write(struct side *s, const void *p, size_t len)
{
	ssize_t n = send(s->sock, p, len, MSG_NOSIGNAL);

	CHECK(s, n == (ssize_t)len, "the other side has gone");
	return 0;
}

static int sock_read(struct side *s, void *p, size_t len)
{
	ssize_t n = recv(s->sock, p, len, MSG_WAITALL);

	CHECK(s, n == (ssize_t)len, "the other side has %s",
	      n < 0 ? "not come" : "gone");
	return 0;
}

int side_meet(struct side *s)
{
	char c = 'm';

	TRY(sock_write(s, &c, 1));
	return sock_read(s, &c, 1);
}

/* --- a link --------------------------------------------------------------- */

int side_open(struct side *s)
{
	const struct transport *tp = s->conf->tp;
	struct err err = {0};
	int ret;

	ret = tp->open(&s->ep, &s->attr, &s->blob, &err);
	CHECK(s, !ret, "open: %s", err.text);
	ret = tp->reg(s->ep, s->mem, s->mem_bytes, 0, &s->region, &err);
	CHECK(s, !ret, "reg: %s", err.text);
	return 0;
}

int side_swap(struct side *s)
{
	TRY(sock_write(s, &s->blob, sizeof(s->blob)));
	return sock_read(s, &s->peer, sizeof(s->peer));
}

int side_connect(struct side *s)
{
	struct err err = {0};
	int ret = s->ep->tp->connect(s->ep, &s->peer,
				     LIMIT_S * (uint64_t)SEC_NS, &err);

	CHECK(s, !ret, "connect: %s", err.text);
	return 0;
}

void side_close(struct side *s)
{
	if (!s->ep)
		return;
	if (s->region)
		s->ep->tp->dereg(s->ep, s->region);
	s->ep->tp->close(s->ep);
	s->region = NULL;
	s->ep = NULL;
}

/* --- work ----------------------------------------------------------------- */

char *side_tx(struct side *s, unsigned slot)
{
	return s->mem + slot * s->bytes;
}

char *side_rx(struct side *s, unsigned slot)
{
	return s->mem + (s->depth + slot) * s->bytes;
}

int side_post(struct side *s, const struct work *work, unsigned n)
{
	int ret = s->ep->tp->post(s->ep, work, n);

	return ret ? side_ep_fail(s, "post", ret) : 0;
}

struct work side_work(struct side *s, enum op op, struct sge *sge, char *at,
		      size_t len)
{
	*sge = (struct sge){.addr = at, .len = len, .region = s->region};
	return (struct work){.op = op, .n_sges = 1, .sges = sge};
}

int side_send(struct side *s, unsigned slot, size_t len, unsigned flags,
	      uint64_t cookie)
{
	struct sge sge;
	struct work w = side_work(s, OP_SEND, &sge, side_tx(s, slot), len);

	w.flags = flags;
	w.cookie = cookie;
	return side_post(s, &w, 1);
}

int side_recv(struct side *s, unsigned slot, size_t len, uint64_t cookie)
{
	struct sge sge;
	struct work w = side_work(s, OP_RECV, &sge, side_rx(s, slot), len);

	w.cookie = cookie;
	return side_post(s, &w, 1);
}

int side_next(struct side *s, struct comp *c)
{
	uint64_t end = clock_raw_ns() + LIMIT_S * (uint64_t)SEC_NS;
	int got;

	while (s->taken == s->queued) {
		got = ep_wait(s->ep, s->queue, QUEUED, SEC_NS);
		if (got < 0)
			return side_ep_fail(s, "wait", got);
		CHECK(s, got <= QUEUED, "%d completions into %d places", got,
		      QUEUED);
		CHECK(s, got || clock_raw_ns() < end,
		      "no completion within %d s", LIMIT_S);
		s->queued = (unsigned)got;
		s->taken = 0;
	}
	*c = s->queue[s->taken++];
	return 0;
}

int side_next_recv(struct side *s, struct comp *c)
{
	if (s->n_early) {
		*c = s->early[0];
		memmove(&s->early[0], &s->early[1],
			--s->n_early * sizeof(s->early[0]));
		return 0;
	}
	for (;;) {
		TRY(side_next(s, c));
		if (c->op == OP_RECV)
			return 0;
		s->sends_done++;
	}
}

int side_await_sends(struct side *s, uint64_t n)
{
	struct comp c;

	while (s->sends_done < n) {
		TRY(side_next(s, &c));
		if (c.op == OP_RECV) {
			CHECK(s, s->n_early < QUEUED, "messages too many");
			s->early[s->n_early++] = c;
		} else {
			s->sends_done++;
		}
	}
	return 0;
}

/* --- payload -------------------------------------------------------------- */

static unsigned char byte_at(uint64_t seed, size_t i)
{
	uint64_t x = (seed + 1) * 0x9e3779b97f4a7c15u + i / 8;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	return (unsigned char)(x >> (i % 8 * 8));
}

void fill(char *p, size_t len, uint64_t seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (char)byte_at(seed, i);
}

int side_verify(struct side *s, const char *p, size_t len, uint64_t seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		CHECK(s, (unsigned char)p[i] == byte_at(seed, i),
		      "byte %zu of %zu of message %llu is wrong", i, len,
		      (unsigned long long)seed);
	return 0;
}

/* --- running both sides --------------------------------------------------- */

static void side_init(struct side *s, const struct conf *conf,
		      const struct conf_case *test, enum poll_mode poll,
		      int sock)
{
	s->conf = conf;
	s->test = test;
	s->sock = sock;
	s->depth = test->depth ? test->depth : 8;
	s->lanes = test->lanes ? test->lanes : 1;
	s->bytes = test->bytes ? test->bytes : 64;
	s->mem_bytes = 2 * s->depth * s->bytes;
	s->attr = conf->attr;
	s->attr.role = s->role;
	s->attr.poll = poll;
	s->attr.lanes = s->lanes;
	s->attr.send_depth = s->depth;
	s->attr.recv_depth = s->depth;
	s->attr.max_bytes = s->bytes;
}

static int side_linked(struct side *s)
{
	TRY(side_open(s));
	if (s->test->prepare)
		TRY(s->test->prepare(s));
	TRY(side_swap(s));
	TRY(side_connect(s));
	/* Sends only when both have posted and connected. */
	TRY(side_meet(s));
	return s->test->run(s);
}

static void *side_main(void *arg)
{
	struct side *s = arg;

	s->mem = aligned_alloc(4096, (s->mem_bytes + 4095) & ~(size_t)4095);
	if (!s->mem) {
		side_fail(s, "no memory");
		return NULL;
	}
	memset(s->mem, 0, s->mem_bytes);
	if (s->test->flags & (CASE_RAW | CASE_SOLO))
		s->test->run(s);
	else
		side_linked(s);
	side_close(s);
	free(s->mem);
	/* The other side must not wait for one that has failed. */
	if (s->why[0])
		shutdown(s->sock, SHUT_RDWR);
	return NULL;
}

static void run_threads(struct side sides[2])
{
	pthread_t t;

	if (pthread_create(&t, NULL, side_main, &sides[1])) {
		side_fail(&sides[1], "no thread");
		return;
	}
	side_main(&sides[0]);
	pthread_join(t, NULL);
}

static void run_processes(struct side sides[2])
{
	int status = 0;
	pid_t pid = fork();

	if (pid < 0) {
		side_fail(&sides[1], "no process");
		return;
	}
	if (!pid) {
		close(sides[0].sock);
		side_main(&sides[1]);
		_exit(0);
	}
	close(sides[1].sock);
	side_main(&sides[0]);
	if (waitpid(pid, &status, 0) != pid || status)
		side_fail(&sides[1], "the process ended with status %#x",
			  (unsigned)status);
	/* Not earlier: the sides are shared memory. */
	sides[1].sock = -1;
}

static int verdict(const struct side sides[2], char *why, size_t len)
{
	static const char *const names[2] = {"active", "passive"};
	int i, failed = 0;

	why[0] = '\0';
	for (i = 0; i < 2; i++) {
		size_t at = strlen(why);

		if (!sides[i].why[0])
			continue;
		snprintf(why + at, len - at, "%s%s end: %s", at ? "; " : "",
			 names[i], sides[i].why);
		failed = -1;
	}
	return failed;
}

static int socks_init(int socks[2])
{
	const struct timeval limit = {.tv_sec = 2 * LIMIT_S};
	int i;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks))
		return -1;
	for (i = 0; i < 2; i++)
		setsockopt(socks[i], SOL_SOCKET, SO_RCVTIMEO, &limit,
			   sizeof(limit));
	return 0;
}

int pair_run(const struct conf *conf, const struct conf_case *test,
	     enum poll_mode poll, char *why, size_t len)
{
	struct side *sides;
	int i, ret, socks[2];

	/* Shared, so that a side in a process can say why. */
	sides = mmap(NULL, 2 * sizeof(*sides), PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (sides == MAP_FAILED || socks_init(socks)) {
		snprintf(why, len, "no memory or no sockets");
		return -1;
	}
	for (i = 0; i < 2; i++) {
		sides[i].role = i ? ROLE_PASSIVE : ROLE_ACTIVE;
		side_init(&sides[i], conf, test, poll, socks[i]);
	}
	if (test->flags & CASE_SOLO)
		side_main(&sides[0]);
	else if (test->flags & CASE_PROCESSES)
		run_processes(sides);
	else
		run_threads(sides);
	ret = verdict(sides, why, len);
	for (i = 0; i < 2; i++)
		if (sides[i].sock >= 0)
			close(sides[i].sock);
	munmap(sides, 2 * sizeof(*sides));
	return ret;
}

int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}
