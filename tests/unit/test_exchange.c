/* The exchange over the loop transport, both ends in one process: counts,
 * phases, and payloads that a corrupting transport has spoilt. */
#include "exchange_pair.h"

#include <endian.h>

#include "base/splitmix.h"

static bool as_it_is; /* nothing is done to the response */

static uint64_t write_lines(struct exchange *x, void *arg)
{
	(void)arg;
	return scan_write(x->response, x->response_bytes, x->line, x->op);
}

static void open_anew(void)
{
	prep = (struct exchange_prep){.buffers = 1};
	if (!as_it_is) {
		prep.run = write_lines;
		prep.lines = scan_lines(cfg.size, 64);
		prep.stamp = STAMP_LINES;
	}
	open_both();
}

static int setup(void **state)
{
	(void)state;
	point_defaults(&pt, scenario_find("sendrecv"));
	opt_defaults(&exchange_opts, &cfg);
	cfg.size = 4096;
	as_it_is = false;
	open_anew();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_both();
	return 0;
}

static void again(void)
{
	close_both();
	open_anew();
}

/* --- tests ------------------------------------------------------------------------ */

static void counts(void **state)
{
	struct phase ph = ops(50);
	struct ep_counts c0, s0;

	(void)state;
	good(&warm);
	c0 = client.ep->counts;
	s0 = server.ep->counts;
	good(&ph);
	assert_int_equal(of(&client, METRIC_OPS), 50);
	assert_int_equal(of(&server, METRIC_OPS), 50);
	assert_int_equal(client.tally.latency.count, 50);
	assert_int_equal(of(&server, METRIC_LINES), 50 * 4096 / 64);
	assert_int_equal(of(&client, METRIC_VERIFIED), 0);
	assert_int_equal(client.ep->counts.sends - c0.sends, 50);
	assert_int_equal(client.ep->counts.recvs - c0.recvs, 50);
	assert_int_equal(server.ep->counts.sends - s0.sends, 50);
	assert_int_equal(server.ep->counts.recvs - s0.recvs, 50);
	assert_int_equal(client.ep->counts.bytes_sent - c0.bytes_sent, 50 * 64);
	assert_int_equal(client.ep->counts.bytes_recv - c0.bytes_recv,
			 50 * 4096);
	assert_true(of(&client, METRIC_ELAPSED) >= client.tally.latency.max);
	verifies_last();
}

static void sizes(void **state)
{
	static const uint64_t size[] = {1, 7, 8, 63, 64, 65, 1000, 100000};
	struct phase ph = ops(5);
	size_t i;

	(void)state;
	cfg.verify = VERIFY_EACH;
	for (i = 0; i < N_OF(size) * 2; i++) {
		cfg.size = size[i / 2];
		cfg.request_bytes = i % 2 ? OPT_WORD : 3;
		again();
		good(&warm);
		good(&ph);
		assert_int_equal(of(&client, METRIC_VERIFIED), 5);
		assert_int_equal(of(&server, METRIC_VERIFIED), 5);
	}
}

static void which_are_verified(void **state)
{
	static const struct {
		enum exchange_verify verify;
		uint64_t warm, measured;
	} t[] = {
		{VERIFY_ENDS, 1, 0},
		{VERIFY_EACH, 2, 9},
		{VERIFY_NONE, 0, 0},
	};
	struct phase ph = ops(9);
	size_t i, k;

	(void)state;
	for (i = 0; i < N_OF(t); i++) {
		for (k = 0; k < 2; k++) {
			cfg.verify = t[i].verify;
			as_it_is = k;
			again();
			good(&warm);
			assert_int_equal(of(&client, METRIC_VERIFIED),
					 t[i].warm);
			assert_int_equal(of(&server, METRIC_VERIFIED),
					 t[i].warm);
			good(&ph);
			assert_int_equal(of(&client, METRIC_VERIFIED),
					 t[i].measured);
			assert_int_equal(of(&server, METRIC_VERIFIED),
					 t[i].measured);
			verifies_last();
		}
	}
}

