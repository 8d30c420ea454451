#include "machine/cputime.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "machine/sysfs.h"

/* The first line of /proc/stat, in the kernel's order (proc(5)). */
enum { USER, NICE, SYSTEM, IDLE, IOWAIT, IRQ, SOFTIRQ, COLUMNS };

static uint64_t process_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static bool host_columns(unsigned long long v[COLUMNS])
{
	char line[512];

	if (sysfs_line("/proc/stat", line, sizeof(line)))
		return false;
	return sscanf(line, "cpu %llu %llu %llu %llu %llu %llu %llu", &v[USER],
		      &v[NICE], &v[SYSTEM], &v[IDLE], &v[IOWAIT], &v[IRQ],
		      &v[SOFTIRQ]) == COLUMNS;
}

void cputime_now(struct cputime *t)
{
	unsigned long long v[COLUMNS];
	uint64_t tick_ns = 1000000000u / (uint64_t)sysconf(_SC_CLK_TCK);

	*t = (struct cputime){.process_ns = process_ns()};
	if (!host_columns(v))
		return;
	t->host_known = true;
	t->host_busy_ns =
		tick_ns * (v[USER] + v[NICE] + v[SYSTEM] + v[IRQ] + v[SOFTIRQ]);
	t->host_softirq_ns = tick_ns * v[SOFTIRQ];
}

/* The kernel's sums over CPUs may step back when one goes offline. */
static uint64_t minus(uint64_t b, uint64_t a)
{
	return b > a ? b - a : 0;
}

void cputime_diff(struct cputime *d, const struct cputime *a,
		  const struct cputime *b)
{
	struct cputime r = {
		.process_ns = minus(b->process_ns, a->process_ns),
		.host_known = a->host_known && b->host_known,
	};

	if (r.host_known) {
		r.host_busy_ns = minus(b->host_busy_ns, a->host_busy_ns);
		r.host_softirq_ns =
			minus(b->host_softirq_ns, a->host_softirq_ns);
	}
	*d = r;
}
