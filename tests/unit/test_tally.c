#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric/tally.h"
#include "rng.h"

/* Where the parts are in the wire form, as tally.h has it. */
enum {
	AT_VERSION = 0,
	AT_N_VALUES = 2,
	AT_PRESENT = 4,
	AT_VALUES = 12,
	AT_WHY = AT_VALUES + 8 * METRIC_MAX,
	AT_N_COUNTERS = AT_WHY + METRIC_MAX,
	AT_COUNTERS = AT_N_COUNTERS + 2,
	COUNTER_LEN = 10,
	AT_MARKS = AT_COUNTERS + COUNTER_LEN * TALLY_COUNTERS_MAX,
	AT_HIST = AT_MARKS + 8,
	AT_N_BUCKETS = AT_HIST + 6 * 8,
	AT_BUCKETS = AT_N_BUCKETS + 4,
	BUCKET_LEN = 12,
};

static uint8_t wire[TALLY_PACK_MAX + 64];
static struct tally made, back, other;

/* Where the latency's histogram ends and n_dists is. */
static size_t at_dists(void)
{
	size_t n = wire[AT_N_BUCKETS] | (size_t)wire[AT_N_BUCKETS + 1] << 8;

	return AT_BUCKETS + n * BUCKET_LEN;
}

static size_t make(void)
{
	uint64_t seed = 11;
	int i;

	tally_init(&made);
	tally_set(&made, METRIC_OPS, 300);
	tally_set(&made, METRIC_VERIFIED, 0);
	tally_set(&made, METRIC_BYTES_SENT, UINT64_MAX);
	tally_set(&made, METRIC_MAX - 1, 0x0123456789abcdef);
	made.counter[0] = (struct reading){.state = READING_OK};
	made.counter[1] = (struct reading){
		.value = 77, .state = READING_SCALED, .percent = 48};
	made.counter[TALLY_COUNTERS_MAX - 1].state = READING_NO_PMU;
	made.nic_marks = 5;
	tally_lacks(&made, METRIC_BASE_COUNT, READING_NO_PMU);
	hist_record(tally_dist(&made, METRIC_BASE_COUNT + 2), 40);
	hist_record(tally_dist(&made, METRIC_BASE_COUNT + 1), 41);
	hist_record(tally_dist(&made, METRIC_BASE_COUNT + 2), 42);
	for (i = 0; i < 300; i++)
		hist_record(&made.latency,
			    (uint64_t)(20000 * rng_exponential(&seed)));
	return tally_pack(&made, wire, sizeof(wire));
}

static void assert_same(const struct tally *a, const struct tally *b)
{
	assert_int_equal(a->present, b->present);
	assert_memory_equal(a->value, b->value, sizeof(a->value));
	assert_memory_equal(a->counter, b->counter, sizeof(a->counter));
	assert_int_equal(a->nic_marks, b->nic_marks);
	assert_memory_equal(a->why, b->why, sizeof(a->why));
	assert_memory_equal(&a->latency, &b->latency, sizeof(a->latency));
	assert_int_equal(a->n_dists, b->n_dists);
	assert_memory_equal(a->dist, b->dist, a->n_dists * sizeof(a->dist[0]));
}

static void set_add_has(void **state)
{
	(void)state;
	memset(&made, 0xff, sizeof(made));
	tally_init(&made);
	assert_false(tally_has(&made, METRIC_OPS));
	tally_set(&made, METRIC_OPS, 0);
	assert_true(tally_has(&made, METRIC_OPS));
	assert_false(tally_has(&made, METRIC_OPS + 1));
	tally_add(&made, METRIC_POSTS, 3);
	tally_add(&made, METRIC_POSTS, 4);
	assert_true(tally_has(&made, METRIC_POSTS));
	assert_int_equal(made.value[METRIC_POSTS], 7);
	tally_set(&made, METRIC_POSTS, 1);
	assert_int_equal(made.value[METRIC_POSTS], 1);
}

