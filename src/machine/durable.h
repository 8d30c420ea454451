/*
 * Is an acknowledged write durable?  Method x memory x persistence domain x
 * kind of device x direct cache access, as one table, with the reason in
 * words.  (MAP_SYNC guards a file's metadata only.  An RDMA read after a write
 * makes it visible, and durable only where the NIC's writes do not stay in a
 * volatile cache: SNIA, "RDMA with persistent memory"; IBA 1.5, annex A19.)
 */
#ifndef MACHINE_DURABLE_H
#define MACHINE_DURABLE_H

#include "machine/nvm.h"

enum durable {
	DURABLE_NO,
	DURABLE_UNKNOWN,
	DURABLE_EMULATED, /* the method would be, behind a memory controller:
			   * the memory is none */
	DURABLE_YES,
	DURABLES
};
extern const char *const durable_names[];

/* Who makes it durable at the replica, and by what. */
enum durable_by {
	DURABLE_BY_CPU,	       /* its program flushes and fences */
	DURABLE_BY_WRITE,      /* nobody */
	DURABLE_BY_READ,       /* an RDMA read behind the write */
	DURABLE_BY_GLOBAL,     /* FLUSH, global placement: visible */
	DURABLE_BY_PERSISTENT, /* FLUSH, persistent placement */
	DURABLE_BYS
};

/* Does a NIC's DMA end in the caches (Intel's DDIO)? */
enum ddio { DDIO_UNKNOWN, DDIO_OFF, DDIO_ON, DDIOS };

struct durable_case {
	enum durable_by by;
	enum nvm_kind kind;
	enum nvm_domain domain;
	bool software_device; /* its stores are a CPU's, into the caches */
	enum ddio ddio;
};

/* The verdict; *reason is a static sentence. */
enum durable durable_judge(const struct durable_case *c, const char **reason);

#endif
