/* Operations on the peer's memory, on links that have them. */
#include <string.h>

#include "cases.h"

enum { TIMES = 20 };

static uint64_t *word(char *at)
{
	return (uint64_t *)(void *)at; /* slots are aligned */
}

/* Where the peer lets us in. */
struct door {
	uint64_t addr;
	uint32_t rkey;
	struct region *region; /* our own */
};

static bool has(const struct side *s, enum op op)
{
	return s->ep->caps.ops & OP_BIT(op);
}

/* Opens the receiving half of the memory to `ops`; the peer does so too. */
static int open_doors(struct side *s, unsigned ops, struct door *door)
{
	struct err err = {0};
	int ret = s->ep->tp->reg(s->ep, side_rx(s, 0), s->mem_bytes / 2, ops,
				 &door->region, &err);

	CHECK(s, !ret, "reg: %s", err.text);
	door->addr = (uintptr_t)side_rx(s, 0);
	door->rkey = door->region->rkey;
	memcpy(s->blob.data, &door->addr, sizeof(door->addr));
	memcpy(s->blob.data + 8, &door->rkey, sizeof(door->rkey));
	TRY(side_swap(s));
	memcpy(&door->addr, s->peer.data, sizeof(door->addr));
	memcpy(&door->rkey, s->peer.data + 8, sizeof(door->rkey));
	return 0;
}

static int close_doors(struct side *s, struct door *door)
{
	TRY(side_meet(s));
	s->ep->tp->dereg(s->ep, door->region);
	return 0;
}

static struct work remote_work(struct side *s, enum op op, struct sge *sge,
			       const struct door *door)
{
	struct work w = side_work(s, op, sge, side_tx(s, 0), s->bytes);

	w.flags = WORK_SIGNAL;
	w.remote_addr = door->addr;
	w.remote_rkey = door->rkey;
	return w;
}

/* Posts it and waits for its completion. */
static int do_work(struct side *s, struct work *w, uint64_t cookie)
{
	struct comp c;

	w->cookie = cookie;
	TRY(side_post(s, w, 1));
	TRY(side_next(s, &c));
	CHECK(s, c.op == w->op && c.cookie == cookie,
	      "op %u, cookie %llu instead of op %u, %llu", c.op,
	      (unsigned long long)c.cookie, (unsigned)w->op,
	      (unsigned long long)cookie);
	return 0;
}

static int counted(struct side *s, uint64_t ops, uint64_t bytes)
{
	const struct ep_counts *c = &s->ep->counts;

	CHECK(s, c->one_sided == ops && c->bytes_one_sided == bytes,
	      "%llu operations of %llu bytes counted instead of %llu of %llu",
	      (unsigned long long)c->one_sided,
	      (unsigned long long)c->bytes_one_sided, (unsigned long long)ops,
	      (unsigned long long)bytes);
	return 0;
}

/* Written, told by a message, found. */
static int write_then_tell(struct side *s, struct door *door, uint64_t i)
{
	struct sge sge;
	struct work w = remote_work(s, OP_WRITE, &sge, door);
	struct comp c;

	if (s->role == ROLE_ACTIVE) {
		fill(side_tx(s, 0), s->bytes, i);
		TRY(side_meet(s));
		TRY(do_work(s, &w, i));
		TRY(side_send(s, 1, 1, WORK_SIGNAL, i));
		TRY(side_next(s, &c));
		return side_meet(s);
	}
	TRY(side_recv(s, 1, 1, i));
	TRY(side_meet(s));
	TRY(side_next_recv(s, &c));
	TRY(side_verify(s, side_rx(s, 0), s->bytes, i));
	return side_meet(s);
}

static int writes(struct side *s)
{
	struct door door;
	uint64_t i;

	if (!has(s, OP_WRITE))
		return 0;
	TRY(open_doors(s, OP_BIT(OP_WRITE), &door));
	for (i = 0; i < TIMES; i++)
		TRY(write_then_tell(s, &door, i));
	if (s->role == ROLE_ACTIVE)
		TRY(counted(s, TIMES, TIMES * s->bytes));
	return close_doors(s, &door);
}

/* The same write again, elsewhere each time. */
static int write_again(struct side *s, const struct door *door)
{
	struct sge sge;
	struct work w = remote_work(s, OP_WRITE, &sge, door);
	unsigned i;

	for (i = 0; i < TIMES; i++) {
		fill(side_tx(s, 0), s->bytes, i);
		w.remote_addr = door->addr + i % s->depth * s->bytes;
		TRY(do_work(s, &w, i));
		w.flags |= WORK_AGAIN;
	}
	return counted(s, TIMES, TIMES * s->bytes);
}

