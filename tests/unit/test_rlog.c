/* The log without crashes: checksum, wrapping, trimming, order, fencing, what
 * a scan says, flipped bits, hostile bytes. */
#include "unit.h"

#include <errno.h>
#include <stdbool.h>

#include "rlog/crc32c.h"
#include "rlog_fuzz.h"
#include "rlog_load.h"

enum { CAPACITY = 4096, REGION = RLOG_RING_AT + CAPACITY };

/* Counts what is made durable, and where. */
struct counted {
	uint64_t flushes[RLOG_SITE_COUNT], fences[RLOG_SITE_COUNT];
	uint64_t bytes[RLOG_SITE_COUNT];
};

static void count_copy(void *arg, void *dst, const void *src, size_t len)
{
	(void)arg;
	memmove(dst, src, len);
}

static void count_flush(void *arg, enum rlog_site site, const void *addr,
			size_t len)
{
	struct counted *c = arg;

	(void)addr;
	c->flushes[site]++;
	c->bytes[site] += len;
}

static void count_fence(void *arg, enum rlog_site site)
{
	struct counted *c = arg;

	c->fences[site]++;
}

struct fixture {
	struct counted counted;
	struct rlog_io io;
	struct rlog log;
	struct load load;
	char *region;
	uint64_t image[CAPACITY / 8];
};

static struct fixture *make(enum rlog_commit commit)
{
	struct fixture *f = calloc(1, sizeof(*f));
	struct err err;

	assert_non_null(f);
	f->region = aligned_alloc(RLOG_ALIGN, REGION);
	assert_non_null(f->region);
	f->io = (struct rlog_io){
		.arg = &f->counted,
		.copy = count_copy,
		.flush = count_flush,
		.fence = count_fence,
	};
	f->load.seed = 7;
	memset(f->region, 0xa5, REGION);
	assert_int_equal(
		rlog_format(f->region, REGION, commit, 1, &f->io, &err), 0);
	assert_int_equal(rlog_open(&f->log, f->region, REGION, 2, &f->io, &err),
			 0);
	return f;
}

static void drop(struct fixture *f)
{
	free(f->region);
	free(f);
}

/* Appends and commits n records, trimming when there is no room. */
static void fill(struct fixture *f, unsigned n)
{
	int ret;

	while (n) {
		ret = load_append(&f->load, &f->log, f->image);
		if (ret == -ENOSPC) {
			f->load.trimmed = f->log.next_stored;
			rlog_trim(&f->log, f->log.committed - CAPACITY / 2);
			continue;
		}
		assert_int_equal(ret, 0);
		rlog_commit(&f->log);
		load_acked(&f->load, f->log.next_stored - 1, 2);
		n--;
	}
}

static struct rlog_scan scan(struct fixture *f)
{
	struct rlog_scan s;
	struct err err;

	assert_int_equal(rlog_scan(&s, f->region, REGION, NULL, &err), 0);
	return s;
}

/* --- checksum ------------------------------------------------------------------ */

static void known_checksums(void **unused)
{
	static const unsigned char zeros[32];
	enum crc32c_way way;
	uint32_t crc;

	(void)unused;
	assert_int_equal(crc32c("123456789", 9), 0xe3069283);
	assert_int_equal(crc32c("", 0), 0);
	for (way = CRC32C_BITS; way < CRC32C_WAYS; way++) {
		if (crc32c_by(way, zeros, sizeof(zeros), &crc))
			continue;
		/* RFC 3720, B.4, as a number. */
		assert_int_equal(crc, 0x8a9136aa);
	}
}

static void all_ways_agree(void **unused)
{
	unsigned char buf[5 * 1344 + 77];
	uint64_t state = 3;
	uint32_t bits, crc;
	enum crc32c_way way;
	size_t i, len;

	(void)unused;
	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (unsigned char)rng_u64(&state);
	for (i = 0; i < 400; i++) {
		len = i < 200 ? i : rng_u64(&state) % sizeof(buf);
		crc32c_by(CRC32C_BITS, buf + sizeof(buf) - len, len, &bits);
		for (way = CRC32C_SPARSE; way < CRC32C_WAYS; way++) {
			if (crc32c_by(way, buf + sizeof(buf) - len, len, &crc))
				continue;
			assert_int_equal(crc, bits);
		}
	}
}

/* A clock by which one way is fast. */
struct way_clock {
	enum crc32c_way fast;
	unsigned calls;
	uint64_t now;
};

