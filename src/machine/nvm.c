#include "machine/nvm.h"

#include <errno.h>
#include <fcntl.h>
#include <libpmem.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "machine/mem.h"
#include "machine/sysfs.h"

#ifndef MAP_SYNC
#define MAP_SYNC 0x080000
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif

enum { SYS_PATH_MAX = 512, FILE_MODE = 0600 };

const char *const nvm_kind_names[] = {
	[NVM_DRAM] = "dram",	 [NVM_FILE] = "file", [NVM_FSDAX] = "fsdax",
	[NVM_DEVDAX] = "devdax", [NVM_KINDS] = NULL,
};

const char *const nvm_domain_names[] = {
	[NVM_DOMAIN_UNKNOWN] = "unknown",
	[NVM_DOMAIN_NONE] = "none",
	[NVM_DOMAIN_MEMORY] = "memory_controller",
	[NVM_DOMAIN_CACHE] = "cpu_cache",
	[NVM_DOMAINS] = NULL,
};

void nvm_flush(const void *addr, size_t len)
{
	pmem_flush(addr, len);
}

void nvm_fence(void)
{
	pmem_drain();
}

/* --- what the kernel says ---------------------------------------------------- */

/* "…/ndbus0/region3/dax3.0/…": up to the end of the region's folder. */
static char *region_folder(char *real)
{
	char *at = strstr(real, "/region");

	if (!at)
		return NULL;
	at[1 + strcspn(at + 1, "/")] = '\0';
	return real;
}

enum nvm_domain nvm_domain_of(const char *root, const char *device)
{
	char path[SYS_PATH_MAX], real[PATH_MAX], file[PATH_MAX + 32], word[64];

	snprintf(path, sizeof(path), "%s%s", root, device);
	if (!realpath(path, real) || !region_folder(real))
		return NVM_DOMAIN_UNKNOWN;
	snprintf(file, sizeof(file), "%s/persistence_domain", real);
	if (sysfs_line(file, word, sizeof(word)) < 0)
		return NVM_DOMAIN_UNKNOWN;
	if (!strcmp(word, "memory_controller"))
		return NVM_DOMAIN_MEMORY;
	if (!strcmp(word, "cpu_cache"))
		return NVM_DOMAIN_CACHE;
	return NVM_DOMAIN_UNKNOWN;
}

int nvm_device_bytes(const char *root, const char *device, uint64_t *bytes)
{
	char path[SYS_PATH_MAX];

	snprintf(path, sizeof(path), "%s%s/size", root, device);
	return sysfs_u64(path, bytes);
}

static void device_folder(char *buf, size_t cap, const char *kind, dev_t dev)
{
	snprintf(buf, cap, "/sys/dev/%s/%u:%u", kind, major(dev), minor(dev));
}

/* --- mapping ------------------------------------------------------------------- */

static int open_dram(struct nvm *m, size_t len, struct err *err)
{
	struct mem mem;
	int ret = mem_alloc(&mem, len, err);

	if (ret)
		return ret;
	m->addr = mem.addr;
	m->len = mem.mapped;
	m->domain = NVM_DOMAIN_NONE;
	return 0;
}

static int open_sized(struct nvm *m, size_t len, struct err *err)
{
	int ret;

	m->fd = open(m->where, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	if (m->fd < 0)
		return err_sys(err, -errno, "%s", m->where);
	ret = posix_fallocate(m->fd, 0, (off_t)len);
	return ret ? err_sys(err, -ret, "%s: %zu bytes", m->where, len) : 0;
}

static int open_file(struct nvm *m, size_t len, struct err *err)
{
	int ret = open_sized(m, len, err);

	if (ret)
		return ret;
	m->addr = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_POPULATE, m->fd, 0);
	if (m->addr == MAP_FAILED) {
		m->addr = NULL;
		return err_sys(err, -errno, "mapping %s", m->where);
	}
	m->len = len;
	m->domain = NVM_DOMAIN_NONE;
	return 0;
}

/* What is there stays. */
static void touch(struct nvm *m)
{
	volatile char *p = m->addr;
	char there;
	size_t i;

	for (i = 0; i < m->len; i += 4096) {
		there = p[i];
		p[i] = there;
	}
}

