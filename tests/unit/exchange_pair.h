/*
 * Two ends of an exchange over the loop transport in one process, and a
 * phase between them.  A test sets cfg and prep, then opens.
 */
#ifndef TESTS_UNIT_EXCHANGE_PAIR_H
#define TESTS_UNIT_EXCHANGE_PAIR_H

#include "loop_pair.h"
#include "spoil.h"

#include <errno.h>
#include <stdlib.h>

#include "run/scenario.h"
#include "work/exchange.h"

static struct exchange_cfg cfg;
static struct exchange_prep prep; /* of both ends */
static struct exchange cx, sx;

static void open_end(struct end *e, enum role role, struct blob *blob)
{
	const struct loop_link link = {
		.recv_depth = EXCHANGE_RECVS,
		.max_bytes = cfg.size > 64 ? cfg.size : 64,
		.between = &spoiling,
	};

	open_loop_end(e, role, &link, blob);
}

static void open_both(void)
{
	struct blob a, b;
	struct err err;

	memset(&spoil, 0, sizeof(spoil));
	open_end(&client, ROLE_ACTIVE, &a);
	open_end(&server, ROLE_PASSIVE, &b);
	client.state = &cx;
	server.state = &sx;
	assert_int_equal(exchange_init(&cx, &client, &cfg, &prep, &err), 0);
	assert_int_equal(exchange_init(&sx, &server, &cfg, &prep, &err), 0);
	connect_loop(&a, &b);
}

static void close_both(void)
{
	exchange_fini(&cx);
	exchange_fini(&sx);
	close_loop();
}

/* --- a phase ---------------------------------------------------------------------- */

static int run_client(const struct phase *ph, struct err *err)
{
	return exchange_client(&client, ph, err);
}

static int run_server(const struct phase *ph, struct err *err)
{
	return exchange_server(&server, ph, err);
}

static const struct loop_phase both = {run_client, run_server};

/* Both loops until the client has finished, or either failed. */
static int phase(const struct phase *ph, struct err *err, struct served *s)
{
	return run_phase(&both, ph, err, s);
}

static const struct phase warm = {.min_ops = 2, .max_ops = 2};

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

	if (exchange_verify_last(&client, &err) ||
	    exchange_verify_last(&server, &err))
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
