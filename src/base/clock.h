/*
 * The clock of every measurement.  A tick is a TSC cycle where the TSC is
 * invariant and agrees with CLOCK_MONOTONIC_RAW, else a nanosecond of that
 * clock.  The caller owns the struct; after clock_init it is read only.
 *
 *	t0 = clock_ticks(clk);  ...work...  t1 = clock_ticks(clk);
 *	ns = clock_ns(clk, t1 - t0);
 *
 * clock_ticks is ordered after earlier loads (lfence; rdtsc: Intel SDM
 * vol. 2, RDTSC), so that a reading cannot move before the completion whose
 * time it takes.
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#if defined(__x86_64__)
#include <x86intrin.h>
#endif

struct clock {
	bool tsc;		/* ticks are TSC cycles */
	uint64_t mult;		/* ns = ticks * mult >> 32 */
	double ticks_per_ns;	/* 1.0 for CLOCK_MONOTONIC_RAW */
	double cost_ns;		/* median cost of one clock_ticks() */
	uint64_t resolution_ns; /* smallest step seen; 0: none */
	char name[40];		/* "tsc 2.000 GHz" or "CLOCK_MONOTONIC_RAW" */
	char why[96];		/* why not the TSC; "" if it is */
};

/*
 * Calibrates for about 20 ms.  Never fails: falls back, and says why.  The
 * TSC is taken if CPUID calls it invariant (0x80000007, EDX bit 8) or the
 * kernel itself keeps time by it, and if two intervals against
 * CLOCK_MONOTONIC_RAW agree within 200 ppm.
 */
void clock_init(struct clock *clk);

/* CLOCK_MONOTONIC_RAW, whatever the TSC is like. */
void clock_init_raw(struct clock *clk);

static inline uint64_t clock_raw_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_RAW, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static inline uint64_t clock_ticks(const struct clock *clk)
{
#if defined(__x86_64__)
	if (__builtin_expect(clk->tsc, 1)) {
		_mm_lfence();
		return __rdtsc();
	}
#endif
	(void)clk;
	return clock_raw_ns();
}

/* For differences, not for moments: the rate is good to some ppm. */
static inline uint64_t clock_ns(const struct clock *clk, uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ticks * clk->mult) >> 32);
}

/* The inverse, for deadlines in ticks; UINT64_MAX for what is beyond it. */
static inline uint64_t clock_ticks_of(const struct clock *clk, uint64_t ns)
{
	const double ticks = (double)ns * clk->ticks_per_ns;

	return ticks < 0x1p64 ? (uint64_t)ticks : UINT64_MAX;
}

#endif
