/*
 * The two ends of a link of the loop transport in one process, for tests of
 * what work/ does between them: the client in this thread, the server in
 * another.  A test's own transport may stand between an end and its link.
 */
#ifndef TESTS_UNIT_LOOP_PAIR_H
#define TESTS_UNIT_LOOP_PAIR_H

#include "unit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "run/end.h"
#include "pulses.h"

static const struct transport *loop;
static struct clock clk;
static struct point pt;
static struct end client, server;

/* What a test varies; the point's link options are the rest. */
struct loop_link {
	unsigned lanes, send_depth, recv_depth; /* 0: by the options */
	uint64_t max_bytes;
	const struct transport *between;
};

static void open_loop_end(struct end *e, enum role role,
			  const struct loop_link *l, struct blob *blob)
{
	struct ep_attr a;
	struct err err;

	memset(e, 0, sizeof(*e));
	e->role = role;
	e->pt = &pt;
	e->clock = &clk;
	e->is.numa_node = -1;
	e->pulse = role == ROLE_ACTIVE ? client_pulse : server_pulse;
	link_attr(&pt.link, &a);
	a.role = role;
	a.poll = POLL_YIELD;
	a.lanes = l->lanes ? l->lanes : a.lanes;
	a.send_depth = l->send_depth ? l->send_depth : a.send_depth;
	a.recv_depth = l->recv_depth ? l->recv_depth : a.recv_depth;
	a.max_bytes = l->max_bytes;
	a.clock = &clk;
	if (loop->open(&e->ep, &a, blob, &err))
		fail_msg("%s", err.text);
	e->ep->tp = l->between;
}

static void connect_loop(const struct blob *of_client,
			 const struct blob *of_server)
{
	struct err err;

	client.peer_token = server.token;
	server.peer_token = client.token;
	assert_int_equal(loop->connect(client.ep, of_server, 1000000000, &err),
			 0);
	assert_int_equal(loop->connect(server.ep, of_client, 1000000000, &err),
			 0);
}

/* An end that is opened next may lie where one was. */
static void close_loop(void)
{
	loop->close(client.ep);
	loop->close(server.ep);
	client.ep = server.ep = NULL;
}

/* One phase at both ends. */
struct loop_phase {
	int (*client)(const struct phase *ph, struct err *err);
	int (*server)(const struct phase *ph, struct err *err);
};

struct served {
	const struct loop_phase *run;
	const struct phase *ph;
	struct err err;
	int ret;
	_Atomic bool ended;
};

static void *serve(void *arg)
{
	struct served *s = arg;

	s->ret = s->run->server(s->ph, &s->err);
	if (s->ret)
		finished = true; /* the client need not wait for it */
	s->ended = true;
	return NULL;
}

/* Until the client has finished; its result. */
static int run_phase(const struct loop_phase *run, const struct phase *ph,
		     struct err *err, struct served *s)
{
	pthread_t thread;
	int ret;

	*s = (struct served){.run = run, .ph = ph};
	finished = false;
	tally_init(&client.tally);
	tally_init(&server.tally);
	assert_int_equal(pthread_create(&thread, NULL, serve, s), 0);
	ret = run->client(ph, err);
	finished = true;
	pthread_join(thread, NULL);
	return ret;
}

static inline struct phase ops(uint64_t n)
{
	return (struct phase){.measured = true,
			      .min_ops = n,
			      .max_ops = n,
			      .max_ns = UINT64_MAX};
}

/* In the place of loop's own, which lends no memory: here a peer can reach it,
 * as it is this process. */
static inline int reg_for_peer(struct ep *ep, void *addr, size_t len,
			       unsigned access, struct region **region,
			       struct err *err)
{
	(void)access;
	return loop->reg(ep, addr, len, 0, region, err);
}

#endif
