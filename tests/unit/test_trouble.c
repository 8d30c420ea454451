/* What a failure's words say of a device: made up here, as no software device
 * tells of more than its port. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "rdma/trouble.h"

static struct {
	int query; /* errno */
	enum ibv_port_state state;
	struct ibv_async_event events[4];
	unsigned n_events, taken, acked;
} dev;

/* verbs.h makes a macro of the name, and asks the symbol in the end. */
int __wrap_ibv_query_port(struct ibv_context *ctx, uint8_t number,
			  struct _compat_ibv_port_attr *attr);
int __wrap_ibv_query_port(struct ibv_context *ctx, uint8_t number,
			  struct _compat_ibv_port_attr *attr)
{
	(void)ctx;
	(void)number;
	if (!dev.query)
		((struct ibv_port_attr *)(void *)attr)->state = dev.state;
	return dev.query;
}

int __wrap_ibv_get_async_event(struct ibv_context *ctx,
			       struct ibv_async_event *ev);
int __wrap_ibv_get_async_event(struct ibv_context *ctx,
			       struct ibv_async_event *ev)
{
	(void)ctx;
	if (dev.taken == dev.n_events) {
		errno = EAGAIN;
		return -1;
	}
	*ev = dev.events[dev.taken++];
	return 0;
}

void __wrap_ibv_ack_async_event(struct ibv_async_event *ev);
void __wrap_ibv_ack_async_event(struct ibv_async_event *ev)
{
	(void)ev;
	dev.acked++;
}

static enum rdma_trouble find(char text[RDMA_TROUBLE_TEXT])
{
	struct ibv_context ctx = {.async_fd = 0};
	const struct rdma_port port = {
		.ctx = &ctx,
		.port = 2,
		.name = "fake0",
	};
	enum rdma_trouble kind;
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	ctx.async_fd = fds[0];
	kind = rdma_trouble_find(&port, text);
	close(fds[0]);
	close(fds[1]);
	return kind;
}

static void add_event(enum ibv_event_type type, int port)
{
	dev.events[dev.n_events++] = (struct ibv_async_event){
		.event_type = type,
		.element.port_num = port,
	};
}

static int reset(void **state)
{
	(void)state;
	memset(&dev, 0, sizeof(dev));
	dev.state = IBV_PORT_ACTIVE;
	return 0;
}

static void test_nothing(void **state)
{
	char text[RDMA_TROUBLE_TEXT] = "?";

	(void)state;
	assert_int_equal(find(text), RDMA_TROUBLE_NONE);
	assert_string_equal(text, "");
}

static void test_port(void **state)
{
	char text[RDMA_TROUBLE_TEXT];

	(void)state;
	dev.state = IBV_PORT_DOWN;
	assert_int_equal(find(text), RDMA_TROUBLE_PORT);
	assert_string_equal(text, "port 2 of fake0 is down");
	dev.query = EIO;
	assert_int_equal(find(text), RDMA_TROUBLE_PORT);
	assert_non_null(strstr(text, "removed"));
}

/* Those of normal life and of other ports are passed over; all that was taken
 * is acknowledged. */
static void test_events(void **state)
{
	char text[RDMA_TROUBLE_TEXT];

	(void)state;
	add_event(IBV_EVENT_PORT_ACTIVE, 2);
	add_event(IBV_EVENT_PORT_ERR, 1);
	assert_int_equal(find(text), RDMA_TROUBLE_NONE);
	add_event(IBV_EVENT_CQ_ERR, 0);
	add_event(IBV_EVENT_DEVICE_FATAL, 0);
	assert_int_equal(find(text), RDMA_TROUBLE_EVENT);
	assert_non_null(strstr(text, "fake0 told of a CQ error"));
	assert_int_equal(dev.acked, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_nothing, reset),
		cmocka_unit_test_setup(test_port, reset),
		cmocka_unit_test_setup(test_events, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
