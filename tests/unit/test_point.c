/* A point survives the way to the server; a hostile PREPARE is refused. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "point_set.h"
#include "rng.h"
#include "run/point.h"
#include "run/scenario.h"

enum { WIRE_MAX = 8192 };

static struct point made, back;

static void make(void)
{
	point_defaults(&made, scenario_find("sendrecv"));
	point_set(&made, "poll", "event");
	point_set(&made, "size", "12345");
	point_set(&made, "request-size", "same");
	point_set(&made, "prepare", "none");
	point_set(&made, "verify", "each");
	point_set(&made, "transport", "loop");
	point_set(&made, "iterations", "99");
	point_set(&made, "op-timeout", "7s");
	point_set(&made, "mtu", "1024");
	point_set(&made, "device", "rxe0, with a comma");
	point_set(&made, "rdma-cm", "yes");
}

static size_t pack(uint8_t *buf)
{
	struct writer w = {.buf = buf, .cap = WIRE_MAX};

	point_pack(&made, &w);
	assert_false(w.bad);
	return w.len;
}

static int unpack(const uint8_t *buf, size_t len, struct err *err)
{
	struct reader r = {.buf = buf, .len = len};

	memset(&back, 0xaa, sizeof(back));
	memset(err, 0, sizeof(*err));
	return point_unpack(&back, &r, err);
}

static void round_trip(void **state)
{
	uint8_t buf[WIRE_MAX], again[WIRE_MAX];
	struct writer w = {.buf = again, .cap = sizeof(again)};
	struct err err;
	size_t len;

	(void)state;
	make();
	len = pack(buf);
	if (unpack(buf, len, &err))
		fail_msg("%s", err.text);
	assert_ptr_equal(back.scn, made.scn);
	assert_memory_equal(&back.trial, &made.trial, sizeof(made.trial));
	assert_memory_equal(back.scn_cfg, made.scn_cfg, sizeof(made.scn_cfg));
	assert_int_equal(back.link.transport, made.link.transport);
	assert_int_equal(back.link.poll, POLL_EVENT);
	assert_string_equal(back.link.device, "rxe0, with a comma");
	point_pack(&back, &w);
	assert_int_equal(w.len, len);
	assert_memory_equal(again, buf, len);
}

static void refused(const uint8_t *buf, size_t len, const char *words)
{
	struct err err;

	if (!unpack(buf, len, &err))
		fail_msg("taken where it should say '%s'", words);
	assert_int_not_equal(err.reason, REASON_NONE);
	assert_words(&err, words);
}

static void every_truncation(void **state)
{
	uint8_t buf[WIRE_MAX], *exact;
	size_t len, i;

	(void)state;
	make();
	len = pack(buf);
	for (i = 0; i < len; i++) {
		exact = malloc(i ? i : 1);
		memcpy(exact, buf, i);
		refused(exact, i, "");
		free(exact);
	}
	buf[len] = 0;
	refused(buf, len + 1, "PREPARE");
}

/* scenario, one option, its value */
static size_t hostile(uint8_t *buf, const char *scn, const char *name,
		      const char *value)
{
	struct writer w = {.buf = buf, .cap = WIRE_MAX};

	put_str(&w, scn);
	put_u32(&w, 2);
	put_str(&w, "poll");
	put_str(&w, "event");
	put_str(&w, name);
	put_str(&w, value);
	assert_false(w.bad);
	return w.len;
}

