/* Opening, refusing, closing and losing links. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cases.h"

static uint64_t ms_since(uint64_t t0)
{
	return (clock_raw_ns() - t0) / 1000000u;
}

/* Every failure must be told: a reason and words. */
static int check_told(struct side *s, const char *what, const struct err *err)
{
	CHECK(s,
	      err->reason > REASON_NONE && err->reason < REASON_COUNT &&
		      err->text[0],
	      "%s: a failure without a reason (%d) or words (\"%s\")", what,
	      (int)err->reason, err->text);
	return 0;
}

/* --- closing -------------------------------------------------------------- */

/* Both post what they may and go without looking.  The other may have gone
 * already, so a post may fail. */
static int close_busy(struct side *s)
{
	struct sge sge;
	struct work w = side_work(s, OP_SEND, &sge, side_tx(s, 0), s->bytes);
	unsigned i;

	for (i = 0; i < s->depth; i++)
		TRY(side_recv(s, i, s->bytes, i));
	TRY(side_meet(s));
	w.flags = WORK_SIGNAL;
	for (i = 0; i < s->depth; i++)
		if (s->ep->tp->post(s->ep, &w, 1))
			break;
	side_close(s);
	return side_meet(s);
}

static int check_lost(struct side *s, int ret, uint64_t t0)
{
	CHECK(s, ret < 0, "the other end has closed, and nothing told us");
	CHECK(s, ms_since(t0) < 2 * LIMIT_S * 1000, "told after %llu ms",
	      (unsigned long long)ms_since(t0));
	TRY(check_told(s, "peer closed", &s->ep->err));
	CHECK(s,
	      s->ep->err.reason == REASON_PEER_LOST ||
		      s->ep->err.reason == REASON_LINK_FAILED,
	      "reason %s (%s)", reason_word(s->ep->err.reason),
	      s->ep->err.text);
	return 0;
}

/* Sends go on until one fails; 0 if none did. */
static int send_until_lost(struct side *s)
{
	uint64_t end = clock_raw_ns() + LIMIT_S * (uint64_t)SEC_NS;
	struct sge sge;
	struct work w = side_work(s, OP_SEND, &sge, side_tx(s, 0), s->bytes);
	struct comp c;
	unsigned busy = 0;
	int ret;

	w.flags = WORK_SIGNAL;
	while (clock_raw_ns() < end) {
		if (busy < s->depth) {
			ret = s->ep->tp->post(s->ep, &w, 1);
			if (ret)
				return ret;
			busy++;
		}
		ret = ep_wait(s->ep, &c, 1, SEC_NS / 100);
		if (ret < 0)
			return ret;
		busy -= (unsigned)ret;
	}
	return 0;
}

static int peer_closes(struct side *s)
{
	struct comp c;
	unsigned i;
	int ret;

	if (s->role == ROLE_PASSIVE) {
		for (i = 0; i < s->depth; i++)
			TRY(side_recv(s, i, s->bytes, i));
		TRY(side_meet(s));
		TRY(side_next_recv(s, &c));
		side_close(s);
		return side_meet(s);
	}
	TRY(side_meet(s));
	ret = send_until_lost(s);
	TRY(check_lost(s, ret, clock_raw_ns()));
	return side_meet(s);
}

/* A message to whom posts no receive: the device gives up after a while.
 * What is a stream waits, without a word, for as long as it takes. */
static int no_receive(struct side *s)
{
	uint64_t t0 = clock_raw_ns();
	struct comp c;
	int ret = 0;

	if (!s->ep->caps.acknowledged)
		return 0;
	if (s->role == ROLE_ACTIVE) {
		TRY(side_send(s, 0, s->bytes, WORK_SIGNAL, 0));
		while (!ret && ms_since(t0) < LIMIT_S * 1000)
			ret = ep_wait(s->ep, &c, 1, SEC_NS / 10);
		CHECK(s, ret < 0, "a send without a receive: %d", ret);
		CHECK(s,
		      s->ep->err.reason == REASON_LINK_FAILED &&
			      strstr(s->ep->err.text, "posted no receive"),
		      "reason %s (%s)", reason_word(s->ep->err.reason),
		      s->ep->err.text);
	}
	return side_meet(s);
}

