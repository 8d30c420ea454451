/* Probing a host that is a folder: a server with two sockets, a container
 * without /sys, and the odd ones. */
#include "unit.h"
#include "tree.h"

#include <fcntl.h>

#include "info/info.h"
#include "machine/latency_hold.h"
#include "machine/mem.h"
#include "machine/numa_node.h"
#include "machine/probe.h"

#define CPU "/sys/devices/system/cpu"
#define NODE "/sys/devices/system/node"

struct world {
	struct tree tree;
	struct host host;
	struct facts facts;
	struct probe p;
};

static struct world *world_new(void)
{
	struct world *w = calloc(1, sizeof(*w));

	assert_non_null(w);
	tree_new(&w->tree);
	w->p = (struct probe){.root = w->tree.root,
			      .host = &w->host,
			      .facts = &w->facts,
			      .section = "test",
			      .item = ""};
	return w;
}

static void world_free(struct world *w)
{
	tree_free(&w->tree);
	free(w);
}

static void is(const struct world *w, const char *section, const char *item,
	       const char *key, const char *value)
{
	struct fact f;

	if (!facts_find(&w->facts, section, item, key, &f))
		fail_msg("no fact %s/%s/%s", section, item, key);
	if (f.unknown[0] || strcmp(f.value, value))
		fail_msg("%s/%s/%s: '%s' (%s), not '%s'", section, item, key,
			 f.value, f.unknown, value);
}

/* Unknown, and it says why. */
static void unknown(const struct world *w, const char *section,
		    const char *item, const char *key, const char *why)
{
	struct fact f;

	if (!facts_find(&w->facts, section, item, key, &f))
		fail_msg("no fact %s/%s/%s", section, item, key);
	if (f.value[0] || !strstr(f.unknown, why))
		fail_msg("%s/%s/%s: '%s' (%s), not unknown for '%s'", section,
			 item, key, f.value, f.unknown, why);
}

static void putf(const struct world *w, unsigned n, const char *fmt,
		 const char *text)
{
	char path[256];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	snprintf(path, sizeof(path), fmt, n);
#pragma GCC diagnostic pop
	tree_put(&w->tree, path, text);
}

/* --- CPU -------------------------------------------------------------------- */

/* Two packages of two cores of two threads; CPU n and n + 4 share a core. */
static void put_cpus(const struct world *w)
{
	static const char *const core[] = {"0,4", "1,5", "2,6", "3,7"};
	static const char *const package[] = {"0-1,4-5", "2-3,6-7"};
	unsigned i;

	tree_put(&w->tree, CPU "/online", "0-7");
	for (i = 0; i < 8; i++) {
		putf(w, i, CPU "/cpu%u/topology/thread_siblings_list",
		     core[i % 4]);
		putf(w, i, CPU "/cpu%u/topology/core_siblings_list",
		     package[i % 4 / 2]);
		putf(w, i, CPU "/cpu%u/cache/index0/level", "1");
		putf(w, i, CPU "/cpu%u/cache/index0/type", "Data");
		putf(w, i, CPU "/cpu%u/cache/index0/size", "32K");
		putf(w, i, CPU "/cpu%u/cache/index0/shared_cpu_list",
		     core[i % 4]);
		putf(w, i, CPU "/cpu%u/cache/index3/level", "3");
		putf(w, i, CPU "/cpu%u/cache/index3/type", "Unified");
		putf(w, i, CPU "/cpu%u/cache/index3/size", "28160K");
		putf(w, i, CPU "/cpu%u/cache/index3/shared_cpu_list",
		     package[i % 4 / 2]);
		putf(w, i, CPU "/cpu%u/cpufreq/scaling_governor",
		     i < 2 ? "powersave" : "performance");
	}
	tree_put(&w->tree, "/proc/cpuinfo",
		 "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Fast CPU\n"
		 "stepping\t: 7\n\nprocessor\t: 1\nmodel name\t: Other");
	tree_put(&w->tree, CPU "/smt/control", "on");
	tree_put(&w->tree, CPU "/isolated", "");
	tree_put(&w->tree, CPU "/nohz_full", "  (null)");
	tree_put(&w->tree, CPU "/intel_pstate/no_turbo", "0");
}

