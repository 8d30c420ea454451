#include "run/data_addr.h"

#include <netinet/in.h>
#include <string.h>

#include "rdma/device.h"
#include "transport/netif.h"

void data_addr_choose(const struct link_cfg *link, int control_fd,
		      struct sockaddr_storage *addr)
{
	socklen_t len = sizeof(*addr);
	struct sockaddr_storage control, device;
	struct rdma_want want = {
		.device = link->device,
		.port = link->ib_port == OPT_WORD ? 0 : (unsigned)link->ib_port,
		.gid_index =
			link->gid_index == OPT_WORD ? -1 : (int)link->gid_index,
		.addr = (const struct sockaddr *)&control,
	};
	struct err ignored;

	memset(addr, 0, sizeof(*addr));
	if (getsockname(control_fd, (struct sockaddr *)addr, &len))
		addr->ss_family = AF_INET;
	/* The control channel tells which address family the peer speaks:
	 * the GID policy wants to know.  Without a device its address
	 * stays, and with one whose interface is in another network
	 * namespace: verbs see the device from there as well. */
	control = *addr;
	if (!rdma_data_addr(&want, &device, &ignored) &&
	    netif_is_local(&device))
		*addr = device;
	if (addr->ss_family == AF_INET)
		((struct sockaddr_in *)addr)->sin_port = 0;
	else if (addr->ss_family == AF_INET6)
		((struct sockaddr_in6 *)addr)->sin6_port = 0;
}
