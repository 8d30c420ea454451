#include "report/gnuplot.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "report/show.h"

extern char **environ;

/* A running gnuplot. */
struct child {
	pid_t pid;
	int stderr_fd;
	bool ended;
	int status;
	size_t n;
	char said[512]; /* the end of its stderr: errors come last */
};

static long long now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

static int write_all(int fd, const char *s)
{
	size_t len = strlen(s);

	while (len) {
		ssize_t n = write(fd, s, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		if (n > 0) {
			s += n;
			len -= (size_t)n;
		}
	}
	return 0;
}

/* The scripts as a file without a name.  A pipe would need somebody to feed
 * it while gnuplot runs, and to survive gnuplot's death. */
static int scripts_fd(const struct gnuplot *g, struct err *err)
{
	int fd, ret = 0;
	unsigned i;

	fd = memfd_create("gnuplot", MFD_CLOEXEC);
	if (fd < 0)
		return err_sys(err, -errno, "memory for a plot script");
	for (i = 0; !ret && i < GNUPLOT_SCRIPTS && g->scripts[i]; i++)
		ret = write_all(fd, g->scripts[i]);
	if (!ret && lseek(fd, 0, SEEK_SET) < 0)
		ret = -errno;
	if (!ret)
		return fd;
	close(fd);
	return err_sys(err, ret, "a plot script");
}

static int set_actions(posix_spawn_file_actions_t *fa, const struct gnuplot *g,
		       int in, int err_fd)
{
	int ret;

	ret = posix_spawn_file_actions_addchdir_np(fa, g->dir);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(fa, in, 0);
	if (!ret)
		ret = posix_spawn_file_actions_addopen(fa, 1, "/dev/null",
						       O_WRONLY, 0);
	if (!ret)
		ret = posix_spawn_file_actions_adddup2(fa, err_fd, 2);
	return ret;
}

/* A group of its own, so that a deadline ends what it started, too; and
 * signals as a new program expects them. */
static int set_attr(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int ret;

	sigemptyset(&none);
	sigfillset(&all);
	ret = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP |
						     POSIX_SPAWN_SETSIGMASK |
						     POSIX_SPAWN_SETSIGDEF);
	if (!ret)
		ret = posix_spawnattr_setsigmask(attr, &none);
	if (!ret)
		ret = posix_spawnattr_setsigdefault(attr, &all);
	return ret;
}

