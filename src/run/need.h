/* What a point asks of its link and of its ends. */
#ifndef RUN_NEED_H
#define RUN_NEED_H

#include <stdbool.h>
#include <stdint.h>

#include "metric/headline.h"
#include "transport/transport.h"

/* Filled from the scenario's options. */
struct need {
	unsigned ops;	    /* OP_BIT()s that the transport must have */
	uint64_t max_bytes; /* the largest message */
	unsigned recv_depth;
	unsigned send_depth; /* work outstanding per lane; 0: --tx-depth */
	unsigned lanes;	     /* 0: one */
	unsigned sges;	     /* pieces in a work; 0: up to 4 */
	unsigned peers;	     /* that the client has a link to; 0: one */
	unsigned workers;    /* of each end, that wait at once; 0: one */
	struct ep_extras extras;
	/* No link is opened (end->ep is NULL): the scenario measures something
	 * local, or makes connections of its own. */
	bool no_link;
	/* With no_link: it opens an RDMA device itself. */
	bool rdma;
	/* The server has no part in it (with no_link), as if the scenario
	 * had none. */
	bool client_alone;
	uint64_t lock_bytes;	/* memory to be registered at one end */
	uint64_t plain_bytes;	/* beside that, and not registered */
	const char *op;		/* for the row: "send" */
	uint64_t size_bytes;	/* for the row */
	bool open_loop;		/* for the row */
	enum headline headline; /* by what it is judged */
	/* The server's hardware prefetchers are switched, which it must allow:
	 * whoever else works there feels it. */
	bool switches_prefetchers;
};

#endif
