/* Prefetchers are switched where it is documented, and always put back.  The
 * registers are ordinary files in a folder. */
#include "unit.h"
#include "tree.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "machine/prefetch_hold.h"
#include "rng.h"

/* Reserved bits are set, to be kept; CPUs differ, to be told apart. */
#define WAS(cpu) (0xabcdef00 + 0x100 * (uint64_t)(cpu))

enum { CPUS = 3, KILLS = 20 };

struct world {
	struct tree tree;
	struct prefetch_host host;
	uint32_t msr;
};

static int msr_fd(const struct world *w, unsigned cpu)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/%u/msr", w->tree.root, cpu);
	fd = open(path, O_RDWR | O_CREAT, 0600);
	assert_true(fd >= 0);
	return fd;
}

static void set_msr(const struct world *w, unsigned cpu, uint64_t v)
{
	int fd = msr_fd(w, cpu);

	assert_int_equal(pwrite(fd, &v, sizeof(v), w->msr), sizeof(v));
	close(fd);
}

static uint64_t get_msr(const struct world *w, unsigned cpu)
{
	int fd = msr_fd(w, cpu);
	uint64_t v;

	assert_int_equal(pread(fd, &v, sizeof(v), w->msr), sizeof(v));
	close(fd);
	return v;
}

static void world_new(struct world *w, const char *cpu, uint32_t msr)
{
	char dir[16];
	unsigned i;

	memset(w, 0, sizeof(*w));
	tree_new(&w->tree);
	tree_put(&w->tree, "/cpu", cpu);
	w->msr = msr;
	for (i = 0; i < CPUS; i++) {
		snprintf(dir, sizeof(dir), "/%u/msr", i);
		tree_dirs(&w->tree, dir, 0);
		set_msr(w, i, WAS(i));
	}
	setenv("RDMABENCH_MSR_DIR", w->tree.root, 1);
	prefetch_host_init(&w->host);
	unsetenv("RDMABENCH_MSR_DIR");
}

static void intel(struct world *w)
{
	world_new(w, "GenuineIntel 6 85", 0x1a4);
}

static void all_as_before(const struct world *w)
{
	unsigned i;

	for (i = 0; i < CPUS; i++)
		assert_int_equal(get_msr(w, i), WAS(i));
}

/* The lock is free when the last guardian has gone. */
static void wait_for_guard(const struct world *w)
{
	const struct timespec tick = {.tv_nsec = 1000000};
	int fd = open(w->tree.root, O_RDONLY | O_DIRECTORY), i;

	for (i = 0; i < 5000 && flock(fd, LOCK_EX | LOCK_NB); i++)
		nanosleep(&tick, NULL);
	assert_true(i < 5000);
	close(fd);
}

/* --- which register ------------------------------------------------------------ */

static void documented(void **state)
{
	static const struct {
		struct prefetch_cpu cpu;
		uint32_t msr; /* 0: refused */
		uint64_t all;
	} cases[] = {
		{{"GenuineIntel", 6, 0x55, false, false}, 0x1a4, 0xf},
		{{"GenuineIntel", 6, 0x8f, false, false}, 0x1a4, 0xf},
		{{"AuthenticAMD", 25, 17, false, true}, 0xc0000108, 0x2f},
		{{"GenuineIntel", 6, 0x97, true, false}, 0, 0},
		{{"GenuineIntel", 6, 0x5c, false, false}, 0, 0},
		{{"GenuineIntel", 15, 0x55, false, false}, 0, 0},
		{{"AuthenticAMD", 25, 17, false, false}, 0, 0},
		{{"AuthenticAMD", 6, 0x55, false, false}, 0, 0},
		{{"", 0, 0, false, false}, 0, 0},
	};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(cases); i++) {
		const struct prefetch_regs *r =
			prefetch_regs(&cases[i].cpu, &err);

		assert_int_equal(r ? r->msr : 0, cases[i].msr);
		if (r)
			assert_int_equal(r->mask[PREFETCH_ALL_OFF],
					 cases[i].all);
		else
			assert_int_equal(err.reason, REASON_NO_MSR);
	}
}

