/*
 * TCP as an application would use it that cares about latency: no header,
 * TCP_NODELAY, a system call per message and direction.
 *
 * Sockets stay blocking; MSG_DONTWAIT makes single calls non-blocking, so
 * that an end in event mode waits for its answer and takes it by one
 * recv(MSG_WAITALL), and one that spins by recv alone.
 *
 * Counts: a doorbell is a system call that moved data.  Calls that found
 * nothing are not counted: how many there are is a matter of luck.
 */
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>

#include "transport/netif.h"
#include "transport/tcp_link.h"

/* A blocking receive returns at least so often, so that its caller sees
 * Ctrl-C and the control channel. */
#define BLOCK_MAX_NS 100000000u

extern const struct transport transport_tcp;

struct lane {
	int fd;
	struct itemq sends, recvs;
};

struct tcp {
	struct ep ep;
	struct lane *lanes;
	unsigned n_lanes;
	unsigned next; /* the lane that poll looks at first */
	bool connected;
	uint64_t rcvtimeo_ns; /* what SO_RCVTIMEO is set to */
	struct pollfd *pfds;
	struct tcp_link link;
};

static struct tcp *tcp_of(struct ep *ep)
{
	return (struct tcp *)ep;
}

/* --- moving bytes --------------------------------------------------------- */

/* Out of line and never in a good run. */
static __attribute__((cold, noinline)) int broken(struct tcp *t,
						  const char *call, int ret)
{
	char text[NETIF_TEXT];

	netif_text(&t->link.peer, text);
	if (ret == 0)
		return err_set(&t->ep.err, -ECONNRESET, REASON_PEER_LOST,
			       "tcp: %s closed the connection", text);
	err_sys(&t->ep.err, ret, "tcp: %s, peer %s", call, text);
	if (ret == -EPIPE)
		ret = -ECONNRESET;
	if (ret == -ECONNRESET || ret == -ETIMEDOUT)
		t->ep.err.reason = REASON_PEER_LOST;
	else
		t->ep.err.reason = REASON_LINK_FAILED;
	return ret;
}

/* Hands as much of a message to the kernel as it takes now.  Returns 1 if
 * that was the rest of it, 0 if something is left, or -errno. */
