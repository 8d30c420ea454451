/* The control channel over a socketpair: frames, garbage, liveness. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "ctl/chan.h"
#include "ctl/pack.h"
#include "rng.h"

#define MS 1000000ull
#define SECOND (1000 * MS)

static struct chan ours;
static struct frame frame;
static int theirs = -1; /* the other end, driven by hand */

static int setup(void **state)
{
	int fds[2];
	struct err err;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	assert_int_equal(chan_init(&ours, fds[0], "peer", &err), 0);
	theirs = fds[1];
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	chan_fini(&ours);
	if (theirs >= 0)
		close(theirs);
	theirs = -1;
	return 0;
}

static void say(const void *bytes, size_t len)
{
	assert_int_equal(write(theirs, bytes, len), len);
}

static size_t header(uint8_t *buf, uint32_t type, uint32_t len)
{
	struct writer w = {.buf = buf, .cap = 12};

	put_u32(&w, 0x424d4452);
	put_u32(&w, type);
	put_u32(&w, len);
	return w.len;
}

static void say_frame(uint32_t type, const void *payload, size_t len)
{
	uint8_t buf[12];

	say(buf, header(buf, type, (uint32_t)len));
	if (len)
		say(payload, len);
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * SECOND + (uint64_t)ts.tv_nsec;
}

static void refused(enum reason reason, const char *words)
{
	struct err err = {0};

	if (!chan_recv(&ours, &frame, SECOND, &err))
		fail_msg("a frame where it should say '%s'", words);
	assert_string_equal(reason_word(err.reason), reason_word(reason));
	assert_words(&err, words);
	assert_words(&err, "peer: ");
	assert_true(ours.broken);
}

/* --- frames ------------------------------------------------------------------ */

static void frames_in_order(void **state)
{
	struct err err;

	(void)state;
	say_frame(FRAME_HELLO, "hello", 5);
	say_frame(FRAME_HEARTBEAT, NULL, 0);
	say_frame(FRAME_CLOSE, NULL, 0);
	assert_int_equal(chan_recv(&ours, &frame, SECOND, &err), 0);
	assert_int_equal(frame.type, FRAME_HELLO);
	assert_int_equal(frame.len, 5);
	assert_memory_equal(frame.payload, "hello", 5);
	assert_int_equal(chan_recv(&ours, &frame, SECOND, &err), 0);
	assert_int_equal(frame.type, FRAME_CLOSE);
	assert_int_equal(frame.len, 0);
	assert_int_equal(chan_pulse(&ours, false, &frame, &err), 0);
	assert_false(ours.broken);
}

static void byte_by_byte(void **state)
{
	uint8_t buf[12 + 4];
	struct err err;
	size_t i;

	(void)state;
	header(buf, FRAME_READY, 4);
	memcpy(buf + 12, "abcd", 4);
	for (i = 0; i < sizeof(buf); i++) {
		assert_int_equal(chan_pulse(&ours, false, &frame, &err), 0);
		say(buf + i, 1);
	}
	assert_int_equal(chan_pulse(&ours, false, &frame, &err), 1);
	assert_int_equal(frame.type, FRAME_READY);
	assert_int_equal(frame.len, 4);
	assert_memory_equal(frame.payload, "abcd", 4);
}

/* Both ends are channels; what is sent is larger than a socket's buffer. */
static void *echo(void *arg)
{
	struct chan *c = arg;
	struct frame *f = malloc(sizeof(*f));
	struct err err;

	while (!chan_recv(c, f, 5 * SECOND, &err))
		if (chan_send(c, f->type, f->payload, f->len, &err))
			break;
	free(f);
	return NULL;
}

