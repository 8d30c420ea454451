/*
 * Reliable connections (RC) over verbs: opening, connecting and closing.
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
#include "transport/verbs_ep.h"

/* An sge's length has 32 bits; a power of two keeps pieces aligned. */
enum { SEGMENT_MAX = 1 << 30 };

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

static int rc_probe(const struct ep_attr *attr, struct err *err)
{
	const struct rdma_want want = want_of(attr);
	struct rdma_port port;
	unsigned mtu;
	int ret;

	ret = rdma_port_open(&port, &want, err);
	if (ret)
		return ret;
	ret = rdma_mtu_choose(&mtu, &port, attr->mtu, err);
	rdma_port_close(&port);
	return ret;
}

/* --- sizes ---------------------------------------------------------------- */

static int choose_segment(struct verbs_ep *ep, const struct ep_attr *attr,
			  struct err *err)
{
	uint64_t limit = ep->port.port_attr.max_msg_sz;

	if (!limit || limit > SEGMENT_MAX)
		limit = SEGMENT_MAX;
	if (attr->segment_bytes > limit)
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "segments of %llu bytes, but a message of %s "
			       "has at most %llu",
			       (unsigned long long)attr->segment_bytes,
			       ep->port.name, (unsigned long long)limit);
	if (attr->segment_bytes)
		limit = attr->segment_bytes;
	ep->segment_bytes = (uint32_t)limit;
	return 0;
}

static uint64_t pieces_of(uint64_t bytes, uint64_t segment)
{
	return bytes ? (bytes + segment - 1) / segment : 1;
}

static int check_attr(struct verbs_ep *ep, const struct ep_attr *attr,
		      struct err *err)
{
	const uint64_t pieces = pieces_of(attr->max_bytes, ep->segment_bytes);

	if (!attr->lanes || attr->lanes > VERBS_LANES_MAX)
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "%u queue pairs (-q): a link has 1 to %d",
			       attr->lanes, VERBS_LANES_MAX);
	if (!attr->send_depth || !attr->recv_depth)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "a depth of 0: at least 1 is needed");
	if (pieces > (uint64_t)ep->port.attr.max_qp_wr)
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "a message of %llu bytes is %llu pieces of %u, "
			       "but a queue of %s holds %d",
			       (unsigned long long)attr->max_bytes,
			       (unsigned long long)pieces, ep->segment_bytes,
			       ep->port.name, ep->port.attr.max_qp_wr);
	ep->max_bytes = attr->max_bytes;
	ep->most_pieces = (uint32_t)pieces;
	return 0;
}

/* --- lanes ---------------------------------------------------------------- */

static int ring_init(struct ring *ring, unsigned depth)
{
	uint32_t size = 1;

	while (size < depth)
		size *= 2;
	ring->slots = calloc(size, sizeof(*ring->slots));
	ring->mask = size - 1;
	ring->depth = depth;
	return ring->slots ? 0 : -ENOMEM;
}

static int lane_init(struct verbs_ep *ep, struct verbs_lane *lane,
		     const struct ep_attr *attr, struct err *err)
{
	const struct rdma_qp_want want = {
		.pd = ep->pd,
		.cq = ep->cq.cq,
		.type = IBV_QPT_RC,
		.send_wrs = (uint64_t)attr->send_depth * ep->most_pieces,
		.recv_wrs = (uint64_t)attr->recv_depth * ep->most_pieces,
		.sges = ep->ep.caps.max_sges,
		.inline_bytes = attr->inline_bytes,
	};
	int ret;

	if (ring_init(&lane->sq, attr->send_depth) ||
	    ring_init(&lane->rq, attr->recv_depth))
		return err_sys(err, -ENOMEM, "queues of %u + %u messages",
			       attr->send_depth, attr->recv_depth);
	ret = rdma_qp_create(&lane->qp, &ep->port, &want, &ep->inline_bytes,
			     err);
	if (ret)
		return ret;
	return rdma_qp_to_init(lane->qp, &ep->port, err);
}

static int make_queues(struct verbs_ep *ep, const struct ep_attr *attr,
		       struct err *err)
{
	const uint64_t per_lane = (uint64_t)attr->send_depth + attr->recv_depth;
	const uint64_t cqe = per_lane * ep->most_pieces * attr->lanes;
	unsigned i;
	int ret;

	ret = rdma_pd_create(&ep->pd, &ep->port, err);
	if (ret)
		return ret;
	ret = rdma_cq_create(&ep->cq, &ep->port, cqe, attr->poll == POLL_EVENT,
			     err);
	if (ret)
		return ret;
	ep->lanes = calloc(attr->lanes, sizeof(*ep->lanes));
	if (!ep->lanes)
		return err_sys(err, -ENOMEM, "%u lanes", attr->lanes);
	ep->n_lanes = attr->lanes;
	for (i = 0; i < ep->n_lanes; i++) {
		ret = lane_init(ep, &ep->lanes[i], attr, err);
		if (ret)
			return ret;
	}
	return 0;
}

/* --- what the ends tell each other ---------------------------------------- */

