/* rdma/conns.h by RDMA CM. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>

#include "rdma/cm_port.h"
#include "rdma/conns_priv.h"

enum { BACKLOG_SPARE = 16, STEP_TIMEOUT_MS = 4000, SLICE_MS = 50 };

static int cm_failed(const char *what, struct err *err)
{
	int e = errno ? errno : EIO;

	if (e == EACCES || e == EPERM || e == ENOENT)
		return err_set(
			err, -e, REASON_NO_PERMISSION,
			"RDMA CM: %s: /dev/infiniband/rdma_cm may not be "
			"opened (`modprobe rdma_ucm`, run as root)",
			what);
	return err_sys(err, -e, "RDMA CM: %s", what);
}

static int open_channel(struct conns *c, struct err *err)
{
	if (c->channel)
		return 0;
	errno = 0;
	c->channel = rdma_create_event_channel();
	if (!c->channel || fcntl(c->channel->fd, F_SETFL, O_NONBLOCK))
		return cm_failed("event channel", err);
	return 0;
}

void conns_cm_fini(struct conns *c)
{
	if (c->listener)
		rdma_destroy_id(c->listener);
	if (c->channel)
		rdma_destroy_event_channel(c->channel);
}

int conns_fd(const struct conns *c)
{
	return c->channel->fd;
}

static unsigned number_of(const struct conns *c, const struct rdma_cm_id *id)
{
	return (unsigned)((struct conn *)id->context - c->v);
}

/* --- queue pairs: RDMA CM knows the path, we the policy --------------------- */

static int modify_to(struct conns *c, unsigned i, enum ibv_qp_state state,
		     enum conns_step step, struct err *err)
{
	struct ibv_qp_attr attr = {.qp_state = state};
	uint64_t t0 = conns_now(c);
	int mask, ret;

	if (rdma_init_qp_attr(c->v[i].id, &attr, &mask))
		return cm_failed("queue pair attributes", err);
	mask |= state == IBV_QPS_RTR ? rdma_qp_rtr_policy(&attr)
				     : rdma_qp_rts_policy(&attr);
	ret = rdma_errno(ibv_modify_qp(c->v[i].qp, &attr, mask));
	conns_tell(c, step, i, t0);
	return ret ? err_sys(err, ret, "queue pair 0x%x (by RDMA CM)",
			     c->v[i].qp->qp_num)
		   : 0;
}

/* On iWARP the kernel's connection manager moves the queue pair itself. */
static int to_rts(struct conns *c, unsigned i, struct err *err)
{
	int ret;

	if (c->port.iwarp)
		return 0;
	ret = modify_to(c, i, IBV_QPS_RTR, CONNS_RTR, err);
	return ret ? ret : modify_to(c, i, IBV_QPS_RTS, CONNS_RTS, err);
}

static struct rdma_conn_param param_of(const struct conns *c, unsigned i)
{
	struct ibv_qp_attr policy;
	struct rdma_conn_param param = {
		.responder_resources = rdma_rd_atomic_useful(&c->port),
		.initiator_depth = rdma_rd_atomic_useful(&c->port),
		.qp_num = c->v[i].qp->qp_num,
	};

	rdma_qp_rts_policy(&policy);
	param.retry_count = policy.retry_cnt;
	param.rnr_retry_count = policy.rnr_retry;
	return param;
}

/* --- active end ---------------------------------------------------------------- */

static int unexpected(const struct rdma_cm_event *ev, struct err *err)
{
	return err_set(err, -ECONNREFUSED, REASON_PEER_REFUSED,
		       "RDMA CM: %s, status %d", rdma_event_str(ev->event),
		       ev->status);
}

/* What came along, as far as it is a knock or its answer. */
static bool get_knock(const struct rdma_conn_param *p,
		      struct nonce_knock *knock)
{
	if (!p->private_data || p->private_data_len < sizeof(*knock))
		return false;
	memcpy(knock, p->private_data, sizeof(*knock));
	return true;
}

/* Whoever listens where the peer should has not its half of the nonce. */
static int check_called(const struct conns *c, const struct rdma_cm_event *ev,
			struct err *err)
{
	struct nonce_knock answer;

	if (get_knock(&ev->param.conn, &answer) &&
	    nonce_answers(c->attr.nonce, &answer, number_of(c, ev->id)))
		return 1;
	return err_set(err, -EACCES, REASON_PEER_REFUSED,
		       "RDMA CM: who answers at the peer's address does not "
		       "know this session");
}

/* One event; 1 if it was `type`, of a connection that waits for it. */
static int take_event(struct conns *c, enum rdma_cm_event_type type,
		      enum conns_step step, struct err *err)
{
	struct rdma_cm_event *ev;
	const struct conn *v;
	int ret = 1;

