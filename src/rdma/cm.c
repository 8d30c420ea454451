#include "rdma/cm.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <rdma/rdma_cma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "rdma/cm_port.h"

/* Strangers may fill a part of the backlog. */
enum { BACKLOG_SPARE = 16, ADDR_TEXT = INET6_ADDRSTRLEN + 8 };

/* The private data of a connect request, and of the answer to it. */
struct hello {
	uint32_t magic; /* big-endian */
	uint32_t lane;	/* big-endian */
	uint8_t shown[NONCE_HALF];
};
enum { HELLO_MAGIC = 0x52424d31 };

struct cm_lane {
	struct rdma_cm_id *id;
	struct ibv_qp *qp;
	bool up;
};

struct cm {
	struct rdma_event_channel *channel;
	struct rdma_cm_id *listener;
	const struct rdma_port *port;
	uint8_t nonce[NONCE_BYTES];
	unsigned n_lanes, n_up;
	uint64_t deadline_ns; /* of the next lane, by clock_raw_ns() */
	struct cm_lane lanes[];
};

/* An event outlives its acknowledgement only as a copy. */
struct cm_event {
	enum rdma_cm_event_type type;
	struct rdma_cm_id *id;
	int status;
	bool has_hello;
	struct hello hello;
};

static const char *addr_text(const struct sockaddr *sa, char buf[ADDR_TEXT])
{
	const struct sockaddr_in6 *in6 = (const void *)sa;
	const struct sockaddr_in *in = (const void *)sa;
	char ip[INET6_ADDRSTRLEN] = "?";

	if (sa->sa_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, ip, sizeof(ip));
		snprintf(buf, ADDR_TEXT, "[%s]:%u", ip, ntohs(in6->sin6_port));
	} else {
		inet_ntop(AF_INET, &in->sin_addr, ip, sizeof(ip));
		snprintf(buf, ADDR_TEXT, "%s:%u", ip, ntohs(in->sin_port));
	}
	return buf;
}

/* rdma_cm functions return -1 and set errno. */
static int cm_sys(struct err *err, const char *what, const struct sockaddr *sa)
{
	const int e = errno ? errno : EIO;
	char text[ADDR_TEXT];

	if (e == ENODEV || e == EADDRNOTAVAIL)
		return err_set(err, -e, REASON_NO_DEVICE,
			       "RDMA CM cannot %s %s: no RDMA device has this "
			       "address (it does not work on lo)",
			       what, addr_text(sa, text));
	if (e == EACCES || e == EPERM || e == ENOENT)
		return err_set(err, -e, REASON_NO_PERMISSION,
			       "RDMA CM cannot %s %s: /dev/infiniband/rdma_cm "
			       "may not be opened (`modprobe rdma_ucm`, run as "
			       "root)",
			       what, addr_text(sa, text));
	return err_sys(err, -e, "RDMA CM cannot %s %s", what,
		       addr_text(sa, text));
}

/* --- events --------------------------------------------------------------- */

static void copy_event(struct cm_event *out, const struct rdma_cm_event *in)
{
	const struct rdma_conn_param *param = &in->param.conn;

	memset(out, 0, sizeof(*out));
	out->type = in->event;
	out->id = in->id;
	out->status = in->status;
	if (!param->private_data || /* a request, or the answer to it */
	    param->private_data_len < sizeof(out->hello))
		return;
	out->has_hello = true;
	memcpy(&out->hello, param->private_data, sizeof(out->hello));
}

/* 1: an event, 0: none is there now, or -errno. */
static int take_event(struct cm *cm, struct cm_event *ev)
{
	struct rdma_cm_event *event;

	if (!rdma_get_cm_event(cm->channel, &event)) {
		copy_event(ev, event);
		rdma_ack_cm_event(event);
		return 1;
	}
	return errno == EAGAIN || errno == EINTR ? 0 : -errno;
}

