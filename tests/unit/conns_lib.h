/*
 * What verbs and RDMA CM are to rdma/conns.c where there is no device: each
 * call is answered here, is written down, and may be made to fail.
 */
#ifndef TESTS_UNIT_CONNS_LIB_H
#define TESTS_UNIT_CONNS_LIB_H

#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rdma/conns_priv.h"

enum { LOG_BYTES = 4096, EVENTS_MAX = 64 };

static struct {
	char log[LOG_BYTES]; /* a word a call */
	unsigned calls;	     /* that may fail */
	unsigned fail_at;    /* the call that fails; 0: none */
	int open;	     /* objects made and not ended */
	bool iwarp, silent;  /* silent: no event ever comes */
	/* Who accepts; a parrot says what it has heard, and the peer of another
	 * connection what that one would. */
	enum { CALLED_PEER, CALLED_PARROT, CALLED_OTHER, CALLED_MUTE } called;
	struct nonce_knock answers[EVENTS_MAX];
	int posted; /* what ibv_post_recv returns */
	struct rdma_cm_event events[EVENTS_MAX];
	unsigned n_events, taken;
	struct rdma_event_channel channel;
	int pulses;
} lib;

static void say(const char *word)
{
	if (strlen(lib.log) + strlen(word) + 2 < LOG_BYTES) {
		strcat(lib.log, word);
		strcat(lib.log, " ");
	}
}

static bool fails(const char *word)
{
	say(word);
	return ++lib.calls == lib.fail_at;
}

static void *made(const char *word, size_t size)
{
	if (fails(word)) {
		errno = ENOMEM;
		return NULL;
	}
	lib.open++;
	return calloc(1, size);
}

static int ended(const char *word, void *v)
{
	say(word);
	lib.open--;
	free(v);
	return 0;
}

static int failed(struct err *err)
{
	return err_sys(err, -EIO, "made to fail");
}

static int poll_cq(struct ibv_cq *cq, int n, struct ibv_wc *wc)
{
	(void)cq;
	(void)n;
	*wc = (struct ibv_wc){.status = IBV_WC_SUCCESS, .imm_data = htonl(0)};
	return 1;
}

static int post_recv(struct ibv_qp *qp, struct ibv_recv_wr *wr,
		     struct ibv_recv_wr **bad)
{
	(void)qp;
	(void)bad;
	assert_int_equal(wr->num_sge, lib.iwarp);
	return fails("recv") ? lib.posted : 0;
}

static int post_send(struct ibv_qp *qp, struct ibv_send_wr *wr,
		     struct ibv_send_wr **bad)
{
	(void)qp;
	(void)wr;
	(void)bad;
	return fails("send") ? ENOMEM : 0;
}

static struct ibv_context ctx = {
	.ops = {.poll_cq = poll_cq,
		.post_recv = post_recv,
		.post_send = post_send},
};

/* What rdma/port.c and rdma/qp.c are to conns.c. */

int rdma_port_open(struct rdma_port *port, const struct rdma_want *want,
		   struct err *err)
{
	(void)want;
	if (fails("port"))
		return failed(err);
	memset(port, 0, sizeof(*port));
	port->ctx = &ctx;
	port->iwarp = lib.iwarp;
	port->addr.ss_family = AF_INET;
	lib.open++;
	return 0;
}

void rdma_port_close(struct rdma_port *port)
{
	(void)port;
	lib.open--;
}

unsigned rdma_port_mtu(const struct rdma_port *port)
{
	(void)port;
	return 4096;
}

uint8_t rdma_rd_atomic_useful(const struct rdma_port *port)
{
	(void)port;
	return 16;
}

int rdma_pd_create(struct ibv_pd **pd, const struct rdma_port *port,
		   struct err *err)
{
	(void)port;
	*pd = made("pd", sizeof(**pd));
	return *pd ? 0 : failed(err);
}

int rdma_cq_create(struct rdma_cq *cq, const struct rdma_port *port,
		   uint64_t cqe, bool events, struct err *err)
{
	(void)port;
	(void)cqe;
	(void)events;
	cq->channel = NULL;
	cq->cq = made("cq", sizeof(*cq->cq));
	if (!cq->cq)
		return failed(err);
	cq->cq->context = &ctx;
	return 0;
}

int rdma_cq_destroy(struct rdma_cq *cq)
{
	int ret = ended("-cq", cq->cq);

	cq->cq = NULL;
	return ret;
}

int rdma_qp_create(struct ibv_qp **qp, const struct rdma_port *port,
		   const struct rdma_qp_want *want, unsigned *inline_bytes,
		   struct err *err)
{
	(void)port;
	(void)want;
	*inline_bytes = 0;
	*qp = made("qp", sizeof(**qp));
	if (!*qp)
		return failed(err);
	(*qp)->context = &ctx;
	return 0;
}

int rdma_qp_to_init(struct ibv_qp *qp, const struct rdma_port *port,
		    uint32_t qkey, struct err *err)
{
	(void)qp;
	(void)port;
	(void)qkey;
	return fails("init") ? failed(err) : 0;
}

