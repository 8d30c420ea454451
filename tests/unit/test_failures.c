/* Every allocation fails in turn, and every other call of sockets and memory:
 * no crash, no leak (under asan), and words. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ctl/chan.h"
#include "ctl/hello.h"
#include "run/session.h"
#include "fail/fail_calls.h"
#include "point_set.h"
#include "result/csv.h"
#include "result/reader.h"
#include "run/plan.h"
#include "run/scenario.h"
#include "work/exchange.h"

enum { TRIES_MAX = 1000 };

typedef int attempt_fn(struct err *err);

/* How many allocations there were to fail. */
static unsigned each_fails(attempt_fn *attempt)
{
	struct err err;
	unsigned k;
	int ret;

	for (k = 1; k < TRIES_MAX; k++) {
		memset(&err, 0, sizeof(err));
		fail_begin(FAIL_ANY_ALLOCATION, k);
		ret = attempt(&err);
		if (!fail_end()) {
			if (ret)
				fail_msg("without any failing: %s", err.text);
			return k - 1;
		}
		if (!ret)
			fail_msg("allocation %u failed without a word", k);
		assert_string_equal(reason_word(err.reason), "no-memory");
		assert_true(err.text[0] != '\0');
	}
	fail_msg("it never ends");
	return 0;
}

static int open_files(void)
{
	int fd, n = 0;

	for (fd = 0; fd < 1024; fd++)
		n += fcntl(fd, F_GETFD) >= 0;
	return n;
}

static void one_fails(attempt_fn *attempt, unsigned call)
{
	const int files = open_files();
	struct err err;
	unsigned k;
	int ret;

	for (k = 1; k < TRIES_MAX; k++) {
		memset(&err, 0, sizeof(err));
		fail_begin((enum fail_call)call, k);
		ret = attempt(&err);
		if (!fail_end())
			return;
		if (ret && (err.reason == REASON_NONE || !err.text[0]))
			fail_msg("%s %u: failed without a word",
				 fail_names[call], k);
		if (open_files() != files)
			fail_msg("%s %u: %d files open before, %d after",
				 fail_names[call], k, files, open_files());
	}
}

/* Whichever it is: it goes on, or fails and says why. */
static void any_fails(attempt_fn *attempt)
{
	unsigned call;

	for (call = 0; call < FAIL_COUNT; call++)
		one_fails(attempt, call);
}

/* --- what is tried ---------------------------------------------------------------- */

static int sockets[2];

static int try_chan(struct err *err)
{
	struct chan c;
	int ret;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	ret = chan_init(&c, sockets[0], "peer", err);
	close(sockets[1]);
	if (ret) {
		/* It takes the socket over only if all is well. */
		assert_int_equal(close(sockets[0]), 0);
		return ret;
	}
	chan_fini(&c);
	return 0;
}

static int try_plan(struct err *err)
{
	static struct plan plan;
	int ret;

	plan_init(&plan, scenario_find("sendrecv"));
	ret = plan_expand(&plan, err);
	if (ret)
		assert_int_equal(plan.n_points, 0);
	plan_fini(&plan);
	return ret;
}

static struct gauge gauge;
static uint8_t dialogue[8192];
static size_t dialogue_len;

/* HELLO, a whole PREPARE, BYE: all is there before the session begins. */
static int try_session(struct err *err)
{
	struct session_cfg cfg = {.sessions = 1, .clock = &gauge.clock};
	int ret;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sockets), 0);
	assert_int_equal(write(sockets[1], dialogue, dialogue_len),
			 dialogue_len);
	ret = session_run(sockets[0], &cfg, err);
	/* The session owned the socket, whatever came of it. */
	assert_int_equal(close(sockets[0]), -1);
	close(sockets[1]);
	return ret;
}

static struct point pt;

static int pulse(void *arg, bool progressed, struct err *err)
{
	(void)arg;
	(void)progressed;
	(void)err;
	return 0;
}

/* The transport's end, buffers, region and the scenario's own state. */
static int try_end(struct err *err)
{
	static struct end e;
	static const uint8_t nonce[16];
	static const struct sockaddr_storage addr;
	struct end_env env = {
		.role = ROLE_PASSIVE,
		.gauge = &gauge,
		.nonce = {nonce},
		.data_addr = {&addr},
		.pulse = pulse,
	};
	struct blob blob;
	int ret = end_open(&e, &pt, &env, &blob, err);

	if (!ret)
		end_close(&e);
	return ret;
}