static int wait_event(struct cm *cm, uint64_t deadline_ns, struct cm_event *ev)
{
	struct pollfd fd = {.fd = cm->channel->fd, .events = POLLIN};
	uint64_t now, left_ms;
	int ret;

	for (;;) {
		ret = take_event(cm, ev);
		if (ret)
			return ret < 0 ? ret : 0;
		now = clock_raw_ns();
		if (now >= deadline_ns)
			return -ETIMEDOUT;
		left_ms = (deadline_ns - now) / 1000000 + 1;
		ret = poll(&fd, 1, left_ms < 60000 ? (int)left_ms : 60000);
		if (ret < 0)
			return -errno;
	}
}

static const struct {
	enum reason reason;
	const char *text;
} failures[] = {
	[RDMA_CM_EVENT_ADDR_ERROR] = {REASON_PEER_REFUSED,
				      "no RDMA device leads to this address"},
	[RDMA_CM_EVENT_ROUTE_ERROR] =
		{REASON_PEER_REFUSED,
		 "no route to it on this device (RDMA CM does not work on lo)"},
	[RDMA_CM_EVENT_CONNECT_ERROR] = {REASON_PEER_REFUSED,
					 "the connection failed"},
	[RDMA_CM_EVENT_UNREACHABLE] = {REASON_PEER_TIMEOUT,
				       "it does not answer"},
	[RDMA_CM_EVENT_REJECTED] =
		{REASON_PEER_REFUSED,
		 "it refused: nobody listens there, or for another session"},
	[RDMA_CM_EVENT_DEVICE_REMOVAL] = {REASON_NO_DEVICE,
					  "the RDMA device was removed"},
	[RDMA_CM_EVENT_DISCONNECTED] = {REASON_PEER_LOST,
					"the peer closed the connection"},
};

/* True for the events that end a connection or an attempt. */
static bool is_failure(const struct cm_event *ev)
{
	return (size_t)ev->type < sizeof(failures) / sizeof(failures[0]) &&
	       failures[ev->type].text;
}

static int failed(const struct cm_event *ev, const struct sockaddr *sa,
		  struct err *err)
{
	char text[ADDR_TEXT];

	return err_set(err, -ECONNREFUSED, failures[ev->type].reason,
		       "RDMA CM to %s: %s (%s, status %d)", addr_text(sa, text),
		       failures[ev->type].text, rdma_event_str(ev->type),
		       ev->status);
}

static int timed_out(int ret, const char *what, const struct sockaddr *sa,
		     struct err *err)
{
	char text[ADDR_TEXT];

	if (ret != -ETIMEDOUT)
		return err_sys(err, ret, "RDMA CM events");
	return err_set(err, ret, REASON_PEER_TIMEOUT,
		       "RDMA CM: %s %s in the time given", what,
		       addr_text(sa, text));
}

/* --- who is there ---------------------------------------------------------- */

static struct hello hello_of(const struct cm *cm, unsigned lane,
			     enum nonce_end end)
{
	struct hello h = {.magic = htonl(HELLO_MAGIC), .lane = htonl(lane)};

	nonce_show(cm->nonce, end, h.shown);
	return h;
}

static bool knows(const struct cm *cm, const struct cm_event *ev,
		  enum nonce_end end)
{
	return ev->has_hello && ntohl(ev->hello.magic) == HELLO_MAGIC &&
	       nonce_is_shown(cm->nonce, end, ev->hello.shown);
}

/* --- queue pairs ---------------------------------------------------------- */

static int init_attr(struct rdma_cm_id *id, enum ibv_qp_state state,
		     struct ibv_qp_attr *attr, int *mask, struct err *err)
{
	memset(attr, 0, sizeof(*attr));
	attr->qp_state = state;
	if (!rdma_init_qp_attr(id, attr, mask))
		return 0;
	return err_sys(err, -errno, "RDMA CM has no queue pair attributes");
}

static int modify(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask,
		  struct err *err)
{
	int ret = rdma_errno(ibv_modify_qp(qp, attr, mask));

	if (!ret)
		return 0;
	return err_sys(err, ret, "queue pair 0x%x (by RDMA CM)", qp->qp_num);
}

static int to_rts(const struct cm_lane *lane, const struct cm_link *link,
		  struct err *err)
{
	struct ibv_qp_attr attr;
	int mask, ret;

