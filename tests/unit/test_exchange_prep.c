/* What a scenario may do in an exchange: choose buffers, have the client wait
 * between operations, leave marks; and that it is held to its lines. */
#include "exchange_pair.h"

enum { LINES_OF_4K = 4096 / 64 };

static unsigned runs, betweens;
static uint64_t lines_less;

static uint64_t run(struct exchange *x, void *arg)
{
	assert_ptr_equal(arg, &runs);
	runs++;
	assert_ptr_equal(x->response, exchange_response(x, x->op));
	if (x->prep.stamp == STAMP_LINES)
		scan_write(x->response, x->response_bytes, x->line, x->op);
	return LINES_OF_4K - lines_less;
}

static void between(struct exchange *x, void *arg)
{
	assert_ptr_equal(arg, &runs);
	/* Every response is out, and none has been asked for since. */
	assert_int_equal(x->completed, x->sent);
	assert_int_equal(runs, betweens);
	betweens++; /* the first is before any run */
}

static int setup(void **state)
{
	(void)state;
	point_defaults(&pt, scenario_find("sendrecv"));
	opt_defaults(&exchange_opts, &cfg);
	cfg.size = 4096;
	prep = (struct exchange_prep){
		.run = run,
		.arg = &runs,
		.lines = LINES_OF_4K,
	};
	runs = betweens = 0;
	lines_less = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	close_both();
	return 0;
}

/* Each buffer has a pattern of its own: the wrong one is found. */
static void buffers_take_turns(void **state)
{
	struct phase ph = ops(10);
	struct served s;
	struct err err;

	(void)state;
	cfg.verify = VERIFY_EACH;
	prep.buffers = 3;
	open_both();
	good(&ph);
	assert_int_equal(runs, 10);
	assert_int_equal(of(&client, METRIC_VERIFIED), 10);
	sx.prep.buffers = 1;
	assert_int_equal(phase(&ph, &err, &s), -EBADMSG);
	assert_string_equal(reason_word(err.reason), "verify-failed");
}

/* Two messages an operation to the client, the second when `between` is
 * over; once more at the beginning. */
static void the_client_waits(void **state)
{
	struct phase ph = ops(10);

	(void)state;
	prep.between = between;
	prep.stamp = STAMP_LINES;
	open_both();
	assert_int_equal(betweens, 1);
	good(&ph);
	verifies_last();
	assert_int_equal(betweens, 11);
	assert_int_equal(server.ep->counts.sends, 20);
	assert_int_equal(client.ep->counts.recvs, 20);
	assert_int_equal(client.ep->counts.sends, 10);
	assert_int_equal(client.tally.latency.count, 10);
}

static void a_wrong_number_of_lines_is_found(void **state)
{
	struct phase ph = ops(4);
	struct served s;
	struct err err;

	(void)state;
	open_both();
	good(&ph);
	lines_less = 1;
	assert_int_equal(phase(&ph, &err, &s), 0);
	assert_int_equal(s.ret, -EBADMSG);
	assert_string_equal(reason_word(s.err.reason), "miscount");
	assert_words(&s.err, "252 cache lines");
}

/* Not verified at all, and the same every time: only the mark tells. */
static void a_mark_finds_a_lost_response(void **state)
{
	struct phase ph = ops(5);
	struct served s;
	struct err err;
	int marked;

	(void)state;
	cfg.verify = VERIFY_NONE;
	for (marked = 1; marked >= 0; marked--) {
		prep.mark = marked;
		open_both();
		spoil = (struct spoil){
			.ep = client.ep,
			.recv = 3,
			.byte = (unsigned char *)cx.response,
			.lost = true,
		};
		assert_int_equal(phase(&ph, &err, &s), marked ? -EBADMSG : 0);
		if (marked) {
			assert_words(&err, "operation 2:");
			close_both();
		}
	}
}

/* Whatever the length, and not where the message has come. */
static void marks_are_covered(void **state)
{
	static const uint64_t size[] = {1, 7, 8, 9, 63, 64, 65, 1000};
	struct phase ph = ops(30);
	size_t i;

	(void)state;
	prep = (struct exchange_prep){.mark = true};
	cfg.verify = VERIFY_EACH;
	for (i = 0; i < N_OF(size); i++) {
		if (i)
			close_both();
		cfg.size = size[i];
		open_both();
		good(&ph);
	}
}

