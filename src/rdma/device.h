/*
 * Which RDMA devices this host has, for people (`list devices`) and for the
 * session, which asks where data links should live.  No verbs header is
 * needed here; rdma/port.h has an opened device.
 *
 * A device is "software" if its packets are made by this host's CPUs: rxe
 * and siw say so by their vendor ids, any other by having no parent device
 * in sysfs (no bus it sits on).
 */
#ifndef RDMA_DEVICE_H
#define RDMA_DEVICE_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"

enum { RDMA_NAME_MAX = 64 };

/* One port of one device. */
struct rdma_device_info {
	char name[RDMA_NAME_MAX]; /* "rxe0" */
	unsigned port;		  /* they count from 1 */
	bool software, iwarp, active;
	char link_layer[16]; /* "Ethernet", "InfiniBand" */
	char state[16];	     /* "active", "down", ... */
	unsigned mtu_bytes;  /* active; 0: not known */
	uint64_t max_message_bytes;
	char netdev[IF_NAMESIZE];     /* "" if there is none */
	struct sockaddr_storage addr; /* ss_family 0: it has no IP address */
	char gid[96];		      /* "1 RoCE v2 10.9.9.1" */
	char note[ERR_TEXT_MAX];      /* why it cannot be used; "" if it can */
};

/* What is asked for, by name or by policy. */
struct rdma_want {
	const char *device; /* "" or NULL: the first with an active port */
	unsigned port;	    /* 0: the first active one */
	int gid_index;	    /* -1: by policy, see rdma/gid.h */
	const struct sockaddr *addr; /* for the policy; NULL: whatever */
};

/* Fills up to `max`; returns how many ports there are (it may be more, or
 * 0), or -errno.  A device that may not be opened is in it, with a note. */
int rdma_device_list(struct rdma_device_info *infos, unsigned max,
		     struct err *err);

/* The IP address behind the wanted device: RDMA CM and the TCP sockets it is
 * compared with both live there.  Port 0. */
int rdma_data_addr(const struct rdma_want *want, struct sockaddr_storage *addr,
		   struct err *err);

#endif
