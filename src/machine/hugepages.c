#include "machine/hugepages.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/hugepool.h"

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

int hugepages_flags(size_t page_bytes)
{
	return MAP_HUGETLB | __builtin_ctzll(page_bytes) << MAP_HUGE_SHIFT;
}

int hugepages_check(size_t len, int node, enum mem_pages pages, struct err *err)
{
	const size_t page = hugepages_bytes(pages);
	const uint64_t want = len / page;
	char where[32] = "", path[128];
	uint64_t have = 0;

	if (!hugepool_free(page, node, &have) && want <= have)
		return 0;
	if (node >= 0)
		snprintf(where, sizeof(where), " on NUMA node %d", node);
	return err_set(err, -ENOMEM, REASON_NO_HUGEPAGES,
		       "%" PRIu64 " huge pages of %s are wanted%s and %" PRIu64
		       " are free: set them aside by %s",
		       want, name_of(pages), where, have,
		       hugepool_path(path, sizeof(path), page));
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
		flags |= hugepages_flags(hugepages_bytes(pages));
	addr = mmap(NULL, len, PROT_READ | PROT_WRITE, flags, -1, 0);
	return addr == MAP_FAILED ? NULL : addr;
}

/* AnonHugePages of /proc/self/smaps. */
uint64_t hugepages_thp_bytes(const void *addr)
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
	if (hugepages_thp_bytes(addr))
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
