/* Waiting on a link that brings nothing, on a machine where each look takes
 * long, as others run meanwhile. */
#include "unit.h"

#include <string.h>
#include <time.h>

#include "transport/transport.h"

#define LOOK_NS 2000000
#define TIMEOUT_NS 1000000ull

static unsigned looks;

static int slow_poll(struct ep *ep, struct comp *comp, unsigned n)
{
	const struct timespec look = {.tv_nsec = LOOK_NS};

	(void)ep;
	(void)comp;
	(void)n;
	looks++;
	nanosleep(&look, NULL);
	return 0;
}

/* Else nobody hears of us meanwhile: whoever waits, pulses in between. */
static void yields_have_a_limit(void **state)
{
	const struct transport slow = {.poll = slow_poll};
	struct ep ep;
	struct comp comp;

	(void)state;
	memset(&ep, 0, sizeof(ep));
	ep.tp = &slow;
	ep.poll = POLL_YIELD;
	looks = 0;
	assert_int_equal(ep_wait(&ep, &comp, 1, TIMEOUT_NS), 0);
	assert_true(looks > 0 && looks <= 32);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yields_have_a_limit),
	};

	return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
