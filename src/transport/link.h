/* The options of a link, and what a transport is opened with because of
 * them. */
#ifndef TRANSPORT_LINK_H
#define TRANSPORT_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/opt.h"
#include "transport/transport.h"

/* Beyond enum poll_mode: the run settles it before a link is opened. */
enum { LINK_POLL_AUTO = POLL_COUNT };

struct link_cfg {
	uint64_t transport; /* axis; transport_at() of it */
	uint64_t poll;	    /* axis; enum poll_mode or LINK_POLL_AUTO */
	uint64_t qp_type;   /* axis; enum qp_type */
	uint64_t rdma_cm;
	uint64_t inline_bytes; /* OPT_WORD: auto */
	uint64_t signal_every;
	uint64_t tx_depth;
	uint64_t mtu;	    /* OPT_WORD: the port's */
	uint64_t rd_atomic; /* OPT_WORD: auto */
	char device[OPT_TEXT_MAX];
	uint64_t ib_port;   /* OPT_WORD: first active */
	uint64_t gid_index; /* OPT_WORD: by policy */
	uint64_t cpu;	    /* OPT_WORD: auto */
	uint64_t numa;	    /* OPT_WORD: the device's */
};

extern const struct opt_group link_opts;

/* Values that are each within bounds, and no link's: 0 or -EINVAL with
 * words. */
int link_check(const struct link_cfg *l, struct err *err);

static inline const struct transport *link_transport(const struct link_cfg *l)
{
	return transport_at((unsigned)l->transport);
}

/* A device, port or GID was asked for by name: not having it is a failure,
 * not a result. */
bool link_names_device(const struct link_cfg *l);

/* Fills what the options say; the caller adds role, sizes and session. */
void link_attr(const struct link_cfg *l, struct ep_attr *attr);

#endif
