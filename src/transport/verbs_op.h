/* Operations as work requests: which opcodes they are, and what they do. */
#ifndef TRANSPORT_VERBS_OP_H
#define TRANSPORT_VERBS_OP_H

#include <infiniband/verbs.h>

#include "rdma/port.h"
#include "transport/transport.h"

/* Messages, operations on the peer's memory, and those with operands. */
enum verbs_kind { KIND_NONE, KIND_MESSAGE, KIND_REMOTE, KIND_ATOMIC };

struct verbs_op {
	enum verbs_kind kind;
	enum ibv_wr_opcode opcode; /* of the last piece */
	enum ibv_wr_opcode more;   /* of those before */
	bool carries;		   /* payload goes out, may be inline */
	bool tells;		   /* takes a receive at the peer */
	uint8_t level;		   /* enum level, of its completion */
};
extern const struct verbs_op verbs_op_table[OP_COUNT]; /* by enum op */

/* OP_BITs of what a device can do with such queue pairs. */
unsigned verbs_ops(const struct rdma_port *port, enum qp_type qp_type);

#endif
