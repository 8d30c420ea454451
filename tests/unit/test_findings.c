/* Each finding appears for the host that has it, and for no other. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "info/findings.h"

/* A host in one string: facts by ';', "section/item/key=value unit", an
 * unknown one "section/item/key?why".  In an item '~' stands for '/'. */
static void describe(struct facts *f, const char *text)
{
	char copy[2048], *rest = copy, *word;

	facts_clear(f);
	snprintf(copy, sizeof(copy), "%s", text);
	while ((word = strsep(&rest, ";"))) {
		char item[64], *s = strsep(&word, "/"), *i = strsep(&word, "/");
		char *key = word, *value = strpbrk(word, "=?");
		const char known = *value;
		char *p;

		*value++ = '\0';
		snprintf(item, sizeof(item), "%s", i);
		for (p = item; *p; p++)
			*p = *p == '~' ? '/' : *p;
		facts_add(f, &(struct fact){
				     .section = s,
				     .item = item,
				     .key = key,
				     .value = known == '=' ? value : "",
				     .unit = "",
				     .unknown = known == '=' ? "" : value,
			     });
	}
}

struct row {
	const char *host;
	const char *item, *what, *mend; /* what NULL: no finding */
};

static const struct row rows[] = {
	/* CPU */
	{"cpu//governor=performance", "", NULL, ""},
	{"cpu//governor=powersave", "", "governor 'powersave'", "cpupower"},
	{"cpu//governor=performance (2), powersave (2)", "", "governor", ""},
	{"cpu//governor?none", "", NULL, ""},
	{"cpu//turbo=on", "", "turbo", "no_turbo"},
	{"cpu//turbo=off", "", NULL, ""},
	{"cpu//deepest idle state=C6;cpu//deepest idle state wakes in=133", "",
	 "idle state C6 takes 133 us", "cpupower idle-set"},
	{"cpu//deepest idle state=C6;cpu//deepest idle state wakes in=133;"
	 "cpu//idle states can be held off=no",
	 "", "idle state C6", "root"},
	{"cpu//deepest idle state=C6;cpu//deepest idle state wakes in=133;"
	 "cpu//idle states can be held off=yes",
	 "", NULL, ""},
	{"cpu//deepest idle state=C1;cpu//deepest idle state wakes in=2", "",
	 NULL, ""},
	{"cpu//SMT=on", "", "SMT", "smt/control"},
	{"cpu//SMT=notsupported", "", NULL, ""},
	{"cpu//CPUs allowed=1", "", "one CPU", "taskset"},
	{"cpu//CPUs allowed=2", "", NULL, ""},
	/* kernel */
	{"kernel//virtual machine=kvm", "", "virtual machine (kvm)", "host"},
	{"kernel//virtual machine=none", "", NULL, ""},
	{"kernel//clocksource=tsc;kernel//clocksources available=tsc hpet", "",
	 NULL, ""},
	{"kernel//clocksource=hpet;kernel//clocksources available=tsc hpet", "",
	 "clock source 'hpet'", "echo tsc"},
	{"kernel//clocksource=hpet;kernel//clocksources available=hpet", "",
	 "clock source 'hpet'", "tsc=reliable"},
	{"kernel//clocksource=arch_sys_counter;"
	 "kernel//clocksources available=arch_sys_counter",
	 "", NULL, ""},
	{"kernel//clocksource?no", "", "/sys", "mount -t sysfs"},
	{"kernel//vulnerabilities mitigated=3", "", "3 CPU flaws",
	 "mitigations=off"},
	{"kernel//vulnerabilities mitigated=0", "", NULL, ""},
	{"kernel//NUMA balancing=1;memory//NUMA nodes=2", "", "balancing",
	 "sysctl kernel.numa_balancing=0"},
	{"kernel//NUMA balancing=1;memory//NUMA nodes=1", "", NULL, ""},
	{"kernel//IOMMU=DMA-FQ", "", "IOMMU", "iommu=pt"},
	{"kernel//IOMMU=identity", "", NULL, ""},
	/* memory */
	{"memory//memlock hard limit=65536", "", "memlock allows 64 KiB",
	 "ulimit -l"},
	{"memory//memlock hard limit=65536;"
	 "memory//memlock is lifted by CAP_IPC_LOCK=yes",
	 "", NULL, ""},
	{"memory//memlock hard limit=unlimited", "", NULL, ""},
	{"memory//hugepages=0", "", "no hugepages", "vm.nr_hugepages"},
	{"memory//hugepages=8", "", NULL, ""},
	{"memory//hugepages?no", "", NULL, ""},
	{"memory//transparent hugepages=always", "", "always", "madvise"},
	{"memory//transparent hugepages=madvise", "", NULL, ""},
	/* counters */
	{"pmu//hardware counters=no: this host has no such counter", "",
	 "no PMU", "pmu=on"},
	{"pmu//hardware counters=yes;"
	 "pmu//hardware counters of the kernel=yes",
	 "", NULL, ""},
	{"pmu//hardware counters?not permitted;pmu//perf_event_paranoid=4", "",
	 "perf_event_paranoid is 4", "sysctl"},
	{"pmu//hardware counters=yes;"
	 "pmu//hardware counters of the kernel?not permitted;"
	 "pmu//perf_event_paranoid=2",
	 "", "perf_event_paranoid is 2", "sysctl"},
	{"pmu//prefetch MSR?no such file", "", "prefetch MSR", "modprobe"},
	{"pmu//prefetch MSR documented=yes;"
	 "pmu//prefetch MSR?/dev/cpu of this CPU: no such file",
	 "", "prefetch MSR", "modprobe"},
	{"pmu//prefetch MSR documented=no;pmu//prefetch MSR?unheard of", "",
	 "prefetch MSR", "--distance"},
	{"pmu//prefetch MSR=0x1a4 reads 0x0", "", NULL, ""},
	{"kernel//NMI watchdog=1;pmu//hardware counters=yes;"
	 "pmu//hardware counters of the kernel=yes",
	 "", "watchdog", "sysctl"},
	{"kernel//NMI watchdog=1", "", NULL, ""},
	/* RDMA */
	{"rdma//devices=0", "", "no RDMA device", "rxe.sh"},
	{"rdma//devices=1;rdma/rxe0/software=yes", "rxe0", "software", "-d"},
	{"rdma/m0/software=no", "", NULL, ""},
	{"rdma/m0~1/usable=yes;rdma/m0~1/MTU=1024;"
	 "rdma/m0~1/MTU possible=4096;rdma/m0~1/netdev=ens1",
	 "m0/1", "MTU 1024, possible is 4096", "ip link set ens1 mtu 4200"},
	{"rdma/m0~1/usable=yes;rdma/m0~1/MTU=4096;"
	 "rdma/m0~1/MTU possible=4096",
	 "", NULL, ""},
	{"rdma/m0~1/usable=no: port 1 is down;rdma/m0~1/netdev=ens1", "m0/1",
	 "cannot be used", "ip link set ens1 up"},
	{"rdma/m0/software=no;cpu//vendor_id=GenuineIntel", "m0", "DDIO",
	 "BIOS"},
	{"rdma/m0/software=yes;cpu//vendor_id=GenuineIntel", "m0",
	 "a software device", ""},
	{"rdma/m0/software=no;cpu//vendor_id=AuthenticAMD", "", NULL, ""},
	{"rdma/m0/software=no;rdma/m0/PCIe speed=8.0 GT/s PCIe;"
	 "rdma/m0/PCIe speed possible=16.0 GT/s PCIe;"
	 "rdma/m0/PCIe width=16;rdma/m0/PCIe width possible=16",
	 "m0", "PCIe runs 8.0 GT/s PCIe x16, not 16.0 GT/s PCIe x16", "slot"},
	{"rdma/m0/software=no;rdma/m0/PCIe speed=16.0 GT/s PCIe;"
	 "rdma/m0/PCIe speed possible=16.0 GT/s PCIe;"
	 "rdma/m0/PCIe width=8;rdma/m0/PCIe width possible=16",
	 "m0", "x8, not 16.0 GT/s PCIe x16", "slot"},
	{"rdma/m0/software=no;rdma/m0/PCIe speed=16.0 GT/s PCIe;"
	 "rdma/m0/PCIe speed possible=16.0 GT/s PCIe;"
	 "rdma/m0/PCIe width=16;rdma/m0/PCIe width possible=16",
	 "", NULL, ""},
	{"rdma/m0/software=no;rdma/m0/PCIe address=0000:3b:00.0;"
	 "rdma/m0/max read request=128",
	 "m0", "read request is 128",
	 "setpci -s 0000:3b:00.0 CAP_EXP+8.w=5000:7000"},
	{"rdma/m0/software=no;rdma/m0/PCIe address=0000:3b:00.0;"
	 "rdma/m0/relaxed ordering=off",
	 "m0", "relaxed ordering is off",
	 "setpci -s 0000:3b:00.0 CAP_EXP+8.w=0010:0010"},
	{"rdma/m0/software=no;rdma/m0/PCIe address=0000:3b:00.0;"
	 "rdma/m0/relaxed ordering?only root",
	 "m0", "relaxed ordering is unknown", "root"},
	{"rdma/m0/software=no;rdma/m0/PCIe address=0000:3b:00.0;"
	 "rdma/m0/relaxed ordering=on",
	 "", NULL, ""},
	/* NUMA: of an RDMA device and of a network interface */
	{"rdma/m0/software=no;rdma/m0/NUMA node=1;memory//NUMA nodes=2;"
	 "memory//NUMA distances=0: 10 21, 1: 21 10;"
	 "memory//NUMA nodes of allowed CPUs=0",
	 "m0", "on NUMA node 1, our CPUs on 0 (distance 21)",
	 "numactl --cpunodebind=1 --membind=1"},
	{"nic/ens1/state=up;nic/ens1/NUMA node=2;memory//NUMA nodes=3;"
	 "memory//NUMA distances=0: 10 21 31, 1: 21 10 32, 2: 31 32 10;"
	 "memory//NUMA nodes of allowed CPUs=1",
	 "ens1", "on NUMA node 2, our CPUs on 1 (distance 32)", ""},
	{"rdma/m0/software=no;rdma/m0/NUMA node=1;memory//NUMA nodes=2;"
	 "memory//NUMA nodes of allowed CPUs=0, 1",
	 "", NULL, ""},
	{"rdma/m0/software=no;rdma/m0/NUMA node=0;memory//NUMA nodes=1;"
	 "memory//NUMA nodes of allowed CPUs=0",
	 "", NULL, ""},
	{"rdma/m0/software=no;rdma/m0/NUMA node=1;memory//NUMA nodes=12;"
	 "memory//NUMA nodes of allowed CPUs=11",
	 "m0", "on NUMA node 1, our CPUs on 11", ""},
	/* interfaces */
	{"nic/eth0/state=up;nic/eth0/rx coalescing=50;"
	 "nic/eth0/rx coalescing adaptive=no",
	 "eth0", "interrupts wait 50 us", "ethtool -C eth0"},
	{"nic/eth0/state=up;nic/eth0/rx coalescing=0;"
	 "nic/eth0/rx coalescing adaptive=yes",
	 "eth0", "adaptive", "ethtool -C eth0"},
	{"nic/eth0/state=up;nic/eth0/rx coalescing=0;"
	 "nic/eth0/rx coalescing adaptive=no",
	 "", NULL, ""},
	/* persistent memory */
	{"pmem//namespaces=0;pmem//dax devices=0;pmem//dax file systems=0", "",
	 "no persistent memory", "memmap="},
	{"pmem//namespaces=1;pmem//dax devices=0;pmem//dax file systems=0", "",
	 NULL, ""},
	{"pmem/region0/persistence domain?no", "region0",
	 "persistence domain is unknown", "manual"},
	{"pmem/region0/persistence domain=cpu_cache", "", NULL, ""},
	{"pmem/~mnt/MAP_SYNC=no: Operation not supported", "/mnt",
	 "MAP_SYNC does not work", "dax=always /mnt"},
	{"pmem/~mnt/MAP_SYNC=yes", "", NULL, ""},
};

