#include "transport/tcp_link.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "transport/netif.h"

/* --- the blob: role, family, port, address -------------------------------- */

enum { BLOB_MAGIC = 'T', BLOB_BYTES = 21 };

static void blob_write(struct blob *blob, enum role role,
		       const struct sockaddr_storage *addr)
{
	uint8_t *p = blob->data;

	memset(p, 0, BLOB_BYTES);
	p[0] = BLOB_MAGIC;
	p[1] = (uint8_t)role;
	if (addr->ss_family == AF_INET) {
		struct sockaddr_in in;

		memcpy(&in, addr, sizeof(in));
		p[2] = 4;
		memcpy(p + 3, &in.sin_port, 2);
		memcpy(p + 5, &in.sin_addr, 4);
	} else {
		struct sockaddr_in6 in6;

		memcpy(&in6, addr, sizeof(in6));
		p[2] = 6;
		memcpy(p + 3, &in6.sin6_port, 2);
		memcpy(p + 5, &in6.sin6_addr, 16);
	}
	blob->len = BLOB_BYTES;
}

/* `local` lends its scope: a link-local address of the peer is meant on the
 * interface that we use ourselves. */
static void blob_addr(const uint8_t *p, const struct sockaddr_storage *local,
		      struct sockaddr_storage *addr)
{
	memset(addr, 0, sizeof(*addr));
	if (p[2] == 4) {
		struct sockaddr_in in = {.sin_family = AF_INET};

		memcpy(&in.sin_port, p + 3, 2);
		memcpy(&in.sin_addr, p + 5, 4);
		memcpy(addr, &in, sizeof(in));
	} else {
		struct sockaddr_in6 in6, scope;

		memcpy(&scope, local, sizeof(scope));
		in6 = (struct sockaddr_in6){.sin6_family = AF_INET6};
		memcpy(&in6.sin6_port, p + 3, 2);
		memcpy(&in6.sin6_addr, p + 5, 16);
		if (IN6_IS_ADDR_LINKLOCAL(&in6.sin6_addr))
			in6.sin6_scope_id = scope.sin6_scope_id;
		memcpy(addr, &in6, sizeof(in6));
	}
}

static int blob_read(const struct tcp_link *link, const struct blob *blob,
		     struct sockaddr_storage *addr, struct err *err)
{
	const uint8_t *p = blob->data;
	int family = link->local.ss_family == AF_INET ? 4 : 6;

	if (blob->len != BLOB_BYTES || p[0] != BLOB_MAGIC ||
	    (p[2] != 4 && p[2] != 6))
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "tcp: the peer's blob is not one of tcp");
	if (p[1] != (link->role == ROLE_ACTIVE ? ROLE_PASSIVE : ROLE_ACTIVE))
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "tcp: both ends call, or both wait");
	if (p[2] != family)
		return err_set(err, -EAFNOSUPPORT, REASON_PEER_REFUSED,
			       "tcp: the peer has IPv%d, this end IPv%d", p[2],
			       family);
	blob_addr(p, &link->local, addr);
	if (link->role == ROLE_ACTIVE &&
	    (netif_is_wildcard(addr) || (!p[3] && !p[4])))
		return err_set(err, -EPROTO, REASON_PEER_PROTOCOL,
			       "tcp: the peer's blob has no address or port");
	return 0;
}

/* --- hello ---------------------------------------------------------------- */

/* Only bytes: no padding, no byte order. */
struct hello {
	uint8_t shown[NONCE_HALF];
	uint8_t role;
	uint8_t lane;
	uint8_t lanes;
	uint8_t unused;
};

static enum nonce_end shows(enum role role)
{
	return role == ROLE_ACTIVE ? NONCE_CALLER : NONCE_CALLED;
}

static struct hello hello_of(const struct tcp_link *link, unsigned lane)
{
	struct hello h = {
		.role = (uint8_t)link->role,
		.lane = (uint8_t)lane,
		.lanes = (uint8_t)link->lanes,
	};

