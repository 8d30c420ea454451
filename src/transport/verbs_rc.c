/*
 * Verbs links: opening, connecting and closing.  Reliable connections (RC)
 * have everything; unreliable ones (UC) and datagrams (UD) lack operations
 * (caps.ops), lose messages (caps.lossy) and so never cut one: a piece that
 * is lost would shift all that follow.  A datagram is a packet: its 40 bytes
 * of routing header go to memory of the link, so that receives are the same
 * as elsewhere.
 *
 * A connection is made either by plain verbs (the blob carries queue pair
 * and packet numbers, each end programs its own queue pairs) or by RDMA CM
 * (the blob carries the address where the passive end listens).  iWARP knows
 * only the second.  In both cases the queue pairs are made at open and
 * accept posted receives from then on.
 *
 * With plain verbs the ends do not hear of each other during connect: whoever
 * is first may send at once, and what arrives too early is sent again after
 * the acknowledgement timeout (134 ms).  The engine lets both ends connect
 * before it starts anything.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "machine/mem.h"
#include "rdma/cm.h"
#include "transport/netif.h"
#include "transport/verbs_op.h"
#include "transport/verbs_srq.h"

static void rc_close(struct ep *base);

static struct rdma_want want_of(const struct ep_attr *attr)
{
	return (struct rdma_want){
		.device = attr->device,
		.port = attr->ib_port,
		.gid_index = attr->gid_index,
		.addr = (const struct sockaddr *)&attr->data_addr,
	};
}

static int check_type(const struct rdma_port *port, const struct ep_attr *attr,
		      struct err *err)
{
	const char *name = qp_type_names[attr->qp_type];

	/* It ends the connection instead (RFC 5041, 7.1). */
	if (attr->extras.rnr && port->iwarp)
		return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
			       "iWARP (%s) does not try again where there is "
			       "no receive",
			       port->name);
	if (attr->qp_type == QP_RC)
		return 0;
	if (port->iwarp)
		return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
			       "iWARP (%s) has no %s queue pairs", port->name,
			       name);
	if (attr->rdma_cm)
		return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
			       "%s queue pairs are connected by plain verbs "
			       "here, not by RDMA CM (-R)",
			       name);
	return 0;
}

/* Of what only some links have: where it is made, and for which type. */
static int take_extras(struct verbs_ep *ep, const struct ep_attr *attr,
		       struct err *err)
{
	const struct ep_extras *x = &attr->extras;

	ep->extras = *x;
	ep->extras.one_qp = x->one_qp && ep->role == ROLE_ACTIVE;
	if (x->one_qp && attr->qp_type != QP_UD)
		return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
			       "one queue pair for many peers: %s is a "
			       "connection, only UD is none",
			       qp_type_names[attr->qp_type]);
	if (x->rnr && (attr->qp_type != QP_RC || attr->rdma_cm))
		return err_set(err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
			       "only RC tries again where there is no receive, "
			       "and by plain verbs (no -R) it is told how");
	if ((x->cq_count || x->cq_period_us) && attr->poll != POLL_EVENT)
		return err_set(err, -EINVAL, REASON_NOT_ASKED,
			       "moderated are completion events: --poll event");
	return 0;
}

static int rc_probe(const struct ep_attr *attr, struct err *err)
{
	const struct rdma_want want = want_of(attr);
	struct rdma_port port;
	unsigned mtu;
	int ret;

	ret = rdma_port_open(&port, &want, err);
	if (ret)
		return ret;
	ret = check_type(&port, attr, err);
	if (!ret)
		ret = rdma_mtu_choose(&mtu, &port, attr->mtu, err);
	rdma_port_close(&port);
	return ret;
}

/* --- what the ends tell each other ---------------------------------------- */

/* Packets of an earlier life of a QP number must not fit: those of connections
 * by their number, datagrams by their key. */
static void draw_numbers(struct verbs_blob *own)
{
	uint32_t got[2];

	if (getrandom(got, sizeof(got), GRND_NONBLOCK) != sizeof(got)) {
		got[0] = (uint32_t)clock_raw_ns();
		got[1] = got[0] * 2654435761u; /* Knuth: spreads the bits */
	}
	own->psn = got[0] & 0xffffff;
	own->qkey = got[1] & INT32_MAX;
}

