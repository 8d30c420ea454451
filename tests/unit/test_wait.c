/* Waiting on a link that brings nothing: how often it is looked at, also on a
 * machine where each look takes long, as others run meanwhile. */
#include "unit.h"

#include <string.h>
#include <time.h>

#include "transport/transport.h"

#define LOOK_NS 2000000
#define TIMEOUT_NS 1000000ull

static unsigned looks;

static int empty_poll(struct ep *ep, struct comp *comp, unsigned n)
{
	(void)ep;
	(void)comp;
	(void)n;
	looks++;
	return 0;
}

/* How often an end that spins looks at an empty link of this kind, of which it
 * was told to wait no time: until its second look at the clock. */
static unsigned looks_of_no_time(bool polls_by_syscall)
{
	const struct transport empty = {
		.poll = empty_poll,
		.polls_by_syscall = polls_by_syscall,
	};
	struct ep ep;
	struct comp comp;

	memset(&ep, 0, sizeof(ep));
	ep.tp = &empty;
	ep.poll = POLL_SPIN;
	looks = 0;
	assert_int_equal(ep_look(&ep, &comp, 1), 0);
	assert_int_equal(looks, ep_polls_per_clock(&ep));
	looks = 0;
	assert_int_equal(ep_wait(&ep, &comp, 1, 0), 0);
	return looks;
}

/* Else a deadline, a Ctrl-C and a peer's end are seen late by who polls many
 * sockets. */
static void system_calls_are_fewer_to_a_clock(void **state)
{
	const struct transport *tcp = transport_find("tcp");

	(void)state;
	assert_non_null(tcp);
	assert_true(tcp->polls_by_syscall);
	assert_int_equal(looks_of_no_time(true), 1 + 2 * 256);
	assert_int_equal(looks_of_no_time(false), 1 + 2 * 1024);
}

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
		cmocka_unit_test(system_calls_are_fewer_to_a_clock),
		cmocka_unit_test(yields_have_a_limit),
	};

	return cmocka_run_group_tests_name("wait", tests, NULL, NULL);
}
