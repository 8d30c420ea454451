#include "machine/hugepages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/sysfs.h"

#ifndef MADV_POPULATE_WRITE /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif
#ifndef MAP_HUGE_SHIFT
#define MAP_HUGE_SHIFT 26
#endif

enum { SHIFT_2M = 21, SHIFT_1G = 30 };

static int shift_of(enum mem_pages pages)
{
	return pages == MEM_PAGES_1G ? SHIFT_1G : SHIFT_2M;
}

size_t hugepages_bytes(enum mem_pages pages)
{
	if (pages == MEM_PAGES_AS_IS || pages == MEM_PAGES_SMALL)
		return (size_t)sysconf(_SC_PAGESIZE);
	return (size_t)1 << shift_of(pages);
}

bool hugepages_set_aside(enum mem_pages pages)
{
	return pages == MEM_PAGES_2M || pages == MEM_PAGES_1G;
}

static const char *name_of(enum mem_pages pages)
{
	return pages == MEM_PAGES_1G ? "1 GiB" : "2 MiB";
}

static uint64_t free_pages(int node, enum mem_pages pages)
{
	const size_t kib = hugepages_bytes(pages) >> 10;
	uint64_t n = 0, reserved = 0;
	char dir[96], path[128];

	if (node >= 0)
		snprintf(dir, sizeof(dir), "/sys/devices/system/node/node%d",
			 node);
	else
		strcpy(dir, "/sys/kernel/mm");
	snprintf(path, sizeof(path), "%s/hugepages/hugepages-%zukB/%s", dir,
		 kib, "free_hugepages");
	if (sysfs_u64(path, &n))
		return 0;
	/* Promised to somebody who has not touched them yet. */
	snprintf(path, sizeof(path), "%s/hugepages/hugepages-%zukB/%s", dir,
		 kib, "resv_hugepages");
	if (sysfs_u64(path, &reserved) || reserved > n)
		reserved = 0;
	return n - reserved;
}

int hugepages_check(size_t len, int node, enum mem_pages pages, struct err *err)
{
	const uint64_t have = free_pages(node, pages);
	const uint64_t want = len / hugepages_bytes(pages);
	char where[32] = "";

	if (want <= have)
		return 0;
	if (node >= 0)
		snprintf(where, sizeof(where), " on NUMA node %d", node);
	return err_set(err, -ENOMEM, REASON_NO_HUGEPAGES,
		       "%" PRIu64 " huge pages of %s are wanted%s and %" PRIu64
		       " are free: set them aside by /sys/kernel/mm/hugepages/"
		       "hugepages-%zukB/nr_hugepages",
		       want, name_of(pages), where, have,
		       hugepages_bytes(pages) >> 10);
}

/* More than is wanted, then without what is beside the aligned part. */
static void *map_aligned(size_t len, size_t align)
{
	char *all, *addr;
	size_t before;

	all = mmap(NULL, len + align, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (all == MAP_FAILED)
		return NULL;
	before = (align - (uintptr_t)all % align) % align;
	addr = all + before;
	if (before)
		munmap(all, before);
	munmap(addr + len, align - before);
	return addr;
}

void *hugepages_map(size_t len, enum mem_pages pages)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS;
	void *addr;

	if (pages == MEM_PAGES_THP)
		return map_aligned(len, hugepages_bytes(pages));
	if (hugepages_set_aside(pages))
		flags |= MAP_HUGETLB | shift_of(pages) << MAP_HUGE_SHIFT;
	addr = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, -1, 0);
	return addr == MAP_FAILED ? NULL : addr;
}

/* Bytes of the mapping at `addr` that transparent huge pages hold
 * (AnonHugePages of /proc/self/smaps). */
static uint64_t thp_bytes(const void *addr)
{
	FILE *f = fopen("/proc/self/smaps", "re");
	uint64_t low, high, kib, bytes = 0;
	bool ours = false;
	char line[512];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%" SCNx64 "-%" SCNx64 " ", &low, &high) == 2)
			ours = low <= (uintptr_t)addr && (uintptr_t)addr < high;
		else if (ours &&
			 sscanf(line, "AnonHugePages: %" SCNu64, &kib) == 1)
			bytes = kib << 10;
	}
	if (f)
		fclose(f);
	return bytes;
}

static int touch_thp(void *addr, size_t len, struct err *err)
{
	if (madvise(addr, len, MADV_HUGEPAGE))
		return err_set(err, -ENOMEM, REASON_NO_HUGEPAGES,
			       "this kernel has no transparent huge pages");
	memset(addr, 0, len);
	if (thp_bytes(addr))
		return 0;
	return err_set(
		err, -ENOMEM, REASON_NO_HUGEPAGES,
		"no transparent huge page was given to %zu bytes: "
		"/sys/kernel/mm/transparent_hugepage/enabled is 'never', "
		"or memory is fragmented",
		len);
}

static int touch_set_aside(void *addr, size_t len, enum mem_pages pages,
			   struct err *err)
{
	/* Says so where memset would be killed (another took the last). */
	if (!madvise(addr, len, MADV_POPULATE_WRITE))
		return 0;
	if (errno != EINVAL)
		return err_set(err, -ENOMEM, REASON_NO_HUGEPAGES,
			       "huge pages of %s were free and are no longer "
			       "(or the control group's limit is reached)",
			       name_of(pages));
	memset(addr, 0, len);
	return 0;
}

int hugepages_touch(void *addr, size_t len, enum mem_pages pages,
		    struct err *err)
{
	if (pages == MEM_PAGES_THP)
		return touch_thp(addr, len, err);
	if (hugepages_set_aside(pages))
		return touch_set_aside(addr, len, pages, err);
	/* A kernel without transparent ones has none to switch off. */
	if (pages == MEM_PAGES_SMALL)
		(void)madvise(addr, len, MADV_NOHUGEPAGE);
	memset(addr, 0, len);
	return 0;
}
