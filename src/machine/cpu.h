/* CPUs: which we may use, and pinning. */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

#include <stddef.h>

#include "base/err.h"

enum { CPU_LIST_MAX = 1024 };

/* CPUs of the affinity mask, ascending; returns how many (at most max). */
unsigned cpu_allowed(unsigned *cpus, unsigned max);

/* Parses "0-3,8" into a list, in the order given; -EINVAL with words naming
 * the text.  Whether these CPUs exist only cpu_pin finds out. */
int cpu_list_parse(const char *text, unsigned *cpus, unsigned max, unsigned *n,
		   struct err *err);

/* And back: "0-3,8", cut to cap; returns buf. */
char *cpu_list_format(char *buf, size_t cap, const unsigned *cpus, unsigned n);

/* Pins the calling thread to one CPU; -EINVAL with words if it may not. */
int cpu_pin(unsigned cpu, struct err *err);

/* Undo: lets the thread run on this list again. */
int cpu_unpin(const unsigned *cpus, unsigned n, struct err *err);

#endif
