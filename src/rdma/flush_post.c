/* The half of rdma/flush.h that wants rdma-core 45. */
#include "rdma/flush.h"

#if HAVE_IBV_WR_FLUSH

#include <errno.h>

_Static_assert((int)IBV_WR_FLUSH == RDMA_WR_FLUSH &&
		       (int)IBV_WR_ATOMIC_WRITE == RDMA_WR_ATOMIC_WRITE,
	       "rdma-core numbers its opcodes otherwise");
_Static_assert((int)IBV_ACCESS_FLUSH_GLOBAL == RDMA_ACCESS_FLUSH_GLOBAL &&
		       (int)IBV_ACCESS_FLUSH_PERSISTENT ==
			       RDMA_ACCESS_FLUSH_PERSISTENT,
	       "rdma-core numbers its access flags otherwise");

bool rdma_flush_built(void)
{
	return true;
}

struct ibv_qp *rdma_flush_create_qp(struct ibv_pd *pd,
				    struct ibv_qp_init_attr *attr,
				    const struct rdma_placement *can)
{
	struct ibv_qp_init_attr_ex ex = {
		.qp_context = attr->qp_context,
		.send_cq = attr->send_cq,
		.recv_cq = attr->recv_cq,
		.srq = attr->srq,
		.cap = attr->cap,
		.qp_type = attr->qp_type,
		.comp_mask =
			IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = pd,
		.send_ops_flags = IBV_QP_EX_WITH_RDMA_WRITE |
				  IBV_QP_EX_WITH_RDMA_WRITE_WITH_IMM |
				  IBV_QP_EX_WITH_SEND |
				  IBV_QP_EX_WITH_RDMA_READ,
	};
	struct ibv_qp *qp;

	if (can->global || can->persistent)
		ex.send_ops_flags |= IBV_QP_EX_WITH_FLUSH;
	if (can->atomic_write)
		ex.send_ops_flags |= IBV_QP_EX_WITH_ATOMIC_WRITE;
	qp = ibv_create_qp_ex(pd->context, &ex);
	if (qp)
		attr->cap = ex.cap;
	return qp;
}

/* Inline is one piece here: rxe's provider copies it, but leaves it to the flag
 * of the work request to tell the kernel that it did. */
static bool is_inline(const struct ibv_send_wr *wr)
{
	return wr->num_sge == 1 && wr->send_flags & IBV_SEND_INLINE;
}

static void set_memory(struct ibv_qp_ex *qp, const struct ibv_send_wr *wr)
{
	if (is_inline(wr))
		ibv_wr_set_inline_data(qp, (void *)(uintptr_t)wr->sg_list->addr,
				       wr->sg_list->length);
	else if (wr->num_sge)
		ibv_wr_set_sge_list(qp, (size_t)wr->num_sge, wr->sg_list);
}

static void flush(struct ibv_qp_ex *qp, const struct ibv_send_wr *wr)
{
	ibv_wr_flush(qp, wr->wr.atomic.rkey, wr->wr.atomic.remote_addr,
		     wr->wr.atomic.compare_add,
		     wr->wr.atomic.swap ? IBV_FLUSH_PERSISTENT
					: IBV_FLUSH_GLOBAL,
		     IBV_FLUSH_RANGE);
}

static int post_one(struct ibv_qp_ex *qp, const struct ibv_send_wr *wr)
{
	const uint32_t rkey = wr->wr.rdma.rkey;
	const uint64_t at = wr->wr.rdma.remote_addr;

	qp->wr_id = wr->wr_id;
	qp->wr_flags = wr->send_flags & ~(unsigned)IBV_SEND_INLINE;
	if (is_inline(wr))
		qp->wr_flags |= IBV_SEND_INLINE;
	switch ((int)wr->opcode) {
	case RDMA_WR_FLUSH:
		flush(qp, wr);
		return 0;
	case RDMA_WR_ATOMIC_WRITE:
		ibv_wr_atomic_write(qp, rkey, at,
				    (void *)(uintptr_t)wr->sg_list->addr);
		return 0;
	case IBV_WR_RDMA_WRITE:
		ibv_wr_rdma_write(qp, rkey, at);
		break;
	case IBV_WR_RDMA_WRITE_WITH_IMM:
		ibv_wr_rdma_write_imm(qp, rkey, at, wr->imm_data);
		break;
	case IBV_WR_RDMA_READ:
		ibv_wr_rdma_read(qp, rkey, at);
		break;
	case IBV_WR_SEND:
		ibv_wr_send(qp);
		break;
	default:
		return EOPNOTSUPP;
	}
	set_memory(qp, wr);
	return 0;
}

int rdma_flush_post(struct ibv_qp *qp, const struct ibv_send_wr *wr)
{
	struct ibv_qp_ex *ex = ibv_qp_to_qp_ex(qp);
	int ret = 0;

	ibv_wr_start(ex);
	for (; wr && !ret; wr = wr->next)
		ret = post_one(ex, wr);
	if (!ret)
		return ibv_wr_complete(ex);
	ibv_wr_abort(ex);
	return ret;
}

#endif
