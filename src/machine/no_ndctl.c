/*
 * Debian has no static libndctl and libdaxctl, which libpmem's static library
 * asks for three things: the size of a DAX device given by its path, a
 * region's id, and bad blocks.  Here they are answered with "there is none",
 * which libpmem takes for a host without such devices: DAX devices we map
 * ourselves (nvm.c), files of DAX file systems need none of this.  A dynamic
 * build (make STATIC=0) has the real libraries, and not this file.
 *
 * libndctl's own header is not needed: only null pointers are exchanged.
 */
#ifdef RDMABENCH_STATIC

#include <errno.h>
#include <stddef.h>

/* Functions of a null pointer that give one back. */
#define NONE(name)                                                             \
	void *name(void *unused);                                              \
	void *name(void *unused)                                               \
	{                                                                      \
		(void)unused;                                                  \
		return NULL;                                                   \
	}

NONE(daxctl_dev_get_devname)
NONE(daxctl_dev_get_first)
NONE(daxctl_dev_get_next)
NONE(ndctl_btt_get_block_device)
NONE(ndctl_bus_get_first)
NONE(ndctl_bus_get_next)
NONE(ndctl_dax_get_daxctl_region)
NONE(ndctl_namespace_get_block_device)
NONE(ndctl_namespace_get_btt)
NONE(ndctl_namespace_get_dax)
NONE(ndctl_namespace_get_first)
NONE(ndctl_namespace_get_next)
NONE(ndctl_namespace_get_pfn)
NONE(ndctl_pfn_get_block_device)
NONE(ndctl_region_get_first)
NONE(ndctl_region_get_next)
NONE(ndctl_unref)

unsigned long ndctl_dax_get_align(void *unused);
unsigned long ndctl_dax_get_align(void *unused)
{
	(void)unused;
	return 0;
}

unsigned long long ndctl_dax_get_size(void *unused);
unsigned long long ndctl_dax_get_size(void *unused)
{
	(void)unused;
	return 0;
}

unsigned ndctl_region_get_id(void *unused);
unsigned ndctl_region_get_id(void *unused)
{
	(void)unused;
	return 0;
}

int ndctl_region_get_numa_node(void *unused);
int ndctl_region_get_numa_node(void *unused)
{
	(void)unused;
	return -1;
}

/* A context; refused, and all the others are then never called. */
int ndctl_new(void **ctx);
int ndctl_new(void **ctx)
{
	*ctx = NULL;
	return -ENOSYS;
}

#endif
