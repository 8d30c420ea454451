#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "machine/counters.h"

static struct counters c;
static struct counter_list list;
static struct tally tally;

static void parse(const char *text)
{
	struct err err;

	assert_int_equal(counter_list_parse(&list, text, &err), 0);
}

static unsigned slot(const char *name)
{
	unsigned i;

	for (i = 0; i < list.n; i++)
		if (!strcmp(list.counter[i].name, name))
			return i;
	fail_msg("no counter %s", name);
	return 0;
}

static const struct reading *reading(const char *name)
{
	return &tally.counter[slot(name)];
}

static void assert_state(const char *name, enum reading_state state)
{
	if (reading(name)->state != state)
		fail_msg("%s: state %d, not %d", name, reading(name)->state,
			 state);
	if (!reading_has(reading(name)))
		assert_int_equal(reading(name)->value, 0);
}

/* --- a kernel that answers as told ------------------------------------------ */

enum { FIRST_FD = 100, FDS = 200 };

struct opened {
	struct perf_event_attr attr;
	pid_t pid;
	int cpu, group; /* index of its leader */
	unsigned members;
	bool open, counting;
	uint64_t value, enabled, running; /* after the measured part */
};

static struct {
	struct opened fd[FDS];
	unsigned n, calls, enables;
	unsigned pmu; /* counters of the PMU; 0: there is none */
	unsigned fd_limit;
	int refuse_all, refuse_kernel, refuse_uncore, refuse_read;
	uint64_t enabled, running; /* what hardware groups will say */
	bool ran;
	unsigned in_loop; /* calls between the last enable and a disable */
} k;

static bool is_hw(const struct perf_event_attr *a)
{
	return a->type != PERF_TYPE_SOFTWARE;
}

static int fake_refuses(const struct perf_event_attr *a, int cpu, int group)
{
	if (k.refuse_all)
		return k.refuse_all;
	if (k.n >= k.fd_limit)
		return -EMFILE;
	if (cpu >= 0)
		return k.refuse_uncore;
	if (is_hw(a) && !k.pmu)
		return -ENOENT;
	if (!a->exclude_kernel && k.refuse_kernel)
		return k.refuse_kernel;
	if (is_hw(a) && group >= 0 && k.fd[group - FIRST_FD].members == k.pmu)
		return -EINVAL;
	return 0;
}

static int fake_open(struct perf_event_attr *a, pid_t pid, int cpu, int group,
		     unsigned long flags)
{
	int ret = fake_refuses(a, cpu, group);
	struct opened *f = &k.fd[k.n];

	k.calls++;
	assert_int_equal(flags, PERF_FLAG_FD_CLOEXEC);
	assert_int_equal(a->size, sizeof(*a));
	if (ret)
		return ret;
	*f = (struct opened){.attr = *a, .pid = pid, .cpu = cpu, .open = true};
	f->group = group < 0 ? (int)k.n : group - FIRST_FD;
	k.fd[f->group].members++;
	f->value = 1000 + k.n;
	f->enabled = is_hw(a) ? k.enabled : 50;
	f->running = is_hw(a) ? k.running : 50;
	return FIRST_FD + (int)k.n++;
}

static ssize_t fake_read(int fd, void *buf, size_t len)
{
	const struct opened *lead = &k.fd[fd - FIRST_FD];
	uint64_t *out = buf;
	unsigned i, n = 0;

	k.calls++;
	k.in_loop++;
	if (k.refuse_read)
		return k.refuse_read;
	assert_true(lead->open && len >= (3 + lead->members) * 8);
	out[0] = lead->members;
	/* The past is there too: only differences count. */
	out[1] = 7 + (k.ran ? lead->enabled : 0);
	out[2] = 5 + (k.ran ? lead->running : 0);
	for (i = 0; i < k.n; i++)
		if (k.fd[i].group == fd - FIRST_FD)
			out[3 + n++] = 333 + (k.ran ? k.fd[i].value : 0);
	return (ssize_t)(3 + n) * 8;
}

static int fake_ioctl(int fd, unsigned long request, unsigned long arg)
{
	k.calls++;
	assert_int_equal(arg, 0);
	assert_int_equal(k.fd[fd - FIRST_FD].group, fd - FIRST_FD);
	k.fd[fd - FIRST_FD].counting = request == PERF_EVENT_IOC_ENABLE;
	if (request == PERF_EVENT_IOC_ENABLE) {
		k.enables++;
		k.in_loop = 0;
		k.ran = true;
	} else {
		assert_int_equal(request, PERF_EVENT_IOC_DISABLE);
		/* Nothing was called since everything was enabled. */
		if (k.enables)
			assert_int_equal(k.in_loop, 0);
		k.enables = 0;
	}
	return 0;
}

