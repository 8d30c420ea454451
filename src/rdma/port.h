/*
 * An opened device with the port and GID that were chosen.
 */
#ifndef RDMA_PORT_H
#define RDMA_PORT_H

#include <infiniband/verbs.h>

#include "rdma/device.h"
#include "rdma/flush.h"
#include "rdma/gid.h"

struct rdma_port {
	struct ibv_context *ctx;
	struct ibv_cq *cover; /* rdma/siw.h; NULL: none is needed */
	struct ibv_device_attr attr;
	struct ibv_port_attr port_attr;
	unsigned port;
	struct gid gid;
	unsigned n_gids;
	bool software, iwarp;
	/* Of queue pairs made here: nothing until it is asked for
	 * (rdma_flush_query), as they are then of another kind. */
	struct rdma_placement placement;
	char name[RDMA_NAME_MAX];
	char netdev[IF_NAMESIZE];
	struct sockaddr_storage addr; /* ss_family 0: none */
};

/* Opens what is wanted.  no-device and no-permission say the way out.  Before
 * the first device of a process is opened its registered memory is made safe
 * from fork (ibv_fork_init(3)), where the kernel does not do it. */
int rdma_port_open(struct rdma_port *port, const struct rdma_want *want,
		   struct err *err);
void rdma_port_close(struct rdma_port *port);

/* The active MTU of the port in bytes. */
unsigned rdma_port_mtu(const struct rdma_port *port);

/* enum ibv_mtu and back; 0 for what is not one of 256 ... 4096. */
unsigned rdma_mtu_bytes(enum ibv_mtu mtu);
enum ibv_mtu rdma_mtu_of_bytes(unsigned bytes);

/* The building blocks, for rdma_device_list. */
struct ibv_device;
int rdma_port_open_device(struct rdma_port *port, struct ibv_device *dev,
			  struct err *err);
int rdma_port_select(struct rdma_port *port, unsigned number, struct err *err);
int rdma_port_set_gid(struct rdma_port *port, const struct rdma_want *want,
		      struct err *err);
/* The GIDs of the selected port, empty ones left out; returns how many, or
 * -ENOMEM. */
ssize_t rdma_port_gids(const struct rdma_port *port, struct gid *table,
		       size_t max);
const char *rdma_port_state_name(enum ibv_port_state state);

#endif