static uint64_t way_now(void *arg)
{
	struct way_clock *c = arg;
	const unsigned ways = crc32c_best() + 1 - CRC32C_SPARSE;
	const unsigned way = CRC32C_SPARSE + c->calls / 2 % ways;

	if (c->calls++ % 2)
		c->now += way == c->fast ? 3 : 4;
	return c->now;
}

static void fastest_way_is_taken(void **unused)
{
	enum crc32c_way way;

	(void)unused;
	for (way = CRC32C_SPARSE; way <= crc32c_best(); way++) {
		struct way_clock c = {.fast = way};

		assert_int_equal(crc32c_fastest(way_now, &c), way);
	}
}

/* A log reads what another way has written. */
static void log_is_the_same_by_every_way(void **unused)
{
	struct fixture *f = make(RLOG_BY_CHECKSUM);
	enum crc32c_way way;

	(void)unused;
	for (way = CRC32C_BEST; way <= crc32c_best(); way++) {
		f->log.io.crc = way;
		fill(f, 2);
	}
	for (way = CRC32C_BEST; way <= crc32c_best(); way++) {
		const struct rlog_reader how = {.crc = way};
		struct rlog_scan s;
		struct err err;

		assert_int_equal(rlog_scan(&s, f->region, REGION, &how, &err),
				 0);
		assert_int_equal(s.next_sequence, f->log.next_stored);
	}
	drop(f);
}

/* --- appending ------------------------------------------------------------------- */

static void what_is_appended_is_recovered(void **unused)
{
	unsigned commit, n;

	(void)unused;
	for (commit = 0; commit < RLOG_COMMITS; commit++) {
		struct fixture *f = make((enum rlog_commit)commit);
		struct rlog_scan s;

		for (n = 0; n < 500; n++) {
			const char *wrong;

			fill(f, 1);
			wrong = load_check(&f->load, f->region, REGION, &s);
			if (wrong)
				fail_msg("after %u: %s", n + 1, wrong);
			assert_int_equal(s.next_sequence, n + 2);
			assert_int_equal(s.end, f->log.committed);
			assert_int_equal(s.rank, 2);
		}
		assert_true(f->log.committed > 8 * CAPACITY);
		drop(f);
	}
}

/* One flush of the lines that were stored and one fence, however many
 * records; by tail, as many again for 8 bytes. */
static void a_commit_persists_once(void **unused)
{
	struct fixture *f = make(RLOG_BY_TAIL);
	struct counted before = f->counted;
	const uint64_t at = f->log.stored;
	unsigned i;

	(void)unused;
	for (i = 0; i < 5; i++)
		assert_int_equal(load_append(&f->load, &f->log, f->image), 0);
	rlog_commit(&f->log);
	assert_int_equal(f->counted.flushes[RLOG_AT_RECORD],
			 before.flushes[RLOG_AT_RECORD] + 1);
	assert_int_equal(f->counted.fences[RLOG_AT_RECORD],
			 before.fences[RLOG_AT_RECORD] + 1);
	assert_int_equal(f->counted.bytes[RLOG_AT_RECORD], f->log.stored - at);
	assert_int_equal(f->counted.bytes[RLOG_AT_TAIL], 8);
	rlog_commit(&f->log);
	assert_int_equal(f->counted.fences[RLOG_AT_TAIL], 1);
	drop(f);
}

static void too_much_is_refused(void **unused)
{
	struct fixture *f = make(RLOG_BY_CHECKSUM);
	struct rlog_place p;
	struct err err;
	unsigned n = 0;

	(void)unused;
	assert_int_equal(rlog_reserve(&f->log, CAPACITY, &p), -EMSGSIZE);
	assert_int_equal(rlog_reserve(&f->log, UINT64_MAX - 7, &p), -EMSGSIZE);
	while (!rlog_reserve(&f->log, rlog_payload_max(CAPACITY), &p))
		n++;
	assert_int_equal(n, 4);
	assert_int_equal(rlog_free_bytes(&f->log), 0);
	assert_int_equal(
		rlog_format(f->region, 100, RLOG_BY_TAIL, 1, &f->io, &err),
		-EINVAL);
	assert_words(&err, "too few");
	drop(f);
}

/* --- a peer takes only what is next ---------------------------------------------- */

