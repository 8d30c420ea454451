#include "rdma/port.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "rdma/netdev.h"
#include "rdma/qp.h"
#include "rdma/siw.h"

/* mlx5 has 256 a port. */
enum { GIDS_MAX = 512 };

static const char *const state_names[] = {
	[IBV_PORT_NOP] = "nop",	      [IBV_PORT_DOWN] = "down",
	[IBV_PORT_INIT] = "init",     [IBV_PORT_ARMED] = "armed",
	[IBV_PORT_ACTIVE] = "active", [IBV_PORT_ACTIVE_DEFER] = "active-defer",
};

const char *rdma_port_state_name(enum ibv_port_state state)
{
	const size_t n = sizeof(state_names) / sizeof(state_names[0]);

	return (size_t)state < n ? state_names[state] : "unknown";
}

static const unsigned mtus[] = {
	[IBV_MTU_256] = 256,   [IBV_MTU_512] = 512,   [IBV_MTU_1024] = 1024,
	[IBV_MTU_2048] = 2048, [IBV_MTU_4096] = 4096,
};

unsigned rdma_mtu_bytes(enum ibv_mtu mtu)
{
	return (size_t)mtu < sizeof(mtus) / sizeof(mtus[0]) ? mtus[mtu] : 0;
}

enum ibv_mtu rdma_mtu_of_bytes(unsigned bytes)
{
	unsigned i;

	for (i = IBV_MTU_256; i <= IBV_MTU_4096; i++)
		if (mtus[i] == bytes)
			return (enum ibv_mtu)i;
	return 0;
}

unsigned rdma_port_mtu(const struct rdma_port *port)
{
	return rdma_mtu_bytes(port->port_attr.active_mtu);
}

/* Vendor ids of the kernel's software devices (rxe_param.h, siw.h). */
static const uint32_t software_vendors[] = {0xffffff, SIW_VENDOR};

static bool is_software(const struct rdma_port *port)
{
	char path[128];
	size_t i;

	for (i = 0; i < sizeof(software_vendors) / sizeof(uint32_t); i++)
		if (port->attr.vendor_id == software_vendors[i])
			return true;
	snprintf(path, sizeof(path), "/sys/class/infiniband/%s/device",
		 port->name);
	return access(path, F_OK) != 0;
}

/* libibverbs goes on looking where it may not open, and then says ENOENT. */
static bool is_forbidden(const struct ibv_device *dev)
{
	char path[128];

	snprintf(path, sizeof(path), "/dev/infiniband/%s", dev->dev_name);
	return !access(path, F_OK) && access(path, R_OK | W_OK);
}

static int open_failed(const struct ibv_device *dev, int e, struct err *err)
{
	if (e == ENOENT && is_forbidden(dev))
		e = EACCES;
	if (e == EACCES || e == EPERM)
		return err_set(err, -e, REASON_NO_PERMISSION,
			       "%s: /dev/infiniband/%s may not be opened: "
			       "run as root, or let your user read and write "
			       "it (udev: MODE=\"0666\")",
			       dev->name, dev->dev_name);
	if (e == ENOENT || e == ENODEV || e == ENXIO)
		return err_set(err, -ENODEV, REASON_NO_DEVICE,
			       "%s: /dev/infiniband/%s is not there: "
			       "`modprobe ib_uverbs`, and in a container pass "
			       "/dev/infiniband in",
			       dev->name, dev->dev_name);
	return err_sys(err, -e, "cannot open RDMA device %s", dev->name);
}

/*
 * A kernel before 5.12 shares what a device has pinned with a child: the
 * parent's first write after fork then goes to a copy, and the device reads
 * on from the old page.  libibverbs keeps such memory out of children if it
 * is told before anything is registered; where the kernel copies pinned
 * pages at fork it says so, and there is nothing to do (nor is what
 * registering costs any other).
 */
static int make_fork_safe(struct err *err)
{
	int e;

	if (ibv_is_fork_initialized() != IBV_FORK_DISABLED)
		return 0;
	e = ibv_fork_init();
	return e ? err_sys(err, rdma_errno(e),
			   "libibverbs cannot protect registered memory from "
			   "fork")
		 : 0;
}

int rdma_port_open_device(struct rdma_port *port, struct ibv_device *dev,
			  struct err *err)
{
	int ret;