static void declarations_are_complete(void **state)
{
	unsigned i, k;

	(void)state;
	for (i = 0; i < METRIC_BASE_COUNT; i++) {
		assert_non_null(metric_base[i].name);
		assert_non_null(metric_base[i].unit);
		assert_non_null(metric_base[i].help);
		assert_int_equal(metric_base[i].side, SIDE_BOTH);
		for (k = 0; k < i; k++)
			assert_string_not_equal(metric_base[i].name,
						metric_base[k].name);
	}
	assert_string_equal(metric_base[METRIC_OPS].name, "ops");
	assert_string_equal(metric_base[METRIC_HOST_SOFTIRQ_NS].name,
			    "host_softirq_ns");
}

static void merge_follows_the_rules(void **state)
{
	static const struct metric extra[] = {
		{.name = "a", .merge = MERGE_SUM},
		{.name = "b", .merge = MERGE_MAX},
	};

	(void)state;
	tally_init(&made);
	tally_init(&other);
	tally_set(&made, METRIC_OPS, 3);
	tally_set(&other, METRIC_OPS, 4);
	tally_set(&made, METRIC_ELAPSED, 50);
	tally_set(&other, METRIC_ELAPSED, 40);
	tally_set(&other, METRIC_HOST_BUSY_NS, 0);
	tally_set(&made, METRIC_LINES, 9);
	tally_set(&made, METRIC_BASE_COUNT, 1);
	tally_set(&other, METRIC_BASE_COUNT, 1);
	tally_set(&made, METRIC_BASE_COUNT + 1, 1);
	tally_set(&other, METRIC_BASE_COUNT + 1, 2);
	tally_set(&other, METRIC_BASE_COUNT + 2, 5); /* undeclared */
	made.counter[0] = other.counter[0] =
		(struct reading){.value = 4, .state = READING_OK};
	other.counter[1] = (struct reading){.value = 1, .state = READING_OK};
	made.nic_marks = 1;
	other.nic_marks = 2;
	hist_record(&made.latency, 10);
	hist_record(&other.latency, 20);
	hist_record(tally_dist(&made, METRIC_BASE_COUNT), 1);
	hist_record(tally_dist(&other, METRIC_BASE_COUNT + 1), 4);
	hist_record(tally_dist(&other, METRIC_BASE_COUNT), 2);
	tally_lacks(&other, METRIC_BASE_COUNT, READING_NO_PMU);
	tally_merge(&made, &other, extra, 2);
	assert_int_equal(made.value[METRIC_OPS], 7);
	assert_int_equal(made.value[METRIC_ELAPSED], 50);
	assert_true(tally_has(&made, METRIC_HOST_BUSY_NS));
	assert_int_equal(made.value[METRIC_LINES], 9);
	assert_false(tally_has(&made, METRIC_SENDS));
	assert_int_equal(made.value[METRIC_BASE_COUNT], 2);
	assert_int_equal(made.value[METRIC_BASE_COUNT + 1], 2);
	assert_false(tally_has(&made, METRIC_BASE_COUNT + 2));
	assert_int_equal(made.counter[0].value, 8);
	assert_int_equal(made.counter[1].value, 1);
	assert_int_equal(made.nic_marks, 3);
	assert_int_equal(made.latency.count, 2);
	assert_int_equal(tally_dist_of(&made, METRIC_BASE_COUNT)->count, 2);
	assert_int_equal(tally_dist_of(&made, METRIC_BASE_COUNT + 1)->max, 4);
	assert_null(tally_dist_of(&made, METRIC_BASE_COUNT + 2));
	assert_int_equal(made.why[METRIC_BASE_COUNT], READING_NO_PMU);
	assert_true(made.latency.min == 10 && made.latency.max == 20);
}

/* --- packing ------------------------------------------------------------- */

