/*
 * Where data links live.  TCP and RDMA are compared over the same address:
 * if an RDMA device is usable here, its IP address; else the address of the
 * control connection.
 */
#ifndef RUN_DATA_ADDR_H
#define RUN_DATA_ADDR_H

#include <sys/socket.h>

#include "transport/link.h"

void data_addr_choose(const struct link_cfg *link, int control_fd,
		      struct sockaddr_storage *addr);

#endif
