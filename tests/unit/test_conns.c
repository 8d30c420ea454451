/*
 * Many RDMA connections step by step, over a device that is not there: the
 * library's calls are answered here, so that each can fail.  Their order; and
 * whichever call fails, nothing stays open.  (On a real device: rxe.sh,
 * siw.sh.)
 */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "rdma/conns_priv.h"

/* --- the library's answers ----------------------------------------------------- */

enum { LOG_BYTES = 4096, EVENTS_MAX = 64 };

static struct {
	char log[LOG_BYTES]; /* a word a call */
	unsigned calls;	     /* that may fail */
	unsigned fail_at;    /* the call that fails; 0: none */
	int open;	     /* objects made and not ended */
	bool iwarp, silent;  /* silent: no event ever comes */
	int posted;	     /* what ibv_post_recv returns */
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

int rdma_connect(struct rdma_cm_id *id, struct rdma_conn_param *param)
{
	(void)param;
	return cm_says(id,
		       lib.iwarp ? RDMA_CM_EVENT_ESTABLISHED
				 : RDMA_CM_EVENT_CONNECT_RESPONSE,
		       "connect");
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

/* --- the caller ------------------------------------------------------------------ */

static struct clock clk;
static unsigned took_of[CONNS_STEPS];

static void took(void *arg, enum conns_step step, unsigned i, uint64_t ticks)
{
	(void)arg;
	(void)i;
	(void)ticks;
	took_of[step]++;
}

static int pulse(void *arg, struct err *err)
{
	(void)arg;
	if (lib.pulses-- > 0)
		return 0;
	return err_set(err, -EREMOTEIO, REASON_PEER_LOST,
		       "server: it says why itself");
}

static struct conns *c;

static int open_conns(unsigned n, bool passive, struct err *err)
{
	static const uint8_t nonce[NONCE_BYTES];
	const struct conns_attr attr = {
		.n = n,
		.passive = passive,
		.nonce = nonce,
		.clock = &clk,
		.took = took,
		.pulse = pulse,
	};

	c = NULL;
	return conns_new(&c, &attr, err);
}

static int setup(void **state)
{
	(void)state;
	memset(&lib, 0, sizeof(lib));
	memset(took_of, 0, sizeof(took_of));
	lib.pulses = 1;
	return 0;
}

static void counts_are(uint64_t qps, uint64_t objects)
{
	struct conns_counts is;

	conns_counts(c, &is);
	assert_int_equal(is.qps, qps);
	assert_int_equal(is.made, objects);
	assert_int_equal(is.ended, objects);
}

static int by_verbs(struct err *err)
{
	const struct conns_end peer = {.qpn = 1, .mtu_bytes = 1024};
	int ret = open_conns(2, true, err);

	if (!ret)
		ret = conns_make(c, 0, 2, err);
	if (!ret)
		ret = conns_join(c, 0, &peer, err);
	if (!ret)
		ret = conns_join(c, 1, &peer, err);
	if (!ret)
		ret = conns_say(c, 0, err);
	if (!ret)
		ret = conns_hear(c, 0, err);
	return ret ? ret : conns_destroy(c, 0, 2, err);
}

static int by_cm(struct err *err)
{
	const struct sockaddr_storage peer = {.ss_family = AF_INET};
	int ret = open_conns(2, false, err);

	if (!ret)
		ret = conns_connect(c, 0, 2, &peer, err);
	if (!ret)
		ret = conns_disconnect(c, 0, 2, err);
	return ret ? ret : conns_destroy(c, 0, 2, err);
}

/* --- tests ------------------------------------------------------------------------- */

static void each_step_for_all_before_the_next(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(by_verbs(&err), 0);
	assert_string_equal(lib.log, "port pd pd cq cq qp qp init init "
				     "recv recv rtr rts rtr rts send recv "
				     "-qp -cq -pd -qp -cq -pd ");
	counts_are(2, 6);
	assert_int_equal(took_of[CONNS_QP], 2);
	assert_int_equal(took_of[CONNS_RTS], 2);
	assert_int_equal(took_of[CONNS_DESTROY], 2);
	conns_free(c);
	assert_int_equal(lib.open, 0);
}

static void waits_of_rdma_cm_overlap(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(by_cm(&err), 0);
	assert_string_equal(lib.log,
			    "port channel id id addr addr route route "
			    "pd pd cq cq qp qp init init connect connect "
			    "rtr rts establish rtr rts establish "
			    "disconnect disconnect "
			    "-qp -id -cq -pd -qp -id -cq -pd ");
	counts_are(2, 8);
	assert_int_equal(took_of[CONNS_HANDSHAKE], 2);
	assert_int_equal(took_of[CONNS_DISCONNECT], 2);
	conns_free(c);
	assert_int_equal(lib.open, 0);
}

/* iWARP's manager moves the queue pair, and nothing is left to say. */
static void iwarp_is_established_by_its_event(void **state)
{
	struct err err;

	(void)state;
	lib.iwarp = true;
	assert_int_equal(by_cm(&err), 0);
	assert_null(strstr(lib.log, "rtr"));
	assert_null(strstr(lib.log, "establish"));
	conns_free(c);
	assert_int_equal(lib.open, 0);
}

/* Every call of it fails in turn. */
static unsigned fail_in_turn(int (*whole)(struct err *err))
{
	unsigned calls, i;
	struct err err;

	assert_int_equal(whole(&err), 0);
	conns_free(c);
	calls = lib.calls;
	for (i = 1; i <= calls; i++) {
		setup(NULL);
		lib.fail_at = i;
		lib.posted = EINVAL;
		assert_true(whole(&err) < 0);
		assert_true(err.text[0]);
		conns_free(c);
		if (lib.open)
			fail_msg("call %u of %u failed, %d left open: %s", i,
				 calls, lib.open, lib.log);
	}
	return calls;
}

static void whatever_fails_nothing_stays_open(void **state)
{
	(void)state;
	assert_int_equal(fail_in_turn(by_verbs), 17);
	setup(NULL);
	assert_int_equal(fail_in_turn(by_cm), 26);
}

/* siw's ibv_post_recv returns -EINVAL, where verbs return EINVAL. */
static void a_negative_errno_is_an_error_too(void **state)
{
	static const int signs[] = {EINVAL, -EINVAL};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(signs); i++) {
		setup(NULL);
		lib.posted = signs[i];
		lib.fail_at = 10; /* the first receive */
		assert_int_equal(by_verbs(&err), -EINVAL);
		assert_words(&err, "cannot post a receive: Invalid argument");
		conns_free(c);
		assert_int_equal(lib.open, 0);
	}
}

/* While it waits it hears what became of the other end. */
static void the_peers_words_end_a_wait(void **state)
{
	struct err err;

	(void)state;
	lib.silent = true;
	assert_int_equal(by_cm(&err), -EREMOTEIO);
	assert_words(&err, "server: it says why itself");
	conns_free(c);
	assert_int_equal(lib.open, 0);
}

static void freeing_none(void **state)
{
	(void)state;
	conns_free(NULL);
}

static int init(void **state)
{
	(void)state;
	clock_init_raw(&clk);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_step_for_all_before_the_next,
				       setup),
		cmocka_unit_test_setup(waits_of_rdma_cm_overlap, setup),
		cmocka_unit_test_setup(iwarp_is_established_by_its_event,
				       setup),
		cmocka_unit_test_setup(whatever_fails_nothing_stays_open,
				       setup),
		cmocka_unit_test_setup(a_negative_errno_is_an_error_too, setup),
		cmocka_unit_test_setup(the_peers_words_end_a_wait, setup),
		cmocka_unit_test_setup(freeing_none, setup),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