static void round_trip(void **state)
{
	size_t len = make();

	(void)state;
	assert_true(len > AT_BUCKETS);
	memset(&back, 0xff, sizeof(back));
	assert_int_equal(tally_unpack(&back, wire, len), 0);
	assert_same(&made, &back);

	tally_init(&made);
	len = tally_pack(&made, wire, sizeof(wire));
	assert_int_equal(len, AT_BUCKETS + 2);
	assert_int_equal(tally_unpack(&back, wire, len), 0);
	assert_same(&made, &back);
}

/* Other builds and machines read this. */
static void bytes_are_the_documented_ones(void **state)
{
	static const uint8_t head[] = {4, 0, METRIC_MAX, 0, 2, 0, 0, 0,
				       0, 0, 0,		 0, 0, 0, 0, 0,
				       0, 0, 0,		 0, 8, 7, 6, 5};
	static const uint8_t counters[] = {
		TALLY_COUNTERS_MAX,
		0, /* how many */
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0,
		0, /* not asked for */
		2,
		48,
		1,
		2,
		3,
		4,
		0,
		0,
		0,
		0, /* scaled, 48 % */
	};
	static const uint8_t hist[] = {
		2,  0, 0, 0, 0, 0, 0, 0, /* count */
		3,  0, 0, 0, 0, 0, 0, 0, /* min */
		3,  0, 0, 0, 0, 0, 0, 0, /* max */
		6,  0, 0, 0, 0, 0, 0, 0, /* sum */
		18, 0, 0, 0, 0, 0, 0, 0, /* sum_sq, low */
		0,  0, 0, 0, 0, 0, 0, 0, /* and high */
		1,  0, 0, 0,		 /* buckets used */
		3,  0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0,
	};
	static const uint8_t dists[] = {
		1, 0, METRIC_BASE_COUNT + 3,
		0, /* how many; of which metric */
		1, 0, 0,
		0, 0, 0,
		0, 0, 9, /* count, min, ... */
	};
	size_t len;

	(void)state;
	tally_init(&made);
	tally_set(&made, 1, 0x05060708);
	made.counter[1] = (struct reading){
		.value = 0x04030201, .state = READING_SCALED, .percent = 48};
	made.nic_marks = 0x0102;
	hist_record(&made.latency, 3);
	hist_record(&made.latency, 3);
	hist_record(tally_dist(&made, METRIC_BASE_COUNT + 3), 9);
	tally_lacks(&made, 2, READING_NO_PMU);
	len = tally_pack(&made, wire, sizeof(wire));
	assert_int_equal(len, AT_HIST + sizeof(hist) + 4 + sizeof(hist));
	assert_int_equal(wire[AT_WHY + 2], READING_NO_PMU);
	assert_memory_equal(wire + AT_HIST + sizeof(hist), dists,
			    sizeof(dists));
	assert_memory_equal(wire, head, sizeof(head));
	assert_memory_equal(wire + AT_N_COUNTERS, counters, sizeof(counters));
	assert_memory_equal(wire + AT_MARKS, "\2\1\0\0\0\0\0\0", 8);
	assert_memory_equal(wire + AT_HIST, hist, sizeof(hist));
}

static void pack_stays_in_its_buffer(void **state)
{
	size_t len = make(), cap;
	uint8_t *small;

	(void)state;
	for (cap = 0; cap < len; cap++) {
		small = malloc(cap + 1);
		assert_non_null(small);
		small[cap] = 'G';
		assert_int_equal(tally_pack(&made, small, cap), 0);
		assert_int_equal(small[cap], 'G');
		free(small);
	}
	assert_int_equal(tally_pack(&made, wire, len), len);
}

static void pack_max_is_just_enough(void **state)
{
	unsigned i, k;

	(void)state;
	tally_init(&made);
	for (i = 0; i < HIST_BUCKETS; i++) {
		hist_record(&made.latency, hist_low(i));
		for (k = 0; k < TALLY_DISTS_MAX; k++)
			hist_record(tally_dist(&made, METRIC_BASE_COUNT + k),
				    hist_low(i));
	}
	assert_int_equal(tally_pack(&made, wire, TALLY_PACK_MAX),
			 TALLY_PACK_MAX);
	assert_int_equal(tally_unpack(&back, wire, TALLY_PACK_MAX), 0);
	assert_same(&made, &back);
}

