/*
 * Which GID to use: a pure function over a table, so that it can be tested
 * on any table without a device.
 *
 * A RoCE port has a GID for every IP address of its network interface, in
 * both RoCE versions, in an order that changes whenever an address comes or
 * goes.  An index is therefore no stable choice; a policy is:
 *
 *	1. the GID that is the wanted address itself, if an address is wanted
 *	2. the address family of the peer
 *	3. RoCE v2 (routable UDP) before v1
 *	4. a global address before the host's own before a link-local one
 *	5. the lowest index
 */
#ifndef RDMA_GID_H
#define RDMA_GID_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

enum gid_type { GID_IB, GID_ROCE_V1, GID_ROCE_V2, GID_IWARP, GID_TYPES };

struct gid {
	uint32_t index; /* in the port's table */
	enum gid_type type;
	uint32_t ifindex; /* of the network interface; 0: not known */
	uint8_t raw[16];
};

/* "IB", "RoCE v1", "RoCE v2", "iWARP". */
const char *gid_type_name(enum gid_type type);

/* The best of `table` for `want`: NULL or AF_UNSPEC for no preference, a
 * family without an address (all zero), or an address.  NULL only if the
 * table has no GID that is not zero. */
const struct gid *gid_pick(const struct gid *table, size_t n,
			   const struct sockaddr *want);

/* The GID as an IP address: ::ffff:a.b.c.d becomes IPv4, everything else of
 * a RoCE or IB GID is IPv6 with the interface as scope of a link-local one.
 * -EADDRNOTAVAIL for an iWARP GID, which is a hardware address. */
int gid_to_addr(const struct gid *gid, struct sockaddr_storage *addr);

/* "10.9.9.1" or "fe80::1"; at least INET6_ADDRSTRLEN bytes.  Returns buf. */
const char *gid_to_text(const struct gid *gid, char *buf, size_t size);

#endif
