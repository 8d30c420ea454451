/*
 * What unpacks bytes that came over a wire: the first byte of the input says
 * which, and whether the others are the bytes themselves, or changes to a
 * good message (two bytes of place, one that is added), so that the fuzzer is
 * past magic, version and lengths from the start.
 */
#include <stdlib.h>
#include <string.h>

#include "calm.h"
#include "ctl/chan.h"
#include "ctl/hello.h"
#include "metric/tally.h"
#include "run/conditions.h"
#include "run/point.h"
#include "run/scenario.h"
#include "transport/verbs_blob.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void hello(uint8_t *data, size_t size)
{
	struct reader r = {.buf = data, .len = size};
	struct fact fact;
	static struct hello h;
	struct err err;
	size_t at = 0;

	if (hello_unpack(&h, &r, &err))
		return;
	must(memchr(h.host.name, 0, sizeof(h.host.name)) != NULL);
	while (facts_next(&h.facts, &at, &fact))
		must(strlen(fact.value) + strlen(fact.unknown) < FACTS_BYTES);
}

/* What was taken travels on unchanged. */
static void point(uint8_t *data, size_t size)
{
	struct reader r = {.buf = data, .len = size};
	static uint8_t one[64 * 1024], two[64 * 1024];
	struct writer first = {.buf = one, .cap = sizeof(one)};
	struct writer second = {.buf = two, .cap = sizeof(two)};
	static struct point pt;
	struct need need;
	struct err err;

	if (point_unpack(&pt, &r, &err))
		return;
	pt.scn->need(pt.scn_cfg, &need);
	point_pack(&pt, &first);
	r = (struct reader){.buf = one, .len = first.len};
	must(!first.bad && !point_unpack(&pt, &r, &err));
	point_pack(&pt, &second);
	must(first.len == second.len && !memcmp(one, two, first.len));
}

static void tally(uint8_t *data, size_t size)
{
	static struct tally t, sum;
	static uint8_t buf[TALLY_PACK_MAX];

	if (tally_unpack(&t, data, size))
		return;
	must(tally_pack(&t, buf, sizeof(buf)) == size);
	must(!memcmp(buf, data, size));
	tally_init(&sum);
	tally_merge(&sum, &t, NULL, 0);
}

static void verbs(uint8_t *data, size_t size)
{
	struct blob blob, again;
	struct verbs_blob in;
	struct err err;

	if (size > BLOB_MAX)
		return;
	memset(&blob, 0, sizeof(blob));
	memcpy(blob.data, data, size);
	blob.len = (uint32_t)size;
	if (verbs_blob_unpack(&in, &blob, &err))
		return;
	must(in.n_lanes >= 1 && in.n_lanes <= VERBS_LANES_MAX);
	verbs_blob_pack(&again, &in);
	must(again.len == blob.len);
}

static void words(uint8_t *data, size_t size)
{
	static struct frame f;
	struct reader r = {.buf = data, .len = size};
	struct conditions is;
	struct err err;

	f.len = size < sizeof(f.payload) ? size : sizeof(f.payload);
	memcpy(f.payload, data, f.len);
	frame_words(&f, &err);
	must(err.reason < REASON_COUNT && strlen(err.text) < ERR_TEXT_MAX);
	conditions_unpack(&is, &r);
}

/* --- good messages --------------------------------------------------------- */

enum { GOOD_MAX = 16384 };

static size_t good_hello(uint8_t *buf)
{
	static struct hello h = {.version = CTL_VERSION, .sessions = 2};
	const struct fact fact = {.section = "rdma",
				  .item = "rxe0",
				  .key = "mtu",
				  .value = "1024",
				  .unit = "bytes",
				  .unknown = ""};
	struct writer w = {.buf = buf, .cap = GOOD_MAX};

	strcpy(h.host.name, "lab1");
	facts_clear(&h.facts);
	facts_add(&h.facts, &fact);
	facts_add(&h.facts, &fact);
	hello_pack(&h, &w);
	return w.len;
}

static size_t good_point(uint8_t *buf)
{
	static struct point pt;
	struct writer w = {.buf = buf, .cap = GOOD_MAX};

	point_defaults(&pt, scenario_find("sendrecv"));
	pt.link.poll = POLL_EVENT;
	point_pack(&pt, &w);
	return w.len;
}

static size_t good_tally(uint8_t *buf)
{
	static struct tally t;
	uint64_t i;

	tally_init(&t);
	tally_set(&t, METRIC_OPS, 20);
	for (i = 0; i < 20; i++) {
		hist_record(&t.latency, 1000 + i * i * i * 100);
		hist_record(tally_dist(&t, METRIC_BASE_COUNT + 2), i);
	}
	t.counter[0] = (struct reading){.state = READING_OK, .percent = 100};
	return tally_pack(&t, buf, GOOD_MAX);
}

static size_t good_verbs(uint8_t *buf)
{
	struct verbs_blob in = {.rdma_cm = true,
				.n_lanes = 3,
				.mtu_bytes = 1024,
				.segment_bytes = 1 << 20,
				.recv_depth = 16,
				.rd_atomic = 4,
				.addr = {.ss_family = AF_INET},
				.qpn = {17, 18, 19}};
	struct blob blob;

	verbs_blob_pack(&blob, &in);
	memcpy(buf, blob.data, blob.len);
	return blob.len;
}

static size_t good_words(uint8_t *buf)
{
	struct conditions is = {.numa_node = -1, .idle_why = "no such file"};
	struct writer w = {.buf = buf, .cap = GOOD_MAX};

	conditions_pack(&is, &w);
	return w.len;
}

static void change(uint8_t *buf, size_t len, const uint8_t *data, size_t size)
{
	for (; size >= 3; size -= 3, data += 3)
		buf[(data[0] | (unsigned)data[1] << 8) % len] += data[2];
}

static const struct {
	void (*run)(uint8_t *, size_t);
	size_t (*good)(uint8_t *);
} all[] = {{hello, good_hello},
	   {point, good_point},
	   {tally, good_tally},
	   {verbs, good_verbs},
	   {words, good_words}};

enum { ALL = sizeof(all) / sizeof(all[0]) };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t good[GOOD_MAX], *copy;
	const uint8_t *from = data + 1;
	size_t len = size - 1;
	unsigned which;

	if (!size)
		return 0;
	which = data[0] % (2 * ALL);
	if (which >= ALL) {
		len = all[which - ALL].good(good);
		change(good, len, data + 1, size - 1);
		from = good;
	}
	/* Of the exact size, so that a byte beyond it is noticed. */
	copy = malloc(len);
	if (!copy)
		return 0;
	memcpy(copy, from, len);
	all[which % ALL].run(copy, len);
	free(copy);
	return 0;
}
