/* NUMA nodes of devices. */
#ifndef MACHINE_NUMA_NODE_H
#define MACHINE_NUMA_NODE_H

enum { NUMA_NODES_MAX = 1024 };

/* The node that an RDMA device or network interface is attached to; of a
 * software one (rxe), that of the interface it sits on.  -ENODEV: none is
 * behind it; -ENODATA: the firmware does not tell. */
int numa_node_of(const char *device, const char *root);

#endif
