#include "transport/verbs_blob.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

enum {
	MAGIC = 0x7652, /* "vR" */
	VERSION = 3,
	FLAG_RDMA_CM = 1,
	FLAG_IWARP = 2,
	FLAG_INFINIBAND = 4,
	FLAGS_ALL = 7,
	NONCE_BYTES = 16,
	ADDR_BYTES = 1 + 2 + 4 + 16, /* family, port, scope, address */
	FIXED_BYTES = 2 + 1 + 1 + 1 + 1 + 2 + 2 + 4 + 4 + 4 + 4 + 4 + 16 +
		      ADDR_BYTES + NONCE_BYTES,
	QPN_BYTES = 3,
	WIRE_NO_ADDR = 0,
	WIRE_IPV4 = 4,
	WIRE_IPV6 = 6,
	BITS_24 = 0xffffff,
};
_Static_assert(FIXED_BYTES + VERBS_LANES_MAX * QPN_BYTES <= BLOB_MAX,
	       "the lanes do not fit into a blob");

struct cursor {
	uint8_t *p;
};

static void put(struct cursor *c, uint32_t value, unsigned bytes)
{
	while (bytes--)
		*c->p++ = (uint8_t)(value >> (8 * bytes));
}

static uint32_t get(struct cursor *c, unsigned bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value << 8 | *c->p++;
	return value;
}

static void put_bytes(struct cursor *c, const void *from, size_t n)
{
	memcpy(c->p, from, n);
	c->p += n;
}

static void get_bytes(struct cursor *c, void *to, size_t n)
{
	memcpy(to, c->p, n);
	c->p += n;
}

static void put_addr(struct cursor *c, const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *in6 = (const void *)addr;
	const struct sockaddr_in *in = (const void *)addr;
	uint8_t raw[16] = {0};

	if (addr->ss_family == AF_INET) {
		memcpy(raw, &in->sin_addr, 4);
		put(c, WIRE_IPV4, 1);
		put(c, ntohs(in->sin_port), 2);
		put(c, 0, 4);
	} else if (addr->ss_family == AF_INET6) {
		memcpy(raw, &in6->sin6_addr, 16);
		put(c, WIRE_IPV6, 1);
		put(c, ntohs(in6->sin6_port), 2);
		put(c, in6->sin6_scope_id, 4);
	} else {
		put(c, WIRE_NO_ADDR, 1);
		put(c, 0, 2);
		put(c, 0, 4);
	}
	put_bytes(c, raw, sizeof(raw));
}

static bool get_addr(struct cursor *c, struct sockaddr_storage *addr)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in = {.sin_family = AF_INET};
	const uint32_t family = get(c, 1);
	uint8_t raw[16];

	in.sin_port = in6.sin6_port = htons((uint16_t)get(c, 2));
	in6.sin6_scope_id = get(c, 4);
	get_bytes(c, raw, sizeof(raw));
	memcpy(&in.sin_addr, raw, 4);
	memcpy(&in6.sin6_addr, raw, 16);
	memset(addr, 0, sizeof(*addr));
	if (family == WIRE_IPV4)
		memcpy(addr, &in, sizeof(in));
	else if (family == WIRE_IPV6)
		memcpy(addr, &in6, sizeof(in6));
	else
		return family == WIRE_NO_ADDR && !in.sin_port;
	return in.sin_port != 0;
}

void verbs_blob_pack(struct blob *blob, const struct verbs_blob *in)
{
	struct cursor c = {blob->data};
	unsigned i;

	memset(blob, 0, sizeof(*blob));
	put(&c, MAGIC, 2);
	put(&c, VERSION, 1);
	put(&c,
	    (in->rdma_cm ? FLAG_RDMA_CM : 0u) | (in->iwarp ? FLAG_IWARP : 0u) |
		    (in->infiniband ? FLAG_INFINIBAND : 0u),
	    1);
	put(&c, in->qp_type, 1);
	put(&c, in->rd_atomic, 1);
	put(&c, in->lid, 2);
	put(&c, in->n_lanes, 2);
	put(&c, in->mtu_bytes, 4);
	put(&c, in->psn, 4);
	put(&c, in->qkey, 4);
	put(&c, in->segment_bytes, 4);
	put(&c, in->recv_depth, 4);
	put_bytes(&c, in->gid, sizeof(in->gid));
	put_addr(&c, &in->addr);
	put_bytes(&c, in->nonce, sizeof(in->nonce));
	for (i = 0; i < in->n_lanes; i++)
		put(&c, in->qpn[i], QPN_BYTES);
	blob->len = (uint32_t)(c.p - blob->data);
}

