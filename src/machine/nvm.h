/*
 * Memory for a log: persistent where this host has it, else emulated.
 *
 *	dram	anonymous memory: lost with the process
 *	file	a shared mapping of a file: outlives the process, and on tmpfs
 *		or a disk's page cache not the host
 *	fsdax	a file of a DAX file system, mapped by libpmem with MAP_SYNC;
 *		the kernel refuses to register it with an RDMA device
 *	devdax	a DAX device, mapped by ourselves (its size is in sysfs): the
 *		first part of it, in multiples of the length, that no other
 *		process of ours has; can be registered
 *
 * Lines are written back by libpmem's pmem_flush and pmem_drain (CLWB,
 * CLFLUSHOPT or CLFLUSH, and SFENCE) whatever the memory is, so that an
 * emulated log costs the processor what a real one does.
 */
#ifndef MACHINE_NVM_H
#define MACHINE_NVM_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum nvm_kind { NVM_DRAM, NVM_FILE, NVM_FSDAX, NVM_DEVDAX, NVM_KINDS };
extern const char *const nvm_kind_names[]; /* NULL-terminated */

/* What power failure leaves alone, as /sys/bus/nd says it
 * (Documentation/ABI/testing/sysfs-bus-nd). */
enum nvm_domain {
	NVM_DOMAIN_UNKNOWN,
	NVM_DOMAIN_NONE,   /* volatile memory */
	NVM_DOMAIN_MEMORY, /* "memory_controller": what left the caches (ADR) */
	NVM_DOMAIN_CACHE,  /* "cpu_cache": the caches too (eADR) */
	NVM_DOMAINS
};
extern const char *const nvm_domain_names[];

struct nvm {
	void *addr; /* page aligned */
	size_t len;
	enum nvm_kind kind;
	enum nvm_domain domain;
	bool persistent; /* true of fsdax and devdax only */
	int fd;		 /* -1: none */
	char where[256]; /* the file or device */
};

/*
 * Maps `len` bytes.  `path`: a file (made if need be), or a DAX device; not
 * used for dram.  A path that is not what `kind` says is an error: -EINVAL,
 * no-file or device-limit with words.  Every page is touched.
 */
int nvm_open(struct nvm *m, enum nvm_kind kind, const char *path, size_t len,
	     struct err *err);
void nvm_close(struct nvm *m); /* zeroed struct is fine; the file stays */

void nvm_flush(const void *addr, size_t len);
void nvm_fence(void);

/* The persistence domain of a device, by its folder in sysfs ("/sys/dev/char/
 * 252:1"): that of the region that it lies in.  `root` is "" or a test's. */
enum nvm_domain nvm_domain_of(const char *root, const char *device);

/* Bytes of a DAX device ("/sys/dev/char/252:1/size"). */
int nvm_device_bytes(const char *root, const char *device, uint64_t *bytes);

#endif
