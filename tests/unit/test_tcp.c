/* What conformance cannot reach by transport.h: strangers at a passive
 * end's port, who do not say what a peer says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "fail/fail_calls.h"
#include "transport/tcp_link.h"

enum { STRANGERS = 200 }; /* more than are remembered */

struct caller {
	struct tcp_link link;
	struct blob blob, peer;
	uint64_t timeout_ns;
	struct err err;
	int ret;
};

static void open_end(struct caller *c, enum role role)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct ep_attr attr = {.role = role, .lanes = 2};

	memset(c, 0, sizeof(*c));
	memcpy(&attr.data_addr, &in, sizeof(in));
	memcpy(attr.nonce, "0123456789abcdef", 16);
	c->timeout_ns = 30000000000u; /* of a machine that is busy */
	assert_int_equal(tcp_link_open(&c->link, &attr, &c->blob, &c->err), 0);
}

static void *connect_end(void *arg)
{
	struct caller *c = arg;

	c->ret = tcp_link_connect(&c->link, &c->peer, c->timeout_ns, &c->err);
	return NULL;
}

static int knock(const struct tcp_link *passive, const void *say, size_t len)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	assert_int_equal(
		getsockname(passive->listener, (struct sockaddr *)&at, &size),
		0);
	assert_int_equal(connect(fd, (struct sockaddr *)&at, size), 0);
	if (len)
		assert_int_equal(send(fd, say, len, MSG_NOSIGNAL), len);
	return fd;
}

/* Both must connect with these already waiting at the door. */
static void connect_past(struct caller ends[2])
{
	pthread_t t;
	unsigned i;

	ends[0].peer = ends[1].blob;
	ends[1].peer = ends[0].blob;
	assert_int_equal(pthread_create(&t, NULL, connect_end, &ends[1]), 0);
	connect_end(&ends[0]);
	pthread_join(t, NULL);
	for (i = 0; i < 2; i++) {
		if (ends[i].ret)
			fail_msg("end %u: %s", i, ends[i].err.text);
		assert_true(ends[i].link.fds[0] >= 0);
		assert_true(ends[i].link.fds[1] >= 0);
		tcp_link_close(&ends[i].link);
	}
}

static void test_strangers(void **state)
{
	static const char noise[40] = "GET / HTTP/1.1";
	static const size_t says[] = {0, 1, 19, 20, 40};
	struct caller ends[2];
	unsigned i;
	int fds[5];

	(void)state;
	open_end(&ends[0], ROLE_ACTIVE);
	open_end(&ends[1], ROLE_PASSIVE);
	for (i = 0; i < 5; i++)
		fds[i] = knock(&ends[1].link, noise, says[i]);
	close(knock(&ends[1].link, noise, 0));
	connect_past(ends);
	for (i = 0; i < 5; i++)
		close(fds[i]);
}

/* Silent ones without end: the oldest are shown out. */
static void *crowd(void *arg)
{
	int fds[STRANGERS];
	unsigned i;

	for (i = 0; i < STRANGERS; i++)
		fds[i] = knock(arg, NULL, 0);
	usleep(200000);
	for (i = 0; i < STRANGERS; i++)
		close(fds[i]);
	return NULL;
}

static void test_crowd(void **state)
{
	struct caller ends[2];
	pthread_t t, door;

	(void)state;
	open_end(&ends[0], ROLE_ACTIVE);
	open_end(&ends[1], ROLE_PASSIVE);
	ends[0].peer = ends[1].blob;
	ends[1].peer = ends[0].blob;
	assert_int_equal(pthread_create(&door, NULL, connect_end, &ends[1]), 0);
	assert_int_equal(pthread_create(&t, NULL, crowd, &ends[1].link), 0);
	pthread_join(t, NULL);
	connect_end(&ends[0]);
	pthread_join(door, NULL);
	assert_int_equal(ends[0].ret, 0);
	assert_int_equal(ends[1].ret, 0);
	tcp_link_close(&ends[0].link);
	tcp_link_close(&ends[1].link);
}

/* A caller with another nonce is told so at once, and the rest go on. */
static void test_other_nonce(void **state)
{
	struct caller ends[2], other;
	pthread_t t;

	(void)state;
	open_end(&ends[0], ROLE_ACTIVE);
	open_end(&ends[1], ROLE_PASSIVE);
	open_end(&other, ROLE_ACTIVE);
	other.link.nonce[0] ^= 1;
	other.peer = ends[1].blob;
	assert_int_equal(pthread_create(&t, NULL, connect_end, &other), 0);
	connect_past(ends);
	pthread_join(t, NULL);
	assert_int_equal(other.ret, -ECONNREFUSED);
	assert_int_equal(other.err.reason, REASON_PEER_REFUSED);
	tcp_link_close(&other.link);
}

/* Says back what each lane says, as the other end would. */
static void echo(int listener, unsigned lanes, int fds[])
{
	struct pollfd p = {.fd = listener, .events = POLLIN};
	uint8_t hello[12];
	unsigned i;

	for (i = 0; i < lanes; i++) {
		assert_int_equal(poll(&p, 1, 30000), 1);
		fds[i] = accept(listener, NULL, NULL);
		assert_int_equal(
			recv(fds[i], hello, sizeof(hello), MSG_WAITALL),
			sizeof(hello));
		hello[8] = ROLE_PASSIVE;
		assert_int_equal(
			send(fds[i], hello, sizeof(hello), MSG_NOSIGNAL),
			sizeof(hello));
	}
}

/* Who listens in the peer's place knows no more than it has just heard. */
static void test_echo(void **state)
{
	struct caller door, caller;
	int fds[2];
	pthread_t t;

	(void)state;
	open_end(&door, ROLE_PASSIVE);
	open_end(&caller, ROLE_ACTIVE);
	caller.peer = door.blob;
	assert_int_equal(pthread_create(&t, NULL, connect_end, &caller), 0);
	echo(door.link.listener, 2, fds);
	pthread_join(t, NULL);
	close(fds[0]);
	close(fds[1]);
	assert_int_equal(caller.ret, -EPROTO);
	assert_int_equal(caller.err.reason, REASON_PEER_PROTOCOL);
	tcp_link_close(&door.link);
	tcp_link_close(&caller.link);
}

/* One that hangs up while it is called refuses, whichever of the caller's
 * steps meets it: here the first words on each lane. */
static void test_hung_up(void **state)
{
	struct caller door, caller;
	unsigned lane;

	(void)state;
	open_end(&door, ROLE_PASSIVE);
	for (lane = 0; lane < 2; lane++) {
		open_end(&caller, ROLE_ACTIVE);
		caller.peer = door.blob;
		fail_begin(FAIL_send, lane + 1); /* ECONNRESET */
		fail_arm(true);
		connect_end(&caller);
		fail_arm(false);
		assert_true(fail_end());
		assert_int_equal(caller.ret, -ECONNREFUSED);
		assert_int_equal(caller.err.reason, REASON_PEER_REFUSED);
		tcp_link_close(&caller.link);
	}
	tcp_link_close(&door.link);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_crowd),
		cmocka_unit_test(test_other_nonce),
		cmocka_unit_test(test_echo),
		cmocka_unit_test(test_hung_up),
	};

	return cmocka_run_group_tests_name("tcp link", tests, NULL, NULL);
}
