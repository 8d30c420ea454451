/* Kinds of memory, as far as this host has them; hugepages are given back,
 * whatever ends the process. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "machine/hugepool.h"
#include "machine/memkind.h"
#include "machine/sysfs.h"
#include "machine/touch.h"

#define MIB ((size_t)1 << 20)

static struct memkind_want want(enum memkind kind, size_t len, uint64_t n)
{
	return (struct memkind_want){
		.kind = kind,
		.len = len,
		.n = n,
		.share_percent = 50,
		.file_dir = "/tmp",
		.pmem_dir = "",
		.dax_device = "",
	};
}

static uint64_t resident(void)
{
	uint64_t v = 0;

	assert_int_equal(sysfs_field("/proc/self/smaps_rollup", "Rss:", &v), 0);
	return v;
}

/* At least so much more than before, and not twice as much. */
static void assert_populated(uint64_t before, size_t bytes)
{
	assert_in_range(resident() - before, bytes, 2 * bytes);
}

static void populates(enum memkind kind)
{
	struct memkind_want w = want(kind, 8 * MIB, 2);
	struct memsource s = {.n = 0};
	uint64_t before;
	struct err err;
	void *a, *b;

	if (memsource_open(&s, &w, &err)) {
		print_message("SKIP %s: %s\n", memkind_names[kind], err.text);
		memsource_close(&s);
		return;
	}
	before = resident();
	assert_int_equal(memsource_map(&s, 0, true, &a), 0);
	assert_populated(before, 8 * MIB);
	before = resident();
	assert_int_equal(memsource_map(&s, 1, false, &b), 0);
	assert_in_range(resident() - before, 0, MIB);
	assert_int_equal(memsource_populate(&s, b), 0);
	assert_populated(before, 8 * MIB);
	assert_int_equal(memsource_unmap(&s, a), 0);
	assert_int_equal(memsource_unmap(&s, b), 0);
	assert_int_equal(memsource_forget(&s), 0);
	/* And again without pages, which a file would have kept. */
	before = resident();
	assert_int_equal(memsource_map(&s, 0, false, &a), 0);
	assert_int_equal(((char *)a)[5 * MIB], 0);
	assert_in_range(resident() - before, 0, 3 * MIB);
	memsource_unmap(&s, a);
	memsource_close(&s);
}

static void kinds_populate(void **state)
{
	(void)state;
	populates(MEMKIND_ANON);
	populates(MEMKIND_THP);
	populates(MEMKIND_MEMFD);
	populates(MEMKIND_FILE);
}

static void too_much_is_refused(void **state)
{
	struct memkind_want w = want(MEMKIND_ANON, (size_t)1 << 40, 8);
	struct memsource s;
	struct err err;

	(void)state;
	assert_int_equal(memsource_open(&s, &w, &err), -ENOMEM);
	assert_words(&err, "8 regions of 1099511627776 bytes are 8388608 MiB");
	assert_words(&err, "50 % of that");
	memsource_close(&s);
	w = want(MEMKIND_ANON, SIZE_MAX, 2);
	assert_int_equal(memsource_open(&s, &w, &err), -ENOMEM);
	memsource_close(&s);
}

/* Each says what it lacks and what mends it. */
static void reasons_help(void **state)
{
	struct memkind_want w = want(MEMKIND_HUGE_2M, 1ull << 50, 1);
	struct memsource s;
	struct err err;

	(void)state;
	assert_true(memsource_open(&s, &w, &err) < 0);
	assert_int_equal(err.reason, REASON_NO_HUGEPAGES);
	memsource_close(&s);
	w = want(MEMKIND_FILE, MIB, 1);
	w.file_dir = "/nowhere";
	assert_int_equal(memsource_open(&s, &w, &err), -ENOENT);
	assert_words(&err, "/nowhere");
	memsource_close(&s);
	w = want(MEMKIND_FSDAX, MIB, 1);
	w.pmem_dir = "/tmp";
	assert_true(memsource_open(&s, &w, &err) < 0);
	assert_words(&err, "fsdax memory");
	memsource_close(&s);
	w = want(MEMKIND_DEVDAX, MIB, 1);
	w.dax_device = "/dev/dax77.7";
	assert_true(memsource_open(&s, &w, &err) < 0);
	assert_words(&err, "dax77.7");
	memsource_close(&s);
}

static uint64_t pool(void)
{
	char path[128];
	uint64_t n = 0;

	sysfs_u64(hugepool_path(path, sizeof(path), 2 * MIB), &n);
	return n;
}

