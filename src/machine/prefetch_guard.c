#include "machine/prefetch_guard.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { END_TIMEOUT_MS = 5000, START_TIMEOUT_MS = 5000 };

/* --- the registers ----------------------------------------------------------- */

bool prefetch_set_is_back(const struct prefetch_set *s)
{
	uint64_t v;
	unsigned i;

	for (i = 0; i < s->n; i++)
		if (s->io->read(s->v[i].fd, s->msr, &v) ||
		    ((v ^ s->v[i].was) & s->mask))
			return false;
	return true;
}

int prefetch_set_restore(const struct prefetch_set *s)
{
	int ret = 0, one;
	uint64_t v;
	unsigned i;

	for (i = 0; i < s->n; i++) {
		if (s->io->read(s->v[i].fd, s->msr, &v))
			v = s->v[i].was;
		v = (v & ~s->mask) | (s->v[i].was & s->mask);
		one = s->io->write(s->v[i].fd, s->msr, v);
		ret = ret ? ret : one;
	}
	return ret;
}

/* --- inside the guardian ------------------------------------------------------- */

static int ascending(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static void close_between(int first, int last)
{
	int fd;

	if (first > last || !close_range((unsigned)first, (unsigned)last, 0))
		return;
	/* Linux before 5.9. */
	for (fd = first; fd <= last && fd < sysconf(_SC_OPEN_MAX); fd++)
		close(fd);
}

/* Our sockets must end when we end, not when the guardian does; and whoever
 * reads our output waits until the last holder of the pipe is gone. */
static void keep_only(const struct prefetch_set *s, int lock, int sock)
{
	int keep[PREFETCH_CPUS_MAX + 2], next = 0;
	unsigned i, n = 0;

	for (i = 0; i < s->n; i++)
		keep[n++] = s->v[i].fd;
	keep[n++] = lock;
	keep[n++] = sock;
	qsort(keep, n, sizeof(keep[0]), ascending);
	for (i = 0; i < n; i++) {
		close_between(next, keep[i] - 1);
		next = keep[i] + 1;
	}
	close_between(next, 1 << 20);
}

static _Noreturn void stand_guard(const struct prefetch_set *s, int lock,
				  int sock)
{
	char word = 'g';

	(void)setsid();
	(void)prctl(PR_SET_NAME, "rdmabench-guard");
	(void)!chdir("/"); /* no file system of ours is kept busy */
	keep_only(s, lock, sock);
	if (send(sock, &word, 1, MSG_NOSIGNAL) == 1)
		while (read(sock, &word, 1) < 0 && errno == EINTR)
			;
	_exit(prefetch_set_restore(s) ? 1 : 0);
}

/* --- outside it ----------------------------------------------------------------- */

/* Signals are blocked before the fork, so that there is no moment at which
 * one could end it. */
static pid_t fork_blocked(void)
{
	sigset_t all, old;
	pid_t pid;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &old);
	pid = fork();
	if (pid)
		sigprocmask(SIG_SETMASK, &old, NULL);
	return pid;
}

static bool stands(int sock)
{
	struct pollfd p = {.fd = sock, .events = POLLIN};
	char word;
	int n;

	do
		n = poll(&p, 1, START_TIMEOUT_MS);
	while (n < 0 && errno == EINTR);
	return n == 1 && read(sock, &word, 1) == 1;
}

int prefetch_guard_start(struct prefetch_guard *g, const struct prefetch_set *s,
			 int lock, struct err *err)
{
	int pair[2], e;

	*g = (struct prefetch_guard){.pid = 0, .sock = -1};
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
		return err_sys(err, -errno, "guardian: socketpair");
	g->pid = fork_blocked();
	if (g->pid == 0)
		stand_guard(s, lock, pair[1]);
	e = errno;
	close(pair[1]);
	if (g->pid < 0) {
		close(pair[0]);
		g->pid = 0;
		return err_sys(err, -e, "guardian: fork");
	}
	g->sock = pair[0];
	if (stands(g->sock))
		return 0;
	prefetch_guard_end(g);
	return err_set(err, -ETIMEDOUT, REASON_INTERNAL,
		       "the guardian of the prefetchers does not answer");
}

/* Gone, or not ours to wait for any more. */
static bool gone(pid_t pid)
{
	pid_t got = waitpid(pid, NULL, WNOHANG);

	return got == pid || (got < 0 && errno != EINTR);
}

void prefetch_guard_end(struct prefetch_guard *g)
{
	const struct timespec tick = {.tv_nsec = 200000};
	const int ticks = END_TIMEOUT_MS * 5;
	int i;

	if (!g->pid)
		return;
	close(g->sock);
	for (i = 0; i < ticks && !gone(g->pid); i++)
		nanosleep(&tick, NULL);
	if (i == ticks) {
		kill(g->pid, SIGKILL);
		waitpid(g->pid, NULL, 0);
	}
	*g = (struct prefetch_guard){.pid = 0, .sock = -1};
}