static void order_is_kept(void **unused)
{
	struct fixture *f = make(RLOG_BY_CHECKSUM), *peer;
	struct rlog_header *h = (struct rlog_header *)f->image;

	(void)unused;
	peer = make(RLOG_BY_CHECKSUM);
	assert_int_equal(load_append(&f->load, &f->log, f->image), 0);
	assert_int_equal(rlog_store(&peer->log, h, 63), -EBADMSG);
	assert_int_equal(rlog_store(&peer->log, h, sizeof(f->image)), 0);
	assert_int_equal(rlog_store(&peer->log, h, sizeof(f->image)), -EPROTO);
	assert_int_equal(load_append(&f->load, &f->log, f->image), 0);
	h->epoch--;
	assert_int_equal(rlog_store(&peer->log, h, sizeof(f->image)), -ESTALE);
	h->epoch++;
	h->sequence++;
	assert_int_equal(rlog_store(&peer->log, h, sizeof(f->image)), -EPROTO);
	h->sequence--;
	h->length += CAPACITY;
	assert_int_equal(rlog_store(&peer->log, h, sizeof(f->image)), -EBADMSG);
	h->length -= CAPACITY;
	assert_int_equal(rlog_store(&peer->log, h, sizeof(f->image)), 0);
	rlog_commit(&peer->log);
	assert_memory_equal(rlog_at(&f->log, 0), rlog_at(&peer->log, 0),
			    f->log.stored);
	drop(peer);
	drop(f);
}

/* An old leader, back from a pause, finds its peers fenced. */
static void an_old_leader_is_fenced(void **unused)
{
	struct fixture *old = make(RLOG_BY_CHECKSUM),
		       *peer = make(RLOG_BY_CHECKSUM);
	struct rlog again;
	struct err err;

	(void)unused;
	assert_int_equal(rlog_fence(&peer->log, 2), -ESTALE);
	assert_int_equal(rlog_fence(&peer->log, 3), 0);
	assert_int_equal(load_append(&old->load, &old->log, old->image), 0);
	assert_int_equal(rlog_store(&peer->log, old->image, sizeof(old->image)),
			 -ESTALE);
	assert_int_equal(
		rlog_open(&again, peer->region, REGION, 3, &peer->io, &err),
		-ESTALE);
	assert_words(&err, "epoch 3 is over");
	drop(old);
	drop(peer);
}

/* A replica comes back with an old log and catches up, byte by byte. */
static void a_returning_replica_catches_up(void **unused)
{
	struct fixture *f = make(RLOG_BY_TAIL), *back = make(RLOG_BY_TAIL);
	struct rlog_scan from, now;
	struct err err;

	(void)unused;
	fill(back, 5);
	fill(f, 200);
	from = scan(f);
	assert_int_equal(
		rlog_open(&back->log, back->region, REGION, 3, &back->io, &err),
		0);
	assert_int_equal(rlog_catch_up(&back->log, &from), 0);
	now = scan(back);
	assert_int_equal(now.end, from.end);
	assert_int_equal(now.next_sequence, from.next_sequence);
	assert_int_equal(now.records, from.records);
	assert_int_equal(now.rank, 3);
	assert_null(load_check(&f->load, back->region, REGION, &now));
	drop(back);
	drop(f);
}

/* --- what a scan says ---------------------------------------------------------------- */

static void why_a_scan_ends(void **unused)
{
	struct fixture *f = make(RLOG_BY_CHECKSUM);
	struct rlog_header *h;
	uint64_t last;

	(void)unused;
	assert_int_equal(scan(f).stop, RLOG_STOP_EMPTY);
	fill(f, 3);
	last = f->log.stored;
	fill(f, 1);
	h = rlog_at(&f->log, last);
	((char *)(h + 1))[0] ^= 1;
	assert_int_equal(scan(f).stop, RLOG_STOP_TORN);
	assert_int_equal(scan(f).records, 3);
	((char *)(h + 1))[0] ^= 1;
	h->sequence += 4;
	rlog_header_seal(h, CRC32C_BEST);
	assert_int_equal(scan(f).stop, RLOG_STOP_SEQUENCE);
	h->sequence -= 4;
	h->epoch = 1;
	rlog_header_seal(h, CRC32C_BEST);
	assert_int_equal(scan(f).stop, RLOG_STOP_STALE);
	h->epoch = 9; /* nobody was ever allowed that one */
	rlog_header_seal(h, CRC32C_BEST);
	assert_int_equal(scan(f).records, 3);
	h->magic++;
	assert_int_equal(scan(f).stop, RLOG_STOP_GARBAGE);
	fill(f, 0);
	drop(f);
	f = make(RLOG_BY_CHECKSUM);
	fill(f, 300);
	assert_int_equal(scan(f).end, f->log.committed);
	assert_true(scan(f).stop == RLOG_STOP_STALE ||
		    scan(f).stop == RLOG_STOP_TORN ||
		    scan(f).stop == RLOG_STOP_GARBAGE);
	drop(f);
}

