#include "rdma/cm_port.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum { PORT_TRIES = 16, STEP_TIMEOUT_MS = 4000 };

/* An id that came to nothing; errno stays that of what failed. */
static int drop(struct rdma_cm_id **id)
{
	const int e = errno;

	if (*id)
		rdma_destroy_id(*id);
	*id = NULL;
	errno = e;
	return -1;
}

/* With any port. */
static struct sockaddr_storage addr_of(const struct sockaddr *sa)
{
	struct sockaddr_storage addr = {.ss_family = AF_UNSPEC};

	memcpy(&addr, sa,
	       sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					 : sizeof(struct sockaddr_in));
	/* The port is at the same place for both families. */
	((struct sockaddr_in *)&addr)->sin_port = 0;
	return addr;
}

static int change_port(struct rdma_cm_id **id)
{
	struct sockaddr_storage from = addr_of(rdma_get_local_addr(*id));
	struct sockaddr_storage to = addr_of(rdma_get_peer_addr(*id));
	struct rdma_event_channel *channel = (*id)->channel;
	void *const context = (*id)->context;

	((struct sockaddr_in *)&to)->sin_port = rdma_get_dst_port(*id);
	if (rdma_destroy_id(*id))
		return -1;
	*id = NULL;
	if (rdma_create_id(NULL, id, context, RDMA_PS_TCP))
		return drop(id);
	/* Without a channel each of these waits for its event. */
	if (rdma_resolve_addr(*id, (struct sockaddr *)&from,
			      (struct sockaddr *)&to, STEP_TIMEOUT_MS) ||
	    rdma_resolve_route(*id, STEP_TIMEOUT_MS) ||
	    rdma_migrate_id(*id, channel))
		return drop(id);
	return 0;
}

int cm_port_connect(struct rdma_cm_id **id, struct rdma_conn_param *param,
		    unsigned *changed)
{
	*changed = 0;
	while (rdma_connect(*id, param)) {
		if (errno != EADDRINUSE || *changed == PORT_TRIES - 1 ||
		    change_port(id))
			return -1;
		++*changed;
	}
	return 0;
}

static int listen_once(struct rdma_event_channel *channel,
		       struct rdma_cm_id **id, const struct sockaddr *addr,
		       int backlog)
{
	struct sockaddr_storage any_port = addr_of(addr);

	if (rdma_create_id(channel, id, NULL, RDMA_PS_TCP))
		return drop(id);
	if (rdma_bind_addr(*id, (struct sockaddr *)&any_port))
		return drop(id);
	if (!(*id)->verbs) {
		errno = ENODEV;
		return drop(id);
	}
	return rdma_listen(*id, backlog) ? drop(id) : 0;
}

int cm_port_listen(struct rdma_event_channel *channel, struct rdma_cm_id **id,
		   const struct sockaddr *addr, int backlog)
{
	unsigned tries = 0;

	*id = NULL;
	while (listen_once(channel, id, addr, backlog))
		if (errno != EADDRINUSE || ++tries == PORT_TRIES)
			return -1;
	return 0;
}
