/* A window whose operations are complete at once never waits for them: whether
 * its peer hears of it all the same. */
#include "window_pair.h"

static unsigned pulses;

static int counting_pulse(void *arg, bool progressed, struct err *err)
{
	pulses += progressed;
	return client_pulse(arg, progressed, err);
}

/* The server of writes has nothing to do but hear whether the client lives. */
static void who_never_waits_is_heard(void **state)
{
	const struct phase ph = {.measured = true,
				 .max_ops = UINT64_MAX,
				 .max_ns = 2 * END_LOOK_NS};

	(void)state;
	open_windows();
	client.pulse = counting_pulse;
	run_windows(&ph);
	assert_true(pulses >= 1);
	close_windows();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_never_waits_is_heard),
	};

	init_windows();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
