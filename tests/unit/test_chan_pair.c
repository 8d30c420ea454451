/* The channel to our own child: whoever else calls in between gets nothing. */
#include "unit.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/chan_pair.h"

static int stranger = -1;

int __real_listen(int fd, int backlog);
int __wrap_listen(int fd, int backlog);

/* A stranger who calls before we do. */
int __wrap_listen(int fd, int backlog)
{
	struct sockaddr_in addr;
	socklen_t len = sizeof(addr);
	int ret = __real_listen(fd, backlog);

	assert_int_equal(getsockname(fd, (struct sockaddr *)&addr, &len), 0);
	stranger = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(stranger, (struct sockaddr *)&addr, len), 0);
	return ret;
}

static void ours_is_answered(void **state)
{
	struct err err;
	char word = 0;
	int fd[2];

	(void)state;
	assert_int_equal(chan_pair(fd, &err), 0);
	assert_int_equal(write(fd[0], "w", 1), 1);
	assert_int_equal(recv(fd[1], &word, 1, MSG_DONTWAIT), 1);
	assert_int_equal(word, 'w');
	assert_int_equal(write(fd[1], "x", 1), 1);
	assert_int_equal(read(fd[0], &word, 1), 1);
	assert_int_equal(word, 'x');
	/* The stranger was hung up on. */
	assert_true(read(stranger, &word, 1) <= 0);
	close(stranger);
	close(fd[0]);
	close(fd[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_is_answered),
	};

	return cmocka_run_group_tests_name("chan_pair", tests, NULL, NULL);
}
