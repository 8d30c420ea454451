/*
 * What has befallen an opened device, for the words of a failure: a failed
 * completion tells what became of one work request, and blames the program
 * where a cable was pulled.
 *
 * Sources: the port's state now, and the device's asynchronous events
 * (ibv_get_async_event(3)), which it keeps until somebody takes them.
 */
#ifndef RDMA_TROUBLE_H
#define RDMA_TROUBLE_H

#include "rdma/port.h"

enum rdma_trouble {
	RDMA_TROUBLE_NONE,  /* nothing is known */
	RDMA_TROUBLE_EVENT, /* something was told that may be the cause */
	RDMA_TROUBLE_PORT,  /* nothing goes over this port now */
};

enum { RDMA_TROUBLE_TEXT = 160 };

/* "port 1 of rxe0 is down".  Never waits; takes the events that are there, the
 * first that means harm being told.  `text` is "" for NONE. */
enum rdma_trouble rdma_trouble_find(const struct rdma_port *port,
				    char text[RDMA_TROUBLE_TEXT]);

#endif
