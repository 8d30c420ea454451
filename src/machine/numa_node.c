#include "machine/numa_node.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "machine/sysfs.h"

static int node_in(const char *root, const char *class, const char *device)
{
	char path[512], text[16];

	snprintf(path, sizeof(path), "%s/sys/class/%s/%.64s/device/numa_node",
		 root, class, device);
	if (sysfs_line(path, text, sizeof(text)))
		return -ENODEV;
	if (text[0] < '0' || text[0] > '9')
		return -ENODATA;
	return atoi(text);
}

int numa_node_of(const char *device, const char *root)
{
	char path[512], parent[32];
	int node;

	if (!device[0])
		return -ENODEV;
	node = node_in(root, "infiniband", device);
	if (node != -ENODEV)
		return node;
	snprintf(path, sizeof(path), "%s/sys/class/infiniband/%.64s/parent",
		 root, device);
	if (!sysfs_line(path, parent, sizeof(parent)))
		return node_in(root, "net", parent);
	return node_in(root, "net", device);
}
