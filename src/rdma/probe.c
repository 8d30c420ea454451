#include "rdma/probe.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "rdma/port.h"
#include "rdma/qp.h"

enum {
	GIDS_SHOWN = 8,
	GIDS_READ = 256,
	INLINE_LIMIT = 4096,
};

static const char *yes_no(bool v)
{
	return v ? "yes" : "no";
}

/* --- the device ---------------------------------------------------------------- */

static void limits(struct probe *p, const struct ibv_device_attr *a)
{
	probe_number(p, "max QPs", "count", (uint64_t)a->max_qp);
	probe_number(p, "max QP depth", "count", (uint64_t)a->max_qp_wr);
	probe_number(p, "max SGEs", "count", (uint64_t)a->max_sge);
	probe_number(p, "max CQs", "count", (uint64_t)a->max_cq);
	probe_number(p, "max CQ depth", "count", (uint64_t)a->max_cqe);
	probe_number(p, "max MRs", "count", (uint64_t)a->max_mr);
	/* rxe says 2^64-1: no JSON number, and no limit. */
	if (a->max_mr_size > INT64_MAX)
		probe_text(p, "max MR size", "unlimited");
	else
		probe_number(p, "max MR size", "bytes", a->max_mr_size);
	probe_number(p, "max SRQs", "count", (uint64_t)a->max_srq);
	probe_number(p, "max reads outstanding per QP", "count",
		     (uint64_t)a->max_qp_rd_atom);
}

static const char *atomics(enum ibv_atomic_cap cap)
{
	switch (cap) {
	case IBV_ATOMIC_NONE:
		return "none";
	case IBV_ATOMIC_HCA:
		return "among this device's own";
	case IBV_ATOMIC_GLOB:
		return "with the CPU's too";
	}
	return "?";
}

static void odp(struct probe *p, const struct ibv_odp_caps *odp)
{
	uint32_t rc = odp->per_transport_caps.rc_odp_caps;

	if (!(odp->general_caps & IBV_ODP_SUPPORT)) {
		probe_text(p, "on-demand paging", "no");
		return;
	}
	probe_text(p, "on-demand paging", "yes, RC:%s%s%s%s%s%s",
		   rc & IBV_ODP_SUPPORT_SEND ? " send" : "",
		   rc & IBV_ODP_SUPPORT_RECV ? " recv" : "",
		   rc & IBV_ODP_SUPPORT_WRITE ? " write" : "",
		   rc & IBV_ODP_SUPPORT_READ ? " read" : "",
		   rc & IBV_ODP_SUPPORT_ATOMIC ? " atomic" : "",
		   odp->general_caps & IBV_ODP_SUPPORT_IMPLICIT ? "; implicit"
								: "");
}

static void extended(struct probe *p, const struct rdma_port *port)
{
	struct ibv_device_attr_ex attr;
	struct rdma_placement can;
	int ret;

	memset(&attr, 0, sizeof(attr));
	ret = ibv_query_device_ex(port->ctx, NULL, &attr);
	if (ret || rdma_flush_query(port->ctx, &can)) {
		probe_failed(p, "on-demand paging", "ibv_query_device_ex",
			     -ret);
		probe_failed(p, "FLUSH", "ibv_query_device_ex", -ret);
		probe_failed(p, "ATOMIC WRITE", "ibv_query_device_ex", -ret);
		return;
	}
	odp(p, &attr.odp_caps);
	probe_text(p, "FLUSH", "%s%s", can.global ? "global" : "no",
		   can.persistent ? ", persistent" : "");
	probe_text(p, "ATOMIC WRITE", "%s", yes_no(can.atomic_write));
	probe_text(p, "FLUSH and ATOMIC WRITE in this binary", "%s",
		   rdma_flush_built() ? "yes"
				      : "no: rdma-core 45 is needed to build");
}

/* No attribute tells: a queue pair is made for a moment. */
static int inline_max(const struct rdma_port *port)
{
	struct rdma_qp_want want = {
		.type = IBV_QPT_RC,
		.send_wrs = 1,
		.recv_wrs = 1,
		.sges = 1,
		.recv_sges = 1,
	};
	struct rdma_cq cq;
	struct err err;
	int ret;

	ret = rdma_pd_create(&want.pd, port, &err);
	if (ret)
		return ret;
	ret = rdma_cq_create(&cq, port, 2, false, &err);
	if (!ret) {
		want.cq = cq.cq;
		ret = rdma_qp_inline_max(&want, INLINE_LIMIT);
		rdma_cq_destroy(&cq);
	}
	ibv_dealloc_pd(want.pd);
	return ret;
}

static void probe_inline_max(struct probe *p, const struct rdma_port *port)
{
	int ret = inline_max(port);

	if (ret < 0)
		probe_failed(p, "max inline data", "making a queue pair", ret);
	else
		probe_number(p, "max inline data", "bytes", (uint64_t)ret);
}