/* The pool is the host's: another such test, of another user, waits. */
static int alone(void **state)
{
	int fd = open("/sys/kernel/mm/hugepages", O_RDONLY | O_DIRECTORY);

	*state = (void *)(intptr_t)fd;
	return fd >= 0 ? flock(fd, LOCK_EX) : 0;
}

static int others_too(void **state)
{
	close((int)(intptr_t)*state);
	return 0;
}

static bool pool_is(uint64_t n)
{
	unsigned i;

	for (i = 0; i < 6000 && pool() != n; i++)
		usleep(10000);
	return pool() == n;
}

static void hugepages_come_back(void **state)
{
	struct hugepool h = {.guard = 0};
	uint64_t before = pool();
	struct err err;
	pid_t child;

	(void)state;
	if (hugepool_reserve(&h, 2 * MIB, 2, &err)) {
		print_message("SKIP hugepages: %s\n", err.text);
		assert_int_equal(pool(), before);
		return;
	}
	assert_int_equal(pool(), before + 2);
	hugepool_release(&h);
	assert_int_equal(pool(), before);

	child = fork();
	if (!child) {
		if (!hugepool_reserve(&h, 2 * MIB, 2, &err))
			pause();
		_exit(1);
	}
	assert_true(pool_is(before + 2));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(pool_is(before));
}

/* Killed as soon as its pages are there, before it can have said so. */
static void killed_at_once(void **state)
{
	enum { ROUNDS = 50 };
	struct hugepool h = {.guard = 0};
	uint64_t before = pool();
	struct err err;
	pid_t child;
	bool gone;
	int i;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		child = fork();
		if (!child) {
			(void)hugepool_reserve(&h, 2 * MIB, 2, &err);
			_exit(0);
		}
		gone = false;
		while (!gone && pool() == before)
			gone = waitpid(child, NULL, WNOHANG) == child;
		if (!gone) {
			kill(child, SIGKILL);
			waitpid(child, NULL, 0);
		}
		assert_true(pool_is(before));
	}
}

/* Each reads the pool and then writes it.  A host may have no room for both. */
static void reserve_often(void)
{
	enum { ROUNDS = 100 };
	struct hugepool h = {.guard = 0};
	struct err err;
	int i;

	for (i = 0; i < ROUNDS; i++)
		if (!hugepool_reserve(&h, 2 * MIB, 1, &err))
			hugepool_release(&h);
}

static void two_at_once(void **state)
{
	struct hugepool h = {.guard = 0};
	uint64_t before = pool();
	struct err err;
	int status;
	pid_t child;

	(void)state;
	if (hugepool_reserve(&h, 2 * MIB, 2, &err)) {
		print_message("SKIP hugepages: %s\n", err.text);
		return;
	}
	child = fork();
	if (!child) {
		reserve_often();
		_exit(0);
	}
	reserve_often();
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
	assert_int_equal(pool(), before + 2);
	hugepool_release(&h);
	assert_int_equal(pool(), before);
}

static void hugepages_that_are_not_there(void **state)
{
	struct hugepool h = {.guard = 0};
	uint64_t before = pool(), n;
	struct err err;

	(void)state;
	assert_true(hugepool_reserve(&h, 2 * MIB, 1u << 30, &err) < 0);
	assert_words(&err, "--reserve-hugepages");
	assert_int_equal(pool(), before);
	assert_int_equal(hugepool_free(3 * MIB, -1, &n), -ENOENT);
}

static void every_page_is_touched(void **state)
{
	enum { PAGE = 4096, PAGES = 1000 };
	static char area[PAGE * PAGES];
	const unsigned cpus[] = {0, 1};
	struct touchers *t;
	unsigned threads, round, i;
	struct err err;

	(void)state;
	for (threads = 1; threads <= 5; threads++) {
		assert_int_equal(touchers_new(&t, threads, cpus, 2, &err), 0);
		for (round = 0; round < 20; round++) {
			size_t len = sizeof(area) - round * 1000;

			memset(area, 1, sizeof(area));
			touchers_run(t, area, len, PAGE);
			for (i = 0; i < PAGES; i++) {
				assert_int_equal(area[i * PAGE],
						 i * PAGE >= len);
				assert_int_equal(area[i * PAGE + 1], 1);
			}
		}
		touchers_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_populate),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(reasons_help),
		cmocka_unit_test_setup_teardown(hugepages_come_back, alone,
						others_too),
		cmocka_unit_test_setup_teardown(killed_at_once, alone,
						others_too),
		cmocka_unit_test_setup_teardown(two_at_once, alone, others_too),
		cmocka_unit_test_setup_teardown(hugepages_that_are_not_there,
						alone, others_too),
		cmocka_unit_test(every_page_is_touched),
	};

	return cmocka_run_group_tests_name("memkind", tests, NULL, NULL);
}
