/* Memory: where it is, in what pages, and how much may be locked. */
#include "machine/probe.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "machine/cpu.h"
#include "machine/mem.h"
#include "machine/sysfs.h"

#define NODE_DIR "/sys/devices/system/node"

/* --- NUMA ---------------------------------------------------------------------- */

struct nodes {
	unsigned n;
	char distances[PROBE_TEXT_MAX];
	char allowed[64]; /* nodes of the CPUs we may use */
	bool allowed_cpu[CPU_LIST_MAX];
};

static bool holds_allowed(const struct nodes *nodes, const char *cpus)
{
	unsigned list[CPU_LIST_MAX], n = 0, i;
	struct err ignored;

	if (cpu_list_parse(cpus, list, CPU_LIST_MAX, &n, &ignored))
		return false; /* memory without CPUs: an empty list */
	for (i = 0; i < n; i++)
		if (nodes->allowed_cpu[list[i]])
			return true;
	return false;
}

static void node(struct probe *p, const char *name, void *arg)
{
	struct nodes *nodes = arg;
	char cpus[256], distance[128], key[48], path[PROBE_PATH_MAX];
	char path_in[PROBE_PATH_MAX];
	uint64_t bytes;
	unsigned id;

	if (sscanf(name, "node%u", &id) != 1)
		return;
	nodes->n++;
	snprintf(key, sizeof(key), "node %u CPUs", id);
	probe_file(p, key, NODE_DIR "/%s/cpulist", name);
	if (!probe_line(p, cpus, sizeof(cpus), NODE_DIR "/%s/cpulist", name) &&
	    holds_allowed(nodes, cpus))
		probe_join(nodes->allowed, sizeof(nodes->allowed), "%u", id);
	if (!probe_line(p, distance, sizeof(distance), NODE_DIR "/%s/distance",
			name))
		probe_join(nodes->distances, sizeof(nodes->distances), "%u: %s",
			   id, distance);
	snprintf(path_in, sizeof(path_in), NODE_DIR "/%s/meminfo", name);
	snprintf(key, sizeof(key), "Node %u MemTotal:", id);
	if (sysfs_field(probe_path(p, path, path_in), key, &bytes))
		return;
	snprintf(key, sizeof(key), "node %u memory", id);
	probe_number(p, key, "bytes", bytes);
}

static void numa(struct probe *p)
{
	struct nodes nodes = {.n = 0};
	unsigned list[CPU_LIST_MAX], n = cpu_allowed(list, CPU_LIST_MAX), i;
	int ret;

	for (i = 0; i < n; i++)
		nodes.allowed_cpu[list[i]] = true;
	ret = probe_each(p, NODE_DIR, node, &nodes);
	if (ret < 0) {
		probe_failed(p, "NUMA nodes", NODE_DIR, ret);
		return;
	}
	probe_number(p, "NUMA nodes", "count", nodes.n);
	probe_text(p, "NUMA distances", "%s", nodes.distances);
	probe_text(p, "NUMA nodes of allowed CPUs", "%s", nodes.allowed);
}

/* --- pages ---------------------------------------------------------------------- */

/* "always [madvise] never": the word in brackets. */
static void choice(struct probe *p, const char *key, const char *path)
{
	char text[128], *open, *end;
	int ret = probe_line(p, text, sizeof(text), "%s", path);

	if (ret) {
		probe_failed(p, key, path, ret);
		return;
	}
	open = strchr(text, '[');
	end = open ? strchr(open, ']') : NULL;
	if (end)
		*end = '\0';
	probe_text(p, key, "%s", end ? open + 1 : text);
}

static void hugepages(struct probe *p, const char *name, void *arg)
{
	static const char dir[] = "/sys/kernel/mm/hugepages";
	unsigned long long kib;
	char key[48];
	uint64_t total;

	if (sscanf(name, "hugepages-%llukB", &kib) != 1)
		return;
	snprintf(key, sizeof(key), "hugepages of %llu KiB", kib);
	probe_file_u64(p, key, "count", "%s/%s/nr_hugepages", dir, name);
	if (!probe_u64(p, &total, "%s/%s/nr_hugepages", dir, name))
		*(uint64_t *)arg += total;
	snprintf(key, sizeof(key), "free hugepages of %llu KiB", kib);
	probe_file_u64(p, key, "count", "%s/%s/free_hugepages", dir, name);
}

static void pages(struct probe *p)
{
	static const char dir[] = "/sys/kernel/mm/hugepages";
	uint64_t total = 0;
	int ret;

	choice(p, "transparent hugepages",
	       "/sys/kernel/mm/transparent_hugepage/enabled");
	choice(p, "transparent hugepage defrag",
	       "/sys/kernel/mm/transparent_hugepage/defrag");
	ret = probe_each(p, dir, hugepages, &total);
	if (ret < 0)
		probe_failed(p, "hugepages", dir, ret);
	else
		probe_number(p, "hugepages", "count", total);
}

/* --- limits ---------------------------------------------------------------------- */

static void limit(struct probe *p, const char *key, rlim_t v)
{
	if (v == RLIM_INFINITY)
		probe_text(p, key, "unlimited");
	else
		probe_number(p, key, "bytes", v);
}

static void locking(struct probe *p)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_MEMLOCK, &lim)) {
		probe_failed(p, "memlock", "getrlimit", -errno);
		return;
	}
	limit(p, "memlock", lim.rlim_cur);
	limit(p, "memlock hard limit", lim.rlim_max);
	probe_text(p, "memlock is lifted by CAP_IPC_LOCK", "%s",
		   mem_may_lock_any() ? "yes" : "no");
}

void probe_memory(struct probe *p)
{
	static const char info[] = "/proc/meminfo";
	char path[PROBE_PATH_MAX];
	uint64_t bytes;
	int ret;

	p->section = "memory";
	p->item = "";
	ret = sysfs_field(probe_path(p, path, info), "MemTotal:", &bytes);
	if (ret)
		probe_failed(p, "total", info, ret);
	else
		probe_number(p, "total", "bytes", bytes);
	if (p->host->mem_available_bytes)
		probe_number(p, "available", "bytes",
			     p->host->mem_available_bytes);
	else
		probe_unknown(p, "available", "%s does not tell", info);
	numa(p);
	pages(p);
	locking(p);
}
