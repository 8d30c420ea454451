/* A port's counters from answers as the kernel gives them
 * (drivers/infiniband/core/nldev.c, stat_get_doit_default_counter), right and
 * broken ones. */
#include "unit.h"

#include <rdma/rdma_netlink.h>

#include "nldev_answer.h"
#include "rdma/hw_stats.h"

static void put_stat(const char *name, uint64_t value)
{
	uint32_t at = begin_attr(RDMA_NLDEV_ATTR_STAT_HWCOUNTER_ENTRY), v;

	put_name(RDMA_NLDEV_ATTR_STAT_HWCOUNTER_ENTRY_NAME, name);
	v = begin_attr(RDMA_NLDEV_ATTR_STAT_HWCOUNTER_ENTRY_VALUE);
	memcpy(buf + len, &value, sizeof(value));
	len += (uint32_t)sizeof(value);
	end_attr(v);
	end_attr(at);
}

static uint32_t begin_answer(void)
{
	memset(buf, 0, sizeof(buf));
	len = 0;
	put_number(RDMA_NLDEV_ATTR_DEV_INDEX, 0);
	put_name(RDMA_NLDEV_ATTR_DEV_NAME, "rxe0");
	put_number(RDMA_NLDEV_ATTR_PORT_INDEX, 1);
	return begin_attr(RDMA_NLDEV_ATTR_STAT_HWCOUNTERS | NLA_F_NESTED);
}

static void names_and_values(void **state)
{
	struct nic_stat v[3];
	uint32_t at = begin_answer();

	(void)state;
	put_stat("sent_pkts", 1ull << 40);
	put_stat("rcvd_pkts", 0);
	end_attr(at);
	assert_int_equal(rdma_hw_stats_of(buf, len, v, N_OF(v)), 2);
	assert_string_equal(v[0].name, "sent_pkts");
	assert_int_equal(v[0].value, 1ull << 40);
	assert_string_equal(v[1].name, "rcvd_pkts");
	assert_int_equal(v[1].value, 0);
}

/* More than there is room for are counted, and not written. */
static void no_more_than_there_is_room_for(void **state)
{
	struct nic_stat v[2] = {{.name = ""}, {.name = "mine"}};
	uint32_t at = begin_answer();

	(void)state;
	put_stat("sent_pkts", 1);
	put_stat("rcvd_pkts", 2);
	end_attr(at);
	assert_int_equal(rdma_hw_stats_of(buf, len, v, 1), 2);
	assert_string_equal(v[1].name, "mine");
}

/* A name that would not fit is none that anybody asks for. */
static void a_long_name_is_left_out(void **state)
{
	struct nic_stat v[2];
	uint32_t at = begin_answer();

	(void)state;
	put_stat("a_name_that_is_longer_than_any_that_is_known", 1);
	put_stat("rcvd_pkts", 2);
	end_attr(at);
	assert_int_equal(rdma_hw_stats_of(buf, len, v, N_OF(v)), 1);
	assert_string_equal(v[0].name, "rcvd_pkts");
}

static void look(const char *attrs, uint32_t n)
{
	struct nic_stat v[2];

	assert_true(rdma_hw_stats_of(attrs, n, v, N_OF(v)) <= 2);
}

static void broken_answers(void **state)
{
	uint32_t at = begin_answer();

	(void)state;
	put_stat("sent_pkts", 1);
	put_stat("rcvd_pkts", 2);
	end_attr(at);
	show_broken(look);
}

static void no_such_device(void **state)
{
	struct nic_stat v[1];

	(void)state;
	assert_true(rdma_hw_stats("nosuch0", 1, v, N_OF(v)) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_values),
		cmocka_unit_test(no_more_than_there_is_room_for),
		cmocka_unit_test(a_long_name_is_left_out),
		cmocka_unit_test(broken_answers),
		cmocka_unit_test(no_such_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
