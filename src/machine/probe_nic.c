/* Network interfaces that a device is behind, or an RDMA device in front. */
#include "machine/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "machine/ethtool.h"

static void offloads(struct probe *p, const struct ethtool *e)
{
	char text[128];
	int ret = ethtool_offloads(e, text, sizeof(text));

	if (ret)
		probe_failed(p, "offloads", "ethtool", ret);
	else
		probe_text(p, "offloads", "%s", text[0] ? text : "none");
}

static void coalescing(struct probe *p, const struct ethtool *e)
{
	struct ethtool_coalesce_info c;
	int ret = ethtool_coalescing(e, &c);

	if (ret) {
		probe_failed(p, "interrupt coalescing", "ethtool", ret);
		return;
	}
	probe_text(p, "interrupt coalescing",
		   "rx %u us %u frames%s, tx %u us %u frames%s", c.rx_usecs,
		   c.rx_frames, c.adaptive_rx ? " adaptive" : "", c.tx_usecs,
		   c.tx_frames, c.adaptive_tx ? " adaptive" : "");
	probe_number(p, "rx coalescing", "us", c.rx_usecs);
	probe_text(p, "rx coalescing adaptive", "%s",
		   c.adaptive_rx ? "yes" : "no");
}

static void driver(struct probe *p, const struct ethtool *e)
{
	struct ethtool_driver d;
	int ret = ethtool_driver(e, &d);

	if (ret) {
		probe_failed(p, "driver", "ethtool", ret);
		return;
	}
	probe_text(p, "driver", "%s %s", d.driver, d.version);
	if (d.firmware[0] && strcmp(d.firmware, "N/A"))
		probe_text(p, "firmware", "%s", d.firmware);
	else
		probe_unknown(p, "firmware", "the driver does not tell");
}

static void queues(struct probe *p, const struct ethtool *e)
{
	uint32_t rx, tx, n;
	int ret = ethtool_rings(e, &rx, &tx);

	if (ret)
		probe_failed(p, "ring", "ethtool", ret);
	else
		probe_text(p, "ring", "rx %u, tx %u", rx, tx);
	ret = ethtool_queues(e, &n);
	if (ret)
		probe_failed(p, "queues", "ethtool", ret);
	else
		probe_number(p, "queues", "count", n);
}

static void ask_driver(struct probe *p, const char *name)
{
	struct ethtool e;
	int ret = ethtool_open(&e, name);

	if (ret) {
		probe_failed(p, "driver", "ethtool", ret);
		return;
	}
	driver(p, &e);
	offloads(p, &e);
	coalescing(p, &e);
	queues(p, &e);
	ethtool_close(&e);
}

/* --- interrupts -------------------------------------------------------------- */

static void irq(struct probe *p, const char *number, void *arg)
{
	char text[128];
	size_t i;

	if (probe_line(p, text, sizeof(text), "/proc/irq/%s/smp_affinity_list",
		       number))
		return;
	for (i = 0; text[i]; i++)
		if (text[i] == ',')
			text[i] = '+';
	word_tally_add(arg, text);
}

/* A virtio device's interrupts are those of the PCI device it sits on. */
static void interrupts(struct probe *p, const char *device)
{
	struct word_tally t = {.n = 0};
	char path[PROBE_PATH_MAX], text[PROBE_TEXT_MAX];
	int n;

	snprintf(path, sizeof(path), "%.480s/msi_irqs", device);
	n = probe_each(p, path, irq, &t);
	if (n < 0) {
		snprintf(path, sizeof(path), "%.480s/../msi_irqs", device);
		n = probe_each(p, path, irq, &t);
	}
	if (n < 0)
		probe_unknown(p, "interrupts", "%.480s/msi_irqs: %s", device,
			      strerror(-n));
	else if (!t.n)
		probe_unknown(p, "interrupts", "/proc/irq does not tell");
	else
		probe_text(p, "interrupts", "%d, on CPUs %s", n,
			   word_tally_text(&t, text, sizeof(text)));
}

/* --- which ------------------------------------------------------------------- */

static bool under_rdma(const struct facts *f, const char *name)
{
	struct fact fact;
	size_t at = 0;

	while (facts_next(f, &at, &fact))
		if (!strcmp(fact.section, "rdma") &&
		    !strcmp(fact.key, "netdev") && !strcmp(fact.value, name))
			return true;
	return false;
}

static void nic(struct probe *p, const char *name, void *arg)
{
	char device[PROBE_PATH_MAX], path[PROBE_PATH_MAX], speed[24];
	unsigned *count = arg;

	snprintf(device, sizeof(device), "/sys/class/net/%s/device", name);
	if (access(probe_path(p, path, device), F_OK) &&
	    !under_rdma(p->facts, name))
		return;
	++*count;
	p->item = name;
	probe_file(p, "state", "/sys/class/net/%s/operstate", name);
	probe_file_u64(p, "MTU", "bytes", "/sys/class/net/%s/mtu", name);
	/* -1, or an error, where there is no such thing. */
	if (!probe_line(p, speed, sizeof(speed), "/sys/class/net/%s/speed",
			name) &&
	    speed[0] != '-')
		probe_file_u64(p, "speed", "Mbit/s", "/sys/class/net/%s/speed",
			       name);
	else
		probe_unknown(p, "speed", "the interface does not tell");
	ask_driver(p, name);
	if (!access(path, F_OK)) {
		probe_pci(p, device);
		interrupts(p, device);
	}
	p->item = "";
}

void probe_nics(struct probe *p)
{
	static const char dir[] = "/sys/class/net";
	unsigned count = 0;
	int ret;

	p->section = "nic";
	p->item = "";
	ret = probe_each(p, dir, nic, &count);
	if (ret < 0)
		probe_failed(p, "interfaces", dir, ret);
	else
		probe_number(p, "interfaces", "count", count);
}
