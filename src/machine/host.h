/* What this host is, as far as every run.json tells. */
#ifndef MACHINE_HOST_H
#define MACHINE_HOST_H

#include <stdbool.h>
#include <stdint.h>

/* perf_event_paranoid where there is none; real ones begin at -1. */
enum { HOST_NO_PARANOID = -100 };

struct host {
	char name[64];
	char kernel[96]; /* "Linux 6.1.0-28-amd64 x86_64" */
	char cpu_model[96];
	char virt[32];	  /* "none", "kvm", "qemu-tcg", ... or "vm"; "" if
			   * this architecture does not tell */
	char boot_id[40]; /* tells whether two ends share a boot */
	char clocksource[32];
	char governor[32]; /* of cpu0; "" if not to be had */
	unsigned cpus_online, cpus_allowed;
	unsigned numa_nodes; /* 0: unknown */
	uint64_t mem_bytes, mem_available_bytes;
	uint64_t memlock_bytes;			/* UINT64_MAX: unlimited */
	int perf_event_paranoid;		/* or HOST_NO_PARANOID */
	uint64_t l1d_bytes, l2_bytes, l3_bytes; /* as cpu0 sees; 0: unknown */
};

/* Never fails: what cannot be had stays empty. */
void host_read(struct host *host);

#endif
