/* What conformance cannot reach by transport.h: a peer that writes nonsense
 * into the shared memory. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "transport/loop_move.h"

extern const struct transport transport_loop;

static void link_up(struct ep *ep[2])
{
	struct blob blob[2];
	struct err err;
	unsigned i;

	for (i = 0; i < 2; i++) {
		struct ep_attr attr = {
			.role = i ? ROLE_PASSIVE : ROLE_ACTIVE,
			.lanes = 1,
			.send_depth = 4,
			.recv_depth = 4,
			.max_bytes = 64,
		};

		assert_int_equal(
			transport_loop.open(&ep[i], &attr, &blob[i], &err), 0);
	}
	for (i = 0; i < 2; i++)
		if (transport_loop.connect(ep[i], &blob[!i], 0, &err))
			fail_msg("%s", err.text);
}

static int post(struct ep *ep, enum op op, char *buf, size_t len)
{
	struct sge sge = {.addr = buf, .len = len};
	struct work w = {.op = op, .n_sges = 1, .sges = &sge};

	return transport_loop.post(ep, &w, 1);
}

/* The receiver's poll after `ep[0]` has set its head to `head` and the
 * length at the start of its ring to `len`. */
static int poll_after(uint64_t head, uint64_t len, enum reason *reason)
{
	struct ep *ep[2];
	struct loop *evil;
	struct comp c;
	char buf[64];
	int ret;

	link_up(ep);
	evil = loop_of(ep[0]);
	memcpy(evil->own.rings[0], &len, sizeof(len));
	atomic_store(&evil->own.index[0].head, head);
	assert_int_equal(post(ep[1], OP_RECV, buf, sizeof(buf)), 0);
	ret = transport_loop.poll(ep[1], &c, 1);
	*reason = ep[1]->err.reason;
	transport_loop.close(ep[0]);
	transport_loop.close(ep[1]);
	return ret;
}

static void test_heads(void **state)
{
	static const uint64_t heads[] = {1, 12, 1 << 21, UINT64_MAX,
					 (uint64_t)0 - 8};
	enum reason reason;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
		assert_int_equal(poll_after(heads[i], 64, &reason), -EPROTO);
		assert_int_equal(reason, REASON_PEER_PROTOCOL);
	}
}

static void test_lengths(void **state)
{
	static const uint64_t lens[] = {0, 65, 1 << 20, UINT64_MAX};
	enum reason reason;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		assert_int_equal(poll_after(4096, lens[i], &reason), -EMSGSIZE);
		assert_int_equal(reason, REASON_LINK_FAILED);
	}
	assert_int_equal(poll_after(4096, 64, &reason), 1);
}

/* A tail that is not sound is not believed: the sender gets no room by it,
 * and overwrites nothing. */
static void test_tails(void **state)
{
	static const uint64_t tails[] = {4, 1 << 22, UINT64_MAX};
	char buf[64] = "x";
	unsigned i, k;

	(void)state;
	for (i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		struct ep *ep[2];
		struct loop *p;

		link_up(ep);
		p = loop_of(ep[0]);
		atomic_store(&p->own.index[0].tail, tails[i]);
		for (k = 0; k < 1000; k++)
			if (post(ep[0], OP_SEND, buf, sizeof(buf)))
				break;
		assert_true(p->lanes[0].tx.pos <= p->own.ring_bytes);
		assert_int_equal(ep[0]->err.reason, REASON_INTERNAL);
		transport_loop.close(ep[0]);
		transport_loop.close(ep[1]);
	}
}

static void test_missing_operations_are_named(void **state)
{
	const struct ep ep = {
		.tp = transport_find("loop"),
		.caps = {.ops = OP_BIT(OP_SEND), .qp_type = "UD"},
	};
	struct err err = {.text = ""};

	(void)state;
	assert_int_equal(ep_has_ops(&ep, OP_BIT(OP_SEND), "ops", &err), 0);
	assert_int_equal(ep_has_ops(&ep,
				    OP_BIT(OP_SEND) | OP_BIT(OP_READ) |
					    OP_BIT(OP_CMP_SWAP),
				    "ops", &err),
			 -EOPNOTSUPP);
	assert_int_equal(err.reason, REASON_NOT_IN_TRANSPORT);
	assert_string_equal(
		err.text, "loop UD has no read, compare-swap, which ops needs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_tails),
		cmocka_unit_test(test_missing_operations_are_named),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