	memset(port, 0, sizeof(*port));
	snprintf(port->name, sizeof(port->name), "%s", dev->name);
	ret = make_fork_safe(err);
	if (ret)
		return ret;
	errno = 0;
	port->ctx = ibv_open_device(dev);
	if (!port->ctx)
		return open_failed(dev, errno ? errno : EIO, err);
	ret = ibv_query_device(port->ctx, &port->attr);
	if (ret) {
		rdma_port_close(port);
		return err_sys(err, -ret, "cannot query RDMA device %s",
			       dev->name);
	}
	port->iwarp = dev->transport_type == IBV_TRANSPORT_IWARP;
	port->software = is_software(port);
	return 0;
}

void rdma_port_close(struct rdma_port *port)
{
	if (port->cover)
		ibv_destroy_cq(port->cover);
	port->cover = NULL;
	if (port->ctx)
		ibv_close_device(port->ctx);
	port->ctx = NULL;
}

static int query_port(struct rdma_port *port, unsigned number, struct err *err)
{
	int ret;

	ret = ibv_query_port(port->ctx, (uint8_t)number, &port->port_attr);
	if (ret)
		return err_sys(err, -ret, "cannot query port %u of %s", number,
			       port->name);
	port->port = number;
	return 0;
}

static int first_active(struct rdma_port *port, struct err *err)
{
	unsigned i;
	int ret;

	for (i = 1; i <= port->attr.phys_port_cnt; i++) {
		ret = query_port(port, i, err);
		if (ret)
			return ret;
		if (port->port_attr.state == IBV_PORT_ACTIVE)
			return 0;
	}
	return err_set(err, -ENODEV, REASON_NO_DEVICE,
		       "%s has no active port (port %u is %s): bring its "
		       "network interface or its cable up",
		       port->name, port->port,
		       rdma_port_state_name(port->port_attr.state));
}

int rdma_port_select(struct rdma_port *port, unsigned number, struct err *err)
{
	int ret;

	if (!number)
		return first_active(port, err);
	if (number > port->attr.phys_port_cnt)
		return err_set(err, -ENODEV, REASON_NO_DEVICE,
			       "port %u of %s: it has %u, counted from 1",
			       number, port->name, port->attr.phys_port_cnt);
	ret = query_port(port, number, err);
	if (ret)
		return ret;
	if (port->port_attr.state != IBV_PORT_ACTIVE)
		return err_set(err, -ENODEV, REASON_NO_DEVICE,
			       "port %u of %s is %s: bring its network "
			       "interface or its cable up",
			       number, port->name,
			       rdma_port_state_name(port->port_attr.state));
	return 0;
}

static enum gid_type gid_type_of(const struct rdma_port *port, uint32_t type)
{
	if (port->iwarp)
		return GID_IWARP;
	if (type == IBV_GID_TYPE_ROCE_V2)
		return GID_ROCE_V2;
	return type == IBV_GID_TYPE_ROCE_V1 ? GID_ROCE_V1 : GID_IB;
}

/* Kernels before 5.10 have no table query; index 0 always exists. */
static ssize_t read_gid_0(const struct rdma_port *port, struct gid *gid)
{
	union ibv_gid raw;

	memset(gid, 0, sizeof(*gid));
	gid->type = gid_type_of(port, IBV_GID_TYPE_IB);
	if (ibv_query_gid(port->ctx, (uint8_t)port->port, 0, &raw))
		return 0;
	memcpy(gid->raw, raw.raw, sizeof(gid->raw));
	return 1;
}

ssize_t rdma_port_gids(const struct rdma_port *port, struct gid *table,
		       size_t max)
{
	struct ibv_gid_entry *entries;
	ssize_t i, got, n = 0;

	entries = calloc(max, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	got = ibv_query_gid_table(port->ctx, entries, max, 0);
	for (i = 0; i < got; i++) {
		if (entries[i].port_num != port->port)
			continue;
		table[n].index = entries[i].gid_index;
		table[n].type = gid_type_of(port, entries[i].gid_type);
		table[n].ifindex = entries[i].ndev_ifindex;
		memcpy(table[n].raw, entries[i].gid.raw, 16);
		n++;
	}
	free(entries);
	return n ? n : read_gid_0(port, table);
}

static int no_such_gid(const struct rdma_port *port, int index,
		       const struct gid *table, struct err *err)
{
	if (!port->n_gids)
		return err_set(err, -ENODEV, REASON_NO_DEVICE,
			       "port %u of %s has no GID: give its network "
			       "interface an IP address and bring it up",
			       port->port, port->name);
	return err_set(err, -ENODEV, REASON_NO_DEVICE,
		       "GID index %d of %s port %u: there %s %u (%u..%u)",
		       index, port->name, port->port,
		       port->n_gids == 1 ? "is" : "are", port->n_gids,
		       table[0].index, table[port->n_gids - 1].index);
}

static const struct gid *gid_at(const struct gid *table, size_t n, int index)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (index >= 0 && table[i].index == (uint32_t)index)
			return &table[i];
	return NULL;
}