	if (rdma_get_cm_event(c->channel, &ev))
		return errno == EAGAIN ? 0 : cm_failed("events", err);
	v = ev->id->context;
	/* On iWARP the connection stands without a response. */
	if (ev->event == type || (type == RDMA_CM_EVENT_CONNECT_RESPONSE &&
				  ev->event == RDMA_CM_EVENT_ESTABLISHED)) {
		conns_tell(c, step, number_of(c, ev->id), v->t0);
		if (type == RDMA_CM_EVENT_CONNECT_RESPONSE)
			ret = check_called(c, ev, err);
	} else if (ev->event == RDMA_CM_EVENT_TIMEWAIT_EXIT) {
		ret = 0;
	} else {
		ret = unexpected(ev, err);
	}
	rdma_ack_cm_event(ev);
	return ret;
}

/* Until there is an event.  Why the peer gave up is heard between slices:
 * its words are better than our having waited. */
static int wait_readable(struct conns *c, enum rdma_cm_event_type type,
			 struct err *err)
{
	struct pollfd fd = {.fd = c->channel->fd, .events = POLLIN};
	unsigned ms;
	int ret = 0;

	for (ms = 0; !ret && ms < STEP_TIMEOUT_MS; ms += SLICE_MS) {
		if (poll(&fd, 1, SLICE_MS) > 0)
			return 0;
		ret = c->attr.pulse(c->attr.arg, err);
	}
	return ret ? ret
		   : err_set(err, -ETIMEDOUT, REASON_PEER_TIMEOUT,
			     "RDMA CM: no %s in %d s", rdma_event_str(type),
			     STEP_TIMEOUT_MS / 1000);
}

/* Until so many have had the event. */
static int wait_events(struct conns *c, unsigned n,
		       enum rdma_cm_event_type type, enum conns_step step,
		       struct err *err)
{
	int ret;

	while (n) {
		ret = wait_readable(c, type, err);
		if (!ret)
			ret = take_event(c, type, step, err);
		if (ret < 0)
			return ret;
		n -= (unsigned)ret;
	}
	return 0;
}

static int make_id(struct conns *c, unsigned i, struct err *err)
{
	uint64_t t0 = conns_now(c);

	errno = 0;
	if (rdma_create_id(c->channel, &c->v[i].id, &c->v[i], RDMA_PS_TCP))
		return cm_failed("rdma_create_id", err);
	c->counts.made++;
	conns_tell(c, CONNS_ID, i, t0);
	return 0;
}

static int start_addr(struct conns *c, unsigned i,
		      const struct sockaddr_storage *peer, struct err *err)
{
	struct sockaddr_storage src = c->port.addr;
	struct sockaddr *dst = (struct sockaddr *)(uintptr_t)peer;

	c->v[i].t0 = conns_now(c);
	if (rdma_resolve_addr(c->v[i].id,
			      src.ss_family == peer->ss_family
				      ? (struct sockaddr *)&src
				      : NULL,
			      dst, STEP_TIMEOUT_MS))
		return cm_failed("rdma_resolve_addr", err);
	return 0;
}

static int start_route(struct conns *c, unsigned i, struct err *err)
{
	c->v[i].t0 = conns_now(c);
	if (rdma_resolve_route(c->v[i].id, STEP_TIMEOUT_MS))
		return cm_failed("rdma_resolve_route", err);
	return 0;
}

static int find_peer(struct conns *c, unsigned first, unsigned n,
		     const struct sockaddr_storage *peer, struct err *err)
{
	unsigned i, end = first + n;
	int ret = open_channel(c, err);

	for (i = first; !ret && i < end; i++)
		ret = make_id(c, i, err);
	for (i = first; !ret && i < end; i++)
		ret = start_addr(c, i, peer, err);
	if (!ret)
		ret = wait_events(c, n, RDMA_CM_EVENT_ADDR_RESOLVED, CONNS_ADDR,
				  err);
	for (i = first; !ret && i < end; i++)
		ret = start_route(c, i, err);
	return ret ? ret
		   : wait_events(c, n, RDMA_CM_EVENT_ROUTE_RESOLVED,
				 CONNS_ROUTE, err);
}

static int start_connect(struct conns *c, unsigned i, struct err *err)
{
	struct rdma_conn_param param = param_of(c, i);
	struct nonce_knock knock;
	struct conn *v = &c->v[i];
	unsigned changed;
	int ret;

	nonce_knock(c->attr.nonce, i, &knock);
	param.private_data = &knock;
	param.private_data_len = sizeof(knock);
	v->t0 = conns_now(c);
	ret = cm_port_connect(&v->id, &param, &changed);
	c->counts.made += changed;
	c->counts.ended += changed + !v->id;
	return ret ? cm_failed("rdma_connect", err) : 0;
}

/* The last word of the handshake; iWARP has had it. */
static int establish(struct conns *c, unsigned i, struct err *err)
{
	int ret = to_rts(c, i, err);

	if (!ret && !c->port.iwarp && rdma_establish(c->v[i].id))
		ret = cm_failed("rdma_establish", err);
	return ret;
}

