/*
 * A counter that may be read inside a timed loop: by the rdpmc instruction
 * through perf's mmap page, without a system call.  The protocol is that of
 * struct perf_event_mmap_page in <linux/perf_event.h>: lock, index, offset
 * and width are read again until the lock has not moved.
 *
 * Differences of two readings are what counts.  Reading costs some 10 to 20
 * ns; it is not ordered with the loads and stores around it.
 */
#ifndef MACHINE_RDPMC_H
#define MACHINE_RDPMC_H

#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "machine/counter_sys.h"

struct phase_counter {
	const struct counter_sys *sys;
	int fd;
	const volatile struct perf_event_mmap_page *page;
	size_t page_len;
};

/*
 * Opens an event of this thread, user mode only, pinned to the PMU (a phase
 * counter that took turns would say nothing), counting from now on.
 * `event`: as libpfm has it, or of counter_event_text.  -errno and words
 * where it cannot be read by rdpmc; no-pmu if the kernel does not let user
 * programs (/sys/bus/event_source/devices/cpu/rdpmc).
 */
int phase_counter_open(struct phase_counter *pc, const char *event,
		       const struct counter_sys *sys, struct err *err);
void phase_counter_close(struct phase_counter *pc); /* zeroed is fine */

static inline uint64_t rdpmc_insn(uint32_t index)
{
#if defined(__x86_64__)
	uint32_t low, high;

	__asm__ volatile("rdpmc" : "=a"(low), "=d"(high) : "c"(index));
	return low | (uint64_t)high << 32;
#else
	(void)index;
	return 0;
#endif
}

#define RDPMC_BARRIER() __asm__ volatile("" ::: "memory")

/* The protocol, with the instruction passed in so that a test may answer in
 * its place; inlined, it costs nothing.  False: not on the PMU just now. */
__attribute__((always_inline)) static inline bool rdpmc_read_by(
	const volatile struct perf_event_mmap_page *pg,
	uint64_t (*insn)(uint32_t index), uint64_t *value)
{
	uint32_t seq, index;
	unsigned shift;
	uint64_t count;
	int64_t pmc;
	bool on;

	do {
		seq = pg->lock;
		RDPMC_BARRIER();
		index = pg->index;
		count = (uint64_t)pg->offset;
		on = pg->cap_user_rdpmc && index;
		if (on) {
			/* Sign-extended from its width. */
			shift = 64u - pg->pmc_width;
			pmc = (int64_t)(insn(index - 1) << shift);
			count += (uint64_t)(pmc >> shift);
		}
		RDPMC_BARRIER();
	} while (__builtin_expect(pg->lock != seq, 0));
	*value = count;
	return on;
}

static inline bool phase_counter_read(const struct phase_counter *pc,
				      uint64_t *value)
{
	return rdpmc_read_by(pc->page, rdpmc_insn, value);
}

#endif