static void check(const struct row *row)
{
	static struct findings findings;
	static struct facts facts;
	const struct finding *x = findings.v;

	describe(&facts, row->host);
	findings_judge(&findings, &facts);
	if (findings.n != (row->what ? 1 : 0))
		fail_msg("%s: %u findings, the first '%s'", row->host,
			 findings.n, findings.n ? x->what : "");
	if (!row->what)
		return;
	if (!strstr(x->what, row->what) || !strstr(x->mend, row->mend) ||
	    strcmp(x->item, row->item))
		fail_msg("%s: got %s: %s; %s", row->host, x->item, x->what,
			 x->mend);
	assert_true(x->why[0] && x->mend[0]);
	/* One line each. */
	assert_null(strpbrk(x->what, "\n"));
	assert_null(strpbrk(x->why, "\n"));
	assert_null(strpbrk(x->mend, "\n"));
}

static void one_host_one_finding(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(rows); i++)
		check(&rows[i]);
}

static void nothing_known_nothing_found(void **state)
{
	static struct findings findings;
	static struct facts facts;

	(void)state;
	facts_clear(&facts);
	findings_judge(&findings, &facts);
	assert_int_equal(findings.n, 0);
}

static void the_worst_first(void **state)
{
	static struct findings findings;
	static struct facts facts;

	(void)state;
	describe(&facts, "cpu//turbo=on;cpu//SMT=on;rdma//devices=0;"
			 "kernel//virtual machine=kvm;cpu//governor=powersave");
	findings_judge(&findings, &facts);
	assert_int_equal(findings.n, 5);
	assert_int_equal(findings.v[0].severity, SEVERITY_SPOILS);
	assert_non_null(strstr(findings.v[0].what, "governor"));
	assert_non_null(strstr(findings.v[1].what, "virtual"));
	assert_int_equal(findings.v[2].severity, SEVERITY_LIMITS);
	assert_non_null(strstr(findings.v[3].what, "turbo"));
	assert_non_null(strstr(findings.v[4].what, "SMT"));
}