static void largest_frame(void **state)
{
	static uint8_t big[CHAN_PAYLOAD_MAX];
	struct chan other;
	struct err err;
	pthread_t thread;
	uint64_t rng = 3;
	size_t i;

	(void)state;
	assert_int_equal(chan_init(&other, dup(theirs), "other", &err), 0);
	for (i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)rng_u64(&rng);
	assert_int_equal(pthread_create(&thread, NULL, echo, &other), 0);
	for (i = 0; i < 3; i++) {
		memset(&frame, 0, sizeof(frame));
		assert_int_equal(chan_send(&ours, FRAME_RESULT, big,
					   sizeof(big) - i, &err),
				 0);
		assert_int_equal(chan_recv(&ours, &frame, 5 * SECOND, &err), 0);
		assert_int_equal(frame.len, sizeof(big) - i);
		assert_memory_equal(frame.payload, big, frame.len);
	}
	assert_int_equal(
		chan_send(&ours, FRAME_RESULT, big, sizeof(big) + 1, &err),
		-EMSGSIZE);
	assert_int_equal(err.reason, REASON_INTERNAL);
	assert_false(ours.broken);
	chan_send_words(&ours, FRAME_BYE, &(struct err){0}, &err);
	pthread_join(thread, NULL);
	chan_fini(&other);
}

/* --- what is no frame --------------------------------------------------------- */

static void a_stranger(void **state)
{
	(void)state;
	say("GET / HTTP/1.1\r\n", 16);
	refused(REASON_PEER_PROTOCOL, "does not speak");
}

/* It must not wait for twelve bytes that never come. */
static void one_wrong_byte(void **state)
{
	(void)state;
	say("X", 1);
	refused(REASON_PEER_PROTOCOL, "does not speak");
}

static void wrong_magic(void **state)
{
	uint8_t buf[12];

	(void)state;
	header(buf, FRAME_HELLO, 0);
	buf[3] ^= 1;
	say(buf, 12);
	refused(REASON_PEER_PROTOCOL, "does not speak");
}

static void unknown_types(void **state)
{
	static const uint32_t types[] = {0, FRAME_COUNT, 0x7fffffff,
					 0xffffffff};
	size_t i;

	for (i = 0; i < N_OF(types); i++) {
		say_frame(types[i], NULL, 0);
		refused(REASON_PEER_PROTOCOL, "not in the protocol");
		teardown(state);
		setup(state);
	}
}

static void oversize(void **state)
{
	static const uint32_t lengths[] = {CHAN_PAYLOAD_MAX + 1, 0x7fffffff,
					   0xffffffff, 0xfffffff4};
	uint8_t buf[12];
	size_t i;

	for (i = 0; i < N_OF(lengths); i++) {
		say(buf, header(buf, FRAME_HELLO, lengths[i]));
		refused(REASON_PEER_PROTOCOL, "not in the protocol");
		teardown(state);
		setup(state);
	}
}

static void noise(void **state)
{
	uint8_t buf[64];
	uint64_t rng = 9;
	struct err err;
	int i, ret;
	size_t k;

	for (i = 0; i < 2000; i++) {
		header(buf, (uint32_t)(rng_u64(&rng) % (FRAME_COUNT + 2)),
		       (uint32_t)(rng_u64(&rng) % 50));
		for (k = 12; k < sizeof(buf); k++)
			buf[k] = (uint8_t)rng_u64(&rng);
		buf[rng_u64(&rng) % sizeof(buf)] ^= (uint8_t)rng_u64(&rng);
		say(buf, rng_u64(&rng) % sizeof(buf));
		close(theirs);
		theirs = -1;
		do
			ret = chan_pulse(&ours, false, &frame, &err);
		while (ret > 0);
		assert_true(ret < 0);
		assert_true(ours.broken);
		teardown(state);
		setup(state);
	}
}

/* --- ends --------------------------------------------------------------------- */

