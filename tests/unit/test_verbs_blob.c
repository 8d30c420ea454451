/* A blob survives the way; whatever else arrives is refused. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "transport/verbs_blob.h"

/* Where the fields are in the packed form. */
enum {
	AT_MAGIC = 0,
	AT_VERSION = 2,
	AT_FLAGS = 3,
	AT_QP_TYPE = 4,
	AT_LANES = 8,
	AT_MTU = 10,
	AT_PSN = 14,
	AT_QKEY = 18,
	AT_SEGMENT = 22,
	AT_DEPTH = 26,
	AT_ADDR = 46,
	AT_QPN = 85,
};

static void make(struct verbs_blob *b, uint16_t lanes)
{
	struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(4711),
		.sin_addr.s_addr = htonl(0x0a090901),
	};
	unsigned i;

	memset(b, 0, sizeof(*b));
	b->rdma_cm = true;
	b->qp_type = QP_UC;
	b->rd_atomic = 16;
	b->lid = 0x1234;
	b->n_lanes = lanes;
	b->mtu_bytes = 4096;
	b->psn = 0xabcdef;
	b->qkey = 0x7fedcba9;
	b->segment_bytes = 8 << 20;
	b->recv_depth = 128;
	memset(b->gid, 0x5a, sizeof(b->gid));
	memset(b->nonce, 0xa5, sizeof(b->nonce));
	memcpy(&b->addr, &in, sizeof(in));
	for (i = 0; i < lanes; i++)
		b->qpn[i] = 0xfffff0 - i;
}

static void test_round_trip(void **state)
{
	static const uint16_t lanes[] = {1, 2, VERBS_LANES_MAX};
	struct verbs_blob in, out;
	struct blob blob;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lanes) / sizeof(lanes[0]); i++) {
		make(&in, lanes[i]);
		verbs_blob_pack(&blob, &in);
		assert_true(blob.len <= BLOB_MAX);
		assert_int_equal(verbs_blob_unpack(&out, &blob, &err), 0);
		assert_memory_equal(&in, &out, sizeof(in));
	}
}

static void test_ipv6_and_iwarp(void **state)
{
	struct sockaddr_in6 in6 = {
		.sin6_family = AF_INET6,
		.sin6_port = htons(1),
		.sin6_addr.s6_addr = {0xfe, 0x80, [15] = 9},
		.sin6_scope_id = 3,
	};
	struct verbs_blob in, out;
	struct blob blob;
	struct err err;

	(void)state;
	make(&in, 1);
	in.iwarp = true;
	in.mtu_bytes = 0;
	memset(&in.addr, 0, sizeof(in.addr));
	memcpy(&in.addr, &in6, sizeof(in6));
	verbs_blob_pack(&blob, &in);
	assert_int_equal(verbs_blob_unpack(&out, &blob, &err), 0);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void refused(const struct blob *blob)
{
	struct verbs_blob out;
	struct err err = {0};

	assert_int_equal(verbs_blob_unpack(&out, blob, &err), -EPROTO);
	assert_int_equal(err.reason, REASON_PEER_PROTOCOL);
	assert_true(err.text[0]);
}

static void test_lengths(void **state)
{
	struct verbs_blob in;
	struct blob blob;
	uint32_t right, len;

	(void)state;
	make(&in, 3);
	verbs_blob_pack(&blob, &in);
	right = blob.len;
	for (len = 0; len <= BLOB_MAX + 1; len++) {
		if (len == right)
			continue;
		blob.len = len;
		refused(&blob);
	}
	blob.len = UINT32_MAX;
	refused(&blob);
}

static void test_fields(void **state)
{
	static const struct {
		unsigned at, n;
		uint8_t value[4];
	} bad[] = {
		{AT_MAGIC, 2, {0, 0}},
		{AT_VERSION, 1, {1}},
		{AT_FLAGS, 1, {0xff}},
		{AT_QP_TYPE, 1, {QP_TYPES}},
		{AT_FLAGS, 1, {2}}, /* iWARP without RDMA CM */
		{AT_LANES, 2, {0, 0}},
		{AT_LANES, 2, {0, 2}}, /* the length says 1 */
		{AT_LANES, 2, {0xff, 0xff}},
		{AT_MTU, 4, {0, 0, 0, 0}},
		{AT_MTU, 4, {0, 0, 0x10, 1}},
		{AT_MTU, 4, {0, 0, 0x20, 0}},
		{AT_PSN, 4, {1, 0, 0, 0}},
		{AT_QKEY, 4, {0x80, 0, 0, 0}},
		{AT_SEGMENT, 4, {0, 0, 0, 0}},
		{AT_DEPTH, 4, {0, 0, 0, 0}},
		{AT_ADDR, 1, {5}},
		{AT_ADDR + 1, 2, {0, 0}}, /* an address without a port */
		{AT_QPN, 3, {0, 0, 0}},
	};
	struct verbs_blob in, out;
	struct blob good, blob;
	struct err err;
	size_t i;

	(void)state;
	make(&in, 1);
	verbs_blob_pack(&good, &in);
	assert_int_equal(verbs_blob_unpack(&out, &good, &err), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		blob = good;
		memcpy(blob.data + bad[i].at, bad[i].value, bad[i].n);
		refused(&blob);
	}
}

/* Noise: what is let through must be what packs to the same bytes. */
static void test_noise(void **state)
{
	struct verbs_blob in, out;
	struct blob good, blob, again;
	struct err err;
	unsigned i, k;

	(void)state;
	srand(1);
	make(&in, 2);
	verbs_blob_pack(&good, &in);
	for (i = 0; i < 20000; i++) {
		blob = good;
		for (k = 0; k <= i % 4; k++)
			blob.data[(unsigned)rand() % blob.len] =
				(uint8_t)rand();
		if (verbs_blob_unpack(&out, &blob, &err))
			continue;
		verbs_blob_pack(&again, &out);
		assert_int_equal(again.len, blob.len);
		/* Scope and the last 12 bytes mean nothing to IPv4. */
		assert_memory_equal(again.data, blob.data, AT_ADDR + 3);
		assert_memory_equal(again.data + AT_QPN, blob.data + AT_QPN,
				    blob.len - AT_QPN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_ipv6_and_iwarp),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
