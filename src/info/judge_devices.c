#include "info/judge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Below this a large transfer asks the memory too often. */
enum { READ_REQUEST_ENOUGH = 512, MTU_MOST = 4096 };

/* --- which CPU is near it ------------------------------------------------------ */

/* The distance between two nodes out of "0: 10 21, 1: 21 10"; 0: unknown. */
static unsigned distance(const struct judge *j, unsigned from, unsigned to)
{
	const char *all = facts_text(j->facts, "memory", "", "NUMA distances");
	unsigned id;
	char *end;

	for (; all; all = strchr(all, ',')) {
		all += strspn(all, ", ");
		id = (unsigned)strtoul(all, &end, 10);
		if (*end != ':')
			return 0;
		all = end + 1;
		if (id != from)
			continue;
		while (to--) {
			strtoul(all, &end, 10);
			all = end;
		}
		return (unsigned)strtoul(all, NULL, 10);
	}
	return 0;
}

/* "0, 2" holds 2. */
static bool among(const char *list, unsigned node)
{
	char *end;

	while (*list) {
		if ((unsigned)strtoul(list, &end, 10) == node && end > list)
			return true;
		list = end + strspn(end, ", ");
		if (list == end && *list)
			return false;
	}
	return false;
}

static void numa(struct judge *j, const char *section, const char *item)
{
	const char *near = facts_text(j->facts, section, item, "NUMA node");
	const char *ours = facts_text(j->facts, "memory", "",
				      "NUMA nodes of allowed CPUs");
	unsigned node, far;
	struct finding *x;

	if (judge_number(j, "memory", "", "NUMA nodes", 1) < 2 || !near ||
	    !ours || !ours[0])
		return;
	node = (unsigned)strtoul(near, NULL, 10);
	if (among(ours, node))
		return;
	far = distance(j, (unsigned)strtoul(ours, NULL, 10), node);
	x = judge_find(j, SEVERITY_SPOILS, item,
		       "on NUMA node %u, our CPUs on %.20s (distance %u)", node,
		       ours, far);
	judge_why(x, "every access crosses between sockets");
	judge_mend(x, "numactl --cpunodebind=%u --membind=%u rdmabench ...",
		   node, node);
}

/* --- PCI Express ---------------------------------------------------------------- */

static bool hardware(const struct judge *j, const char *item)
{
	return judge_is(j, "rdma", item, "software", "no");
}

static void pcie_link(struct judge *j, const char *section, const char *item)
{
	const char *speed = facts_text(j->facts, section, item, "PCIe speed");
	const char *most =
		facts_text(j->facts, section, item, "PCIe speed possible");
	uint64_t width = judge_number(j, section, item, "PCIe width", 0);
	uint64_t wide =
		judge_number(j, section, item, "PCIe width possible", width);
	struct finding *x;

	if (!speed || !most)
		return;
	if (strtod(speed, NULL) >= strtod(most, NULL) && width >= wide)
		return;
	x = judge_find(j, SEVERITY_SPOILS, item,
		       "PCIe runs %.24s x%llu, not %.24s x%llu", speed,
		       (unsigned long long)width, most,
		       (unsigned long long)wide);
	judge_why(x, "the slot, not the device, limits the bandwidth");
	judge_mend(x, "move it to a faster slot, or see the BIOS (lspci -vv)");
}

static void pcie_control(struct judge *j, const char *item)
{
	const char *address =
		facts_text(j->facts, "rdma", item, "PCIe address");
	uint64_t read = judge_number(j, "rdma", item, "max read request",
				     READ_REQUEST_ENOUGH);
	struct fact order;
	struct finding *x;

	if (!address)
		return;
	if (read < READ_REQUEST_ENOUGH) {
		x = judge_find(j, SEVERITY_NOTE, item,
			       "PCIe max read request is %llu bytes",
			       (unsigned long long)read);
		judge_why(x, "large sends ask the memory more often than need "
			     "be");
		judge_mend(x, "setpci -s %.20s CAP_EXP+8.w=5000:7000", address);
	}
	if (!facts_find(j->facts, "rdma", item, "relaxed ordering", &order) ||
	    !strcmp(order.value, "on"))
		return;
	x = judge_find(j, SEVERITY_NOTE, item, "PCIe relaxed ordering is %s",
		       order.unknown[0] ? "unknown" : "off");
	judge_why(x, "without it writes wait for each other, which limits "
		     "bandwidth on some CPUs");
	judge_mend(x,
		   order.unknown[0] ? "run info as root to see (device %.20s)"
				    : "setpci -s %.20s CAP_EXP+8.w=0010:0010",
		   address);
}

static void ddio(struct judge *j, const char *item)
{
	const char *vendor = facts_text(j->facts, "cpu", "", "vendor_id");
	struct finding *x;

	if (!vendor || strcmp(vendor, "GenuineIntel"))
		return;
	x = judge_find(j, SEVERITY_NOTE, item, "whether DDIO is on is unknown");
	judge_why(x, "the device's writes end in the cache or in memory: "
		     "touching and durability depend on it");
	judge_mend(x, "see the BIOS (Intel DDIO), or perfctrlsts_0 of the "
		      "root port by setpci");
}