	nonce_show(link->nonce, shows(link->role), h.shown);
	return h;
}

/* Fresh sockets have room for so little: less means that it broke. */
static int hello_send(const struct tcp_link *link, int fd, unsigned lane)
{
	struct hello h = hello_of(link, lane);
	ssize_t n = send(fd, &h, sizeof(h), MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0)
		return -errno;
	return n == (ssize_t)sizeof(h) ? 0 : -EIO;
}

static bool hello_is_peers(const struct tcp_link *link, const struct hello *h)
{
	const enum role peer =
		link->role == ROLE_ACTIVE ? ROLE_PASSIVE : ROLE_ACTIVE;

	return h->role == (uint8_t)peer &&
	       nonce_is_shown(link->nonce, shows(peer), h->shown) &&
	       h->lanes == link->lanes && h->lane < link->lanes;
}

/* --- waiting -------------------------------------------------------------- */

/* Milliseconds until `end`, rounded up, for poll(2). */
static int ms_left(uint64_t end)
{
	uint64_t now = clock_raw_ns();

	if (now >= end)
		return 0;
	return (int)((end - now) / 1000000u >= 60000u
			     ? 60000u
			     : (end - now) / 1000000u + 1);
}

/* 0, or -ETIMEDOUT.  A signal does not shorten the wait. */
static int wait_fds(struct pollfd *pfds, nfds_t n, uint64_t end)
{
	int ms, got;

	do {
		ms = ms_left(end);
		got = poll(pfds, n, ms);
		if (got < 0 && errno != EINTR)
			return -errno;
	} while (got <= 0 && ms > 0);
	return got > 0 ? 0 : -ETIMEDOUT;
}

static int wait_fd(int fd, short events, uint64_t end)
{
	struct pollfd pfd = {.fd = fd, .events = events};

	return wait_fds(&pfd, 1, end);
}

/* --- the active end: calls ------------------------------------------------ */

static int set_nodelay(int fd)
{
	const int one = 1;

	return setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))
		       ? -errno
		       : 0;
}

static int dial_wait(int fd, uint64_t end)
{
	socklen_t len = sizeof(int);
	int ret, sockerr = 0;

	ret = wait_fd(fd, POLLOUT, end);
	if (ret)
		return ret;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &sockerr, &len))
		return -errno;
	return -sockerr;
}

/* The data address is bound, so that what was measured is the interface that
 * was asked for, whatever the routes say. */
static int dial(const struct tcp_link *link, int fd, uint64_t end)
{
	socklen_t len = netif_addr_len(&link->local);
	int flags, ret;

	if (bind(fd, (const struct sockaddr *)&link->local, len))
		return -errno;
	ret = set_nodelay(fd);
	if (ret)
		return ret;
	if (connect(fd, (const struct sockaddr *)&link->peer, len)) {
		ret = errno == EINPROGRESS ? dial_wait(fd, end) : -errno;
		if (ret)
			return ret;
	}
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags & ~O_NONBLOCK))
		return -errno;
	return 0;
}

