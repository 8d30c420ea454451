/*
 * A fail-over on real links: what a leader whose epoch is over, or a replica
 * that comes back with an old log, can still do.
 *
 *	fence ADDRESS      (of an RDMA device's network interface)
 *
 * Leader 1 (epoch 2) writes records into two replicas by RDMA.  The second goes
 * away; the first gets one more record and is then fenced: its epoch goes up,
 * its queue pair and its registration are destroyed and made anew.  Leader 1
 * then reaches nothing, nor does the old key where the device has given
 * another one; leader 2 (epoch 3) goes on where the log ends; and the replica
 * that was away is not believed until it has caught up.  TAP.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rlog/recover.h"
#include "transport/transport.h"

enum { LOG_BYTES = 65536, PAYLOAD = 500, FIRST_RECORDS = 5 };
enum { EPOCH_MADE = 1, EPOCH_OLD = 2, EPOCH_NEW = 3 };
#define WAIT_NS 8000000000ull

struct test {
	struct ep_attr attr;
	struct clock clock;
	struct err err;
	unsigned count, failed;
};

/* Both ends of a link to a replica. */
struct link {
	struct ep *leader, *replica;
	struct region *log;  /* at the replica */
	struct region *from; /* at the leader */
};

struct replica {
	char mem[LOG_BYTES] __attribute__((aligned(4096)));
	struct rlog log;
};

static void ok(struct test *t, bool good, const char *what)
{
	t->count++;
	t->failed += !good;
	printf("%sok %u - %s\n", good ? "" : "not ", t->count, what);
	if (!good && t->err.text[0])
		printf("# %s\n", t->err.text);
	fflush(stdout);
}

/* --- memory that is DRAM: nothing to flush ---------------------------------------- */

static void copy(void *arg, void *dst, const void *src, size_t len)
{
	(void)arg;
	memcpy(dst, src, len);
}

static void flush(void *arg, enum rlog_site site, const void *addr, size_t len)
{
	(void)arg;
	(void)site;
	(void)addr;
	(void)len;
}

static void fence(void *arg, enum rlog_site site)
{
	(void)arg;
	(void)site;
}

static const struct rlog_io io = {.copy = copy, .flush = flush, .fence = fence};

static bool begin_log(struct test *t, struct replica *r, uint64_t epoch)
{
	int ret =
		rlog_open(&r->log, r->mem, sizeof(r->mem), epoch, &io, &t->err);

	if (!ret)
		rlog_begin(&r->log);
	return !ret;
}

static bool new_log(struct test *t, struct replica *r)
{
	return !rlog_format(r->mem, sizeof(r->mem), RLOG_BY_CHECKSUM,
			    EPOCH_MADE, &io, &t->err) &&
	       begin_log(t, r, EPOCH_OLD);
}

/* --- links ---------------------------------------------------------------------------- */

static int open_ends(struct test *t, struct link *l)
{
	const struct transport *tp = transport_find("rdma");
	struct blob blob[2];
	int ret;

	t->attr.role = ROLE_PASSIVE;
	ret = tp->open(&l->replica, &t->attr, &blob[0], &t->err);
	t->attr.role = ROLE_ACTIVE;
	if (!ret)
		ret = tp->open(&l->leader, &t->attr, &blob[1], &t->err);
	if (!ret)
		ret = tp->connect(l->replica, &blob[1], WAIT_NS, &t->err);
	return ret ? ret : tp->connect(l->leader, &blob[0], WAIT_NS, &t->err);
}

static bool open_link(struct test *t, struct link *l, struct replica *r,
		      void *from, size_t len)
{
	const unsigned access = OP_BIT(OP_WRITE) | OP_BIT(OP_READ);
	int ret = open_ends(t, l);

	if (!ret)
		ret = l->replica->tp->reg(l->replica, r->mem, sizeof(r->mem),
					  access, &l->log, &t->err);
	if (!ret)
		ret = l->leader->tp->reg(l->leader, from, len, 0, &l->from,
					 &t->err);
	return !ret;
}