static void fake_close(int fd)
{
	assert_true(k.fd[fd - FIRST_FD].open);
	k.fd[fd - FIRST_FD].open = false;
}

/* The second call, after the loop, has seen more. */
static unsigned accounts_calls;
static bool knows_migrations;
static void growing_accounts(struct thread_accounts *a)
{
	const unsigned more = accounts_calls++ % 2;

	*a = (struct thread_accounts){
		.cpu_ns = 1000000000u + more * 9000,
		.faults = 11 + more * 6,
		.major_faults = 1 + more,
		.switches = 22 + more * 7,
		.migrations = 5 + more * 2,
		.migrations_known = knows_migrations,
	};
}

static const char *fake_microarch(void)
{
	return "skx";
}

enum { UNCORE_TYPE = 17 };

static int fake_encode(const char *event, struct perf_event_attr *attr)
{
	memset(attr, 0, sizeof(*attr));
	attr->size = sizeof(*attr);
	if (!strncmp(event, "skx_unc_imc", 11)) {
		/* this socket has two channels, numbered with a gap */
		if (strncmp(event + 11, "0:", 2) &&
		    strncmp(event + 11, "2:", 2))
			return -ENOENT;
		attr->type = UNCORE_TYPE;
		attr->exclude_guest = 1;
		return 0;
	}
	if (!strcmp(event, "ABSENT"))
		return -ENOENT;
	attr->type = PERF_TYPE_RAW;
	return 0;
}

static char devices[] = "/tmp/rdmabench-pmus-XXXXXX";

static const struct counter_sys fake = {
	.perf_event_open = fake_open,
	.read = fake_read,
	.ioctl = fake_ioctl,
	.close = fake_close,
	.accounts = growing_accounts,
	.microarch = fake_microarch,
	.encode = fake_encode,
	.devices = devices,
};

static int fresh(void **state)
{
	(void)state;
	memset(&k, 0, sizeof(k));
	k.pmu = 8;
	k.fd_limit = FDS;
	k.enabled = k.running = 100;
	accounts_calls = 0;
	knows_migrations = true;
	return 0;
}

/* Opens, counts one loop, takes, closes. */
static void count(const char *text)
{
	unsigned i;

	parse(text);
	tally_init(&tally);
	counters_open(&c, &list, &fake);
	counters_enable(&c);
	for (i = 0; i < c.n_groups; i++)
		assert_true(k.fd[c.group[i].fd[0] - FIRST_FD].counting);
	counters_disable(&c);
	for (i = 0; i < k.n; i++)
		assert_false(k.fd[i].counting);
	counters_take(&c, &tally);
	counters_close(&c);
	for (i = 0; i < k.n; i++)
		assert_false(k.fd[i].open);
	for (i = 0; i < list.n; i++) {
		assert_true(reading_valid(&tally.counter[i]));
		/* a value, or why there is none; the NIC's are not ours */
		assert_int_equal(tally.counter[i].state == READING_NONE,
				 counter_is_nic(&list.counter[i]));
	}
}

static const struct opened *opened(unsigned i)
{
	assert_true(i < k.n);
	return &k.fd[i];
}

static void groups_are_by_kind_and_mode(void **state)
{
	unsigned i, user = 0, kernel = 0;

	(void)state;
	count("default");
	for (i = 0; i < k.n; i++) {
		const struct opened *f = opened(i);
		const struct opened *lead = &k.fd[f->group];

		assert_int_equal(f->pid, 0);
		assert_int_equal(f->cpu, -1);
		if (!f->attr.read_format)
			continue; /* only asked whether there is a PMU */
		assert_int_equal(f->attr.disabled, f == lead);
		assert_int_equal(f->attr.read_format,
				 PERF_FORMAT_GROUP |
					 PERF_FORMAT_TOTAL_TIME_ENABLED |
					 PERF_FORMAT_TOTAL_TIME_RUNNING);
		assert_int_equal(f->attr.exclude_kernel,
				 lead->attr.exclude_kernel);
		user += is_hw(&f->attr) && f->attr.exclude_kernel;
		kernel += is_hw(&f->attr) && f->attr.exclude_user;
	}
	assert_true(user == 3 && kernel == 3);
	assert_state("cycles_user", READING_OK);
	assert_int_equal(reading("cycles_kernel")->value,
			 reading("cycles_user")->value + 1);
}

static void a_group_that_does_not_fit_is_split(void **state)
{
	(void)state;
	k.pmu = 2;
	k.enabled = 10000000;
	k.running = 4000000;
	count("cache");
	/* 6 user events, 6 of the kernel, two at a time */
	assert_int_equal(c.group[0].n, 2);
	assert_state("l3_load_misses_user", READING_SCALED);
	assert_int_equal(reading("l3_load_misses_user")->percent, 40);
	assert_state("l3_hit_modified_kernel", READING_SCALED);
}

