/*
 * Keeping CPUs out of deep idle states while measuring: as long as
 * /dev/cpu_dma_latency is open and 0 was written into it, the kernel chooses
 * no state that takes time to wake from (Documentation/power/
 * pm_qos_interface.rst).
 */
#ifndef MACHINE_LATENCY_HOLD_H
#define MACHINE_LATENCY_HOLD_H

#include <stdbool.h>

struct latency_hold {
	int fd;	 /* -1: not held */
	int why; /* -errno of that */
};

/* Never fails: whoever may not hold measures with the host as it is. */
void latency_hold_begin(struct latency_hold *h, const char *root);
void latency_hold_end(struct latency_hold *h);

#endif
