/* What a process holds of a device, counted from answers as the kernel gives
 * them (drivers/infiniband/core/nldev.c), right and broken ones. */
#include "unit.h"

#include <rdma/rdma_netlink.h>

#include "nldev_answer.h"
#include "rdma/resources.h"

enum { US = 4711, THEM = 4712 };

/* A queue pair of `pid`; 0: of the kernel, which has a name instead. */
static void put_qp(uint32_t pid)
{
	uint32_t at = begin_attr(RDMA_NLDEV_ATTR_RES_QP_ENTRY);

	put_number(RDMA_NLDEV_ATTR_RES_LQPN, 17);
	if (pid)
		put_number(RDMA_NLDEV_ATTR_RES_PID, pid);
	else
		put_name(RDMA_NLDEV_ATTR_RES_KERN_NAME, "ib_core");
	end_attr(at);
}

static void make_answer(const uint32_t *pids, unsigned n)
{
	uint32_t at;
	unsigned i;

	memset(buf, 0, sizeof(buf));
	len = 0;
	put_number(RDMA_NLDEV_ATTR_DEV_INDEX, 0);
	put_name(RDMA_NLDEV_ATTR_DEV_NAME, "rxe0");
	at = begin_attr(RDMA_NLDEV_ATTR_RES_QP);
	for (i = 0; i < n; i++)
		put_qp(pids[i]);
	end_attr(at);
}

static uint64_t count(enum rdma_resource kind)
{
	uint64_t n = 0;

	rdma_resources_count(buf, len, kind, US, &n);
	return n;
}

static void ours_and_no_others(void **state)
{
	static const uint32_t pids[] = {0, US, THEM, US, 0, US};

	(void)state;
	make_answer(pids, N_OF(pids));
	assert_int_equal(count(RDMA_RESOURCE_QP), 3);
	assert_int_equal(count(RDMA_RESOURCE_CQ), 0);
	make_answer(pids, 1);
	assert_int_equal(count(RDMA_RESOURCE_QP), 0);
	make_answer(pids, 0);
	assert_int_equal(count(RDMA_RESOURCE_QP), 0);
}

static void look(const char *attrs, uint32_t n)
{
	uint64_t found = 0;

	rdma_resources_count(attrs, n, RDMA_RESOURCE_QP, US, &found);
	assert_true(found <= 2);
}

static void broken_answers(void **state)
{
	static const uint32_t pids[] = {US, US};

	(void)state;
	make_answer(pids, N_OF(pids));
	show_broken(look);
}

static void what_is_left(void **state)
{
	const struct rdma_resources before = {{1, 1, 1, 4, 0}};
	struct rdma_resources after = before;
	char text[RDMA_RESOURCES_TEXT];

	(void)state;
	assert_int_equal(rdma_resources_left(&before, &after), 0);
	assert_string_equal(rdma_resources_text(text, &before, &after), "");
	after.n[RDMA_RESOURCE_MR] = 3; /* fewer do not make up for others */
	after.n[RDMA_RESOURCE_QP] = 3;
	after.n[RDMA_RESOURCE_CM_ID] = 1;
	assert_int_equal(rdma_resources_left(&before, &after), 3);
	assert_string_equal(rdma_resources_text(text, &before, &after),
			    "2 QP, 1 CM id");
}

static void no_such_device(void **state)
{
	struct rdma_resources r = {{9}};

	(void)state;
	assert_true(rdma_resources_read(&r, "nosuch0") < 0);
	assert_int_equal(r.n[0], 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ours_and_no_others),
		cmocka_unit_test(broken_answers),
		cmocka_unit_test(what_is_left),
		cmocka_unit_test(no_such_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