static void multiplexed_values_are_scaled(void **state)
{
	(void)state;
	k.enabled = 10000000;
	k.running = 2500000;
	count("tlb");
	assert_state("cycles_user", READING_SCALED);
	/* the first after the question for a PMU: 1001 * 4 */
	assert_int_equal(reading("cycles_user")->value, 4004);
	assert_int_equal(reading("cycles_user")->percent, 25);
}

static void time_running_0_is_empty(void **state)
{
	(void)state;
	k.running = 0;
	count("default");
	assert_state("cycles_user", READING_NOT_RUN);
	assert_state("llc_misses_kernel", READING_NOT_RUN);
	assert_state("page_faults", READING_OK);
}

static void without_a_pmu_software_counts(void **state)
{
	(void)state;
	k.pmu = 0;
	count("default,memory,EVENT_X:u");
	assert_state("cycles_user", READING_NO_PMU);
	assert_state("instructions_kernel", READING_NO_PMU);
	assert_state("event_x_u", READING_NO_PMU);
	assert_state("task_clock_ns", READING_OK);
	assert_state("context_switches", READING_OK);
}

static void what_the_processor_lacks_is_said(void **state)
{
	(void)state;
	count("ABSENT,cache");
	assert_state("absent", READING_NO_EVENT);
	assert_state("cycles_user", READING_OK);
}

/* They would cost at every context switch: perf moves a thread's events. */
static void what_is_accounted_anyway_is_no_event(void **state)
{
	(void)state;
	k.pmu = 0;
	count("default");
	assert_int_equal(k.n, 0);
	assert_int_equal(c.n_groups, 0);
	assert_int_equal(reading("context_switches")->value, 7);
	assert_int_equal(reading("cpu_migrations")->value, 2);
	fresh(NULL);
	knows_migrations = false;
	count("default");
	assert_state("cpu_migrations", READING_UNREADABLE);
	assert_state("context_switches", READING_OK);
}

static void the_kernels_part_may_be_forbidden(void **state)
{
	(void)state;
	k.refuse_kernel = -EACCES;
	count("default");
	assert_state("cycles_user", READING_OK);
	assert_state("cycles_kernel", READING_NO_PERMISSION);
	assert_state("llc_misses_kernel", READING_NO_PERMISSION);
	/* never those that only user mode would have seen */
	assert_int_equal(reading("context_switches")->value, 7);
}

static void perf_may_be_forbidden(void **state)
{
	static const int why[] = {-EACCES, -EPERM, -ENOSYS};
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++) {
		fresh(NULL);
		k.refuse_all = why[i];
		count("default");
		assert_int_equal(k.n, 0);
		assert_state("cycles_user", READING_NO_PERMISSION);
		assert_int_equal(reading("cpu_migrations")->value, 2);
		assert_int_equal(reading("task_clock_ns")->value, 9000);
		assert_int_equal(reading("page_faults")->value, 6);
		assert_int_equal(reading("major_faults")->value, 1);
		assert_int_equal(reading("context_switches")->value, 7);
	}
}

static void descriptors_may_run_out(void **state)
{
	(void)state;
	k.fd_limit = 2; /* the question, one more */
	count("default");
	assert_state("cpu_migrations", READING_OK);
	assert_state("cycles_user", READING_OK);
	assert_state("cycles_kernel", READING_NO_FD);
	assert_state("llc_misses_user", READING_NO_FD);
	assert_int_equal(reading_reason(READING_NO_FD), REASON_NO_MEMORY);
}

static void a_read_may_fail(void **state)
{
	(void)state;
	k.refuse_read = -EIO;
	count("default");
	assert_state("cycles_user", READING_UNREADABLE);
	assert_state("page_faults", READING_OK);
	fresh(NULL);
	k.refuse_read = 8; /* too short */
	count("default");
	assert_state("cycles_user", READING_UNREADABLE);
}

static void nothing_is_called_for_none(void **state)
{
	(void)state;
	count("none");
	assert_int_equal(k.calls, 0);
	assert_int_equal(accounts_calls, 0);
}

static void every_errno_has_its_word(void **state)
{
	(void)state;
	assert_int_equal(counters_why(-EACCES), READING_NO_PERMISSION);
	assert_int_equal(counters_why(-EMFILE), READING_NO_FD);
	assert_int_equal(counters_why(-EBUSY), READING_BUSY);
	assert_int_equal(counters_why(-EINVAL), READING_NO_EVENT);
	assert_int_equal(counters_why(-ENOENT), READING_NO_EVENT);
}

/* --- outside the cores ------------------------------------------------------ */

