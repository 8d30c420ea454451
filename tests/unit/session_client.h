/*
 * A session in a thread of its own, and its client, driven by hand: what it
 * says, what it expects, and the states that it can bring the session into.
 */
#ifndef TESTS_UNIT_SESSION_CLIENT_H
#define TESTS_UNIT_SESSION_CLIENT_H

#include "unit.h"
#include "point_set.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/stop.h"
#include "ctl/chan.h"
#include "ctl/hello.h"
#include "run/phase_msg.h"
#include "run/session.h"
#include "run/scenario.h"

#define SECOND 1000000000ull

static struct clock clk;
static struct point pt;
static struct chan us;
static struct frame frame;
static uint8_t nonce[NONCE_BYTES];
static struct ep *ep; /* our end of the data link */
static struct blob blob;

/* --- the session, in its own thread -------------------------------------------- */

static struct run {
	pthread_t thread;
	int fd, ret;
	uint64_t idle_ns;
	struct err err;
} session;

static void *run(void *arg)
{
	struct run *r = arg;
	struct session_cfg cfg = {
		.sessions = 1, .clock = &clk, .idle_ns = r->idle_ns};

	r->ret = session_run(r->fd, &cfg, &r->err);
	return NULL;
}

static int setup_idle(uint64_t idle_ns)
{
	struct err err;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	memset(&session, 0, sizeof(session));
	session.fd = fds[0];
	session.idle_ns = idle_ns;
	assert_int_equal(chan_init(&us, fds[1], "session", &err), 0);
	assert_int_equal(pthread_create(&session.thread, NULL, run, &session),
			 0);
	return 0;
}

static int setup(void **state)
{
	(void)state;
	return setup_idle(0);
}

static int setup_impatient(void **state)
{
	(void)state;
	return setup_idle(SECOND);
}

static void close_ep(void)
{
	if (ep)
		ep->tp->close(ep);
	ep = NULL;
}

/* The client goes without a word, if it is there yet. */
static void wait_for_end(void)
{
	if (!session.thread)
		return;
	chan_fini(&us);
	pthread_join(session.thread, NULL);
	session.thread = 0;
	close_ep();
}

static int teardown(void **state)
{
	(void)state;
	wait_for_end();
	return 0;
}

static void ended(enum reason reason, const char *words)
{
	wait_for_end();
	assert_int_not_equal(session.ret, 0);
	assert_string_equal(reason_word(session.err.reason),
			    reason_word(reason));
	assert_words(&session.err, words);
}

/* --- what a client says ----------------------------------------------------------- */

static void say(enum frame_type type, const void *payload, size_t len)
{
	struct err err;

	if (chan_send(&us, type, payload, len, &err))
		fail_msg("%s", err.text);
}

static void expect(enum frame_type type)
{
	struct err err;

	if (chan_recv(&us, &frame, 5 * SECOND, &err))
		fail_msg("frame %d was due: %s", (int)type, err.text);
	if (frame.type == FRAME_ERROR && type != FRAME_ERROR) {
		frame_words(&frame, &err);
		fail_msg("frame %d was due: ERROR %s", (int)type, err.text);
	}
	assert_int_equal(frame.type, type);
}

static void expect_error(enum reason reason, const char *words)
{
	struct err err;

	expect(FRAME_ERROR);
	frame_words(&frame, &err);
	assert_string_equal(reason_word(err.reason), reason_word(reason));
	assert_words(&err, words);
}

static size_t hello(uint8_t *buf, size_t cap, uint32_t version)
{
	struct hello h = {.version = version};
	struct writer w = {.buf = buf, .cap = cap};

	strcpy(h.host.name, "test");
	hello_pack(&h, &w);
	assert_false(w.bad);
	return w.len;
}

static void greet(void)
{
	uint8_t buf[2048];
	struct reader r;
	struct hello h;
	struct err err;

	say(FRAME_HELLO, buf, hello(buf, sizeof(buf), CTL_VERSION));
	expect(FRAME_WELCOME);
	r = (struct reader){.buf = frame.payload, .len = frame.len};
	assert_int_equal(hello_unpack(&h, &r, &err), 0);
	memcpy(nonce, h.nonce, sizeof(nonce));
}

static size_t prepare_payload(uint8_t *buf, size_t cap)
{
	struct writer w = {.buf = buf, .cap = cap};

	point_pack(&pt, &w);
	assert_false(w.bad);
	return w.len;
}

static void say_prepare(void)
{
	uint8_t buf[8192];

	say(FRAME_PREPARE, buf, prepare_payload(buf, sizeof(buf)));
}

static void say_connect(void)
{
	uint8_t buf[BLOB_MAX + 16];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	struct ep_attr attr;
	struct err err;

	close_ep();
	link_attr(&pt.link, &attr);
	attr.role = ROLE_ACTIVE;
	attr.recv_depth = 2;
	attr.max_bytes = 1024;
	attr.clock = &clk;
	memcpy(attr.nonce, nonce, sizeof(attr.nonce));
	assert_int_equal(transport_find("loop")->open(&ep, &attr, &blob, &err),
			 0);
	put_bytes(&w, blob.data, blob.len);
	put_bytes(&w, "", 0); /* no token */
	say(FRAME_CONNECT, buf, w.len);
}

static void say_start(void)
{
	struct phase ph = {.measured = true};
	uint8_t buf[16];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};

	phase_pack(&ph, &w);
	say(FRAME_START, buf, w.len);
}

static void say_finish(uint64_t ops)
{
	uint8_t buf[8];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};

	put_u64(&w, ops);
	say(FRAME_FINISH, buf, w.len);
}

/* The last word of a trial: was the session stopped in it? */
static void expect_closed(enum frame_type type, bool stopped)
{
	struct reader r;

	expect(type);
	r = (struct reader){.buf = frame.payload, .len = frame.len};
	assert_int_equal(get_u32(&r), stopped);
	assert_true(reader_done(&r));
}

static void abort_is_answered(void)
{
	struct err why = {REASON_VERIFY_FAILED, "test"}, err;

	assert_int_equal(chan_send_words(&us, FRAME_ABORT, &why, &err), 0);
	expect_closed(FRAME_ABORTED, false);
}

/* --- states -------------------------------------------------------------------------- */

enum at { IDLE, PREPARED, CONNECTED, IN_PHASE, MEASURED, STATES };

/* From idle. */
static void go_to(enum at at)
{
	if (at >= PREPARED) {
		say_prepare();
		expect(FRAME_READY);
	}
	if (at >= CONNECTED) {
		say_connect();
		expect(FRAME_CONNECTED);
	}
	if (at >= IN_PHASE) {
		say_start();
		expect(FRAME_STARTED);
	}
	if (at >= MEASURED) {
		say_finish(0);
		expect(FRAME_RESULT);
	}
}

/* The session is ready for the next trial: it does a whole one. */
static void does_a_trial(void)
{
	go_to(MEASURED);
	say(FRAME_CLOSE, NULL, 0);
	expect_closed(FRAME_CLOSED, false);
}

#endif
