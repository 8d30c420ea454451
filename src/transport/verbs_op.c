#include "transport/verbs_op.h"

#include "rdma/flush.h"

/* Those that older headers do not name. */
#define WR(opcode) ((enum ibv_wr_opcode)(opcode))

/*
 * A level is what is promised when the work completes.  An RC acknowledgement
 * says that the peer's device has the message, not that its program or even its
 * memory does (IBTA 1.4, 9.7.5.1.6 and o9-20), and on iWARP only that TCP took
 * it: a send or write promises the local buffer, no more.  A read or atomic came
 * back from the peer's memory, after all that was sent before it.  So did a
 * FLUSH: of persistent placement it promises more.
 */
const struct verbs_op verbs_op_table[OP_COUNT] = {
	[OP_SEND] = {KIND_MESSAGE, IBV_WR_SEND, IBV_WR_SEND, true, true,
		     LEVEL_LOCAL},
	[OP_RECV] = {.level = LEVEL_DELIVERED},
	[OP_WRITE] = {KIND_REMOTE, IBV_WR_RDMA_WRITE, IBV_WR_RDMA_WRITE, true,
		      false, LEVEL_LOCAL},
	[OP_WRITE_IMM] = {KIND_REMOTE, IBV_WR_RDMA_WRITE_WITH_IMM,
			  IBV_WR_RDMA_WRITE, true, true, LEVEL_LOCAL},
	[OP_READ] = {KIND_REMOTE, IBV_WR_RDMA_READ, IBV_WR_RDMA_READ, false,
		     false, LEVEL_PLACED},
	[OP_FETCH_ADD] = {KIND_ATOMIC, IBV_WR_ATOMIC_FETCH_AND_ADD,
			  IBV_WR_ATOMIC_FETCH_AND_ADD, false, false,
			  LEVEL_PLACED},
	[OP_CMP_SWAP] = {KIND_ATOMIC, IBV_WR_ATOMIC_CMP_AND_SWP,
			 IBV_WR_ATOMIC_CMP_AND_SWP, false, false, LEVEL_PLACED},
	[OP_ATOMIC_WRITE] = {KIND_REMOTE, WR(RDMA_WR_ATOMIC_WRITE),
			     WR(RDMA_WR_ATOMIC_WRITE), false, false,
			     LEVEL_PLACED},
	[OP_FLUSH] = {KIND_ATOMIC, WR(RDMA_WR_FLUSH), WR(RDMA_WR_FLUSH), false,
		      false, LEVEL_PLACED},
};

/* IBTA 1.4, table 45: operations by transport service. */
static const unsigned ops_of_type[QP_TYPES] = {
	[QP_RC] = ~0u,
	[QP_UC] = OP_BIT(OP_SEND) | OP_BIT(OP_RECV) | OP_BIT(OP_WRITE) |
		  OP_BIT(OP_WRITE_IMM),
	[QP_UD] = OP_BIT(OP_SEND) | OP_BIT(OP_RECV),
};

unsigned verbs_ops(const struct rdma_port *port, enum qp_type qp_type)
{
	unsigned ops = OP_BIT(OP_SEND) | OP_BIT(OP_RECV) | OP_BIT(OP_WRITE) |
		       OP_BIT(OP_READ);

	/* RFC 5040 has no immediate data; siw follows it. */
	if (!port->iwarp)
		ops |= OP_BIT(OP_WRITE_IMM);
	if (port->attr.atomic_cap != IBV_ATOMIC_NONE)
		ops |= OP_BIT(OP_FETCH_ADD) | OP_BIT(OP_CMP_SWAP);
	if (port->placement.global || port->placement.persistent)
		ops |= OP_BIT(OP_FLUSH);
	if (port->placement.atomic_write)
		ops |= OP_BIT(OP_ATOMIC_WRITE);
	return ops & ops_of_type[qp_type];
}