/* libpmem maps with MAP_SYNC where it can, and says whether it did. */
static int open_fsdax(struct nvm *m, size_t len, struct err *err)
{
	char folder[64];
	struct stat st;
	int is_pmem = 0;

	m->addr = pmem_map_file(m->where, len, PMEM_FILE_CREATE, FILE_MODE,
				&m->len, &is_pmem);
	if (!m->addr)
		return err_sys(err, -errno, "mapping %s", m->where);
	if (!is_pmem)
		return err_set(err, -EOPNOTSUPP, REASON_DEVICE_LIMIT,
			       "%s is in no DAX file system (MAP_SYNC is "
			       "refused): --memory file emulates one",
			       m->where);
	if (stat(m->where, &st))
		return err_sys(err, -errno, "%s", m->where);
	device_folder(folder, sizeof(folder), "block", st.st_dev);
	m->domain = nvm_domain_of("", folder);
	m->persistent = true;
	touch(m);
	return 0;
}

static int check_device(const struct nvm *m, char *folder, size_t cap,
			uint64_t *bytes, struct err *err)
{
	struct stat st;

	if (fstat(m->fd, &st))
		return err_sys(err, -errno, "%s", m->where);
	device_folder(folder, cap, "char", st.st_rdev);
	if (S_ISCHR(st.st_mode) && !nvm_device_bytes("", folder, bytes))
		return 0;
	return err_set(err, -EINVAL, REASON_USAGE, "%s is no DAX device",
		       m->where);
}

/* The first part that nobody has locked, so that replicas on one host do not
 * write over each other; the lock goes with the descriptor. */
static int take_part(struct nvm *m, size_t len, uint64_t bytes, off_t *at,
		     struct err *err)
{
	struct flock part = {
		.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = (off_t)len};

	for (; (uint64_t)part.l_start + len <= bytes;
	     part.l_start += (off_t)len) {
		*at = part.l_start;
		if (!fcntl(m->fd, F_OFD_SETLK, &part))
			return 0;
		if (errno != EAGAIN && errno != EACCES)
			return err_sys(err, -errno, "locking %s", m->where);
	}
	return err_set(err, -ENOSPC, REASON_NO_MEMORY,
		       "%s has %llu bytes: no room for a log of %zu beside "
		       "those in use (--log-size)",
		       m->where, (unsigned long long)bytes, len);
}

/* A DAX device is mapped in units of its page size, 2 MiB as a rule. */
static int open_devdax(struct nvm *m, size_t len, struct err *err)
{
	const size_t unit = 2u << 20;
	uint64_t bytes = 0;
	char folder[64];
	off_t at = 0;
	int ret;

	m->fd = open(m->where, O_RDWR | O_CLOEXEC);
	if (m->fd < 0)
		return err_sys(err, -errno, "%s", m->where);
	len = (len + unit - 1) / unit * unit;
	ret = check_device(m, folder, sizeof(folder), &bytes, err);
	if (!ret)
		ret = take_part(m, len, bytes, &at, err);
	if (ret)
		return ret;
	m->addr = mmap(NULL, len, PROT_READ | PROT_WRITE,
		       MAP_SHARED_VALIDATE | MAP_SYNC, m->fd, at);
	if (m->addr == MAP_FAILED) {
		m->addr = NULL;
		return err_sys(err, -errno, "mapping %s", m->where);
	}
	m->len = len;
	m->domain = nvm_domain_of("", folder);
	m->persistent = true;
	touch(m);
	return 0;
}

static int check_path(const struct nvm *m, struct err *err)
{
	if (m->kind == NVM_DRAM || m->where[0])
		return 0;
	return err_set(err, -EINVAL, REASON_USAGE,
		       "--memory %s needs --pmem-dir: %s",
		       nvm_kind_names[m->kind],
		       m->kind == NVM_DEVDAX ? "the DAX device" : "a folder");
}

int nvm_open(struct nvm *m, enum nvm_kind kind, const char *path, size_t len,
	     struct err *err)
{
	int ret;

	*m = (struct nvm){.kind = kind, .fd = -1};
	snprintf(m->where, sizeof(m->where), "%s", path);
	ret = check_path(m, err);
	if (ret)
		return ret;
	if (kind == NVM_DRAM)
		ret = open_dram(m, len, err);
	else if (kind == NVM_FILE)
		ret = open_file(m, len, err);
	else if (kind == NVM_FSDAX)
		ret = open_fsdax(m, len, err);
	else
		ret = open_devdax(m, len, err);
	if (ret)
		nvm_close(m);
	return ret;
}

void nvm_close(struct nvm *m)
{
	if (m->addr && m->kind == NVM_FSDAX)
		pmem_unmap(m->addr, m->len);
	else if (m->addr)
		munmap(m->addr, m->len);
	if (m->kind != NVM_DRAM && m->fd >= 0)
		close(m->fd);
	*m = (struct nvm){.fd = -1};
}