static void min_and_max_ops(void **state)
{
	static const struct {
		struct phase ph;
		uint64_t ops;
	} t[] = {
		/* However late it is, and however many are allowed. */
		{{.min_ops = 5, .max_ops = UINT64_MAX, .max_ns = 0}, 5},
		{{.min_ops = 1, .max_ops = 7, .max_ns = UINT64_MAX}, 7},
		{{.min_ops = 5, .max_ops = 3, .max_ns = UINT64_MAX}, 5},
		{{.min_ops = 0, .max_ops = 0, .max_ns = UINT64_MAX}, 0},
	};
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(t); i++) {
		good(&t[i].ph);
		assert_int_equal(of(&client, METRIC_OPS), t[i].ops);
		assert_int_equal(of(&server, METRIC_OPS), t[i].ops);
	}
}

static void by_duration(void **state)
{
	struct phase ph = {
		.min_ops = 1, .max_ops = UINT64_MAX, .max_ns = 20000000};

	(void)state;
	good(&ph);
	assert_true(of(&client, METRIC_ELAPSED) >= 20000000);
	assert_true(of(&client, METRIC_OPS) >= 1);
	assert_int_equal(of(&client, METRIC_OPS), of(&server, METRIC_OPS));
}

/* Latency counts from the intended start: 40 at 1000/s take 39 ms at least. */
static void open_loop(void **state)
{
	struct phase ph = ops(40);

	(void)state;
	cfg.rate = 1000;
	again();
	good(&ph);
	assert_int_equal(of(&client, METRIC_OPS), 40);
	assert_true(of(&client, METRIC_ELAPSED) >= 39000000);
	assert_true(tally_has(&client.tally, EXCHANGE_BACKLOG_MAX));
}

/* A trial's draws begin where its seed says, at both ends, and a later phase
 * goes on from there: trials that drew the same would not be independent. */
static void trials_draw_by_their_seed(void **state)
{
	const uint64_t seed = 77, told = htole64(seed);
	struct phase ph = ops(5);

	(void)state;
	cfg.service_ns = 1000;
	cfg.service_dist = PACE_POISSON;
	again();
	server.peer_token.len = sizeof(told);
	memcpy(server.peer_token.data, &told, sizeof(told));
	good(&ph);
	assert_int_equal(sx.service.state,
			 seed + SEED_SERVICE + 5 * SPLITMIX_STEP);
	good(&ph);
	assert_int_equal(sx.service.state,
			 seed + SEED_SERVICE + 10 * SPLITMIX_STEP);
}

/* Its answers come at once, the completions of its sends only when it has
 * nothing else to wait for: it must not fill more than its queue. */
static void completions_are_late(void **state)
{
	struct phase ph = ops(50);
	struct end *const ends[] = {&client, &server};
	size_t i;

	(void)state;
	pt.link.signal_every = 1;
	pt.link.tx_depth = 2;
	for (i = 0; i < N_OF(ends); i++) {
		again();
		late = (struct late){.ep = ends[i]->ep};
		good(&ph);
		assert_true(late.posted >= 50);
		assert_in_range(late.most, 1, 2);
		late.ep = NULL;
	}
}

/* --- spoilt payloads ----------------------------------------------------------------- */

static void spoil_response(uint64_t recv, size_t byte)
{
	spoil = (struct spoil){
		.ep = client.ep,
		.recv = recv,
		.byte = (unsigned char *)cx.response + byte,
	};
}

/* The recv-th request since open; all arrive in one buffer. */
static void spoil_request(uint64_t recv, size_t byte)
{
	spoil = (struct spoil){
		.ep = server.ep,
		.recv = recv,
		.byte = (unsigned char *)sx.request + byte,
	};
}

static void is_verify_failed(const struct err *err, uint64_t op)
{
	char words[40];

	snprintf(words, sizeof(words), "operation %u: payload differs",
		 (unsigned)op);
	assert_string_equal(reason_word(err->reason), "verify-failed");
	assert_words(err, words);
}

static void each_finds_any_response(void **state)
{
	struct phase ph = ops(5);
	struct served s;
	struct err err;
	uint64_t recv;
	size_t k;

	(void)state;
	cfg.verify = VERIFY_EACH;
	for (k = 0; k < 2; k++) {
		as_it_is = k;
		for (recv = 1; recv <= 5; recv++) {
			again();
			spoil_response(recv, recv * 800);
			assert_int_equal(phase(&ph, &err, &s), -EBADMSG);
			is_verify_failed(&err, recv - 1);
		}
	}
}

/* The server that finds it stops answering, so its client cannot end by
 * itself: the server's thread runs alone on requests sent before. */