/* The replica's end: registration and queue pair. */
static void close_replica(struct link *l)
{
	l->replica->tp->dereg(l->replica, l->log);
	l->replica->tp->close(l->replica);
	l->replica = NULL;
}

static void close_link(struct link *l)
{
	if (l->replica)
		close_replica(l);
	l->leader->tp->dereg(l->leader, l->from);
	l->leader->tp->close(l->leader);
}

/* WRITE of an image to its place in the replica's log, READ behind it. */
static int put(struct test *t, struct link *l, struct replica *r, uint32_t rkey,
	       char *image, const struct rlog_place *place)
{
	struct sge sge = {image, place->bytes, l->from};
	struct sge last = {image + place->bytes, 8, l->from};
	const uint64_t at = (uintptr_t)rlog_at(&r->log, place->offset);
	const struct work w[] = {
		{.op = OP_WRITE,
		 .n_sges = 1,
		 .sges = &sge,
		 .remote_addr = at,
		 .remote_rkey = rkey},
		{.op = OP_READ,
		 .n_sges = 1,
		 .sges = &last,
		 .flags = WORK_SIGNAL,
		 .remote_addr = at,
		 .remote_rkey = rkey},
	};
	struct comp c;
	int got = l->leader->tp->post(l->leader, w, 2);

	if (!got)
		got = ep_wait(l->leader, &c, 1, WAIT_NS);
	if (got < 0)
		t->err = l->leader->err;
	return got == 1 ? 0 : got ? got : -ETIMEDOUT;
}

/* --- the story -------------------------------------------------------------------------- */

struct story {
	struct test t;
	struct replica one, two, own; /* of leader 1: its own log */
	struct link to_one, to_two, again;
	char image[1024] __attribute__((aligned(64)));
	struct rlog_place place;
	uint32_t old_key;
};

static const char payload[PAYLOAD] = "what was written";

static void next_record(struct story *s, struct rlog *log)
{

	(void)rlog_reserve(log, PAYLOAD, &s->place);
	rlog_encode(log, &s->place, payload, s->image);
	(void)rlog_store(log, s->image, s->place.bytes);
	rlog_commit(log);
}

static void old_leader_writes(struct story *s)
{
	struct test *t = &s->t;
	unsigned i;
	int bad = 0;

	for (i = 0; i < FIRST_RECORDS; i++) {
		next_record(s, &s->own.log);
		bad |= put(t, &s->to_one, &s->one, s->old_key, s->image,
			   &s->place);
		bad |= put(t, &s->to_two, &s->two, s->to_two.log->rkey,
			   s->image, &s->place);
	}
	close_replica(&s->to_two);
	next_record(s, &s->own.log);
	bad |= put(t, &s->to_one, &s->one, s->old_key, s->image, &s->place);
	ok(t, !bad, "leader 1 writes into both, then into the first alone");
}

static bool unchanged(const struct replica *r, const char *before)
{
	return !memcmp(r->mem, before, sizeof(r->mem));
}

/* A device may give the same key again: then it is the queue pair alone that
 * has shut leader 1 out. */
static void old_key_refused(struct story *s, const char *before)
{
	struct test *t = &s->t;

	if (s->again.log->rkey == s->old_key) {
		printf("# this device gave the old key again\n");
		return;
	}
	ok(t, put(t, &s->again, &s->one, s->old_key, s->image, &s->place) < 0,
	   "its key is another one, and the old key is refused on it");
	ok(t, unchanged(&s->one, before), "and nothing has arrived by it");
}

static void fenced(struct story *s)
{
	static char before[LOG_BYTES];
	struct test *t = &s->t;

	close_replica(&s->to_one);
	ok(t, begin_log(t, &s->one, EPOCH_NEW),
	   "the first replica is fenced: a new epoch");
	memcpy(before, s->one.mem, sizeof(before));
	next_record(s, &s->own.log);
	ok(t, put(t, &s->to_one, &s->one, s->old_key, s->image, &s->place) < 0,
	   "leader 1's write is refused: its queue pair is gone");
	ok(t, unchanged(&s->one, before), "and nothing has arrived");
	ok(t, open_link(t, &s->again, &s->one, s->image, sizeof(s->image)),
	   "a new link to the first replica");
	old_key_refused(s, before);
	close_link(&s->again);
	ok(t, rlog_store(&s->one.log, s->image, s->place.bytes) == -ESTALE,
	   "nor is a message of the old epoch taken");
}