/* Whose message tells of it: into memory that is not written to. */
static int find_written(struct side *s)
{
	struct sge sge;
	struct work told = side_work(s, OP_RECV, &sge, side_tx(s, 0), s->bytes);
	struct comp c;
	unsigned i;

	TRY(side_post(s, &told, 1));
	TRY(side_meet(s));
	TRY(side_next_recv(s, &c));
	for (i = 0; i < s->depth; i++)
		TRY(side_verify(s, side_rx(s, i), s->bytes,
				TIMES - s->depth + i));
	return 0;
}

static int writes_again(struct side *s)
{
	struct door door;
	struct comp c;

	if (!has(s, OP_WRITE))
		return 0;
	TRY(open_doors(s, OP_BIT(OP_WRITE), &door));
	if (s->role == ROLE_PASSIVE) {
		TRY(find_written(s));
	} else {
		TRY(write_again(s, &door));
		TRY(side_meet(s));
		TRY(side_send(s, 0, s->bytes, WORK_SIGNAL, 0));
		TRY(side_next(s, &c));
	}
	return close_doors(s, &door);
}

/* The receive that it takes gets the immediate data, memory the payload. */
static int write_imm(struct side *s, struct door *door, uint32_t i)
{
	struct sge sge;
	struct work w = remote_work(s, OP_WRITE_IMM, &sge, door);
	struct comp c;

	w.imm = 0xabc00000 + i;
	if (s->role == ROLE_ACTIVE) {
		fill(side_tx(s, 0), s->bytes, i);
		TRY(side_meet(s));
		TRY(do_work(s, &w, i));
		return side_meet(s);
	}
	TRY(side_recv(s, 1, 1, i));
	TRY(side_meet(s));
	TRY(side_next_recv(s, &c));
	CHECK(s, c.imm == 0xabc00000 + i && c.cookie == i,
	      "immediate data %#x, cookie %llu", c.imm,
	      (unsigned long long)c.cookie);
	TRY(side_verify(s, side_rx(s, 0), s->bytes, i));
	return side_meet(s);
}

static int writes_imm(struct side *s)
{
	const struct ep_counts *c = &s->ep->counts;
	struct door door;
	uint32_t i;

	if (!has(s, OP_WRITE_IMM))
		return 0;
	TRY(open_doors(s, OP_BIT(OP_WRITE_IMM), &door));
	for (i = 0; i < TIMES; i++)
		TRY(write_imm(s, &door, i));
	CHECK(s, (s->role == ROLE_ACTIVE ? c->sends : c->recvs) == TIMES,
	      "%llu sends, %llu receives", (unsigned long long)c->sends,
	      (unsigned long long)c->recvs);
	CHECK(s, !c->bytes_recv, "%llu bytes in receives",
	      (unsigned long long)c->bytes_recv);
	TRY(counted(s, 0, s->role == ROLE_ACTIVE ? TIMES * s->bytes : 0));
	return close_doors(s, &door);
}

static int reads(struct side *s)
{
	struct door door;
	struct sge sge;
	struct work w;
	uint64_t i;

	if (!has(s, OP_READ))
		return 0;
	TRY(open_doors(s, OP_BIT(OP_READ), &door));
	for (i = 0; i < TIMES; i++) {
		fill(side_rx(s, 0), s->bytes, 2 * i + s->role);
		TRY(side_meet(s));
		w = remote_work(s, OP_READ, &sge, &door);
		TRY(do_work(s, &w, i));
		TRY(side_verify(s, side_tx(s, 0), s->bytes, 2 * i + !s->role));
		TRY(side_meet(s));
	}
	TRY(counted(s, TIMES, TIMES * s->bytes));
	return close_doors(s, &door);
}

/* Both ends add to and swap the other's first word. */
static int atomic(struct side *s, struct door *door, enum op op)
{
	struct sge sge;
	struct work w = remote_work(s, op, &sge, door);
	uint64_t i;

	*word(side_rx(s, 0)) = 100;
	TRY(side_meet(s));
	w.n_sges = 1;
	sge.len = 8;
	for (i = 0; i < TIMES; i++) {
		/* Every other exchange finds another value than it says. */
		w.compare_add = op == OP_FETCH_ADD ? 3
				: i % 2		   ? 7
						   : 100 + i / 2;
		w.swap = 101 + i / 2;
		TRY(do_work(s, &w, i));
		CHECK(s,
		      *word(side_tx(s, 0)) ==
			      100 + (op == OP_FETCH_ADD ? 3 * i : (i + 1) / 2),
		      "operation %llu found %llu", (unsigned long long)i,
		      (unsigned long long)*word(side_tx(s, 0)));
	}
	TRY(side_meet(s));
	CHECK(s,
	      *word(side_rx(s, 0)) ==
		      100 + (op == OP_FETCH_ADD ? 3 * TIMES : TIMES / 2),
	      "%llu is left", (unsigned long long)*word(side_rx(s, 0)));
	return side_meet(s);
}