static int item_send(struct tcp *t, struct lane *l, struct item *it)
{
	struct msghdr msg;
	ssize_t n;

	if (it->n == 1) {
		n = send(l->fd, it->iov[it->first].iov_base, it->left,
			 MSG_DONTWAIT | MSG_NOSIGNAL);
	} else {
		msg = (struct msghdr){
			.msg_iov = &it->iov[it->first],
			.msg_iovlen = it->n,
		};
		n = sendmsg(l->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	}
	if (n < 0)
		return errno == EAGAIN || errno == EINTR
			       ? 0
			       : broken(t, "send", -errno);
	t->ep.counts.doorbells++;
	if ((size_t)n != it->left) {
		item_advance(it, (size_t)n);
		return 0;
	}
	t->ep.counts.sends++;
	t->ep.counts.bytes_sent += it->bytes;
	return 1;
}

/* Takes what is there for the oldest receive, by one system call: 1 with
 * *comp filled if that completed it, 0 if not, or -errno. */
static int lane_recv(struct tcp *t, struct lane *l, int flags,
		     struct comp *comp)
{
	struct item *it = itemq_at(&l->recvs, l->recvs.head);
	struct msghdr msg;
	ssize_t n;

	if (it->n == 1) {
		n = recv(l->fd, it->iov[it->first].iov_base, it->left, flags);
	} else {
		msg = (struct msghdr){
			.msg_iov = &it->iov[it->first],
			.msg_iovlen = it->n,
		};
		n = recvmsg(l->fd, &msg, flags);
	}
	if (n <= 0) {
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return 0;
		return broken(t, "recv", n ? -errno : 0);
	}
	t->ep.counts.doorbells++;
	if ((size_t)n != it->left) {
		item_advance(it, (size_t)n);
		return 0;
	}
	l->recvs.head++;
	t->ep.counts.recvs++;
	t->ep.counts.bytes_recv += it->bytes;
	item_delivered(it, (unsigned)(l - t->lanes), it->bytes, comp);
	return 1;
}

static int lane_flush(struct tcp *t, struct lane *l)
{
	int ret;

	while (l->sends.done != l->sends.tail) {
		ret = item_send(t, l, itemq_at(&l->sends, l->sends.done));
		if (ret <= 0)
			return ret;
		l->sends.done++;
	}
	return 0;
}

/* At most one receive a call: a second try would mostly find nothing, and
 * that costs the caller of the first a system call's time. */
static int lane_poll(struct tcp *t, struct lane *l, struct comp *comp,
		     unsigned n)
{
	unsigned got;
	int ret;

	if (l->sends.done != l->sends.tail) {
		ret = lane_flush(t, l);
		if (ret)
			return ret;
	}
	got = itemq_reap(&l->sends, (unsigned)(l - t->lanes), comp, n);
	if (got < n && l->recvs.head != l->recvs.tail) {
		ret = lane_recv(t, l, MSG_DONTWAIT, &comp[got]);
		if (ret < 0 && !got)
			return ret;
		got += ret > 0;
	}
	return (int)got;
}

/* --- post, poll, block ---------------------------------------------------- */

static int post_send(struct tcp *t, struct lane *l, const struct work *w)
{
	struct itemq *q = &l->sends;
	struct item *it = soft_fill(q, w);
	int ret;

	if (!it)
		return soft_refuse(&t->ep, q, w);
	if (q->done == q->tail) {
		ret = item_send(t, l, it);
		if (ret < 0)
			return ret;
		if (ret && !it->signal)
			return 0;
		q->done += (unsigned)ret;
	}
	q->tail++;
	return 0;
}

static int post_one(struct tcp *t, const struct work *w)
{
	struct lane *l;

	if (w->lane >= t->n_lanes)
		return err_set(&t->ep.err, -EINVAL, REASON_INTERNAL,
			       "tcp: lane %u of %u", w->lane, t->n_lanes);
	l = &t->lanes[w->lane];
	if (w->op == OP_RECV) {
		if (!soft_fill(&l->recvs, w))
			return soft_refuse(&t->ep, &l->recvs, w);
		l->recvs.tail++;
		return 0;
	}
	if (w->op != OP_SEND)
		return err_set(&t->ep.err, -EOPNOTSUPP, REASON_NOT_IN_TRANSPORT,
			       "tcp: has only send and receive");
	if (!t->connected)
		return err_set(&t->ep.err, -ENOTCONN, REASON_INTERNAL,
			       "tcp: a send before connect");
	return post_send(t, l, w);
}

static int tcp_post(struct ep *ep, const struct work *work, unsigned n)
{
	struct tcp *t = tcp_of(ep);
	unsigned i;
	int ret;

	for (i = 0; i < n; i++) {
		ret = post_one(t, &work[i]);
		if (ret)
			return ret;
		ep->counts.posts++;
	}
	return 0;
}

/* Goes round, so that a busy lane does not starve the others. */
static int poll_lanes(struct tcp *t, struct comp *comp, unsigned n)
{
	unsigned i, got = 0;
	int ret;

	for (i = 0; i < t->n_lanes && got < n; i++) {
		ret = lane_poll(t, &t->lanes[t->next], &comp[got], n - got);
		if (ret < 0)
			return got ? (int)got : ret;
		got += (unsigned)ret;
		if (++t->next == t->n_lanes)
			t->next = 0;
	}
	return (int)got;
}

static int tcp_poll(struct ep *ep, struct comp *comp, unsigned n)
{
	struct tcp *t = tcp_of(ep);

	if (__builtin_expect(!t->connected || !n, 0))
		return 0;
	if (t->n_lanes == 1)
		return lane_poll(t, t->lanes, comp, n);
	return poll_lanes(t, comp, n);
}

/* The timeout is rarely another than last time, so the call is rare. */
static int set_rcvtimeo(struct tcp *t, uint64_t ns)
{
	struct timeval tv;

	if (ns > BLOCK_MAX_NS)
		ns = BLOCK_MAX_NS;
	if (ns == t->rcvtimeo_ns)
		return 0;
	/* 0 would mean for ever. */
	tv = (struct timeval){.tv_usec = (suseconds_t)(ns / 1000u + 1)};
	if (setsockopt(t->lanes[0].fd, SOL_SOCKET, SO_RCVTIMEO, &tv,
		       sizeof(tv)))
		return broken(t, "setsockopt(SO_RCVTIMEO)", -errno);
	t->rcvtimeo_ns = ns;
	return 0;
}

/* Nothing to do but to wait for one message: the receive itself waits. */
static int block_recv(struct tcp *t, struct comp *comp, uint64_t timeout_ns)
{
	int ret = set_rcvtimeo(t, timeout_ns);

	if (ret)
		return ret;
	return lane_recv(t, &t->lanes[0], MSG_WAITALL, comp);
}

static int block_ppoll(struct tcp *t, struct comp *comp, unsigned n,
		       uint64_t timeout_ns)
{
	struct timespec ts = {
		.tv_sec = (time_t)(timeout_ns / 1000000000u),
		.tv_nsec = (long)(timeout_ns % 1000000000u),
	};
	unsigned i, got = 0;
	int ret;

	for (i = 0; i < t->n_lanes; i++) {
		const struct lane *l = &t->lanes[i];

		t->pfds[i].events = 0;
		if (l->sends.done != l->sends.tail)
			t->pfds[i].events |= POLLOUT;
		if (l->recvs.head != l->recvs.tail)
			t->pfds[i].events |= POLLIN;
	}
	ret = ppoll(t->pfds, t->n_lanes, &ts, NULL);
	if (ret < 0 && errno != EINTR)
		return broken(t, "ppoll", -errno);
	for (i = 0; ret > 0 && i < t->n_lanes && got < n; i++) {
		if (!t->pfds[i].revents)
			continue;
		ret = lane_poll(t, &t->lanes[i], &comp[got], n - got);
		got += ret > 0 ? (unsigned)ret : 0;
		if (ret < 0 && !got)
			return ret;
		ret = 1;
	}
	return (int)got;
}

static int tcp_block(struct ep *ep, struct comp *comp, unsigned n,
		     uint64_t timeout_ns)
{
	struct tcp *t = tcp_of(ep);
	unsigned i, got = 0;

	if (!t->connected || !n || !timeout_ns)
		return tcp_poll(ep, comp, n);
	for (i = 0; i < t->n_lanes && got < n; i++)
		got += itemq_reap(&t->lanes[i].sends, i, &comp[got], n - got);
	if (got)
		return (int)got;
	if (t->n_lanes == 1 && t->lanes->sends.done == t->lanes->sends.tail &&
	    t->lanes->recvs.head != t->lanes->recvs.tail)
		return block_recv(t, comp, timeout_ns);
	return block_ppoll(t, comp, n, timeout_ns);
}

/* --- open, connect, close ------------------------------------------------- */

static int tcp_probe(const struct ep_attr *attr, struct err *err)
{
	char text[NETIF_TEXT];
	int ret = soft_check_attr("tcp", attr, err);

	if (ret)
		return ret;
	netif_text(&attr->data_addr, text);
	if (!netif_addr_len(&attr->data_addr) ||
	    netif_is_wildcard(&attr->data_addr))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "tcp: needs an address of this host, not %s",
			       text);
	if (!netif_is_local(&attr->data_addr))
		return err_set(err, -EADDRNOTAVAIL, REASON_NO_DEVICE,
			       "tcp: no interface here has the address %s",
			       text);
	return 0;
}

