#include "rdma/selfpair.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "base/clock.h"

enum { DEPTH = 16, COMPLETIONS = 4 * DEPTH };
#define CONNECT_TIMEOUT_NS 4000000000ull
#define WAIT_TIMEOUT_NS 10000000000ull

static int make_qp(struct selfpair *sp, struct ibv_qp **qp, struct err *err)
{
	const struct rdma_qp_want want = {
		.pd = sp->pd,
		.cq = sp->cq.cq,
		.type = IBV_QPT_RC,
		.send_wrs = DEPTH,
		.recv_wrs = 1,
		.sges = 1,
		.inline_bytes = 0,
	};
	unsigned inline_bytes;
	int ret = rdma_qp_create(qp, sp->port, &want, &inline_bytes, err);

	return ret ? ret : rdma_qp_to_init(*qp, sp->port, 0, err);
}

static int connect_one(const struct selfpair *sp, struct ibv_qp *qp,
		       const struct ibv_qp *other, struct err *err)
{
	struct rdma_path path = {
		.remote_qpn = other->qp_num,
		.remote_lid = sp->port->port_attr.lid,
		.mtu_bytes = rdma_port_mtu(sp->port),
		.rd_atomic_out = rdma_rd_atomic_useful(sp->port),
		.rd_atomic_in = rdma_rd_atomic_useful(sp->port),
	};
	int ret;

	memcpy(path.remote_gid, sp->port->gid.raw, sizeof(path.remote_gid));
	ret = rdma_qp_to_rtr(qp, sp->port, &path, err);
	return ret ? ret : rdma_qp_to_rts(qp, &path, err);
}

static int connect_verbs(struct selfpair *sp, struct err *err)
{
	int ret = connect_one(sp, sp->near, sp->far, err);

	return ret ? ret : connect_one(sp, sp->far, sp->near, err);
}

/* --- iWARP: by RDMA CM, both roles at once --------------------------------- */

struct accept {
	struct cm *cm;
	struct cm_link link;
	struct err err;
	int ret;
};

static void *accept_far(void *arg)
{
	struct accept *a = arg;

	a->ret = cm_accept(a->cm, &a->link, &a->err);
	return NULL;
}

static int make_cm(struct selfpair *sp, struct err *err)
{
	static const uint8_t nonce[NONCE_BYTES] = "to myself";
	struct cm_attr attr = {
		.port = sp->port,
		.addr = &sp->port->addr,
		.nonce = nonce,
		.n_lanes = 1,
	};
	int ret = cm_new(&sp->cm_far, &attr, err);

	attr.addr = NULL;
	if (!ret)
		ret = cm_new(&sp->cm_near, &attr, err);
	if (ret)
		return ret;
	cm_set_qp(sp->cm_far, 0, sp->far);
	cm_set_qp(sp->cm_near, 0, sp->near);
	return 0;
}

static int connect_cm(struct selfpair *sp, struct err *err)
{
	struct sockaddr_storage addr;
	struct accept a = {.link = {
				   .peer = &addr,
				   .rd_atomic = rdma_rd_atomic_useful(sp->port),
			   }};
	pthread_t id;
	int ret = make_cm(sp, err);

	if (ret)
		return ret;
	cm_listen_addr(sp->cm_far, &addr);
	a.cm = sp->cm_far;
	a.link.timeout_ns = CONNECT_TIMEOUT_NS;
	ret = -pthread_create(&id, NULL, accept_far, &a);
	if (ret)
		return err_sys(err, ret, "a thread to accept");
	ret = cm_connect(sp->cm_near, &a.link, err);
	pthread_join(id, NULL);
	if (!ret && a.ret) {
		*err = a.err;
		ret = a.ret;
	}
	return ret;
}

/* --- the pair -------------------------------------------------------------- */

int selfpair_open(struct selfpair *sp, const struct rdma_port *port,
		  struct ibv_pd *pd, struct err *err)
{
	int ret;

	memset(sp, 0, sizeof(*sp));
	sp->port = port;
	sp->pd = pd;
	ret = rdma_cq_create(&sp->cq, port, COMPLETIONS, false, err);
	if (!ret)
		ret = make_qp(sp, &sp->far, err);
	if (!ret)
		ret = make_qp(sp, &sp->near, err);
	if (!ret)
		ret = port->iwarp ? connect_cm(sp, err)
				  : connect_verbs(sp, err);
	if (ret)
		err_wrap(err, "a queue pair to itself on %s", port->name);
	return ret;
}

void selfpair_close(struct selfpair *sp)
{
	cm_disconnect(sp->cm_near);
	if (sp->near)
		ibv_destroy_qp(sp->near);
	if (sp->far)
		ibv_destroy_qp(sp->far);
	cm_free(sp->cm_near);
	cm_free(sp->cm_far);
	rdma_cq_destroy(&sp->cq);
	memset(sp, 0, sizeof(*sp));
}

int selfpair_wait(struct selfpair *sp, struct err *err)
{
	uint64_t deadline = clock_raw_ns() + WAIT_TIMEOUT_NS;
	struct ibv_wc wc;
	int n;

	while (!(n = ibv_poll_cq(sp->cq.cq, 1, &wc)))
		if (clock_raw_ns() > deadline)
			return err_set(err, -ETIMEDOUT, REASON_LINK_FAILED,
				       "%s completes nothing", sp->port->name);
	if (n < 0)
		return err_set(err, -EIO, REASON_LINK_FAILED,
			       "%s: cannot poll completions", sp->port->name);
	if (wc.status == IBV_WC_SUCCESS)
		return 0;
	return err_set(err, -EIO, REASON_LINK_FAILED, "%s: completion: %s",
		       sp->port->name, ibv_wc_status_str(wc.status));
}

static int post_and_wait(struct selfpair *sp, struct ibv_qp *qp,
			 struct ibv_send_wr *wr, struct err *err)
{
	struct ibv_send_wr *bad;
	int ret;

	wr->send_flags |= IBV_SEND_SIGNALED;
	ret = rdma_errno(ibv_post_send(qp, wr, &bad));
	if (ret)
		return err_sys(err, ret, "%s: cannot post", sp->port->name);
	return selfpair_wait(sp, err);
}

int selfpair_post(struct selfpair *sp, struct ibv_send_wr *wr, struct err *err)
{
	return post_and_wait(sp, sp->near, wr, err);
}

int selfpair_post_far(struct selfpair *sp, struct ibv_send_wr *wr,
		      struct err *err)
{
	return post_and_wait(sp, sp->far, wr, err);
}