static int call_lane(struct tcp_link *link, unsigned lane, uint64_t end)
{
	int fd, ret;

	fd = socket(link->local.ss_family,
		    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	link->fds[lane] = fd;
	ret = dial(link, fd, end);
	if (ret)
		return ret;
	return hello_send(link, fd, lane);
}

static int read_answer(const struct tcp_link *link, unsigned lane, uint64_t end)
{
	struct hello h;
	size_t have = 0;
	ssize_t n;
	int ret;

	while (have < sizeof(h)) {
		ret = wait_fd(link->fds[lane], POLLIN, end);
		if (ret)
			return ret;
		n = recv(link->fds[lane], (char *)&h + have, sizeof(h) - have,
			 MSG_DONTWAIT);
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		have += n > 0 ? (size_t)n : 0;
	}
	return hello_is_peers(link, &h) && h.lane == lane ? 0 : -EPROTO;
}

/* Who is hung up on while calling was refused, whichever call meets it. */
static int refused(int ret)
{
	return ret == -ECONNRESET || ret == -EPIPE ? -ECONNREFUSED : ret;
}

static int call_failed(const struct tcp_link *link, int ret, struct err *err)
{
	char text[NETIF_TEXT];

	netif_text(&link->peer, text);
	if (ret == -EPROTO)
		return err_set(err, ret, REASON_PEER_PROTOCOL,
			       "tcp: %s did not answer as rdmabench does",
			       text);
	return err_sys(err, ret, "tcp: connect to %s", text);
}

/* All lanes are called before any answer is awaited: one round trip. */
static int call_all(struct tcp_link *link, uint64_t end, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < link->lanes && !ret; i++)
		ret = call_lane(link, i, end);
	for (i = 0; i < link->lanes && !ret; i++)
		ret = read_answer(link, i, end);
	return ret ? call_failed(link, refused(ret), err) : 0;
}

/* --- the passive end: is called ------------------------------------------- */

/* Sockets that have not said hello yet.  A silent stranger takes a place,
 * not time; when all are taken the oldest goes. */
enum { GUESTS = SOFT_LANES_MAX + 16 };

struct guest {
	int fd;
	size_t have;
	struct hello hello;
};

struct party {
	struct guest guests[GUESTS];
	struct pollfd pfds[GUESTS + 1]; /* the listener last */
	unsigned n;
	unsigned strangers; /* dropped */
	unsigned missing;   /* lanes */
};

static void guest_remove(struct party *p, unsigned i)
{
	memmove(&p->guests[i], &p->guests[i + 1],
		(--p->n - i) * sizeof(p->guests[0]));
}

static void guest_drop(struct party *p, unsigned i)
{
	close(p->guests[i].fd);
	p->strangers++;
	guest_remove(p, i);
}

static int guest_accept(struct party *p, int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return errno == EAGAIN || errno == ECONNABORTED ||
				       errno == EINTR
			       ? 0
			       : -errno;
	if (p->n == GUESTS)
		guest_drop(p, 0);
	p->guests[p->n++] = (struct guest){.fd = fd};
	return 0;
}

/* A lane that is proved moves from the guests to the link. */
static int guest_adopt(struct tcp_link *link, struct party *p, unsigned i)
{
	struct guest g = p->guests[i];
	unsigned lane = g.hello.lane;
	int ret;

	if (!hello_is_peers(link, &g.hello) || link->fds[lane] >= 0) {
		guest_drop(p, i);
		return 0;
	}
	ret = set_nodelay(g.fd);
	if (!ret)
		ret = hello_send(link, g.fd, lane);
	if (ret)
		return ret;
	link->fds[lane] = g.fd;
	p->missing--;
	guest_remove(p, i);
	return 0;
}

