/*
 * From a counter to an event of this processor, by libpfm4 (S. Eranian's
 * perfmon2): a table of microarchitectures for the named counters, perf's
 * generic events where the table does not know the processor, and the user's
 * own words as they are.
 */
#ifndef MACHINE_COUNTER_EVENT_H
#define MACHINE_COUNTER_EVENT_H

#include <linux/perf_event.h>

#include "machine/counter_list.h"

/* libpfm's name of this processor's core PMU ("icx", "amd64_fam19h_zen3");
 * "" if it knows none here or more than one (hybrid processors).  Starts
 * libpfm. */
const char *counter_microarch(void);

/*
 * The event string for a counter; "" if this processor has none.  May hold
 * one "%u": the same event of each of several units (memory channels).
 */
const char *counter_event_text(const char *microarch, const struct counter *c);

/* Rows of the table, for tests and lists: the names that share a row, with
 * blanks between them; NULL past the end. */
const char *counter_microarchs(unsigned i);

/*
 * Encodes an event string for perf_event_open: type and config, and the
 * exclude bits that its modifiers say (":u", ":k").  -ENOENT if libpfm does
 * not know it here.
 */
int counter_encode(const char *event, struct perf_event_attr *attr);

/* -EINVAL with words if an event that the user named is none that libpfm
 * knows here. */
int counter_list_check(const struct counter_list *l, struct err *err);

#endif
