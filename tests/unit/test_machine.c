#include "unit.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/units.h"
#include "machine/cpu.h"
#include "machine/cputime.h"
#include "machine/host.h"
#include "machine/mem.h"
#include "machine/sysfs.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* --- sysfs --------------------------------------------------------------- */

static char file[] = "/tmp/rdmabench-test-XXXXXX";

static int make_file(void **state)
{
	int fd = mkstemp(file);

	(void)state;
	if (fd < 0)
		return -1;
	return close(fd);
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

static void put(const char *text)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void files_are_read(void **state)
{
	char buf[8];

	(void)state;
	put("ab\ncd\n");
	assert_int_equal(sysfs_text(file, buf, sizeof(buf)), 6);
	assert_string_equal(buf, "ab\ncd\n");
	assert_int_equal(sysfs_line(file, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "ab");
	put("0123456789");
	assert_int_equal(sysfs_text(file, buf, sizeof(buf)), 7);
	assert_string_equal(buf, "0123456");
	put("");
	assert_int_equal(sysfs_line(file, buf, sizeof(buf)), 0);
	assert_string_equal(buf, "");
	assert_int_equal(sysfs_text("/nowhere/at/all", buf, 8), -ENOENT);
	assert_int_equal(sysfs_line("/tmp", buf, 8), -EISDIR);
}

static void numbers_are_read(void **state)
{
	static const struct {
		const char *text;
		int ret;
		uint64_t v;
	} cases[] = {
		{"17\n", 0, 17},
		{"18446744073709551615", 0, UINT64_MAX},
		{"18446744073709551616", -ERANGE, 0},
		{"max\n", -EINVAL, 0},
		{"-1\n", -EINVAL, 0},
		{"12 kB\n", -EINVAL, 0},
		{"", -EINVAL, 0},
	};
	uint64_t v;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(cases); i++) {
		put(cases[i].text);
		v = 99;
		assert_int_equal(sysfs_u64(file, &v), cases[i].ret);
		assert_int_equal(v, cases[i].ret ? 99 : cases[i].v);
	}
	assert_int_equal(sysfs_u64("/nowhere/at/all", &v), -ENOENT);
}

static void fields_are_found(void **state)
{
	uint64_t v = 99;

	(void)state;
	put("MemFree:  5 kB\nMem: x\nfile_mapped 3\nfile 4096\n A: 1\n");
	assert_int_equal(sysfs_field(file, "MemFree:", &v), 0);
	assert_int_equal(v, 5 * 1024);
	/* a key that another one starts with */
	assert_int_equal(sysfs_field(file, "file", &v), 0);
	assert_int_equal(v, 4096);
	v = 99;
	assert_int_equal(sysfs_field(file, "Mem:", &v), -EINVAL);
	assert_int_equal(sysfs_field(file, "A:", &v), -ENODATA);
	assert_int_equal(sysfs_field(file, "Swap:", &v), -ENODATA);
	assert_int_equal(sysfs_field("/nowhere/at/all", "A", &v), -ENOENT);
	assert_int_equal(v, 99);
	put("Huge: 18446744073709551615 kB\n");
	assert_int_equal(sysfs_field(file, "Huge:", &v), -ERANGE);
}

/* --- CPUs ---------------------------------------------------------------- */

static void check_list(const char *text, const unsigned *expect, unsigned n)
{
	struct err err = {.text = ""};
	unsigned cpus[16], got = 99;

	if (cpu_list_parse(text, cpus, 16, &got, &err))
		fail_msg("%s: %s", text, err.text);
	assert_int_equal(got, n);
	assert_memory_equal(cpus, expect, n * sizeof(cpus[0]));
}

static void good_lists(void **state)
{
	(void)state;
	check_list("0", (const unsigned[]){0}, 1);
	check_list("0-3,8", (const unsigned[]){0, 1, 2, 3, 8}, 5);
	check_list("8,0-1", (const unsigned[]){8, 0, 1}, 3);
	check_list("5-5", (const unsigned[]){5}, 1);
	check_list("1023", (const unsigned[]){1023}, 1);
}

static void bad_lists(void **state)
{
	static const char *const bad[] = {
		"",   "3-1",   "0-99999", "x",		"0-",
		"-3", "1,",    ",1",	  "1,,2",	"1 2",
		" 1", "1-2-3", "1024",	  "0-1024",	"0x1",
		"+1", "1\n",   "0-16",	  "4294967296", "99999999999999999999",
	};
	unsigned cpus[16], n = 99;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < COUNT(bad); i++) {
		err_clear(&err);
		if (cpu_list_parse(bad[i], cpus, 16, &n, &err) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_int_equal(err.reason, REASON_USAGE);
		assert_non_null(strstr(err.text, bad[i]));
		assert_int_equal(n, 99);
	}
}

static void lists_are_printed(void **state)
{
	static const unsigned cpus[] = {0, 1, 2, 3, 8, 10, 11};
	char buf[32];

	(void)state;
	assert_string_equal(cpu_list_format(buf, sizeof(buf), cpus, 7),
			    "0-3,8,10-11");
	assert_string_equal(cpu_list_format(buf, sizeof(buf), cpus, 0), "");
	memset(buf, 'G', sizeof(buf));
	assert_string_equal(cpu_list_format(buf, 6, cpus, 7), "0-3,8");
	assert_int_equal(buf[6], 'G');
}

static void pinning_and_back(void **state)
{
	unsigned before[CPU_LIST_MAX], now[CPU_LIST_MAX], n, last;
	struct err err;

	(void)state;
	n = cpu_allowed(before, CPU_LIST_MAX);
	assert_true(n >= 1);
	assert_int_equal(cpu_allowed(now, 1), 1);
	last = before[n - 1];
	assert_int_equal(cpu_pin(last, &err), 0);
	assert_int_equal(cpu_allowed(now, CPU_LIST_MAX), 1);
	assert_int_equal(now[0], last);
	assert_int_equal(cpu_unpin(before, n, &err), 0);
	assert_int_equal(cpu_allowed(now, CPU_LIST_MAX), n);
	assert_memory_equal(now, before, n * sizeof(now[0]));
}

static void absent_cpus_are_refused_in_words(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(cpu_pin(8191, &err), -EINVAL);
	assert_int_equal(err.reason, REASON_USAGE);
	assert_non_null(strstr(err.text, "8191"));
	assert_int_equal(cpu_pin(100000, &err), -EINVAL);
}

/* --- CPU time ------------------------------------------------------------ */

static void cpu_time_passes_while_working(void **state)
{
	struct cputime a, b, d;
	uint64_t until;

	(void)state;
	cputime_now(&a);
	until = a.process_ns + 60 * 1000 * 1000;
	do {
		cputime_now(&b);
	} while (b.process_ns < until);
	cputime_diff(&d, &a, &b);
	assert_true(d.process_ns == b.process_ns - a.process_ns);
	assert_true(d.process_ns >= 60 * 1000 * 1000);
	assert_int_equal(access("/proc/stat", R_OK) == 0, d.host_known);
	if (!d.host_known)
		skip();
	/* ticks of 10 ms, taken by sampling */
	assert_true(d.host_busy_ns >= 20 * 1000 * 1000);
	assert_true(d.host_busy_ns == b.host_busy_ns - a.host_busy_ns);
	assert_true(d.host_softirq_ns <= d.host_busy_ns);
}

static void cpu_time_sleeps(void **state)
{
	struct timespec ts = {.tv_sec = 0, .tv_nsec = 100 * 1000 * 1000};
	struct cputime a, b, d;

	(void)state;
	cputime_now(&a);
	nanosleep(&ts, NULL);
	cputime_now(&b);
	cputime_diff(&d, &a, &b);
	assert_true(d.process_ns < 50 * 1000 * 1000);
}

static void differences_do_not_wrap(void **state)
{
	struct cputime a = {5, true, 70, 30}, b = {9, true, 60, 31}, d;

	(void)state;
	cputime_diff(&d, &a, &b);
	assert_int_equal(d.process_ns, 4);
	assert_true(d.host_known);
	assert_int_equal(d.host_busy_ns, 0);
	assert_int_equal(d.host_softirq_ns, 1);
	b.host_known = false;
	cputime_diff(&a, &a, &b);
	assert_false(a.host_known);
	assert_int_equal(a.host_softirq_ns, 0);
}

/* Column by column, with the host's own file as the reference. */
static void host_time_is_the_right_columns(void **state)
{
	unsigned long long v[7], busy;
	uint64_t tick = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);
	struct cputime before, after;
	char line[512];
	int n;

	(void)state;
	cputime_now(&before);
	if (!before.host_known)
		skip();
	assert_int_equal(sysfs_line("/proc/stat", line, sizeof(line)), 0);
	cputime_now(&after);
	n = sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu", v, v + 1,
		   v + 2, v + 3, v + 4, v + 5, v + 6);
	assert_int_equal(n, 7);
	busy = (v[0] + v[1] + v[2] + v[5] + v[6]) * tick;
	assert_true(before.host_busy_ns <= busy && busy <= after.host_busy_ns);
	assert_true(before.host_softirq_ns <= v[6] * tick &&
		    v[6] * tick <= after.host_softirq_ns);
}

