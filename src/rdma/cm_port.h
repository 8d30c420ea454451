/*
 * RDMA CM's ports on iWARP.
 *
 * A connection there is one of TCP's, but RDMA CM chooses its port without
 * asking TCP: one that a socket has is refused (EADDRINUSE) when it comes to
 * connecting or listening.  Up to 15 others are tried then.
 */
#ifndef RDMA_CM_PORT_H
#define RDMA_CM_PORT_H

#include <rdma/rdma_cma.h>

/* rdma_connect of an id that has its route.  Afterwards `*id` may be another,
 * on the same channel and with the same context; *changed: how often.
 * 0, or -1 and errno; `*id` is NULL then if there is none left. */
int cm_port_connect(struct rdma_cm_id **id, struct rdma_conn_param *param,
		    unsigned *changed);

/* A listener on an address, whose port is RDMA CM's choice.  0, or -1 and
 * errno, ENODEV where the address is no device's; `*id` as above. */
int cm_port_listen(struct rdma_event_channel *channel, struct rdma_cm_id **id,
		   const struct sockaddr *addr, int backlog);

#endif
