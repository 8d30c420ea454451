#include "machine/cpu_isa.h"

#include <stdint.h>
#include <unistd.h>

#include "machine/sysfs.h"

#define LINE_FILE                                                              \
	"/sys/devices/system/cpu/cpu0/cache/index0/coherency_line_size"

#if defined(__x86_64__)
#include <cpuid.h>

unsigned cpu_isa(void)
{
	unsigned a, b, c, d, isa = CPU_NT_STORE; /* SSE2 has movnti */

	if (__get_cpuid(1, &a, &b, &c, &d) && d & 1u << 19)
		isa |= CPU_FLUSH;
	if (!__get_cpuid_count(7, 0, &a, &b, &c, &d))
		return isa;
	if (b & 1u << 23)
		isa |= CPU_FLUSH_OPT;
	if (b & 1u << 24)
		isa |= CPU_CLWB;
	if (c & 1u << 25)
		isa |= CPU_CLDEMOTE;
	return isa;
}
#else
unsigned cpu_isa(void)
{
	return 0;
}
#endif

static int is_line(uint64_t n)
{
	return n >= 8 && n <= 4096 && !(n & (n - 1));
}

size_t cpu_line_bytes(void)
{
	uint64_t line;
	long libc;

	if (!sysfs_u64(LINE_FILE, &line) && is_line(line))
		return line;
	libc = sysconf(_SC_LEVEL1_DCACHE_LINESIZE);
	if (libc > 0 && is_line((uint64_t)libc))
		return (size_t)libc;
	return 64;
}
