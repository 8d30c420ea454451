/* What a peer says when a trial is dropped, over a socketpair. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "run/peer.h"

#define MS 1000000ull
#define SECOND 1000000000ull

static struct peer peer;
static struct chan server;
static const struct err link_broke = {.reason = REASON_LINK_FAILED,
				      .text = "remote access error"};

static int setup(void **state)
{
	struct err err;
	int fds[2];

	(void)state;
	memset(&peer, 0, sizeof(peer));
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(chan_init(&peer.chan, fds[0], "server", &err), 0);
	return chan_init(&server, fds[1], "client", &err);
}

static int teardown(void **state)
{
	(void)state;
	chan_fini(&peer.chan);
	chan_fini(&server);
	return 0;
}

static void says(enum frame_type type, enum reason reason)
{
	const struct err words = {.reason = reason, .text = "the cause"};
	struct err err;

	assert_int_equal(chan_send_words(&server, type, &words, &err), 0);
}

/* It failed by itself, and said so before it heard of our failure. */
static void the_cause_was_told(void **state)
{
	struct err why = link_broke, told;

	(void)state;
	says(FRAME_ERROR, REASON_VERIFY_FAILED);
	says(FRAME_ABORTED, REASON_NONE);
	assert_int_equal(peer_abort(&peer, &why, &told), 0);
	peer_cause(&why, &told, false);
	assert_int_equal(why.reason, REASON_VERIFY_FAILED);
	assert_non_null(strstr(why.text, "the cause"));
}

/* It had given us up, and with us its memory, which our writes then met. */
static void it_gave_up(void **state)
{
	struct err why = link_broke, told;

	(void)state;
	says(FRAME_BYE, REASON_PEER_TIMEOUT);
	assert_int_equal(peer_abort(&peer, &why, &told), -ECONNABORTED);
	peer_cause(&why, &told, true);
	assert_int_equal(why.reason, REASON_PEER_TIMEOUT);
}

static void nothing_to_say(void **state)
{
	struct err why = link_broke, told;

	(void)state;
	says(FRAME_ABORTED, REASON_NONE);
	assert_int_equal(peer_abort(&peer, &why, &told), 0);
	assert_int_equal(told.reason, REASON_NONE);
	peer_cause(&why, &told, false);
	assert_string_equal(why.text, link_broke.text);
}

/* It saw no more than a broken link; and what we know better stays. */
static void no_better_words(void **state)
{
	struct err told = {.reason = REASON_PEER_LOST, .text = "gone"};
	struct err why = link_broke;

	(void)state;
	peer_cause(&why, &told, false);
	assert_string_equal(why.text, link_broke.text);
	why.reason = REASON_MISCOUNT;
	told.reason = REASON_PEER_TIMEOUT;
	peer_cause(&why, &told, false);
	assert_int_equal(why.reason, REASON_MISCOUNT);
}

/* Its device tells of a wrong key while its program is going; the control
 * channel ends a moment later. */
static void it_is_gone(void **state)
{
	struct err why = link_broke, told;

	(void)state;
	says(FRAME_ERROR, REASON_PEER_LOST);
	shutdown(server.fd, SHUT_RDWR);
	assert_int_not_equal(peer_abort(&peer, &why, &told), 0);
	peer_cause(&why, &told, true);
	assert_int_equal(why.reason, REASON_PEER_LOST);
	assert_non_null(strstr(why.text, "server: "));
	assert_null(strstr(why.text, "access"));
}

/* Killed before its end of the link was called: nobody answers there. */
static void it_was_gone(void **state)
{
	struct err told = {.reason = REASON_PEER_LOST, .text = "gone"};
	struct err why = {.reason = REASON_PEER_REFUSED,
			  .text = "Connection refused"};

	(void)state;
	peer_cause(&why, &told, true);
	assert_string_equal(why.text, "gone");
}

/* What is no broken link is the cause, even if the peer goes then. */
static void gone_after_the_cause(void **state)
{
	struct err told = {.reason = REASON_PEER_LOST, .text = "gone"};
	struct err why = {.reason = REASON_VERIFY_FAILED, .text = "stale"};

	(void)state;
	peer_cause(&why, &told, true);
	assert_string_equal(why.text, "stale");
}

/* --- the handshake ----------------------------------------------------------- */

/* Looks what its host is like for longer than a word may take. */
static void *answers_late(void *arg)
{
	static struct frame frame;
	const struct hello hello = {.version = CTL_VERSION};
	const struct timespec long_time = {.tv_sec = 1, .tv_nsec = 200 * MS};
	struct writer w = {.buf = frame.payload, .cap = sizeof(frame.payload)};
	struct err err;

	(void)arg;
	assert_int_equal(chan_recv(&server, &frame, 5 * SECOND, &err), 0);
	assert_int_equal(frame.type, FRAME_HELLO);
	assert_int_equal(chan_heart_start(&server, &err), 0);
	nanosleep(&long_time, NULL);
	hello_pack(&hello, &w);
	assert_int_equal(
		chan_send(&server, FRAME_WELCOME, frame.payload, w.len, &err),
		0);
	return NULL;
}

static int introduce_us(struct peer *p, struct err *err)
{
	static struct host host;
	const struct peer_self self = {.host = &host, .connect_ns = 800 * MS};

	memset(p, 0, sizeof(*p));
	return peer_start(p, dup(peer.chan.fd), "server", &self, err);
}

static void who_is_busy_is_waited_for(void **state)
{
	static struct peer p;
	pthread_t thread;
	struct err err;

	(void)state;
	server.beat_ns = 20 * MS;
	assert_int_equal(pthread_create(&thread, NULL, answers_late, NULL), 0);
	if (introduce_us(&p, &err))
		fail_msg("%s", err.text);
	pthread_join(thread, NULL);
	chan_fini(&p.chan);
}

static void who_says_nothing_is_not(void **state)
{
	static struct peer p;
	struct err err;

	(void)state;
	assert_int_equal(introduce_us(&p, &err), -ETIMEDOUT);
	assert_int_equal(err.reason, REASON_PEER_TIMEOUT);
	assert_words(&err, "silent for 0.8 s");
	chan_fini(&p.chan);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(the_cause_was_told, setup,
						teardown),
		cmocka_unit_test_setup_teardown(it_gave_up, setup, teardown),
		cmocka_unit_test_setup_teardown(nothing_to_say, setup,
						teardown),
		cmocka_unit_test(no_better_words),
		cmocka_unit_test_setup_teardown(it_is_gone, setup, teardown),
		cmocka_unit_test(it_was_gone),
		cmocka_unit_test(gone_after_the_cause),
		cmocka_unit_test_setup_teardown(who_is_busy_is_waited_for,
						setup, teardown),
		cmocka_unit_test_setup_teardown(who_says_nothing_is_not, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("peer", tests, NULL, NULL);
}
