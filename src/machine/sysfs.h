/*
 * Small files of /proc and /sys.  All return -errno where the file is not
 * there or not what was asked for, and write numbers only on success.
 */
#ifndef MACHINE_SYSFS_H
#define MACHINE_SYSFS_H

#include <stddef.h>
#include <stdint.h>

/* (Not called sysfs_read: a static libnuma has one of its own.)
 * The first cap - 1 bytes, with a NUL; returns how many, or -errno. */
int sysfs_text(const char *path, char *buf, size_t cap);

/* The first line, without its end, cut to cap - 1 bytes. */
int sysfs_line(const char *path, char *buf, size_t cap);

/* A decimal number alone in its file; -EINVAL if it is not one ("max"). */
int sysfs_u64(const char *path, uint64_t *v);

/*
 * The number behind `key` at the start of a line, as in "MemAvailable:  12
 * kB" (a "kB" multiplies), "inactive_file 4096" or "nr_switches   :    1".  -ENODATA without such a
 * line in the first 16 KiB.
 */
int sysfs_field(const char *path, const char *key, uint64_t *v);

#endif