/* --- memory -------------------------------------------------------------- */

static void assert_resident(const struct mem *m, size_t page)
{
	unsigned char there[64];
	size_t i, n = m->mapped / page;

	assert_true(n <= sizeof(there));
	assert_int_equal(mincore(m->addr, m->mapped, there), 0);
	for (i = 0; i < n; i++)
		assert_true(there[i] & 1);
}

static void memory_is_there_and_zero(void **state)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), i;
	struct mem m;
	struct err err;

	(void)state;
	assert_int_equal(mem_alloc(&m, 40 * page + 7, &err), 0);
	assert_int_equal(m.len, 40 * page + 7);
	assert_int_equal(m.mapped, 41 * page);
	assert_int_equal((uintptr_t)m.addr % page, 0);
	assert_resident(&m, page);
	for (i = 0; i < m.mapped; i++)
		assert_int_equal(((char *)m.addr)[i], 0);
	mem_free(&m);
	assert_null(m.addr);
	mem_free(&m);
	assert_int_equal(mem_alloc(&m, 0, &err), 0);
	assert_non_null(m.addr);
	assert_int_equal(m.mapped, page);
	mem_free(&m);
}

static void too_much_memory_is_refused_in_words(void **state)
{
	struct mem m = {.len = 77};
	uint64_t have = mem_available();
	char number[32];
	struct err err;

	(void)state;
	if (have == UINT64_MAX)
		skip();
	assert_int_equal(mem_alloc(&m, have * 2, &err), -ENOMEM);
	assert_int_equal(err.reason, REASON_NO_MEMORY);
	snprintf(number, sizeof(number), "%llu MiB",
		 units_mib_wanted(have * 2));
	assert_non_null(strstr(err.text, number));
	assert_non_null(strstr(err.text, "available"));
	assert_non_null(strstr(err.text, "missing"));
	assert_int_equal(m.len, 77);
	assert_int_equal(mem_alloc(&m, SIZE_MAX, &err), -ENOMEM);
	assert_int_equal(mem_alloc(&m, SIZE_MAX - 4095, &err), -ENOMEM);
}

