/* CPUs: which, what caches they share, how fast they run and how deep they
 * sleep.  Linux Documentation/ABI/{stable,testing}/sysfs-devices-system-cpu
 * and admin-guide/pm/. */
#include "machine/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/units.h"
#include "machine/cpu.h"
#include "machine/sysfs.h"

#define CPU_DIR "/sys/devices/system/cpu"

enum { CACHES_MAX = 8 };

struct cpus {
	unsigned list[CPU_LIST_MAX], n;
};

/* --- identity -------------------------------------------------------------- */

/* The text behind "key\t: " of the first CPU. */
static bool cpuinfo(const char *text, const char *key, char *out, size_t cap)
{
	const size_t len = strlen(key);
	const char *line;

	for (line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (strncmp(line, key, len) || !strchr("\t :", line[len]))
			continue;
		line += len;
		line += strspn(line, "\t :");
		snprintf(out, cap, "%.*s", (int)strcspn(line, "\n"), line);
		return true;
	}
	return false;
}

static void identity(struct probe *p)
{
	static const char *const keys[] = {"model name", "vendor_id",
					   "cpu family", "model",
					   "stepping",	 "microcode"};
	char text[8192], value[128], path[PROBE_PATH_MAX];
	size_t i;
	int ret;

	ret = sysfs_text(probe_path(p, path, "/proc/cpuinfo"), text,
			 sizeof(text));
	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (ret < 0)
			probe_failed(p, keys[i], "/proc/cpuinfo", ret);
		else if (cpuinfo(text, keys[i], value, sizeof(value)))
			probe_text(p, keys[i], "%s", value);
		else
			probe_unknown(p, keys[i],
				      "this architecture's /proc/cpuinfo has "
				      "no such line");
	}
}

/* --- topology --------------------------------------------------------------- */

/* "0-3,8" of a file; without /sys what the C library knows. */
static void online_cpus(struct probe *p, struct cpus *c)
{
	char text[512];
	struct err ignored;
	long n;

	if (!probe_line(p, text, sizeof(text), CPU_DIR "/online") &&
	    !cpu_list_parse(text, c->list, CPU_LIST_MAX, &c->n, &ignored))
		return;
	n = sysconf(_SC_NPROCESSORS_ONLN);
	for (c->n = 0; n > 0 && c->n < (unsigned)n && c->n < CPU_LIST_MAX;
	     c->n++)
		c->list[c->n] = c->n;
}

static void allowed_cpus(struct probe *p)
{
	unsigned list[CPU_LIST_MAX], n = cpu_allowed(list, CPU_LIST_MAX);
	char text[256];

	probe_number(p, "CPUs allowed", "count", n);
	probe_text(p, "allowed", "%s",
		   cpu_list_format(text, sizeof(text), list, n));
}

static bool first_of(const char *list, unsigned cpu)
{
	unsigned first;

	return sscanf(list, "%u", &first) == 1 && first == cpu;
}

/* A core or package is counted at the first of its CPUs. */
static void topology(struct probe *p, const struct cpus *c)
{
	unsigned i, cores = 0, packages = 0;
	char text[512];
	int ret = 0;

	for (i = 0; i < c->n && !ret; i++) {
		ret = probe_line(p, text, sizeof(text),
				 CPU_DIR "/cpu%u/topology/thread_siblings_list",
				 c->list[i]);
		cores += !ret && first_of(text, c->list[i]);
		if (!probe_line(p, text, sizeof(text),
				CPU_DIR "/cpu%u/topology/core_siblings_list",
				c->list[i]))
			packages += first_of(text, c->list[i]);
	}
	probe_number(p, "CPUs online", "count", c->n);
	if (ret) {
		probe_failed(p, "cores", CPU_DIR "/cpu*/topology", ret);
		return;
	}
	probe_number(p, "cores", "count", cores);
	probe_number(p, "packages", "count", packages);
	probe_number(p, "threads per core", "count", cores ? c->n / cores : 0);
}

/* --- caches ------------------------------------------------------------------ */

struct cache {
	char name[8]; /* "L1d" */
	uint64_t bytes;
	struct word_tally shared;
};

