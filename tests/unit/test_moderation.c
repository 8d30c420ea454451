/* Moderated completion events (rdma/qp.h) on a device that is made up: none
 * that the tests have grants them. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "rdma/qp.h"

static struct {
	int answer; /* of ibv_modify_cq: 0, an errno, or a negative one */
	unsigned calls;
	struct ibv_modify_cq_attr asked;
} device;

static int modify_cq(struct ibv_cq *cq, struct ibv_modify_cq_attr *attr)
{
	(void)cq;
	device.calls++;
	device.asked = *attr;
	return device.answer;
}

static struct verbs_context context = {
	.sz = sizeof(struct verbs_context),
	.modify_cq = modify_cq,
	.context = {.abi_compat = __VERBS_ABI_IS_EXTENDED},
};

static int moderate(int answer, uint16_t count, uint16_t period_us,
		    struct err *err)
{
	struct ibv_cq queue = {.context = &context.context};
	struct rdma_cq cq = {.cq = &queue};
	struct rdma_port port = {.ctx = &context.context};

	strcpy(port.name, "made0");
	memset(&device, 0, sizeof(device));
	device.answer = answer;
	return rdma_cq_moderate(&cq, &port, count, period_us, err);
}

static void granted(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(moderate(0, 16, 100, &err), 0);
	assert_int_equal(device.calls, 1);
	assert_int_equal(device.asked.attr_mask, IBV_CQ_ATTR_MODERATE);
	assert_int_equal(device.asked.moderate.cq_count, 16);
	assert_int_equal(device.asked.moderate.cq_period, 100);
	assert_int_equal(moderate(0, 0, 7, &err), 0);
	assert_int_equal(device.asked.moderate.cq_period, 7);
}

/* Providers answer with an errno, some with a negative one. */
static void refused(void **state)
{
	static const int answers[] = {EOPNOTSUPP, -EOPNOTSUPP, EINVAL};
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(answers); i++) {
		struct err err;

		assert_int_equal(moderate(answers[i], 4, 0, &err), -EOPNOTSUPP);
		assert_int_equal(err.reason, REASON_DEVICE_LIMIT);
		assert_non_null(strstr(err.text, "made0"));
		assert_non_null(strstr(err.text, strerror(abs(answers[i]))));
	}
}

static void not_asked(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(moderate(EINVAL, 0, 0, &err), 0);
	assert_int_equal(device.calls, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(granted),
		cmocka_unit_test(refused),
		cmocka_unit_test(not_asked),
	};

	return cmocka_run_group_tests_name("moderation", tests, NULL, NULL);
}
