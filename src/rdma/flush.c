#include "rdma/flush.h"

#include <errno.h>
#include <string.h>

/* Bits of device_cap_flags_ex (include/uapi/rdma/ib_user_verbs.h): older
 * headers carry them all the same. */
#define CAP_FLUSH_GLOBAL (1ull << 38)
#define CAP_FLUSH_PERSISTENT (1ull << 39)
#define CAP_ATOMIC_WRITE (1ull << 40)

int rdma_flush_query(struct ibv_context *ctx, struct rdma_placement *can)
{
	struct ibv_device_attr_ex attr;
	int ret;

	memset(can, 0, sizeof(*can));
	memset(&attr, 0, sizeof(attr));
	ret = ibv_query_device_ex(ctx, NULL, &attr);
	if (ret)
		return -ret;
	can->global = attr.device_cap_flags_ex & CAP_FLUSH_GLOBAL;
	can->persistent = attr.device_cap_flags_ex & CAP_FLUSH_PERSISTENT;
	can->atomic_write = attr.device_cap_flags_ex & CAP_ATOMIC_WRITE;
	return 0;
}

unsigned rdma_flush_access(const struct rdma_placement *can)
{
	return (can->global ? (unsigned)RDMA_ACCESS_FLUSH_GLOBAL : 0) |
	       (can->persistent ? (unsigned)RDMA_ACCESS_FLUSH_PERSISTENT : 0);
}

#if !HAVE_IBV_WR_FLUSH

bool rdma_flush_built(void)
{
	return false;
}

struct ibv_qp *rdma_flush_create_qp(struct ibv_pd *pd,
				    struct ibv_qp_init_attr *attr,
				    const struct rdma_placement *can)
{
	(void)pd;
	(void)attr;
	(void)can;
	errno = EOPNOTSUPP;
	return NULL;
}

int rdma_flush_post(struct ibv_qp *qp, const struct ibv_send_wr *wr)
{
	(void)qp;
	(void)wr;
	return EOPNOTSUPP;
}

#endif
