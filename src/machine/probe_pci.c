/* The PCI Express link and settings of a device: PCI Express Base
 * Specification, 7.5.3 (Device Control Register). */
#include "machine/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "machine/sysfs.h"

enum {
	CONFIG_BYTES = 256,
	CONFIG_PUBLIC = 64, /* what one without CAP_SYS_ADMIN may read */
	CAP_POINTER = 0x34,
	CAP_ID_EXPRESS = 0x10,
	DEVICE_CONTROL = 8,
	RELAXED_ORDERING = 1 << 4,
};

/* "../../../0000:3b:00.0" to its last part. */
static bool pci_address(struct probe *p, const char *device, char *out,
			size_t cap)
{
	char path[PROBE_PATH_MAX], link[PROBE_PATH_MAX], *slash;
	ssize_t n =
		readlink(probe_path(p, path, device), link, sizeof(link) - 1);

	if (n <= 0)
		return false;
	link[n] = '\0';
	slash = strrchr(link, '/');
	snprintf(out, cap, "%.63s", slash ? slash + 1 : link);
	return true;
}

/* Walks the list of capabilities; 0: none, or its place. */
static unsigned find_express(const uint8_t *c, size_t len)
{
	unsigned at = c[CAP_POINTER] & ~3u, hops;

	for (hops = 0; hops < 48 && at >= 64 && at + 12 <= len; hops++) {
		if (c[at] == CAP_ID_EXPRESS)
			return at;
		at = c[at + 1] & ~3u;
	}
	return 0;
}

static void control(struct probe *p, const char *device)
{
	static const char *const keys[] = {"max read request",
					   "relaxed ordering"};
	char path[PROBE_PATH_MAX], config[PROBE_PATH_MAX];
	char bytes[CONFIG_BYTES + 1];
	const uint8_t *c = (const uint8_t *)bytes;
	unsigned at = 0, v;
	size_t i;
	int n;

	snprintf(config, sizeof(config), "%.480s/config", device);
	n = sysfs_text(probe_path(p, path, config), bytes, sizeof(bytes));
	if (n > CONFIG_PUBLIC)
		at = find_express(c, (size_t)n);
	if (at) {
		v = c[at + DEVICE_CONTROL] | (unsigned)c[at + 9] << 8;
		probe_number(p, keys[0], "bytes", 128u << ((v >> 12) & 7));
		probe_number(p, "max payload", "bytes", 128u << ((v >> 5) & 7));
		probe_text(p, keys[1], "%s",
			   v & RELAXED_ORDERING ? "on" : "off");
		return;
	}
	for (i = 0; i < 2; i++) {
		if (n < 0)
			probe_failed(p, keys[i], config, n);
		else if (n <= CONFIG_PUBLIC)
			probe_unknown(p, keys[i],
				      "%s: only root may read beyond 64 bytes",
				      config);
		else
			probe_unknown(p, keys[i], "no PCI Express capability");
	}
}

static void numa_node(struct probe *p, const char *device)
{
	char text[16], path[PROBE_PATH_MAX];
	int ret;

	snprintf(path, sizeof(path), "%.480s/numa_node", device);
	ret = probe_line(p, text, sizeof(text), "%s", path);
	if (ret)
		probe_failed(p, "NUMA node", path, ret);
	else if (text[0] == '-')
		probe_unknown(p, "NUMA node", "the firmware does not tell");
	else
		probe_text(p, "NUMA node", "%s", text);
}

void probe_pci(struct probe *p, const char *device)
{
	char text[64], path[PROBE_PATH_MAX];

	if (access(probe_path(p, path, device), F_OK)) {
		probe_unknown(p, "NUMA node", "no device behind it");
		probe_unknown(p, "PCIe", "no device behind it");
		return;
	}
	numa_node(p, device);
	if (probe_line(p, text, sizeof(text), "%s/current_link_speed",
		       device)) {
		probe_unknown(p, "PCIe", "not a PCI Express device");
		return;
	}
	if (pci_address(p, device, text, sizeof(text)))
		probe_text(p, "PCIe address", "%s", text);
	probe_file(p, "PCIe speed", "%s/current_link_speed", device);
	probe_file(p, "PCIe speed possible", "%s/max_link_speed", device);
	probe_file_u64(p, "PCIe width", "lanes", "%s/current_link_width",
		       device);
	probe_file_u64(p, "PCIe width possible", "lanes", "%s/max_link_width",
		       device);
	control(p, device);
}
