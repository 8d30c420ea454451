/*
 * What the harness itself costs an operation: the exchange's own steps over
 * a pair of loop ends, driven by one thread, so that nothing waits.  An
 * operation is what exchange_client and exchange_server do for one: two
 * messages of 64 bytes, both readings of the clock, the record.
 *
 * CSV lines `row,value_ns` on stdout, each the median over rounds:
 *	operation	all of it
 *	clock		the two readings in it
 *	transport	loop's own posting and polling of the same messages
 *	harness		operation - clock
 *	own		operation - clock - transport
 *
 *	harness [cpu]	pinned to that CPU, or to the last one allowed
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "machine/cpu.h"
#include "metric/stats.h"
#include "run/end.h"
#include "run/scenario.h"
#include "work/exchange.h"

enum { ROUNDS = 301, CALLS = 2000, SIZE = 64 };

struct side {
	struct end end;
	struct exchange x;
	struct end_waiter waiter;
	struct blob blob;
};

struct pair {
	struct clock clk;
	struct point pt;
	struct exchange_cfg cfg;
	struct side client, server;
	uint64_t sink; /* keeps results alive */
};

static void die(const struct err *err)
{
	fprintf(stderr, "harness: %s\n", err->text);
	exit(reason_exit_code(err->reason));
}

/* Both ends run in one thread: an end that has to wait has lost a message. */
static int lost(void *arg, bool progressed, struct err *err)
{
	(void)arg;
	(void)progressed;
	return err_set(err, -1, REASON_INTERNAL, "a message did not arrive");
}

static void await(struct side *s)
{
	struct comp comp[4];
	struct err err;
	int i, n, got = 0;

	while (!got) {
		n = end_wait(&s->waiter, comp, 4, &err);
		if (n <= 0)
			die(&err);
		for (i = 0; i < n; i++)
			got |= comp[i].op == OP_RECV;
	}
}

static inline void operation(struct pair *p)
{
	struct side *const c = &p->client, *const s = &p->server;
	uint64_t t0, t1;
	struct err err;

	scan_stamp_first(c->x.request, c->x.request_bytes, c->x.op);
	t0 = clock_ticks(&p->clk);
	if (exchange_send_request(&c->x, &err))
		die(&err);
	await(s);
	if (exchange_serve(&s->x, &err))
		die(&err);
	s->waiter.done++;
	await(c);
	t1 = clock_ticks(&p->clk);
	hist_record(&c->end.tally.latency, clock_ns(&p->clk, t1 - t0));
	c->waiter.done++;
	c->x.op++;
	if (exchange_post_response_recv(&c->x, &err))
		die(&err);
}

static void clock_twice(struct pair *p)
{
	p->sink += clock_ticks(&p->clk);
	p->sink += clock_ticks(&p->clk);
}

/* --- the transport alone -------------------------------------------------- */

static inline void post(struct side *s, const struct work *w)
{
	struct ep *ep = s->end.ep;

	if (ep->tp->post(ep, w, 1))
		die(&ep->err);
}

static inline void poll_recv(struct side *s)
{
	struct ep *ep = s->end.ep;
	struct comp comp;

	/* A send that was signalled before may come first. */
	do {
		if (ep->tp->poll(ep, &comp, 1) != 1)
			die(&ep->err);
	} while (comp.op != OP_RECV);
}

/* The same messages, none signalled, with nothing around them. */
static inline void bare(struct pair *p)
{
	struct side *const c = &p->client, *const s = &p->server;

	post(c, &c->x.send.work);
	poll_recv(s);
	post(s, &s->x.send.work);
	post(s, &s->x.recv.work);
	poll_recv(c);
	post(c, &c->x.recv.work);
}

typedef void step_fn(struct pair *p);

static inline double round_ns(struct pair *p, step_fn *step)
{
	uint64_t t0 = clock_ticks(&p->clk);
	unsigned i;

	for (i = 0; i < CALLS; i++)
		step(p);
	return (double)(clock_ticks(&p->clk) - t0) / p->clk.ticks_per_ns /
	       CALLS;
}

/* --- the pair ------------------------------------------------------------- */

static void open_side(struct pair *p, struct side *s, enum role role)
{
	struct ep_attr attr;
	struct err err;

	s->end = (struct end){
		.role = role,
		.pt = &p->pt,
		.clock = &p->clk,
		.pulse = lost,
	};
	tally_init(&s->end.tally);
	link_attr(&p->pt.link, &attr);
	attr.role = role;
	attr.poll = POLL_SPIN;
	attr.recv_depth = EXCHANGE_RECVS;
	attr.max_bytes = SIZE;
	attr.clock = &p->clk;
	if (transport_find("loop")->open(&s->end.ep, &attr, &s->blob, &err))
		die(&err);
	if (exchange_init(&s->x, &s->end, &p->cfg, NULL, &err))
		die(&err);
	end_waiter_init(&s->waiter, &s->end, 2 * SIZE);
}

static void join(struct side *s, const struct side *other)
{
	struct ep *ep = s->end.ep;
	struct err err;

	if (ep->tp->connect(ep, &other->blob, 1000000000u, &err))
		die(&err);
}

static void open_pair(struct pair *p)
{
	point_defaults(&p->pt, scenario_find("sendrecv"));
	p->cfg = (struct exchange_cfg){
		.size = SIZE,
		.request_bytes = OPT_WORD,
		.verify = VERIFY_NONE,
	};
	open_side(p, &p->server, ROLE_PASSIVE);
	open_side(p, &p->client, ROLE_ACTIVE);
	join(&p->server, &p->client);
	join(&p->client, &p->server);
}

static void close_side(struct side *s)
{
	exchange_fini(&s->x);
	s->end.ep->tp->close(s->end.ep);
}

/* --- rounds --------------------------------------------------------------- */

static void print_row(const char *name, double *ns)
{
	stats_sort(ns, ROUNDS);
	printf("%s,%.2f\n", name, stats_median(ns, ROUNDS));
}

/* Round by round, so that all see the same machine. */
static void measure(struct pair *p)
{
	double op[ROUNDS], clk[ROUNDS], tp[ROUNDS], rest[ROUNDS], own[ROUNDS];
	int i;

	round_ns(p, operation); /* warm */
	for (i = 0; i < ROUNDS; i++) {
		op[i] = round_ns(p, operation);
		clk[i] = round_ns(p, clock_twice);
		p->client.x.send.work.flags = 0;
		p->server.x.send.work.flags = 0;
		tp[i] = round_ns(p, bare);
		rest[i] = op[i] - clk[i];
		own[i] = rest[i] - tp[i];
	}
	printf("row,value_ns\n");
	print_row("operation", op);
	print_row("clock", clk);
	print_row("transport", tp);
	print_row("harness", rest);
	print_row("own", own);
}

static void pin(const char *wanted)
{
	unsigned cpus[CPU_LIST_MAX], n = cpu_allowed(cpus, CPU_LIST_MAX);
	struct err err;

	if (wanted && cpu_list_parse(wanted, cpus, 1, &n, &err))
		die(&err);
	if (n && cpu_pin(cpus[n - 1], &err))
		die(&err);
}

int main(int argc, char **argv)
{
	static struct pair p;

	pin(argc > 1 ? argv[1] : NULL);
	clock_init(&p.clk);
	fprintf(stderr, "%s %s\n", p.clk.name, p.clk.why);
	open_pair(&p);
	measure(&p);
	close_side(&p.client);
	close_side(&p.server);
	return p.sink == 1 ? 1 : 0;
}
