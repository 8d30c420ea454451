#include "machine/prefetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "machine/sysfs.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif

const char *const prefetch_names[] = {
	[PREFETCH_AS_FOUND] = "as-found",
	[PREFETCH_ALL_OFF] = "all-off",
	[PREFETCH_L2_STREAM_OFF] = "l2-stream-off",
	[PREFETCH_L2_ADJACENT_OFF] = "l2-adjacent-off",
	[PREFETCH_L1_STREAM_OFF] = "l1-stream-off",
	[PREFETCH_L1_STRIDE_OFF] = "l1-stride-off",
	[PREFETCH_L1_REGION_OFF] = "l1-region-off",
	NULL,
};

/* --- which register ---------------------------------------------------------- */

static const struct prefetch_regs intel_regs = {
	.msr = 0x1a4,
	.mask = {[PREFETCH_ALL_OFF] = 0xf,
		 [PREFETCH_L2_STREAM_OFF] = 1u << 0,
		 [PREFETCH_L2_ADJACENT_OFF] = 1u << 1,
		 [PREFETCH_L1_STREAM_OFF] = 1u << 2,
		 [PREFETCH_L1_STRIDE_OFF] = 1u << 3},
};

static const struct prefetch_regs amd_regs = {
	.msr = 0xc0000108,
	.mask = {[PREFETCH_ALL_OFF] = 0x2f,
		 [PREFETCH_L1_STREAM_OFF] = 1u << 0,
		 [PREFETCH_L1_STRIDE_OFF] = 1u << 1,
		 [PREFETCH_L1_REGION_OFF] = 1u << 2,
		 [PREFETCH_L2_STREAM_OFF] = 1u << 3,
		 [PREFETCH_L2_ADJACENT_OFF] = 1u << 5},
};

/* Family 6 models for which bits 0 to 3 are documented. */
static const uint8_t intel_models[] = {
	0x1a, 0x1e, 0x1f, 0x2e, 0x25, 0x2c, 0x2f, 0x2a, 0x2d, 0x3a,
	0x3e, 0x3c, 0x3f, 0x45, 0x46, 0x3d, 0x47, 0x4f, 0x56, 0x4e,
	0x5e, 0x55, 0x8e, 0x9e, 0xa5, 0xa6, 0x7d, 0x7e, 0x6a, 0x6c,
	0x8c, 0x8d, 0xa7, 0x97, 0x9a, 0xb7, 0xba, 0xbf, 0x8f, 0xcf,
};

static bool intel_documented(const struct prefetch_cpu *cpu)
{
	size_t i;

	for (i = 0; i < sizeof(intel_models); i++)
		if (cpu->family == 6 && cpu->model == intel_models[i])
			return true;
	return false;
}

const struct prefetch_regs *prefetch_regs(const struct prefetch_cpu *cpu,
					  struct err *err)
{
	if (!strcmp(cpu->vendor, "GenuineIntel") && cpu->hybrid) {
		err_set(err, -ENOTSUP, REASON_NO_MSR,
			"this CPU has cores of two kinds, whose prefetch "
			"registers differ");
		return NULL;
	}
	if (!strcmp(cpu->vendor, "GenuineIntel") && intel_documented(cpu))
		return &intel_regs;
	if (!strcmp(cpu->vendor, "AuthenticAMD") && cpu->amd_ctl)
		return &amd_regs;
	err_set(err, -ENOTSUP, REASON_NO_MSR,
		"no prefetch register is documented for this CPU (%s family "
		"%u model %u%s)",
		cpu->vendor[0] ? cpu->vendor : "not x86", cpu->family,
		cpu->model,
		strcmp(cpu->vendor, "AuthenticAMD")
			? ""
			: ", CPUID Fn8000_0021 EAX bit 13 is 0: Zen 4 and "
			  "later have it, hypervisors mostly hide it");
	return NULL;
}

#if defined(__x86_64__)

