#include "rdma/gid.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const type_names[GID_TYPES] = {
	[GID_IB] = "IB",
	[GID_ROCE_V1] = "RoCE v1",
	[GID_ROCE_V2] = "RoCE v2",
	[GID_IWARP] = "iWARP",
};

const char *gid_type_name(enum gid_type type)
{
	return type < GID_TYPES ? type_names[type] : "?";
}

static struct in6_addr gid_in6(const struct gid *gid)
{
	struct in6_addr in6;

	memcpy(&in6, gid->raw, sizeof(in6));
	return in6;
}

static int gid_family(const struct gid *gid)
{
	const struct in6_addr in6 = gid_in6(gid);

	return IN6_IS_ADDR_V4MAPPED(&in6) ? AF_INET : AF_INET6;
}

enum { SCOPE_LINK, SCOPE_HOST, SCOPE_GLOBAL };

static unsigned gid_scope(const struct gid *gid)
{
	const struct in6_addr in6 = gid_in6(gid);
	const uint8_t *v4 = gid->raw + 12;

	if (IN6_IS_ADDR_V4MAPPED(&in6)) {
		if (v4[0] == 169 && v4[1] == 254)
			return SCOPE_LINK;
		return v4[0] == 127 ? SCOPE_HOST : SCOPE_GLOBAL;
	}
	if (IN6_IS_ADDR_LINKLOCAL(&in6))
		return SCOPE_LINK;
	return IN6_IS_ADDR_LOOPBACK(&in6) ? SCOPE_HOST : SCOPE_GLOBAL;
}

static bool gid_is_zero(const struct gid *gid)
{
	static const uint8_t zero[16];

	return !memcmp(gid->raw, zero, sizeof(zero));
}

/* The address as the 16 bytes a GID would have; false: none is wanted. */
static bool want_raw(const struct sockaddr *want, uint8_t raw[16])
{
	const struct sockaddr_in6 *in6 = (const void *)want;
	const struct sockaddr_in *in = (const void *)want;

	memset(raw, 0, 16);
	if (want->sa_family == AF_INET) {
		raw[10] = raw[11] = 0xff;
		memcpy(raw + 12, &in->sin_addr, 4);
		return in->sin_addr.s_addr != 0;
	}
	if (want->sa_family == AF_INET6) {
		memcpy(raw, &in6->sin6_addr, 16);
		return !IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr);
	}
	return false;
}

/* One number per rule of the header, the first rule in the highest digit. */
static unsigned gid_score(const struct gid *gid, const struct sockaddr *want)
{
	unsigned score = gid_scope(gid);
	uint8_t raw[16];

	if (gid->type != GID_ROCE_V1)
		score += 10;
	if (!want || want->sa_family == AF_UNSPEC)
		return score;
	if (gid_family(gid) == want->sa_family)
		score += 100;
	if (want_raw(want, raw) && !memcmp(raw, gid->raw, sizeof(raw)))
		score += 1000;
	return score;
}

const struct gid *gid_pick(const struct gid *table, size_t n,
			   const struct sockaddr *want)
{
	const struct gid *best = NULL;
	unsigned score, best_score = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		if (gid_is_zero(&table[i]))
			continue;
		score = gid_score(&table[i], want);
		if (best && score <= best_score)
			continue;
		best = &table[i];
		best_score = score;
	}
	return best;
}

int gid_to_addr(const struct gid *gid, struct sockaddr_storage *addr)
{
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};
	struct sockaddr_in in = {.sin_family = AF_INET};

	if (gid->type == GID_IWARP || gid_is_zero(gid))
		return -EADDRNOTAVAIL;
	memset(addr, 0, sizeof(*addr));
	if (gid_family(gid) == AF_INET) {
		memcpy(&in.sin_addr, gid->raw + 12, 4);
		memcpy(addr, &in, sizeof(in));
		return 0;
	}
	in6.sin6_addr = gid_in6(gid);
	if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr))
		in6.sin6_scope_id = gid->ifindex;
	memcpy(addr, &in6, sizeof(in6));
	return 0;
}

const char *gid_to_text(const struct gid *gid, char *buf, size_t size)
{
	const bool v4 = gid_family(gid) == AF_INET;

	if (!inet_ntop(v4 ? AF_INET : AF_INET6, gid->raw + (v4 ? 12 : 0), buf,
		       (socklen_t)size))
		snprintf(buf, size, "?");
	return buf;
}
