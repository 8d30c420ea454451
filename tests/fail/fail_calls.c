#include <errno.h>
#include <infiniband/verbs.h>
#include <poll.h>
#include <pthread.h>
#include <rdma/rdma_cma.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "fail_calls.h"

const char *const fail_names[FAIL_COUNT] = {
#define X(ret, name, ...) [FAIL_##name] = #name,
	FAIL_CALLS(X)
#undef X
#define X(name) [FAIL_##name] = "ibv_" #name,
		FAIL_DEVICE(X)
#undef X
};

const int fail_errnos[FAIL_COUNT] = {
#define X(ret, name, params, args, value, e) [FAIL_##name] = e,
	FAIL_CALLS(X)
#undef X
#define X(name) [FAIL_##name] = EIO,
		FAIL_DEVICE(X)
#undef X
};

static _Atomic unsigned left; /* until one fails; 0: off */
static _Atomic bool failed;
static enum fail_call victim;
static __thread bool armed;

void fail_begin(enum fail_call call, unsigned k)
{
	victim = call;
	failed = false;
	left = k;
}

bool fail_end(void)
{
	left = 0;
	return failed;
}

void fail_arm(bool on)
{
	armed = on;
}

static bool is_victim(enum fail_call call)
{
	return call == victim ||
	       (victim == FAIL_ANY_ALLOCATION && call <= FAIL_strdup);
}

static bool fails(enum fail_call call)
{
	if (!armed || !left || !is_victim(call) || --left)
		return false;
	failed = true;
	errno = call < FAIL_COUNT ? fail_errnos[call] : ENOMEM;
	return true;
}

/* The device's own functions, as ibv_open_device left them. */
static struct ibv_context_ops device;

#define POST(name, type)                                                       \
	static int failing_##name(struct ibv_qp *qp, struct type *wr,          \
				  struct type **bad)                           \
	{                                                                      \
		if (!fails(FAIL_##name))                                       \
			return device.name(qp, wr, bad);                       \
		*bad = wr;                                                     \
		return EIO;                                                    \
	}

POST(post_send, ibv_send_wr)
POST(post_recv, ibv_recv_wr)

static int failing_poll_cq(struct ibv_cq *cq, int n, struct ibv_wc *wc)
{
	return fails(FAIL_poll_cq) ? -1 : device.poll_cq(cq, n, wc);
}

static int failing_req_notify_cq(struct ibv_cq *cq, int solicited)
{
	return fails(FAIL_req_notify_cq) ? EIO
					 : device.req_notify_cq(cq, solicited);
}

/* Its table is ours from now on. */
static void take_over(struct ibv_context *ctx)
{
	if (ctx->ops.poll_cq != failing_poll_cq)
		device = ctx->ops;
	ctx->ops.poll_cq = failing_poll_cq;
	ctx->ops.req_notify_cq = failing_req_notify_cq;
	ctx->ops.post_send = failing_post_send;
	ctx->ops.post_recv = failing_post_recv;
}

static void passed_on(enum fail_call call, const void *got)
{
	if (call == FAIL_ibv_open_device && *(struct ibv_context *const *)got)
		take_over(*(struct ibv_context *const *)got);
}

#define X(ret, name, params, args, value, e)                                   \
	ret __real_##name params;                                              \
	ret __wrap_##name params;                                              \
	ret __wrap_##name params                                               \
	{                                                                      \
		ret got;                                                       \
                                                                               \
		if (fails(FAIL_##name))                                        \
			return value;                                          \
		got = __real_##name args;                                      \
		passed_on(FAIL_##name, &got);                                  \
		return got;                                                    \
	}
FAIL_CALLS(X)
#undef X
