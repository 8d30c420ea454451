/*
 * What this process holds of an RDMA device by the kernel's own count, that
 * of `rdma resource show` (netlink, RDMA_NLDEV_CMD_RES_*_GET, Linux 4.17;
 * rdma-resource(8)): what a program forgot to end is seen here and nowhere
 * else.  Memory windows and address handles are not counted by the kernel.
 */
#ifndef RDMA_RESOURCES_H
#define RDMA_RESOURCES_H

#include <stdint.h>

enum rdma_resource {
	RDMA_RESOURCE_PD,
	RDMA_RESOURCE_CQ,
	RDMA_RESOURCE_QP,
	RDMA_RESOURCE_MR,
	RDMA_RESOURCE_CM_ID,
	RDMA_RESOURCES
};

struct rdma_resources {
	uint64_t n[RDMA_RESOURCES];
};

/* Of this process, on the device of that name ("rxe0").  -errno where the
 * kernel does not tell; *r is then as it was. */
int rdma_resources_read(struct rdma_resources *r, const char *device);

/* How many more there are than before; of a kind that became fewer, none. */
uint64_t rdma_resources_left(const struct rdma_resources *before,
			     const struct rdma_resources *after);

/* What is left, for an error: "2 QP, 1 CM id". */
enum { RDMA_RESOURCES_TEXT = 128 };
const char *rdma_resources_text(char *buf, const struct rdma_resources *before,
				const struct rdma_resources *after);

/*
 * The same from an answer of the kernel: *n grows by those of `pid` in one
 * netlink message of this kind, `len` bytes behind its header.
 */
void rdma_resources_count(const void *attrs, uint32_t len,
			  enum rdma_resource kind, uint32_t pid, uint64_t *n);

#endif