/* --- what a peer may send ------------------------------------------------ */

static void every_truncation_is_refused(void **state)
{
	size_t len = make(), cut;
	uint8_t *exact; /* of just that length, for AddressSanitizer */

	(void)state;
	for (cut = 0; cut < len; cut++) {
		exact = malloc(cut ? cut : 1);
		assert_non_null(exact);
		memcpy(exact, wire, cut);
		assert_int_equal(tally_unpack(&back, exact, cut), -EBADMSG);
		free(exact);
	}
	assert_int_equal(tally_unpack(&back, wire, len + 1), -EBADMSG);
}

/* Whatever is believed must be whole: it packs to the very same bytes, and
 * its numbers hang together. */
static void assert_consistent(const struct tally *t, size_t len)
{
	static uint8_t again[TALLY_PACK_MAX];
	const struct hist *h = &t->latency;
	uint64_t p50 = hist_quantile(h, 0.5);
	double sd = hist_stddev(h), mean = hist_mean(h);

	assert_int_equal(tally_pack(t, again, sizeof(again)), len);
	assert_memory_equal(again, wire, len);
	assert_true(hist_valid(h));
	assert_true(h->min <= p50 && p50 <= h->max);
	assert_true(isfinite(sd) && sd <= (double)(h->max - h->min));
	assert_true(mean >= 0.99 * (double)h->min &&
		    mean <= 1.01 * (double)h->max);
}

static bool is_count(size_t at)
{
	if (at < AT_BUCKETS)
		return at >= AT_N_BUCKETS;
	if (at >= at_dists())
		return false;
	return (at - AT_BUCKETS) % BUCKET_LEN >= 4;
}

static void corruptions_are_refused_or_harmless(void **state)
{
	static const uint8_t flips[] = {0x01, 0x02, 0x10, 0x40, 0x80, 0xff};
	size_t len = make(), i, f, refused = 0;
	int ret;

	(void)state;
	for (i = 0; i < len; i++) {
		for (f = 0; f < sizeof(flips); f++) {
			wire[i] ^= flips[f];
			ret = tally_unpack(&back, wire, len);
			if (!ret)
				assert_consistent(&back, len);
			else
				assert_int_equal(ret, -EBADMSG);
			refused += ret != 0;
			/* a bucket may move to an empty neighbour, but no
			 * count may change */
			if (!ret && is_count(i))
				fail_msg("byte %zu xor %#x was believed", i,
					 flips[f]);
			wire[i] ^= flips[f];
		}
	}
	assert_true(refused > len);
	assert_int_equal(tally_unpack(&back, wire, len), 0);
}

static void random_bytes_do_no_harm(void **state)
{
	size_t len = make(), i, k;
	uint64_t seed = 5;

	(void)state;
	for (k = 0; k < 3000; k++) {
		make();
		for (i = rng_u64(&seed) % 8 + 2; i; i--)
			wire[rng_u64(&seed) % len] = (uint8_t)rng_u64(&seed);
		if (!tally_unpack(&back, wire, len))
			assert_consistent(&back, len);
	}
}

static void refuse_with(size_t at, uint64_t v, unsigned bytes)
{
	size_t len = make();
	unsigned i;

	for (i = 0; i < bytes; i++)
		wire[at + i] = (uint8_t)(v >> 8 * i);
	assert_int_equal(tally_unpack(&back, wire, len), -EBADMSG);
}