/* An iWARP GID is a hardware address, an IB GID belongs to the fabric: there
 * the address is the network interface's own. */
static void find_addr(struct rdma_port *port, const struct sockaddr *want)
{
	const bool is_ip =
		port->port_attr.link_layer == IBV_LINK_LAYER_ETHERNET;

	netdev_find(port->name, port->port, &port->gid, port->netdev);
	if (is_ip && !gid_to_addr(&port->gid, &port->addr))
		return;
	if (netdev_addr(port->netdev, want, &port->addr))
		port->addr.ss_family = AF_UNSPEC;
}

int rdma_port_set_gid(struct rdma_port *port, const struct rdma_want *want,
		      struct err *err)
{
	const struct gid *gid;
	struct gid *table;
	ssize_t n = -ENOMEM;
	int ret = 0;

	table = calloc(GIDS_MAX, sizeof(*table));
	if (table)
		n = rdma_port_gids(port, table, GIDS_MAX);
	if (n < 0) {
		free(table);
		return err_sys(err, (int)n, "GID table");
	}
	port->n_gids = (unsigned)n;
	if (want->gid_index >= 0)
		gid = gid_at(table, port->n_gids, want->gid_index);
	else
		gid = gid_pick(table, port->n_gids, want->addr);
	if (gid) {
		port->gid = *gid;
		find_addr(port, want->addr);
	} else {
		ret = no_such_gid(port, want->gid_index, table, err);
	}
	free(table);
	return ret;
}

static int open_one(struct rdma_port *port, struct ibv_device *dev,
		    const struct rdma_want *want, struct err *err)
{
	int ret;

	ret = rdma_port_open_device(port, dev, err);
	if (ret)
		return ret;
	ret = rdma_port_select(port, want->port, err);
	if (!ret)
		ret = rdma_port_set_gid(port, want, err);
	if (ret)
		rdma_port_close(port);
	else
		port->cover = siw_cover_offset(port->ctx, port->attr.vendor_id);
	return ret;
}

static const char way_out[] =
	"a software one (`modprobe rdma_rxe; rdma link add rxe0 type rxe "
	"netdev IF`), or run under scripts/rxe.sh, which gives a command one";

static int no_device_at_all(const char *name, struct err *err)
{
	return err_set(err, -ENODEV, REASON_NO_DEVICE,
		       "no RDMA device%s%s on this host: make %s",
		       name[0] ? " " : "", name, way_out);
}

static int no_such_device(const char *name, struct ibv_device **list, int n,
			  struct err *err)
{
	char names[200] = "";
	size_t len;
	int i;

	for (i = 0; i < n; i++) {
		len = strlen(names);
		snprintf(names + len, sizeof(names) - len, "%s%s",
			 i ? ", " : "", list[i]->name);
	}
	return err_set(err, -ENODEV, REASON_NO_DEVICE,
		       "no RDMA device %s on this host: there %s %s", name,
		       n == 1 ? "is" : "are", names);
}

int rdma_port_open(struct rdma_port *port, const struct rdma_want *want,
		   struct err *err)
{
	const char *name = want->device ? want->device : "";
	struct ibv_device **list;
	bool tried = false;
	int ret = -ENODEV, n = 0, i;

	memset(port, 0, sizeof(*port));
	list = ibv_get_device_list(&n);
	for (i = 0; i < n; i++) {
		if (name[0] && strcmp(name, list[i]->name))
			continue;
		tried = true;
		ret = open_one(port, list[i], want, err);
		if (!ret)
			break;
	}
	if (!n)
		ret = no_device_at_all(name, err);
	else if (!tried)
		ret = no_such_device(name, list, n, err);
	if (list)
		ibv_free_device_list(list);
	return ret;
}
