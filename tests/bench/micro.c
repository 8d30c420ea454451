/*
 * What measuring costs: CSV lines `row,value_ns` on stdout, each the median
 * over rounds of a loop's time per turn.
 *	micro [cpu]	pinned to that CPU, or to the last one allowed
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/units.h"
#include "machine/cpu.h"
#include "metric/hist.h"
#include "metric/stats.h"

enum { ROUNDS = 301, CALLS = 2000, VALUES = 1024 };

struct bench {
	struct clock clk;
	struct hist hist;
	uint64_t value[VALUES]; /* latencies of 4 to 20 us, to record */
	uint64_t sink;		/* keeps results alive */
};

typedef void loop_fn(struct bench *b);

/* The barrier makes each turn write its histogram, as in a real loop where
 * a call to the transport lies between two. */
static void loop_hist_record(struct bench *b)
{
	unsigned i;

	for (i = 0; i < CALLS; i++) {
		hist_record(&b->hist, b->value[i % VALUES]);
		__asm__ volatile("" ::: "memory");
	}
}

static void loop_clock_ticks(struct bench *b)
{
	unsigned i;

	for (i = 0; i < CALLS; i++)
		b->sink += clock_ticks(&b->clk);
}

static void loop_clock_gettime(struct bench *b)
{
	unsigned i;

	for (i = 0; i < CALLS; i++)
		b->sink += clock_raw_ns();
}

/* All that a timed operation pays on top of itself: two readings, the
 * conversion and the record. */
static void loop_timed_nothing(struct bench *b)
{
	uint64_t t0, t1;
	unsigned i;

	for (i = 0; i < CALLS; i++) {
		t0 = clock_ticks(&b->clk);
		__asm__ volatile("" ::: "memory");
		t1 = clock_ticks(&b->clk);
		hist_record(&b->hist, clock_ns(&b->clk, t1 - t0));
	}
}

static double round_ns(struct bench *b, loop_fn *loop)
{
	uint64_t t0 = clock_ticks(&b->clk);

	loop(b);
	return (double)(clock_ticks(&b->clk) - t0) / b->clk.ticks_per_ns /
	       CALLS;
}

static void print_row(struct bench *b, const char *name, loop_fn *loop)
{
	double ns[ROUNDS];
	int i;

	loop(b); /* warm */
	for (i = 0; i < ROUNDS; i++)
		ns[i] = round_ns(b, loop);
	stats_sort(ns, ROUNDS);
	printf("%s,%.2f\n", name, stats_median(ns, ROUNDS));
}

static int pin(const char *wanted, struct err *err)
{
	unsigned cpus[CPU_LIST_MAX], n = cpu_allowed(cpus, CPU_LIST_MAX);
	int ret;

	if (wanted) {
		ret = cpu_list_parse(wanted, cpus, 1, &n, err);
		if (ret)
			return ret;
	}
	return n ? cpu_pin(cpus[n - 1], err) : 0;
}

static void fill(struct bench *b)
{
	uint64_t x = 1;
	unsigned i;

	hist_init(&b->hist);
	for (i = 0; i < VALUES; i++) {
		x = x * 6364136223846793005u + 1442695040888963407u;
		b->value[i] = 4000 + (x >> 50);
	}
}

int main(int argc, char **argv)
{
	static struct bench b;
	struct err err;

	if (pin(argc > 1 ? argv[1] : NULL, &err)) {
		fprintf(stderr, "micro: %s\n", err.text);
		return reason_exit_code(err.reason);
	}
	clock_init(&b.clk);
	fill(&b);
	fprintf(stderr, "%s %s\n", b.clk.name, b.clk.why);
	printf("row,value_ns\n");
	print_row(&b, "hist_record", loop_hist_record);
	print_row(&b, "clock_ticks", loop_clock_ticks);
	print_row(&b, "clock_gettime_raw", loop_clock_gettime);
	print_row(&b, "timed_nothing", loop_timed_nothing);
	return b.sink == 1 ? 1 : 0;
}