static void lies_are_refused(void **state)
{
	(void)state;
	refuse_with(AT_VERSION, TALLY_WIRE_VERSION + 1, 2);
	refuse_with(AT_N_VALUES, METRIC_MAX + 1, 2);
	refuse_with(AT_N_VALUES, 0xffff, 2);
	refuse_with(AT_N_VALUES, 0, 2);
	refuse_with(AT_PRESENT, UINT64_MAX, 8); /* beyond METRIC_MAX */
	refuse_with(AT_PRESENT, 0, 8);		/* values nobody measured */
	refuse_with(AT_N_COUNTERS, TALLY_COUNTERS_MAX + 1, 2);
	refuse_with(AT_N_COUNTERS, 0xffff, 2);
	refuse_with(AT_N_COUNTERS, 0, 2);
	refuse_with(AT_COUNTERS, READING_STATES, 1);
	refuse_with(AT_COUNTERS + 1, 50, 1); /* a share of what was whole */
	refuse_with(AT_COUNTERS + COUNTER_LEN + 1, 0, 1);
	refuse_with(AT_COUNTERS + COUNTER_LEN + 1, 100, 1);
	/* a value of what could not be had */
	refuse_with(AT_COUNTERS + COUNTER_LEN, READING_NO_PMU, 2);
	refuse_with(AT_COUNTERS + 2 * COUNTER_LEN + 2, 1, 8);
	refuse_with(AT_N_BUCKETS, UINT32_MAX, 4);
	refuse_with(AT_N_BUCKETS, 0, 4);
	refuse_with(AT_BUCKETS, HIST_BUCKETS, 4);
	refuse_with(AT_BUCKETS, UINT32_MAX, 4);
	refuse_with(AT_BUCKETS + 4, 0, 8);
	refuse_with(AT_BUCKETS + 4, UINT64_MAX, 8);
	refuse_with(AT_WHY, READING_OK, 1);
	refuse_with(AT_WHY, READING_STATES, 1);
	refuse_with(at_dists(), TALLY_DISTS_MAX + 1, 2);
	refuse_with(at_dists(), 0, 2);
	refuse_with(at_dists() + 2, 0, 2); /* an own histogram of a base one */
	refuse_with(at_dists() + 2, METRIC_MAX, 2);
	refuse_with(at_dists() + 2, METRIC_BASE_COUNT + 1, 2); /* twice */
}

/* A second bucket that repeats the first one's index: the counts and sums
 * that are claimed fit, only the order is wrong. */
static void repeated_buckets_are_refused(void **state)
{
	size_t len;

	(void)state;
	tally_init(&made);
	hist_record(&made.latency, 7);
	hist_record(&made.latency, 8);
	len = tally_pack(&made, wire, sizeof(wire));
	assert_int_equal(tally_unpack(&back, wire, len), 0);
	wire[AT_BUCKETS + BUCKET_LEN] = 7;
	wire[AT_HIST] = 1;	/* count */
	wire[AT_HIST + 16] = 7; /* max */
	wire[AT_HIST + 24] = 7; /* sum */
	wire[AT_HIST + 32] = 49;
	assert_int_equal(tally_unpack(&back, wire, len), -EBADMSG);
}

/* One tally has one wire form. */
static void empty_buckets_are_refused(void **state)
{
	size_t len;

	(void)state;
	tally_init(&made);
	hist_record(&made.latency, 7);
	len = tally_pack(&made, wire, sizeof(wire));
	len -= 2; /* n_dists, which moves */
	memset(wire + len, 0, BUCKET_LEN + 2);
	wire[len] = 8;
	wire[AT_N_BUCKETS] = 2;
	assert_int_equal(tally_unpack(&back, wire, len + BUCKET_LEN + 2),
			 -EBADMSG);
	wire[len + 4] = 1; /* of a count that is in none of the sums */
	assert_int_equal(tally_unpack(&back, wire, len + BUCKET_LEN + 2),
			 -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(set_add_has),
		cmocka_unit_test(declarations_are_complete),
		cmocka_unit_test(merge_follows_the_rules),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(bytes_are_the_documented_ones),
		cmocka_unit_test(pack_stays_in_its_buffer),
		cmocka_unit_test(pack_max_is_just_enough),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(corruptions_are_refused_or_harmless),
		cmocka_unit_test(random_bytes_do_no_harm),
		cmocka_unit_test(lies_are_refused),
		cmocka_unit_test(repeated_buckets_are_refused),
		cmocka_unit_test(empty_buckets_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
