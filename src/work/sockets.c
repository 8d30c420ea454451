#include "work/sockets.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/nonce.h"

enum { TIMEOUT_MS = 4000 };

static uint64_t now(const struct sockets *s)
{
	return clock_ticks(s->clock);
}

static void tell(const struct sockets *s, enum conns_step step, unsigned i,
		 uint64_t t0)
{
	s->took(s->arg, step, i, now(s) - t0);
}

int sockets_init(struct sockets *s, const struct conns_attr *attr,
		 struct err *err)
{
	unsigned i;

	*s = (struct sockets){
		.n = attr->n,
		.clock = attr->clock,
		.took = attr->took,
		.arg = attr->arg,
		.nonce = attr->nonce,
		.listener = -1,
		.fd = calloc(attr->n, sizeof(int)),
		.t0 = calloc(attr->n, sizeof(uint64_t)),
		.nameless = calloc(attr->n, sizeof(int)),
	};
	if (!s->fd || !s->t0 || !s->nameless)
		return err_sys(err, -ENOMEM, "%u connections", attr->n);
	for (i = 0; i < s->n; i++)
		s->fd[i] = -1;
	return 0;
}

static void end_socket(struct sockets *s, int fd)
{
	close(fd);
	s->ended++;
}

static void close_nameless(struct sockets *s)
{
	while (s->n_nameless)
		end_socket(s, s->nameless[--s->n_nameless]);
}

void sockets_fini(struct sockets *s)
{
	unsigned i;

	if (!s->n)
		return;
	if (s->nameless)
		close_nameless(s);
	for (i = 0; s->fd && i < s->n; i++)
		if (s->fd[i] >= 0)
			close(s->fd[i]);
	if (s->listener >= 0)
		close(s->listener);
	free(s->fd);
	free(s->t0);
	free(s->nameless);
	memset(s, 0, sizeof(*s));
}

static socklen_t addr_len(const struct sockaddr_storage *addr)
{
	return addr->ss_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					   : sizeof(struct sockaddr_in);
}

int sockets_listen(struct sockets *s, struct sockaddr_storage *addr,
		   struct err *err)
{
	socklen_t len = addr_len(addr);

	s->listener = socket(addr->ss_family,
			     SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->listener < 0 ||
	    bind(s->listener, (struct sockaddr *)addr, len) ||
	    listen(s->listener, (int)s->n + 16) ||
	    getsockname(s->listener, (struct sockaddr *)addr, &len))
		return err_sys(err, -errno, "listening");
	return 0;
}

int sockets_accept(struct sockets *s, struct err *err)
{
	const struct timeval patience = {.tv_sec = TIMEOUT_MS / 1000};
	uint64_t t0;
	int fd;

	while (s->n_nameless < s->n) {
		t0 = now(s);
		fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd < 0)
			return errno == EAGAIN
				       ? 0
				       : err_sys(err, -errno, "accepting");
		s->made++;
		tell(s, CONNS_HANDSHAKE, 0, t0);
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience,
			   sizeof(patience));
		s->nameless[s->n_nameless++] = fd;
	}
	return 0;
}

static int start(struct sockets *s, unsigned i,
		 const struct sockaddr_storage *peer, struct err *err)
{
	uint64_t t0 = now(s);

	s->fd[i] = socket(peer->ss_family,
			  SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd[i] < 0)
		return err_sys(err, -errno, "connection %u", i);
	s->made++;
	tell(s, CONNS_ID, i, t0);
	s->t0[i] = now(s);
	if (connect(s->fd[i], (const struct sockaddr *)peer, addr_len(peer)) &&
	    errno != EINPROGRESS)
		return err_sys(err, -errno, "connection %u", i);
	return 0;
}

static int finish(struct sockets *s, unsigned i, struct err *err)
{
	struct pollfd fd = {.fd = s->fd[i], .events = POLLOUT};
	socklen_t len = sizeof(int);
	int why = 0;

	if (poll(&fd, 1, TIMEOUT_MS) != 1)
		return err_set(err, -ETIMEDOUT, REASON_PEER_TIMEOUT,
			       "connection %u: no answer in %d s", i,
			       TIMEOUT_MS / 1000);
	getsockopt(s->fd[i], SOL_SOCKET, SO_ERROR, &why, &len);
	if (why)
		return err_sys(err, -why, "connection %u", i);
	tell(s, CONNS_HANDSHAKE, i, s->t0[i]);
	return 0;
}

int sockets_connect(struct sockets *s, unsigned first, unsigned n,
		    const struct sockaddr_storage *peer, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = first; !ret && i < first + n; i++)
		ret = start(s, i, peer, err);
	for (i = first; !ret && i < first + n; i++)
		ret = finish(s, i, err);
	return ret;
}

int sockets_say(struct sockets *s, unsigned i, struct err *err)
{
	struct nonce_knock knock;

	nonce_knock(s->nonce, i, &knock);
	if (send(s->fd[i], &knock, sizeof(knock), MSG_NOSIGNAL) ==
	    sizeof(knock))
		return 0;
	return err_sys(err, -errno, "connection %u", i);
}

/* A stranger's is closed. */
static int hear_one(struct sockets *s, int fd, struct err *err)
{
	struct nonce_knock knock;
	uint32_t i;

	if (recv(fd, &knock, sizeof(knock), MSG_WAITALL) != sizeof(knock) ||
	    !nonce_knows(s->nonce, &knock, &i)) {
		end_socket(s, fd);
		return 0;
	}
	if (i >= s->n || (s->fd[i] >= 0 && s->fd[i] != fd))
		return err_set(err, -EBADMSG, REASON_VERIFY_FAILED,
			       "a connection says that it is number %u", i);
	s->fd[i] = fd;
	return 0;
}

int sockets_hear(struct sockets *s, unsigned first, unsigned n, struct err *err)
{
	unsigned i;
	int ret = sockets_accept(s, err);

	while (!ret && s->n_nameless) {
		ret = hear_one(s, s->nameless[s->n_nameless - 1], err);
		s->n_nameless -= !ret;
	}
	for (i = first; !ret && i < first + n; i++)
		if (s->fd[i] < 0)
			ret = err_set(err, -ENOTCONN, REASON_LINK_FAILED,
				      "connection %u is not there", i);
	return ret;
}

void sockets_close(struct sockets *s, unsigned first, unsigned n)
{
	unsigned i;
	uint64_t t0;

	for (i = first; i < first + n; i++) {
		if (s->fd[i] < 0)
			continue;
		t0 = now(s);
		end_socket(s, s->fd[i]);
		tell(s, CONNS_DESTROY, i, t0);
		s->fd[i] = -1;
	}
}