	ret = init_attr(lane->id, IBV_QPS_RTR, &attr, &mask, err);
	if (ret)
		return ret;
	if (rdma_mtu_bytes(attr.path_mtu) > link->mtu_bytes)
		attr.path_mtu = rdma_mtu_of_bytes(link->mtu_bytes);
	attr.max_dest_rd_atomic = link->rd_atomic;
	mask |= rdma_qp_rtr_policy(&attr);
	ret = modify(lane->qp, &attr, mask, err);
	if (ret)
		return ret;
	ret = init_attr(lane->id, IBV_QPS_RTS, &attr, &mask, err);
	if (ret)
		return ret;
	attr.max_rd_atomic = link->rd_atomic;
	mask |= rdma_qp_rts_policy(&attr);
	return modify(lane->qp, &attr, mask, err);
}

/* On iWARP the kernel's connection manager moves the queue pair itself. */
static int lane_to_rts(const struct cm *cm, const struct cm_lane *lane,
		       const struct cm_link *link, struct err *err)
{
	return cm->port->iwarp ? 0 : to_rts(lane, link, err);
}

static struct rdma_conn_param conn_param(const struct cm_lane *lane,
					 const struct cm_link *link,
					 const struct hello *hello)
{
	struct ibv_qp_attr policy;
	struct rdma_conn_param param = {
		.private_data = hello,
		.private_data_len = sizeof(*hello),
		.responder_resources = link->rd_atomic,
		.initiator_depth = link->rd_atomic,
		.qp_num = lane->qp->qp_num,
		/* The queue pair is ours and not the id's, so that librdmacm
		 * cannot know: a queue pair whose receives are shared gives no
		 * end-to-end credit, and the CM's REQ and REP say so. */
		.srq = lane->qp->srq != NULL,
	};

	rdma_qp_rts_policy(&policy);
	param.retry_count = policy.retry_cnt;
	param.rnr_retry_count = policy.rnr_retry;
	return param;
}

/* --- making and freeing --------------------------------------------------- */

int cm_new(struct cm **out, const struct cm_attr *attr, struct err *err)
{
	static const struct sockaddr_storage none = {.ss_family = AF_INET};
	struct cm *cm;
	int ret;

	cm = calloc(1, sizeof(*cm) + attr->n_lanes * sizeof(cm->lanes[0]));
	if (!cm)
		return err_sys(err, -ENOMEM, "RDMA CM");
	cm->port = attr->port;
	cm->n_lanes = attr->n_lanes;
	memcpy(cm->nonce, attr->nonce, sizeof(cm->nonce));
	errno = 0;
	cm->channel = rdma_create_event_channel();
	if (!cm->channel) {
		ret = cm_sys(err, "start for",
			     (const struct sockaddr *)(attr->addr ? attr->addr
								  : &none));
		goto free_cm;
	}
	if (fcntl(cm->channel->fd, F_SETFL, O_NONBLOCK)) {
		ret = err_sys(err, -errno, "RDMA CM event channel");
		goto free_cm;
	}
	if (attr->addr && cm_port_listen(cm->channel, &cm->listener,
					 (const struct sockaddr *)attr->addr,
					 (int)cm->n_lanes + BACKLOG_SPARE)) {
		ret = cm_sys(err, "listen on",
			     (const struct sockaddr *)attr->addr);
		goto free_cm;
	}
	*out = cm;
	return 0;
free_cm:
	cm_free(cm);
	return ret;
}

void cm_listen_addr(const struct cm *cm, struct sockaddr_storage *addr)
{
	const struct sockaddr *sa = rdma_get_local_addr(cm->listener);

	memset(addr, 0, sizeof(*addr));
	memcpy(addr, sa,
	       sa->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6)
					 : sizeof(struct sockaddr_in));
}

void cm_set_qp(struct cm *cm, unsigned lane, struct ibv_qp *qp)
{
	cm->lanes[lane].qp = qp;
}

int cm_fd(const struct cm *cm)
{
	return cm->channel->fd;
}

/* The kernel answers the peer's disconnect; and when we disconnect it sends
 * ours before the id goes, so that there is nothing to wait for. */
void cm_disconnect(struct cm *cm)
{
	unsigned i;

	if (!cm)
		return;
	for (i = 0; i < cm->n_lanes; i++)
		if (cm->lanes[i].up)
			rdma_disconnect(cm->lanes[i].id);
}