/* All of them are what each one is, together; none shares a bit. */
static void masks_add_up(void **state)
{
	static const struct prefetch_cpu cpus[] = {
		{"GenuineIntel", 6, 0x55, false, false},
		{"AuthenticAMD", 25, 17, false, true},
	};
	struct err err;
	size_t i;
	int c;

	(void)state;
	for (i = 0; i < N_OF(cpus); i++) {
		const struct prefetch_regs *r = prefetch_regs(&cpus[i], &err);
		uint64_t sum = 0;

		assert_int_equal(r->mask[PREFETCH_AS_FOUND], 0);
		for (c = PREFETCH_ALL_OFF + 1; c < PREFETCH_CHOICES; c++) {
			assert_int_equal(sum & r->mask[c], 0);
			sum |= r->mask[c];
		}
		assert_int_equal(sum, r->mask[PREFETCH_ALL_OFF]);
	}
}

/* --- holding --------------------------------------------------------------------- */

static void off_and_back(struct world *w, enum prefetch_choice choice,
			 uint64_t mask)
{
	const unsigned cpus[] = {2, 0};
	struct prefetch_hold h;
	struct err err;

	assert_int_equal(
		prefetch_hold_begin(&h, &w->host, choice, cpus, 2, &err), 0);
	assert_int_equal(get_msr(w, 0), WAS(0) | mask);
	assert_int_equal(get_msr(w, 1), WAS(1));
	assert_int_equal(get_msr(w, 2), WAS(2) | mask);
	assert_int_equal(prefetch_hold_end(&h, &err), 0);
	all_as_before(w);
	assert_int_equal(prefetch_hold_end(&h, &err), 0);
}

static void switches_and_restores(void **state)
{
	struct world w;

	(void)state;
	intel(&w);
	off_and_back(&w, PREFETCH_AS_FOUND, 0);
	off_and_back(&w, PREFETCH_ALL_OFF, 0xf);
	off_and_back(&w, PREFETCH_L1_STREAM_OFF, 4);
	tree_free(&w.tree);
	world_new(&w, "AuthenticAMD 25 17 1", 0xc0000108);
	off_and_back(&w, PREFETCH_ALL_OFF, 0x2f);
	off_and_back(&w, PREFETCH_L1_REGION_OFF, 4);
	tree_free(&w.tree);
}

static void refused(struct world *w, enum prefetch_choice choice, unsigned cpu,
		    enum reason reason, const char *words)
{
	const unsigned cpus[] = {0, cpu};
	struct prefetch_hold h;
	struct err err = {0};

	assert_true(prefetch_hold_begin(&h, &w->host, choice, cpus, 2, &err) <
		    0);
	assert_int_equal(err.reason, reason);
	assert_words(&err, words);
	assert_int_equal(prefetch_hold_end(&h, &err), 0);
	wait_for_guard(w);
}

static void what_cannot_be_had(void **state)
{
	struct world w;
	char path[600];

	(void)state;
	intel(&w);
	refused(&w, PREFETCH_L1_REGION_OFF, 1, REASON_NO_MSR, "no such");
	refused(&w, PREFETCH_ALL_OFF, 7, REASON_NO_MSR, "modprobe msr");
	all_as_before(&w);
	set_msr(&w, 1, WAS(1) | 0xf);
	refused(&w, PREFETCH_ALL_OFF, 1, REASON_NO_MSR, "already");
	set_msr(&w, 1, WAS(1));
	all_as_before(&w);
	snprintf(path, sizeof(path), "%s/1/msr", w.tree.root);
	assert_int_equal(truncate(path, 0), 0);
	refused(&w, PREFETCH_ALL_OFF, 1, REASON_NO_MSR, "no such register");
	w.host.cpu.model = 1;
	refused(&w, PREFETCH_ALL_OFF, 1, REASON_NO_MSR, "documented");
	tree_free(&w.tree);
}

/* --- registers that misbehave ------------------------------------------------------ */

static int odd_write_after, odd_write_ret;
static char log_path[600];

/* The first so many take, the others do not, or fail. */
static int odd_write(int fd, uint32_t msr, uint64_t v)
{
	if (odd_write_after-- > 0)
		return msr_io_files.write(fd, msr, v);
	return odd_write_ret;
}

