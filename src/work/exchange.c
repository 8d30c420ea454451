#include "work/exchange.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/stop.h"
#include "machine/mem.h"

#define AT(field) offsetof(struct exchange_cfg, field)

static const char *const prepare_names[] = {
	[PREPARE_WRITE] = "write",
	[PREPARE_NONE] = "none",
	NULL,
};

static const char *const verify_names[] = {
	[VERIFY_ENDS] = "ends",
	[VERIFY_EACH] = "each",
	[VERIFY_NONE] = "none",
	NULL,
};

static const char *const arrival_names[] = {
	[PACE_CONSTANT] = "constant",
	[PACE_POISSON] = "poisson",
	NULL,
};

static const char *const service_names[] = {
	[PACE_CONSTANT] = "constant",
	[PACE_POISSON] = "exponential",
	NULL,
};

static const struct opt opts[] = {
	{.name = "size",
	 .letter = 's',
	 .type = OPT_SIZE,
	 .role = OPT_AXIS,
	 .offset = AT(size),
	 .min = 1,
	 .max = 1ull << 40,
	 .def = "1k-16Mx4",
	 .metavar = "SIZE[,...]",
	 .help = "response sizes: 64, 4k, a list 1k,4k, a range 1k-16Mx4 or "
		 "1k-8k+1k"},
	{.name = "request-size",
	 .type = OPT_SIZE,
	 .role = OPT_KNOB,
	 .offset = AT(request_bytes),
	 .min = 1,
	 .max = 1ull << 40,
	 .def = "64",
	 .word = "same",
	 .metavar = "SIZE",
	 .column = "request_bytes",
	 .help = "size of the request, or 'same' as the response"},
	{.name = "prepare",
	 .type = OPT_ENUM,
	 .role = OPT_AXIS,
	 .offset = AT(prepare),
	 .def = "write",
	 .names = prepare_names,
	 .metavar = "HOW[,...]",
	 .column = "prepare",
	 .help = "what the server does to the response before it sends it; "
		 "write stores into every cache line"},
	{.name = "verify",
	 .type = OPT_ENUM,
	 .role = OPT_KNOB,
	 .offset = AT(verify),
	 .def = "ends",
	 .names = verify_names,
	 .metavar = "WHICH",
	 .column = "verify",
	 .help = "payloads that are checked whole, outside the timed part"},
	{.name = "rate",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = AT(rate),
	 .max = 100000000,
	 .def = "0",
	 .metavar = "N[,...]",
	 .column = "offered_ops_per_s",
	 .help = "open loop: start so many operations a second, latency from "
		 "the intended start; a list is a saturation sweep; 0: closed "
		 "loop"},
	{.name = "arrival",
	 .type = OPT_ENUM,
	 .role = OPT_KNOB,
	 .offset = AT(arrival),
	 .def = "constant",
	 .names = arrival_names,
	 .metavar = "KIND",
	 .column = "arrival",
	 .help = "intended starts of an open loop"},
	{.name = "service-time",
	 .type = OPT_TIME,
	 .role = OPT_KNOB,
	 .offset = AT(service_ns),
	 .max = 10000000000u,
	 .def = "0",
	 .metavar = "TIME",
	 .column = "service_time_ns",
	 .help = "the server spins so long before it answers: a known delay, "
		 "to be found back in the percentiles, or an application's "
		 "work"},
	{.name = "service-dist",
	 .type = OPT_ENUM,
	 .role = OPT_KNOB,
	 .offset = AT(service_dist),
	 .def = "constant",
	 .names = service_names,
	 .metavar = "KIND",
	 .column = "service_dist",
	 .help = "its distribution; the time given is the mean"},
};

const struct metric exchange_metrics[] = {
	{.name = "lat_cold_ns",
	 .unit = "ns",
	 .side = SIDE_CLIENT,
	 .merge = MERGE_MAX,
	 .help = "the link's very first operation, before any warm-up: cold "
		 "caches, first use of buffers and queues"},
	{.name = "backlog_max",
	 .unit = "1",
	 .side = SIDE_CLIENT,
	 .merge = MERGE_MAX,
	 .help = "open loop: operations that waited for their turn, at most"},
};

