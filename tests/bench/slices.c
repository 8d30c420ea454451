/*
 * Two programs that do the same, by turns.
 *
 *	slices PAIRS POSTS-OF,STOPS... POSTS-OF,STOPS... > two numbers
 *
 * Both are running and stopped when this starts, and stopped when it ends.  In
 * a pair each is let go for a tenth of a second, first one and then the other,
 * next time the other way round: a machine that is slower for seconds at a
 * time is so for both.  A line has the microseconds that an operation of each
 * took, by the same yardstick: the clock here, and how often the process
 * POSTS-OF has called write() (/proc/PID/io), which is how a software device's
 * doorbell is rung.  STOPS are process ids or, negative, process groups, as
 * kill(2) takes them.
 *
 * Nobody's turn begins before all of the other's processes have stopped: one
 * that has no CPU when it is told to, stops when it gets one.
 */
#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

/* Until caches, and the code that QEMU has translated, are those of the one
 * that goes; for what is on its way when it stops. */
enum { SETTLE_MS = 15, SLICE_MS = 100, DRAIN_MS = 3 };

/* Who has not stopped by then does not. */
enum { STOP_MS = 2000 };

enum { STOPS_MAX = 4, MEMBERS_MAX = 8, PAIRS_MAX = 999 };

struct program {
	const char *name;
	int io; /* /proc/PID/io */
	pid_t stops[STOPS_MAX];
	unsigned n_stops;
	int members[MEMBERS_MAX]; /* /proc/PID/stat of all that it stops */
	unsigned n_members;
};

static void nap(long ms)
{
	const struct timespec ts = {.tv_nsec = ms * 1000000};

	nanosleep(&ts, NULL);
}

/* A process: 'R', 'S', 'T' ... and its group; 0: it is gone. */
static char state_of(int stat, long *group)
{
	char text[512], state = 0, *at;
	const ssize_t n = pread(stat, text, sizeof(text) - 1, 0);

	if (n <= 0)
		return 0;
	text[n] = '\0';
	/* Its name may be anything. */
	at = strrchr(text, ')');
	return at && sscanf(at, ") %c %*d %ld", &state, group) == 2 ? state : 0;
}

static bool is_member(const struct program *p, long pid, long group)
{
	unsigned i;

	for (i = 0; i < p->n_stops; i++)
		if (p->stops[i] == pid || p->stops[i] == -group)
			return true;
	return false;
}

/* False: there are too many. */
static bool keep_if_member(struct program *p, const char *pid)
{
	char path[64];
	long group = 0;
	int stat;

	snprintf(path, sizeof(path), "/proc/%.20s/stat", pid);
	stat = open(path, O_RDONLY | O_CLOEXEC);
	if (stat < 0)
		return true;
	if (!state_of(stat, &group) ||
	    !is_member(p, strtol(pid, NULL, 10), group)) {
		close(stat);
		return true;
	}
	if (p->n_members == MEMBERS_MAX) {
		fprintf(stderr, "slices: %s has more than %d processes\n",
			p->name, MEMBERS_MAX);
		close(stat);
		return false;
	}
	p->members[p->n_members++] = stat;
	return true;
}

static bool find_members(struct program *p)
{
	const struct dirent *entry;
	DIR *proc = opendir("/proc");
	bool ok = true;

	while (ok && proc && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			ok = keep_if_member(p, entry->d_name);
	if (proc)
		closedir(proc);
	return ok && p->n_members > 0;
}

static bool program_open(struct program *p, char *arg)
{
	char path[64], *word = strtok(arg, ",");

	if (!word)
		return false;
	snprintf(path, sizeof(path), "/proc/%s/io", word);
	p->io = open(path, O_RDONLY | O_CLOEXEC);
	if (p->io < 0) {
		perror(path);
		return false;
	}
	while ((word = strtok(NULL, ",")) && p->n_stops < STOPS_MAX)
		p->stops[p->n_stops++] = (pid_t)strtol(word, NULL, 10);
	return !word && p->n_stops && find_members(p);
}

static bool program_signal(const struct program *p, int sig)
{
	unsigned i;

	for (i = 0; i < p->n_stops; i++) {
		if (kill(p->stops[i], sig)) {
			perror("slices: kill");
			return false;
		}
	}
	return true;
}

static bool all_stopped(const struct program *p)
{
	unsigned i;
	long group;

	for (i = 0; i < p->n_members; i++)
		if (state_of(p->members[i], &group) != 'T')
			return false;
	return true;
}

static bool program_stop(const struct program *p)
{
	unsigned i;

	if (!program_signal(p, SIGSTOP))
		return false;
	for (i = 0; i < STOP_MS && !all_stopped(p); i++)
		nap(1);
	if (i == STOP_MS)
		fprintf(stderr, "slices: %s does not stop\n", p->name);
	nap(DRAIN_MS);
	return i < STOP_MS;
}

static bool posts_of(const struct program *p, uint64_t *posts)
{
	char text[512], *at;
	const ssize_t n = pread(p->io, text, sizeof(text) - 1, 0);

	if (n > 0) {
		text[n] = '\0';
		at = strstr(text, "syscw: ");
		if (at && sscanf(at, "syscw: %" SCNu64, posts) == 1)
			return true;
	}
	fprintf(stderr, "slices: cannot read how often a program has written "
			"(did it end?)\n");
	return false;
}

/* A program's turn; microseconds an operation. */
static bool slice(const struct program *p, double *us)
{
	uint64_t first, last, begin, end;
	bool ok;

	if (!program_signal(p, SIGCONT))
		return false;
	nap(SETTLE_MS);
	ok = posts_of(p, &first);
	begin = clock_raw_ns();
	nap(SLICE_MS);
	ok = ok && posts_of(p, &last);
	end = clock_raw_ns();
	ok = program_stop(p) && ok;
	if (!ok)
		return false;
	if (first == last) {
		fprintf(stderr, "slices: %s posted nothing in its turn\n",
			p->name);
		return false;
	}
	*us = (double)(end - begin) / 1000 / (double)(last - first);
	return true;
}

struct pair {
	double us[2];
};

/* Who goes first changes as in ABBA, so that a drift is neither's. */
static bool take_pair(const struct program p[2], unsigned long i,
		      struct pair *pair)
{
	const unsigned first = (i ^ i >> 1) & 1;

	return slice(&p[first], &pair->us[first]) &&
	       slice(&p[!first], &pair->us[!first]);
}

static int by_ratio(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;
	const double left = x->us[0] * y->us[1], right = y->us[0] * x->us[1];

	return (left > right) - (left < right);
}

int main(int argc, char **argv)
{
	static struct pair pair[PAIRS_MAX];
	struct program p[2] = {{.name = "the first", .io = -1},
			       {.name = "the second", .io = -1}};
	unsigned long i, pairs = argc == 4 ? strtoul(argv[1], NULL, 10) : 0;

	if (!pairs || pairs > PAIRS_MAX || !program_open(&p[0], argv[2]) ||
	    !program_open(&p[1], argv[3])) {
		fprintf(stderr, "usage: slices PAIRS PID,STOPS PID,STOPS\n");
		return 2;
	}
	for (i = 0; i < pairs; i++) {
		if (!take_pair(p, i, &pair[i])) {
			fprintf(stderr, "slices: pair %lu went wrong\n", i + 1);
			return 1;
		}
	}
	qsort(pair, pairs, sizeof(pair[0]), by_ratio);
	printf("%.4f %.4f\n", pair[pairs / 2].us[0], pair[pairs / 2].us[1]);
	return fflush(stdout) ? 1 : 0;
}