/* One that is longer than the receive that waits for it. */
static int short_receive(struct side *s)
{
	uint64_t t0 = clock_raw_ns();
	struct comp c;
	int ret = 0;

	if (!s->ep->caps.acknowledged)
		return 0;
	if (s->role == ROLE_PASSIVE)
		TRY(side_recv(s, 0, s->bytes / 2, 0));
	TRY(side_meet(s));
	if (s->role == ROLE_ACTIVE)
		TRY(side_send(s, 0, s->bytes, WORK_SIGNAL, 0));
	while (!ret && ms_since(t0) < LIMIT_S * 1000)
		ret = ep_wait(s->ep, &c, 1, SEC_NS / 10);
	TRY(side_meet(s));
	CHECK(s, ret < 0, "a message longer than its receive: %d", ret);
	TRY(check_told(s, "too long", &s->ep->err));
	return 0;
}

/* What was sent before the end is still delivered, then the loss told. */
static int peer_closes_on_receiver(struct side *s)
{
	uint64_t t0;
	struct comp c;
	int ret = 0;

	if (!s->conf->notices)
		return 0; /* its queue pairs say nothing: ctl does */
	TRY(side_recv(s, 0, s->bytes, 0));
	TRY(side_recv(s, 1, s->bytes, 1));
	TRY(side_meet(s));
	if (s->role == ROLE_PASSIVE) {
		fill(side_tx(s, 0), s->bytes, 9);
		TRY(side_send(s, 0, s->bytes, WORK_SIGNAL, 0));
		TRY(side_next(s, &c));
		side_close(s);
		return side_meet(s);
	}
	TRY(side_meet(s));
	TRY(side_next_recv(s, &c));
	TRY(side_verify(s, side_rx(s, 0), s->bytes, 9));
	t0 = clock_raw_ns();
	while (!ret && ms_since(t0) < LIMIT_S * 1000)
		ret = ep_wait(s->ep, &c, 1, SEC_NS / 10);
	return check_lost(s, ret, t0);
}

/* --- refusing ------------------------------------------------------------- */

static int other_session(struct side *s)
{
	uint64_t t0 = clock_raw_ns();
	struct err err = {0};
	int ret;

	if (s->role == ROLE_PASSIVE)
		memset(s->attr.nonce, 0, sizeof(s->attr.nonce));
	TRY(side_open(s));
	TRY(side_swap(s));
	ret = s->ep->tp->connect(s->ep, &s->peer, SEC_NS, &err);
	CHECK(s, ret < 0, "connected to another session");
	CHECK(s, ms_since(t0) < LIMIT_S * 1000, "it took %llu ms",
	      (unsigned long long)ms_since(t0));
	TRY(check_told(s, "another session", &err));
	return side_meet(s);
}

/* Who answers has heard what the caller shows, and knows no more of the session
 * (base/nonce.h): it is not believed, whatever it takes itself for. */
static int impostor(struct side *s)
{
	struct err err = {0};
	int ret;

	if (s->role == ROLE_PASSIVE)
		s->attr.nonce[15] ^= 1;
	TRY(side_open(s));
	TRY(side_swap(s));
	ret = s->ep->tp->connect(s->ep, &s->peer, SEC_NS, &err);
	CHECK(s, ret < 0 || s->role == ROLE_PASSIVE,
	      "believes who cannot answer");
	return side_meet(s);
}

/* A second caller, who knows all that the first one knew, finds nobody, and
 * at once; that it gives up is none of the link's business. */
static int call_again(struct side *s)
{
	const uint64_t t0 = clock_raw_ns();
	struct err err = {0};
	struct blob blob;
	struct ep *ep;
	int ret;

	ret = s->ep->tp->open(&ep, &s->attr, &blob, &err);
	CHECK(s, !ret, "open: %s", err.text);
	ret = ep->tp->connect(ep, &s->peer, 4 * (uint64_t)SEC_NS, &err);
	ep->tp->close(ep);
	CHECK(s, ret < 0 || !s->conf->meets, "the second caller got through");
	CHECK(s, ms_since(t0) < 2000, "the second caller waited %llu ms",
	      (unsigned long long)ms_since(t0));
	return 0;
}

static int second_caller(struct side *s)
{
	struct comp c;
	int ret;

	TRY(side_recv(s, 0, s->bytes, 0));
	TRY(side_meet(s));
	if (s->role == ROLE_ACTIVE)
		TRY(call_again(s));
	ret = ep_wait(s->ep, &c, 1, SEC_NS / 4);
	if (ret < 0)
		return side_ep_fail(s, "after a second caller", ret);
	TRY(side_meet(s));
	fill(side_tx(s, 0), s->bytes, 4);
	TRY(side_send(s, 0, s->bytes, WORK_SIGNAL, 0));
	TRY(side_next_recv(s, &c));
	TRY(side_verify(s, side_rx(s, 0), s->bytes, 4));
	return side_meet(s);
}