static int serve_requests(uint64_t n, bool measured, struct err *err)
{
	struct phase ph = {.measured = measured};
	struct served s = {.run = &both, .ph = &ph};
	pthread_t thread;
	uint64_t i;

	finished = false;
	assert_int_equal(pthread_create(&thread, NULL, serve, &s), 0);
	for (i = 0; i < n; i++) {
		struct timespec tick = {.tv_nsec = 100000};
		struct comp comp[4];
		int k, got = 0;

		scan_stamp_first(cx.request, cx.request_bytes, cx.op++);
		assert_int_equal(exchange_send_request(&cx, err), 0);
		while (!got && !s.ended) {
			int c = loop->poll(client.ep, comp, 4);

			for (k = 0; k < c; k++)
				got |= comp[k].op == OP_RECV;
			if (!got)
				nanosleep(&tick, NULL);
		}
		if (!got)
			break;
		assert_int_equal(exchange_post_response_recv(&cx, err), 0);
	}
	finished = true;
	pthread_join(thread, NULL);
	*err = s.err;
	return s.ret;
}

static void each_finds_any_request(void **state)
{
	struct err err;
	uint64_t recv;

	(void)state;
	cfg.verify = VERIFY_EACH;
	for (recv = 1; recv <= 4; recv++) {
		again();
		spoil_request(recv, recv * 15);
		assert_int_equal(serve_requests(4, true, &err), -EBADMSG);
		is_verify_failed(&err, recv - 1);
	}
	again();
	assert_int_equal(serve_requests(4, true, &err), 0);
}

static void ends_finds_first_and_last(void **state)
{
	struct phase ph = ops(5);
	struct served s;
	struct err err;

	(void)state;
	spoil_response(1, 4095);
	assert_int_equal(phase(&warm, &err, &s), -EBADMSG);
	is_verify_failed(&err, 0);

	again();
	spoil_request(1, 63);
	assert_int_equal(serve_requests(1, false, &err), -EBADMSG);
	is_verify_failed(&err, 0);

	again();
	good(&warm);
	spoil_response(5, 2000);
	good(&ph);
	assert_int_equal(exchange_verify_last(&server, &err), 0);
	assert_int_equal(exchange_verify_last(&client, &err), -EBADMSG);
	is_verify_failed(&err, 6);

	again();
	good(&warm);
	spoil_request(5, 9); /* the 7th since open: slot 0, as the 5th */
	good(&ph);
	assert_int_equal(exchange_verify_last(&client, &err), 0);
	assert_int_equal(exchange_verify_last(&server, &err), -EBADMSG);
	is_verify_failed(&err, 6);
}

/* So that the tests above are of verifying, not of something else. */
static void none_finds_nothing(void **state)
{
	struct phase ph = ops(5);

	(void)state;
	cfg.verify = VERIFY_NONE;
	again();
	spoil_response(5, 2000);
	good(&ph);
	assert_int_equal(spoil.seen, 5);
	verifies_last();
}

/* Lines that carry the number of another operation. */
static void a_stale_response_is_found(void **state)
{
	struct phase ph = ops(3);
	struct served s;
	struct err err;

	(void)state;
	cfg.verify = VERIFY_EACH;
	again();
	sx.verify = VERIFY_NONE;
	sx.op = 1; /* the server is an operation ahead */
	assert_int_equal(phase(&ph, &err, &s), -EBADMSG);
	is_verify_failed(&err, 0);
	assert_words(&err, "stale");
}

/* Nothing came, and what is there is the last response, or is cleared if
 * that would look the same. */
static void a_lost_response_is_found(void **state)
{
	struct phase ph = ops(5);
	struct served s;
	struct err err;
	size_t k;

	(void)state;
	cfg.verify = VERIFY_EACH;
	for (k = 0; k < 2; k++) {
		as_it_is = k;
		again();
		spoil_response(3, 0);
		spoil.lost = true;
		assert_int_equal(phase(&ph, &err, &s), -EBADMSG);
		is_verify_failed(&err, 2);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(counts),
		TEST(sizes),
		TEST(which_are_verified),
		TEST(min_and_max_ops),
		TEST(by_duration),
		TEST(open_loop),
		TEST(trials_draw_by_their_seed),
		TEST(completions_are_late),
		TEST(each_finds_any_response),
		TEST(each_finds_any_request),
		TEST(ends_finds_first_and_last),
		TEST(none_finds_nothing),
		TEST(a_stale_response_is_found),
		TEST(a_lost_response_is_found),
	};

	init_pair();
	return cmocka_run_group_tests_name("exchange", tests, NULL, NULL);
}
