#include "metric/reading.h"

typedef unsigned __int128 u128;

static const struct {
	enum reason reason;
	const char *words;
} states[READING_STATES] = {
	[READING_NONE] = {REASON_NONE, "not asked for"},
	[READING_OK] = {REASON_NONE, ""},
	[READING_SCALED] = {REASON_NONE, ""},
	[READING_NO_PMU] = {REASON_NO_PMU,
			    "the kernel offers no hardware counters here"},
	[READING_NO_EVENT] = {REASON_NO_PMU, "not an event of this processor"},
	[READING_NO_PERMISSION] = {REASON_NO_PERMISSION,
				   "the kernel does not let this user count it "
				   "(sysctl kernel.perf_event_paranoid, or "
				   "CAP_PERFMON)"},
	[READING_NO_FD] = {REASON_NO_MEMORY, "too many open files (ulimit -n)"},
	[READING_NOT_RUN] = {REASON_DEVICE_LIMIT,
			     "it was never on the PMU (time_running 0): more "
			     "events than counters, or a watchdog has them"},
	[READING_BUSY] = {REASON_IN_USE, "somebody else holds the PMU"},
	[READING_UNREADABLE] = {REASON_IO_ERROR,
				"it could not be read, or it ran backwards"},
	[READING_NO_RDMA] = {REASON_NOT_IN_TRANSPORT,
			     "the link uses no RDMA device"},
	[READING_NOT_IN_NIC] = {REASON_DEVICE_LIMIT,
				"this RDMA device does not count it"},
	[READING_NO_NUMBER] = {REASON_NOT_IN_TRANSPORT,
			       "on a link that loses messages, one below 8 "
			       "bytes does not say which it is"},
	[READING_TOO_FEW] = {REASON_LINK_FAILED,
			     "of messages that may be lost too few arrived, or "
			     "all at once, to say how fast"},
	[READING_ONE_OF_MANY] =
		{REASON_NOT_ASKED,
		 "several threads or processes worked, and a "
		 "thread's counter has one of them: --threads 1 "
		 "and --processes 1"},
};

static uint64_t scale(uint64_t value, uint64_t enabled, uint64_t running)
{
	u128 v = (u128)value * enabled / running;

	return v > UINT64_MAX ? UINT64_MAX : (uint64_t)v;
}

struct reading reading_of(uint64_t value, uint64_t enabled, uint64_t running)
{
	struct reading r = {.state = READING_NOT_RUN};
	u128 percent;

	if (!running)
		return r;
	if (running >= enabled)
		return (struct reading){.value = value, .state = READING_OK};
	percent = (u128)running * 100 / enabled;
	r.state = READING_SCALED;
	r.percent = percent ? (uint8_t)percent : 1;
	r.value = scale(value, enabled, running);
	return r;
}

void reading_merge(struct reading *into, const struct reading *from)
{
	if (from->state == READING_NONE || !reading_has(into)) {
		if (into->state == READING_NONE)
			*into = *from;
		return;
	}
	if (!reading_has(from)) {
		*into = *from;
		return;
	}
	into->value += from->value;
	if (from->state == READING_OK)
		return;
	if (into->state == READING_OK || from->percent < into->percent)
		into->percent = from->percent;
	into->state = READING_SCALED;
}

enum reason reading_reason(enum reading_state state)
{
	return states[state].reason;
}

const char *reading_words(enum reading_state state)
{
	return states[state].words;
}

bool reading_valid(const struct reading *r)
{
	if (r->state >= READING_STATES)
		return false;
	if (r->state == READING_SCALED)
		return r->percent >= 1 && r->percent <= 99;
	return !r->percent && (r->state == READING_OK || !r->value);
}
