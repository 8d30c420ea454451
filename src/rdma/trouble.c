#include "rdma/trouble.h"

#include <fcntl.h>
#include <stdio.h>

/* What a device tells of in normal life, or what its port's state says
 * better. */
static bool is_harmless(enum ibv_event_type type)
{
	switch (type) {
	case IBV_EVENT_COMM_EST:
	case IBV_EVENT_SQ_DRAINED:
	case IBV_EVENT_PATH_MIG:
	case IBV_EVENT_PORT_ACTIVE:
	case IBV_EVENT_LID_CHANGE:
	case IBV_EVENT_PKEY_CHANGE:
	case IBV_EVENT_SM_CHANGE:
	case IBV_EVENT_SRQ_LIMIT_REACHED:
	case IBV_EVENT_QP_LAST_WQE_REACHED:
	case IBV_EVENT_CLIENT_REREGISTER:
	case IBV_EVENT_GID_CHANGE:
		return true;
	default:
		return false;
	}
}

static bool is_of_port(const struct ibv_async_event *ev,
		       const struct rdma_port *port)
{
	return ev->event_type != IBV_EVENT_PORT_ERR ||
	       ev->element.port_num == (int)port->port;
}

/* All are taken, whichever is told: each must be acknowledged, or what it is
 * of could not be destroyed. */
static bool take_events(const struct rdma_port *port,
			enum ibv_event_type *first)
{
	const int fd = port->ctx->async_fd;
	struct ibv_async_event ev;
	bool found = false;

	if (fcntl(fd, F_SETFL, O_NONBLOCK))
		return false;
	while (!ibv_get_async_event(port->ctx, &ev)) {
		if (!found && !is_harmless(ev.event_type) &&
		    is_of_port(&ev, port)) {
			*first = ev.event_type;
			found = true;
		}
		ibv_ack_async_event(&ev);
	}
	return found;
}

enum rdma_trouble rdma_trouble_find(const struct rdma_port *port,
				    char text[RDMA_TROUBLE_TEXT])
{
	struct ibv_port_attr attr;
	enum ibv_event_type event;

	text[0] = '\0';
	if (ibv_query_port(port->ctx, (uint8_t)port->port, &attr)) {
		snprintf(text, RDMA_TROUBLE_TEXT,
			 "port %u of %s cannot be asked any more: the device "
			 "was removed, or failed",
			 port->port, port->name);
		return RDMA_TROUBLE_PORT;
	}
	if (attr.state != IBV_PORT_ACTIVE &&
	    attr.state != IBV_PORT_ACTIVE_DEFER) {
		snprintf(text, RDMA_TROUBLE_TEXT, "port %u of %s is %s",
			 port->port, port->name,
			 rdma_port_state_name(attr.state));
		return RDMA_TROUBLE_PORT;
	}
	if (!take_events(port, &event))
		return RDMA_TROUBLE_NONE;
	snprintf(text, RDMA_TROUBLE_TEXT, "%s told of a %s", port->name,
		 ibv_event_type_str(event));
	return RDMA_TROUBLE_EVENT;
}