static void more_than_fit_do_no_harm(void **state)
{
	static struct findings findings;
	static struct facts facts;
	char item[16];
	unsigned i;

	(void)state;
	facts_clear(&facts);
	for (i = 0; i < 3 * FINDINGS_MAX; i++) {
		snprintf(item, sizeof(item), "rxe%u", i);
		facts_add(&facts, &(struct fact){"rdma", item, "software",
						 "yes", "", ""});
	}
	findings_judge(&findings, &facts);
	assert_int_equal(findings.n, FINDINGS_MAX);
}

/* A reason is an error's words, whose end says most. */
static void long_reasons_are_whole(void **state)
{
	static struct findings findings;
	static struct facts facts;
	char why[300];

	(void)state;
	memset(why, 'x', sizeof(why));
	memcpy(why + sizeof(why) - 4, "end", 4);
	facts_clear(&facts);
	facts_add(&facts,
		  &(struct fact){"pmu", "", "prefetch MSR", "", "", why});
	findings_judge(&findings, &facts);
	assert_int_equal(findings.n, 1);
	assert_string_equal(findings.v[0].why, why);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_host_one_finding),
		cmocka_unit_test(nothing_known_nothing_found),
		cmocka_unit_test(the_worst_first),
		cmocka_unit_test(more_than_fit_do_no_harm),
		cmocka_unit_test(long_reasons_are_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