/* Also in a guardian, which has none of our descriptors. */
static int logged_write(int fd, uint32_t msr, uint64_t v)
{
	FILE *f = fopen(log_path, "a");

	if (!f)
		return -errno;
	fprintf(f, "%d %llx\n", (int)getpid(), (unsigned long long)v);
	if (fclose(f))
		return -errno;
	return msr_io_files.write(fd, msr, v);
}

static int denied_open(const char *dir, unsigned cpu, bool write)
{
	(void)dir;
	(void)cpu;
	return write ? -EPERM : -EACCES;
}

static void a_write_that_does_not_take(void **state)
{
	struct msr_io io = msr_io_files;
	struct world w;

	(void)state;
	intel(&w);
	io.write = odd_write;
	w.host.io = &io;
	/* The guardian, forked before, has one good write of its own: that of
	 * CPU 0, the only one to be put back. */
	odd_write_after = 1;
	odd_write_ret = 0;
	refused(&w, PREFETCH_ALL_OFF, 1, REASON_NO_MSR, "ignores");
	all_as_before(&w);
	odd_write_after = 1;
	odd_write_ret = -EIO;
	refused(&w, PREFETCH_ALL_OFF, 1, REASON_NO_MSR, "no such register");
	all_as_before(&w);
	io.write = msr_io_files.write;
	io.open = denied_open;
	refused(&w, PREFETCH_ALL_OFF, 1, REASON_NO_PERMISSION, "root");
	tree_free(&w.tree);
}

/* One write to switch, which is ours, and one to put back, which is not. */
static void restored_once(void **state)
{
	const unsigned cpu = 1;
	struct msr_io io = msr_io_files;
	unsigned long long value;
	struct prefetch_hold h;
	struct world w;
	struct err err;
	FILE *f;
	int pid;

	(void)state;
	intel(&w);
	snprintf(log_path, sizeof(log_path), "%s/log", w.tree.root);
	io.write = logged_write;
	w.host.io = &io;
	assert_int_equal(prefetch_hold_begin(&h, &w.host, PREFETCH_ALL_OFF,
					     &cpu, 1, &err),
			 0);
	assert_int_equal(prefetch_hold_end(&h, &err), 0);
	all_as_before(&w);
	f = fopen(log_path, "r");
	assert_int_equal(fscanf(f, "%d %llx", &pid, &value), 2);
	assert_int_equal(pid, getpid());
	assert_int_equal(value, WAS(1) | 0xf);
	assert_int_equal(fscanf(f, "%d %llx", &pid, &value), 2);
	assert_int_not_equal(pid, getpid());
	assert_int_equal(value, WAS(1));
	assert_int_equal(fscanf(f, "%d", &pid), EOF);
	fclose(f);
	tree_free(&w.tree);
}

/* --- guardians --------------------------------------------------------------------- */

static void second_is_refused(void **state)
{
	const unsigned cpu = 1;
	struct prefetch_hold h, second;
	struct world w;
	struct err err;

	(void)state;
	intel(&w);
	assert_int_equal(prefetch_hold_begin(&h, &w.host, PREFETCH_ALL_OFF,
					     &cpu, 1, &err),
			 0);
	assert_int_equal(prefetch_hold_begin(&second, &w.host,
					     PREFETCH_L1_STREAM_OFF, &cpu, 1,
					     &err),
			 -EBUSY);
	assert_int_equal(err.reason, REASON_IN_USE);
	assert_words(&err, "another run");
	assert_int_equal(get_msr(&w, 1), WAS(1) | 0xf);
	assert_int_equal(prefetch_hold_end(&h, &err), 0);
	all_as_before(&w);
	off_and_back(&w, PREFETCH_ALL_OFF, 0xf);
	tree_free(&w.tree);
}

static void guardian_is_killed(void **state)
{
	const unsigned cpu = 1;
	struct prefetch_hold h;
	struct world w;
	struct err err;

	(void)state;
	intel(&w);
	assert_int_equal(prefetch_hold_begin(&h, &w.host, PREFETCH_ALL_OFF,
					     &cpu, 1, &err),
			 0);
	kill(h.guard.pid, SIGKILL);
	assert_int_equal(prefetch_hold_end(&h, &err), 0);
	all_as_before(&w);
	tree_free(&w.tree);
}

