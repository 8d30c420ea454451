#include "rdma/device.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "rdma/port.h"

static const char *link_layer_name(const struct rdma_port *port)
{
	switch (port->port_attr.link_layer) {
	case IBV_LINK_LAYER_ETHERNET:
		return "Ethernet";
	case IBV_LINK_LAYER_INFINIBAND:
		return "InfiniBand";
	default:
		/* Kernels and providers of old left it unset on iWARP. */
		return port->iwarp ? "Ethernet" : "InfiniBand";
	}
}

static void fill_gid(struct rdma_device_info *info, struct rdma_port *port)
{
	const struct rdma_want any = {.gid_index = -1};
	char text[INET6_ADDRSTRLEN];
	struct err err;

	if (rdma_port_set_gid(port, &any, &err)) {
		snprintf(info->note, sizeof(info->note), "%s", err.text);
		return;
	}
	memcpy(info->netdev, port->netdev, sizeof(info->netdev));
	info->addr = port->addr;
	snprintf(info->gid, sizeof(info->gid), "%u %s %s", port->gid.index,
		 gid_type_name(port->gid.type),
		 gid_to_text(&port->gid, text, sizeof(text)));
}

static void fill_port(struct rdma_device_info *info, struct rdma_port *port,
		      unsigned number)
{
	struct err err;

	info->port = number;
	info->software = port->software;
	info->iwarp = port->iwarp;
	if (rdma_port_select(port, number, &err))
		snprintf(info->note, sizeof(info->note), "%s", err.text);
	info->active = port->port_attr.state == IBV_PORT_ACTIVE;
	snprintf(info->link_layer, sizeof(info->link_layer), "%s",
		 link_layer_name(port));
	snprintf(info->state, sizeof(info->state), "%s",
		 rdma_port_state_name(port->port_attr.state));
	info->mtu_bytes = rdma_port_mtu(port);
	info->max_message_bytes = port->port_attr.max_msg_sz;
	if (info->active)
		fill_gid(info, port);
}

static unsigned list_ports(struct ibv_device *dev,
			   struct rdma_device_info *infos, unsigned room)
{
	struct rdma_device_info info;
	struct rdma_port port;
	struct err err;
	unsigned i, n = 1;

	memset(&info, 0, sizeof(info));
	snprintf(info.name, sizeof(info.name), "%s", dev->name);
	if (rdma_port_open_device(&port, dev, &err)) {
		snprintf(info.note, sizeof(info.note), "%s", err.text);
		if (room)
			infos[0] = info;
		return n;
	}
	n = port.attr.phys_port_cnt;
	for (i = 0; i < n && i < room; i++) {
		infos[i] = info;
		fill_port(&infos[i], &port, i + 1);
	}
	rdma_port_close(&port);
	return n;
}

int rdma_device_list(struct rdma_device_info *infos, unsigned max,
		     struct err *err)
{
	struct ibv_device **list;
	unsigned total = 0;
	int n = 0, i;

	list = ibv_get_device_list(&n);
	if (!list && errno != ENOSYS)
		return err_sys(err, -errno, "cannot list RDMA devices");
	for (i = 0; list && i < n; i++)
		total += list_ports(list[i], infos + (total < max ? total : 0),
				    total < max ? max - total : 0);
	if (list)
		ibv_free_device_list(list);
	return (int)total;
}

int rdma_data_addr(const struct rdma_want *want, struct sockaddr_storage *addr,
		   struct err *err)
{
	struct rdma_port port;
	int ret;

	ret = rdma_port_open(&port, want, err);
	if (ret)
		return ret;
	if (port.addr.ss_family == AF_UNSPEC)
		ret = err_set(err, -EADDRNOTAVAIL, REASON_NO_DEVICE,
			      "%s has no IP address on its network interface "
			      "%s: give it one (ip addr add)",
			      port.name,
			      port.netdev[0] ? port.netdev : "(none found)");
	else
		*addr = port.addr;
	rdma_port_close(&port);
	return ret;
}
