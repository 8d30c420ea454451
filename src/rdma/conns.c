#include "rdma/conns.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/smaller.h"
#include "base/splitmix.h"
#include "rdma/conns_priv.h"

/* Small: what is asked is what a connection costs, not its buffers. */
enum { SEND_WRS = 4, RECV_WRS = 4, CQ_ENTRIES = 8 };
#define HEAR_TIMEOUT_NS 4000000000ull

int conns_new(struct conns **conns, const struct conns_attr *attr,
	      struct err *err)
{
	struct conns *c = calloc(1, sizeof(*c) + attr->n * sizeof(c->v[0]));
	int ret;

	if (!c)
		return err_sys(err, -ENOMEM, "%u connections", attr->n);
	c->attr = *attr;
	ret = rdma_port_open(&c->port, attr->want, err);
	if (ret)
		free(c);
	else
		*conns = c;
	return ret;
}

void conns_free(struct conns *c)
{
	struct err ignored;

	if (!c)
		return;
	(void)conns_destroy(c, 0, c->attr.n, &ignored);
	conns_cm_fini(c);
	rdma_port_close(&c->port);
	free(c);
}

const char *conns_device(const struct conns *c)
{
	return c->port.name;
}

bool conns_software(const struct conns *c)
{
	return c->port.software;
}

bool conns_iwarp(const struct conns *c)
{
	return c->port.iwarp;
}

const struct sockaddr_storage *conns_addr(const struct conns *c)
{
	return &c->port.addr;
}

void conns_counts(const struct conns *c, struct conns_counts *counts)
{
	*counts = c->counts;
}

static int made(struct conns *c, int ret)
{
	c->counts.made += !ret;
	return ret;
}

/* --- steps: each for all, then the next ------------------------------------- */

static int make_pd(struct conns *c, unsigned i, struct err *err)
{
	return made(c, rdma_pd_create(&c->v[i].pd, &c->port, err));
}

static int make_cq(struct conns *c, unsigned i, struct err *err)
{
	return made(c, rdma_cq_create(&c->v[i].cq, &c->port, CQ_ENTRIES, false,
				      err));
}

static int make_qp(struct conns *c, unsigned i, struct err *err)
{
	struct conn *v = &c->v[i];
	const struct rdma_qp_want want = {
		.pd = v->pd,
		.cq = v->cq.cq,
		.type = IBV_QPT_RC,
		.send_wrs = SEND_WRS,
		.recv_wrs = RECV_WRS,
		.sges = 1,
		.recv_sges = 1,
		.inline_bytes = 0,
	};
	unsigned inline_bytes;
	int ret = rdma_qp_create(&v->qp, &c->port, &want, &inline_bytes, err);

	c->counts.qps += !ret;
	return made(c, ret);
}

static int to_init(struct conns *c, unsigned i, struct err *err)
{
	uint64_t seed = clock_raw_ns() + i;

	c->v[i].psn = (uint32_t)splitmix_next(&seed) & 0xffffff;
	return rdma_qp_to_init(c->v[i].qp, &c->port, 0, err);
}

static int post_recv(struct conns *c, unsigned i, struct err *err)
{
	/* A piece of no bytes: siw takes no receive without a piece. */
	struct ibv_sge nothing = {.length = 0};
	struct ibv_recv_wr wr = {
		.wr_id = i,
		.sg_list = &nothing,
		.num_sge = c->port.iwarp,
	};
	struct ibv_recv_wr *bad;
	int ret = rdma_errno(ibv_post_recv(c->v[i].qp, &wr, &bad));

	return ret ? err_sys(err, ret, "connection %u: cannot post a receive",
			     i)
		   : 0;
}

static const struct {
	enum conns_step step;
	int (*make)(struct conns *c, unsigned i, struct err *err);
} makes[] = {
	{CONNS_PD, make_pd},
	{CONNS_CQ, make_cq},
	{CONNS_QP, make_qp},
	{CONNS_INIT, to_init},
};

int conns_make(struct conns *c, unsigned first, unsigned n, struct err *err)
{
	unsigned i, k;
	uint64_t t0;
	int ret = 0;

	for (k = 0; k < sizeof(makes) / sizeof(makes[0]); k++) {
		for (i = first; !ret && i < first + n; i++) {
			t0 = conns_now(c);
			ret = makes[k].make(c, i, err);
			conns_tell(c, makes[k].step, i, t0);
		}
	}
	for (i = first; !ret && c->attr.passive && i < first + n; i++)
		ret = post_recv(c, i, err);
	return ret;
}

void conns_end_of(const struct conns *c, unsigned i, struct conns_end *end)
{
	*end = (struct conns_end){
		.qpn = c->v[i].qp->qp_num,
		.psn = c->v[i].psn,
		.mtu_bytes = rdma_port_mtu(&c->port),
		.lid = c->port.port_attr.lid,
		.rd_atomic = rdma_rd_atomic_useful(&c->port),
	};
	memcpy(end->gid, c->port.gid.raw, sizeof(end->gid));
}

