/* The pulses of two ends in one process: the client's phase goes on until its
 * loop ends it, the server's until the test says that the client has finished. */
#ifndef TESTS_UNIT_PULSES_H
#define TESTS_UNIT_PULSES_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"

static _Atomic bool finished;

static int client_pulse(void *arg, bool progressed, struct err *err)
{
	(void)arg;
	(void)progressed;
	(void)err;
	return 0;
}

static int server_pulse(void *arg, bool progressed, struct err *err)
{
	(void)arg;
	(void)progressed;
	(void)err;
	return finished;
}

#endif
