#include "info/judge.h"

#include <string.h>

/* Waking from deeper than this shows in a round trip. */
enum { WAKES_SOON_US = 5 };

static void governor(struct judge *j)
{
	const char *g = facts_text(j->facts, "cpu", "", "governor");
	struct finding *x;

	if (!g || !strcmp(g, "performance"))
		return;
	x = judge_find(j, SEVERITY_SPOILS, "", "CPU governor '%.60s'", g);
	judge_why(x, "the frequency changes while measuring");
	judge_mend(x, "cpupower frequency-set -g performance");
}

static void turbo(struct judge *j)
{
	struct finding *x;

	if (!judge_is(j, "cpu", "", "turbo", "on"))
		return;
	x = judge_find(j, SEVERITY_NOTE, "", "turbo is on");
	judge_why(x, "the frequency depends on heat and on the other cores");
	judge_mend(x, "echo 1 > /sys/devices/system/cpu/intel_pstate/no_turbo "
		      "(or echo 0 > /sys/devices/system/cpu/cpufreq/boost)");
}

/* A run holds them off where it may: then there is nothing to mend. */
static void idle_states(struct judge *j)
{
	const char *name =
		facts_text(j->facts, "cpu", "", "deepest idle state");
	uint64_t us =
		judge_number(j, "cpu", "", "deepest idle state wakes in", 0);
	struct finding *x;

	if (us <= WAKES_SOON_US ||
	    judge_is(j, "cpu", "", "idle states can be held off", "yes"))
		return;
	x = judge_find(j, SEVERITY_SPOILS, "",
		       "idle state %.31s takes %llu us to wake from",
		       name ? name : "?", (unsigned long long)us);
	judge_why(x, "whoever waits for an event pays it, and a run may not "
		     "hold /dev/cpu_dma_latency");
	judge_mend(x, "run as root, or cpupower idle-set -D %d", WAKES_SOON_US);
}

static void smt(struct judge *j)
{
	struct finding *x;

	if (!judge_is(j, "cpu", "", "SMT", "on"))
		return;
	x = judge_find(j, SEVERITY_NOTE, "", "SMT is on");
	judge_why(x, "two threads share a core's caches and pipelines: what "
		     "runs on the other one shows");
	judge_mend(x, "echo off > /sys/devices/system/cpu/smt/control, or "
		      "--cpus of different cores");
}

static void few_cpus(struct judge *j)
{
	struct finding *x;

	if (judge_number(j, "cpu", "", "CPUs allowed", 2) >= 2)
		return;
	x = judge_find(j, SEVERITY_SPOILS, "", "one CPU only may be used");
	judge_why(x, "two ends on this host wait for each other's time slice");
	judge_mend(x, "taskset -c 0-1, or --connect to another host");
}

void judge_cpu(struct judge *j)
{
	few_cpus(j);
	governor(j);
	idle_states(j);
	turbo(j);
	smt(j);
}
