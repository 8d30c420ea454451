/* The stream between two ends without a link, over real sockets: whole
 * messages, who is let in, and an end that is gone. */
#include "unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#include "work/side.h"

static const uint8_t nonce[16] = "of this session", wrong[16] = "of another";

static struct side server, client;
static struct sockaddr_storage addr;

static int setup(void **state)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&addr;
	struct err err;

	(void)state;
	memset(&addr, 0, sizeof(addr));
	in->sin_family = AF_INET;
	in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	server = client = (struct side){-1, -1};
	return side_listen(&server, &addr, &err);
}

static int teardown(void **state)
{
	(void)state;
	side_close(&client);
	side_close(&server);
	return 0;
}

static void connect_both(void)
{
	struct err err;

	assert_int_equal(side_connect(&client, &addr, nonce, &err), 0);
	assert_int_equal(side_accept(&server, nonce, &err), 0);
}

static void a_free_port(void **state)
{
	(void)state;
	assert_int_not_equal(((struct sockaddr_in *)&addr)->sin_port, 0);
}

static void both_ways(void **state)
{
	uint32_t v = 0;
	struct err err;

	(void)state;
	connect_both();
	assert_int_equal(side_send(&client, "abcd", 4, &err), 0);
	assert_int_equal(side_recv(&server, &v, 4, &err), 0);
	assert_memory_equal(&v, "abcd", 4);
	assert_int_equal(side_send(&server, "efgh", 4, &err), 0);
	assert_int_equal(side_recv(&client, &v, 4, &err), 0);
	assert_memory_equal(&v, "efgh", 4);
}

/* More than a socket holds comes in pieces. */
enum { LARGE = 8 << 20 };
static char large[LARGE], received[LARGE];

static void *send_large(void *arg)
{
	struct err err;

	(void)arg;
	return (void *)(intptr_t)side_send(&client, large, LARGE, &err);
}

static void pieces_are_put_together(void **state)
{
	pthread_t thread;
	struct err err;
	void *ret;
	size_t i;

	(void)state;
	for (i = 0; i < LARGE; i++)
		large[i] = (char)(i * 31 >> 7);
	connect_both();
	assert_int_equal(pthread_create(&thread, NULL, send_large, NULL), 0);
	assert_int_equal(side_recv(&server, received, LARGE, &err), 0);
	pthread_join(thread, &ret);
	assert_null(ret);
	assert_memory_equal(large, received, LARGE);
}

/* A stranger is turned away; the one who knows comes in after it. */
static void strangers(void **state)
{
	struct side stranger = {-1, -1};
	struct err err;
	char byte;

	(void)state;
	assert_int_equal(side_connect(&stranger, &addr, wrong, &err), 0);
	connect_both();
	assert_int_equal(side_send(&client, "x", 1, &err), 0);
	assert_int_equal(side_recv(&server, &byte, 1, &err), 0);
	assert_int_equal(byte, 'x');
	assert_true(side_recv(&stranger, &byte, 1, &err) < 0);
	side_close(&stranger);
}

/* One who calls and says nothing has a part of the time, not all of it. */
static void a_silent_stranger(void **state)
{
	socklen_t len = sizeof(struct sockaddr_in);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)state;
	assert_int_equal(connect(fd, (struct sockaddr *)&addr, len), 0);
	connect_both();
	close(fd);
}

/* Gone in the middle of a message, it is a loss and no short message. */
static void the_end_is_gone(void **state)
{
	struct err err;
	uint32_t v;

	(void)state;
	connect_both();
	assert_int_equal(side_send(&client, "ab", 2, &err), 0);
	side_close(&client);
	assert_int_equal(side_recv(&server, &v, 4, &err), -ECONNRESET);
	assert_int_equal(err.reason, REASON_PEER_LOST);
	assert_words(&err, "ended");
}

static void nobody_listens(void **state)
{
	struct err err;

	(void)state;
	side_close(&server);
	assert_int_equal(side_connect(&client, &addr, nonce, &err),
			 -ECONNREFUSED);
	assert_words(&err, "connecting to the other end");
}

static void closing_twice(void **state)
{
	(void)state;
	connect_both();
	side_close(&client);
	side_close(&client);
	assert_int_equal(client.fd, -1);
	assert_int_equal(client.listener, -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_free_port, setup, teardown),
		cmocka_unit_test_setup_teardown(both_ways, setup, teardown),
		cmocka_unit_test_setup_teardown(pieces_are_put_together, setup,
						teardown),
		cmocka_unit_test_setup_teardown(strangers, setup, teardown),
		cmocka_unit_test_setup_teardown(a_silent_stranger, setup,
						teardown),
		cmocka_unit_test_setup_teardown(the_end_is_gone, setup,
						teardown),
		cmocka_unit_test_setup_teardown(nobody_listens, setup,
						teardown),
		cmocka_unit_test_setup_teardown(closing_twice, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
