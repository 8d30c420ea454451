/*
 * A session, whose client is driven by hand: what comes out of order, from
 * another version or from no client at all ends with its reason, and what
 * the session survives leaves it ready for the next trial.
 */
#include "session_client.h"

static void trials_and_goodbye(void **state)
{
	struct err none = {0}, err;

	(void)state;
	greet();
	does_a_trial();
	does_a_trial();
	assert_int_equal(chan_send_words(&us, FRAME_BYE, &none, &err), 0);
	wait_for_end();
	assert_int_equal(session.ret, 0);
}

static void goodbye_with_a_reason(void **state)
{
	struct err why = {REASON_IO_ERROR, "disk full"}, err;

	(void)state;
	greet();
	assert_int_equal(chan_send_words(&us, FRAME_BYE, &why, &err), 0);
	ended(REASON_IO_ERROR, "disk full");
}

static void version_is_refused(const uint8_t *buf, size_t len)
{
	char words[64];
	struct err err;

	snprintf(words, sizeof(words), "version %u of the control protocol",
		 CTL_VERSION + 1);
	say(FRAME_HELLO, buf, len);
	assert_int_equal(chan_recv(&us, &frame, 5 * SECOND, &err),
			 -ECONNABORTED);
	assert_int_equal(err.reason, REASON_PEER_VERSION);
	assert_words(&err, words);
	assert_words(&err, "same binary");
	ended(REASON_PEER_VERSION, words);
}

static void another_version(void **state)
{
	uint8_t buf[2048];

	version_is_refused(buf, hello(buf, sizeof(buf), CTL_VERSION + 1));
	/* The rest of a hello may look different then. */
	setup(state);
	version_is_refused(buf, 4);
}

static void hello_cut_anywhere(void **state)
{
	uint8_t buf[2048] = {0};
	size_t i, len = hello(buf, sizeof(buf), CTL_VERSION);

	for (i = 0; i < len; i += i < 40 ? 1 : 7) {
		say(FRAME_HELLO, buf, i);
		ended(REASON_PEER_PROTOCOL, "hello does not parse");
		setup(state);
	}
	say(FRAME_HELLO, buf, len + 1);
	ended(REASON_PEER_PROTOCOL, "hello does not parse");
}

static void hello_comes_first(void **state)
{
	enum frame_type type;

	(void)state;
	for (type = FRAME_HELLO + 1; type < FRAME_HEARTBEAT; type++) {
		say(type, NULL, 0);
		ended(REASON_PEER_PROTOCOL, "HELLO comes first");
		setup(state);
	}
}

static void a_stranger_can_read_why(void **state)
{
	char line[200];
	ssize_t n;

	(void)state;
	assert_int_equal(write(us.fd, "GET / HTTP/1.0\r\n", 16), 16);
	n = recv(us.fd, line, sizeof(line) - 1, MSG_WAITALL);
	assert_true(n > 0);
	line[n] = '\0';
	assert_non_null(strstr(line, "rdmabench serve"));
	ended(REASON_PEER_PROTOCOL, "does not speak");
}

/* Refused with ERROR; the trial is dropped, the session goes on. */
static void out_of_order(void **state)
{
	static const struct {
		enum at at;
		enum frame_type type;
		const char *words;
	} t[] = {
		{IDLE, FRAME_CONNECT, "CONNECT without PREPARE"},
		{IDLE, FRAME_START, "START before CONNECT"},
		{IDLE, FRAME_CLOSE, "CLOSE without a trial"},
		{PREPARED, FRAME_START, "START before CONNECT"},
		{PREPARED, FRAME_PREPARE, "PREPARE in a trial"},
		{PREPARED, FRAME_CONNECT, "CONNECT does not parse"},
		{CONNECTED, FRAME_PREPARE, "PREPARE in a trial"},
		{CONNECTED, FRAME_CONNECT, "CONNECT without PREPARE"},
		{CONNECTED, FRAME_START, "START does not parse"},
		{MEASURED, FRAME_CONNECT, "CONNECT without PREPARE"},
	};
	size_t i;

	(void)state;
	greet();
	for (i = 0; i < N_OF(t); i++) {
		go_to(t[i].at);
		say(t[i].type, NULL, 0);
		expect_error(REASON_PEER_PROTOCOL, t[i].words);
		does_a_trial(); /* ready at once */
		go_to(t[i].at);
		say(t[i].type, NULL, 0);
		expect_error(REASON_PEER_PROTOCOL, t[i].words);
		abort_is_answered();
		does_a_trial();
	}
}

/* An ABORT crosses with what it aborts: the answer must come whatever the
 * state. */
static void abort_in_every_state(void **state)
{
	enum at at;

	(void)state;
	greet();
	for (at = IDLE; at < STATES; at++) {
		go_to(at);
		abort_is_answered();
		abort_is_answered();
		does_a_trial();
	}
}

/* A trial in which the server's process was stopped is told from others,
 * whether it ends well or not, and only that one. */
static void stopped_in_a_trial(void **state)
{
	struct err why = {REASON_LINK_FAILED, "test"}, err;

	(void)state;
	greet();
	go_to(IN_PHASE);
	stop_resumed++;
	say_finish(0);
	expect(FRAME_RESULT);
	say(FRAME_CLOSE, NULL, 0);
	expect_closed(FRAME_CLOSED, true);
	stop_resumed++; /* between trials: nothing was timed */
	does_a_trial();
	go_to(CONNECTED);
	stop_resumed++;
	assert_int_equal(chan_send_words(&us, FRAME_ABORT, &why, &err), 0);
	expect_closed(FRAME_ABORTED, true);
	does_a_trial();
}

