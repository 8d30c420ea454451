#include "machine/memkind.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/units.h"
#include "machine/dax.h"
#include "machine/hugepages.h"
#include "machine/mem.h"
#include "machine/sysfs.h"

#define THP_DIR "/sys/kernel/mm/transparent_hugepage/"
#define MIB ((size_t)1 << 20)
#define GIB ((size_t)1 << 30)

const char *const memkind_names[MEMKIND_COUNT + 1] = {
	[MEMKIND_ANON] = "anon",      [MEMKIND_THP] = "thp",
	[MEMKIND_HUGE_2M] = "huge2m", [MEMKIND_HUGE_1G] = "huge1g",
	[MEMKIND_MEMFD] = "memfd",    [MEMKIND_FILE] = "file",
	[MEMKIND_FSDAX] = "fsdax",    [MEMKIND_DEVDAX] = "devdax",
};

static uint64_t total_of(const struct memsource *s)
{
	return s->n * s->stride;
}

static unsigned long long ull(uint64_t v)
{
	return v;
}

/* --- is there enough? ------------------------------------------------------ */

static int check_room(const struct memsource *s,
		      const struct memkind_want *want, struct err *err)
{
	uint64_t have = mem_available(), total = total_of(s);
	uint64_t may = have / 100 * want->share_percent;

	if (total <= may)
		return 0;
	return err_set(err, -ENOMEM, REASON_NO_MEMORY,
		       "%llu regions of %zu bytes are %llu MiB, but %llu MiB "
		       "are available here and %u %% of that (--share) are "
		       "%llu MiB: smaller or fewer regions",
		       ull(s->n), s->stride, units_mib_wanted(total),
		       units_mib_there(have), want->share_percent,
		       units_mib_there(may));
}

/* --- anonymous memory ------------------------------------------------------ */

static int thp_disable(bool disable, struct err *err)
{
	if (!prctl(PR_SET_THP_DISABLE, disable, 0, 0, 0))
		return 0;
	return err_sys(err, -errno, "PR_SET_THP_DISABLE");
}

static int open_anon(struct memsource *s, const struct memkind_want *want,
		     struct err *err)
{
	int ret = check_room(s, want, err);

	s->map_flags = MAP_PRIVATE | MAP_ANONYMOUS;
	return ret ? ret : thp_disable(true, err);
}

/* A free range that begins at a hugepage's boundary, for the kernel to take
 * up as a hint: nothing is kept there. */