static void bye_with_words(void **state)
{
	struct err why = {REASON_IN_USE, "too many of you"}, err;
	struct chan other;

	(void)state;
	assert_int_equal(chan_init(&other, dup(theirs), "other", &err), 0);
	assert_int_equal(chan_send_words(&other, FRAME_BYE, &why, &err), 0);
	assert_int_equal(chan_recv(&ours, &frame, SECOND, &err), -ECONNABORTED);
	assert_int_equal(err.reason, REASON_IN_USE);
	assert_string_equal(err.text, "peer: too many of you");
	assert_true(ours.broken);
	chan_fini(&other);
}

/* That it was interrupted does not mean that we were. */
static void bye_of_an_interrupted_peer(void **state)
{
	struct err why = {REASON_INTERRUPTED, "Ctrl-C"}, err;
	struct chan other;

	(void)state;
	assert_int_equal(chan_init(&other, dup(theirs), "other", &err), 0);
	assert_int_equal(chan_send_words(&other, FRAME_BYE, &why, &err), 0);
	assert_int_equal(chan_recv(&ours, &frame, SECOND, &err), -ECONNABORTED);
	assert_int_equal(err.reason, REASON_PEER_LOST);
	chan_fini(&other);
}

static void bye_that_is_garbage(void **state)
{
	struct err err;

	(void)state;
	say_frame(FRAME_BYE, "\xff\xff\xff\xff", 4);
	assert_int_equal(chan_recv(&ours, &frame, SECOND, &err), -ECONNABORTED);
	assert_int_equal(err.reason, REASON_PEER_PROTOCOL);
}

static void the_end(void **state)
{
	uint8_t buf[12];

	(void)state;
	say(buf, header(buf, FRAME_READY, 100)); /* and no more */
	close(theirs);
	theirs = -1;
	refused(REASON_PEER_LOST, "the connection ended");
}

static void sending_to_nobody(void **state)
{
	struct err err;

	(void)state;
	close(theirs);
	theirs = -1;
	assert_true(chan_send(&ours, FRAME_CLOSE, NULL, 0, &err) < 0);
	assert_int_equal(err.reason, REASON_PEER_LOST);
	assert_true(ours.broken);
}

/* --- liveness ----------------------------------------------------------------- */

static void silence_is_given_up(void **state)
{
	uint64_t begin = now(), took;

	(void)state;
	ours.silence_ns = 150 * MS;
	refused(REASON_PEER_TIMEOUT, "silent for 0.1 s");
	took = now() - begin;
	assert_true(took >= 150 * MS);
	assert_true(took < 3 * SECOND);
}

static void an_answer_that_does_not_come(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(chan_recv(&ours, &frame, 50 * MS, &err), -ETIMEDOUT);
	assert_int_equal(err.reason, REASON_PEER_TIMEOUT);
	assert_words(&err, "did not answer in time");
}

static void a_heart_keeps_alive(void **state)
{
	struct chan other;
	struct err err;
	uint64_t begin;

	(void)state;
	ours.silence_ns = 800 * MS; /* of beats that a busy machine delays */
	assert_int_equal(chan_init(&other, dup(theirs), "other", &err), 0);
	other.beat_ns = 20 * MS;
	assert_int_equal(chan_heart_start(&other, &err), 0);
	begin = now();
	assert_int_equal(chan_recv(&ours, &frame, 1200 * MS, &err), -ETIMEDOUT);
	assert_true(now() - begin >= 1200 * MS);
	assert_words(&err, "did not answer in time"); /* not: silent */
	/* A slow one does where its program has nothing to say. */
	chan_heart_slow(&other, true);
	assert_int_equal(chan_recv(&ours, &frame, 1000 * MS, &err), -ETIMEDOUT);
	assert_words(&err, "did not answer in time");
	/* And one that has ended does not. */
	chan_fini(&other);
	refused(REASON_PEER_TIMEOUT, "silent for 0.8 s");
}