static int garbage(struct err *err, const char *what, unsigned value)
{
	return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
		       "the peer's link description is not one: %s %u", what,
		       value);
}

static bool mtu_is_valid(const struct verbs_blob *b)
{
	const uint32_t mtu = b->mtu_bytes;

	if (b->iwarp)
		return mtu == 0;
	return mtu >= 256 && mtu <= 4096 && !(mtu & (mtu - 1));
}

static int check(const struct verbs_blob *b, struct err *err)
{
	unsigned i;

	if (!mtu_is_valid(b))
		return garbage(err, "MTU", b->mtu_bytes);
	if (b->qp_type >= QP_TYPES)
		return garbage(err, "type of queue pair", b->qp_type);
	if (b->psn > BITS_24)
		return garbage(err, "packet number", b->psn);
	/* A send with the upper bit set takes the queue pair's own key
	 * instead (IBTA 1.4, 10.2.5). */
	if (b->qkey > INT32_MAX)
		return garbage(err, "datagrams' key", b->qkey);
	if (!b->segment_bytes)
		return garbage(err, "segment size", b->segment_bytes);
	if (!b->recv_depth)
		return garbage(err, "depth", b->recv_depth);
	if (b->iwarp && !b->rdma_cm)
		return garbage(err, "iWARP without RDMA CM, flags", FLAG_IWARP);
	for (i = 0; i < b->n_lanes; i++)
		if (!b->qpn[i])
			return garbage(err, "queue pair", b->qpn[i]);
	return 0;
}

static int unpack_head(struct verbs_blob *out, struct cursor *c, uint32_t len,
		       struct err *err)
{
	uint32_t flags, got;

	if (len < FIXED_BYTES || len > BLOB_MAX)
		return garbage(err, "length", len);
	got = get(c, 2);
	if (got != MAGIC)
		return garbage(err, "magic number", got);
	got = get(c, 1);
	if (got != VERSION)
		return garbage(err, "version", got);
	flags = get(c, 1);
	if (flags & ~(unsigned)FLAGS_ALL)
		return garbage(err, "flags", flags);
	out->rdma_cm = flags & FLAG_RDMA_CM;
	out->iwarp = flags & FLAG_IWARP;
	out->infiniband = flags & FLAG_INFINIBAND;
	out->qp_type = (uint8_t)get(c, 1);
	out->rd_atomic = (uint8_t)get(c, 1);
	out->lid = (uint16_t)get(c, 2);
	out->n_lanes = (uint16_t)get(c, 2);
	if (!out->n_lanes || out->n_lanes > VERBS_LANES_MAX ||
	    len != FIXED_BYTES + out->n_lanes * (uint32_t)QPN_BYTES)
		return garbage(err, "number of lanes", out->n_lanes);
	return 0;
}

int verbs_blob_unpack(struct verbs_blob *out, const struct blob *blob,
		      struct err *err)
{
	uint8_t data[BLOB_MAX];
	struct cursor c = {data};
	unsigned i;
	int ret;

	memcpy(data, blob->data, sizeof(data));
	memset(out, 0, sizeof(*out));
	ret = unpack_head(out, &c, blob->len, err);
	if (ret)
		return ret;
	out->mtu_bytes = get(&c, 4);
	out->psn = get(&c, 4);
	out->qkey = get(&c, 4);
	out->segment_bytes = get(&c, 4);
	out->recv_depth = get(&c, 4);
	get_bytes(&c, out->gid, sizeof(out->gid));
	if (!get_addr(&c, &out->addr))
		return garbage(err, "address family", out->addr.ss_family);
	get_bytes(&c, out->nonce, sizeof(out->nonce));
	for (i = 0; i < out->n_lanes; i++)
		out->qpn[i] = get(&c, QPN_BYTES);
	return check(out, err);
}
