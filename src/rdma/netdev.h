/*
 * The network interface under an RDMA port, and its IP address.
 */
#ifndef RDMA_NETDEV_H
#define RDMA_NETDEV_H

#include <net/if.h>
#include <sys/socket.h>

#include "rdma/gid.h"

/* Writes the interface's name, or "" if none is found: what the GID says,
 * else what sysfs says of it, else (siw has neither) the interface whose
 * hardware address the iWARP GID is. */
void netdev_find(const char *device, unsigned port, const struct gid *gid,
		 char name[IF_NAMESIZE]);

/* An IP address of the interface: of the wanted family if it has one, and
 * link-local only if it has nothing better.  0 or -EADDRNOTAVAIL. */
int netdev_addr(const char *name, const struct sockaddr *want,
		struct sockaddr_storage *addr);

#endif