/* The other end is open, but never connects. */
static int nobody_comes(struct side *s)
{
	uint64_t t0;
	struct err err = {0};
	struct comp c;
	int ret;

	TRY(side_open(s));
	ret = s->ep->tp->poll(s->ep, &c, 1);
	CHECK(s, ret == 0, "poll before connect returned %d", ret);
	TRY(side_swap(s));
	if (s->role == s->test->messages)
		return side_meet(s);
	t0 = clock_raw_ns();
	ret = s->ep->tp->connect(s->ep, &s->peer, SEC_NS / 4, &err);
	CHECK(s, ms_since(t0) < LIMIT_S * 1000, "it took %llu ms",
	      (unsigned long long)ms_since(t0));
	CHECK(s, ret < 0 || !s->conf->meets, "connected to nobody");
	if (ret < 0)
		TRY(check_told(s, "nobody came", &err));
	return side_meet(s);
}

static int refuse_op(struct side *s, enum op op)
{
	struct sge sge;
	struct work w;
	int ret;

	TRY(side_open(s));
	TRY(side_swap(s));
	TRY(side_connect(s));
	if (!(s->ep->caps.ops & OP_BIT(op))) {
		w = side_work(s, op, &sge, side_tx(s, 0), 8);
		ret = s->ep->tp->post(s->ep, &w, 1);
		CHECK(s, ret == -EOPNOTSUPP, "op %d: post returned %d", op,
		      ret);
		TRY(check_told(s, "post", &s->ep->err));
	}
	TRY(side_meet(s));
	side_close(s);
	return side_meet(s);
}

static int ops_it_has_not(struct side *s)
{
	unsigned op;

	for (op = 0; op < OP_COUNT; op++)
		TRY(refuse_op(s, (enum op)op));
	return 0;
}

/* Blobs come over the wire: any bytes may. */
static int refuse_blob(struct side *s, const struct blob *blob)
{
	struct err err = {0};
	int ret;

	TRY(side_open(s));
	ret = s->ep->tp->connect(s->ep, blob, SEC_NS / 20, &err);
	CHECK(s, ret < 0, "connected to a blob of %u bytes of garbage",
	      blob->len);
	TRY(check_told(s, "garbage", &err));
	side_close(s);
	return 0;
}

static int garbage_blobs(struct side *s)
{
	struct blob own, blob;
	unsigned len, i;

	TRY(side_open(s));
	own = s->blob;
	side_close(s);
	srand(1);
	for (len = 0; len <= BLOB_MAX; len += len < 128 ? 1 : 64) {
		s->attr.role = len % 2 ? ROLE_ACTIVE : ROLE_PASSIVE;
		blob.len = len;
		for (i = 0; i < BLOB_MAX; i++)
			blob.data[i] = (uint8_t)rand();
		TRY(refuse_blob(s, &blob));
		if (len >= own.len)
			continue;
		blob = own; /* a good one cut short */
		blob.len = len;
		TRY(refuse_blob(s, &blob));
	}
	blob = own;
	blob.len = UINT32_MAX;
	return refuse_blob(s, &blob);
}

/* What is not cut is refused at open, before anything is posted. */
static int too_long(struct side *s)
{
	struct err err = {0};
	struct blob blob;
	struct ep *ep;
	int ret;

	if (!s->conf->most)
		return 0; /* it cuts whatever comes */
	s->attr.max_bytes = s->conf->most + 1;
	ret = s->conf->tp->open(&ep, &s->attr, &blob, &err);
	CHECK(s, ret == -EMSGSIZE, "open returned %d", ret);
	CHECK(s, err.reason == REASON_NOT_IN_TRANSPORT, "reason %s",
	      reason_word(err.reason));
	return check_told(s, "too long", &err);
}

/* --- leaking -------------------------------------------------------------- */

/* Both ends are in this process, and counting opens a file: only the first
 * counts, while the second waits. */
static int no_descriptor_leaks(struct side *s)
{
	int before = 0, after;
	uint64_t i;

	for (i = 0; i < s->test->messages; i++) {
		TRY(side_open(s));
		TRY(side_swap(s));
		/* Every fourth is closed unconnected. */
		if (i % 4)
			TRY(side_connect(s));
		TRY(side_meet(s));
		side_close(s);
		TRY(side_meet(s));
		/* The first may leave what lives as long as the process. */
		if (i == 1 && s->role == ROLE_ACTIVE)
			before = open_files();
		TRY(side_meet(s));
	}
	after = s->role == ROLE_ACTIVE ? open_files() : before;
	TRY(side_meet(s));
	CHECK(s, after == before, "%d files open before, %d after", before,
	      after);
	return 0;
}