static void fill_blob(struct verbs_ep *ep, const struct ep_attr *attr)
{
	struct verbs_blob *own = &ep->own;
	unsigned i;

	own->rdma_cm = ep->cm != NULL;
	own->iwarp = ep->port.iwarp;
	own->infiniband =
		ep->port.port_attr.link_layer == IBV_LINK_LAYER_INFINIBAND;
	own->qp_type = (uint8_t)ep->qp_type;
	own->lid = ep->port.port_attr.lid;
	own->n_lanes = (uint16_t)ep->n_lanes;
	own->segment_bytes = ep->segment_bytes;
	own->recv_depth = attr->recv_depth;
	memcpy(own->gid, ep->port.gid.raw, sizeof(own->gid));
	/* RDMA CM proves it in its connect request instead: there strangers
	 * can knock, and the blob would hide a check that does not work. */
	if (!ep->cm)
		memcpy(own->nonce, attr->nonce, sizeof(own->nonce));
	for (i = 0; i < ep->n_lanes; i++)
		own->qpn[i] = ep->lanes[i].qp->qp_num;
	if (ep->cm && ep->role == ROLE_PASSIVE)
		cm_listen_addr(ep->cm, &own->addr);
}

static int start_cm(struct verbs_ep *ep, const struct ep_attr *attr,
		    struct err *err)
{
	const struct sockaddr_storage *addr = &ep->port.addr;
	struct cm_attr cm = {
		.port = &ep->port,
		.nonce = attr->nonce,
		.n_lanes = ep->n_lanes,
	};
	unsigned i;
	int ret;

	if (attr->data_addr.ss_family != AF_UNSPEC)
		addr = &attr->data_addr;
	if (addr->ss_family == AF_UNSPEC)
		return err_set(err, -EADDRNOTAVAIL, REASON_NO_DEVICE,
			       "RDMA CM needs an IP address on the network "
			       "interface of %s (ip addr add)",
			       ep->port.name);
	if (attr->role == ROLE_PASSIVE)
		cm.addr = addr;
	ret = cm_new(&ep->cm, &cm, err);
	if (ret)
		return ret;
	for (i = 0; i < ep->n_lanes; i++)
		cm_set_qp(ep->cm, i, ep->lanes[i].qp);
	return 0;
}

static void fill_detail(struct verbs_ep *ep)
{
	const struct gid *gid = &ep->port.gid;
	char text[INET6_ADDRSTRLEN];

	if (ep->port.iwarp) {
		snprintf(ep->ep.caps.detail, sizeof(ep->ep.caps.detail),
			 "port %u iWARP on %s", ep->port.port, ep->port.netdev);
		return;
	}
	snprintf(ep->ep.caps.detail, sizeof(ep->ep.caps.detail),
		 "port %u GID %u %s %s MTU %u", ep->port.port, gid->index,
		 gid_type_name(gid->type), gid_to_text(gid, text, sizeof(text)),
		 ep->own.mtu_bytes);
}

_Static_assert((int)RDMA_GRH_BYTES <= (int)RECV_ROOM_MAX, "room for it");

static void fill_caps(struct verbs_ep *ep, const struct ep_attr *attr)
{
	struct caps *caps = &ep->ep.caps;

	caps->ops = verbs_ops(&ep->port, ep->qp_type);
	caps->lossy = ep->qp_type != QP_RC;
	caps->recv_room = ep->qp_type == QP_UD ? RDMA_GRH_BYTES : 0;
	caps->acknowledged = ep->qp_type == QP_RC && !ep->port.iwarp;
	caps->max_message_bytes = ep->segment_bytes;
	caps->max_inline_bytes = ep->inline_bytes;
	caps->max_lanes = VERBS_LANES_MAX;
	caps->max_reads = ep->own.rd_atomic;
	caps->flush_global = ep->port.placement.global;
	caps->flush_persistent = ep->port.placement.persistent;
	caps->max_depth = (unsigned)ep->port.attr.max_qp_wr / ep->most_pieces;
	caps->software_device = ep->port.software;
	snprintf(caps->device, sizeof(caps->device), "%s", ep->port.name);
	caps->port = ep->port.port;
	snprintf(caps->qp_type, sizeof(caps->qp_type), "%s",
		 qp_type_names[ep->qp_type]);
	snprintf(caps->cm, sizeof(caps->cm), "%s",
		 ep->cm ? "rdma_cm" : "verbs");
	ep->ep.poll = attr->poll;
	ep->ep.clock = attr->clock;
	fill_detail(ep);
}

/* Queue pairs that can FLUSH are made where someone will. */
static int ask_placement(struct verbs_ep *ep, const struct ep_attr *attr,
			 struct err *err)
{
	const unsigned ops = OP_BIT(OP_FLUSH) | OP_BIT(OP_ATOMIC_WRITE);
	int ret;

