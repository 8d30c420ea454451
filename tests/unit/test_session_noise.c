/* Sessions that hear noise: a dialogue that could be, then anything.  All of
 * it is there before the session begins, so that no thread is needed. */
#include "unit.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/chan.h"
#include "ctl/hello.h"
#include "run/session.h"
#include "point_set.h"
#include "rng.h"
#include "run/scenario.h"

static struct clock clk;
static struct point pt;

static size_t hello(uint8_t *buf, size_t cap, uint32_t version)
{
	struct hello h = {.version = version};
	struct writer w = {.buf = buf, .cap = cap};

	strcpy(h.host.name, "test");
	hello_pack(&h, &w);
	assert_false(w.bad);
	return w.len;
}

static size_t prepare_payload(uint8_t *buf, size_t cap)
{
	struct writer w = {.buf = buf, .cap = cap};

	point_pack(&pt, &w);
	assert_false(w.bad);
	return w.len;
}

enum { ROUNDS = 2000, ROUND_MAX = 12000 };

static void add(struct writer *w, uint32_t type, const void *payload,
		size_t len)
{
	put_u32(w, 0x424d4452);
	put_u32(w, type);
	put_bytes(w, payload, len); /* length, bytes: as a frame has it */
	assert_false(w->bad);
}

static size_t make_noise(uint8_t *buf, uint64_t *rng)
{
	struct writer w = {.buf = buf, .cap = ROUND_MAX};
	uint8_t text[4096];
	size_t i, n = rng_u64(rng) % 6;

	if (rng_u64(rng) % 8)
		add(&w, FRAME_HELLO, text,
		    hello(text, sizeof(text), CTL_VERSION));
	if (rng_u64(rng) % 2)
		add(&w, FRAME_PREPARE, text,
		    prepare_payload(text, sizeof(text)));
	for (i = 0; i < n; i++) {
		size_t k, len = rng_u64(rng) % 100;

		for (k = 0; k < len; k++)
			text[k] = (uint8_t)rng_u64(rng);
		add(&w, (uint32_t)(rng_u64(rng) % (FRAME_COUNT + 1)), text,
		    len);
	}
	for (n = rng_u64(rng) % 4; n && w.len; n--)
		buf[rng_u64(rng) % w.len] = (uint8_t)rng_u64(rng);
	return rng_u64(rng) % 4 ? w.len : rng_u64(rng) % (w.len + 1);
}

static void noise(void **state)
{
	struct session_cfg cfg = {.sessions = 1, .clock = &clk};
	uint8_t buf[ROUND_MAX];
	uint64_t rng = 2026;
	struct err err;
	int i, fds[2];
	size_t len;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		memset(&err, 0, sizeof(err));
		len = make_noise(buf, &rng);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
		assert_int_equal(write(fds[1], buf, len), len);
		shutdown(fds[1], SHUT_WR);
		if (session_run(fds[0], &cfg, &err)) {
			assert_int_not_equal(err.reason, REASON_NONE);
			assert_int_not_equal(err.reason, REASON_INTERNAL);
			assert_true(err.text[0] != '\0');
		}
		close(fds[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(noise),
	};

	clock_init_raw(&clk);
	point_defaults(&pt, scenario_find("sendrecv"));
	point_set(&pt, "transport", "loop");
	point_set(&pt, "poll", "event");
	point_set(&pt, "size", "1k");
	return cmocka_run_group_tests_name("session_noise", tests, NULL, NULL);
}
