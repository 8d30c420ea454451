#include "machine/mem.h"

#include <errno.h>
#include <linux/capability.h>
#include <numaif.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/smaller.h"
#include "base/units.h"
#include "machine/hugepages.h"
#include "machine/numa_node.h"
#include "machine/sysfs.h"

/* Folder of this process's own control group (version 2), from the line
 * "0::/path" of /proc/self/cgroup. */
static bool cgroup_dir(char *dir, size_t cap)
{
	char text[4096], *line;
	int n;

	if (sysfs_text("/proc/self/cgroup", text, sizeof(text)) < 0)
		return false;
	line = strstr(text, "0::/");
	if (!line)
		return false;
	line[strcspn(line, "\n")] = '\0';
	n = snprintf(dir, cap, "/sys/fs/cgroup%s", line + 3);
	return n > 0 && (size_t)n < cap;
}

static int cgroup_u64(const char *dir, const char *file, uint64_t *v)
{
	char path[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	return sysfs_u64(path, v);
}

/*
 * What a container may still take: beyond it the kernel does not refuse, it
 * kills.  Pages of files do not count, they go when memory is wanted.
 */
static uint64_t cgroup_available(void)
{
	uint64_t max, used, file = 0;
	char dir[900], path[1024];

	if (!cgroup_dir(dir, sizeof(dir)) ||
	    cgroup_u64(dir, "memory.max", &max) ||
	    cgroup_u64(dir, "memory.current", &used))
		return UINT64_MAX;
	snprintf(path, sizeof(path), "%s/memory.stat", dir);
	sysfs_field(path, "file", &file);
	used -= smaller64(file, used);
	return max - smaller64(used, max);
}

uint64_t mem_available(void)
{
	uint64_t host;

	if (sysfs_field("/proc/meminfo", "MemAvailable:", &host))
		host = UINT64_MAX;
	return smaller64(host, cgroup_available());
}

uint64_t mem_resident(void)
{
	uint64_t bytes = 0;

	sysfs_field("/proc/self/status", "VmRSS:", &bytes);
	return bytes;
}

int mem_check_available(uint64_t need, struct err *err)
{
	uint64_t have = mem_available();

	if (need <= have)
		return 0;
	return err_set(err, -ENOMEM, REASON_NO_MEMORY,
		       "%llu bytes of buffers are wanted (%llu MiB), but only "
		       "%llu (%llu MiB) are available here: %llu MiB missing; "
		       "ask for less (a smaller --size, fewer buffers), or "
		       "free some",
		       (unsigned long long)need, units_mib_wanted(need),
		       (unsigned long long)have, units_mib_there(have),
		       units_mib_wanted(need - have));
}

int mem_alloc(struct mem *mem, size_t len, struct err *err)
{
	return mem_alloc_on(mem, len, -1, err);
}

enum { WORD = 8 * sizeof(unsigned long), WORDS = NUMA_NODES_MAX / WORD };

static int node_mask(unsigned long mask[WORDS], int node, struct err *err)
{
	if (node >= NUMA_NODES_MAX)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "NUMA node %d: no host has so many", node);
	memset(mask, 0, WORDS * sizeof(mask[0]));
	mask[node / WORD] = 1ul << (node % WORD);
	return 0;
}

static int not_bound(int node, struct err *err)
{
	/* What the kernel says of a node that is not there. */
	if (errno == EINVAL)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "this host has no NUMA node %d with memory",
			       node);
	return err_sys(err, -errno, "binding memory to NUMA node %d", node);
}

/* Before the first touch: pages come from the node, none has to move. */
static int bind_to(void *addr, size_t len, int node, struct err *err)
{
	unsigned long mask[WORDS];
	int ret;

	if (node < 0)
		return 0;
	ret = node_mask(mask, node, err);
	if (!ret && mbind(addr, len, MPOL_BIND, mask, NUMA_NODES_MAX + 1, 0))
		ret = not_bound(node, err);
	return ret;
}

int mem_policy_bind(int node, struct err *err)
{
	unsigned long mask[WORDS];
	int ret;

	if (node < 0)
		return 0;
	ret = node_mask(mask, node, err);
	if (!ret && set_mempolicy(MPOL_BIND, mask, NUMA_NODES_MAX + 1))
		ret = not_bound(node, err);
	return ret;
}

void mem_policy_default(void)
{
	set_mempolicy(MPOL_DEFAULT, NULL, 0);
}

int mem_alloc_on(struct mem *mem, size_t len, int node, struct err *err)
{
	return mem_alloc_as(mem, len, node, MEM_PAGES_AS_IS, err);
}

static int check_room(size_t len, int node, enum mem_pages pages,
		      struct err *err)
{
	if (hugepages_set_aside(pages))
		return hugepages_check(len, node, pages, err);
	return mem_check_available(len, err);
}

int mem_alloc_as(struct mem *mem, size_t len, int node, enum mem_pages pages,
		 struct err *err)
{
	const size_t page = hugepages_bytes(pages);
	struct mem m = {.len = len, .mapped = len ? len : 1};
	int ret;

	if (__builtin_add_overflow(m.mapped, page - 1, &m.mapped))
		m.mapped = SIZE_MAX; /* to be refused below */
	m.mapped &= ~(page - 1);
	ret = check_room(m.mapped, node, pages, err);
	if (ret)
		return ret;
	m.addr = hugepages_map(m.mapped, pages);
	if (!m.addr)
		return err_sys(err, -errno, "cannot map %zu bytes", m.mapped);
	ret = bind_to(m.addr, m.mapped, node, err);
	if (!ret)
		ret = hugepages_touch(m.addr, m.mapped, pages, err);
	if (ret)
		mem_free(&m);
	else
		*mem = m;
	return ret;
}

void mem_free(struct mem *mem)
{
	if (mem->addr)
		munmap(mem->addr, mem->mapped);
	*mem = (struct mem){.addr = NULL};
}

/* --- locking ------------------------------------------------------------- */

bool mem_may_lock_any(void)
{
	struct __user_cap_header_struct header = {
		.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (syscall(SYS_capget, &header, data))
		return false;
	return data[0].effective & (1u << CAP_IPC_LOCK);
}

static rlim_t raise_limit(void)
{
	struct rlimit lim;

	if (getrlimit(RLIMIT_MEMLOCK, &lim))
		return RLIM_INFINITY; /* then registering itself will tell */
	if (lim.rlim_cur < lim.rlim_max) {
		lim.rlim_cur = lim.rlim_max;
		setrlimit(RLIMIT_MEMLOCK, &lim);
		getrlimit(RLIMIT_MEMLOCK, &lim);
	}
	return lim.rlim_cur;
}

int mem_check_lock(size_t len, struct err *err)
{
	uint64_t pinned = 0, limit = raise_limit();

	if (limit == RLIM_INFINITY || mem_may_lock_any())
		return 0;
	/* The kernel charges registrations to VmPin, not to VmLck. */
	sysfs_field("/proc/self/status", "VmPin:", &pinned);
	if (pinned <= limit && len <= limit - pinned)
		return 0;
	return err_set(err, -ENOMEM, REASON_NO_MEMORY,
		       "registering %zu bytes (%llu MiB with the %llu that "
		       "are registered) passes the limit of locked memory, "
		       "%llu bytes (%llu MiB): raise it by 'ulimit -l' or "
		       "memlock in /etc/security/limits.conf, or grant "
		       "CAP_IPC_LOCK",
		       len, units_mib_wanted(len + pinned),
		       (unsigned long long)pinned, (unsigned long long)limit,
		       units_mib_there(limit));
}