static bool cache_what(const struct probe *p, unsigned cpu, unsigned index,
		       struct cache *c)
{
	char level[8], type[24], size[24];
	struct err ignored;

	if (probe_line(p, level, sizeof(level),
		       CPU_DIR "/cpu%u/cache/index%u/level", cpu, index) ||
	    probe_line(p, type, sizeof(type),
		       CPU_DIR "/cpu%u/cache/index%u/type", cpu, index) ||
	    probe_line(p, size, sizeof(size),
		       CPU_DIR "/cpu%u/cache/index%u/size", cpu, index) ||
	    units_parse_size(size, &c->bytes, &ignored))
		return false;
	snprintf(c->name, sizeof(c->name), "L%.4s%s", level,
		 !strcmp(type, "Data")		? "d"
		 : !strcmp(type, "Instruction") ? "i"
						: "");
	return true;
}

static void cache_sharers(const struct probe *p, const struct cpus *cpus,
			  unsigned index, struct cache *c)
{
	char text[256];
	unsigned i, k;

	for (i = 0; i < cpus->n; i++) {
		if (probe_line(p, text, sizeof(text),
			       CPU_DIR "/cpu%u/cache/index%u/shared_cpu_list",
			       cpus->list[i], index))
			continue;
		/* The list's own commas would be lost between others. */
		for (k = 0; text[k]; k++)
			if (text[k] == ',')
				text[k] = '+';
		word_tally_add(&c->shared, text);
	}
	memset(c->shared.count, 0, sizeof(c->shared.count));
}

static void say_cache(struct probe *p, const struct cache *c)
{
	char key[32], text[PROBE_TEXT_MAX] = "";
	unsigned i;

	snprintf(key, sizeof(key), "%s cache", c->name);
	probe_number(p, key, "bytes", c->bytes);
	for (i = 0; i < c->shared.n; i++)
		probe_join(text, sizeof(text), "%s", c->shared.word[i]);
	if (c->shared.more)
		probe_join(text, sizeof(text), "...");
	snprintf(key, sizeof(key), "%s shared by CPUs", c->name);
	probe_text(p, key, "%s", text);
}

/* What the C library found out by itself. */
static bool libc_cache(struct probe *p, const char *key, uint64_t bytes)
{
	if (bytes)
		probe_number(p, key, "bytes", bytes);
	return bytes != 0;
}

static void caches(struct probe *p, const struct cpus *cpus)
{
	bool any = false;
	unsigned i;

	for (i = 0; i < CACHES_MAX && cpus->n; i++) {
		struct cache c = {.bytes = 0};

		if (!cache_what(p, cpus->list[0], i, &c))
			continue;
		cache_sharers(p, cpus, i, &c);
		say_cache(p, &c);
		any = true;
	}
	if (any)
		return;
	libc_cache(p, "L1d cache", p->host->l1d_bytes);
	libc_cache(p, "L2 cache", p->host->l2_bytes);
	libc_cache(p, "L3 cache", p->host->l3_bytes);
	probe_unknown(p, "caches shared by CPUs", CPU_DIR "/cpu*/cache: %s",
		      strerror(ENOENT));
}

/* --- frequency --------------------------------------------------------------- */

static void governors(struct probe *p, const struct cpus *c)
{
	struct word_tally t = {.n = 0};
	char text[PROBE_TEXT_MAX];
	unsigned i;

	for (i = 0; i < c->n; i++)
		if (!probe_line(p, text, sizeof(text),
				CPU_DIR "/cpu%u/cpufreq/scaling_governor",
				c->list[i]))
			word_tally_add(&t, text);
	if (t.n)
		probe_text(p, "governor", "%s",
			   word_tally_text(&t, text, sizeof(text)));
	else
		probe_unknown(p, "governor",
			      CPU_DIR "/cpu*/cpufreq: none (the firmware or "
				      "the hypervisor decides)");
}

