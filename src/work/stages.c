#include "work/stages.h"

#include <errno.h>
#include <string.h>

#include "machine/counter_event.h"
#include "machine/counters.h"

enum counter_id stages_counter(unsigned i, bool writes)
{
	static const enum counter_id loads[STAGE_COUNTERS] = {
		CTR_LLC_REFS, CTR_LLC_MISSES, CTR_HITM,
		CTR_RFO,      CTR_DTLB_LOADS, CTR_STALLS,
	};

	return writes && loads[i] == CTR_DTLB_LOADS ? CTR_DTLB_STORES
						    : loads[i];
}

static enum reading_state open_one(struct stages *s, unsigned i, bool writes,
				   const struct counter_sys *sys)
{
	const struct counter c = {.id = stages_counter(i, writes)};
	const char *event = counter_event_text(counter_microarch(), &c);
	struct perf_event_attr attr;
	struct err ignored;
	int ret;

	if (!event[0] || sys->encode(event, &attr))
		return READING_NO_EVENT;
	ret = phase_counter_open(&s->pc[s->n], event, sys, &ignored);
	if (!ret) {
		s->which[s->n++] = (uint8_t)i;
		return READING_OK;
	}
	if (ret == -EOPNOTSUPP)
		return READING_NO_PERMISSION; /* rdpmc is forbidden */
	return ret == -ENOENT ? READING_NO_PMU : counters_why(ret);
}

static bool read_counter(const struct phase_counter *pc, uint64_t *value)
{
	return phase_counter_read(pc, value);
}

void stages_open(struct stages *s, const struct clock *clock, bool writes,
		 const struct counter_sys *sys)
{
	unsigned i;

	memset(s, 0, sizeof(*s));
	s->clock = clock;
	s->read = read_counter;
	for (i = 0; i < STAGE_COUNTERS; i++)
		s->why[i] = (uint8_t)open_one(s, i, writes, sys);
}

void stages_close(struct stages *s)
{
	while (s->n)
		phase_counter_close(&s->pc[--s->n]);
}

void stages_begin(struct stages *s, struct tally *t)
{
	unsigned i;

	for (i = 0; i < STAGES; i++)
		s->time[i] = tally_dist(t, s->first_time + i);
	memset(s->sum, 0, sizeof(s->sum));
	s->off = false;
}

void stages_finish(struct stages *s, struct tally *t)
{
	unsigned i, stage;

	for (stage = 0; stage < STAGES; stage++) {
		const unsigned first =
			s->first_counter + stage * STAGE_COUNTERS;

		for (i = 0; i < STAGE_COUNTERS; i++)
			if (s->why[i] != READING_OK)
				tally_lacks(t, first + i,
					    (enum reading_state)s->why[i]);
		for (i = 0; i < s->n; i++) {
			if (s->off)
				tally_lacks(t, first + s->which[i],
					    READING_NOT_RUN);
			else
				tally_set(t, first + s->which[i],
					  s->sum[stage][i]);
		}
	}
}
