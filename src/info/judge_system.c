#include "info/judge.h"

#include <stdlib.h>
#include <string.h>

/* What a plan of 16 MiB messages registers at both ends, and some room. */
#define MEMLOCK_ENOUGH (64ull << 20)

/* --- kernel --------------------------------------------------------------------- */

static void virtual_machine(struct judge *j)
{
	const char *vm = facts_text(j->facts, "kernel", "", "virtual machine");
	struct finding *x;

	if (!vm || !strcmp(vm, "none"))
		return;
	x = judge_find(j, SEVERITY_SPOILS, "", "a virtual machine (%.40s)", vm);
	judge_why(x, "times include what its hypervisor does, and its other "
		     "guests");
	judge_mend(x, "measure on the host itself");
}

static void clocksource(struct judge *j)
{
	const char *name = facts_text(j->facts, "kernel", "", "clocksource");
	const char *all =
		facts_text(j->facts, "kernel", "", "clocksources available");
	struct finding *x;

	/* Other architectures have no tsc. */
	if (!name || !strcmp(name, "tsc") || !all ||
	    (!strstr(all, "tsc") && strcmp(name, "hpet") &&
	     strcmp(name, "acpi_pm")))
		return;
	x = judge_find(j, SEVERITY_SPOILS, "", "clock source '%.40s'", name);
	judge_why(x, "reading the time may cost more than what is timed");
	if (strstr(all, "tsc"))
		judge_mend(x, "echo tsc > /sys/devices/system/clocksource/"
			      "clocksource0/current_clocksource");
	else
		judge_mend(x, "boot with tsc=reliable, if the hardware's is");
}

static void mitigations(struct judge *j)
{
	uint64_t n =
		judge_number(j, "kernel", "", "vulnerabilities mitigated", 0);
	struct finding *x;

	if (!n)
		return;
	x = judge_find(j, SEVERITY_NOTE, "", "%llu CPU flaws are mitigated",
		       (unsigned long long)n);
	judge_why(x, "system calls cost more: TCP pays it, polled RDMA does "
		     "not");
	judge_mend(x, "on a machine for benchmarks only, boot with "
		      "mitigations=off");
}

static void numa_balancing(struct judge *j)
{
	struct finding *x;

	if (!judge_number(j, "kernel", "", "NUMA balancing", 0) ||
	    judge_number(j, "memory", "", "NUMA nodes", 1) < 2)
		return;
	x = judge_find(j, SEVERITY_SPOILS, "", "NUMA balancing is on");
	judge_why(x, "the kernel unmaps and moves pages while measuring");
	judge_mend(x, "sysctl kernel.numa_balancing=0");
}

/* Only a device's own memory accesses are translated. */
static void iommu(struct judge *j)
{
	const char *mode = facts_text(j->facts, "kernel", "", "IOMMU");
	struct finding *x;

	if (!mode || !strstr(mode, "DMA"))
		return;
	x = judge_find(j, SEVERITY_NOTE, "", "the IOMMU translates (%.60s)",
		       mode);
	judge_why(x, "a device's accesses may miss its translation cache, and "
		     "registering costs more");
	judge_mend(x, "boot with iommu=pt");
}

/* --- memory ------------------------------------------------------------------------ */

static void memlock(struct judge *j)
{
	uint64_t hard =
		judge_number(j, "memory", "", "memlock hard limit", UINT64_MAX);
	struct finding *x;

	if (hard >= MEMLOCK_ENOUGH ||
	    judge_is(j, "memory", "", "memlock is lifted by CAP_IPC_LOCK",
		     "yes"))
		return;
	x = judge_find(j, SEVERITY_LIMITS, "", "memlock allows %llu KiB",
		       (unsigned long long)(hard >> 10));
	judge_why(x, "RDMA buffers are locked memory");
	judge_mend(x, "ulimit -l unlimited, or memlock in "
		      "/etc/security/limits.conf");
}

