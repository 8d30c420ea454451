#include "machine/host.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <unistd.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "base/units.h"
#include "machine/cpu.h"
#include "machine/mem.h"
#include "machine/sysfs.h"

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum { CACHE_INDEXES = 8 };

struct vm {
	const char *sign;
	const char *name;
};

/* --- virtual machine or not ---------------------------------------------- */

#if defined(__x86_64__)

/* CPUID leaf 0x40000000: EBX, ECX, EDX as 12 characters. */
static const struct vm cpuid_vms[] = {
	{"TCGTCGTCGTCG", "qemu-tcg"},	{"KVMKVMKVM", "kvm"},
	{"Linux KVM Hv", "kvm"},	{"Microsoft Hv", "hyperv"},
	{"VMwareVMware", "vmware"},	{"XenVMMXenVMM", "xen"},
	{"bhyve bhyve ", "bhyve"},	{" lrpepyh  vr", "parallels"},
	{"VBoxVBoxVBox", "virtualbox"}, {"ACRNACRNACRN", "acrn"},
};

static const char *cpuid_virt(void)
{
	unsigned a, b, c, d;
	char sign[13] = "";
	size_t i;

	/* Leaf 1, ECX bit 31: the bit that hypervisors promise to set. */
	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & (1u << 31)))
		return "none";
	__cpuid(0x40000000, a, b, c, d);
	memcpy(sign, &b, 4);
	memcpy(sign + 4, &c, 4);
	memcpy(sign + 8, &d, 4);
	for (i = 0; i < COUNT(cpuid_vms); i++)
		if (!strcmp(sign, cpuid_vms[i].sign))
			return cpuid_vms[i].name;
	return "vm";
}

#else

static const char *cpuid_virt(void)
{
	return "";
}

#endif

/*
 * Firmware tables, for hypervisors that hide from CPUID and for other
 * architectures.  A cloud's vendor name alone says nothing: it also rents
 * whole machines.
 */
static const struct vm dmi_vms[] = {
	{"QEMU", "qemu"},	   {"KVM", "kvm"},
	{"VMware", "vmware"},	   {"VirtualBox", "virtualbox"},
	{"innotek", "virtualbox"}, {"HVM domU", "xen"},
	{"Bochs", "qemu"},	   {"Parallels", "parallels"},
	{"BHYVE", "bhyve"},	   {"Virtual Machine", "hyperv"},
	{"OpenStack Nova", "vm"},
};

static const char *dmi_virt(void)
{
	static const char *const files[] = {
		"/sys/class/dmi/id/product_name",
		"/sys/class/dmi/id/sys_vendor",
	};
	char text[64];
	size_t f, i;

	for (f = 0; f < COUNT(files); f++) {
		if (sysfs_line(files[f], text, sizeof(text)))
			continue;
		for (i = 0; i < COUNT(dmi_vms); i++)
			if (!strncmp(text, dmi_vms[i].sign,
				     strlen(dmi_vms[i].sign)))
				return dmi_vms[i].name;
	}
	return NULL;
}

/* CPUID knows TCG from KVM, where DMI says QEMU to both; so it goes first,
 * and DMI fills in where it has no name. */
static void read_virt(struct host *host)
{
	const char *virt = cpuid_virt(), *dmi = NULL;

	if (!*virt || !strcmp(virt, "none") || !strcmp(virt, "vm"))
		dmi = dmi_virt();
	snprintf(host->virt, sizeof(host->virt), "%s", dmi ? dmi : virt);
}

/* --- the rest ------------------------------------------------------------ */

static void read_names(struct host *host)
{
	struct utsname u;

	if (uname(&u))
		return;
	snprintf(host->name, sizeof(host->name), "%.63s", u.nodename);
	snprintf(host->kernel, sizeof(host->kernel), "%.20s %.50s %.20s",
		 u.sysname, u.release, u.machine);
}