	if (!(attr->ops & ops) || attr->qp_type != QP_RC)
		return 0;
	if (!rdma_flush_built())
		return err_set(err, -EOPNOTSUPP, REASON_BUILT_WITHOUT,
			       "FLUSH and ATOMIC WRITE: this binary was built "
			       "with an rdma-core older than 45");
	ret = rdma_flush_query(ep->port.ctx, &ep->port.placement);
	if (ret)
		return err_sys(err, ret, "asking %s what it can",
			       ep->port.name);
	if ((verbs_ops(&ep->port, attr->qp_type) & ops & attr->ops) !=
	    (ops & attr->ops))
		return err_set(err, -EOPNOTSUPP, REASON_DEVICE_LIMIT,
			       "%s has no FLUSH or no ATOMIC WRITE (rxe has "
			       "both since Linux 6.2)",
			       ep->port.name);
	ep->placing = true;
	return 0;
}

static int open_port(struct verbs_ep *ep, const struct ep_attr *attr,
		     struct err *err)
{
	const struct rdma_want want = want_of(attr);
	int ret;

	ret = rdma_port_open(&ep->port, &want, err);
	if (ret)
		return ret;
	ret = check_type(&ep->port, attr, err);
	if (!ret)
		ret = rdma_mtu_choose(&ep->own.mtu_bytes, &ep->port, attr->mtu,
				      err);
	if (!ret && attr->qp_type == QP_RC)
		ret = rdma_rd_atomic_choose(&ep->own.rd_atomic, &ep->port,
					    attr->rd_atomic, err);
	if (ret)
		return ret;
	if (ep->port.iwarp)
		ep->own.mtu_bytes = 0; /* TCP's business */
	ret = ask_placement(ep, attr, err);
	return ret ? ret : verbs_size(ep, attr, err);
}

extern const struct transport transport_rdma;
static const struct transport transport_rdma_srq;

static int rc_open(struct ep **out, const struct ep_attr *attr,
		   struct blob *blob, struct err *err)
{
	struct verbs_ep *ep;
	int ret;

	ep = calloc(1, sizeof(*ep));
	if (!ep)
		return err_sys(err, -ENOMEM, "RDMA link");
	ep->ep.tp = attr->extras.shared_recv ? &transport_rdma_srq
					     : &transport_rdma;
	ep->role = attr->role;
	ep->qp_type = attr->qp_type;
	draw_numbers(&ep->own);
	ret = take_extras(ep, attr, err);
	if (!ret)
		ret = open_port(ep, attr, err);
	if (ret)
		goto close_ep;
	ret = verbs_queues_make(ep, attr, err);
	if (ret)
		goto close_ep;
	verbs_post_init(ep);
	if (attr->rdma_cm || ep->port.iwarp) {
		ret = start_cm(ep, attr, err);
		if (ret)
			goto close_ep;
	}
	fill_blob(ep, attr);
	fill_caps(ep, attr);
	verbs_blob_pack(blob, &ep->own);
	*out = &ep->ep;
	return 0;
close_ep:
	rc_close(&ep->ep);
	return ret;
}

/* --- memory --------------------------------------------------------------- */

static unsigned access_flags(const struct verbs_ep *ep, unsigned ops)
{
	const unsigned writes = OP_BIT(OP_WRITE) | OP_BIT(OP_WRITE_IMM) |
				OP_BIT(OP_ATOMIC_WRITE);
	const unsigned atomics = OP_BIT(OP_FETCH_ADD) | OP_BIT(OP_CMP_SWAP);
	unsigned access = IBV_ACCESS_LOCAL_WRITE;

	/* On iWARP the answer to a read is a write from the peer
	 * (RFC 5040, 4.2): what we read into must allow it. */
	if ((ops & writes) || ep->port.iwarp)
		access |= IBV_ACCESS_REMOTE_WRITE;
	if (ops & OP_BIT(OP_READ))
		access |= IBV_ACCESS_REMOTE_READ;
	if (ops & atomics)
		access |= IBV_ACCESS_REMOTE_ATOMIC;
	if (ops & OP_BIT(OP_FLUSH))
		access |= RDMA_ACCESS_FLUSH_GLOBAL;
	if (ops & ACCESS_PERSISTENT)
		access |= RDMA_ACCESS_FLUSH_PERSISTENT;
	return access;
}

static int rc_reg(struct ep *base, void *addr, size_t len, unsigned access,
		  struct region **out, struct err *err)
{
	struct verbs_ep *ep = verbs_ep(base);
	struct verbs_region *region;
	int ret;