static void capabilities(struct probe *p, const struct rdma_port *port)
{
	const struct ibv_device_attr *a = &port->attr;

	probe_text(p, "software", "%s", yes_no(port->software));
	probe_text(p, "firmware", "%s", a->fw_ver[0] ? a->fw_ver : "none");
	probe_text(p, "vendor and part", "0x%x 0x%x", a->vendor_id,
		   a->vendor_part_id);
	limits(p, a);
	probe_text(p, "atomics", "%s", atomics(a->atomic_cap));
	extended(p, port);
	probe_inline_max(p, port);
}

/* --- a port ---------------------------------------------------------------------- */

static void gids(struct probe *p, const struct rdma_port *port)
{
	struct gid table[GIDS_READ];
	char addr[INET6_ADDRSTRLEN], key[24];
	ssize_t i, n = rdma_port_gids(port, table, GIDS_READ);

	if (n < 0)
		n = 0;
	probe_number(p, "GIDs", "count", (uint64_t)n);
	for (i = 0; i < n && i < GIDS_SHOWN; i++) {
		snprintf(key, sizeof(key), "GID %u", table[i].index);
		probe_text(p, key, "%s %s", gid_type_name(table[i].type),
			   gid_to_text(&table[i], addr, sizeof(addr)));
	}
}

/* In units of 1 or 2.5 Gbit/s: enum ib_port_speed, include/rdma/ib_verbs.h. */
static void rate(struct probe *p, const struct ibv_port_attr *a)
{
	static const struct {
		uint8_t speed;
		unsigned mbit;
	} speeds[] = {
		{1, 2500},   {2, 5000},	  {4, 10000},  {8, 10000},
		{16, 14000}, {32, 25000}, {64, 50000}, {128, 100000},
	};
	static const unsigned lanes[] = {
		[1] = 1, [2] = 4, [4] = 8, [8] = 12, [16] = 2};
	unsigned width = a->active_width;
	size_t i;

	width = width < sizeof(lanes) / sizeof(lanes[0]) ? lanes[width] : 0;
	for (i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++)
		if (width && speeds[i].speed == a->active_speed) {
			probe_number(p, "speed", "Mbit/s",
				     (uint64_t)width * speeds[i].mbit);
			return;
		}
	probe_unknown(p, "speed", "width %u, speed %u: not in the standard",
		      a->active_width, a->active_speed);
}

static void netdev(struct probe *p, const struct rdma_device_info *info)
{
	if (info->netdev[0])
		probe_text(p, "netdev", "%s", info->netdev);
	else
		probe_unknown(p, "netdev", "%s",
			      info->note[0] ? info->note
					    : "the GID belongs to none");
}

static void port_facts(struct probe *p, struct rdma_port *port,
		       const struct rdma_device_info *info)
{
	struct err ignored;

	probe_text(p, "state", "%s", info->state);
	probe_text(p, "link layer", "%s",
		   info->iwarp ? "Ethernet (iWARP)" : info->link_layer);
	probe_text(p, "usable", "%s%s", info->note[0] ? "no: " : "yes",
		   info->note);
	/* Fills port_attr even of a port that is down. */
	(void)rdma_port_select(port, info->port, &ignored);
	probe_number(p, "MTU", "bytes", info->mtu_bytes);
	probe_number(p, "MTU possible", "bytes",
		     rdma_mtu_bytes(port->port_attr.max_mtu));
	probe_number(p, "max message", "bytes", info->max_message_bytes);
	rate(p, &port->port_attr);
	netdev(p, info);
	gids(p, port);
}

/* --- all of them ------------------------------------------------------------------- */

static void device(struct probe *p, struct ibv_device *dev,
		   const struct rdma_device_info *infos, unsigned n)
{
	char item[RDMA_NAME_MAX + 16], dir[128];
	struct rdma_port port;
	struct err err;
	unsigned i;

	p->item = dev->name;
	if (rdma_port_open_device(&port, dev, &err)) {
		probe_unknown(p, "usable", "%s", err.text);
		return;
	}
	capabilities(p, &port);
	snprintf(dir, sizeof(dir), "/sys/class/infiniband/%s/device",
		 dev->name);
	probe_pci(p, dir);
	for (i = 0; i < n; i++) {
		if (strcmp(infos[i].name, dev->name))
			continue;
		snprintf(item, sizeof(item), "%s/%u", dev->name, infos[i].port);
		p->item = item;
		port_facts(p, &port, &infos[i]);
	}
	rdma_port_close(&port);
}

void rdma_probe(struct probe *p)
{
	enum { PORTS_MAX = 64 };
	struct rdma_device_info infos[PORTS_MAX];
	struct ibv_device **list;
	struct err err;
	int i, n = 0, ports;

	p->section = "rdma";
	p->item = "";
	ports = rdma_device_list(infos, PORTS_MAX, &err);
	if (ports < 0) {
		probe_unknown(p, "devices", "%s", err.text);
		return;
	}
	list = ibv_get_device_list(&n);
	probe_number(p, "devices", "count", list ? (uint64_t)n : 0);
	for (i = 0; list && i < n; i++)
		device(p, list[i], infos,
		       ports < PORTS_MAX ? (unsigned)ports : PORTS_MAX);
	p->item = "";
	if (list)
		ibv_free_device_list(list);
}
