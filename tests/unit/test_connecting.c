/* Connecting step by step, both ends in one process, over TCP: what is
 * counted, and what a server makes of requests that nobody may ask. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "pulses.h"

#include "ctl/pack.h"
#include "run/scenario.h"
#include "work/connecting_priv.h"

static struct connecting_cfg cfg;
static struct point pt;
static struct clock clk;
static struct end client, server;
static struct connecting cc, sc;

static void open_end(struct end *e, struct connecting *c, enum role role)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&e->data_addr;
	struct err err;

	memset(e, 0, sizeof(*e));
	e->role = role;
	e->pt = &pt;
	e->clock = &clk;
	e->pulse = role == ROLE_ACTIVE ? client_pulse : server_pulse;
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	memcpy(e->nonce, "this session's..", 16);
	tally_init(&e->tally);
	if (connecting_init(c, e, &cfg, &err))
		fail_msg("%s", err.text);
}

static void open_both(void)
{
	finished = false;
	open_end(&server, &sc, ROLE_PASSIVE);
	open_end(&client, &cc, ROLE_ACTIVE);
	client.peer_token = server.token;
}

static int setup(void **state)
{
	(void)state;
	point_defaults(&pt, scenario_find("conncost"));
	cfg = (struct connecting_cfg){
		.method = CONNECTING_TCP, .at_once = 3, .keep = 8};
	open_both();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	connecting_fini(&cc);
	connecting_fini(&sc);
	return 0;
}

struct served {
	struct err err;
	int ret;
};

static void *serve(void *arg)
{
	struct served *s = arg;

	s->ret = connecting_server(&sc, &s->err);
	return NULL;
}

static uint64_t of(const struct end *e, unsigned id)
{
	assert_true(tally_has(&e->tally, id));
	return e->tally.value[id];
}

static uint64_t steps(const struct end *e, enum conns_step step)
{
	const struct hist *h =
		tally_dist_of(&e->tally, CONNECTING_STEPS + step);

	return h ? h->count : 0;
}

/* --- a phase --------------------------------------------------------------------- */

static void every_connection_is_counted(void **state)
{
	const struct phase ph = {.min_ops = 20, .max_ops = 20};
	struct served s = {.ret = 1};
	pthread_t thread;
	struct err err;

	(void)state;
	assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
	if (connecting_client(&cc, &ph, &err))
		fail_msg("client: %s", err.text);
	finished = true;
	pthread_join(thread, NULL);
	if (s.ret)
		fail_msg("server: %s", s.err.text);

	/* Whole batches of 8: 24. */
	assert_int_equal(of(&client, METRIC_OPS), 24);
	assert_int_equal(of(&server, METRIC_OPS), 24);
	assert_int_equal(client.tally.latency.count, 24);
	assert_int_equal(steps(&client, CONNS_ID), 24);
	assert_int_equal(steps(&client, CONNS_HANDSHAKE), 24);
	assert_int_equal(steps(&server, CONNS_HANDSHAKE), 24);
	assert_int_equal(steps(&client, CONNS_DESTROY), 24);
	assert_int_equal(steps(&client, CONNS_QP), 0);
	assert_int_equal(of(&client, CONNECTING_MADE), 24);
	assert_int_equal(of(&client, CONNECTING_ENDED), 24);
	assert_int_equal(of(&server, CONNECTING_MADE), 24);
	assert_int_equal(of(&server, CONNECTING_ENDED), 24);
	assert_int_equal(of(&client, CONNECTING_QPS), 0);
	assert_int_equal(of(&client, CONNECTING_REMAINS + 1), 0);
	/* TCP uses no device: empty, with its reason. */
	assert_false(tally_has(&client.tally, CONNECTING_REMAINS));
	assert_int_equal(client.tally.why[CONNECTING_REMAINS], READING_NO_RDMA);
}

/* --- a server that is asked what it should not ----------------------------------- */

/* As a client that knows the nonce and then says this. */
static void asks(uint32_t what, uint32_t first, uint32_t n, const char *words)
{
	struct reader r = {.buf = server.token.data, .len = server.token.len};
	uint8_t buf[4 * ASK_WORDS];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	struct side side = {-1, -1};
	struct served s = {.ret = 1};
	struct sockaddr_storage at;
	pthread_t thread;
	struct err err;

	get_bytes(&r, &at, sizeof(at));
	put_u32(&w, what);
	put_u32(&w, first);
	put_u32(&w, n);
	assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
	assert_int_equal(side_connect(&side, &at, server.nonce, &err), 0);
	assert_int_equal(side_send(&side, buf, w.len, &err), 0);
	pthread_join(thread, NULL);
	side_close(&side);
	assert_true(s.ret < 0);
	assert_words(&s.err, words);
	teardown(NULL);
	open_both();
}

static void nothing_is_taken_on_trust(void **state)
{
	(void)state;
	asks(99, 0, 1, "asks 99 of connections 0 + 1");
	asks(ASK_CLOSE, 0, 0, "connections 0 + 0");
	asks(ASK_CLOSE, 8, 1, "connections 8 + 1");
	asks(ASK_CLOSE, 7, 2, "connections 7 + 2");
	asks(ASK_CLOSE, 1, UINT32_MAX, "connections 1 + 4294967295");
	asks(ASK_OPEN, 0, 1, "asks 1 of");
	asks(ASK_CHECK, 0, 1, "connection 0 is not there");
}

/* A token of the server's that is none. */
static void a_broken_token(void **state)
{
	const struct phase ph = {.min_ops = 1, .max_ops = 1};
	struct err err;

	(void)state;
	client.peer_token.len--;
	assert_int_equal(connecting_client(&cc, &ph, &err), -EBADMSG);
	assert_words(&err, "addresses do not parse");
}

static void too_few_descriptors(void **state)
{
	const struct rlimit few = {256, 256};
	struct connecting c;
	struct err err;

	(void)state;
	not_under_valgrind();
	/* For good: nothing after it opens so many. */
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
	cfg.keep = 1000;
	assert_int_equal(connecting_init(&c, &client, &cfg, &err), -EMFILE);
	assert_words(&err, "ulimit -n 1064");
	connecting_fini(&c);
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
		cmocka_unit_test_setup_teardown(every_connection_is_counted,
						setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_is_taken_on_trust,
						setup, teardown),
		cmocka_unit_test_setup_teardown(a_broken_token, setup,
						teardown),
		cmocka_unit_test_setup_teardown(too_few_descriptors, setup,
						teardown),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