static void new_leader_writes(struct story *s)
{
	struct test *t = &s->t;
	bool good =
		open_link(t, &s->again, &s->one, s->image, sizeof(s->image));

	ok(t, s->one.log.next_stored == FIRST_RECORDS + 2,
	   "leader 2 finds all that was acknowledged");
	/* Its image is of the log as recovered, and goes there by RDMA. */
	(void)rlog_reserve(&s->one.log, PAYLOAD, &s->place);
	rlog_encode(&s->one.log, &s->place, payload, s->image);
	good = good && !put(t, &s->again, &s->one, s->again.log->rkey, s->image,
			    &s->place);
	ok(t, good && !rlog_adopt(&s->one.log),
	   "and writes behind it with the new key");
	rlog_commit(&s->one.log);
	close_link(&s->again);
}

static void returns(struct story *s)
{
	struct rlog_scan scans[2];
	struct test *t = &s->t;
	bool good;

	good = !rlog_scan(&scans[0], s->one.mem, LOG_BYTES, NULL, &t->err) &&
	       !rlog_scan(&scans[1], s->two.mem, LOG_BYTES, NULL, &t->err);
	ok(t, good && scans[1].next_sequence == FIRST_RECORDS + 1,
	   "the second replica comes back with its old log");
	ok(t, good && rlog_choose(scans, 2, 2) == 0, "which is not chosen");
	ok(t, rlog_store(&s->two.log, s->image, s->place.bytes) < 0,
	   "nor does it take what follows on what it has not");
	ok(t,
	   good && !rlog_fence(&s->two.log, EPOCH_NEW) &&
		   !rlog_catch_up(&s->two.log, &scans[0]),
	   "it is fenced and catches up");
	good = !rlog_scan(&scans[1], s->two.mem, LOG_BYTES, NULL, &t->err);
	ok(t,
	   good && scans[1].last == scans[0].last &&
		   scans[1].next_sequence == scans[0].next_sequence,
	   "then both logs are the same");
}

static void tell(struct story *s)
{
	struct test *t = &s->t;

	ok(t,
	   new_log(t, &s->one) && new_log(t, &s->two) && new_log(t, &s->own) &&
		   open_link(t, &s->to_one, &s->one, s->image,
			     sizeof(s->image)) &&
		   open_link(t, &s->to_two, &s->two, s->image,
			     sizeof(s->image)),
	   "three logs and two links");
	if (t->failed)
		return;
	s->old_key = s->to_one.log->rkey;
	old_leader_writes(s);
	/* What the leader wrote there, its program has not seen. */
	while (!rlog_adopt(&s->two.log))
		;
	fenced(s);
	close_link(&s->to_one);
	close_link(&s->to_two);
	new_leader_writes(s);
	returns(s);
}

int main(int argc, char **argv)
{
	struct story *s =
		aligned_alloc(4096, (sizeof(*s) + 4095) / 4096 * 4096);
	struct sockaddr_in in = {.sin_family = AF_INET};
	int failed;

	if (!s || argc != 2 || inet_pton(AF_INET, argv[1], &in.sin_addr) != 1)
		return 2;
	memset(s, 0, sizeof(*s));
	clock_init(&s->t.clock);
	s->t.attr = (struct ep_attr){
		.poll = POLL_EVENT,
		.lanes = 1,
		.send_depth = 8,
		.recv_depth = 1,
		.max_bytes = sizeof(s->image),
		.device = "",
		.gid_index = -1,
		.inline_bytes = 0,
		.signal_every = 1,
		.clock = &s->t.clock,
	};
	memcpy(&s->t.attr.data_addr, &in, sizeof(in));
	tell(s);
	printf("1..%u\n", s->t.count);
	failed = s->t.failed != 0;
	free(s);
	return failed;
}
