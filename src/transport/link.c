#include "transport/link.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

static const char *const transport_names[] = {
#define TRANSPORT(t) #t,
#include "transport/list.h"
#undef TRANSPORT
	NULL,
};

static const char *const poll_names[] = {
	[POLL_SPIN] = "spin",
	[POLL_EVENT] = "event",
	[POLL_YIELD] = "yield",
	[LINK_POLL_AUTO] = "auto",
	NULL,
};

static const char *const qp_names[] = {
	[QP_RC] = "rc",
	[QP_UC] = "uc",
	[QP_UD] = "ud",
	NULL,
};

#define AT(field) offsetof(struct link_cfg, field)

static const struct opt opts[] = {
	{.name = "transport",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(transport),
	 .def = "tcp,rdma",
	 .names = transport_names,
	 .metavar = "NAME[,...]",
	 .help = "what carries the data"},
	{.name = "poll",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(poll),
	 .def = "auto",
	 .names = poll_names,
	 .metavar = "MODE[,...]",
	 .help = "how an end waits; auto: spin if this host has a CPU for "
		 "each end that would, else event"},
	{.name = "qp-type",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(qp_type),
	 .def = "rc",
	 .names = qp_names,
	 .metavar = "TYPE[,...]",
	 .help = "RDMA queue pairs: reliable connection, unreliable "
		 "connection (no reads, no atomics), unreliable datagram "
		 "(sends of one packet only)"},
	{.name = "rdma-cm",
	 .letter = 'R',
	 .type = OPT_FLAG,
	 .role = OPT_KNOB,
	 .offset = AT(rdma_cm),
	 .def = "no",
	 .help = "connect by RDMA CM, not by plain verbs (iWARP always does)"},
	{.name = "inline",
	 .letter = 'I',
	 .type = OPT_SIZE,
	 .role = OPT_AXIS,
	 .offset = AT(inline_bytes),
	 .max = 4096,
	 .def = "auto",
	 .word = "auto",
	 .metavar = "SIZE[,...]",
	 .help = "send messages up to this size inline; auto: what the "
		 "device grants, at most 256"},
	{.name = "cq-mod",
	 .letter = 'Q',
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(signal_every),
	 .min = 1,
	 .max = 4096,
	 .def = "16",
	 .metavar = "N[,...]",
	 .column = "signal_every",
	 .help = "ask for a completion of every N-th send; of a window, for "
		 "two at least"},
	{.name = "tx-depth",
	 .letter = 't',
	 .type = OPT_COUNT,
	 .role = OPT_KNOB,
	 .offset = AT(tx_depth),
	 .min = 2,
	 .max = 16384,
	 .def = "128",
	 .metavar = "N",
	 .column = "tx_depth",
	 .help = "send queue depth; at least twice --cq-mod"},
	{.name = "mtu",
	 .letter = 'm',
	 .type = OPT_SIZE,
	 .role = OPT_KNOB,
	 .offset = AT(mtu),
	 .min = 256,
	 .max = 4096,
	 .def = "auto",
	 .word = "auto",
	 .metavar = "SIZE",
	 .column = "path_mtu_asked",
	 .help = "RDMA path MTU; auto: the smaller of both ports'"},
	{.name = "rd-atomic",
	 .letter = 'o',
	 .type = OPT_COUNT,
	 .role = OPT_KNOB,
	 .offset = AT(rd_atomic),
	 .min = 1,
	 .max = 255,
	 .def = "auto",
	 .word = "auto",
	 .metavar = "N",
	 .help = "reads, FLUSHes and atomics that an RC queue pair has on "
		 "their way at once, more wait in the device; auto: what both "
		 "devices take, at most 16"},
	{.name = "device",
	 .letter = 'd',
	 .type = OPT_TEXT,
	 .role = OPT_HOST,
	 .offset = AT(device),
	 .def = "",
	 .metavar = "NAME[,NAME]",
	 .help = "RDMA device, of the client and the server; otherwise the "
		 "first with an active port"},
	{.name = "ib-port",
	 .letter = 'i',
	 .type = OPT_COUNT,
	 .role = OPT_HOST,
	 .offset = AT(ib_port),
	 .min = 1,
	 .max = 255,
	 .def = "auto",
	 .word = "auto",
	 .metavar = "N[,N]",
	 .help = "its port; auto: the first active one"},
	{.name = "gid-index",
	 .letter = 'x',
	 .type = OPT_COUNT,
	 .role = OPT_HOST,
	 .offset = AT(gid_index),
	 .max = 65535,
	 .def = "auto",
	 .word = "auto",
	 .metavar = "N[,N]",
	 .help = "its GID; auto: by address family, then RoCE v2, then scope"},
	{.name = "cpus",
	 .type = OPT_COUNT,
	 .role = OPT_HOST_OWN,
	 .offset = AT(cpu),
	 .max = 4095,
	 .def = "auto",
	 .word = "auto",
	 .metavar = "CPU[,CPU]",
	 .help = "pin the client and the server; auto: the client to the "
		 "first CPU it may use, the server to the last"},
	{.name = "numa",
	 .type = OPT_COUNT,
	 .role = OPT_HOST,
	 .offset = AT(numa),
	 .max = 1023,
	 .def = "auto",
	 .word = "auto",
	 .metavar = "NODE[,NODE]",
	 .help = "bind the buffers of the client and the server to this NUMA "
		 "node; auto: the device's, where that is known"},
};

const struct opt_group link_opts = {
	.title = "link",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

bool link_names_device(const struct link_cfg *l)
{
	return l->device[0] || l->ib_port != OPT_WORD ||
	       l->gid_index != OPT_WORD;
}

int link_check(const struct link_cfg *l, struct err *err)
{
	if (l->tx_depth < 2 * l->signal_every)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--tx-depth %u: less than twice --cq-mod %u",
			       (unsigned)l->tx_depth,
			       (unsigned)l->signal_every);
	if (l->mtu != OPT_WORD && (l->mtu & (l->mtu - 1)))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--mtu %u: not one of 256, 512, 1024, 2048, "
			       "4096, auto",
			       (unsigned)l->mtu);
	return 0;
}

static unsigned number_or(uint64_t v, unsigned instead)
{
	return v == OPT_WORD ? instead : (unsigned)v;
}

void link_attr(const struct link_cfg *l, struct ep_attr *attr)
{
	struct sockaddr_in *loopback = (void *)&attr->data_addr;

	memset(attr, 0, sizeof(*attr));
	attr->poll = (enum poll_mode)l->poll;
	attr->lanes = 1;
	attr->send_depth = (unsigned)l->tx_depth;
	attr->recv_depth = 1;
	attr->max_bytes = 1;
	loopback->sin_family = AF_INET;
	loopback->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	attr->signal_every = (unsigned)l->signal_every;
	attr->inline_bytes =
		l->inline_bytes == OPT_WORD ? -1 : (int)l->inline_bytes;
	attr->device = l->device;
	attr->ib_port = number_or(l->ib_port, 0);
	attr->gid_index = l->gid_index == OPT_WORD ? -1 : (int)l->gid_index;
	attr->mtu = number_or(l->mtu, 0);
	attr->rd_atomic = number_or(l->rd_atomic, 0);
	attr->qp_type = (enum qp_type)l->qp_type;
	attr->rdma_cm = l->rdma_cm != 0;
}