static void hugepages(struct judge *j)
{
	struct finding *x;

	if (judge_number(j, "memory", "", "hugepages", 1))
		return;
	x = judge_find(j, SEVERITY_NOTE, "", "no hugepages are reserved");
	judge_why(x, "large buffers are many pages to register, translate and "
		     "miss in the TLB");
	judge_mend(x, "sysctl vm.nr_hugepages=512");
}

static void transparent(struct judge *j)
{
	struct finding *x;

	if (!judge_is(j, "memory", "", "transparent hugepages", "always"))
		return;
	x = judge_find(j, SEVERITY_NOTE, "", "transparent hugepages: always");
	judge_why(x, "whether a buffer has large pages is luck, and so is its "
		     "cost");
	judge_mend(x, "echo madvise > "
		      "/sys/kernel/mm/transparent_hugepage/enabled");
}

/* --- counters ---------------------------------------------------------------------- */

/* Without the right to ask one cannot tell whether there is a PMU. */
static void counters(struct judge *j)
{
	const char *paranoid =
		facts_text(j->facts, "pmu", "", "perf_event_paranoid");
	const char *all = facts_text(j->facts, "pmu", "",
				     "hardware counters of the kernel");
	struct fact user;
	struct finding *x;

	if (!facts_find(j->facts, "pmu", "", "hardware counters", &user))
		return;
	if (!user.unknown[0] && !strcmp(user.value, "yes") && all)
		return;
	if (!user.unknown[0] && strcmp(user.value, "yes")) {
		x = judge_find(j, SEVERITY_LIMITS, "", "no PMU");
		judge_why(x, "no cycles, cache or TLB misses: the reasons "
			     "behind the times stay unseen");
		judge_mend(x, "measure on the host itself, or give the guest "
			      "a PMU (-cpu host,pmu=on)");
		return;
	}
	x = judge_find(j, SEVERITY_LIMITS, "", "perf_event_paranoid is %.10s",
		       paranoid ? paranoid : "not readable");
	judge_why(x, user.unknown[0] ? "hardware counters may not be read"
				     : "the kernel's part is not counted");
	judge_mend(x, "sysctl kernel.perf_event_paranoid=1, and "
		      "perf_event_open allowed in a container");
}

static void watchdog(struct judge *j)
{
	struct finding *x;

	if (!judge_number(j, "kernel", "", "NMI watchdog", 0) ||
	    !judge_is(j, "pmu", "", "hardware counters", "yes"))
		return;
	x = judge_find(j, SEVERITY_NOTE, "", "the NMI watchdog is on");
	judge_why(x, "it takes one hardware counter");
	judge_mend(x, "sysctl kernel.nmi_watchdog=0");
}

static void prefetch_msr(struct judge *j)
{
	struct fact f;
	struct finding *x;

	if (!facts_find(j->facts, "pmu", "", "prefetch MSR", &f) ||
	    !f.unknown[0])
		return;
	x = judge_find(j, SEVERITY_LIMITS, "", "no access to the prefetch MSR");
	judge_why(x, f.unknown);
	/* No right and no module gives a processor what it has not. */
	if (judge_is(j, "pmu", "", "prefetch MSR documented", "no"))
		judge_mend(x, "another processor; prefetch instructions need "
			      "none (prefetch --distance)");
	else
		judge_mend(x, "modprobe msr, and run as root on the host "
			      "itself");
}

static void no_sys(struct judge *j)
{
	struct fact f;
	struct finding *x;

	/* Every kernel with /sys has this file. */
	if (!facts_find(j->facts, "kernel", "", "clocksource", &f) ||
	    !f.unknown[0])
		return;
	x = judge_find(j, SEVERITY_LIMITS, "", "/sys does not tell");
	judge_why(x, "most of what spoils a measurement cannot be seen");
	judge_mend(x, "mount -t sysfs sysfs /sys (in a container: pass /sys "
		      "in)");
}

void judge_system(struct judge *j)
{
	virtual_machine(j);
	clocksource(j);
	numa_balancing(j);
	no_sys(j);
	counters(j);
	memlock(j);
	prefetch_msr(j);
	mitigations(j);
	iommu(j);
	hugepages(j);
	transparent(j);
	watchdog(j);
}
