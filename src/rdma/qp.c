#include "rdma/qp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/*
 * A dead peer should be noticed within about 4 s, and a busy one should not
 * be taken for dead.  The sender waits 4.096 us * 2^ACK_TIMEOUT (134 ms), up
 * to four times that by the standard's leave (IBTA 1.4, 9.7.6.1.3), and tries
 * 1 + RETRIES times: 0.9 s where the device takes the timeout at its word,
 * 3.8 s at worst.  Not 7 retries: rxe (Linux 6.1) takes 7 for "for ever".
 *
 * A receiver without a posted receive answers "not ready" (RNR).  Receives
 * are posted before the peer may send, so that this is a bug or a lost
 * program; 7 would mean for ever and hide it.  With RNR_TIMER 26 (81.92 ms)
 * 6 tries are half a second: longer than any time slice we may lose.
 */
enum {
	ACK_TIMEOUT = 15,
	RETRIES = 6,
	RNR_RETRIES = 6,
	RNR_TIMER = 26,
	HOP_LIMIT = 64,
};

/* Beyond this inlining no longer pays: the CPU's copy costs more than the
 * device's read.  perftest's default for sends, 236, is in it. */
enum { INLINE_USEFUL = 256 };

/* What mlx5 has at most.  A reader with more seldom gains, and devices reserve
 * memory for each: who wants them asks (--rd-atomic). */
enum { RD_ATOMIC_USEFUL = 16 };

/* A library's own refusals (rdma-core's providers) may leave errno alone. */
static int not_made(const struct rdma_port *port, const char *what,
		    struct err *err)
{
	if (errno)
		return err_sys(err, -errno, "cannot make %s on %s", what,
			       port->name);
	return err_set(err, -EIO, REASON_IO_ERROR,
		       "cannot make %s on %s: the device's library makes none, "
		       "without an errno",
		       what, port->name);
}

int rdma_cq_create(struct rdma_cq *cq, const struct rdma_port *port,
		   uint64_t cqe, bool events, struct err *err)
{
	char what[64];
	int ret;

	cq->cq = NULL;
	cq->channel = NULL;
	if (cqe > (uint64_t)port->attr.max_cqe)
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "%llu completions may be outstanding, but a "
			       "completion queue of %s holds %d: fewer lanes "
			       "(-q) or a smaller depth (--outstanding, -t)",
			       (unsigned long long)cqe, port->name,
			       port->attr.max_cqe);
	if (events) {
		cq->channel = ibv_create_comp_channel(port->ctx);
		if (!cq->channel)
			return err_sys(err, -errno,
				       "cannot create a completion channel");
		ret = fcntl(cq->channel->fd, F_SETFL, O_NONBLOCK);
		if (ret)
			goto destroy_channel;
	}
	errno = 0;
	cq->cq = ibv_create_cq(port->ctx, (int)cqe, NULL, cq->channel, 0);
	if (cq->cq)
		return 0;
destroy_channel:
	snprintf(what, sizeof(what), "a completion queue of %llu entries",
		 (unsigned long long)cqe);
	ret = not_made(port, what, err);
	rdma_cq_destroy(cq);
	return ret;
}

int rdma_cq_destroy(struct rdma_cq *cq)
{
	int ret = cq->cq ? rdma_errno(ibv_destroy_cq(cq->cq)) : 0;

	if (cq->channel)
		ibv_destroy_comp_channel(cq->channel);
	cq->cq = NULL;
	cq->channel = NULL;
	return ret;
}

int rdma_pd_create(struct ibv_pd **pd, const struct rdma_port *port,
		   struct err *err)
{
	errno = 0;
	*pd = ibv_alloc_pd(port->ctx);
	return *pd ? 0 : not_made(port, "a protection domain", err);
}

int rdma_cq_moderate(struct rdma_cq *cq, const struct rdma_port *port,
		     uint16_t count, uint16_t period_us, struct err *err)
{
	struct ibv_modify_cq_attr attr = {
		.attr_mask = IBV_CQ_ATTR_MODERATE,
		.moderate = {.cq_count = count, .cq_period = period_us},
	};
	int ret;

	if (!count && !period_us)
		return 0;
	ret = ibv_modify_cq(cq->cq, &attr);
	if (!ret)
		return 0;
	return err_set(err, -EOPNOTSUPP, REASON_DEVICE_LIMIT,
		       "%s does not moderate completion events "
		       "(ibv_modify_cq: %s)",
		       port->name, strerror(ret < 0 ? -ret : ret));
}