static int atomics(struct side *s)
{
	const unsigned both = OP_BIT(OP_FETCH_ADD) | OP_BIT(OP_CMP_SWAP);
	struct door door;

	if (!has(s, OP_FETCH_ADD))
		return 0;
	TRY(open_doors(s, both, &door));
	TRY(atomic(s, &door, OP_FETCH_ADD));
	TRY(atomic(s, &door, OP_CMP_SWAP));
	TRY(counted(s, 2 * TIMES, 16 * TIMES));
	return close_doors(s, &door);
}

/* Both write 8 bytes into each other's memory and FLUSH them, in one post: when
 * the FLUSH is complete they are there. */
static int place(struct side *s, struct door *door, uint64_t i)
{
	struct sge sge;
	struct work w[2] = {
		remote_work(s, OP_ATOMIC_WRITE, &sge, door),
		{.op = OP_FLUSH, .flags = WORK_SIGNAL, .cookie = i},
	};
	struct comp c;

	sge.len = sizeof(uint64_t);
	w[0].flags = 0;
	w[1].remote_addr = door->addr;
	w[1].remote_rkey = door->rkey;
	w[1].flush_bytes = sizeof(uint64_t);
	*word(side_tx(s, 0)) = 1000 * i + s->role;
	TRY(side_meet(s));
	TRY(side_post(s, w, 2));
	TRY(side_next(s, &c));
	CHECK(s, c.op == OP_FLUSH && c.cookie == i && c.level == LEVEL_PLACED,
	      "op %u, cookie %llu, level %u", c.op,
	      (unsigned long long)c.cookie, c.level);
	TRY(side_meet(s));
	CHECK(s, *word(side_rx(s, 0)) == 1000 * i + !s->role, "found %llu",
	      (unsigned long long)*word(side_rx(s, 0)));
	return side_meet(s);
}

static int placements(struct side *s)
{
	const unsigned ops = OP_BIT(OP_ATOMIC_WRITE) | OP_BIT(OP_FLUSH);
	struct door door;
	uint64_t i;

	if (!has(s, OP_FLUSH) || !has(s, OP_ATOMIC_WRITE))
		return 0;
	TRY(open_doors(s, ops, &door));
	for (i = 0; i < TIMES; i++)
		TRY(place(s, &door, i));
	TRY(counted(s, 2 * TIMES, sizeof(uint64_t) * TIMES));
	return close_doors(s, &door);
}

static bool is_iwarp(const struct side *s)
{
	return strstr(s->ep->caps.detail, "iWARP");
}

/* siw checks key, bounds and protection domain of what a peer reads, but no
 * rights: siw_qp_sq_proc_tx() asks siw_check_sgl_tx() for none (Linux 6.1,
 * 6.12).  So there whatever is registered can be read by a peer that knows
 * or guesses its key. */
static bool lets_read(const struct side *s, enum op op)
{
	return op == OP_READ && is_iwarp(s) && s->ep->caps.software_device;
}

/* On iWARP a write is complete when it was handed to TCP (RFC 5040, 5.1), and
 * the refusal (Terminate) comes later, as the end of the connection. */
static bool may_complete(const struct side *s, const struct comp *c)
{
	return c->op == OP_WRITE && is_iwarp(s);
}

/* The device of the peer says no: the link ends, with that reason.  1 if it
 * did not, where that is known. */
static int refused(struct side *s, struct work *w)
{
	const uint64_t end = clock_raw_ns() + LIMIT_S * (uint64_t)SEC_NS;
	struct comp c;
	int got = 0;

	TRY(side_post(s, w, 1));
	while (got >= 0 && clock_raw_ns() < end) {
		got = ep_wait(s->ep, &c, 1, SEC_NS / 10);
		if (got > 0 && lets_read(s, w->op))
			return 1;
		CHECK(s, got <= 0 || may_complete(s, &c), "op %u went through",
		      (unsigned)w->op);
	}
	CHECK(s, got < 0, "op %u: nobody says no", (unsigned)w->op);
	CHECK(s,
	      is_iwarp(s) ? s->ep->err.reason == REASON_LINK_FAILED ||
				    s->ep->err.reason == REASON_PEER_LOST
			  : s->ep->err.reason == REASON_LINK_FAILED &&
				    strstr(s->ep->err.text, "region does not"),
	      "reason %s (%s)", reason_word(s->ep->err.reason),
	      s->ep->err.text);
	return 0;
}