	/* Beforehand, because the device's ENOMEM would not say why; and the
	 * soft limit may be raised to the hard one. */
	ret = mem_check_lock(len, err);
	if (ret)
		return ret;
	region = calloc(1, sizeof(*region));
	if (!region)
		return err_sys(err, -ENOMEM, "memory region");
	ret = rdma_mr_create(&region->mr, ep->pd, addr, len,
			     access_flags(ep, access), err);
	if (ret) {
		free(region);
		return ret;
	}
	region->region.addr = addr;
	region->region.len = len;
	region->region.lkey = region->mr->lkey;
	region->region.rkey = region->mr->rkey;
	*out = &region->region;
	return 0;
}

static void rc_dereg(struct ep *base, struct region *region)
{
	struct verbs_region *vr = (struct verbs_region *)region;

	(void)base;
	if (!vr)
		return;
	ibv_dereg_mr(vr->mr);
	free(vr);
}

/* --- connecting ----------------------------------------------------------- */

static int mismatch(struct err *err, const char *what, unsigned own,
		    unsigned peer)
{
	return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
		       "the ends of the RDMA link differ in %s: here %u, at "
		       "the peer %u",
		       what, own, peer);
}

static int check_peer(struct verbs_ep *ep, const struct verbs_blob *peer,
		      struct err *err)
{
	const struct verbs_blob *own = &ep->own;
	const bool active = ep->role == ROLE_ACTIVE;

	if (memcmp(own->nonce, peer->nonce, sizeof(own->nonce)))
		return err_set(err, -EACCES, REASON_PEER_REFUSED,
			       "the other end of the RDMA link belongs to "
			       "another session");
	if (own->n_lanes != peer->n_lanes)
		return mismatch(err, "queue pairs", own->n_lanes,
				peer->n_lanes);
	if (own->qp_type != peer->qp_type)
		return mismatch(err, "their type of queue pair", own->qp_type,
				peer->qp_type);
	if (own->iwarp != peer->iwarp)
		return mismatch(err, "being iWARP", own->iwarp, peer->iwarp);
	if (own->infiniband != peer->infiniband)
		return mismatch(err, "being InfiniBand", own->infiniband,
				peer->infiniband);
	if (own->rdma_cm != peer->rdma_cm)
		return mismatch(err, "using RDMA CM", own->rdma_cm,
				peer->rdma_cm);
	if (ep->cm && active && peer->addr.ss_family == AF_UNSPEC)
		return mismatch(err, "role (both are active)", 1, 1);
	if (ep->cm && !active && peer->addr.ss_family != AF_UNSPEC)
		return mismatch(err, "role (both are passive)", 0, 0);
	return 0;
}

/* The smaller of both ends' segments, unless some message would be cut
 * differently then: our queues are made for so many pieces, and receives may
 * have been posted. */
static int agree_segment(struct verbs_ep *ep, const struct verbs_blob *peer,
			 struct err *err)
{
	const uint32_t own = ep->segment_bytes;

	if (peer->segment_bytes >= own)
		return 0;
	if (ep->max_bytes > peer->segment_bytes)
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "messages of up to %llu bytes: the peer's "
			       "device takes %u at once, ours %u, and our "
			       "queues are made for the latter",
			       (unsigned long long)ep->max_bytes,
			       peer->segment_bytes, own);
	ep->segment_bytes = peer->segment_bytes;
	ep->ep.caps.max_message_bytes = ep->segment_bytes;
	return 0;
}

/* Where a lane's datagrams go.  One queue pair for many peers has a handle for
 * each; otherwise all lanes lead to the same port. */
static int make_ah(struct verbs_ep *ep, const struct rdma_path *path,
		   unsigned lane, struct err *err)
{
	int ret = 0;

	if (ep->qp_type != QP_UD)
		return 0;
	ep->lanes[lane].ah = ep->ah;
	if (!lane || ep->extras.one_qp)
		ret = rdma_ah_create(&ep->lanes[lane].ah, ep->pd, &ep->port,
				     path, err);
	if (!lane)
		ep->ah = ep->lanes[0].ah;
	return ret;
}

static int connect_verbs(struct verbs_ep *ep, const struct verbs_blob *peer,
			 struct err *err)
{
	struct rdma_path path = {
		.send_psn = ep->own.psn,
		.recv_psn = peer->psn,
		.remote_lid = peer->lid,
		.mtu_bytes = ep->own.mtu_bytes,
		.rd_atomic_out = ep->own.rd_atomic,
		.rd_atomic_in = ep->own.rd_atomic,
		.rnr = ep->extras.rnr,
		.rnr_retry = ep->extras.rnr_retry,
		.min_rnr_timer = ep->extras.min_rnr_timer,
	};
	unsigned i;
	int ret;