static void fill_blob(struct verbs_ep *ep, const struct ep_attr *attr)
{
	struct verbs_blob *own = &ep->own;
	unsigned i;

	own->rdma_cm = ep->cm != NULL;
	own->iwarp = ep->port.iwarp;
	own->infiniband =
		ep->port.port_attr.link_layer == IBV_LINK_LAYER_INFINIBAND;
	own->rd_atomic = rdma_rd_atomic_limit(&ep->port);
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
	/* Packets of an earlier life of a QP number must not fit. */
	if (getrandom(&own->psn, sizeof(own->psn), GRND_NONBLOCK) < 0)
		own->psn = (uint32_t)clock_raw_ns();
	own->psn &= 0xffffff;
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

static void fill_caps(struct verbs_ep *ep, const struct ep_attr *attr)
{
	struct caps *caps = &ep->ep.caps;

	caps->ops = verbs_ops(&ep->port);
	caps->max_message_bytes = ep->segment_bytes;
	caps->max_inline_bytes = ep->inline_bytes;
	caps->max_lanes = VERBS_LANES_MAX;
	caps->max_depth = (unsigned)ep->port.attr.max_qp_wr / ep->most_pieces;
	caps->software_device = ep->port.software;
	snprintf(caps->device, sizeof(caps->device), "%s", ep->port.name);
	caps->port = ep->port.port;
	snprintf(caps->qp_type, sizeof(caps->qp_type), "RC");
	snprintf(caps->cm, sizeof(caps->cm), "%s",
		 ep->cm ? "rdma_cm" : "verbs");
	ep->ep.poll = attr->poll;
	ep->ep.clock = attr->clock;
	fill_detail(ep);
}

static int open_port(struct verbs_ep *ep, const struct ep_attr *attr,
		     struct err *err)
{
	const struct rdma_want want = want_of(attr);
	int ret;

	ret = rdma_port_open(&ep->port, &want, err);
	if (ret)
		return ret;
	ret = rdma_mtu_choose(&ep->own.mtu_bytes, &ep->port, attr->mtu, err);
	if (ret)
		return ret;
	if (ep->port.iwarp)
		ep->own.mtu_bytes = 0; /* TCP's business */
	ep->ep.caps.max_sges = VERBS_SGES;
	if (ep->port.attr.max_sge < VERBS_SGES)
		ep->ep.caps.max_sges = (unsigned)ep->port.attr.max_sge;
	ret = choose_segment(ep, attr, err);
	return ret ? ret : check_attr(ep, attr, err);
}

extern const struct transport transport_rdma;

static int rc_open(struct ep **out, const struct ep_attr *attr,
		   struct blob *blob, struct err *err)
{
	struct verbs_ep *ep;
	int ret;

	ep = calloc(1, sizeof(*ep));
	if (!ep)
		return err_sys(err, -ENOMEM, "RDMA link");
	ep->ep.tp = &transport_rdma;
	ep->role = attr->role;
	verbs_post_init(ep);
	ret = open_port(ep, attr, err);
	if (ret)
		goto close_ep;
	ret = make_queues(ep, attr, err);
	if (ret)
		goto close_ep;
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
	const unsigned writes = OP_BIT(OP_WRITE) | OP_BIT(OP_WRITE_IMM);
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
	};
	unsigned i;
	int ret;

	memcpy(path.remote_gid, peer->gid, sizeof(path.remote_gid));
	for (i = 0; i < ep->n_lanes; i++) {
		path.remote_qpn = peer->qpn[i];
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
		.deadline_ns = clock_raw_ns() + timeout_ns,
	};

	if (ep->role == ROLE_ACTIVE)
		return cm_connect(ep->cm, &link, err);
	return cm_accept(ep->cm, &link, err);
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
		 memcmp(peer.gid, ep->own.gid, sizeof(peer.gid)) ? "wire"
								 : "loopback");
	fill_detail(ep);
	return 0;
}

/* --- closing -------------------------------------------------------------- */

static void lane_fini(struct verbs_lane *lane)
{
	if (lane->qp)
		ibv_destroy_qp(lane->qp);
	free(lane->sq.slots);
	free(lane->rq.slots);
}

/* The peer is told first; queue pairs go before what they use, the RDMA CM
 * ids after them, and events are acknowledged before their queue goes (or
 * destroying it would wait for ever). */
static void rc_close(struct ep *base)
{
	struct verbs_ep *ep = verbs_ep(base);
	unsigned i;

	if (!ep)
		return;
	cm_disconnect(ep->cm);
	for (i = 0; i < ep->n_lanes; i++)
		lane_fini(&ep->lanes[i]);
	free(ep->lanes);
	cm_free(ep->cm);
	if (ep->unacked)
		ibv_ack_cq_events(ep->cq.cq, ep->unacked);
	rdma_cq_destroy(&ep->cq);
	if (ep->pd)
		ibv_dealloc_pd(ep->pd);
	rdma_port_close(&ep->port);
	free(ep);
}

const struct transport transport_rdma = {
	.name = "rdma",
	.summary = "RDMA verbs, reliable connection (RC)",
	.probe = rc_probe,
	.open = rc_open,
	.reg = rc_reg,
	.dereg = rc_dereg,
	.connect = rc_connect,
	.post = verbs_post,
	.poll = verbs_poll,
	.block = verbs_block,
	.close = rc_close,
};