static int find_aligned(struct memsource *s, struct err *err)
{
	size_t len = total_of(s) + s->page;
	char *addr = mmap(NULL, len, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (addr == MAP_FAILED)
		return err_sys(err, -errno, "%zu bytes of address space", len);
	munmap(addr, len);
	s->hint = addr + (s->page - (uintptr_t)addr % s->page) % s->page;
	return 0;
}

/* By trying it: the kernel takes the advice and may not follow it. */
static int check_thp(struct memsource *s, struct err *err)
{
	uint64_t huge;
	void *addr;
	int ret = memsource_map(s, 0, false, &addr);

	if (ret)
		return err_sys(err, ret, "cannot map a transparent hugepage");
	*(volatile char *)addr = 0;
	huge = hugepages_thp_bytes(addr);
	memsource_unmap(s, addr);
	if (huge >= s->page)
		return 0;
	return err_set(err, -EOPNOTSUPP, REASON_NO_HUGEPAGES,
		       "this kernel gave small pages where a transparent "
		       "hugepage was advised: echo madvise >" THP_DIR
		       "enabled; echo always >" THP_DIR "defrag");
}

static int open_thp(struct memsource *s, const struct memkind_want *want,
		    struct err *err)
{
	char enabled[64];
	int ret;

	s->map_flags = MAP_PRIVATE | MAP_ANONYMOUS;
	s->page = 2 * MIB;
	if (sysfs_line(THP_DIR "enabled", enabled, sizeof(enabled)))
		return err_set(err, -EOPNOTSUPP, REASON_NO_HUGEPAGES,
			       "this kernel has no transparent hugepages");
	if (strstr(enabled, "[never]"))
		return err_set(err, -EOPNOTSUPP, REASON_NO_HUGEPAGES,
			       "transparent hugepages are switched off: echo "
			       "madvise >" THP_DIR "enabled");
	ret = thp_disable(false, err);
	if (!ret)
		ret = check_room(s, want, err);
	if (!ret)
		ret = find_aligned(s, err);
	return ret ? ret : check_thp(s, err);
}

/* --- hugepages ------------------------------------------------------------- */

static int check_pool(const struct memsource *s, uint64_t need, struct err *err)
{
	uint64_t unused = 0;
	char path[128];

	if (hugepool_free(s->page, -1, &unused))
		return err_set(err, -EOPNOTSUPP, REASON_NO_HUGEPAGES,
			       "this kernel or CPU has no hugepages of %zu MiB",
			       s->page / MIB);
	if (unused >= need)
		return 0;
	return err_set(err, -ENOMEM, REASON_NO_HUGEPAGES,
		       "%llu hugepages of %zu MiB are needed, %llu are free: "
		       "--reserve-hugepages (root), or echo %llu >%s",
		       ull(need), s->page / MIB, ull(unused), ull(need),
		       hugepool_path(path, sizeof(path), s->page));
}

/* Only what the pool lacks is added. */
static int reserve(struct memsource *s, const struct memkind_want *want,
		   uint64_t need, struct err *err)
{
	uint64_t unused = 0;

	if (hugepool_free(s->page, -1, &unused) || unused >= need)
		return 0;
	if ((need - unused) * s->page >
	    mem_available() / 100 * want->share_percent)
		return check_room(s, want, err);
	return hugepool_reserve(&s->reserved, s->page, need - unused, err);
}

static int open_huge(struct memsource *s, const struct memkind_want *want,
		     struct err *err)
{
	uint64_t need = total_of(s) / s->page;
	int ret = 0;

	if (want->reserve_hugepages)
		ret = reserve(s, want, need, err);
	if (!ret)
		ret = check_pool(s, need, err);
	s->map_flags = MAP_PRIVATE | MAP_ANONYMOUS | hugepages_flags(s->page);
	return ret;
}

/* --- files ----------------------------------------------------------------- */

static int set_length(struct memsource *s, struct err *err)
{
	if (!ftruncate(s->fd, (off_t)total_of(s)))
		return 0;
	return err_sys(err, -errno, "a file of %llu bytes", ull(total_of(s)));
}

static int open_memfd(struct memsource *s, const struct memkind_want *want,
		      struct err *err)
{
	int ret = check_room(s, want, err);

	if (!ret)
		ret = thp_disable(true, err);
	if (ret)
		return ret;
	s->map_flags = MAP_SHARED;
	s->fd = memfd_create("rdmabench", MFD_CLOEXEC);
	if (s->fd < 0)
		return err_sys(err, -errno, "memfd_create");
	return set_length(s, err);
}

/* File systems without O_TMPFILE (overlays of some): a name for a moment. */
static int open_and_unlink(const char *dir)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/rdmabench.XXXXXX", dir);
	fd = mkostemp(path, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	unlink(path);
	return fd;
}

/* Without a name, so that nothing is left behind whatever happens. */
static int open_unnamed(struct memsource *s, const char *dir, struct err *err)
{
	s->fd = open(dir, O_RDWR | O_TMPFILE | O_CLOEXEC, 0600);
	if (s->fd < 0 && errno == EOPNOTSUPP)
		s->fd = open_and_unlink(dir);
	else if (s->fd < 0)
		s->fd = -errno;
	if (s->fd >= 0)
		return 0;
	return err_sys(err, s->fd, "cannot make a file in %s", dir);
}

static int check_disk(const struct memsource *s, const char *dir,
		      struct err *err)
{
	struct statvfs fs;
	uint64_t room;

	if (fstatvfs(s->fd, &fs))
		return err_sys(err, -errno, "%s", dir);
	room = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (total_of(s) <= room)
		return 0;
	return err_set(err, -ENOSPC, REASON_NO_MEMORY,
		       "%llu regions of %zu bytes are %llu MiB, but %s has "
		       "%llu MiB left",
		       ull(s->n), s->stride, units_mib_wanted(total_of(s)), dir,
		       units_mib_there(room));
}

static int open_file(struct memsource *s, const struct memkind_want *want,
		     struct err *err)
{
	int ret = check_room(s, want, err);

	s->map_flags = MAP_SHARED;
	if (!ret)
		ret = open_unnamed(s, want->file_dir, err);
	if (!ret)
		ret = check_disk(s, want->file_dir, err);
	return ret ? ret : set_length(s, err);
}

static int open_fsdax(struct memsource *s, const struct memkind_want *want,
		      struct err *err)
{
	char dir[256];
	int ret = dax_mount_find(want->pmem_dir, dir, sizeof(dir), err);

	if (!ret)
		ret = open_unnamed(s, dir, err);
	if (!ret)
		ret = check_disk(s, dir, err);
	if (ret)
		return ret;
	/* Its blocks now: faults shall not have to allocate them. */
	ret = -posix_fallocate(s->fd, 0, (off_t)total_of(s));
	if (ret)
		return err_sys(err, ret, "%llu bytes in %s", ull(total_of(s)),
			       dir);
	s->map_flags = MAP_SHARED_VALIDATE | MAP_SYNC;
	return 0;
}

static int open_devdax(struct memsource *s, const struct memkind_want *want,
		       struct err *err)
{
	struct dax_device dax = {.size = 0};
	int ret = dax_device_find(want->dax_device, &dax, err);

	if (ret)
		return ret;
	s->page = dax.align;
	s->stride = (s->stride + s->page - 1) / s->page * s->page;
	if (total_of(s) > dax.size)
		return err_set(err, -ENOSPC, REASON_NO_MEMORY,
			       "%llu regions of %zu bytes (its pages are %zu "
			       "KiB) are %llu MiB, but %s has %llu MiB",
			       ull(s->n), s->stride, s->page / 1024,
			       units_mib_wanted(total_of(s)), dax.path,
			       units_mib_there(dax.size));
	s->fd = open(dax.path, O_RDWR | O_CLOEXEC);
	if (s->fd < 0)
		return err_sys(err, -errno, "%s", dax.path);
	s->map_flags = MAP_SHARED;
	return 0;
}

/* The kernel's word on what was opened, before anything is timed. */
static int check_map(struct memsource *s, struct err *err)
{
	void *addr;
	int ret = memsource_map(s, 0, false, &addr);

	if (!ret)
		return memsource_unmap(s, addr);
	if (ret == -EOPNOTSUPP && s->kind == MEMKIND_FSDAX)
		return err_set(err, ret, REASON_NO_DEVICE,
			       "this file system cannot map with MAP_SYNC: "
			       "mount -o dax=always (ext4, xfs on /dev/pmemN)");
	return err_sys(err, ret, "cannot map %zu bytes", s->stride);
}

/* --- all of them ----------------------------------------------------------- */

static const struct {
	size_t page; /* 0: the system's */
	int (*open)(struct memsource *s, const struct memkind_want *want,
		    struct err *err);
	bool keeps_pages; /* beyond a mapping */
} kinds[MEMKIND_COUNT] = {
	[MEMKIND_ANON] = {.open = open_anon},
	[MEMKIND_THP] = {.page = 2 * MIB, .open = open_thp},
	[MEMKIND_HUGE_2M] = {.page = 2 * MIB, .open = open_huge},
	[MEMKIND_HUGE_1G] = {.page = GIB, .open = open_huge},
	[MEMKIND_MEMFD] = {.open = open_memfd, .keeps_pages = true},
	[MEMKIND_FILE] = {.open = open_file, .keeps_pages = true},
	[MEMKIND_FSDAX] = {.open = open_fsdax},
	[MEMKIND_DEVDAX] = {.page = 2 * MIB, .open = open_devdax},
};

int memsource_open(struct memsource *s, const struct memkind_want *want,
		   struct err *err)
{
	uint64_t total;
	int ret;

	memset(s, 0, sizeof(*s));
	s->kind = want->kind;
	s->fd = -1;
	s->n = want->n;
	s->thp_was_disabled = prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0) > 0;
	s->page = kinds[want->kind].page;
	if (!s->page)
		s->page = (size_t)sysconf(_SC_PAGESIZE);
	if (__builtin_add_overflow(want->len, s->page - 1, &s->stride) ||
	    __builtin_mul_overflow(s->stride, s->n, &total) ||
	    total > INT64_MAX)
		return err_set(err, -ENOMEM, REASON_NO_MEMORY,
			       "%llu regions of %zu bytes: no computer has so "
			       "much",
			       ull(want->n), want->len);
	s->stride &= ~(s->page - 1);
	ret = kinds[want->kind].open(s, want, err);
	if (!ret)
		ret = check_map(s, err);
	if (ret)
		err_wrap(err, "%s memory", memkind_names[want->kind]);
	return ret;
}