/* --- stages ----------------------------------------------------------------------- */

static uint64_t timed(const struct end *e, enum stage stage)
{
	const struct hist *h =
		tally_dist_of(&e->tally, EXCHANGE_TIMES + (unsigned)stage);

	return h ? h->count : 0;
}

/* Each counter is there or has its reason, the same for both stages. */
static void check_counters(const struct tally *t)
{
	unsigned i;

	for (i = EXCHANGE_COUNTERS; i < EXCHANGE_STAGED_END; i++)
		assert_true(tally_has(t, i) || t->why[i]);
}

/* A time for each operation, in each phase, even where completions come
 * when the phase is over. */
static void stages_are_timed(void **state)
{
	struct phase ph = ops(10);
	struct stages stages;
	int lates;

	(void)state;
	for (lates = 0; lates < 2; lates++) {
		stages_open(&stages, &clk, false, &counter_sys_linux);
		prep.stages = &stages;
		open_both();
		cx.prep.stages = NULL; /* they are the server's */
		late = (struct late){.ep = lates ? server.ep : NULL};
		good(&warm);
		assert_int_equal(timed(&server, STAGE_SEND), 2);
		good(&ph);
		assert_int_equal(timed(&server, STAGE_SCAN), 10);
		assert_int_equal(timed(&server, STAGE_SEND), 10);
		assert_int_equal(timed(&client, STAGE_SEND), 0);
		assert_int_equal(of(&server, EXCHANGE_LINE_BYTES), 64);
		check_counters(&server.tally);
		late.ep = NULL;
		stages_close(&stages);
		if (!lates)
			close_both();
	}
}

/* Nothing was scanned: no time is made up for it. */
static void without_a_scan_there_is_no_time_of_it(void **state)
{
	struct phase ph = ops(5);
	struct stages stages;

	(void)state;
	stages_open(&stages, &clk, true, &counter_sys_linux);
	prep = (struct exchange_prep){.stages = &stages};
	open_both();
	good(&ph);
	assert_int_equal(timed(&server, STAGE_SCAN), 0);
	assert_int_equal(timed(&server, STAGE_SEND), 5);
	stages_close(&stages);
}

/* The client learns it from the server, and believes no nonsense. */
static void the_servers_line(void **state)
{
	static const uint64_t bad[] = {0, 4, 48, 8192};
	struct phase ph = ops(2);
	struct served s;
	struct err err;
	uint64_t line;
	size_t i;

	(void)state;
	prep.stamp = STAMP_LINES;
	cfg.verify = VERIFY_EACH;
	open_both();
	sx.line = 32;
	sx.prep.lines = 0;
	line = 32;
	client.peer_token.len = sizeof(line);
	memcpy(client.peer_token.data, &line, sizeof(line));
	lines_less = LINES_OF_4K;
	good(&ph);
	for (i = 0; i < N_OF(bad); i++) {
		memcpy(client.peer_token.data, &bad[i], sizeof(bad[i]));
		assert_int_equal(phase(&ph, &err, &s), -EBADMSG);
		assert_string_equal(reason_word(err.reason), "peer-protocol");
	}
}

/* Wherever the mark of the next operation is. */
static void the_last_is_verified_under_its_mark(void **state)
{
	struct phase ph = ops(1);
	unsigned i;

	(void)state;
	prep = (struct exchange_prep){.mark = true};
	cfg.size = 64;
	open_both();
	for (i = 0; i < 40; i++) {
		good(&ph);
		verifies_last();
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(buffers_take_turns),
		TEST(the_client_waits),
		TEST(a_wrong_number_of_lines_is_found),
		TEST(a_mark_finds_a_lost_response),
		TEST(marks_are_covered),
		TEST(stages_are_timed),
		TEST(without_a_scan_there_is_no_time_of_it),
		TEST(the_servers_line),
		TEST(the_last_is_verified_under_its_mark),
	};

	init_pair();
	return cmocka_run_group_tests_name("exchange_prep", tests, NULL, NULL);
}