int rdma_srq_create(struct ibv_srq **srq, const struct rdma_port *port,
		    struct ibv_pd *pd, unsigned wrs, unsigned sges,
		    struct err *err)
{
	struct ibv_srq_init_attr attr = {
		.attr = {.max_wr = wrs, .max_sge = sges},
	};
	char what[64];

	if (wrs > (unsigned)port->attr.max_srq_wr)
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "%u receives to be shared, but a queue of %s "
			       "for that holds %d",
			       wrs, port->name, port->attr.max_srq_wr);
	errno = 0;
	*srq = ibv_create_srq(pd, &attr);
	if (*srq)
		return 0;
	snprintf(what, sizeof(what), "a shared receive queue of %u", wrs);
	return not_made(port, what, err);
}

static int check_qp_limits(const struct rdma_port *port,
			   const struct rdma_qp_want *want, struct err *err)
{
	const uint64_t max = (uint64_t)port->attr.max_qp_wr;
	const uint64_t most = want->send_wrs > want->recv_wrs ? want->send_wrs
							      : want->recv_wrs;
	const unsigned pieces =
		want->sges > want->recv_sges ? want->sges : want->recv_sges;

	if (most > max)
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "a queue of %llu work requests is needed, but "
			       "%s takes %llu: smaller messages or a smaller "
			       "depth (-t)",
			       (unsigned long long)most, port->name,
			       (unsigned long long)max);
	if (pieces > (unsigned)port->attr.max_sge)
		return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
			       "%u pieces of memory in a work request, but %s "
			       "takes %d",
			       pieces, port->name, port->attr.max_sge);
	return 0;
}

static struct ibv_qp *try_qp(const struct rdma_qp_want *want,
			     unsigned *inline_bytes)
{
	struct ibv_qp_init_attr attr = {
		.send_cq = want->cq,
		.recv_cq = want->cq,
		.srq = want->srq,
		.qp_type = want->type,
		.cap.max_send_wr = (uint32_t)want->send_wrs,
		.cap.max_recv_wr = (uint32_t)want->recv_wrs,
		.cap.max_send_sge = want->sges,
		.cap.max_recv_sge = want->recv_sges,
		.cap.max_inline_data = *inline_bytes,
	};
	struct ibv_qp *qp;

	errno = 0;
	qp = want->placement
		     ? rdma_flush_create_qp(want->pd, &attr, want->placement)
		     : ibv_create_qp(want->pd, &attr);
	if (qp && attr.cap.max_inline_data < *inline_bytes)
		*inline_bytes = attr.cap.max_inline_data;
	return qp;
}

/* Bisects for the largest that works, knowing that `hi` does not. */
static unsigned probe_inline(const struct rdma_qp_want *want, unsigned hi)
{
	unsigned lo = 0, mid, granted;
	struct ibv_qp *qp;

	while (hi - lo > 1) {
		mid = lo + (hi - lo) / 2;
		granted = mid;
		qp = try_qp(want, &granted);
		if (qp) {
			lo = mid;
			ibv_destroy_qp(qp);
		} else {
			hi = mid;
		}
	}
	return lo;
}

int rdma_qp_inline_max(const struct rdma_qp_want *want, unsigned limit)
{
	unsigned granted = limit;
	struct ibv_qp *qp = try_qp(want, &granted);

	if (!qp)
		granted = probe_inline(want, limit);
	if (!qp && !granted)
		qp = try_qp(want, &granted);
	else if (!qp)
		return (int)granted;
	if (!qp)
		return errno ? -errno : -EIO;
	ibv_destroy_qp(qp);
	return (int)granted;
}

static int inline_refused(const struct rdma_port *port, int asked,
			  unsigned granted, struct err *err)
{
	return err_set(err, -E2BIG, REASON_DEVICE_LIMIT,
		       "%d bytes of inline data asked for (-I), but %s takes "
		       "%u",
		       asked, port->name, granted);
}