void cm_free(struct cm *cm)
{
	unsigned i;

	if (!cm)
		return;
	for (i = 0; i < cm->n_lanes; i++)
		if (cm->lanes[i].id)
			rdma_destroy_id(cm->lanes[i].id);
	if (cm->listener)
		rdma_destroy_id(cm->listener);
	if (cm->channel)
		rdma_destroy_event_channel(cm->channel);
	free(cm);
}

int cm_check(struct cm *cm, struct err *err)
{
	struct cm_event ev;

	while (take_event(cm, &ev) > 0) {
		if (!is_failure(&ev) || ev.id == cm->listener)
			continue;
		failed(&ev, rdma_get_peer_addr(ev.id), err);
		return -ECONNRESET;
	}
	return 0;
}

/* --- active end ----------------------------------------------------------- */

static int expect(struct cm *cm, enum rdma_cm_event_type type,
		  const struct cm_link *link, struct cm_event *ev,
		  struct err *err)
{
	const struct sockaddr *sa = (const struct sockaddr *)link->peer;
	int ret;

	for (;;) {
		ret = wait_event(cm, cm->deadline_ns, ev);
		if (ret)
			return timed_out(ret, "no answer from", sa, err);
		if (ev->type == type ||
		    (type == RDMA_CM_EVENT_CONNECT_RESPONSE &&
		     ev->type == RDMA_CM_EVENT_ESTABLISHED))
			return 0;
		if (is_failure(ev))
			return failed(ev, sa, err);
	}
}

static int wrong_device(const struct cm *cm, const struct rdma_cm_id *id,
			const struct sockaddr *sa, struct err *err)
{
	const char *name = id->verbs ? id->verbs->device->name : "none";
	char text[ADDR_TEXT];

	if (!strcmp(name, cm->port->name))
		return 0;
	return err_set(err, -ENODEV, REASON_NO_DEVICE,
		       "RDMA CM reaches %s by device %s, not %s: choose it "
		       "(-d), or change the routes",
		       addr_text(sa, text), name, cm->port->name);
}

static int resolve(struct cm *cm, struct rdma_cm_id *id,
		   const struct cm_link *link, struct err *err)
{
	struct sockaddr *dst = (struct sockaddr *)(uintptr_t)link->peer;
	struct sockaddr_storage src = cm->port->addr;
	const int timeout_ms = (int)(link->timeout_ns / 1000000) + 1;
	struct cm_event ev;
	int ret;

	/* From our address, so that no other device is taken. */
	if (rdma_resolve_addr(id,
			      src.ss_family == dst->sa_family
				      ? (struct sockaddr *)&src
				      : NULL,
			      dst, timeout_ms))
		return cm_sys(err, "resolve", dst);
	ret = expect(cm, RDMA_CM_EVENT_ADDR_RESOLVED, link, &ev, err);
	if (ret)
		return ret;
	ret = wrong_device(cm, id, dst, err);
	if (ret)
		return ret;
	if (rdma_resolve_route(id, timeout_ms))
		return cm_sys(err, "find a route to", dst);
	return expect(cm, RDMA_CM_EVENT_ROUTE_RESOLVED, link, &ev, err);
}

static int request(struct cm *cm, unsigned index, const struct cm_link *link,
		   struct err *err)
{
	struct cm_lane *lane = &cm->lanes[index];
	struct sockaddr *dst = (struct sockaddr *)(uintptr_t)link->peer;
	const struct hello hello = hello_of(cm, index, NONCE_CALLER);
	struct rdma_conn_param param = conn_param(lane, link, &hello);
	struct cm_event ev;
	unsigned changed;
	int ret;

	if (cm_port_connect(&lane->id, &param, &changed))
		return cm_sys(err, "connect to", dst);
	ret = expect(cm, RDMA_CM_EVENT_CONNECT_RESPONSE, link, &ev, err);
	if (!ret &&
	    !(knows(cm, &ev, NONCE_CALLED) && ntohl(ev.hello.lane) == index))
		ret = err_set(err, -EACCES, REASON_PEER_REFUSED,
			      "RDMA CM: who answers at the peer's address does "
			      "not know this session");
	if (ret || ev.type == RDMA_CM_EVENT_ESTABLISHED)
		return ret;
	ret = lane_to_rts(cm, lane, link, err);
	if (ret)
		return ret;
	return rdma_establish(lane->id) ? cm_sys(err, "connect to", dst) : 0;
}