/* It lives, its heart beats, and it asks for nothing. */
static void idle_for_too_long(void **state)
{
	struct err err;

	(void)state;
	greet();
	does_a_trial();
	say(FRAME_HEARTBEAT, NULL, 0);
	assert_int_equal(chan_recv(&us, &frame, 5 * SECOND, &err),
			 -ECONNABORTED);
	assert_int_equal(err.reason, REASON_PEER_TIMEOUT);
	ended(REASON_PEER_TIMEOUT, "did not answer in time");
}

static void a_finish_that_crossed(void **state)
{
	(void)state;
	greet();
	say_finish(5); /* the session's ERROR was under way */
	abort_is_answered();
	does_a_trial();
}

static void not_a_request(void **state)
{
	static const enum frame_type types[] = {
		FRAME_HELLO,  FRAME_WELCOME, FRAME_READY, FRAME_CONNECTED,
		FRAME_RESULT, FRAME_CLOSED,  FRAME_ERROR, FRAME_ABORTED,
	};
	enum at at;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(types); i++) {
		at = (enum at)(i % STATES);
		greet();
		go_to(at);
		say(types[i], NULL, 0);
		ended(REASON_PEER_PROTOCOL,
		      at == IN_PHASE ? "in a phase" : "not a request");
		setup(state);
	}
}

static void gone_in_every_state(void **state)
{
	enum at at;

	for (at = IDLE; at < STATES; at++) {
		greet();
		go_to(at);
		ended(REASON_PEER_LOST, "");
		setup(state);
	}
	ended(REASON_PEER_LOST, ""); /* not even a hello */
}

static void another_count(void **state)
{
	(void)state;
	greet();
	go_to(IN_PHASE);
	say_finish(3);
	expect_error(REASON_MISCOUNT, "served 0 operations");
	abort_is_answered();
	does_a_trial();
}

static void finish_cut(void **state)
{
	static const size_t lengths[] = {0, 7, 9};
	size_t i;

	for (i = 0; i < N_OF(lengths); i++) {
		greet();
		go_to(IN_PHASE);
		say(FRAME_FINISH, "\0\0\0\0\0\0\0\0\0", lengths[i]);
		ended(REASON_PEER_PROTOCOL, "FINISH does not parse");
		setup(state);
	}
}

static void hostile_prepare(void **state)
{
	uint8_t buf[8192];
	size_t len;

	(void)state;
	len = prepare_payload(buf, sizeof(buf));
	greet();
	say(FRAME_PREPARE, NULL, 0);
	expect_error(REASON_PEER_PROTOCOL, "no scenario ''");
	say(FRAME_PREPARE, buf, len - 1);
	expect_error(REASON_PEER_PROTOCOL, "does not parse");
	point_set(&pt, "size", "1024G"); /* within bounds, but of no host */
	say_prepare();
	point_set(&pt, "size", "1k");
	expect_error(REASON_NO_MEMORY, "available");
	abort_is_answered();
	does_a_trial();
}

static void hostile_blob(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} bad[] = {
		{"\0\0\0\0", 4},
		{"\4\0\0\0abcd", 8},
		{"\4\0\0\0abc", 7},
		{"\377\377\377\377", 4},
	};
	struct err err;
	size_t i;

	(void)state;
	greet();
	for (i = 0; i < N_OF(bad); i++) {
		go_to(PREPARED);
		say(FRAME_CONNECT, bad[i].bytes, bad[i].len);
		expect(FRAME_ERROR);
		frame_words(&frame, &err);
		assert_true(err.text[0] != '\0');
		abort_is_answered();
		does_a_trial();
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Links of a scenario's own workers are connected, or are not, before CONNECTED
 * is said: the client posts to them from then on. */
static void workers_before_connected(void **state)
{
	const struct point was = pt;

	(void)state;
	greet();
	point_defaults(&pt, scenario_find("scale"));
	point_set(&pt, "transport", "loop");
	point_set(&pt, "poll", "event");
	point_set(&pt, "op", "send");
	point_set(&pt, "qps", "2");
	point_set(&pt, "outstanding", "2");
	point_set(&pt, "threads", "2");
	say_prepare();
	expect(FRAME_READY);
	say_connect(); /* with nothing of the other worker */
	expect_error(REASON_PEER_PROTOCOL, "workers do not parse");
	abort_is_answered();
	pt = was;
	does_a_trial();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(trials_and_goodbye),
		TEST(goodbye_with_a_reason),
		TEST(another_version),
		TEST(hello_cut_anywhere),
		TEST(hello_comes_first),
		TEST(a_stranger_can_read_why),
		TEST(out_of_order),
		TEST(abort_in_every_state),
		TEST(stopped_in_a_trial),
		cmocka_unit_test_setup_teardown(idle_for_too_long,
						setup_impatient, teardown),
		TEST(a_finish_that_crossed),
		TEST(not_a_request),
		TEST(gone_in_every_state),
		TEST(another_count),
		TEST(finish_cut),
		TEST(hostile_prepare),
		TEST(hostile_blob),
		TEST(workers_before_connected),
	};

	clock_init_raw(&clk);
	point_defaults(&pt, scenario_find("sendrecv"));
	point_set(&pt, "transport", "loop");
	point_set(&pt, "poll", "event");
	point_set(&pt, "size", "1k");
	return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
