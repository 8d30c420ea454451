/*
 * What only some links have (struct ep_extras): those that have it do as they
 * say, and the others do not open and say why.
 */
#include "cases.h"

#include <string.h>

enum { LANES = 3, RECVS = 8, ROUNDS = 6 };

/* 1: it opened; 0: it does not, with a reason that a row may have; -1. */
static int try_open(struct side *s)
{
	const struct transport *tp = s->conf->tp;
	struct err err = {0};

	if (tp->open(&s->ep, &s->attr, &s->blob, &err)) {
		CHECK(s, reason_is_unsupported(err.reason), "open: %s (%s)",
		      err.text, reason_word(err.reason));
		return 0;
	}
	CHECK(s, !tp->reg(s->ep, s->mem, s->mem_bytes, 0, &s->region, &err),
	      "reg: %s", err.text);
	return 1;
}

static int post_on(struct side *s, enum op op, unsigned lane, unsigned slot)
{
	char *at = op == OP_SEND ? side_tx(s, slot) : side_rx(s, slot);
	struct sge sge;
	struct work w = side_work(s, op, &sge, at, s->bytes);

	w.lane = lane;
	w.cookie = slot;
	w.flags = op == OP_SEND ? WORK_SIGNAL : 0;
	return side_post(s, &w, 1);
}

static int receive_round(struct side *s)
{
	bool seen[RECVS] = {false};
	struct comp c;
	unsigned i;

	for (i = 0; i < RECVS; i++) {
		TRY(side_next_recv(s, &c));
		CHECK(s, c.cookie < RECVS && !seen[c.cookie],
		      "receive %llu again", (unsigned long long)c.cookie);
		seen[c.cookie] = true;
		CHECK(s, c.bytes == s->bytes, "%llu bytes",
		      (unsigned long long)c.bytes);
		CHECK(s, side_rx(s, (unsigned)c.cookie)[0] == (char)c.lane,
		      "a message of lane %d came on lane %u",
		      side_rx(s, (unsigned)c.cookie)[0], c.lane);
		TRY(post_on(s, OP_RECV, 0, (unsigned)c.cookie));
	}
	return 0;
}

static int send_round(struct side *s, unsigned round)
{
	unsigned i;

	for (i = 0; i < RECVS; i++) {
		/* In another order each time, and one lane more than others. */
		const unsigned lane = (i * (round + 1)) % LANES;

		memset(side_tx(s, i), (int)lane, s->bytes);
		TRY(post_on(s, OP_SEND, lane, i));
	}
	return side_await_sends(s, (uint64_t)(round + 1) * RECVS);
}

/* As many receives as are on their way, all lanes together. */
static int shared_receives(struct side *s)
{
	unsigned i;
	int ret;

	s->attr.extras.shared_recv = true;
	ret = try_open(s);
	if (ret <= 0)
		return ret;
	for (i = 0; s->role == ROLE_PASSIVE && i < RECVS; i++)
		TRY(post_on(s, OP_RECV, i % LANES, i));
	TRY(side_swap(s));
	TRY(side_connect(s));
	for (i = 0; i < ROUNDS; i++) {
		TRY(side_meet(s));
		TRY(s->role == ROLE_ACTIVE ? send_round(s, i)
					   : receive_round(s));
	}
	return side_meet(s);
}

/* Connections cannot have it, and only verbs know another kind. */
static int one_qp_is_refused(struct side *s)
{
	int ret;

	if (s->attr.qp_type == QP_UD)
		return 0;
	s->attr.extras.one_qp = true;
	ret = try_open(s);
	CHECK(s, ret <= 0, "a connection to many peers opened");
	return ret;
}

/* One that was meant for an earlier life of the queue pair's number, or for
 * another link: all but the key is right.  Its place is transport/verbs_blob.c's
 * to say. */
static int datagrams_need_the_key(struct side *s)
{
	enum { AT_QKEY = 18, PAUSE_NS = 100000000 };
	struct comp c;
	int ret;

	if (s->attr.qp_type != QP_UD)
		return 0;
	ret = try_open(s);
	if (ret <= 0)
		return ret;
	if (s->role == ROLE_PASSIVE)
		TRY(post_on(s, OP_RECV, 0, 0));
	TRY(side_swap(s));
	if (s->role == ROLE_ACTIVE)
		s->peer.data[AT_QKEY + 3] ^= 1;
	TRY(side_connect(s));
	TRY(side_meet(s));
	if (s->role == ROLE_ACTIVE) {
		TRY(post_on(s, OP_SEND, 0, 0));
		TRY(side_await_sends(s, 1));
		return side_meet(s);
	}
	TRY(side_meet(s));
	ret = ep_wait(s->ep, &c, 1, PAUSE_NS);
	CHECK(s, !ret, "a datagram with another key came through (%d)", ret);
	return 0;
}

/* Where nothing is slept for, there is no event to moderate. */
static int moderation_needs_events(struct side *s)
{
	int ret;

	s->attr.extras.cq_count = 4;
	ret = try_open(s);
	CHECK(s, ret <= 0, "moderated without events");
	return ret;
}

const struct conf_case extras_cases[] = {
	{
		.name = "shared receives, three lanes",
		.run = shared_receives,
		.polls = ON_ALL,
		.flags = CASE_RAW | CASE_TOLD,
		.lanes = LANES,
		.depth = RECVS,
		.bytes = 200,
	},
	{
		.name = "one queue pair for many peers is no connection",
		.run = one_qp_is_refused,
		.polls = ON_SPIN,
		.flags = CASE_RAW | CASE_SOLO,
	},
	{
		.name = "datagrams without the link's key go nowhere",
		.run = datagrams_need_the_key,
		.polls = ON_SPIN,
		.flags = CASE_RAW,
		.bytes = 64,
	},
	{
		.name = "moderation needs events",
		.run = moderation_needs_events,
		.polls = ON_SPIN,
		.flags = CASE_RAW | CASE_SOLO,
	},
	{.name = NULL},
};