void memsource_close(struct memsource *s)
{
	if (!s->n)
		return;
	if (s->fd >= 0)
		close(s->fd);
	/* It was set by us before; to set it back cannot fail. */
	prctl(PR_SET_THP_DISABLE, s->thp_was_disabled, 0, 0, 0);
	hugepool_release(&s->reserved);
	memset(s, 0, sizeof(*s));
}

int memsource_map(struct memsource *s, uint64_t i, bool populate, void **addr)
{
	/* Advice comes after mapping: the kernel may not populate before. */
	bool advise = s->kind == MEMKIND_THP;
	int flags = s->map_flags | (populate && !advise ? MAP_POPULATE : 0);
	char *hint = s->hint ? s->hint + i * s->stride : NULL;
	off_t at = s->fd >= 0 ? (off_t)(i * s->stride) : 0;

	*addr = mmap(hint, s->stride, PROT_READ | PROT_WRITE, flags, s->fd, at);
	if (*addr == MAP_FAILED)
		return -errno;
	if (!advise)
		return 0;
	if (madvise(*addr, s->stride, MADV_HUGEPAGE) ||
	    (populate && memsource_populate(s, *addr))) {
		int ret = errno ? -errno : -EIO;

		munmap(*addr, s->stride);
		return ret;
	}
	return 0;
}

int memsource_populate(const struct memsource *s, void *addr)
{
	return madvise(addr, s->stride, MADV_POPULATE_WRITE) ? -errno : 0;
}

int memsource_unmap(const struct memsource *s, void *addr)
{
	return munmap(addr, s->stride) ? -errno : 0;
}

int memsource_forget(const struct memsource *s)
{
	if (!kinds[s->kind].keeps_pages)
		return 0;
	if (ftruncate(s->fd, 0) || ftruncate(s->fd, (off_t)total_of(s)))
		return -errno;
	return 0;
}
