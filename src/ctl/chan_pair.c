#include "ctl/chan_pair.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

/* Strangers may call before us: there is room for us beside them. */
enum { BACKLOG = 64, TIMEOUT_S = 4 };

/* Where strangers fill the queue, calling and being called end in time. */
static int open_socket(int timeout, struct err *err)
{
	const struct timeval tv = {.tv_sec = TIMEOUT_S};
	int ret, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && !setsockopt(fd, SOL_SOCKET, timeout, &tv, sizeof(tv)))
		return fd;
	ret = err_sys(err, -errno, "socket");
	if (fd >= 0)
		close(fd);
	return ret;
}

static int listen_loopback(struct sockaddr_in *addr, struct err *err)
{
	socklen_t len = sizeof(*addr);
	int ret, fd = open_socket(SO_RCVTIMEO, err); /* of accept */

	if (fd < 0)
		return fd;
	*addr = (struct sockaddr_in){.sin_family = AF_INET};
	addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)addr, sizeof(*addr)) ||
	    listen(fd, BACKLOG) ||
	    getsockname(fd, (struct sockaddr *)addr, &len)) {
		ret = err_sys(err, -errno, "listening on 127.0.0.1");
		close(fd);
		return ret;
	}
	return fd;
}

static int call(const struct sockaddr_in *addr, struct err *err)
{
	int ret, fd = open_socket(SO_SNDTIMEO, err); /* of connect */

	if (fd < 0)
		return fd;
	if (!connect(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		return fd;
	ret = err_sys(err, -errno, "our own server on 127.0.0.1");
	close(fd);
	return ret;
}

static bool is_from(const struct sockaddr_in *caller, int fd)
{
	struct sockaddr_in own = {0};
	socklen_t len = sizeof(own);

	return !getsockname(fd, (struct sockaddr *)&own, &len) &&
	       own.sin_port == caller->sin_port &&
	       own.sin_addr.s_addr == caller->sin_addr.s_addr;
}

/* Who calls is known by the port: nobody else has ours. */
static int answer(int listener, int caller, struct err *err)
{
	struct sockaddr_in from = {0};
	socklen_t len;
	int fd;

	for (;;) {
		len = sizeof(from);
		fd = accept4(listener, (struct sockaddr *)&from, &len,
			     SOCK_CLOEXEC);
		if (fd < 0 && (errno == EINTR || errno == ECONNABORTED))
			continue;
		if (fd < 0)
			return err_sys(err, -errno, "accept on 127.0.0.1");
		if (is_from(&from, caller))
			return fd;
		close(fd);
	}
}

int chan_pair(int fd[2], struct err *err)
{
	struct sockaddr_in addr;
	int listener = listen_loopback(&addr, err);

	if (listener < 0)
		return listener;
	fd[0] = call(&addr, err);
	fd[1] = fd[0] < 0 ? fd[0] : answer(listener, fd[0], err);
	close(listener);
	if (fd[0] >= 0 && fd[1] < 0)
		close(fd[0]);
	return fd[1] < 0 ? fd[1] : 0;
}