static void available_is_what_the_kernel_says(void **state)
{
	uint64_t have = mem_available(), host;
	struct sysinfo si;

	(void)state;
	if (sysfs_field("/proc/meminfo", "MemAvailable:", &host))
		skip();
	assert_int_equal(sysinfo(&si), 0);
	assert_true(have > 0);
	assert_true(have <= (uint64_t)si.totalram * si.mem_unit);
	/* no more than the host has, give or take what others do */
	assert_true(have <= host + host / 4);
}

/* --- the limit of locked memory, in a child that gives its rights up ------ */

static void drop_capabilities(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {{0}};

	if (syscall(SYS_capset, &header, none))
		_exit(100);
}

/* Exit code 0, or the number of the step that went wrong. */
static int limited_child(rlim_t soft, rlim_t hard)
{
	struct rlimit lim = {.rlim_cur = soft, .rlim_max = hard};
	struct err err;
	char number[64], wanted[64];

	if (setrlimit(RLIMIT_MEMLOCK, &lim))
		return 1;
	drop_capabilities();
	if (mem_check_lock(hard, &err))
		return 2;
	if (getrlimit(RLIMIT_MEMLOCK, &lim) || lim.rlim_cur != hard)
		return 3;
	if (mem_check_lock(hard + 1, &err) != -ENOMEM)
		return 4;
	/* One byte more than that does not read like it. */
	snprintf(number, sizeof(number), "%llu bytes (%llu MiB)",
		 (unsigned long long)hard, units_mib_there(hard));
	snprintf(wanted, sizeof(wanted), "(%llu MiB with",
		 units_mib_wanted(hard + 1));
	if (!strstr(err.text, number) || !strstr(err.text, wanted) ||
	    !strstr(err.text, "ulimit -l") || !strstr(err.text, "limits.conf"))
		return 5;
	return err.reason == REASON_NO_MEMORY ? 0 : 6;
}

static int run_child(int (*child)(rlim_t, rlim_t), rlim_t soft, rlim_t hard)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (!pid)
		_exit(child(soft, hard));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void lock_limit_is_raised_then_held(void **state)
{
	struct rlimit lim;
	rlim_t hard = 1 << 20;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &lim), 0);
	if (lim.rlim_max < hard)
		hard = lim.rlim_max;
	if (hard < 8192)
		skip();
	assert_int_equal(run_child(limited_child, hard / 2, hard), 0);
}

static int privileged_child(rlim_t soft, rlim_t hard)
{
	struct rlimit lim = {.rlim_cur = soft, .rlim_max = hard};
	struct err err;

	if (setrlimit(RLIMIT_MEMLOCK, &lim))
		return 1;
	return mem_check_lock((size_t)1 << 40, &err) ? 2 : 0;
}