/* And the end whose memory it was does not wait for ever: its queue pair is
 * of no use after that (IBTA 1.4, 9.9.3.1), which its receive tells.  iWARP
 * ends the connection, which is RDMA CM's to tell. */
static int noticed(struct side *s)
{
	const uint64_t end = clock_raw_ns() + LIMIT_S * (uint64_t)SEC_NS;
	struct comp c;
	int got = 0;

	while (!got && !is_iwarp(s) && clock_raw_ns() < end)
		got = ep_wait(s->ep, &c, 1, SEC_NS / 10);
	CHECK(s, is_iwarp(s) || (got < 0 && s->ep->err.text[0]),
	      "an intruder is not noticed: %d, \"%s\"", got, s->ep->err.text);
	return 0;
}

/* Memory that is open to writes is not open to FLUSH. */
static int flush_refused(struct side *s)
{
	struct work w = {.op = OP_FLUSH, .flags = WORK_SIGNAL};
	struct door door;

	if (!has(s, OP_FLUSH))
		return 0;
	TRY(open_doors(s, OP_BIT(OP_WRITE), &door));
	w.remote_addr = door.addr;
	w.remote_rkey = door.rkey;
	w.flush_bytes = 8;
	TRY(side_meet(s));
	if (s->role == ROLE_ACTIVE)
		TRY(refused(s, &w));
	return close_doors(s, &door);
}

/* The active end tries; the passive one's memory stays as it was, and nothing
 * of it gets out. */
static int intrude(struct side *s, enum op op, const struct door *door)
{
	struct sge sge;
	struct work w = remote_work(s, op, &sge, door);
	int got_in = 0;

	fill(side_rx(s, 0), s->bytes, 1);
	fill(side_tx(s, 0), s->bytes, 2);
	if (s->role == ROLE_PASSIVE)
		TRY(side_recv(s, 1, s->bytes, 1));
	TRY(side_meet(s));
	if (s->role == ROLE_ACTIVE)
		TRY(got_in = refused(s, &w));
	else
		TRY(noticed(s));
	TRY(side_meet(s));
	TRY(side_verify(s, side_rx(s, 0), s->bytes, 1));
	return side_verify(s, side_tx(s, 0), s->bytes, got_in ? 1 : 2);
}

/* It was good until the passive end deregistered the memory. */
static int stale_key(struct side *s)
{
	struct door door;
	uint64_t i;

	if (!has(s, OP_WRITE))
		return 0;
	TRY(open_doors(s, OP_BIT(OP_WRITE), &door));
	for (i = 0; i < 2; i++)
		TRY(write_then_tell(s, &door, i));
	TRY(close_doors(s, &door));
	TRY(side_meet(s));
	return intrude(s, OP_WRITE, &door);
}

/* Open to writes is not open to reads. */
static int least_rights(struct side *s)
{
	struct door door;

	if (!has(s, OP_READ))
		return 0;
	TRY(open_doors(s, OP_BIT(OP_WRITE), &door));
	TRY(intrude(s, OP_READ, &door));
	return close_doors(s, &door);
}

/* Nor is memory beyond the region. */
static int beyond_region(struct side *s)
{
	struct door door;

	if (!has(s, OP_WRITE))
		return 0;
	TRY(open_doors(s, OP_BIT(OP_WRITE), &door));
	door.addr += s->mem_bytes / 2 - s->bytes + 1;
	TRY(intrude(s, OP_WRITE, &door));
	return close_doors(s, &door);
}

#define WITH(what, function, n)                                                \
	{                                                                      \
		.name = what ", " #n " bytes", .run = function,                \
		.polls = ON_SPIN | ON_EVENT, .depth = 2, .bytes = n,           \
	}

#define REFUSED(what, function)                                                \
	{                                                                      \
		.name = what, .run = function, .polls = ON_SPIN | ON_EVENT,    \
		.depth = 2, .bytes = 64, .flags = CASE_TOLD,                   \
	}

const struct conf_case remote_cases[] = {
	WITH("writes", writes, 8),
	WITH("writes", writes, 5000),
	WITH("writes", writes, 1048576),
	WITH("the same write again", writes_again, 64),
	WITH("writes with immediate data", writes_imm, 8),
	WITH("writes with immediate data", writes_imm, 5000),
	WITH("reads", reads, 8),
	WITH("reads", reads, 5000),
	WITH("reads", reads, 1048576),
	WITH("atomics", atomics, 64),
	WITH("atomic writes, flushed", placements, 64),
	REFUSED("a FLUSH of what is open to writes", flush_refused),
	REFUSED("a key of memory no longer registered", stale_key),
	REFUSED("a read of what is open to writes", least_rights),
	REFUSED("a write beyond the region", beyond_region),
	{.name = NULL},
};