int rdma_qp_create(struct ibv_qp **qp, const struct rdma_port *port,
		   const struct rdma_qp_want *want, unsigned *inline_bytes,
		   struct err *err)
{
	const bool asked = want->inline_bytes >= 0;
	unsigned granted = asked ? (unsigned)want->inline_bytes : INLINE_USEFUL;
	char what[96];
	int ret;

	ret = check_qp_limits(port, want, err);
	if (ret)
		return ret;
	*qp = try_qp(want, &granted);
	if (!*qp && errno == EINVAL && granted) {
		granted = probe_inline(want, granted);
		if (asked)
			return inline_refused(port, want->inline_bytes, granted,
					      err);
		*qp = try_qp(want, &granted);
	}
	if (!*qp) {
		snprintf(what, sizeof(what),
			 "a queue pair of %llu + %llu work requests",
			 (unsigned long long)want->send_wrs,
			 (unsigned long long)want->recv_wrs);
		return not_made(port, what, err);
	}
	if (asked && granted < (unsigned)want->inline_bytes) {
		ibv_destroy_qp(*qp);
		*qp = NULL;
		return inline_refused(port, want->inline_bytes, granted, err);
	}
	*inline_bytes = granted;
	return 0;
}

static int modify(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
		  const char *state, struct err *err)
{
	int ret = rdma_errno(ibv_modify_qp(qp, attr, mask));

	if (!ret)
		return 0;
	/* Nobody was asked and refused: on the way to RTR the kernel looks for
	 * the peer's address, and finds the interface down. */
	if (ret == -ENETUNREACH || ret == -EHOSTUNREACH || ret == -ETIMEDOUT)
		return err_set(err, ret, REASON_LINK_FAILED,
			       "queue pair 0x%x does not go to %s, there is no "
			       "way to the peer: %s",
			       qp->qp_num, state, strerror(-ret));
	return err_sys(err, ret, "queue pair 0x%x does not go to %s",
		       qp->qp_num, state);
}

static unsigned remote_access(const struct rdma_port *port)
{
	unsigned access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			  IBV_ACCESS_REMOTE_READ;

	if (port->attr.atomic_cap != IBV_ATOMIC_NONE)
		access |= IBV_ACCESS_REMOTE_ATOMIC;
	return access | rdma_flush_access(&port->placement);
}

/* What the peer may do is decided by each memory region; the queue pair
 * stands in nobody's way. */
int rdma_qp_to_init(struct ibv_qp *qp, const struct rdma_port *port,
		    uint32_t qkey, struct err *err)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_INIT,
		.pkey_index = 0,
		.port_num = (uint8_t)port->port,
		.qkey = qkey,
		.qp_access_flags = remote_access(port),
	};
	int mask = IBV_QP_STATE | IBV_QP_PKEY_INDEX | IBV_QP_PORT;

	if (qp->qp_type == IBV_QPT_UC)
		attr.qp_access_flags &= IBV_ACCESS_REMOTE_WRITE;
	mask |= qp->qp_type == IBV_QPT_UD ? IBV_QP_QKEY : IBV_QP_ACCESS_FLAGS;
	return modify(qp, &attr, mask, "INIT", err);
}

int rdma_qp_rtr_policy(struct ibv_qp_attr *attr)
{
	attr->min_rnr_timer = RNR_TIMER;
	return IBV_QP_MIN_RNR_TIMER;
}

int rdma_qp_rts_policy(struct ibv_qp_attr *attr)
{
	attr->timeout = ACK_TIMEOUT;
	attr->retry_cnt = RETRIES;
	attr->rnr_retry = RNR_RETRIES;
	return IBV_QP_TIMEOUT | IBV_QP_RETRY_CNT | IBV_QP_RNR_RETRY;
}

/* RoCE always addresses by GID; IB by LID, within a subnet. */
static void set_address(struct ibv_ah_attr *ah, const struct rdma_port *port,
			const struct rdma_path *path)
{
	ah->port_num = (uint8_t)port->port;
	ah->dlid = path->remote_lid;
	if (port->port_attr.link_layer == IBV_LINK_LAYER_INFINIBAND)
		return;
	ah->is_global = 1;
	memcpy(ah->grh.dgid.raw, path->remote_gid, 16);
	ah->grh.sgid_index = (uint8_t)port->gid.index;
	ah->grh.hop_limit = HOP_LIMIT;
}