static void put(const char *name, const char *text)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof(path), "%s/imc/%s", devices, name);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int make_devices(void **state)
{
	char path[128];

	(void)state;
	if (!mkdtemp(devices))
		return -1;
	snprintf(path, sizeof(path), "%s/imc", devices);
	if (mkdir(path, 0700))
		return -1;
	put("type", "17\n");
	put("cpumask", "0,18\n");
	return 0;
}

static int remove_devices(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", devices);
	return system(command);
}

static void uncore_is_of_the_whole_host(void **state)
{
	unsigned i;

	(void)state;
	k.pmu = 0;
	count("memory");
	assert_int_equal(k.n, 8); /* 2 events, 2 channels, 2 sockets */
	for (i = 0; i < k.n; i++) {
		assert_int_equal(opened(i)->pid, -1);
		assert_int_equal(opened(i)->cpu, i % 2 ? 18 : 0);
		assert_int_equal(opened(i)->group, i);
		assert_false(opened(i)->attr.exclude_guest);
	}
	assert_int_equal(reading("mem_read_lines")->value, 4 * 1000 + 6);
	assert_int_equal(reading("mem_write_lines")->value, 4 * 1000 + 22);
}

static void uncore_needs_permission(void **state)
{
	(void)state;
	k.refuse_uncore = -EACCES;
	count("memory,tlb");
	assert_state("mem_read_lines", READING_NO_PERMISSION);
	assert_state("cycles_kernel", READING_OK);
}

/* One channel that fails spoils the sum. */
static void uncore_is_whole_or_empty(void **state)
{
	(void)state;
	k.fd_limit = 3;
	count("memory");
	assert_state("mem_read_lines", READING_NO_FD);
}

/* --- the real kernel's software events --------------------------------------- */

static void touch(size_t pages)
{
	size_t i, size = (size_t)sysconf(_SC_PAGESIZE);
	volatile char *p = mmap(NULL, pages * size, PROT_READ | PROT_WRITE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	assert_int_equal(
		madvise((void *)(uintptr_t)p, pages * size, MADV_NOHUGEPAGE) &&
			errno != EINVAL,
		0);
	for (i = 0; i < pages; i++)
		p[i * size] = 1;
	munmap((void *)(uintptr_t)p, pages * size);
}

static uint64_t faults_of(size_t pages)
{
	tally_init(&tally);
	counters_enable(&c);
	touch(pages);
	counters_disable(&c);
	touch(1000); /* not counted */
	counters_take(&c, &tally);
	assert_state("page_faults", READING_OK);
	assert_state("task_clock_ns", READING_OK);
	assert_true(reading("task_clock_ns")->value > 0);
	return reading("page_faults")->value;
}

/* ThreadSanitizer keeps a shadow of every page that is touched. */
#ifdef __SANITIZE_THREAD__
enum { FAULTS_A_PAGE = 8 };
#else
enum { FAULTS_A_PAGE = 1 };
#endif

static void software_events_count(void **state)
{
	uint64_t n;

	(void)state;
	parse("default");
	counters_open(&c, &list, &counter_sys_linux);
	touch(1000);
	n = faults_of(500);
	assert_true(n >= 500 && n < 500 * FAULTS_A_PAGE + 200);
	n = faults_of(50); /* from 0 again */
	assert_true(n >= 50 && n < 50 * FAULTS_A_PAGE + 200);
	counters_forget_thread(&c, &tally);
	assert_state("page_faults", READING_ONE_OF_MANY);
	counters_close(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(groups_are_by_kind_and_mode, fresh),
		cmocka_unit_test_setup(a_group_that_does_not_fit_is_split,
				       fresh),
		cmocka_unit_test_setup(multiplexed_values_are_scaled, fresh),
		cmocka_unit_test_setup(time_running_0_is_empty, fresh),
		cmocka_unit_test_setup(without_a_pmu_software_counts, fresh),
		cmocka_unit_test_setup(what_the_processor_lacks_is_said, fresh),
		cmocka_unit_test_setup(what_is_accounted_anyway_is_no_event,
				       fresh),
		cmocka_unit_test_setup(the_kernels_part_may_be_forbidden,
				       fresh),
		cmocka_unit_test_setup(perf_may_be_forbidden, fresh),
		cmocka_unit_test_setup(descriptors_may_run_out, fresh),
		cmocka_unit_test_setup(a_read_may_fail, fresh),
		cmocka_unit_test_setup(nothing_is_called_for_none, fresh),
		cmocka_unit_test(every_errno_has_its_word),
		cmocka_unit_test_setup(uncore_is_of_the_whole_host, fresh),
		cmocka_unit_test_setup(uncore_needs_permission, fresh),
		cmocka_unit_test_setup(uncore_is_whole_or_empty, fresh),
		cmocka_unit_test(software_events_count),
	};

	return cmocka_run_group_tests(tests, make_devices, remove_devices);
}
