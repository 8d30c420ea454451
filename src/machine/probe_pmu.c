/* What counts, and who may ask it; and whether the hardware prefetchers can
 * be switched. */
#include "machine/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

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

/* --- prefetch MSR ------------------------------------------------------------- */

#if defined(__x86_64__)

/* Family 6 models whose MSR 0x1a4 Intel has documented: "Disclosure of
 * Hardware Prefetcher Control on Some Intel Processors", and the model-
 * specific register tables (SDM volume 4) for those since. */
static const uint8_t intel_models[] = {
	0x1a, 0x1e, 0x1f, 0x2e, 0x25, 0x2c, 0x2f, 0x2a, 0x2d, 0x3a,
	0x3e, 0x3c, 0x3f, 0x45, 0x46, 0x3d, 0x47, 0x4f, 0x56, 0x4e,
	0x5e, 0x55, 0x8e, 0x9e, 0xa5, 0xa6, 0x7d, 0x7e, 0x6a, 0x6c,
	0x8c, 0x8d, 0xa7, 0x97, 0x9a, 0xb7, 0xba, 0xbf, 0x8f, 0xcf,
};

static uint32_t intel_msr(void)
{
	unsigned a, b, c, d, family, model;
	size_t i;

	if (!__get_cpuid(1, &a, &b, &c, &d))
		return 0;
	family = (a >> 8) & 0xf;
	model = ((a >> 4) & 0xf) | ((a >> 12) & 0xf0);
	for (i = 0; i < sizeof(intel_models); i++)
		if (family == 6 && model == intel_models[i])
			return 0x1a4;
	return 0;
}

/* CPUID Fn8000_0021 EAX bit 13, PrefetchCtlMsr (AMD APM volume 3). */
static uint32_t amd_msr(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(0x80000021, &a, &b, &c, &d) || !(a & (1u << 13)))
		return 0;
	return 0xc0000108;
}

static uint32_t prefetch_msr(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(0, &a, &b, &c, &d))
		return 0;
	if (b == signature_INTEL_ebx)
		return intel_msr();
	return b == signature_AMD_ebx ? amd_msr() : 0;
}

#else

static uint32_t prefetch_msr(void)
{
	return 0;
}

#endif

static void read_msr(struct probe *p, uint32_t msr)
{
	static const char dev[] = "/dev/cpu/0/msr";
	static const char key[] = "prefetch MSR";
	char path[PROBE_PATH_MAX];
	uint64_t v;
	int fd = open(probe_path(p, path, dev), O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		probe_failed(p, key, dev, -errno);
		return;
	}
	if (pread(fd, &v, sizeof(v), msr) == (ssize_t)sizeof(v))
		probe_text(p, key, "0x%x reads 0x%llx", msr,
			   (unsigned long long)v);
	else
		probe_unknown(p, key, "reading 0x%x: %s", msr,
			      errno ? strerror(errno) : "too short");
	close(fd);
}

void probe_pmu(struct probe *p)
{
	uint32_t msr = prefetch_msr();

	p->section = "pmu";
	p->item = "";
	counters(p);
	if (msr)
		read_msr(p, msr);
	else
		probe_unknown(p, "prefetch MSR",
			      "which register this CPU model has is not "
			      "published");
}