int conns_join(struct conns *c, unsigned i, const struct conns_end *peer,
	       struct err *err)
{
	struct ibv_qp *qp = c->v[i].qp;
	unsigned atomic =
		smaller(rdma_rd_atomic_useful(&c->port), peer->rd_atomic);
	struct rdma_path path = {
		.remote_qpn = peer->qpn,
		.send_psn = c->v[i].psn,
		.recv_psn = peer->psn,
		.remote_lid = peer->lid,
		.mtu_bytes = smaller(rdma_port_mtu(&c->port), peer->mtu_bytes),
		.rd_atomic_out = (uint8_t)atomic,
		.rd_atomic_in = (uint8_t)atomic,
	};
	uint64_t t0 = conns_now(c);
	int ret;

	memcpy(path.remote_gid, peer->gid, sizeof(path.remote_gid));
	ret = rdma_qp_to_rtr(qp, &c->port, &path, err);
	conns_tell(c, CONNS_RTR, i, t0);
	if (ret)
		return ret;
	t0 = conns_now(c);
	ret = rdma_qp_to_rts(qp, &path, err);
	conns_tell(c, CONNS_RTS, i, t0);
	return ret;
}

/* --- is it one? -------------------------------------------------------------- */

static int next_completion(struct conns *c, unsigned i, struct ibv_wc *wc,
			   struct err *err)
{
	uint64_t deadline = clock_raw_ns() + HEAR_TIMEOUT_NS;
	int n;

	while (!(n = ibv_poll_cq(c->v[i].cq.cq, 1, wc)))
		if (clock_raw_ns() > deadline)
			return err_set(err, -ETIMEDOUT, REASON_LINK_FAILED,
				       "connection %u carries nothing", i);
	if (n > 0 && wc->status == IBV_WC_SUCCESS)
		return 0;
	return err_set(err, -EIO, REASON_LINK_FAILED,
		       "connection %u: completion: %s", i,
		       n > 0 ? ibv_wc_status_str(wc->status) : "cannot poll");
}

int conns_say(struct conns *c, unsigned i, struct err *err)
{
	struct ibv_send_wr wr = {
		.opcode = c->port.iwarp ? IBV_WR_SEND : IBV_WR_SEND_WITH_IMM,
		.send_flags = IBV_SEND_SIGNALED,
		.imm_data = htonl(i),
	};
	struct ibv_send_wr *bad;
	struct ibv_wc wc;
	int ret = rdma_errno(ibv_post_send(c->v[i].qp, &wr, &bad));

	if (ret)
		return err_sys(err, ret, "connection %u: cannot post", i);
	return next_completion(c, i, &wc, err);
}

int conns_hear(struct conns *c, unsigned i, struct err *err)
{
	struct ibv_wc wc;
	int ret = c->v[i].qp ? next_completion(c, i, &wc, err) : -ENOTCONN;

	if (ret == -ENOTCONN)
		return err_set(err, ret, REASON_LINK_FAILED,
			       "connection %u is not there", i);
	if (ret)
		return ret;
	if (!c->port.iwarp && ntohl(wc.imm_data) != i)
		return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
			       "connection %u: %u arrived", i,
			       (unsigned)ntohl(wc.imm_data));
	return post_recv(c, i, err);
}

/* --- the end ------------------------------------------------------------------ */

/* The first error of several stays. */
static void ended(struct conns *c, int ret, int *first)
{
	if (ret && !*first)
		*first = ret;
	c->counts.ended += !ret;
}

/* What the device does not let go is still counted as made, and not tried
 * again. */
static int destroy_one(struct conns *c, struct conn *v)
{
	int ret = 0;

	if (v->qp)
		ended(c, rdma_errno(ibv_destroy_qp(v->qp)), &ret);
	if (v->id)
		ended(c, rdma_destroy_id(v->id) ? -errno : 0, &ret);
	if (v->cq.cq)
		ended(c, rdma_cq_destroy(&v->cq), &ret);
	if (v->pd)
		ended(c, rdma_errno(ibv_dealloc_pd(v->pd)), &ret);
	memset(v, 0, sizeof(*v));
	return ret;
}

int conns_destroy(struct conns *c, unsigned first, unsigned n, struct err *err)
{
	unsigned i;
	uint64_t t0;
	int ret = 0, one;

	for (i = first; i < first + n; i++) {
		if (!c->v[i].pd && !c->v[i].id)
			continue;
		t0 = conns_now(c);
		one = destroy_one(c, &c->v[i]);
		conns_tell(c, CONNS_DESTROY, i, t0);
		if (one && !ret)
			ret = err_sys(err, one, "connection %u: cannot end it",
				      i);
	}
	return ret;
}
