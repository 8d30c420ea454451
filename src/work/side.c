#include "work/side.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/nonce.h"

/* Who has called shows that it knows the session at once: a silent stranger
 * takes a part of the time, not all of it. */
enum { ACCEPT_MS = 4000, STRANGER_S = 1, PATIENCE_S = 10 };

static socklen_t addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in);
}

static void settle(int fd, int seconds)
{
	const struct timeval patience = {.tv_sec = seconds};
	const int yes = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
}

int side_listen(struct side *s, struct sockaddr_storage *addr, struct err *err)
{
	socklen_t len = addr_len(addr);

	s->listener = socket(addr->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->listener < 0 ||
	    bind(s->listener, (struct sockaddr *)addr, len) ||
	    listen(s->listener, 4) ||
	    getsockname(s->listener, (struct sockaddr *)addr, &len))
		return err_sys(err, -errno, "listening for the other end");
	return 0;
}

int side_connect(struct side *s, const struct sockaddr_storage *peer,
		 const uint8_t *nonce, struct err *err)
{
	uint8_t half[NONCE_HALF];

	s->fd = socket(peer->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return err_sys(err, -errno, "the other end");
	settle(s->fd, PATIENCE_S);
	if (connect(s->fd, (const struct sockaddr *)peer, addr_len(peer)))
		return err_sys(err, -errno, "connecting to the other end");
	nonce_show(nonce, NONCE_CALLER, half);
	return side_send(s, half, sizeof(half), err);
}

int side_accept(struct side *s, const uint8_t *nonce, struct err *err)
{
	struct pollfd fd = {.fd = s->listener, .events = POLLIN};
	uint64_t deadline = clock_raw_ns() + ACCEPT_MS * 1000000ull;
	uint8_t said[NONCE_HALF];

	while (clock_raw_ns() < deadline) {
		if (poll(&fd, 1, ACCEPT_MS) != 1)
			break;
		s->fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (s->fd < 0)
			continue;
		settle(s->fd, STRANGER_S);
		if (!side_recv(s, said, sizeof(said), err) &&
		    nonce_is_shown(nonce, NONCE_CALLER, said)) {
			settle(s->fd, PATIENCE_S);
			return 0;
		}
		close(s->fd);
		s->fd = -1;
	}
	return err_set(err, -ETIMEDOUT, REASON_PEER_TIMEOUT,
		       "the other end did not connect");
}

void side_close(struct side *s)
{
	if (s->listener >= 0)
		close(s->listener);
	if (s->fd >= 0)
		close(s->fd);
	s->listener = s->fd = -1;
}

int side_send(struct side *s, const void *buf, size_t len, struct err *err)
{
	const char *p = buf;
	ssize_t n;

	while (len) {
		n = send(s->fd, p, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, -errno, "to the other end");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

int side_recv(struct side *s, void *buf, size_t len, struct err *err)
{
	char *p = buf;
	ssize_t n;

	while (len) {
		n = recv(s->fd, p, len, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (!n)
			return err_set(err, -ECONNRESET, REASON_PEER_LOST,
				       "the other end ended");
		if (n < 0)
			return err_sys(err,
				       errno == EAGAIN ? -ETIMEDOUT : -errno,
				       "from the other end");
		p += n;
		len -= (size_t)n;
	}
	return 0;
}
