/* Persistent memory: Linux Documentation/driver-api/nvdimm and
 * filesystems/dax. */
#include "machine/probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "machine/sysfs.h"

#ifndef MAP_SYNC
#define MAP_SYNC 0x080000
#endif
#ifndef MAP_SHARED_VALIDATE
#define MAP_SHARED_VALIDATE 3
#endif

#define ND_DIR "/sys/bus/nd/devices"
#define DAX_DIR "/sys/bus/dax/devices"

static void region(struct probe *p, const char *name)
{
	probe_file_u64(p, "size", "bytes", ND_DIR "/%s/size", name);
	probe_file(p, "persistence domain", ND_DIR "/%s/persistence_domain",
		   name);
	probe_file(p, "NUMA node", ND_DIR "/%s/numa_node", name);
	probe_file(p, "read-only", ND_DIR "/%s/read_only", name);
}

/* A namespace of size 0 is a seed: room for one, not one. */
static bool namespace(struct probe *p, const char *name)
{
	uint64_t size;

	if (probe_u64(p, &size, ND_DIR "/%s/size", name) || !size)
		return false;
	probe_number(p, "size", "bytes", size);
	probe_file(p, "mode", ND_DIR "/%s/mode", name);
	probe_file(p, "NUMA node", ND_DIR "/%s/numa_node", name);
	return true;
}

static void nd_device(struct probe *p, const char *name, void *arg)
{
	unsigned *count = arg;

	p->item = name;
	if (!strncmp(name, "region", 6))
		region(p, name);
	else if (!strncmp(name, "namespace", 9))
		*count += namespace(p, name);
	p->item = "";
}

static void dax_device(struct probe *p, const char *name, void *arg)
{
	char path[PROBE_PATH_MAX], dir[PROBE_PATH_MAX], driver[128];
	ssize_t n;

	++*(unsigned *)arg;
	p->item = name;
	probe_file_u64(p, "size", "bytes", DAX_DIR "/%s/size", name);
	probe_file(p, "NUMA node", DAX_DIR "/%s/numa_node", name);
	snprintf(dir, sizeof(dir), DAX_DIR "/%.400s/driver", name);
	n = readlink(probe_path(p, path, dir), driver, sizeof(driver) - 1);
	if (n > 0) {
		driver[n] = '\0';
		probe_text(p, "driver", "%s",
			   strrchr(driver, '/') ? strrchr(driver, '/') + 1
						: driver);
	} else {
		probe_unknown(p, "driver", "none is bound");
	}
	p->item = "";
}

/* --- file systems ------------------------------------------------------------ */

/* A nameless file that goes when it is closed. */
static int try_map_sync(const char *dir)
{
	int ret = 0, fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	void *addr;

	if (fd < 0)
		return -errno;
	if (ftruncate(fd, 4096)) {
		ret = -errno;
		goto out;
	}
	addr = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		    MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
	if (addr == MAP_FAILED)
		ret = -errno;
	else
		munmap(addr, 4096);
out:
	close(fd);
	return ret;
}

/* "dax", "dax=always" or "dax=inode" among the comma-separated options. */
static bool has_dax(const char *options)
{
	const char *at = options;

	while ((at = strstr(at, "dax"))) {
		if ((at == options || at[-1] == ',') &&
		    (strchr(",=", at[3]) || !at[3]) &&
		    strncmp(at, "dax=never", 9))
			return true;
		at += 3;
	}
	return false;
}

static bool dax_mount(struct probe *p, char *line)
{
	char dev[128], dir[256], type[32], options[512], path[PROBE_PATH_MAX];
	int ret;

	if (sscanf(line, "%127s %255s %31s %511s", dev, dir, type, options) !=
		    4 ||
	    (strcmp(type, "ext4") && strcmp(type, "xfs")) || !has_dax(options))
		return false;
	p->item = dir;
	probe_text(p, "file system", "%s on %s", type, dev);
	ret = try_map_sync(probe_path(p, path, dir));
	if (!ret)
		probe_text(p, "MAP_SYNC", "yes");
	else if (ret == -EOPNOTSUPP)
		probe_text(p, "MAP_SYNC", "no: %s", strerror(-ret));
	else
		probe_failed(p, "MAP_SYNC", dir, ret);
	p->item = "";
	return true;
}

static void mounts(struct probe *p)
{
	char path[PROBE_PATH_MAX], text[16 * 1024], *line, *rest = text;
	unsigned count = 0;
	int ret;

	ret = sysfs_text(probe_path(p, path, "/proc/self/mounts"), text,
			 sizeof(text));
	if (ret < 0) {
		probe_failed(p, "dax file systems", "/proc/self/mounts", ret);
		return;
	}
	while ((line = strsep(&rest, "\n")))
		count += dax_mount(p, line);
	probe_number(p, "dax file systems", "count", count);
}

static void devices(struct probe *p, const char *key, const char *dir,
		    probe_entry_fn *fn)
{
	char path[PROBE_PATH_MAX];
	unsigned count = 0;
	int ret = probe_each(p, dir, fn, &count);

	/* A kernel that never saw any has no such bus. */
	if (ret == -ENOENT && !access(probe_path(p, path, "/sys/bus"), F_OK))
		ret = 0;
	if (ret < 0)
		probe_failed(p, key, dir, ret);
	else
		probe_number(p, key, "count", count);
}

void probe_pmem(struct probe *p)
{
	p->section = "pmem";
	p->item = "";
	devices(p, "namespaces", ND_DIR, nd_device);
	devices(p, "dax devices", DAX_DIR, dax_device);
	mounts(p);
}
