/* CPUs: which we may use, and pinning. */
#ifndef MACHINE_CPU_H
#define MACHINE_CPU_H

#include <stdint.h>

#include "base/err.h"

enum { CPU_LIST_MAX = 1024 };

/* CPUs of the affinity mask, ascending; returns how many (at most max). */
unsigned cpu_allowed(unsigned *cpus, unsigned max);

/* Parses "0-3,8" into a list; -errno with words naming the option text. */
int cpu_list_parse(const char *text, unsigned *cpus, unsigned max, unsigned *n,
		   struct err *err);

/* Pins the calling thread to one CPU. */
int cpu_pin(unsigned cpu, struct err *err);

/* Undo: lets the thread run on this list again. */
int cpu_unpin(const unsigned *cpus, unsigned n, struct err *err);

#endif