static void fill_device(struct caps *caps, const struct sockaddr_storage *addr)
{
	char name[IF_NAMESIZE] = "";

	if (!strcmp(caps->path, "loopback") || !netif_find(addr, name))
		snprintf(name, sizeof(name), "lo");
	snprintf(caps->device, sizeof(caps->device), "%s", name);
	caps->software_device = netif_is_software(name);
}

static void tcp_fill_caps(struct tcp *t)
{
	t->ep.caps = (struct caps){
		.ops = OP_BIT(OP_SEND) | OP_BIT(OP_RECV),
		.max_sges = SOFT_SGES,
		.max_lanes = SOFT_LANES_MAX,
		.max_depth = SOFT_DEPTH_MAX,
	};
	fill_device(&t->ep.caps, &t->link.local);
}

static void lanes_fini(struct tcp *t)
{
	unsigned i;

	for (i = 0; t->lanes && i < t->n_lanes; i++) {
		itemq_fini(&t->lanes[i].sends);
		itemq_fini(&t->lanes[i].recvs);
	}
	free(t->lanes);
	free(t->pfds);
}

static int lanes_init(struct tcp *t, const struct ep_attr *attr,
		      struct err *err)
{
	unsigned i;
	int ret = 0;

	t->n_lanes = attr->lanes;
	t->lanes = calloc(t->n_lanes, sizeof(*t->lanes));
	t->pfds = calloc(t->n_lanes, sizeof(*t->pfds));
	if (!t->lanes || !t->pfds)
		ret = err_sys(err, -ENOMEM, "tcp: %u lanes", t->n_lanes);
	for (i = 0; i < t->n_lanes && !ret; i++) {
		ret = itemq_init(&t->lanes[i].sends, attr->send_depth,
				 attr->first_sequence, err);
		if (!ret)
			ret = itemq_init(&t->lanes[i].recvs, attr->recv_depth,
					 attr->first_sequence, err);
	}
	if (ret)
		lanes_fini(t);
	return ret;
}