static int many_regions(struct side *s)
{
	struct region *r[8];
	struct err err = {0};
	unsigned i, k;
	int ret;

	TRY(side_open(s));
	for (i = 0; i < 200; i++) {
		for (k = 0; k < 8; k++) {
			size_t at = (i * 8 + k) * 61 % (s->mem_bytes / 2);
			size_t len = 1 + (i + k) * 97 % (s->mem_bytes / 2);

			ret = s->ep->tp->reg(s->ep, s->mem + at, len, 0, &r[k],
					     &err);
			CHECK(s, !ret, "reg %u: %s", i, err.text);
			CHECK(s, r[k]->addr == s->mem + at && r[k]->len == len,
			      "reg %u: another region", i);
		}
		for (k = 0; k < 8; k++)
			s->ep->tp->dereg(s->ep, r[k]);
	}
	return 0;
}

/* --- what an end says of itself ------------------------------------------- */

static int caps(struct side *s)
{
	const struct caps *c = &s->ep->caps;
	const unsigned both = OP_BIT(OP_SEND) | OP_BIT(OP_RECV);

	CHECK(s, (c->ops & both) == both, "ops %#x", c->ops);
	CHECK(s,
	      c->max_sges >= 1 && c->max_lanes >= 1 && c->max_depth >= s->depth,
	      "%u pieces, %u lanes, depth %u", c->max_sges, c->max_lanes,
	      c->max_depth);
	CHECK(s,
	      !!c->max_read_sges == !!(c->ops & OP_BIT(OP_READ)) &&
		      c->max_read_sges <= c->max_sges,
	      "ops %#x, %u pieces of a read", c->ops, c->max_read_sges);
	CHECK(s, !strcmp(c->path, "loopback"),
	      "path \"%s\" between two ends of one host", c->path);
	CHECK(s,
	      memchr(c->device, 0, sizeof(c->device)) &&
		      memchr(c->detail, 0, sizeof(c->detail)),
	      "device or detail does not end");
	CHECK(s, s->ep->tp == s->conf->tp && s->ep->poll == s->attr.poll,
	      "another transport or poll mode than asked for");
	return side_meet(s);
}

const struct conf_case link_cases[] = {
	{
		.name = "capabilities",
		.run = caps,
		.polls = ON_SPIN,
	},
	{
		.name = "closing with work outstanding",
		.run = close_busy,
		.polls = ON_ALL,
		.bytes = 100000,
	},
	{
		.name = "the peer closes on a sender",
		.run = peer_closes,
		.polls = ON_ALL,
		.flags = CASE_TOLD,
		.bytes = 100000,
	},
	{
		.name = "the peer closes on a receiver",
		.run = peer_closes_on_receiver,
		.polls = ON_ALL,
	},
	{
		.name = "a send without a receive",
		.run = no_receive,
		.polls = ON_EVENT,
		.flags = CASE_TOLD,
	},
	{
		.name = "a send longer than its receive",
		.run = short_receive,
		.polls = ON_SPIN | ON_EVENT,
		.flags = CASE_TOLD,
	},
	{
		.name = "another session's nonce",
		.run = other_session,
		.polls = ON_SPIN,
		.flags = CASE_RAW,
	},
	{
		.name = "one who knows half of the nonce answers",
		.run = impostor,
		.polls = ON_SPIN,
		.flags = CASE_RAW,
	},
	{
		.name = "a second caller",
		.run = second_caller,
		.polls = ON_ALL,
	},
	{
		.name = "nobody answers the call",
		.run = nobody_comes,
		.polls = ON_SPIN,
		.flags = CASE_RAW,
		.messages = ROLE_PASSIVE,
	},
	{
		.name = "nobody calls",
		.run = nobody_comes,
		.polls = ON_SPIN,
		.flags = CASE_RAW,
		.messages = ROLE_ACTIVE,
	},
	{
		.name = "operations it has not",
		.run = ops_it_has_not,
		.polls = ON_SPIN,
		.flags = CASE_RAW,
	},
	{
		.name = "garbage for a blob",
		.run = garbage_blobs,
		.polls = ON_SPIN,
		.flags = CASE_SOLO,
	},
	{
		.name = "a message that is too long",
		.run = too_long,
		.polls = ON_SPIN,
		.flags = CASE_SOLO,
	},
	{
		.name = "no descriptor leaks",
		.run = no_descriptor_leaks,
		.polls = ON_EVENT,
		.flags = CASE_RAW,
		.messages = 100,
	},
	{
		.name = "many regions",
		.run = many_regions,
		.polls = ON_SPIN,
		.flags = CASE_SOLO,
		.bytes = 100000,
	},
	{.name = NULL},
};