int rdma_qp_to_rtr(struct ibv_qp *qp, const struct rdma_port *port,
		   const struct rdma_path *path, struct err *err)
{
	(void)qp;
	(void)port;
	(void)path;
	return fails("rtr") ? failed(err) : 0;
}

int rdma_qp_to_rts(struct ibv_qp *qp, const struct rdma_path *path,
		   struct err *err)
{
	(void)qp;
	(void)path;
	return fails("rts") ? failed(err) : 0;
}

int rdma_qp_rtr_policy(struct ibv_qp_attr *attr)
{
	(void)attr;
	return 0;
}

int rdma_qp_rts_policy(struct ibv_qp_attr *attr)
{
	(void)attr;
	return 0;
}

int ibv_destroy_qp(struct ibv_qp *qp)
{
	return ended("-qp", qp);
}

int ibv_dealloc_pd(struct ibv_pd *pd)
{
	return ended("-pd", pd);
}

int ibv_modify_qp(struct ibv_qp *qp, struct ibv_qp_attr *attr, int mask)
{
	(void)qp;
	(void)mask;
	return fails(attr->qp_state == IBV_QPS_RTR ? "rtr" : "rts") ? EINVAL
								    : 0;
}

/* RDMA CM: each request is answered by its event. */

struct rdma_event_channel *rdma_create_event_channel(void)
{
	if (fails("channel")) {
		errno = EMFILE;
		return NULL;
	}
	lib.open++;
	lib.channel.fd = eventfd(0, EFD_CLOEXEC);
	return &lib.channel;
}

void rdma_destroy_event_channel(struct rdma_event_channel *channel)
{
	close(channel->fd);
	lib.open--;
}

static int cm_says(struct rdma_cm_id *id, enum rdma_cm_event_type type,
		   const char *word)
{
	const uint64_t one = 1;

	if (fails(word)) {
		errno = EINVAL;
		return -1;
	}
	if (lib.silent)
		return 0;
	assert_true(lib.n_events < EVENTS_MAX);
	lib.events[lib.n_events++] =
		(struct rdma_cm_event){.id = id, .event = type};
	assert_int_equal(write(lib.channel.fd, &one, sizeof(one)), sizeof(one));
	return 0;
}

int rdma_get_cm_event(struct rdma_event_channel *channel,
		      struct rdma_cm_event **event)
{
	uint64_t v;

	if (lib.taken == lib.n_events) {
		if (read(channel->fd, &v, sizeof(v)) < 0)
			return -1;
		errno = EAGAIN;
		return -1;
	}
	*event = &lib.events[lib.taken++];
	return 0;
}

int rdma_ack_cm_event(struct rdma_cm_event *event)
{
	(void)event;
	return 0;
}

int rdma_create_id(struct rdma_event_channel *channel, struct rdma_cm_id **id,
		   void *context, enum rdma_port_space ps)
{
	(void)channel;
	(void)ps;
	*id = made("id", sizeof(**id));
	if (!*id)
		return -1;
	(*id)->context = context;
	return 0;
}

int rdma_destroy_id(struct rdma_cm_id *id)
{
	return ended("-id", id);
}

int rdma_resolve_addr(struct rdma_cm_id *id, struct sockaddr *src,
		      struct sockaddr *dst, int ms)
{
	(void)src;
	(void)dst;
	(void)ms;
	return cm_says(id, RDMA_CM_EVENT_ADDR_RESOLVED, "addr");
}

int rdma_resolve_route(struct rdma_cm_id *id, int ms)
{
	(void)ms;
	return cm_says(id, RDMA_CM_EVENT_ROUTE_RESOLVED, "route");
}

static const uint8_t nonce[NONCE_BYTES] = "sixteen of them";

static void answer(struct rdma_cm_event *ev, struct nonce_knock *says,
		   const struct rdma_conn_param *param)
{
	uint32_t number;

	memcpy(says, param->private_data, sizeof(*says));
	assert_true(nonce_knows(nonce, says, &number));
	if (lib.called != CALLED_PARROT)
		nonce_answer(nonce, number + (lib.called == CALLED_OTHER),
			     says);
	ev->param.conn.private_data = says;
	ev->param.conn.private_data_len =
		lib.called == CALLED_MUTE ? 0 : sizeof(*says);
}

int rdma_connect(struct rdma_cm_id *id, struct rdma_conn_param *param)
{
	const unsigned n = lib.n_events;
	int ret = cm_says(id,
			  lib.iwarp ? RDMA_CM_EVENT_ESTABLISHED
				    : RDMA_CM_EVENT_CONNECT_RESPONSE,
			  "connect");

	if (lib.n_events > n)
		answer(&lib.events[n], &lib.answers[n], param);
	return ret;
}

int rdma_establish(struct rdma_cm_id *id)
{
	(void)id;
	if (!fails("establish"))
		return 0;
	errno = EINVAL;
	return -1;
}

int rdma_disconnect(struct rdma_cm_id *id)
{
	return cm_says(id, RDMA_CM_EVENT_DISCONNECTED, "disconnect");
}

int rdma_init_qp_attr(struct rdma_cm_id *id, struct ibv_qp_attr *attr,
		      int *mask)
{
	(void)id;
	(void)attr;
	*mask = 0;
	return 0;
}

#endif
