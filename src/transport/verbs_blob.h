/*
 * What one end of a verbs link tells the other, packed into the blob that
 * the engine carries: big-endian, without padding, with a magic number and a
 * version.  It comes from the wire, so unpacking trusts nothing in it.
 */
#ifndef TRANSPORT_VERBS_BLOB_H
#define TRANSPORT_VERBS_BLOB_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/err.h"
#include "transport/transport.h"

/* As many 24-bit QP numbers as a blob has room for beside the rest. */
enum { VERBS_LANES_MAX = 4096 };

struct verbs_blob {
	bool rdma_cm;
	bool iwarp;
	bool infiniband;   /* link layer */
	uint8_t qp_type;   /* enum qp_type */
	uint8_t rd_atomic; /* reads the end answers at a time */
	uint16_t lid;	   /* 0 on Ethernet */
	uint16_t n_lanes;
	uint32_t mtu_bytes;	/* 0 on iWARP */
	uint32_t psn;		/* the end's first, of every lane */
	uint32_t qkey;		/* datagrams to the end carry it; below 2^31 */
	uint32_t segment_bytes; /* messages are cut into pieces of so many */
	uint32_t recv_depth;	/* messages */
	uint8_t gid[16];
	uint8_t nonce[16]; /* the session's: plain verbs have nothing else
			    * that could say whose blob this is;
			    * zero with RDMA CM */
	struct sockaddr_storage addr; /* RDMA CM: where the passive end listens
				       * (ss_family 0: the active end) */
	uint32_t qpn[VERBS_LANES_MAX];
};

void verbs_blob_pack(struct blob *blob, const struct verbs_blob *in);

/* -EPROTO and peer-protocol for whatever verbs_blob_pack cannot have made.
 * `out` is written in any case. */
int verbs_blob_unpack(struct verbs_blob *out, const struct blob *blob,
		      struct err *err);

#endif