/* --- RDMA -------------------------------------------------------------------------- */

static void rdma_device(struct judge *j, const char *item)
{
	struct finding *x;

	if (judge_is(j, "rdma", item, "software", "yes")) {
		x = judge_find(j, SEVERITY_NOTE, item, "a software device");
		judge_why(x, "it moves data by CPU: RDMA is not expected to "
			     "win");
		judge_mend(x, "use one with hardware (rdmabench list devices, "
			      "-d)");
	}
	if (!hardware(j, item))
		return;
	numa(j, "rdma", item);
	pcie_link(j, "rdma", item);
	pcie_control(j, item);
	ddio(j, item);
}

static void rdma_port(struct judge *j, const char *item, const char *usable)
{
	uint64_t mtu = judge_number(j, "rdma", item, "MTU", MTU_MOST);
	uint64_t most = judge_number(j, "rdma", item, "MTU possible", mtu);
	const char *netdev = facts_text(j->facts, "rdma", item, "netdev");
	struct finding *x;

	if (strcmp(usable, "yes")) {
		x = judge_find(j, SEVERITY_LIMITS, item, "cannot be used");
		judge_why(x, usable);
		judge_mend(x, "ip link set %.15s up, and give it an address",
			   netdev ? netdev : "IF");
		return;
	}
	if (mtu >= most)
		return;
	x = judge_find(j, SEVERITY_SPOILS, item, "MTU %llu, possible is %llu",
		       (unsigned long long)mtu, (unsigned long long)most);
	judge_why(x, "more packets for the same message");
	judge_mend(x, "ip link set %.15s mtu %llu", netdev ? netdev : "IF",
		   (unsigned long long)most + 104);
}

static void no_rdma(struct judge *j)
{
	struct finding *x;

	if (judge_number(j, "rdma", "", "devices", 1))
		return;
	x = judge_find(j, SEVERITY_LIMITS, "", "no RDMA device");
	judge_why(x, "only TCP can be measured");
	judge_mend(x, "modprobe rdma_rxe; rdma link add rxe0 type rxe netdev "
		      "IF, or run under scripts/rxe.sh");
}

/* --- network interfaces -------------------------------------------------------------- */

static void nic(struct judge *j, const char *item)
{
	uint64_t us = judge_number(j, "nic", item, "rx coalescing", 0);
	bool adaptive =
		judge_is(j, "nic", item, "rx coalescing adaptive", "yes");
	struct finding *x;

	numa(j, "nic", item);
	if (!us && !adaptive)
		return;
	x = judge_find(j, SEVERITY_NOTE, item, "interrupts wait %llu us%s",
		       (unsigned long long)us, adaptive ? ", adaptive" : "");
	judge_why(x, "a waiting TCP or event-driven end is woken that much "
		     "later");
	judge_mend(x, "ethtool -C %.15s adaptive-rx off rx-usecs 0", item);
}

/* --- persistent memory ---------------------------------------------------------------- */

static void pmem(struct judge *j)
{
	struct finding *x;

	if (judge_number(j, "pmem", "", "namespaces", 1) ||
	    judge_number(j, "pmem", "", "dax devices", 1) ||
	    judge_number(j, "pmem", "", "dax file systems", 1))
		return;
	x = judge_find(j, SEVERITY_NOTE, "", "no persistent memory");
	judge_why(x, "durable writes are emulated in volatile memory");
	judge_mend(x, "memmap=512M!1G on the kernel's command line gives a "
		      "volatile stand-in");
}

static void pmem_item(struct judge *j, const struct fact *f)
{
	struct finding *x;

	if (!strcmp(f->key, "persistence domain") && f->unknown[0]) {
		x = judge_find(j, SEVERITY_NOTE, f->item,
			       "its persistence domain is unknown");
		judge_why(x, "whether a flush makes data durable is not "
			     "known");
		judge_mend(x, "see the platform's manual (ADR or eADR)");
	}
	if (!strcmp(f->key, "MAP_SYNC") && strcmp(f->value, "yes")) {
		x = judge_find(j, SEVERITY_NOTE, f->item,
			       "MAP_SYNC does not work");
		judge_why(x, f->unknown[0] ? f->unknown : f->value);
		judge_mend(x, "mount -o remount,dax=always %.80s", f->item);
	}
}

/* One key each that every item of its kind has. */
void judge_devices(struct judge *j)
{
	struct fact f;
	size_t at = 0;

	no_rdma(j);
	while (facts_next(j->facts, &at, &f)) {
		if (!strcmp(f.section, "rdma") && !strcmp(f.key, "software"))
			rdma_device(j, f.item);
		else if (!strcmp(f.section, "rdma") && !strcmp(f.key, "usable"))
			rdma_port(j, f.item,
				  f.unknown[0] ? f.unknown : f.value);
		else if (!strcmp(f.section, "nic") && !strcmp(f.key, "state"))
			nic(j, f.item);
		else if (!strcmp(f.section, "pmem"))
			pmem_item(j, &f);
	}
	pmem(j);
}