static void turbo(struct probe *p)
{
	uint64_t v;

	if (!probe_u64(p, &v, CPU_DIR "/intel_pstate/no_turbo"))
		probe_text(p, "turbo", "%s", v ? "off" : "on");
	else if (!probe_u64(p, &v, CPU_DIR "/cpufreq/boost"))
		probe_text(p, "turbo", "%s", v ? "on" : "off");
	else
		probe_unknown(p, "turbo",
			      "neither " CPU_DIR "/intel_pstate/no_turbo nor "
			      "cpufreq/boost is there");
}

static void frequency(struct probe *p, const struct cpus *c)
{
	governors(p, c);
	probe_file(p, "frequency driver",
		   CPU_DIR "/cpu0/cpufreq/scaling_driver");
	probe_file_u64(p, "frequency min", "kHz",
		       CPU_DIR "/cpu0/cpufreq/scaling_min_freq");
	probe_file_u64(p, "frequency max", "kHz",
		       CPU_DIR "/cpu0/cpufreq/scaling_max_freq");
	turbo(p);
}

/* --- idling ------------------------------------------------------------------ */

struct idle {
	char text[PROBE_TEXT_MAX];
	uint64_t deepest_us;
	char deepest[32];
};

static void idle_state(struct probe *p, const char *state, void *arg)
{
	struct idle *idle = arg;
	uint64_t us, off = 0;
	char name[32];

	if (probe_line(p, name, sizeof(name), CPU_DIR "/cpu0/cpuidle/%s/name",
		       state) ||
	    probe_u64(p, &us, CPU_DIR "/cpu0/cpuidle/%s/latency", state))
		return;
	probe_u64(p, &off, CPU_DIR "/cpu0/cpuidle/%s/disable", state);
	probe_join(idle->text, sizeof(idle->text), "%s %llu us%s", name,
		   (unsigned long long)us, off ? " (off)" : "");
	if (off || us < idle->deepest_us)
		return;
	idle->deepest_us = us;
	memcpy(idle->deepest, name, sizeof(name));
}

static void idling(struct probe *p)
{
	struct idle idle = {.text = ""};
	char path[PROBE_PATH_MAX];
	int ret;

	ret = probe_each(p, CPU_DIR "/cpu0/cpuidle", idle_state, &idle);
	probe_file(p, "idle driver", CPU_DIR "/cpuidle/current_driver");
	if (ret < 0 || !idle.text[0]) {
		probe_failed(p, "idle states", CPU_DIR "/cpu0/cpuidle",
			     ret < 0 ? ret : -ENOENT);
	} else {
		probe_text(p, "idle states", "%s", idle.text);
		probe_text(p, "deepest idle state", "%s", idle.deepest);
		probe_number(p, "deepest idle state wakes in", "us",
			     idle.deepest_us);
	}
	probe_path(p, path, "/dev/cpu_dma_latency");
	if (!access(path, W_OK))
		probe_text(p, "idle states can be held off", "yes");
	else if (errno == EACCES || errno == EPERM)
		probe_text(p, "idle states can be held off", "no");
	else
		probe_failed(p, "idle states can be held off",
			     "/dev/cpu_dma_latency", -errno);
}

static void isolation(struct probe *p, const char *key, const char *file)
{
	char text[256], path[PROBE_PATH_MAX], *list;
	int ret;

	snprintf(path, sizeof(path), CPU_DIR "/%s", file);
	ret = probe_line(p, text, sizeof(text), "%s", path);
	if (ret) {
		probe_failed(p, key, path, ret);
		return;
	}
	/* The kernel writes "  (null)" where it has no mask. */
	list = text + strspn(text, " ");
	probe_text(p, key, "%s", *list && *list != '(' ? list : "none");
}

void probe_cpu(struct probe *p)
{
	struct cpus c = {.n = 0};

	p->section = "cpu";
	p->item = "";
	identity(p);
	online_cpus(p, &c);
	topology(p, &c);
	allowed_cpus(p);
	probe_file(p, "SMT", CPU_DIR "/smt/control");
	caches(p, &c);
	frequency(p, &c);
	idling(p);
	isolation(p, "isolated CPUs", "isolated");
	isolation(p, "tickless CPUs", "nohz_full");
}