static void capability_lifts_the_lock_limit(void **state)
{
	(void)state;
	/* Root in a container mostly has not got it either. */
	if (geteuid() || prctl(PR_CAPBSET_READ, CAP_IPC_LOCK) != 1) {
		print_message("skipped: there is no CAP_IPC_LOCK to try\n");
		skip();
	}
	assert_int_equal(run_child(privileged_child, 4096, 8192), 0);
}

/* --- host ---------------------------------------------------------------- */

static void host_tells_what_it_is(void **state)
{
	uint64_t total;
	struct host h;
	struct rlimit lim;
	char name[64] = "";

	(void)state;
	memset(&h, 0xff, sizeof(h));
	host_read(&h);
	gethostname(name, sizeof(name) - 1);
	assert_string_equal(h.name, name);
	assert_memory_equal(h.kernel, "Linux ", 6);
	assert_true(h.cpus_online >= 1 && h.cpus_online < 100000);
	assert_true(h.cpus_allowed >= 1 && h.cpus_allowed <= h.cpus_online);
	assert_true(h.numa_nodes <= h.cpus_online + 64);
	if (!sysfs_field("/proc/meminfo", "MemTotal:", &total))
		assert_true(h.mem_bytes == total);
	assert_true(h.mem_bytes > 0);
	assert_true(h.mem_available_bytes <= h.mem_bytes);
	assert_int_equal(getrlimit(RLIMIT_MEMLOCK, &lim), 0);
	assert_true(h.memlock_bytes == lim.rlim_cur); /* infinity, too */
	assert_true(h.perf_event_paranoid >= -1 ||
		    h.perf_event_paranoid == HOST_NO_PARANOID);
	assert_true(!*h.boot_id || strlen(h.boot_id) == 36);
}

static void check_cache(unsigned index, const char *type, uint64_t bytes)
{
	char path[96], text[32];
	uint64_t kib;

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu0/cache/index%u/type", index);
	if (sysfs_line(path, text, sizeof(text)) || strcmp(text, type))
		return;
	strcpy(strrchr(path, '/'), "/size");
	assert_int_equal(sysfs_line(path, text, sizeof(text)), 0);
	kib = strtoull(text, NULL, 10);
	assert_int_equal(bytes, kib * 1024);
}

static void host_caches_are_the_kernels(void **state)
{
	struct host h;

	(void)state;
	host_read(&h);
	print_message(
		"caches %llu %llu %llu\n", (unsigned long long)h.l1d_bytes,
		(unsigned long long)h.l2_bytes, (unsigned long long)h.l3_bytes);
	/* the order of every machine with the usual four */
	check_cache(0, "Data", h.l1d_bytes);
	check_cache(2, "Unified", h.l2_bytes);
	check_cache(3, "Unified", h.l3_bytes);
}

/* The kernel's own view of the same bit. */
static void virtual_or_not_as_the_kernel_says(void **state)
{
	static char info[16384];
	struct host h;

	(void)state;
	not_under_valgrind();
	host_read(&h);
	print_message("virt %s, clock source %s\n", h.virt, h.clocksource);
	if (sysfs_text("/proc/cpuinfo", info, sizeof(info)) < 0 ||
	    !strstr(info, "flags\t"))
		skip();
	if (strstr(info, " hypervisor"))
		assert_string_not_equal(h.virt, "none");
	assert_string_not_equal(h.virt, "");
	assert_non_null(strstr(info, h.cpu_model));
	assert_string_not_equal(h.cpu_model, "");
	assert_int_not_equal(h.cpu_model[0], ' ');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_read),
		cmocka_unit_test(numbers_are_read),
		cmocka_unit_test(fields_are_found),
		cmocka_unit_test(good_lists),
		cmocka_unit_test(bad_lists),
		cmocka_unit_test(lists_are_printed),
		cmocka_unit_test(pinning_and_back),
		cmocka_unit_test(absent_cpus_are_refused_in_words),
		cmocka_unit_test(cpu_time_passes_while_working),
		cmocka_unit_test(cpu_time_sleeps),
		cmocka_unit_test(differences_do_not_wrap),
		cmocka_unit_test(host_time_is_the_right_columns),
		cmocka_unit_test(memory_is_there_and_zero),
		cmocka_unit_test(too_much_memory_is_refused_in_words),
		cmocka_unit_test(available_is_what_the_kernel_says),
		cmocka_unit_test(lock_limit_is_raised_then_held),
		cmocka_unit_test(capability_lifts_the_lock_limit),
		cmocka_unit_test(host_tells_what_it_is),
		cmocka_unit_test(host_caches_are_the_kernels),
		cmocka_unit_test(virtual_or_not_as_the_kernel_says),
	};

	return cmocka_run_group_tests(tests, make_file, remove_file);
}
