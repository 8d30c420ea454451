#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

enum {
	HALF_NS = 10 * 1000 * 1000, /* two halves: 20 ms in all */
	BRACKETS = 32,
	TRIES = 2,
	COST_ROUNDS = 101,
	COST_CALLS = 32,
	RESOLUTION_READS = 1000 * 1000,
	RESOLUTION_STEPS = 1000,
	MAX_PPM = 200,
};

/* One moment on both clocks. */
struct moment {
	uint64_t tsc, raw_ns;
};

static void use_raw(struct clock *clk)
{
	clk->tsc = false;
	clk->mult = (uint64_t)1 << 32;
	clk->ticks_per_ns = 1.0;
	snprintf(clk->name, sizeof(clk->name), "CLOCK_MONOTONIC_RAW");
}

#if defined(__x86_64__)

static uint64_t tsc_now(void)
{
	_mm_lfence();
	return __rdtsc();
}

/* Intel SDM vol. 3, 18.17.1: constant rate in every P-, C- and T-state. */
static bool cpuid_says_invariant(void)
{
	unsigned a, b, c, d;

	if (!__get_cpuid(0x80000007, &a, &b, &c, &d))
		return false;
	return d & (1u << 8);
}

/*
 * A QEMU TCG guest booted with tsc=reliable does not show the CPUID bit, yet
 * its kernel keeps time by the TSC.  A kernel drops a TSC that its watchdog
 * finds unstable, so its choice is worth as much as the bit.
 */
static bool kernel_keeps_time_by_tsc(char *source, int cap)
{
	static const char path[] = "/sys/devices/system/clocksource/"
				   "clocksource0/current_clocksource";
	FILE *f = fopen(path, "re");

	snprintf(source, (size_t)cap, "unknown");
	if (!f)
		return false;
	if (fgets(source, cap, f))
		source[strcspn(source, "\n")] = '\0';
	fclose(f);
	return !strcmp(source, "tsc");
}

/*
 * RAW between two TSC readings; of several, the tightest, because a reading
 * that an interrupt or the hypervisor fell into is wrong by its length.
 */
static struct moment moment_now(void)
{
	struct moment best = {0, 0};
	uint64_t width = UINT64_MAX;
	int i;

	for (i = 0; i < BRACKETS; i++) {
		uint64_t before = tsc_now();
		uint64_t raw = clock_raw_ns();
		uint64_t after = tsc_now();

		if (after - before < width) {
			width = after - before;
			best.tsc = before + width / 2;
			best.raw_ns = raw;
		}
	}
	return best;
}

static double rate(const struct moment *a, const struct moment *b)
{
	return (double)(b->tsc - a->tsc) / (double)(b->raw_ns - a->raw_ns);
}

static void sleep_ns(long ns)
{
	struct timespec ts = {.tv_sec = 0, .tv_nsec = ns};

	while (nanosleep(&ts, &ts) && errno == EINTR)
		;
}

/* Ticks per ns over 20 ms, and by how much its two halves disagree. */
static double measure_rate(double *ppm)
{
	struct moment m[3];
	double first, second;
	int i;

	for (i = 0; i < 3; i++) {
		if (i)
			sleep_ns(HALF_NS);
		m[i] = moment_now();
	}
	first = rate(&m[0], &m[1]);
	second = rate(&m[1], &m[2]);
	*ppm = fabs(first / second - 1) * 1e6;
	return rate(&m[0], &m[2]);
}

static bool plausible(double ticks_per_ns)
{
	return ticks_per_ns > 0.01 && ticks_per_ns < 100;
}

static void use_tsc(struct clock *clk, double ticks_per_ns)
{
	clk->tsc = true;
	clk->ticks_per_ns = ticks_per_ns;
	clk->mult = (uint64_t)(4294967296.0 / ticks_per_ns + 0.5);
	snprintf(clk->name, sizeof(clk->name), "tsc %.3f GHz", ticks_per_ns);
	clk->why[0] = '\0';
}

static bool try_tsc(struct clock *clk)
{
	char source[32];
	double r, ppm;
	int i;

	if (!kernel_keeps_time_by_tsc(source, sizeof(source)) &&
	    !cpuid_says_invariant()) {
		snprintf(clk->why, sizeof(clk->why),
			 "CPUID: not invariant; the kernel's clock is %.30s",
			 source);
		return false;
	}
	/* Twice, because one migration of a virtual machine is no habit. */
	for (i = 0; i < TRIES; i++) {
		r = measure_rate(&ppm);
		if (ppm <= MAX_PPM && plausible(r)) {
			use_tsc(clk, r);
			return true;
		}
	}
	snprintf(clk->why, sizeof(clk->why),
		 "the TSC wanders: %.0f ppm between two intervals of 10 ms",
		 ppm);
	return false;
}

#else

static bool try_tsc(struct clock *clk)
{
	snprintf(clk->why, sizeof(clk->why), "no TSC on this architecture");
	return false;
}

#endif

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median over rounds, so that no interrupt counts as cost. */
static double measure_cost(const struct clock *clk)
{
	double ns[COST_ROUNDS];
	uint64_t t0, t1;
	int i, k;

	for (i = 0; i < COST_ROUNDS; i++) {
		t0 = t1 = clock_ticks(clk);
		for (k = 0; k < COST_CALLS; k++)
			t1 = clock_ticks(clk);
		ns[i] = (double)(t1 - t0) / clk->ticks_per_ns / COST_CALLS;
	}
	qsort(ns, COST_ROUNDS, sizeof(ns[0]), by_value);
	return ns[COST_ROUNDS / 2];
}

static uint64_t measure_resolution(const struct clock *clk)
{
	uint64_t least = UINT64_MAX, last = clock_ticks(clk), now;
	int i, steps = 0;

	for (i = 0; i < RESOLUTION_READS && steps < RESOLUTION_STEPS; i++) {
		now = clock_ticks(clk);
		if (now > last) {
			least = now - last < least ? now - last : least;
			steps++;
		}
		last = now;
	}
	if (!steps)
		return 0;
	least = clock_ns(clk, least);
	return least ? least : 1;
}

static void measure_self(struct clock *clk)
{
	clk->cost_ns = measure_cost(clk);
	clk->resolution_ns = measure_resolution(clk);
}

void clock_init(struct clock *clk)
{
	memset(clk, 0, sizeof(*clk));
	if (!try_tsc(clk))
		use_raw(clk);
	measure_self(clk);
}

void clock_init_raw(struct clock *clk)
{
	memset(clk, 0, sizeof(*clk));
	use_raw(clk);
	snprintf(clk->why, sizeof(clk->why), "not wanted");
	measure_self(clk);
}