/* A tool: begins and ends holds for ever, or holds until it is killed.  Says
 * 'h' when it holds. */
static _Noreturn void tool(const struct world *w, int say, bool forever)
{
	const unsigned cpus[] = {0, 2};
	const struct timespec tick = {.tv_nsec = 300000};
	struct prefetch_hold h;
	struct err err;

	setpgid(0, 0);
	/* A shell's background jobs ignore these, or nohup's, and so does what
	 * they start. */
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	for (;;) {
		if (prefetch_hold_begin(&h, &w->host, PREFETCH_ALL_OFF, cpus, 2,
					&err))
			_exit(1);
		if (write(say, "h", 1) != 1)
			_exit(2);
		while (forever)
			pause();
		nanosleep(&tick, NULL);
		if (prefetch_hold_end(&h, &err))
			_exit(3);
	}
}

static pid_t start_tool(const struct world *w, bool forever, int *says)
{
	int pair[2];
	char word;
	pid_t pid;

	assert_int_equal(pipe2(pair, O_CLOEXEC), 0);
	pid = fork();
	if (!pid) {
		close(pair[0]);
		tool(w, pair[1], forever);
	}
	close(pair[1]);
	assert_int_equal(read(pair[0], &word, 1), 1);
	/* Open as long as the tool lives, which would die of SIGPIPE. */
	*says = pair[0];
	return pid;
}

static void killed_by(pid_t pid, pid_t target, int sig)
{
	int status;

	assert_int_equal(kill(target, sig), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), sig);
}

/* While it surely holds: half by itself, half with its whole group. */
static void killed_while_holding(void **state)
{
	struct world w;
	int i, says;

	(void)state;
	intel(&w);
	for (i = 0; i < KILLS / 2; i++) {
		pid_t pid = start_tool(&w, true, &says);

		assert_int_equal(get_msr(&w, 0), WAS(0) | 0xf);
		assert_int_equal(get_msr(&w, 2), WAS(2) | 0xf);
		killed_by(pid, i % 2 ? -pid : pid, SIGKILL);
		close(says);
		wait_for_guard(&w);
		all_as_before(&w);
	}
	tree_free(&w.tree);
}

/* At any moment of beginning, holding and ending. */
static void killed_at_random(void **state)
{
	uint64_t rng = (uint64_t)time(NULL);
	struct world w;
	int i, says;

	(void)state;
	intel(&w);
	for (i = 0; i < KILLS; i++) {
		struct timespec ts = {
			.tv_nsec = (long)(rng_u64(&rng) % 8000000),
		};
		pid_t pid = start_tool(&w, false, &says);

		nanosleep(&ts, NULL);
		killed_by(pid, pid, SIGKILL);
		close(says);
		wait_for_guard(&w);
		all_as_before(&w);
	}
	tree_free(&w.tree);
}

/* What ends the tool does not reach the guardian. */
static void signals_of_the_group(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT,
				      SIGUSR1};
	struct world w;
	int says;
	size_t i;

	(void)state;
	intel(&w);
	for (i = 0; i < N_OF(signals); i++) {
		pid_t pid = start_tool(&w, true, &says);

		killed_by(pid, -pid, signals[i]);
		close(says);
		wait_for_guard(&w);
		all_as_before(&w);
	}
	tree_free(&w.tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documented),
		cmocka_unit_test(masks_add_up),
		cmocka_unit_test(switches_and_restores),
		cmocka_unit_test(what_cannot_be_had),
		cmocka_unit_test(a_write_that_does_not_take),
		cmocka_unit_test(restored_once),
		cmocka_unit_test(second_is_refused),
		cmocka_unit_test(guardian_is_killed),
		cmocka_unit_test(killed_while_holding),
		cmocka_unit_test(killed_at_random),
		cmocka_unit_test(signals_of_the_group),
	};

	return cmocka_run_group_tests_name("prefetch", tests, NULL, NULL);
}