const struct opt_group exchange_opts = {
	.title = "exchange",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

enum { SEED_REQUEST = 0x5eed, SEED_RESPONSE = 0xfeed, SEED_SERVICE = 0x5e1f };

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

uint64_t exchange_bytes(const struct exchange_cfg *cfg)
{
	size_t request, response;

	exchange_sizes(cfg, &request, &response);
	return round_up(request) + round_up(response);
}

static int ep_failed(struct exchange *x, int ret, struct err *err)
{
	*err = x->end->ep->err;
	return ret;
}

static int post(struct exchange *x, const struct work *work, struct err *err)
{
	struct ep *ep = x->end->ep;
	int ret = ep->tp->post(ep, work, 1);

	return ret ? ep_failed(x, ret, err) : 0;
}

/*
 * The buffer of an unsignalled send is written again before its completion
 * is known.  That is sound here because the answer to it has arrived by
 * then: the peer has the message, and a copy that RC might yet send again
 * would be dropped as a duplicate.
 */
static int post_send(struct exchange *x, struct err *err)
{
	struct work *work = &x->send.work;

	work->flags = 0;
	work->cookie = ++x->sent;
	if (!--x->until_signal) {
		work->flags = WORK_SIGNAL;
		x->until_signal = (unsigned)x->end->pt->link.signal_every;
	}
	return post(x, work, err);
}

static int post_recv(struct exchange *x, struct err *err)
{
	return post(x, &x->recv.work, err);
}

int exchange_post_response_recv(struct exchange *x, struct err *err)
{
	return post_recv(x, err);
}

static int post_first_receives(struct exchange *x, struct err *err)
{
	const unsigned n = x->end->role == ROLE_ACTIVE ? 1 : EXCHANGE_RECVS;
	unsigned i;
	int ret = 0;

	for (i = 0; i < n && !ret; i++)
		ret = post_recv(x, err);
	return ret;
}

static void make_message(struct exchange_message *m, const struct sge *sge,
			 enum op op, uint64_t cookie)
{
	m->sge = *sge;
	m->work = (struct work){
		.op = op,
		.n_sges = 1,
		.sges = &m->sge,
		.cookie = cookie,
	};
}

static void make_messages(struct exchange *x)
{
	const bool client = x->end->role == ROLE_ACTIVE;
	const struct sge request = {
		.addr = x->request,
		.len = x->request_bytes,
		.region = x->region,
	};
	const struct sge response = {
		.addr = x->response,
		.len = x->response_bytes,
		.region = x->region,
	};

	/* A send's cookie is its number (post_send). */
	make_message(&x->send, client ? &request : &response, OP_SEND, 0);
	make_message(&x->recv, client ? &response : &request, OP_RECV, 0);
	x->until_signal = (unsigned)x->end->pt->link.signal_every;
}

static int map_buffers(struct exchange *x, uint64_t bytes, struct err *err)
{
	struct ep *ep = x->end->ep;
	int ret;

	ret = mem_alloc_on(&x->mem, bytes, x->end->is.numa_node, err);
	if (ret)
		return ret;
	x->request = x->mem.addr;
	x->response = x->request + round_up(x->request_bytes);
	return ep->tp->reg(ep, x->mem.addr, x->mem.len, 0, &x->region, err);
}

int exchange_init(struct exchange *x, struct end *e,
		  const struct exchange_cfg *cfg, struct err *err)
{
	int ret;

	memset(x, 0, sizeof(*x));
	x->end = e;
	x->prepare = (enum exchange_prepare)cfg->prepare;
	x->verify = (enum exchange_verify)cfg->verify;
	x->rate = (double)cfg->rate;
	x->arrival = (enum pace_arrival)cfg->arrival;
	pace_init(&x->service,
		  cfg->service_ns ? 1e9 / (double)cfg->service_ns : 0,
		  (enum pace_arrival)cfg->service_dist, e->clock->ticks_per_ns,
		  SEED_SERVICE);
	exchange_sizes(cfg, &x->request_bytes, &x->response_bytes);
	ret = map_buffers(x, exchange_bytes(cfg), err);
	if (ret)
		return ret;
	make_messages(x);
	/* Each end fills what it sends; what it receives stays zero, so that
	 * data which never arrived cannot verify. */
	if (e->role == ROLE_ACTIVE)
		scan_fill(x->request, x->request_bytes, SEED_REQUEST);
	else
		scan_fill(x->response, x->response_bytes, SEED_RESPONSE);
	return post_first_receives(x, err);
}

void exchange_fini(struct exchange *x)
{
	if (x->region)
		x->end->ep->tp->dereg(x->end->ep, x->region);
	x->region = NULL;
	mem_free(&x->mem);
}

static int verify_request(struct exchange *x, uint64_t op, struct err *err)
{
	struct scan_expect want = {
		.seed = SEED_REQUEST,
		.op = op,
		.stamp = STAMP_FIRST,
	};

	x->verified++;
	return scan_verify(x->request, x->request_bytes, &want, err);
}

static int verify_response(struct exchange *x, uint64_t op, struct err *err)
{
	struct scan_expect want = {
		.seed = SEED_RESPONSE,
		.op = op,
		.stamp = x->prepare == PREPARE_WRITE ? STAMP_LINES : STAMP_NONE,
	};

	x->verified++;
	return scan_verify(x->response, x->response_bytes, &want, err);
}

int exchange_verify_last(struct exchange *x, struct err *err)
{
	/* With `each` it was checked when it came (and cleared since). */
	if (x->verify != VERIFY_ENDS || !x->op)
		return 0;
	if (x->end->role == ROLE_ACTIVE)
		return verify_response(x, x->op - 1, err);
	return verify_request(x, x->op - 1, err);
}

/* --- client -------------------------------------------------------------- */

int exchange_send_request(struct exchange *x, struct err *err)
{
	return post_send(x, err);
}

/*
 * Until a message is there and the next send has room.  That the peer has
 * answered does not mean that our send has completed, and only completions
 * free its place: the acknowledgement may be late, or lost and made good by
 * a later one.  With a depth of at least two signalled sends this waits for
 * one hardly ever.
 */
static int await_recv(struct exchange *x, struct end_waiter *w, struct err *err)
{
	const uint64_t depth = x->end->pt->link.tx_depth;
	struct comp comp[4];
	int i, n, got = 0;

	while (!got || x->sent - x->completed >= depth) {
		n = end_wait(w, comp, 4, err);
		if (n <= 0)
			return n;
		for (i = 0; i < n; i++) {
			if (comp[i].op == OP_RECV)
				got = 1;
			else
				x->completed = comp[i].cookie;
		}
	}
	return 1;
}

/* Outside the timed part: check, and make the buffer ready for the next. */
static int after_response(struct exchange *x, bool verify, struct err *err)
{
	int ret;

	if (verify) {
		ret = verify_response(x, x->op, err);
		if (ret)
			return ret;
		/* Without stamps only a clean buffer tells fresh from
		 * stale. */
		if (x->prepare == PREPARE_NONE)
			memset(x->response, 0, x->response_bytes);
	}
	x->op++;
	return exchange_post_response_recv(x, err);
}

static bool phase_over(const struct phase *ph, uint64_t done, uint64_t ns)
{
	if (done < ph->min_ops)
		return false;
	return done >= ph->max_ops || ns >= ph->max_ns;
}

static void close_tally(struct exchange *x, uint64_t ops, uint64_t ns)
{
	struct tally *t = &x->end->tally;

	tally_set(t, METRIC_OPS, ops);
	tally_set(t, METRIC_LINES, x->lines);
	tally_set(t, METRIC_VERIFIED, x->verified);
	if (ns)
		tally_set(t, METRIC_ELAPSED, ns);
	x->lines = 0;
	x->verified = 0;
}

/* Far from its time it sleeps and lets the control channel live; close to it
 * it spins, or it would be late by a wake-up. */
#define PACE_SPIN_NS 200000u
#define PACE_NAP_NS 5000000u

static int sleep_towards(struct end *e, uint64_t left_ns, struct err *err)
{
	struct timespec ts = {0};
	int ret;

	if (left_ns < 2 * PACE_SPIN_NS)
		return 0;
	left_ns -= PACE_SPIN_NS;
	ts.tv_nsec = (long)(left_ns < PACE_NAP_NS ? left_ns : PACE_NAP_NS);
	ret = e->pulse(e->pulse_arg, true, err);
	if (!ret)
		nanosleep(&ts, NULL);
	return ret;
}

/* Waits for the next intended start, which is what *start becomes, even if
 * it has passed. */
static int await_turn(struct exchange *x, struct pace *p, uint64_t begin,
		      uint64_t *start, uint64_t *backlog, struct err *err)
{
	const struct clock *clk = x->end->clock;
	uint64_t now = clock_ticks(clk), waiting;
	int ret;

	*start = begin + pace_next(p);
	waiting = pace_backlog(p, *start, now);
	if (waiting > *backlog)
		*backlog = waiting;
	while ((now = clock_ticks(clk)) < *start) {
		ret = sleep_towards(x->end, clock_ns(clk, *start - now), err);
		if (ret)
			return ret;
	}
	return 0;
}

int exchange_client(struct exchange *x, const struct phase *ph, struct err *err)
{
	struct hist *lat = &x->end->tally.latency;
	const struct clock *clk = x->end->clock;
	const bool each = x->verify == VERIFY_EACH;
	bool check = each || (!ph->measured && x->verify != VERIFY_NONE);
	uint64_t t0, t1, begin, backlog = 0;
	struct end_waiter w;
	struct pace pace;
	int ret;

	end_waiter_init(&w, x->end, x->response_bytes + x->request_bytes);
	pace_init(&pace, x->rate, x->arrival, clk->ticks_per_ns, x->op);
	begin = t1 = clock_ticks(clk);
	while (!phase_over(ph, w.done, clock_ns(clk, t1 - begin)) &&
	       !stop_requested) {
		scan_stamp_first(x->request, x->request_bytes, x->op);
		if (pace.open) {
			ret = await_turn(x, &pace, begin, &t0, &backlog, err);
			if (ret)
				return ret;
		} else {
			t0 = clock_ticks(clk);
		}
		ret = exchange_send_request(x, err);
		if (ret)
			return ret;
		ret = await_recv(x, &w, err);
		if (ret < 0)
			return ret;
		t1 = clock_ticks(clk);
		hist_record(lat, clock_ns(clk, t1 - t0));
		if (!x->cold_ns)
			x->cold_ns = clock_ns(clk, t1 - t0);
		w.done++;
		ret = after_response(x, check, err);
		if (ret)
			return ret;
		check = each;
	}
	close_tally(x, w.done, clock_ns(clk, t1 - begin));
	tally_set(&x->end->tally, EXCHANGE_COLD, x->cold_ns);
	if (pace.open)
		tally_set(&x->end->tally, EXCHANGE_BACKLOG_MAX, backlog);
	if (stop_requested)
		return err_set(err, -EINTR, REASON_INTERRUPTED, "interrupted");
	return 0;
}

/* --- server -------------------------------------------------------------- */

/* Prepares and sends the response, then posts a receive again: the other
 * one has been ready all the while. */
int exchange_serve(struct exchange *x, struct err *err)
{
	int ret;

	if (x->prepare == PREPARE_WRITE)
		x->lines += scan_write(x->response, x->response_bytes, x->op);
	ret = post_send(x, err);
	if (ret)
		return ret;
	x->op++;
	return post_recv(x, err);
}

static void spend_service_time(struct exchange *x)
{
	const struct clock *clk = x->end->clock;
	uint64_t begin = clock_ticks(clk), length = pace_gap(&x->service);

	while (clock_ticks(clk) - begin < length)
		;
}

int exchange_server(struct exchange *x, const struct phase *ph, struct err *err)
{
	const bool each = x->verify == VERIFY_EACH;
	bool check = each || (!ph->measured && x->verify != VERIFY_NONE);
	struct end_waiter w;
	int ret;

	end_waiter_init(&w, x->end, x->response_bytes + x->request_bytes);
	for (;;) {
		ret = await_recv(x, &w, err);
		if (ret <= 0)
			break;
		if (stop_requested) {
			ret = err_set(err, -EINTR, REASON_INTERRUPTED,
				      "the server was told to end");
			break;
		}
		if (check) {
			ret = verify_request(x, x->op, err);
			if (ret)
				break;
			check = each;
		}
		if (x->service.open)
			spend_service_time(x);
		ret = exchange_serve(x, err);
		if (ret)
			break;
		w.done++;
	}
	close_tally(x, w.done, 0);
	return ret;
}
