/* A payload that is wrong anywhere is found. */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rng.h"
#include "work/scan.h"

enum { LEN_MAX = 200, SEED = 0x5eed, LINE = 64 };

static const enum scan_stamp stamps[] = {STAMP_NONE, STAMP_FIRST, STAMP_LINES};

/* As a sender does it; exactly `len` bytes, so that a sanitizer sees more. */
static unsigned char *make(size_t len, enum scan_stamp stamp, uint64_t op)
{
	unsigned char *buf = malloc(len);

	scan_fill(buf, len, SEED);
	if (stamp == STAMP_LINES)
		assert_int_equal(scan_write(buf, len, LINE, op),
				 scan_lines(len, LINE));
	else if (stamp == STAMP_FIRST)
		scan_stamp_first(buf, len, op);
	return buf;
}

static void found_at(const struct err *err, size_t byte)
{
	char words[48];

	snprintf(words, sizeof(words), "differs at byte %zu:", byte & ~7ul);
	assert_int_equal(err->reason, REASON_VERIFY_FAILED);
	assert_words(err, words);
}

static void any_flipped_byte(void **state)
{
	uint64_t rng = 1, op;
	struct err err;
	size_t len, i, k;

	(void)state;
	for (k = 0; k < N_OF(stamps); k++) {
		for (len = 1; len <= LEN_MAX; len++) {
			unsigned char *buf, flip;
			struct scan_expect want = {SEED, 0, stamps[k], LINE};

			op = want.op = rng_u64(&rng);
			buf = make(len, stamps[k], op);
			assert_int_equal(scan_verify(buf, len, &want, &err), 0);
			for (i = 0; i < len; i++) {
				flip = (unsigned char)(1 << rng_u64(&rng) % 8);
				buf[i] ^= flip;
				assert_int_equal(
					scan_verify(buf, len, &want, &err),
					-EBADMSG);
				found_at(&err, i);
				buf[i] ^= flip;
			}
			free(buf);
		}
	}
}

static void stale_operation(void **state)
{
	struct err err;
	size_t len, k;
	uint64_t op;

	(void)state;
	for (k = 1; k < N_OF(stamps); k++) {
		for (len = 1; len <= LEN_MAX; len++) {
			struct scan_expect want = {SEED, 1000, stamps[k], LINE};

			for (op = want.op - 2; op < want.op; op++) {
				unsigned char *buf = make(len, stamps[k], op);

				assert_int_equal(
					scan_verify(buf, len, &want, &err),
					-EBADMSG);
				found_at(&err, 0);
				assert_words(&err, "stale");
				assert_words(&err, "operation 1000:");
				free(buf);
			}
		}
	}
}

/* The sender stopped halfway through its lines. */
static void one_stale_line(void **state)
{
	struct scan_expect want = {SEED, 7, STAMP_LINES, LINE};
	const size_t len = 4 * LINE;
	uint64_t stale = 6;
	struct err err;
	size_t line;

	(void)state;
	for (line = 0; line < 4; line++) {
		unsigned char *buf = make(len, STAMP_LINES, 7);

		memcpy(buf + line * LINE, &stale, sizeof(stale));
		assert_int_equal(scan_verify(buf, len, &want, &err), -EBADMSG);
		found_at(&err, line * LINE);
		free(buf);
	}
}

static void shifted_or_of_another(void **state)
{
	struct scan_expect want = {SEED, 0, STAMP_NONE, LINE};
	unsigned char *buf = make(256 + 8, STAMP_NONE, 0);
	struct err err;

	(void)state;
	assert_int_equal(scan_verify(buf, 256, &want, &err), 0);
	assert_int_equal(scan_verify(buf + 8, 256, &want, &err), -EBADMSG);
	want.seed++;
	assert_int_equal(scan_verify(buf, 256, &want, &err), -EBADMSG);
	memset(buf, 0, 256);
	want.seed = SEED;
	assert_int_equal(scan_verify(buf, 256, &want, &err), -EBADMSG);
	free(buf);
}

static void lines(void **state)
{
	(void)state;
	assert_int_equal(scan_lines(1, 64), 1);
	assert_int_equal(scan_lines(64, 64), 1);
	assert_int_equal(scan_lines(65, 64), 2);
	assert_int_equal(scan_lines(65, 32), 3);
	assert_int_equal(scan_lines(16 << 20, 64), (16 << 20) / 64);
}

/* What somebody else writes, a page in two halves, is waited for; what nobody
 * does is not, for ever. */
static void awaited(void **state)
{
	enum { PAGE = 4096, HALF = PAGE / 2 };
	static unsigned char want[PAGE];
	unsigned char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;

	(void)state;
	assert_ptr_not_equal(at, MAP_FAILED);
	scan_fill(want, sizeof(want), SEED);
	assert_false(scan_await(at, want, PAGE, 1000));
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		memcpy(at, want, HALF);
		usleep(20000);
		memcpy(at + HALF, want + HALF, HALF);
		_exit(0);
	}
	assert_true(scan_await(at, want, PAGE, UINT64_MAX));
	assert_memory_equal(at, want, PAGE);
	waitpid(child, NULL, 0);
	munmap(at, PAGE);
}

/* A page whose end never comes is not called whole because a byte of it came
 * while it was looked at. */
static void never_whole(void **state)
{
	enum { PAGE = 4096, TIMES = 20 };
	static unsigned char want[PAGE];
	volatile unsigned char *at = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t child;
	int i;

	(void)state;
	assert_ptr_not_equal(at, MAP_FAILED);
	scan_fill(want, sizeof(want), SEED);
	child = fork();
	assert_true(child >= 0);
	while (!child) {
		at[0] = want[0];
		at[0] = (unsigned char)~want[0];
	}
	for (i = 0; i < TIMES; i++) {
		if (scan_await((void *)at, want, PAGE, 1000000))
			break;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	munmap((void *)at, PAGE);
	assert_int_equal(i, TIMES);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_flipped_byte),
		cmocka_unit_test(stale_operation),
		cmocka_unit_test(one_stale_line),
		cmocka_unit_test(shifted_or_of_another),
		cmocka_unit_test(lines),
		cmocka_unit_test(awaited),
		cmocka_unit_test(never_whole),
	};

	return cmocka_run_group_tests_name("scan", tests, NULL, NULL);
}