static int tcp_open(struct ep **ep, const struct ep_attr *attr,
		    struct blob *blob, struct err *err)
{
	struct tcp *t;
	int ret;

	ret = tcp_probe(attr, err);
	if (!ret)
		ret = ep_no_extras(attr, "tcp", err);
	if (ret)
		return ret;
	t = calloc(1, sizeof(*t));
	if (!t)
		return err_sys(err, -ENOMEM, "tcp: end");
	t->ep.tp = &transport_tcp;
	t->ep.poll = attr->poll;
	t->ep.clock = attr->clock;
	ret = lanes_init(t, attr, err);
	if (ret)
		goto free_tcp;
	ret = tcp_link_open(&t->link, attr, blob, err);
	if (ret)
		goto free_lanes;
	tcp_fill_caps(t);
	*ep = &t->ep;
	return 0;

free_lanes:
	lanes_fini(t);
free_tcp:
	free(t);
	return ret;
}

static int sockopt_int(int fd, int level, int name)
{
	socklen_t len = sizeof(int);
	int value = 0;

	return getsockopt(fd, level, name, &value, &len) ? 0 : value;
}

/* The buffers' sizes are where autotuning starts from; it stays on. */
static void refine_caps(struct tcp *t)
{
	struct caps *caps = &t->ep.caps;
	int fd = t->lanes[0].fd;

	snprintf(caps->path, sizeof(caps->path), "%s",
		 netif_is_local(&t->link.peer) ? "loopback" : "wire");
	fill_device(caps, &t->link.local);
	snprintf(caps->detail, sizeof(caps->detail),
		 "nodelay, sndbuf %d, rcvbuf %d, mtu %u",
		 sockopt_int(fd, SOL_SOCKET, SO_SNDBUF),
		 sockopt_int(fd, SOL_SOCKET, SO_RCVBUF),
		 netif_mtu(caps->device));
}

static int tcp_connect(struct ep *ep, const struct blob *peer,
		       uint64_t timeout_ns, struct err *err)
{
	struct tcp *t = tcp_of(ep);
	unsigned i;
	int ret;

	ret = tcp_link_connect(&t->link, peer, timeout_ns, err);
	if (ret)
		return ret;
	for (i = 0; i < t->n_lanes; i++) {
		t->lanes[i].fd = t->link.fds[i];
		t->pfds[i].fd = t->link.fds[i];
	}
	refine_caps(t);
	t->connected = true;
	if (ep->poll != POLL_EVENT)
		return 0;
	ret = set_rcvtimeo(t, BLOCK_MAX_NS);
	if (ret)
		*err = ep->err;
	return ret;
}

static void tcp_close(struct ep *ep)
{
	struct tcp *t = tcp_of(ep);

	if (!ep)
		return;
	tcp_link_close(&t->link);
	lanes_fini(t);
	free(t);
}

const struct transport transport_tcp = {
	.name = "tcp",
	.polls_by_syscall = true,
	.summary = "TCP sockets: send(2) and recv(2), TCP_NODELAY",
	.probe = tcp_probe,
	.open = tcp_open,
	.reg = soft_reg,
	.dereg = soft_dereg,
	.connect = tcp_connect,
	.post = tcp_post,
	.poll = tcp_poll,
	.block = tcp_block,
	.close = tcp_close,
};
