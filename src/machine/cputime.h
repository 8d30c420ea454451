/*
 * CPU time, of this process (CLOCK_PROCESS_CPUTIME_ID: what getrusage splits
 * into user and system, without its rounding to us) and of the whole host
 * (/proc/stat, in ticks of 10 ms): a software device works in kernel threads
 * and soft interrupts that no process is charged for.
 */
#ifndef MACHINE_CPUTIME_H
#define MACHINE_CPUTIME_H

#include <stdbool.h>
#include <stdint.h>

struct cputime {
	uint64_t process_ns;   /* user + system, all threads */
	bool host_known;       /* false without /proc/stat */
	uint64_t host_busy_ns; /* user nice system irq softirq, all CPUs */
	uint64_t host_softirq_ns;
};

void cputime_now(struct cputime *t);
/* d = b - a */
void cputime_diff(struct cputime *d, const struct cputime *a,
		  const struct cputime *b);

#endif