static void cpus_and_who_shares_caches(void **state)
{
	struct world *w = world_new();

	(void)state;
	put_cpus(w);
	probe_cpu(&w->p);
	is(w, "cpu", "", "model name", "Fast CPU");
	is(w, "cpu", "", "model", "85");
	unknown(w, "cpu", "", "microcode", "no such line");
	is(w, "cpu", "", "CPUs online", "8");
	is(w, "cpu", "", "cores", "4");
	is(w, "cpu", "", "packages", "2");
	is(w, "cpu", "", "threads per core", "2");
	is(w, "cpu", "", "SMT", "on");
	is(w, "cpu", "", "L1d cache", "32768");
	is(w, "cpu", "", "L1d shared by CPUs", "0+4, 1+5, 2+6, 3+7");
	is(w, "cpu", "", "L3 cache", "28835840");
	is(w, "cpu", "", "L3 shared by CPUs", "0-1+4-5, 2-3+6-7");
	is(w, "cpu", "", "governor", "powersave (2), performance (6)");
	is(w, "cpu", "", "turbo", "on");
	is(w, "cpu", "", "isolated CPUs", "none");
	is(w, "cpu", "", "tickless CPUs", "none");
	unknown(w, "cpu", "", "frequency max", "No such file");
	world_free(w);
}

static void idle_states_and_the_deepest(void **state)
{
	static const char *const names[] = {"POLL", "C1", "C1E", "C6", "C10"};
	static const char *const us[] = {"0", "2", "10", "133", "890"};
	struct world *w = world_new();
	unsigned i;

	(void)state;
	for (i = 0; i < 5; i++) {
		putf(w, i, CPU "/cpu0/cpuidle/state%u/name", names[i]);
		putf(w, i, CPU "/cpu0/cpuidle/state%u/latency", us[i]);
		putf(w, i, CPU "/cpu0/cpuidle/state%u/disable",
		     i == 4 ? "1" : "0");
	}
	tree_put(&w->tree, CPU "/cpuidle/current_driver", "intel_idle");
	tree_put(&w->tree, "/dev/cpu_dma_latency", "");
	probe_cpu(&w->p);
	is(w, "cpu", "", "idle driver", "intel_idle");
	is(w, "cpu", "", "idle states",
	   "POLL 0 us, C1 2 us, C1E 10 us, C6 133 us, C10 890 us (off)");
	is(w, "cpu", "", "deepest idle state", "C6");
	is(w, "cpu", "", "deepest idle state wakes in", "133");
	is(w, "cpu", "", "idle states can be held off", "yes");
	world_free(w);
}

/* --- memory ------------------------------------------------------------------- */

