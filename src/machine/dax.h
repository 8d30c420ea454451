/* Where persistent memory is to be had: DAX file systems and devices. */
#ifndef MACHINE_DAX_H
#define MACHINE_DAX_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* `wanted`, or for "" the first file system that is mounted with DAX; no-device
 * with the way to one. */
int dax_mount_find(const char *wanted, char *dir, size_t cap, struct err *err);

struct dax_device {
	char path[64]; /* "/dev/dax0.0" */
	uint64_t size;
	size_t align; /* of every mapping */
};

/* "/dev/dax0.0" or "dax0.0", or for "" the first. */
int dax_device_find(const char *wanted, struct dax_device *dax,
		    struct err *err);

#endif