static void damage_below_the_tail(void **unused)
{
	struct fixture *f = make(RLOG_BY_TAIL);
	struct rlog l;
	struct err err;

	(void)unused;
	fill(f, 4);
	assert_int_equal(scan(f).stop, RLOG_STOP_TAIL);
	f->region[RLOG_RING_AT + 3] ^= 0x10;
	assert_int_equal(scan(f).stop, RLOG_STOP_DAMAGED);
	assert_int_equal(rlog_open(&l, f->region, REGION, 3, &f->io, &err),
			 -EBADMSG);
	assert_words(&err, "damaged at offset 0");
	drop(f);
}

/* Every single bit of what was acknowledged: with one flipped, that record is
 * never recovered as if it were whole. */
static void flipped_bits_are_found(void **unused)
{
	unsigned commit;

	(void)unused;
	for (commit = 0; commit < RLOG_COMMITS; commit++) {
		struct fixture *f = make((enum rlog_commit)commit);
		const struct rlog_header *h;
		uint64_t at, i;

		fill(f, 6);
		for (at = 0; at < f->log.committed; at += rlog_header_span(h)) {
			h = rlog_at(&f->log, at);
			for (i = 0; i < 8 * (sizeof(*h) + h->length); i++) {
				char *byte =
					f->region + RLOG_RING_AT + at + i / 8;

				*byte = (char)(*byte ^ 1 << i % 8);
				assert_int_equal(scan(f).end, at);
				*byte = (char)(*byte ^ 1 << i % 8);
			}
		}
		drop(f);
	}
}

/* A mark or the first line with a flipped bit is not believed: the other
 * mark counts, or there is no log. */
static void flipped_bits_in_marks(void **unused)
{
	struct fixture *f = make(RLOG_BY_CHECKSUM);
	struct rlog_scan s;
	struct err err;
	unsigned i;
	int ret;

	(void)unused;
	fill(f, 3);
	for (i = 0; i < 8 * 192; i++) {
		f->region[i / 8] = (char)(f->region[i / 8] ^ 1 << i % 8);
		ret = rlog_scan(&s, f->region, REGION, NULL, &err);
		if (!ret)
			assert_true(s.mark.epoch == 2 || s.mark.epoch == 1);
		f->region[i / 8] = (char)(f->region[i / 8] ^ 1 << i % 8);
	}
	drop(f);
}

/* --- hostile bytes ----------------------------------------------------------------------- */

/* A log with some bytes changed; sums are put right now and then, so that
 * what is behind them is reached too. */
static void spoil(struct fixture *f, uint64_t *state)
{
	unsigned i, n = 1 + (unsigned)(rng_u64(state) % 6);
	struct rlog_header *h;

	for (i = 0; i < n; i++) {
		uint64_t at = rng_u64(state) % 2 ? rng_u64(state) % 256
						 : rng_u64(state) % REGION;

		f->region[at] = (char)rng_u64(state);
	}
	rlog_super_seal((struct rlog_super *)f->region);
	rlog_mark_seal((struct rlog_mark *)(f->region + RLOG_MARK_AT));
	h = (struct rlog_header *)(f->region + RLOG_RING_AT +
				   rng_u64(state) % (CAPACITY / 2) / 64 * 64);
	h->length = (uint32_t)rng_u64(state) >> rng_u64(state) % 32;
	if (rng_u64(state) % 2 && h->length < CAPACITY / 2 - 64)
		rlog_header_seal(h, CRC32C_BEST);
}

static void hostile_bytes(void **unused)
{
	uint64_t state = 11;
	unsigned i;

	(void)unused;
	for (i = 0; i < 3000; i++) {
		struct fixture *f = make(i % RLOG_COMMITS);

		fill(f, 20);
		spoil(f, &state);
		fuzz_recovery(f->region, REGION);
		drop(f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(known_checksums),
		cmocka_unit_test(all_ways_agree),
		cmocka_unit_test(fastest_way_is_taken),
		cmocka_unit_test(log_is_the_same_by_every_way),
		cmocka_unit_test(what_is_appended_is_recovered),
		cmocka_unit_test(a_commit_persists_once),
		cmocka_unit_test(too_much_is_refused),
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(an_old_leader_is_fenced),
		cmocka_unit_test(a_returning_replica_catches_up),
		cmocka_unit_test(why_a_scan_ends),
		cmocka_unit_test(damage_below_the_tail),
		cmocka_unit_test(flipped_bits_are_found),
		cmocka_unit_test(flipped_bits_in_marks),
		cmocka_unit_test(hostile_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