static void nodes_pages_and_distances(void **state)
{
	struct world *w = world_new();

	(void)state;
	tree_put(&w->tree, NODE "/node0/cpulist", "0-511");
	tree_put(&w->tree, NODE "/node1/cpulist", "512-1023");
	tree_put(&w->tree, NODE "/node2/cpulist", "");
	tree_put(&w->tree, NODE "/node0/distance", "10 21 17");
	tree_put(&w->tree, NODE "/node1/distance", "21 10 28");
	tree_put(&w->tree, NODE "/node0/meminfo",
		 "Node 0 MemTotal:       1024 kB\nNode 0 MemFree: 1 kB");
	tree_put(&w->tree, NODE "/possible", "0-2");
	tree_put(&w->tree, "/proc/meminfo", "MemTotal:  2048 kB");
	tree_put(&w->tree, "/sys/kernel/mm/transparent_hugepage/enabled",
		 "always [madvise] never");
	tree_put(&w->tree,
		 "/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "8");
	tree_put(&w->tree,
		 "/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages",
		 "6");
	tree_put(&w->tree,
		 "/sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages",
		 "2");
	probe_memory(&w->p);
	is(w, "memory", "", "total", "2097152");
	is(w, "memory", "", "NUMA nodes", "3");
	is(w, "memory", "", "node 0 memory", "1048576");
	is(w, "memory", "", "node 1 CPUs", "512-1023");
	is(w, "memory", "", "NUMA distances", "0: 10 21 17, 1: 21 10 28");
	is(w, "memory", "", "NUMA nodes of allowed CPUs", "0");
	is(w, "memory", "", "transparent hugepages", "madvise");
	is(w, "memory", "", "hugepages", "10");
	is(w, "memory", "", "hugepages of 2048 KiB", "8");
	is(w, "memory", "", "free hugepages of 2048 KiB", "6");
	unknown(w, "memory", "", "free hugepages of 1048576 KiB",
		"No such file");
	unknown(w, "memory", "", "available", "/proc/meminfo");
	world_free(w);
}

/* --- kernel ------------------------------------------------------------------- */

static void kernel_mitigations_and_iommu(void **state)
{
	struct world *w = world_new();

	(void)state;
	strcpy(w->host.virt, "kvm");
	tree_put(&w->tree, "/proc/cmdline",
		 "root=UUID=1234 secret=x mitigations=off intel_iommu=on "
		 "iommu=pt -- isolcpus=9");
	tree_put(&w->tree, CPU "/vulnerabilities/meltdown", "Mitigation: PTI");
	tree_put(&w->tree, CPU "/vulnerabilities/mds", "Vulnerable; SMT on");
	tree_put(&w->tree, CPU "/vulnerabilities/l1tf", "Not affected");
	tree_put(&w->tree, CPU "/vulnerabilities/itlb_multihit",
		 "KVM: Mitigation: VMX disabled");
	tree_put(&w->tree, "/sys/class/iommu/dmar0/x", "");
	tree_put(&w->tree, "/sys/kernel/iommu_groups/0/type", "identity");
	tree_put(&w->tree, "/sys/kernel/iommu_groups/1/type", "DMA-FQ");
	tree_put(&w->tree, "/sys/kernel/iommu_groups/10/type", "DMA-FQ");
	probe_kernel(&w->p);
	is(w, "kernel", "", "virtual machine", "kvm");
	is(w, "kernel", "", "command line",
	   "mitigations=off, intel_iommu=on, iommu=pt");
	is(w, "kernel", "", "mitigations=", "off");
	is(w, "kernel", "", "vulnerabilities mitigated", "2");
	is(w, "kernel", "", "mitigated", "itlb_multihit, meltdown");
	is(w, "kernel", "", "left vulnerable", "mds");
	is(w, "kernel", "", "vulnerabilities that do not concern it", "1");
	is(w, "kernel", "", "IOMMU", "identity (1), DMA-FQ (2)");
	world_free(w);
}

/* --- PCI Express, interfaces ---------------------------------------------------- */

/* A power management capability, then that of PCI Express. */
static void put_config(const struct world *w, const char *path, size_t len,
		       unsigned control)
{
	uint8_t c[256] = {0};

	c[0x34] = 0x40;
	c[0x40] = 0x01;
	c[0x41] = 0x60;
	c[0x60] = 0x10;
	c[0x68] = (uint8_t)control;
	c[0x69] = (uint8_t)(control >> 8);
	tree_bytes(&w->tree, path, c, len);
}

#define NIC "/sys/devices/pci0000:3a/0000:3b:00.0"

static void put_nic(const struct world *w)
{
	tree_put(&w->tree, NIC "/numa_node", "1");
	tree_put(&w->tree, NIC "/current_link_speed", "8.0 GT/s PCIe");
	tree_put(&w->tree, NIC "/max_link_speed", "16.0 GT/s PCIe");
	tree_put(&w->tree, NIC "/current_link_width", "8");
	tree_put(&w->tree, NIC "/max_link_width", "16");
	tree_put(&w->tree, NIC "/msi_irqs/120", "msix");
	tree_put(&w->tree, NIC "/msi_irqs/121", "msix");
	tree_put(&w->tree, "/proc/irq/120/smp_affinity_list", "0-3");
	tree_put(&w->tree, "/proc/irq/121/smp_affinity_list", "4,6");
	tree_put(&w->tree, "/sys/class/net/nosuchif0/mtu", "9000");
	tree_put(&w->tree, "/sys/class/net/nosuchif0/operstate", "up");
	tree_put(&w->tree, "/sys/class/net/nosuchif0/speed", "-1");
	tree_link(&w->tree, "/sys/class/net/nosuchif0/device",
		  "../../../devices/pci0000:3a/0000:3b:00.0");
	tree_put(&w->tree, "/sys/class/net/nosuchif1/mtu", "1500");
}

static void an_interface_and_its_slot(void **state)
{
	struct world *w = world_new();
	struct fact f;

	(void)state;
	put_nic(w);
	/* Reads of 512, payload of 256, relaxed ordering. */
	put_config(w, NIC "/config", 256, 2u << 12 | 1u << 5 | 1u << 4);
	probe_nics(&w->p);
	is(w, "nic", "", "interfaces", "1");
	is(w, "nic", "nosuchif0", "state", "up");
	is(w, "nic", "nosuchif0", "MTU", "9000");
	unknown(w, "nic", "nosuchif0", "speed", "does not tell");
	unknown(w, "nic", "nosuchif0", "driver", "No such device");
	unknown(w, "nic", "nosuchif0", "offloads", "No such device");
	is(w, "nic", "nosuchif0", "NUMA node", "1");
	is(w, "nic", "nosuchif0", "PCIe address", "0000:3b:00.0");
	is(w, "nic", "nosuchif0", "PCIe speed", "8.0 GT/s PCIe");
	is(w, "nic", "nosuchif0", "PCIe width possible", "16");
	is(w, "nic", "nosuchif0", "max read request", "512");
	is(w, "nic", "nosuchif0", "max payload", "256");
	is(w, "nic", "nosuchif0", "relaxed ordering", "on");
	is(w, "nic", "nosuchif0", "interrupts", "2, on CPUs 0-3 (1), 4+6 (1)");
	assert_false(facts_find(&w->facts, "nic", "nosuchif1", "MTU", &f));
	world_free(w);
}

static void an_interface_under_an_rdma_device(void **state)
{
	struct world *w = world_new();

	(void)state;
	put_nic(w);
	w->p.section = "rdma";
	w->p.item = "rxe0/1";
	probe_text(&w->p, "netdev", "nosuchif1");
	probe_nics(&w->p);
	is(w, "nic", "", "interfaces", "2");
	is(w, "nic", "nosuchif1", "MTU", "1500");
	world_free(w);
}

/* Without CAP_SYS_ADMIN 64 bytes are all that one reads. */
static void a_configuration_space_that_is_cut_or_odd(void **state)
{
	struct world *w = world_new();
	uint8_t loop[256] = {[0x34] = 0x40, [0x40] = 0x05, [0x41] = 0x40};

	(void)state;
	put_nic(w);
	put_config(w, NIC "/config", 64, 0xffff);
	probe_pci(&w->p, NIC);
	unknown(w, "test", "", "max read request", "only root");
	unknown(w, "test", "", "relaxed ordering", "only root");
	facts_clear(&w->facts);
	tree_bytes(&w->tree, NIC "/config", loop, sizeof(loop));
	probe_pci(&w->p, NIC);
	unknown(w, "test", "", "max read request", "no PCI Express");
	facts_clear(&w->facts);
	put_config(w, NIC "/config", 256, 0);
	tree_put(&w->tree, NIC "/numa_node", "-1");
	probe_pci(&w->p, NIC);
	is(w, "test", "", "max read request", "128");
	is(w, "test", "", "relaxed ordering", "off");
	unknown(w, "test", "", "NUMA node", "firmware");
	world_free(w);
}

static void nodes_of_devices(void **state)
{
	struct world *w = world_new();
	const char *root = w->tree.root;

	(void)state;
	put_nic(w);
	tree_put(&w->tree, "/sys/class/infiniband/m0/device/numa_node", "3");
	tree_put(&w->tree, "/sys/class/infiniband/m1/device/numa_node", "-1");
	tree_put(&w->tree, "/sys/class/infiniband/rxe0/parent", "nosuchif0");
	assert_int_equal(numa_node_of("m0", root), 3);
	assert_int_equal(numa_node_of("m1", root), -ENODATA);
	assert_int_equal(numa_node_of("rxe0", root), 1);
	assert_int_equal(numa_node_of("nosuchif0", root), 1);
	assert_int_equal(numa_node_of("nosuchif1", root), -ENODEV);
	assert_int_equal(numa_node_of("", root), -ENODEV);
	world_free(w);
}

/* --- persistent memory ------------------------------------------------------------ */

static void persistent_memory(void **state)
{
	struct world *w = world_new();

	(void)state;
	tree_put(&w->tree, "/sys/bus/nd/devices/region0/size", "536870912");
	tree_put(&w->tree, "/sys/bus/nd/devices/region0/persistence_domain",
		 "memory_controller");
	tree_put(&w->tree, "/sys/bus/nd/devices/namespace0.0/size", "4096");
	tree_put(&w->tree, "/sys/bus/nd/devices/namespace0.0/mode", "fsdax");
	tree_put(&w->tree, "/sys/bus/nd/devices/namespace0.1/size", "0");
	tree_put(&w->tree, "/sys/bus/dax/devices/dax1.0/size", "8192");
	tree_put(&w->tree, "/mnt/pmem/file", "");
	tree_put(&w->tree, "/proc/self/mounts",
		 "/dev/pmem0 /mnt/pmem ext4 rw,relatime,dax=always 0 0\n"
		 "/dev/pmem1 /mnt/none xfs rw,dax 0 0\n"
		 "/dev/sda1 / ext4 rw,daxx,nodax 0 0\n"
		 "/dev/sda2 /v ext4 rw,dax=never 0 0\n"
		 "a /mnt/pmem fuse rw,dax 0 0");
	probe_pmem(&w->p);
	is(w, "pmem", "region0", "size", "536870912");
	is(w, "pmem", "region0", "persistence domain", "memory_controller");
	is(w, "pmem", "namespace0.0", "mode", "fsdax");
	is(w, "pmem", "", "namespaces", "1");
	is(w, "pmem", "", "dax devices", "1");
	unknown(w, "pmem", "dax1.0", "driver", "none");
	is(w, "pmem", "", "dax file systems", "2");
	is(w, "pmem", "/mnt/pmem", "file system", "ext4 on /dev/pmem0");
	/* /tmp has no MAP_SYNC. */
	is(w, "pmem", "/mnt/pmem", "MAP_SYNC", "no: Operation not supported");
	unknown(w, "pmem", "/mnt/none", "MAP_SYNC", "No such file");
	world_free(w);
}

/* --- hosts as a whole ---------------------------------------------------------------- */

/* No /sys, no /proc, no /dev: each fact is there, known or with its reason. */
static void a_container_without_anything(void **state)
{
	static struct findings findings;
	struct world *w = world_new();
	struct fact f;
	size_t at = 0;
	unsigned n = 0;

	(void)state;
	info_gather(&w->facts, &w->host, w->tree.root);
	findings_judge(&findings, &w->facts);
	while (facts_next(&w->facts, &at, &f)) {
		if (!f.unknown[0] && !f.value[0] && f.key[0] != 'N')
			fail_msg("%s/%s is neither known nor not", f.section,
				 f.key);
		n++;
	}
	assert_in_range(n, 40, 200);
	unknown(w, "cpu", "", "model name", "/proc/cpuinfo");
	unknown(w, "cpu", "", "cores", "No such file");
	unknown(w, "cpu", "", "caches shared by CPUs", "No such file");
	unknown(w, "cpu", "", "idle states", "No such file");
	unknown(w, "memory", "", "NUMA nodes", "No such file");
	unknown(w, "memory", "", "hugepages", "No such file");
	unknown(w, "kernel", "", "clocksource", "No such file");
	unknown(w, "kernel", "", "vulnerabilities mitigated", "No such file");
	unknown(w, "kernel", "", "IOMMU", "No such file");
	unknown(w, "kernel", "", "virtual machine", "CPUID");
	unknown(w, "pmu", "", "perf_event_paranoid", "No such file");
	unknown(w, "nic", "", "interfaces", "No such file");
	unknown(w, "pmem", "", "namespaces", "No such file");
	unknown(w, "pmem", "", "dax file systems", "No such file");
	world_free(w);
}

static void text_has_each_fact_and_finding(void **state)
{
	static struct findings findings;
	struct world *w = world_new();
	char *text = NULL;
	size_t len = 0;
	FILE *out;

	(void)state;
	put_cpus(w);
	put_nic(w);
	info_gather(&w->facts, &w->host, w->tree.root);
	findings_judge(&findings, &w->facts);
	out = open_memstream(&text, &len);
	assert_non_null(out);
	info_print(out, &w->facts, &findings);
	assert_int_equal(fclose(out), 0);
	assert_non_null(strstr(text, "\nnic nosuchif0\n"));
	assert_non_null(strstr(text, "28160 KiB\n"));
	assert_non_null(strstr(text, "unknown: "));
	assert_non_null(strstr(text, "[spoils] CPU governor 'powersave (2), "
				     "performance (6)': "));
	assert_non_null(strstr(text, "mend: cpupower frequency-set -g "
				     "performance\n"));
	free(text);
	world_free(w);
}

/* --- while measuring ------------------------------------------------------------------- */

static void idle_states_are_held_off(void **state)
{
	struct world *w = world_new();
	struct latency_hold hold;
	char path[256];
	int32_t written = -1;
	int fd;

	(void)state;
	latency_hold_begin(&hold, w->tree.root);
	assert_int_equal(hold.fd, -1);
	assert_int_equal(hold.why, -ENOENT);
	latency_hold_end(&hold);
	tree_put(&w->tree, "/dev/cpu_dma_latency", "....");
	latency_hold_begin(&hold, w->tree.root);
	assert_true(hold.fd >= 0);
	snprintf(path, sizeof(path), "%s/dev/cpu_dma_latency", w->tree.root);
	fd = open(path, O_RDONLY);
	assert_int_equal(read(fd, &written, 4), 4);
	close(fd);
	assert_int_equal(written, 0);
	fd = hold.fd;
	latency_hold_end(&hold);
	/* Closed: that is what lets go. */
	assert_int_equal(fcntl(fd, F_GETFD), -1);
	world_free(w);
}

static void memory_is_bound_or_refused_in_words(void **state)
{
	struct mem mem = {.addr = NULL};
	struct err err;

	(void)state;
	assert_int_equal(mem_alloc_on(&mem, 10000, 1000, &err), -EINVAL);
	assert_words(&err, "no NUMA node 1000");
	assert_null(mem.addr);
	assert_int_equal(mem_alloc_on(&mem, 10000, NUMA_NODES_MAX, &err),
			 -EINVAL);
	if (access(NODE "/node0", F_OK))
		skip();
	assert_int_equal(mem_alloc_on(&mem, 10000, 0, &err), 0);
	assert_int_equal(((char *)mem.addr)[9999], 0);
	mem_free(&mem);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cpus_and_who_shares_caches),
		cmocka_unit_test(idle_states_and_the_deepest),
		cmocka_unit_test(nodes_pages_and_distances),
		cmocka_unit_test(kernel_mitigations_and_iommu),
		cmocka_unit_test(an_interface_and_its_slot),
		cmocka_unit_test(an_interface_under_an_rdma_device),
		cmocka_unit_test(a_configuration_space_that_is_cut_or_odd),
		cmocka_unit_test(nodes_of_devices),
		cmocka_unit_test(persistent_memory),
		cmocka_unit_test(a_container_without_anything),
		cmocka_unit_test(text_has_each_fact_and_finding),
		cmocka_unit_test(idle_states_are_held_off),
		cmocka_unit_test(memory_is_bound_or_refused_in_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
