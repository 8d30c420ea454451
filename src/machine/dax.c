#include "machine/dax.h"

#include <dirent.h>
#include <errno.h>
#include <mntent.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "machine/sysfs.h"

#define DAX_DIR "/sys/bus/dax/devices"

static bool is_dax(const struct mntent *m)
{
	const char *mode = hasmntopt(m, "dax");

	return mode && strncmp(mode, "dax=never", 9);
}

int dax_mount_find(const char *wanted, char *dir, size_t cap, struct err *err)
{
	struct mntent *m = NULL;
	FILE *f;

	snprintf(dir, cap, "%s", wanted);
	if (wanted[0])
		return 0;
	f = setmntent("/proc/self/mounts", "re");
	while (f && (m = getmntent(f)) && !is_dax(m))
		;
	if (m)
		snprintf(dir, cap, "%s", m->mnt_dir);
	if (f)
		endmntent(f);
	if (m)
		return 0;
	return err_set(err, -ENODEV, REASON_NO_DEVICE,
		       "no file system is mounted with DAX: ndctl "
		       "create-namespace -m fsdax; mkfs.ext4 /dev/pmem0; mount "
		       "-o dax=always /dev/pmem0 DIR; then --pmem-dir DIR");
}

static int first_device(char *name, size_t cap)
{
	DIR *d = opendir(DAX_DIR);
	struct dirent *e = NULL;

	while (d && (e = readdir(d)) && e->d_name[0] == '.')
		;
	if (e)
		snprintf(name, cap, "%s", e->d_name);
	if (d)
		closedir(d);
	return e ? 0 : -ENODEV;
}

static int read_device(const char *name, struct dax_device *dax)
{
	uint64_t align = 2u << 20;
	char path[128];
	int ret;

	snprintf(dax->path, sizeof(dax->path), "/dev/%.40s", name);
	snprintf(path, sizeof(path), DAX_DIR "/%.40s/align", name);
	(void)sysfs_u64(path, &align); /* kernels of old do not tell */
	dax->align = align;
	snprintf(path, sizeof(path), DAX_DIR "/%.40s/size", name);
	ret = sysfs_u64(path, &dax->size);
	return ret;
}

int dax_device_find(const char *wanted, struct dax_device *dax, struct err *err)
{
	const char *slash = strrchr(wanted, '/');
	char name[256];
	int ret;

	snprintf(name, sizeof(name), "%s", slash ? slash + 1 : wanted);
	if (!name[0] && first_device(name, sizeof(name)))
		return err_set(err, -ENODEV, REASON_NO_DEVICE,
			       "no DAX device here: ndctl create-namespace -m "
			       "devdax");
	ret = read_device(name, dax);
	if (ret)
		return err_sys(err, ret, DAX_DIR "/%s", name);
	return 0;
}
