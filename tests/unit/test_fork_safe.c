/* Registered memory and fork: libibverbs is told before a device is opened,
 * on kernels that need it, and nothing is opened if it cannot. */
#include "unit.h"

#include <errno.h>

#include "rdma/port.h"

/* libibverbs, as far as opening goes: on which kernel, and in which order
 * it was called. */
static struct {
	enum ibv_fork_status status;
	int refuses; /* errno of ibv_fork_init */
	unsigned inits, opens;
	unsigned inits_before_open;
} lib;

enum ibv_fork_status __wrap_ibv_is_fork_initialized(void);
enum ibv_fork_status __wrap_ibv_is_fork_initialized(void)
{
	return lib.status;
}

int __wrap_ibv_fork_init(void);
int __wrap_ibv_fork_init(void)
{
	lib.inits++;
	if (!lib.refuses)
		lib.status = IBV_FORK_ENABLED;
	return lib.refuses;
}

struct ibv_context *__wrap_ibv_open_device(struct ibv_device *dev);
struct ibv_context *__wrap_ibv_open_device(struct ibv_device *dev)
{
	(void)dev;
	lib.inits_before_open = lib.inits;
	lib.opens++;
	errno = EACCES;
	return NULL;
}

static int open_one(struct err *err)
{
	static struct ibv_device dev = {.name = "none0", .dev_name = "none0"};
	struct rdma_port port;

	*err = (struct err){0};
	return rdma_port_open_device(&port, &dev, err);
}

static void test_old_kernel(void **state)
{
	struct err err;

	(void)state;
	memset(&lib, 0, sizeof(lib));
	lib.status = IBV_FORK_DISABLED;
	assert_int_equal(open_one(&err), -EACCES);
	assert_int_equal(lib.inits_before_open, 1);
	/* Once: a second device finds it done. */
	assert_int_equal(open_one(&err), -EACCES);
	assert_int_equal(lib.inits, 1);
	assert_int_equal(lib.opens, 2);
}

static void test_kernel_copies(void **state)
{
	struct err err;

	(void)state;
	memset(&lib, 0, sizeof(lib));
	lib.status = IBV_FORK_UNNEEDED;
	assert_int_equal(open_one(&err), -EACCES);
	assert_int_equal(lib.inits, 0);
	assert_int_equal(lib.opens, 1);
}

static void test_refused(void **state)
{
	struct err err;

	(void)state;
	memset(&lib, 0, sizeof(lib));
	lib.status = IBV_FORK_DISABLED;
	lib.refuses = EINVAL;
	assert_int_equal(open_one(&err), -EINVAL);
	assert_int_equal(lib.opens, 0);
	assert_non_null(strstr(err.text, "fork"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_old_kernel),
		cmocka_unit_test(test_kernel_copies),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