	ep->remote_qkey = peer->qkey;
	memcpy(path.remote_gid, peer->gid, sizeof(path.remote_gid));
	for (i = 0; i < ep->n_lanes; i++) {
		ret = make_ah(ep, &path, i, err);
		if (ret)
			return ret;
		path.remote_qpn = ep->lanes[i].remote_qpn = peer->qpn[i];
		if (i && ep->extras.one_qp)
			continue;
		ret = rdma_qp_to_rtr(ep->lanes[i].qp, &ep->port, &path, err);
		if (!ret)
			ret = rdma_qp_to_rts(ep->lanes[i].qp, &path, err);
		if (ret)
			return ret;
	}
	return 0;
}

static int connect_cm(struct verbs_ep *ep, const struct verbs_blob *peer,
		      uint64_t timeout_ns, struct err *err)
{
	const struct cm_link link = {
		.peer = &peer->addr,
		.mtu_bytes = ep->own.mtu_bytes,
		.rd_atomic = ep->own.rd_atomic,
		.timeout_ns = timeout_ns,
	};

	if (ep->role == ROLE_ACTIVE)
		return cm_connect(ep->cm, &link, err);
	return cm_accept(ep->cm, &link, err);
}

/* Two devices of one host, too, as it is over TCP; but between two ports of
 * hardware there may be a cable. */
static bool crosses_no_wire(const struct verbs_ep *ep,
			    const struct verbs_blob *peer)
{
	struct gid gid = ep->port.gid;
	struct sockaddr_storage addr = {0};

	memcpy(gid.raw, peer->gid, sizeof(gid.raw));
	if (!memcmp(gid.raw, ep->own.gid, sizeof(gid.raw)))
		return true;
	return ep->port.software && !gid_to_addr(&gid, &addr) &&
	       netif_is_local(&addr);
}

static int rc_connect(struct ep *base, const struct blob *blob,
		      uint64_t timeout_ns, struct err *err)
{
	struct verbs_ep *ep = verbs_ep(base);
	struct verbs_blob peer;
	int ret;

	ret = verbs_blob_unpack(&peer, blob, err);
	if (!ret)
		ret = check_peer(ep, &peer, err);
	if (!ret)
		ret = agree_segment(ep, &peer, err);
	if (ret)
		return ret;
	if (peer.mtu_bytes < ep->own.mtu_bytes)
		ep->own.mtu_bytes = peer.mtu_bytes;
	if (peer.rd_atomic < ep->own.rd_atomic)
		ep->own.rd_atomic = peer.rd_atomic;
	ret = ep->cm ? connect_cm(ep, &peer, timeout_ns, err)
		     : connect_verbs(ep, &peer, err);
	if (ret)
		return ret;
	snprintf(base->caps.path, sizeof(base->caps.path), "%s",
		 crosses_no_wire(ep, &peer) ? "loopback" : "wire");
	base->caps.max_reads = ep->own.rd_atomic;
	/* Of a connected queue pair only: before, mlx5 says no of all. */
	base->caps.write_in_order = ibv_query_qp_data_in_order(
		ep->lanes[0].qp, IBV_WR_RDMA_WRITE, 0);
	fill_detail(ep);
	return 0;
}

/* --- closing -------------------------------------------------------------- */

/* The peer is told first; queue pairs go before what they use, the RDMA CM
 * ids after them, and events are acknowledged before their queue goes (or
 * destroying it would wait for ever). */
static void rc_close(struct ep *base)
{
	struct verbs_ep *ep = verbs_ep(base);

	if (!ep)
		return;
	cm_disconnect(ep->cm);
	verbs_queues_free(ep);
	cm_free(ep->cm);
	verbs_cq_free(ep);
	rdma_port_close(&ep->port);
	free(ep);
}

/* They differ in how they post. */
#define RDMA_TRANSPORT(how)                                                    \
	{                                                                      \
		.name = "rdma",                                                \
		.summary = "RDMA verbs (RC; --qp-type has UC and UD)",         \
		.qp_types = 1u << QP_RC | 1u << QP_UC | 1u << QP_UD,           \
		.probe = rc_probe, .open = rc_open, .reg = rc_reg,             \
		.dereg = rc_dereg, .connect = rc_connect, .post = (how),       \
		.poll = verbs_poll, .block = verbs_block, .close = rc_close,   \
	}

const struct transport transport_rdma = RDMA_TRANSPORT(verbs_post);
static const struct transport transport_rdma_srq =
	RDMA_TRANSPORT(verbs_srq_post);