int rdma_ah_create(struct ibv_ah **ah, struct ibv_pd *pd,
		   const struct rdma_port *port, const struct rdma_path *path,
		   struct err *err)
{
	struct ibv_ah_attr attr = {.dlid = 0};

	set_address(&attr, port, path);
	errno = 0;
	*ah = ibv_create_ah(pd, &attr);
	return *ah ? 0 : not_made(port, "an address handle", err);
}

int rdma_qp_to_rtr(struct ibv_qp *qp, const struct rdma_port *port,
		   const struct rdma_path *path, struct err *err)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTR,
		.path_mtu = rdma_mtu_of_bytes(path->mtu_bytes),
		.dest_qp_num = path->remote_qpn,
		.rq_psn = path->recv_psn,
		.max_dest_rd_atomic = path->rd_atomic_in,
	};
	int mask = IBV_QP_STATE;

	set_address(&attr.ah_attr, port, path);
	if (qp->qp_type != IBV_QPT_UD)
		mask |= IBV_QP_AV | IBV_QP_PATH_MTU | IBV_QP_DEST_QPN |
			IBV_QP_RQ_PSN;
	if (qp->qp_type == IBV_QPT_RC)
		mask |= IBV_QP_MAX_DEST_RD_ATOMIC | rdma_qp_rtr_policy(&attr);
	if (path->rnr)
		attr.min_rnr_timer = path->min_rnr_timer;
	return modify(qp, &attr, mask, "RTR", err);
}

int rdma_qp_to_rts(struct ibv_qp *qp, const struct rdma_path *path,
		   struct err *err)
{
	struct ibv_qp_attr attr = {
		.qp_state = IBV_QPS_RTS,
		.sq_psn = path->send_psn,
		.max_rd_atomic = path->rd_atomic_out,
	};
	int mask = IBV_QP_STATE | IBV_QP_SQ_PSN;

	if (qp->qp_type == IBV_QPT_RC)
		mask |= IBV_QP_MAX_QP_RD_ATOMIC | rdma_qp_rts_policy(&attr);
	if (path->rnr)
		attr.rnr_retry = path->rnr_retry;
	return modify(qp, &attr, mask, "RTS", err);
}

int rdma_mtu_choose(unsigned *mtu, const struct rdma_port *port, unsigned asked,
		    struct err *err)
{
	const unsigned active = rdma_port_mtu(port);

	*mtu = asked ? asked : active;
	if (port->iwarp || !asked)
		return 0;
	if (!rdma_mtu_of_bytes(asked))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "MTU %u (-m): RDMA has 256, 512, 1024, 2048 "
			       "and 4096",
			       asked);
	if (asked > active)
		return err_set(err, -EINVAL, REASON_DEVICE_LIMIT,
			       "MTU %u (-m), but port %u of %s has %u: raise "
			       "the MTU of its network interface %s (4096 "
			       "needs 4200 there)",
			       asked, port->port, port->name, active,
			       port->netdev);
	return 0;
}

static int rd_atomic_limit(const struct rdma_port *port)
{
	const int in = port->attr.max_qp_rd_atom;
	const int out = port->attr.max_qp_init_rd_atom;
	const int both = in < out ? in : out;

	return both < UINT8_MAX ? both : UINT8_MAX;
}

uint8_t rdma_rd_atomic_useful(const struct rdma_port *port)
{
	const int most = rd_atomic_limit(port);

	return (uint8_t)(most < RD_ATOMIC_USEFUL ? most : RD_ATOMIC_USEFUL);
}

int rdma_rd_atomic_choose(uint8_t *most, const struct rdma_port *port,
			  unsigned asked, struct err *err)
{
	const int limit = rd_atomic_limit(port);

	if (asked > (unsigned)limit)
		return err_set(err, -EINVAL, REASON_DEVICE_LIMIT,
			       "%u reads and atomics on their way at once "
			       "(--rd-atomic), but a queue pair of %s takes %d",
			       asked, port->name, limit);
	*most = asked ? (uint8_t)asked : rdma_rd_atomic_useful(port);
	return 0;
}
