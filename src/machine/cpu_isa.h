/*
 * What this processor has beyond its baseline that scans want: cache-line
 * instructions (Intel SDM vol. 2, CPUID leaf 7; AMD APM vol. 3, appendix D)
 * and the length of a line.
 */
#ifndef MACHINE_CPU_ISA_H
#define MACHINE_CPU_ISA_H

#include <stddef.h>

enum cpu_isa {
	CPU_NT_STORE = 1 << 0, /* stores past the caches */
	CPU_FLUSH = 1 << 1,    /* clflush */
	CPU_FLUSH_OPT = 1 << 2,
	CPU_CLWB = 1 << 3,
	CPU_CLDEMOTE = 1 << 4,
};

/* Bits of enum cpu_isa; 0 on processors that this does not know. */
unsigned cpu_isa(void);

/* Length of a data cache line, bytes: what sysfs says of the first cache,
 * else the C library, else 64.  A power of two, 8 to 4096. */
size_t cpu_line_bytes(void);

#endif
