/*
 * Two ends of an exchange over the loop transport in one process, and a
 * phase between them.  A test sets cfg and prep, then opens.
 */
#ifndef TESTS_UNIT_EXCHANGE_PAIR_H
#define TESTS_UNIT_EXCHANGE_PAIR_H

#include "spoil.h"
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "run/scenario.h"
#include "work/exchange.h"

static struct exchange_cfg cfg;
static struct exchange_prep prep; /* of both ends */
static struct clock clk;
static struct point pt;
static struct end client, server;
static struct exchange cx, sx;
static _Atomic bool finished;

static int client_pulse(void *arg, bool progressed, struct err *err)
{
	(void)arg;
	(void)progressed;
	(void)err;
	return 0;
}

static int server_pulse(void *arg, bool progressed, struct err *err)
{
	(void)arg;
	(void)progressed;
	(void)err;
	return finished;
}

static void open_end(struct end *e, enum role role, struct blob *blob)
{
	struct ep_attr attr;
	struct err err;

	memset(e, 0, sizeof(*e));
	e->role = role;
	e->pt = &pt;
	e->clock = &clk;
	e->pulse = role == ROLE_ACTIVE ? client_pulse : server_pulse;
	link_attr(&pt.link, &attr);
	attr.role = role;
	attr.poll = POLL_YIELD;
	attr.recv_depth = EXCHANGE_RECVS;
	attr.max_bytes = cfg.size > 64 ? cfg.size : 64;
	attr.clock = &clk;
	if (loop->open(&e->ep, &attr, blob, &err))
		fail_msg("%s", err.text);
	e->ep->tp = &spoiling;
}

static void open_both(void)
{
	struct blob a, b;
	struct err err;

	memset(&spoil, 0, sizeof(spoil));
	open_end(&client, ROLE_ACTIVE, &a);
	open_end(&server, ROLE_PASSIVE, &b);
	assert_int_equal(exchange_init(&cx, &client, &cfg, &prep, &err), 0);
	assert_int_equal(exchange_init(&sx, &server, &cfg, &prep, &err), 0);
	assert_int_equal(loop->connect(client.ep, &b, 1000000000, &err), 0);
	assert_int_equal(loop->connect(server.ep, &a, 1000000000, &err), 0);
}

static void close_both(void)
{
	exchange_fini(&cx);
	exchange_fini(&sx);
	loop->close(client.ep);
	loop->close(server.ep);
}

/* --- a phase ---------------------------------------------------------------------- */

struct served {
	const struct phase *ph;
	struct err err;
	int ret;
};

static void *serve(void *arg)
{
	struct served *s = arg;

	s->ret = exchange_server(&sx, s->ph, &s->err);
	return NULL;
}

/* Both loops until the client has finished, or either failed. */
static int phase(const struct phase *ph, struct err *err, struct served *s)
{
	pthread_t thread;
	int ret;

	*s = (struct served){.ph = ph};
	finished = false;
	tally_init(&client.tally);
	tally_init(&server.tally);
	assert_int_equal(pthread_create(&thread, NULL, serve, s), 0);
	ret = exchange_client(&cx, ph, err);
	finished = true;
	pthread_join(thread, NULL);
	return ret;
}

static const struct phase warm = {.min_ops = 2, .max_ops = 2};

static struct phase ops(uint64_t n)
{
	return (struct phase){.measured = true,
			      .min_ops = n,
			      .max_ops = n,
			      .max_ns = UINT64_MAX};
}

static void good(const struct phase *ph)
{
	struct served s;
	struct err err;

	if (phase(ph, &err, &s))
		fail_msg("client: %s", err.text);
	if (s.ret)
		fail_msg("server: %s", s.err.text);
}

static uint64_t of(const struct end *e, unsigned id)
{
	assert_true(tally_has(&e->tally, id));
	return e->tally.value[id];
}

static void verifies_last(void)
{
	struct err err;

	if (exchange_verify_last(&cx, &err) || exchange_verify_last(&sx, &err))
		fail_msg("%s", err.text);
}

static void init_pair(void)
{
	loop = transport_find("loop");
	spoiling = *loop;
	spoiling.poll = late_poll;
	spoiling.post = late_post;
	clock_init_raw(&clk);
}

#endif