static int spawn(const struct gnuplot *g, int in, int err_fd, pid_t *pid)
{
	/* -d: not the user's ~/.gnuplot, figures look the same everywhere. */
	char name[] = "gnuplot", defaults[] = "-d";
	char *argv[] = {name, defaults, NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	int ret;

	ret = posix_spawn_file_actions_init(&fa);
	if (ret)
		return ret;
	ret = posix_spawnattr_init(&attr);
	if (ret)
		goto destroy_actions;
	ret = set_actions(&fa, g, in, err_fd);
	if (!ret)
		ret = set_attr(&attr);
	if (!ret)
		ret = posix_spawnp(pid, g->program, &fa, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
destroy_actions:
	posix_spawn_file_actions_destroy(&fa);
	return ret;
}

static int spawn_error(const struct gnuplot *g, int ret, struct err *err)
{
	/* The folder is missing, or the program: both are ENOENT, or ENOTDIR
	 * when the last name in PATH is no folder. */
	bool absent = ret == ENOENT || ret == ENOTDIR;

	if (absent && !access(g->dir, X_OK))
		return err_set(err, -ENOENT, REASON_NO_PROGRAM,
			       "gnuplot is not installed: "
			       "apt-get install gnuplot-nox");
	if (absent)
		return err_sys(err, -ret, "%s", g->dir);
	return err_sys(err, -ret, "gnuplot cannot be started");
}

static int start(const struct gnuplot *g, struct child *c, struct err *err)
{
	int fds[2], in, ret;

	in = scripts_fd(g, err);
	if (in < 0)
		return in;
	if (pipe2(fds, O_CLOEXEC)) {
		ret = err_sys(err, -errno, "a pipe for gnuplot");
		goto close_in;
	}
	/* Ours only: a nonblocking stderr would surprise gnuplot. */
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	ret = spawn(g, in, fds[1], &c->pid);
	close(fds[1]);
	if (ret) {
		ret = spawn_error(g, ret, err);
		close(fds[0]);
		goto close_in;
	}
	c->stderr_fd = fds[0];
close_in:
	close(in);
	return ret;
}

/* Keeps the last bytes of what it says. */
static void keep_last(struct child *c, const char *buf, size_t n)
{
	size_t room = sizeof(c->said) - 1;
	size_t drop = c->n + n > room ? c->n + n - room : 0;

	if (drop)
		memmove(c->said, c->said + drop, c->n - drop);
	memcpy(c->said + c->n - drop, buf, n);
	c->n += n - drop;
	c->said[c->n] = '\0';
}

/* Takes what is there, so that a talkative gnuplot never blocks, but not for
 * ever, so that an endless one meets its deadline.  False at the end of the
 * stream. */
static bool listen_to(struct child *c)
{
	char buf[256];
	unsigned i;
	ssize_t n = 0;

	for (i = 0; i < 512; i++) {
		n = read(c->stderr_fd, buf, sizeof(buf));
		if (n <= 0)
			break;
		keep_last(c, buf, (size_t)n);
	}
	return n != 0;
}

/* Its stderr may end before it does, or be kept open by a child of its own:
 * only waitpid tells that it is over, so ask every 10 ms. */
static void wait_until(struct child *c, long long deadline_ms)
{
	struct pollfd p = {.fd = c->stderr_fd, .events = POLLIN};

	while (now_ms() < deadline_ms) {
		c->ended = waitpid(c->pid, &c->status, WNOHANG) == c->pid;
		if (!listen_to(c))
			p.fd = -1;
		if (c->ended)
			return;
		poll(&p, 1, 10);
	}
}

static void kill_child(struct child *c)
{
	kill(-c->pid, SIGKILL);
	while (waitpid(c->pid, &c->status, 0) < 0 && errno == EINTR)
		;
}

/* From the start of a line, if all of it was too much. */
static const char *last_words(const struct child *c)
{
	enum { ENOUGH = 280 };
	const char *s = c->n > ENOUGH ? c->said + c->n - ENOUGH : c->said;
	const char *line = s > c->said ? strchr(s, '\n') : NULL;

	return line && line[1] ? line + 1 : s;
}

static int judge(const struct gnuplot *g, const struct child *c,
		 struct err *err)
{
	char said[300];

	if (!c->ended)
		return err_set(err, -ETIMEDOUT, REASON_IO_ERROR,
			       "gnuplot did not end within %u s", g->timeout_s);
	if (WIFEXITED(c->status) && !WEXITSTATUS(c->status))
		return 0;
	show_text(said, sizeof(said), last_words(c), sizeof(said) - 4);
	if (WIFSIGNALED(c->status))
		return err_set(err, -EIO, REASON_IO_ERROR,
			       "gnuplot died of signal %d: %s",
			       WTERMSIG(c->status), said);
	return err_set(err, -EIO, REASON_IO_ERROR, "gnuplot failed: %s", said);
}

int gnuplot_run(const struct gnuplot *g, struct err *err)
{
	struct child c = {.pid = -1};
	int ret;

	ret = start(g, &c, err);
	if (ret)
		return ret;
	wait_until(&c, now_ms() + g->timeout_s * 1000LL);
	if (!c.ended)
		kill_child(&c);
	close(c.stderr_fd);
	return judge(g, &c, err);
}

void gnuplot_put_text(FILE *f, const char *text)
{
	char clean[1024];
	const char *s;

	show_text(clean, sizeof(clean), text, sizeof(clean) / 4 - 1);
	for (s = clean; *s; s++) {
		if (*s == '\\')
			fputs("\\\\", f);
		else if (*s == '"')
			fputs("\xe2\x80\x9d", f); /* has no escape */
		else if (*s == '>')
			fputs("\xe2\x80\xba", f); /* "]]>" breaks SVG */
		else
			fputc(*s, f);
	}
}