int conns_connect(struct conns *c, unsigned first, unsigned n,
		  const struct sockaddr_storage *peer, struct err *err)
{
	unsigned i;
	int ret = find_peer(c, first, n, peer, err);

	if (!ret)
		ret = conns_make(c, first, n, err);
	for (i = first; !ret && i < first + n; i++)
		ret = start_connect(c, i, err);
	if (!ret)
		ret = wait_events(c, n, RDMA_CM_EVENT_CONNECT_RESPONSE,
				  CONNS_HANDSHAKE, err);
	for (i = first; !ret && i < first + n; i++)
		ret = establish(c, i, err);
	return ret;
}

int conns_disconnect(struct conns *c, unsigned first, unsigned n,
		     struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = first; !ret && i < first + n; i++) {
		c->v[i].t0 = conns_now(c);
		if (rdma_disconnect(c->v[i].id))
			ret = cm_failed("rdma_disconnect", err);
	}
	return ret ? ret
		   : wait_events(c, n, RDMA_CM_EVENT_DISCONNECTED,
				 CONNS_DISCONNECT, err);
}

/* --- passive end --------------------------------------------------------------- */

int conns_listen(struct conns *c, struct sockaddr_storage *addr,
		 struct err *err)
{
	int ret = open_channel(c, err);

	if (ret)
		return ret;
	*addr = c->port.addr;
	if (addr->ss_family == AF_UNSPEC)
		return err_set(err, -EADDRNOTAVAIL, REASON_NO_DEVICE,
			       "RDMA CM needs an IP address on the network "
			       "interface of %s (ip addr add)",
			       c->port.name);
	if (cm_port_listen(c->channel, &c->listener,
			   (const struct sockaddr *)addr,
			   (int)c->attr.n + BACKLOG_SPARE))
		return cm_failed("listening", err);
	/* The port is at the same place for both families. */
	((struct sockaddr_in *)addr)->sin_port = rdma_get_src_port(c->listener);
	return 0;
}

/* Which connection a request is for; NULL: a stranger's. */
static struct conn *whose(struct conns *c, const struct rdma_conn_param *p)
{
	struct nonce_knock knock;
	uint32_t i;

	if (!get_knock(p, &knock) || !nonce_knows(c->attr.nonce, &knock, &i) ||
	    i >= c->attr.n || c->v[i].id)
		return NULL;
	return &c->v[i];
}

static int accept_one(struct conns *c, unsigned i, struct err *err)
{
	struct rdma_conn_param param;
	struct nonce_knock answer;
	int ret = conns_make(c, i, 1, err);

	if (!ret)
		ret = to_rts(c, i, err);
	if (ret)
		return ret;
	param = param_of(c, i);
	nonce_answer(c->attr.nonce, i, &answer);
	param.private_data = &answer;
	param.private_data_len = sizeof(answer);
	c->v[i].t0 = conns_now(c);
	return rdma_accept(c->v[i].id, &param) ? cm_failed("accept", err) : 0;
}

static int request(struct conns *c, struct rdma_cm_id *id,
		   const struct rdma_conn_param *p, struct err *err)
{
	struct conn *v = whose(c, p);

	if (!v) {
		rdma_reject(id, NULL, 0);
		rdma_destroy_id(id);
		return 0;
	}
	v->id = id;
	c->counts.made++;
	id->context = v;
	return accept_one(c, (unsigned)(v - c->v), err);
}

/* The peer's disconnect is answered, or it would wait; then all goes. */
static int handle(struct conns *c, enum rdma_cm_event_type type,
		  struct rdma_cm_id *id, const struct rdma_conn_param *p,
		  struct err *err)
{
	switch (type) {
	case RDMA_CM_EVENT_CONNECT_REQUEST:
		return request(c, id, p, err);
	case RDMA_CM_EVENT_ESTABLISHED:
		conns_tell(c, CONNS_HANDSHAKE, number_of(c, id),
			   ((struct conn *)id->context)->t0);
		return 0;
	case RDMA_CM_EVENT_DISCONNECTED:
		rdma_disconnect(id);
		return conns_destroy(c, number_of(c, id), 1, err);
	case RDMA_CM_EVENT_TIMEWAIT_EXIT:
		return 0;
	default:
		return err_set(err, -ECONNREFUSED, REASON_LINK_FAILED,
			       "RDMA CM: %s", rdma_event_str(type));
	}
}

int conns_serve(struct conns *c, struct err *err)
{
	uint8_t private[sizeof(struct nonce_knock)];
	struct rdma_conn_param param;
	enum rdma_cm_event_type type;
	struct rdma_cm_event *ev;
	struct rdma_cm_id *id;
	int ret = 0;

	while (!ret && !rdma_get_cm_event(c->channel, &ev)) {
		type = ev->event;
		id = ev->id;
		param = ev->param.conn;
		if (type != RDMA_CM_EVENT_CONNECT_REQUEST ||
		    param.private_data_len < sizeof(private))
			param.private_data = NULL;
		if (param.private_data)
			param.private_data = memcpy(private, param.private_data,
						    sizeof(private));
		/* Before its id may be destroyed. */
		rdma_ack_cm_event(ev);
		ret = handle(c, type, id, &param, err);
	}
	return ret;
}
