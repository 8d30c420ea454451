/* What counts, and who may ask it; and whether the hardware prefetchers can
 * be switched. */
#include "machine/probe.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "machine/prefetch.h"

/* Opens a counter for a moment, as the counters module would.  0 or -errno. */
static int try_event(uint32_t type, uint64_t config, bool kernel)
{
	struct perf_event_attr attr = {
		.type = type,
		.size = sizeof(attr),
		.config = config,
		.disabled = 1,
		.exclude_kernel = !kernel,
		.exclude_hv = 1,
	};
	long fd = syscall(SYS_perf_event_open, &attr, 0, -1, -1, 0);

	if (fd < 0)
		return -errno;
	close((int)fd);
	return 0;
}

static const char *refusal(int ret)
{
	switch (-ret) {
	case ENOENT:
	case EOPNOTSUPP:
		return "this host has no such counter";
	case EACCES:
	case EPERM:
		return "not permitted (perf_event_paranoid, or a container's "
		       "filter)";
	case ENOSYS:
		return "this kernel is built without perf events";
	default:
		return strerror(-ret);
	}
}

/* "yes", "no: why", or unknown where permission is what is missing. */
static void event(struct probe *p, const char *key, int ret)
{
	if (!ret)
		probe_text(p, key, "yes");
	else if (ret == -EACCES || ret == -EPERM)
		probe_unknown(p, key, "%s", refusal(ret));
	else
		probe_text(p, key, "no: %s", refusal(ret));
}

static void counters(struct probe *p)
{
	char text[16];

	event(p, "hardware counters",
	      try_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, false));
	event(p, "hardware counters of the kernel",
	      try_event(PERF_TYPE_HARDWARE, PERF_COUNT_HW_CPU_CYCLES, true));
	event(p, "software counters",
	      try_event(PERF_TYPE_SOFTWARE, PERF_COUNT_SW_TASK_CLOCK, false));
	/* May be negative, so text. */
	if (!probe_line(p, text, sizeof(text),
			"/proc/sys/kernel/perf_event_paranoid"))
		probe_text(p, "perf_event_paranoid", "%s", text);
	else
		probe_file(p, "perf_event_paranoid",
			   "/proc/sys/kernel/perf_event_paranoid");
	probe_file_u64(p, "rdpmc", "count",
		       "/sys/bus/event_source/devices/cpu/rdpmc");
}

static void *counters_thread(void *p)
{
	counters(p);
	return NULL;
}

/* A thread that has had an event costs more at each of its context switches
 * until it ends, though the event is closed (Linux 6.1: some 20 instructions
 * and a lock).  Who asks here may measure later: another one asks, and ends. */
static void counters_apart(struct probe *p)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, counters_thread, p))
		counters(p);
	else
		pthread_join(thread, NULL);
}

/* --- prefetch MSR ------------------------------------------------------------- */

static void prefetch_register(struct probe *p)
{
	static const char key[] = "prefetch MSR";
	struct prefetch_host host = {.io = &msr_io_files};
	const struct prefetch_regs *regs;
	struct err err;
	uint64_t v;
	int fd, ret;

	probe_path(p, host.dir, "/dev/cpu");
	prefetch_cpu_read(&host.cpu);
	regs = prefetch_regs(&host.cpu, &err);
	probe_text(p, "prefetch MSR documented", regs ? "yes" : "no");
	if (!regs) {
		probe_unknown(p, key, "%s", err.text);
		return;
	}
	fd = host.io->open(host.dir, 0, false);
	ret = fd < 0 ? fd : host.io->read(fd, regs->msr, &v);
	if (ret < 0) {
		prefetch_refused(&err, &host, 0, ret);
		probe_unknown(p, key, "%s", err.text);
	} else {
		probe_text(p, key, "0x%x reads 0x%llx", regs->msr,
			   (unsigned long long)v);
	}
	if (fd >= 0)
		close(fd);
}

void probe_pmu(struct probe *p)
{
	p->section = "pmu";
	p->item = "";
	counters_apart(p);
	prefetch_register(p);
}
