/* Many TCP connections at once: each is who it says it is. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "work/sockets.h"

enum { N = 40 };

static unsigned told[CONNS_STEPS];

static void took(void *arg, enum conns_step step, unsigned i, uint64_t ticks)
{
	(void)arg;
	(void)ticks;
	assert_true(i < N);
	told[step]++;
}

static struct sockets server, client;
static struct sockaddr_storage addr;
static struct clock clk;

static int setup(void **state)
{
	static const uint8_t nonce[] = "of this session.";
	const struct conns_attr attr = {
		.n = N, .nonce = nonce, .clock = &clk, .took = took};
	struct sockaddr_in *in = (void *)&addr;
	struct err err;

	(void)state;
	memset(told, 0, sizeof(told));
	memset(&addr, 0, sizeof(addr));
	clock_init_raw(&clk);
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(sockets_init(&server, &attr, &err), 0);
	assert_int_equal(sockets_init(&client, &attr, &err), 0);
	assert_int_equal(sockets_listen(&server, &addr, &err), 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	sockets_fini(&client);
	sockets_fini(&server);
	return 0;
}

static void say(unsigned first, unsigned n)
{
	struct err err;
	unsigned i;

	for (i = first; i < first + n; i++)
		assert_int_equal(sockets_say(&client, i, &err), 0);
}

static void batches(void **state)
{
	struct err err;
	unsigned round;

	(void)state;
	for (round = 1; round <= 3; round++) {
		assert_int_equal(sockets_connect(&client, 0, 30, &addr, &err),
				 0);
		assert_int_equal(sockets_connect(&client, 30, 10, &addr, &err),
				 0);
		say(0, N);
		assert_int_equal(sockets_hear(&server, 0, N, &err), 0);
		sockets_close(&client, 0, N);
		sockets_close(&server, 0, N);
		/* Handshakes and ends are told at both. */
		assert_int_equal(told[CONNS_ID], round * N);
		assert_int_equal(told[CONNS_HANDSHAKE], round * 2 * N);
		assert_int_equal(told[CONNS_DESTROY], round * 2 * N);
	}
}

static void who_is_missing_is_found(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(sockets_connect(&client, 0, 3, &addr, &err), 0);
	say(0, 3);
	assert_int_equal(sockets_hear(&server, 0, 4, &err), -ENOTCONN);
	assert_words(&err, "connection 3 is not there");
}

static void who_lies_is_found(void **state)
{
	struct err err;
	int swap;

	(void)state;
	assert_int_equal(sockets_connect(&client, 0, 2, &addr, &err), 0);
	swap = client.fd[1];
	client.fd[1] = client.fd[0];
	say(1, 1); /* the first says that it is the second */
	client.fd[1] = swap;
	say(1, 1);
	assert_int_equal(sockets_hear(&server, 0, 2, &err), -EBADMSG);
	assert_words(&err, "says that it is number 1");
}

/* A stranger counts for nobody, and is hung up on. */
static void strangers(void **state)
{
	const char knock[12] = {0, 0, 0, 1};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	struct err err;
	char byte;

	(void)state;
	assert_int_equal(connect(fd, (struct sockaddr *)&addr,
				 sizeof(struct sockaddr_in)),
			 0);
	assert_int_equal(send(fd, knock, sizeof(knock), 0), sizeof(knock));
	assert_int_equal(sockets_connect(&client, 0, 2, &addr, &err), 0);
	say(0, 2);
	assert_int_equal(sockets_hear(&server, 0, 2, &err), 0);
	assert_true(recv(fd, &byte, 1, 0) <= 0);
	close(fd);
}

static void nobody_listens(void **state)
{
	struct err err;

	(void)state;
	close(server.listener);
	server.listener = -1;
	assert_int_equal(sockets_connect(&client, 0, 1, &addr, &err),
			 -ECONNREFUSED);
	assert_int_equal(err.reason, REASON_PEER_REFUSED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(batches, setup, teardown),
		cmocka_unit_test_setup_teardown(who_is_missing_is_found, setup,
						teardown),
		cmocka_unit_test_setup_teardown(who_lies_is_found, setup,
						teardown),
		cmocka_unit_test_setup_teardown(strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(nobody_listens, setup,
						teardown),
	};

	return cmocka_run_group_tests_name("sockets", tests, NULL, NULL);
}