int cm_connect(struct cm *cm, const struct cm_link *link, struct err *err)
{
	struct cm_lane *lane;
	unsigned i;
	int ret;

	for (i = 0; i < cm->n_lanes; i++) {
		cm->deadline_ns = clock_raw_ns() + link->timeout_ns;
		lane = &cm->lanes[i];
		if (rdma_create_id(cm->channel, &lane->id, lane, RDMA_PS_TCP))
			return cm_sys(err, "connect to",
				      (const struct sockaddr *)link->peer);
		ret = resolve(cm, lane->id, link, err);
		if (ret)
			return ret;
		ret = request(cm, i, link, err);
		if (ret)
			return ret;
		lane->up = true;
	}
	return 0;
}

/* --- passive end ---------------------------------------------------------- */

/* Whose lane a connect request is for; NULL: a stranger's. */
static struct cm_lane *lane_of(struct cm *cm, const struct cm_event *ev)
{
	const uint32_t index = ntohl(ev->hello.lane);

	if (!knows(cm, ev, NONCE_CALLER))
		return NULL;
	if (index >= cm->n_lanes || cm->lanes[index].id)
		return NULL;
	return &cm->lanes[index];
}

static int answer(struct cm *cm, const struct cm_event *ev,
		  const struct cm_link *link, struct err *err)
{
	struct cm_lane *lane = lane_of(cm, ev);
	struct rdma_conn_param param;
	struct hello hello;
	int ret;

	if (!lane) {
		rdma_reject(ev->id, NULL, 0);
		rdma_destroy_id(ev->id);
		return 0;
	}
	lane->id = ev->id;
	lane->id->context = lane;
	ret = wrong_device(cm, lane->id, rdma_get_peer_addr(lane->id), err);
	if (!ret)
		ret = lane_to_rts(cm, lane, link, err);
	if (ret) {
		rdma_reject(lane->id, NULL, 0);
		return ret;
	}
	hello = hello_of(cm, ntohl(ev->hello.lane), NONCE_CALLED);
	param = conn_param(lane, link, &hello);
	if (rdma_accept(lane->id, &param))
		return cm_sys(err, "accept from", rdma_get_peer_addr(lane->id));
	return 0;
}

/* What happens to a lane of ours; events of strangers' ids never come, they
 * are destroyed when they are turned away. */
static int lane_event(struct cm *cm, const struct cm_event *ev, struct err *err)
{
	struct cm_lane *lane = ev->id->context;

	if (ev->type == RDMA_CM_EVENT_ESTABLISHED && !lane->up) {
		lane->up = true;
		cm->n_up++;
		return 0;
	}
	return is_failure(ev) ? failed(ev, rdma_get_peer_addr(ev->id), err) : 0;
}

int cm_accept(struct cm *cm, const struct cm_link *link, struct err *err)
{
	const struct sockaddr *own = rdma_get_local_addr(cm->listener);
	unsigned known = cm->n_lanes; /* none yet */
	struct cm_event ev;
	int ret;

	while (cm->n_up < cm->n_lanes) {
		if (cm->n_up != known)
			cm->deadline_ns = clock_raw_ns() + link->timeout_ns;
		known = cm->n_up;
		ret = wait_event(cm, cm->deadline_ns, &ev);
		if (ret)
			return timed_out(ret, "nobody connected to", own, err);
		if (ev.type == RDMA_CM_EVENT_CONNECT_REQUEST)
			ret = answer(cm, &ev, link, err);
		else if (ev.id != cm->listener)
			ret = lane_event(cm, &ev, err);
		else if (is_failure(&ev))
			ret = failed(&ev, own, err);
		if (ret)
			return ret;
	}
	/* Nobody else is to come: refused by the kernel, which is at once,
	 * rather than left waiting for an answer. */
	rdma_destroy_id(cm->listener);
	cm->listener = NULL;
	return 0;
}
