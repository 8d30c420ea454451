/*
 * Every call of an engine fails in turn: the first malloc, the second, ...,
 * the first ibv_create_cq, ...: the end whose call it was says so and can be
 * closed, nothing leaks (under asan: no memory either), nothing hangs.
 */
#include <stdio.h>
#include <string.h>

#include "cases.h"
#include "fail/fail_calls.h"

/* Places of one call that are tried: what comes later repeats. */
enum { PLACES_MAX = 24, MESSAGES = 3 };

/* How long an end waits for the other, which may have failed: a case's
 * `messages` times this. */
#define PATIENCE_NS (SEC_NS / 2)

static uint64_t patience(const struct side *s)
{
	return s->test->messages * (uint64_t)PATIENCE_NS;
}

/* It is the caller's thread that fails, while it is in the engine. */
#define ENGINE(ret, call)                                                      \
	do {                                                                   \
		fail_arm(true);                                                \
		(ret) = (call);                                                \
		fail_arm(false);                                               \
	} while (0)

#define TOLD(s, ret, what, err)                                                \
	CHECK(s, (ret) >= 0, "%s: %s: %s", what, reason_word((err)->reason),   \
	      (err)->text)

static int open_end(struct side *s)
{
	const struct transport *tp = s->conf->tp;
	struct err err = {0};
	int ret;

	ENGINE(ret, tp->open(&s->ep, &s->attr, &s->blob, &err));
	TOLD(s, ret, "open", &err);
	ENGINE(ret, tp->reg(s->ep, s->mem, s->mem_bytes, 0, &s->region, &err));
	TOLD(s, ret, "reg", &err);
	return 0;
}

static int connect_end(struct side *s)
{
	struct err err = {0};
	int ret;

	ENGINE(ret, s->ep->tp->connect(s->ep, &s->peer, patience(s), &err));
	TOLD(s, ret, "connect", &err);
	return 0;
}

static int post_one(struct side *s, enum op op, unsigned slot)
{
	struct sge sge;
	struct work w = side_work(
		s, op, &sge,
		op == OP_SEND ? side_tx(s, slot) : side_rx(s, slot), s->bytes);
	int ret;

	w.flags = op == OP_SEND ? WORK_SIGNAL : 0;
	ENGINE(ret, s->ep->tp->post(s->ep, &w, 1));
	TOLD(s, ret, "post", &s->ep->err);
	return 0;
}

/* Its sends complete and the other's messages come, unless either failed. */
static int await_all(struct side *s)
{
	const uint64_t end = clock_raw_ns() + 2 * patience(s);
	struct comp comp[MESSAGES];
	int got, n = 0;

	while (n < 2 * MESSAGES && clock_raw_ns() < end) {
		ENGINE(got, ep_wait(s->ep, comp, MESSAGES, PATIENCE_NS / 10));
		TOLD(s, got, "wait", &s->ep->err);
		n += got;
	}
	CHECK(s, n == 2 * MESSAGES, "peer-lost: %d of %d completions", n,
	      2 * MESSAGES);
	return 0;
}

static int whole_life(struct side *s)
{
	unsigned i;

	TRY(open_end(s));
	TRY(side_swap(s));
	for (i = 0; i < MESSAGES; i++)
		TRY(post_one(s, OP_RECV, i));
	TRY(connect_end(s));
	TRY(side_meet(s));
	for (i = 0; i < MESSAGES; i++)
		TRY(post_one(s, OP_SEND, i));
	TRY(await_all(s));
	TRY(side_meet(s));
	fail_arm(true);
	side_close(s);
	fail_arm(false);
	return 0;
}

static const struct conf_case life = {
	.name = "a whole life",
	.run = whole_life,
	.flags = CASE_RAW,
	.messages = 1,
};

/* On a machine that does something else besides. */
static const struct conf_case long_life = {
	.name = "a long life",
	.run = whole_life,
	.flags = CASE_RAW,
	.messages = 10,
};

/* Instead of strerror(): what the words make of it. */
static const struct {
	enum fail_call call;
	const char *words;
} in_words[] = {
	{FAIL_ibv_get_device_list, "no-device"},
	{FAIL_ibv_open_device, "no-permission"},
	{FAIL_ibv_reg_mr_iova2, "does not register"},
	{FAIL_poll_cq, "cannot be read"},
	{FAIL_rdma_bind_addr, "no RDMA device has this"},
	{FAIL_recv, "peer-"}, /* from a caller that may be a stranger */
	{FAIL_send, "peer-"}, /* to one that hangs up on us */
};

/* The end whose call it was says what was wrong with it. */
static bool is_told(unsigned call, const char *why)
{
	const char *words = strerror(fail_errnos[call]);
	unsigned i;

	for (i = 0; i < sizeof(in_words) / sizeof(in_words[0]); i++)
		if (in_words[i].call == call)
			words = in_words[i].words;
	return strstr(why, words);
}

/* What one life of it says in which the call's k-th time failed, if it came to
 * that (`struck`). */
struct failed {
	char said[1600];
	bool struck;
	int ret;
};

static bool one_life(struct failed *f, const struct conf *conf,
		     const struct conf_case *how, unsigned call, unsigned k)
{
	fail_begin((enum fail_call)call, k);
	f->ret = pair_run(conf, how, POLL_EVENT, f->said, sizeof(f->said));
	f->struck = fail_end();
	return !f->ret || (f->struck && is_told(call, f->said));
}

int fail_each(const struct conf *conf, unsigned call, char *why, size_t len)
{
	struct failed f;
	unsigned k;
	int ret, files;

	/* The first may leave what lives as long as the process. */
	ret = pair_run(conf, &long_life, POLL_EVENT, why, len);
	files = open_files();
	for (k = 1; !ret && k <= PLACES_MAX; k++) {
		/* What went wrong otherwise may have lacked time. */
		if (!one_life(&f, conf, &life, call, k))
			one_life(&f, conf, &long_life, call, k);
		if (!f.struck) {
			snprintf(why, len, "though none failed: %s", f.said);
			return f.ret ? -1 : (int)k - 1;
		}
		printf("# %s, %s %u: %s\n", conf->spec, fail_names[call], k,
		       f.ret ? f.said : "goes on");
		snprintf(why, len, "%s, the %u. time: files %d, now %d; %s",
			 fail_names[call], k, files, open_files(), f.said);
		if (open_files() != files || (f.ret && !is_told(call, f.said)))
			return -1;
	}
	return ret ? -1 : (int)k - 1;
}