static void hostile_values(void **state)
{
	static const struct {
		const char *name, *value, *words;
	} bad[] = {
		{"no-such", "1", "unknown option 'no-such'"},
		{"", "", "unknown option ''"},
		{"bind", "0.0.0.0", "unknown option 'bind'"},
		{"a\n\x1b[2J", "1", "unknown option 'a??[2J'"},
		{"size", "0", "--size 0: out of bounds, 1 to"},
		{"size", "2000G", "--size 2000G: out of bounds"},
		{"size", "18446744073709551615", "--size"},
		{"size", "1k,2k", "--size"},
		{"tx-depth", "1", "--tx-depth 1: out of bounds, 2 to 16384"},
		{"tx-depth", "4000000000", "out of bounds, 2 to 16384"},
		{"transport", "pigeon", "--transport pigeon: not one of"},
		{"transport", "7", "--transport 7: not one of"},
		{"min-ops", "-1", "--min-ops"},
		{"rdma-cm", "2", "--rdma-cm 2: not yes or no"},
		{"cpus", "4096", "--cpus 4096: out of bounds, 0 to 4095"},
		{"poll", "auto", "--poll must be settled by the client"},
	};
	uint8_t buf[WIRE_MAX];
	struct err err;
	size_t i;

	(void)state;
	assert_int_equal(
		unpack(buf, hostile(buf, "sendrecv", "size", "1k"), &err), 0);
	for (i = 0; i < N_OF(bad); i++)
		refused(buf,
			hostile(buf, "sendrecv", bad[i].name, bad[i].value),
			bad[i].words);
}

static void hostile_scenarios(void **state)
{
	char longer[100];
	uint8_t buf[WIRE_MAX];

	(void)state;
	refused(buf, hostile(buf, "", "size", "1k"), "no scenario ''");
	refused(buf, hostile(buf, "sendrecv2", "size", "1k"),
		"no scenario 'sendrecv2'");
	memset(longer, 's', 99);
	longer[99] = '\0';
	refused(buf, hostile(buf, longer, "size", "1k"), "no scenario");
}

static void too_long_texts(void **state)
{
	char longer[OPT_TEXT_MAX + 1];
	uint8_t buf[WIRE_MAX];

	(void)state;
	memset(longer, 'x', OPT_TEXT_MAX);
	longer[OPT_TEXT_MAX] = '\0';
	refused(buf, hostile(buf, "sendrecv", "device", longer), "PREPARE");
	refused(buf, hostile(buf, "sendrecv", longer, "1"), "PREPARE");
}

/* Counts of options that are not there must not cost time or memory. */
static void lying_counts(void **state)
{
	static const uint32_t lies[] = {3, 1000, 0x7fffffff, 0xffffffff};
	uint8_t buf[WIRE_MAX];
	size_t i, len;

	(void)state;
	len = hostile(buf, "sendrecv", "size", "1k");
	for (i = 0; i < N_OF(lies); i++) {
		memcpy(buf + 4 + strlen("sendrecv"), &lies[i], 4);
		refused(buf, len, "does not parse");
	}
	memset(buf + 4 + strlen("sendrecv"), 0, 4);
	refused(buf, len, "PREPARE");
}

/* Whatever is taken is within the bounds of every option. */
static void noise(void **state)
{
	uint8_t buf[WIRE_MAX], orig[WIRE_MAX];
	uint64_t rng = 5;
	struct err err;
	size_t len;
	int i, k;

	(void)state;
	make();
	len = pack(orig);
	for (i = 0; i < 20000; i++) {
		memcpy(buf, orig, len);
		for (k = (int)(rng_u64(&rng) % 3); k >= 0; k--)
			buf[rng_u64(&rng) % len] = (uint8_t)rng_u64(&rng);
		if (unpack(buf, len, &err)) {
			assert_true(err.text[0] != '\0');
			continue;
		}
		assert_true(back.link.poll < POLL_COUNT);
		assert_non_null(link_transport(&back.link));
		assert_in_range(back.link.tx_depth, 2, 16384);
		assert_in_range(back.link.signal_every, 1, 4096);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip),
		cmocka_unit_test(every_truncation),
		cmocka_unit_test(hostile_values),
		cmocka_unit_test(hostile_scenarios),
		cmocka_unit_test(too_long_texts),
		cmocka_unit_test(lying_counts),
		cmocka_unit_test(noise),
	};

	return cmocka_run_group_tests_name("point", tests, NULL, NULL);
}