static int guest_read(struct tcp_link *link, struct party *p, unsigned i)
{
	struct guest *g = &p->guests[i];
	ssize_t n;

	n = recv(g->fd, (char *)&g->hello + g->have, sizeof(g->hello) - g->have,
		 MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	if (n <= 0) {
		guest_drop(p, i);
		return 0;
	}
	g->have += (size_t)n;
	if (g->have == sizeof(g->hello))
		return guest_adopt(link, p, i);
	return 0;
}

static int party_round(struct tcp_link *link, struct party *p, uint64_t end)
{
	unsigned i, n = p->n;
	int ret;

	for (i = 0; i < n; i++)
		p->pfds[i] = (struct pollfd){.fd = p->guests[i].fd,
					     .events = POLLIN};
	p->pfds[n] = (struct pollfd){.fd = link->listener, .events = POLLIN};
	ret = wait_fds(p->pfds, n + 1, end);
	/* From the last, as reading may take one out. */
	for (i = n; i-- > 0 && !ret;)
		if (p->pfds[i].revents)
			ret = guest_read(link, p, i);
	if (!ret && p->pfds[n].revents)
		ret = guest_accept(p, link->listener);
	return ret;
}

static int wait_failed(const struct tcp_link *link, const struct party *p,
		       int ret, struct err *err)
{
	char text[NETIF_TEXT];

	netif_text(&link->local, text);
	if (ret != -ETIMEDOUT)
		return err_sys(err, ret, "tcp: accept on %s", text);
	return err_set(err, ret, REASON_PEER_TIMEOUT,
		       "tcp: the peer did not connect to %s in time "
		       "(%u of %u lanes, %u strangers dropped)",
		       text, link->lanes - p->missing, link->lanes,
		       p->strangers);
}

static int answer_all(struct tcp_link *link, uint64_t end, struct err *err)
{
	struct party p = {.missing = link->lanes};
	socklen_t len = sizeof(link->peer);
	int ret = 0;

	while (p.missing && !ret)
		ret = party_round(link, &p, end);
	while (p.n)
		guest_drop(&p, 0);
	if (ret)
		return wait_failed(link, &p, ret, err);
	if (getpeername(link->fds[0], (struct sockaddr *)&link->peer, &len))
		return err_sys(err, -errno, "tcp: getpeername");
	return 0;
}

/* --- both ----------------------------------------------------------------- */

static void hang_up(struct tcp_link *link)
{
	unsigned i;

	for (i = 0; i < SOFT_LANES_MAX; i++) {
		if (link->fds[i] >= 0)
			close(link->fds[i]);
		link->fds[i] = -1;
	}
	if (link->listener >= 0)
		close(link->listener);
	link->listener = -1;
}

static int listen_here(struct tcp_link *link, struct sockaddr_storage *at)
{
	socklen_t len = netif_addr_len(&link->local);

	link->listener = socket(link->local.ss_family,
				SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (link->listener < 0 ||
	    bind(link->listener, (struct sockaddr *)&link->local, len) ||
	    listen(link->listener, GUESTS))
		return -errno;
	len = sizeof(*at);
	if (getsockname(link->listener, (struct sockaddr *)at, &len))
		return -errno;
	return 0;
}

static void port_clear(struct sockaddr_storage *addr)
{
	struct sockaddr_in in; /* the port is at the same place in both */

	memcpy(&in, addr, sizeof(in));
	in.sin_port = 0;
	memcpy(addr, &in, sizeof(in));
}

int tcp_link_open(struct tcp_link *link, const struct ep_attr *attr,
		  struct blob *blob, struct err *err)
{
	struct sockaddr_storage at;
	char text[NETIF_TEXT];
	int ret;

	link->local = attr->data_addr;
	port_clear(&link->local);
	link->role = attr->role;
	link->lanes = attr->lanes;
	memcpy(link->nonce, attr->nonce, sizeof(link->nonce));
	link->listener = -1;
	memset(link->fds, 0xff, sizeof(link->fds)); /* all -1 */

	at = link->local;
	if (link->role == ROLE_PASSIVE) {
		ret = listen_here(link, &at);
		if (ret) {
			hang_up(link);
			netif_text(&link->local, text);
			return err_sys(err, ret, "tcp: listen on %s", text);
		}
	}
	blob_write(blob, link->role, &at);
	return 0;
}

int tcp_link_connect(struct tcp_link *link, const struct blob *peer,
		     uint64_t timeout_ns, struct err *err)
{
	uint64_t end = clock_raw_ns() + timeout_ns;
	int ret;

	ret = blob_read(link, peer, &link->peer, err);
	if (ret)
		return ret;
	if (link->role == ROLE_ACTIVE) {
		ret = call_all(link, end, err);
	} else {
		ret = answer_all(link, end, err);
		/* Strangers knock in vain from here on. */
		close(link->listener);
		link->listener = -1;
	}
	if (ret)
		hang_up(link);
	return ret;
}

void tcp_link_close(struct tcp_link *link)
{
	hang_up(link);
}
