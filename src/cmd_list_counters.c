/* `rdmabench list counters`: what there is here, by set, or why not. */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "machine/counter_event.h"
#include "machine/counters.h"
#include "machine/host.h"

static const char *event_of(const char *microarch, const struct counter *c)
{
	enum counter_kind kind = counter_defs[c->id].kind;
	const char *event;

	if (kind == COUNTER_SOFT)
		return "the kernel's own";
	if (kind == COUNTER_NIC)
		return "the RDMA port's, if the link has one";
	event = counter_event_text(microarch, c);
	return event[0] ? event : "-";
}

static bool is_here(const struct counters *c, unsigned slot)
{
	return c->state[slot] == READING_OK || c->state[slot] == READING_NONE;
}

static void print_counter(const struct counters *c, unsigned slot,
			  const char *microarch)
{
	const struct counter *ctr = &c->list.counter[slot];
	enum reading_state state = (enum reading_state)c->state[slot];
	const char *why = "";

	if (!is_here(c, slot))
		why = reason_word(reading_reason(state));
	printf("    %-27s %-14s %s\n", ctr->name, why,
	       event_of(microarch, ctr));
}

/* Each reason once, in words. */
static void print_reasons(const struct counters *c)
{
	uint64_t said = 0;
	unsigned i;

	for (i = 0; i < c->list.n; i++) {
		enum reading_state state = (enum reading_state)c->state[i];

		if (is_here(c, i) || said >> state & 1)
			continue;
		said |= (uint64_t)1 << state;
		printf("    %s: ", reason_word(reading_reason(state)));
		text_wrap(stdout, reading_words(state), 6);
	}
}

static void print_set(const struct counter_set *set, const char *microarch)
{
	struct counter_list list;
	struct counters c;
	struct err err;
	unsigned i;

	printf("  %-10s %s\n", set->name, set->help);
	if (counter_list_parse(&list, set->name, &err))
		return;
	counters_open(&c, &list, &counter_sys_linux);
	for (i = 0; i < list.n; i++)
		print_counter(&c, i, microarch);
	print_reasons(&c);
	counters_close(&c);
}

void cmd_list_counters(void)
{
	const char *microarch = counter_microarch();
	const struct counter_set *set;
	struct host host;
	unsigned i;

	host_read(&host);
	printf("counters (--counters SET|EVENT[,...]; processor %s",
	       microarch[0] ? microarch : "unknown to libpfm");
	if (host.perf_event_paranoid != HOST_NO_PARANOID)
		printf(", perf_event_paranoid %d", host.perf_event_paranoid);
	puts("):");
	for (i = 0; (set = counter_set_at(i)); i++)
		print_set(set, microarch);
	puts("  none       nothing is counted\n"
	     "  EVENT      an event as libpfm names it, user and kernel "
	     "together;\n"
	     "             EVENT:u or EVENT:k for one of them");
}