/* Families from 15 on and models from 6 on have a second half. */
static void family_model(unsigned a, struct prefetch_cpu *cpu)
{
	cpu->family = (a >> 8) & 0xf;
	cpu->model = (a >> 4) & 0xf;
	if (cpu->family == 6 || cpu->family == 15)
		cpu->model |= (a >> 12) & 0xf0;
	if (cpu->family == 15)
		cpu->family += (a >> 20) & 0xff;
}

void prefetch_cpu_read(struct prefetch_cpu *cpu)
{
	unsigned a, b, c, d;

	memset(cpu, 0, sizeof(*cpu));
	if (!__get_cpuid(0, &a, &b, &c, &d))
		return;
	memcpy(cpu->vendor, &b, 4);
	memcpy(cpu->vendor + 4, &d, 4);
	memcpy(cpu->vendor + 8, &c, 4);
	if (__get_cpuid(1, &a, &b, &c, &d))
		family_model(a, cpu);
	if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
		cpu->hybrid = d & (1u << 15);
	if (__get_cpuid(0x80000021, &a, &b, &c, &d))
		cpu->amd_ctl = a & (1u << 13);
}

#else

void prefetch_cpu_read(struct prefetch_cpu *cpu)
{
	memset(cpu, 0, sizeof(*cpu));
}

#endif

/* --- reaching it --------------------------------------------------------------- */

static int open_file(const char *dir, unsigned cpu, bool write)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/%u/msr", dir, cpu);
	fd = open(path, (write ? O_RDWR : O_RDONLY) | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int read_file(int fd, uint32_t msr, uint64_t *v)
{
	uint64_t got;
	ssize_t n = pread(fd, &got, sizeof(got), msr);

	if (n != (ssize_t)sizeof(got))
		return n < 0 ? -errno : -EIO;
	*v = got;
	return 0;
}

static int write_file(int fd, uint32_t msr, uint64_t v)
{
	ssize_t n = pwrite(fd, &v, sizeof(v), msr);

	if (n != (ssize_t)sizeof(v))
		return n < 0 ? -errno : -EIO;
	return 0;
}

const struct msr_io msr_io_files = {
	.open = open_file,
	.read = read_file,
	.write = write_file,
};

static void told_cpu(const char *dir, struct prefetch_cpu *cpu)
{
	char path[600], text[100], vendor[13];
	unsigned family, model, ctl = 0;

	memset(cpu, 0, sizeof(*cpu));
	snprintf(path, sizeof(path), "%s/cpu", dir);
	if (sysfs_line(path, text, sizeof(text)) ||
	    sscanf(text, "%12s %u %u %u", vendor, &family, &model, &ctl) < 3)
		return;
	strcpy(cpu->vendor, vendor);
	cpu->family = family;
	cpu->model = model;
	cpu->amd_ctl = ctl != 0;
}

void prefetch_host_init(struct prefetch_host *host)
{
	const char *dir = secure_getenv("RDMABENCH_MSR_DIR");

	host->io = &msr_io_files;
	snprintf(host->dir, sizeof(host->dir), "%s", dir ? dir : "/dev/cpu");
	if (dir)
		told_cpu(host->dir, &host->cpu);
	else
		prefetch_cpu_read(&host->cpu);
}

int prefetch_refused(struct err *err, const struct prefetch_host *host,
		     unsigned cpu, int ret)
{
	const bool denied = ret == -EACCES || ret == -EPERM;
	const char *way;

	if (denied)
		way = "run as root on the host itself, and see that neither "
		      "lockdown (Secure Boot) nor msr.allow_writes=off "
		      "forbids it";
	else if (ret == -EIO)
		way = "the CPU or its hypervisor has no such register";
	else
		way = "modprobe msr, as root on the host itself; containers "
		      "and virtual machines mostly have no access";
	return err_set(err, ret, denied ? REASON_NO_PERMISSION : REASON_NO_MSR,
		       "%s/%u/msr: %s: %s", host->dir, cpu, strerror(-ret),
		       way);
}
