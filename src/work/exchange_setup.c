/* What an exchange needs before its first operation: memory, patterns,
 * messages. */
#include "work/exchange.h"

#include <endian.h>
#include <string.h>

#include "machine/cpu_isa.h"
#include "machine/mem.h"

void exchange_sizes(const struct exchange_cfg *cfg, size_t *request,
		    size_t *response)
{
	*response = cfg->size;
	*request =
		cfg->request_bytes == OPT_WORD ? cfg->size : cfg->request_bytes;
}

static size_t round_up(size_t n)
{
	return (n + 4095) & ~(size_t)4095;
}

/* What tells the client that it may go on: the next operation's number. */
enum { READY_BYTES = sizeof(uint64_t) };

uint64_t exchange_bytes(const struct exchange_cfg *cfg, unsigned buffers)
{
	size_t request, response;

	exchange_sizes(cfg, &request, &response);
	return round_up(request) + round_up(READY_BYTES) +
	       (buffers ? buffers : 1) * round_up(response);
}

void exchange_need(const void *cfg, struct need *n)
{
	const struct exchange_cfg *x = cfg;
	size_t request, response;

	exchange_sizes(x, &request, &response);
	*n = (struct need){
		.ops = OP_BIT(OP_SEND) | OP_BIT(OP_RECV),
		.max_bytes = request > response ? request : response,
		.recv_depth = EXCHANGE_RECVS,
		.lock_bytes = exchange_bytes(x, 1),
		.op = "send",
		.size_bytes = response,
		.open_loop = x->rate != 0,
	};
}

static void make_message(struct exchange *x, struct exchange_message *m,
			 enum op op, char *addr, size_t len)
{
	m->sge = (struct sge){.addr = addr, .len = len, .region = x->region};
	/* A send's cookie is its number (post_send). */
	m->work = (struct work){.op = op, .n_sges = 1, .sges = &m->sge};
}

static void make_messages(struct exchange *x)
{
	const struct link_cfg *link = &x->end->pt->link;
	struct exchange_message *request = &x->recv, *response = &x->send;
	enum op tell = OP_SEND;

	if (x->end->role == ROLE_ACTIVE) {
		request = &x->send;
		response = &x->recv;
		tell = OP_RECV;
	}
	make_message(x, request, request == &x->send ? OP_SEND : OP_RECV,
		     x->request, x->request_bytes);
	make_message(x, response, response == &x->send ? OP_SEND : OP_RECV,
		     x->response, x->response_bytes);
	make_message(x, &x->tell, tell, x->ready, READY_BYTES);
	x->tx_depth = (unsigned)link->tx_depth;
	x->signal_every = (unsigned)link->signal_every;
	/* Where each completion is wanted: before the server says that it is
	 * ready, and to time it. */
	if (x->prep.between || x->prep.stages)
		x->signal_every = 1;
	x->until_signal = x->signal_every;
	if (!x->prep.stages)
		return;
	x->tx_depth = 1;
	x->prep.stages->first_time = EXCHANGE_TIMES;
	x->prep.stages->first_counter = EXCHANGE_COUNTERS;
}

static int map_buffers(struct exchange *x, uint64_t bytes, struct err *err)
{
	struct ep *ep = x->end->ep;
	int ret;

	ret = mem_alloc_as(&x->mem, bytes, x->end->is.numa_node, x->prep.pages,
			   err);
	if (ret)
		return ret;
	x->request = x->mem.addr;
	x->ready = x->request + round_up(x->request_bytes);
	x->responses = x->ready + round_up(READY_BYTES);
	x->response = x->responses;
	return ep->tp->reg(ep, x->mem.addr, x->mem.len, 0, &x->region, err);
}

char *exchange_response(const struct exchange *x, uint64_t op)
{
	return x->responses +
	       op % x->prep.buffers * round_up(x->response_bytes);
}

/* Each end fills what it sends; what it receives stays zero, so that data
 * which never arrived cannot verify. */
static void fill_buffers(struct exchange *x)
{
	unsigned i;

	if (x->end->role == ROLE_ACTIVE) {
		scan_fill(x->request, x->request_bytes, SEED_REQUEST);
		return;
	}
	for (i = 0; i < x->prep.buffers; i++)
		scan_fill(exchange_response(x, i), x->response_bytes,
			  SEED_RESPONSE + i);
	if (x->prep.between)
		x->prep.between(x, x->prep.arg);
}

static void take_options(struct exchange *x, const struct exchange_cfg *cfg,
			 const struct clock *clk)
{
	x->verify = (enum exchange_verify)cfg->verify;
	x->rate = (double)cfg->rate;
	x->arrival = (enum pace_arrival)cfg->arrival;
	pace_init(&x->service,
		  cfg->service_ns ? 1e9 / (double)cfg->service_ns : 0,
		  (enum pace_arrival)cfg->service_dist, clk->ticks_per_ns,
		  SEED_SERVICE);
	exchange_sizes(cfg, &x->request_bytes, &x->response_bytes);
}

static int post_first_receives(struct exchange *x, struct err *err)
{
	unsigned i;
	int ret = 0;

	if (x->end->role == ROLE_ACTIVE)
		return exchange_post_response_recv(x, err);
	for (i = 0; i < EXCHANGE_RECVS && !ret; i++)
		ret = exchange_post_request_recv(x, err);
	return ret;
}

/* What the other end must know: the client, to verify stamps; the server, to
 * draw other service times in each trial. */
static void tell(struct exchange *x)
{
	struct blob *b = &x->end->token;
	uint64_t word =
		htole64(x->end->role == ROLE_PASSIVE ? x->line : x->end->seed);

	b->len = sizeof(word);
	memcpy(b->data, &word, sizeof(word));
}

int exchange_init(struct exchange *x, struct end *e,
		  const struct exchange_cfg *cfg,
		  const struct exchange_prep *prep, struct err *err)
{
	unsigned mine;
	int ret;

	memset(x, 0, sizeof(*x));
	x->end = e;
	x->line = cpu_line_bytes();
	if (prep)
		x->prep = *prep;
	if (!x->prep.buffers)
		x->prep.buffers = 1;
	take_options(x, cfg, e->clock);
	tell(x);
	mine = e->role == ROLE_ACTIVE ? 1 : x->prep.buffers;
	ret = map_buffers(x, exchange_bytes(cfg, mine), err);
	if (ret)
		return ret;
	make_messages(x);
	fill_buffers(x);
	return post_first_receives(x, err);
}

void exchange_fini(struct exchange *x)
{
	if (x->region)
		x->end->ep->tp->dereg(x->end->ep, x->region);
	x->region = NULL;
	mem_free(&x->mem);
}