static int try_exchange(struct err *err)
{
	static struct end e;
	struct exchange_cfg cfg;
	struct exchange x;
	struct ep_attr attr;
	struct blob blob;
	int ret;

	opt_defaults(&exchange_opts, &cfg);
	link_attr(&pt.link, &attr);
	attr.recv_depth = EXCHANGE_RECVS;
	attr.clock = &gauge.clock;
	e.pt = &pt;
	e.gauge = &gauge;
	e.clock = &gauge.clock;
	ret = link_transport(&pt.link)->open(&e.ep, &attr, &blob, err);
	if (ret)
		return ret;
	ret = exchange_init(&x, &e, &cfg, NULL, err);
	exchange_fini(&x);
	e.ep->tp->close(e.ep);
	return ret;
}

static char path[64];

static int try_csv(struct err *err)
{
	static struct columns cols;
	static struct row row;
	struct csvfile csv = {.fd = -1};
	int ret;

	cols.n = 0;
	columns_add(&cols, "a");
	row_init(&row, &cols);
	row_set(&row, "a", "1");
	unlink(path);
	ret = csvfile_create(&csv, path, &cols, err);
	if (!ret)
		ret = csvfile_write(&csv, &row, err);
	csvfile_close(&csv);
	return ret;
}

static int try_reader(struct err *err)
{
	struct reader_table *t = NULL;
	int ret = reader_read(path, 0, &t, err);

	assert_true(ret ? !t : t != NULL);
	reader_free(t);
	return ret;
}

/* --- tests -------------------------------------------------------------------------- */

static void chan(void **state)
{
	(void)state;
	assert_true(each_fails(try_chan) >= 1);
	any_fails(try_chan);
}

static void plan(void **state)
{
	(void)state;
	assert_true(each_fails(try_plan) >= 1);
}

static void add(struct writer *w, enum frame_type type, const uint8_t *payload,
		size_t len)
{
	put_u32(w, 0x424d4452);
	put_u32(w, type);
	put_bytes(w, payload, len);
}

static void make_dialogue(bool prepares)
{
	struct writer w = {.buf = dialogue, .cap = sizeof(dialogue)};
	struct hello h = {.version = CTL_VERSION};
	uint8_t buf[4096];
	struct writer p = {.buf = buf, .cap = sizeof(buf)};

	hello_pack(&h, &p);
	add(&w, FRAME_HELLO, buf, p.len);
	if (prepares) {
		p.len = 0;
		point_pack(&pt, &p);
		add(&w, FRAME_PREPARE, buf, p.len);
	}
	p.len = 0;
	put_str(&p, "");
	put_str(&p, "");
	add(&w, FRAME_BYE, buf, p.len);
	assert_false(w.bad || p.bad);
	dialogue_len = w.len;
}

static void session(void **state)
{
	(void)state;
	make_dialogue(false);
	assert_true(each_fails(try_session) >= 2);
	any_fails(try_session);
}

/* What fails in a trial is told to the client: the session survives. */
static void session_survives_a_trial(void **state)
{
	unsigned k, told = 0;
	struct err err;

	(void)state;
	make_dialogue(true);
	for (k = 3; k < TRIES_MAX; k++) {
		memset(&err, 0, sizeof(err));
		fail_begin(FAIL_ANY_ALLOCATION, k);
		assert_int_equal(try_session(&err), 0);
		if (!fail_end())
			break;
		told++;
	}
	assert_true(told >= 5);
	any_fails(try_session);
}

static void end(void **state)
{
	(void)state;
	assert_true(each_fails(try_end) >= 5);
	any_fails(try_end);
}

static void exchange(void **state)
{
	(void)state;
	assert_true(each_fails(try_exchange) >= 4);
	any_fails(try_exchange);
}

static void csv(void **state)
{
	(void)state;
	assert_true(each_fails(try_csv) >= 2);
	any_fails(try_csv);
}

static void reader(void **state)
{
	FILE *f = fopen(path, "w");
	int i;

	(void)state;
	assert_non_null(f);
	fputs("a,b\n", f);
	for (i = 0; i < 2000; i++) /* so that every array grows */
		fprintf(f, "%d,\"x\"\n", i);
	fclose(f);
	assert_true(each_fails(try_reader) >= 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(chan),
		cmocka_unit_test(plan),
		cmocka_unit_test(session),
		cmocka_unit_test(session_survives_a_trial),
		cmocka_unit_test(end),
		cmocka_unit_test(exchange),
		cmocka_unit_test(csv),
		cmocka_unit_test(reader),
	};
	int ret;

	fail_arm(true);
	clock_init_raw(&gauge.clock);
	point_defaults(&pt, scenario_find("sendrecv"));
	point_set(&pt, "transport", "loop");
	pt.link.poll = POLL_EVENT;
	snprintf(path, sizeof(path), "/tmp/rdmabench-alloc.%d", (int)getpid());
	ret = cmocka_run_group_tests_name("failures", tests, NULL, NULL);
	unlink(path);
	return ret;
}