static void read_cpu_model(struct host *host)
{
	char text[4096], *p, *end;

	if (sysfs_text("/proc/cpuinfo", text, sizeof(text)) < 0)
		return;
	p = strstr(text, "model name");
	p = p ? strchr(p, ':') : NULL;
	if (!p)
		return;
	p += 1 + strspn(p + 1, " ");
	end = p + strcspn(p, "\n");
	*end = '\0';
	snprintf(host->cpu_model, sizeof(host->cpu_model), "%.95s", p);
}

static void read_cpus(struct host *host)
{
	unsigned list[CPU_LIST_MAX];
	long online = sysconf(_SC_NPROCESSORS_ONLN);
	char text[256];
	struct err ignored;

	host->cpus_online = online > 0 ? (unsigned)online : 0;
	host->cpus_allowed = cpu_allowed(list, CPU_LIST_MAX);
	/* Nodes are listed the way CPUs are. */
	if (!sysfs_line("/sys/devices/system/node/online", text, sizeof(text)))
		cpu_list_parse(text, list, CPU_LIST_MAX, &host->numa_nodes,
			       &ignored);
}

static void read_memory(struct host *host)
{
	struct rlimit lim;
	struct sysinfo si;

	if (!sysinfo(&si))
		host->mem_bytes = (uint64_t)si.totalram * si.mem_unit;
	host->mem_available_bytes = mem_available();
	if (host->mem_available_bytes == UINT64_MAX)
		host->mem_available_bytes = 0;
	if (!getrlimit(RLIMIT_MEMLOCK, &lim))
		host->memlock_bytes = lim.rlim_cur == RLIM_INFINITY
					      ? UINT64_MAX
					      : lim.rlim_cur;
}

/* One of "level", "type", "size" of a cache of cpu0. */
static int cache_line(unsigned index, const char *file, char *buf, size_t cap)
{
	char path[96];

	snprintf(path, sizeof(path),
		 "/sys/devices/system/cpu/cpu0/cache/index%u/%s", index, file);
	return sysfs_line(path, buf, cap);
}

static void read_cache(struct host *host, unsigned index)
{
	char level[8], type[24], size[24];
	struct err ignored;
	uint64_t bytes;

	if (cache_line(index, "level", level, sizeof(level)) ||
	    cache_line(index, "type", type, sizeof(type)) ||
	    cache_line(index, "size", size, sizeof(size)) ||
	    units_parse_size(size, &bytes, &ignored))
		return;
	if (!strcmp(type, "Instruction"))
		return;
	if (!strcmp(level, "1"))
		host->l1d_bytes = bytes;
	else if (!strcmp(level, "2"))
		host->l2_bytes = bytes;
	else if (!strcmp(level, "3"))
		host->l3_bytes = bytes;
}

/* What the C library found out, where /sys is not there. */
static void guess(uint64_t *bytes, int name)
{
	long v = *bytes ? 0 : sysconf(name);

	if (v > 0)
		*bytes = (uint64_t)v;
}

static void read_caches(struct host *host)
{
	unsigned i;

	for (i = 0; i < CACHE_INDEXES; i++)
		read_cache(host, i);
	guess(&host->l1d_bytes, _SC_LEVEL1_DCACHE_SIZE);
	guess(&host->l2_bytes, _SC_LEVEL2_CACHE_SIZE);
	guess(&host->l3_bytes, _SC_LEVEL3_CACHE_SIZE);
}

static void read_paranoid(struct host *host)
{
	char text[16];

	host->perf_event_paranoid = HOST_NO_PARANOID;
	if (!sysfs_line("/proc/sys/kernel/perf_event_paranoid", text,
			sizeof(text)))
		sscanf(text, "%d", &host->perf_event_paranoid);
}

void host_read(struct host *host)
{
	memset(host, 0, sizeof(*host));
	read_names(host);
	read_cpu_model(host);
	read_virt(host);
	read_cpus(host);
	read_memory(host);
	read_caches(host);
	read_paranoid(host);
	sysfs_line("/proc/sys/kernel/random/boot_id", host->boot_id,
		   sizeof(host->boot_id));
	sysfs_line("/sys/devices/system/clocksource/clocksource0/"
		   "current_clocksource",
		   host->clocksource, sizeof(host->clocksource));
	sysfs_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor",
		   host->governor, sizeof(host->governor));
}
