/* The pulses of two ends in one process: the client's phase goes on until its
 * loop ends it or the other end has failed, the server's until the test says
 * that it is finished. */
#ifndef TESTS_UNIT_PULSES_H
#define TESTS_UNIT_PULSES_H

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"

static _Atomic bool finished;

static int client_pulse(void *arg, bool progressed, struct err *err)
{
	(void)arg;
	(void)progressed;
	return finished ? err_set(err, -ECANCELED, REASON_PEER_LOST,
				  "the server's end has failed")
			: 0;
}

static int server_pulse(void *arg, bool progressed, struct err *err)
{
	(void)arg;
	(void)progressed;
	(void)err;
	return finished;
}

#endif