static void pulses_beat_and_give_up(void **state)
{
	uint8_t buf[64];
	struct timespec tick = {.tv_nsec = 10 * MS};
	struct err err;
	int ret, i;

	(void)state;
	ours.beat_ns = 5 * MS;
	ours.silence_ns = 100 * MS;
	for (i = 0; i < 20; i++) { /* data flows: the peer lives */
		nanosleep(&tick, NULL);
		assert_int_equal(chan_pulse(&ours, true, &frame, &err), 0);
	}
	assert_true(recv(theirs, buf, sizeof(buf), MSG_DONTWAIT) >= 24);
	assert_int_equal(buf[4], FRAME_HEARTBEAT);
	do {
		nanosleep(&tick, NULL);
		ret = chan_pulse(&ours, false, &frame, &err);
	} while (!ret);
	assert_int_equal(ret, -ETIMEDOUT);
	assert_int_equal(err.reason, REASON_PEER_TIMEOUT);
}

/* Ctrl-Z: both were stopped, and neither was silent while the other heard. */
static void who_does_not_listen_hears_no_silence(void **state)
{
	struct timespec away = {.tv_nsec = 700 * MS};
	struct err err;

	(void)state;
	ours.silence_ns = 200 * MS;
	nanosleep(&away, NULL);
	assert_int_equal(chan_pulse(&ours, false, &frame, &err), 0);
	refused(REASON_PEER_TIMEOUT, "silent for 0.2 s");
}

static void stop_for_a_while(int sig)
{
	const struct timespec away = {.tv_nsec = 700 * MS};

	(void)sig;
	nanosleep(&away, NULL);
}

/* Nor is it waited less for. */
static void who_does_not_listen_waits_longer(void **state)
{
	const struct itimerval soon = {.it_value.tv_usec = 50000};
	const uint64_t begin = now();
	struct err err;

	(void)state;
	signal(SIGALRM, stop_for_a_while);
	setitimer(ITIMER_REAL, &soon, NULL);
	assert_int_equal(chan_recv(&ours, &frame, 400 * MS, &err), -ETIMEDOUT);
	assert_words(&err, "did not answer in time");
	assert_true(now() - begin >= 1100 * MS);
}

static void a_peer_that_takes_nothing(void **state)
{
	static const uint8_t big[CHAN_PAYLOAD_MAX];
	struct err err;
	int i, ret = 0;

	(void)state;
	ours.silence_ns = 150 * MS;
	for (i = 0; i < 1000 && !ret; i++)
		ret = chan_send(&ours, FRAME_RESULT, big, sizeof(big), &err);
	assert_int_equal(ret, -ETIMEDOUT);
	assert_int_equal(err.reason, REASON_PEER_TIMEOUT);
	assert_words(&err, "takes no more data");
	assert_true(ours.broken);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Nagle's algorithm held several frames a trial back for 40 ms each. */
static void frames_do_not_wait_for_acknowledgements(void **state)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), on = 0;
	socklen_t len = sizeof(on);
	struct chan tcp;
	struct err err;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(chan_init(&tcp, fd, "peer", &err), 0);
	assert_int_equal(getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &len),
			 0);
	assert_int_not_equal(on, 0);
	chan_fini(&tcp);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_do_not_wait_for_acknowledgements),
		TEST(frames_in_order),
		TEST(byte_by_byte),
		TEST(largest_frame),
		TEST(a_stranger),
		TEST(one_wrong_byte),
		TEST(wrong_magic),
		TEST(unknown_types),
		TEST(oversize),
		TEST(noise),
		TEST(bye_with_words),
		TEST(bye_of_an_interrupted_peer),
		TEST(bye_that_is_garbage),
		TEST(the_end),
		TEST(sending_to_nobody),
		TEST(silence_is_given_up),
		TEST(who_does_not_listen_hears_no_silence),
		TEST(who_does_not_listen_waits_longer),
		TEST(an_answer_that_does_not_come),
		TEST(a_heart_keeps_alive),
		TEST(pulses_beat_and_give_up),
		TEST(a_peer_that_takes_nothing),
	};

	return cmocka_run_group_tests_name("chan", tests, NULL, NULL);
}
