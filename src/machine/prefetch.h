/*
 * The hardware prefetchers of a CPU, and the model-specific register that
 * switches them.  A set bit switches one off.
 *
 * Sources: Intel, "Disclosure of Hardware Prefetcher Control on Some Intel
 * Processors" (2014), and the tables of MSR 1A4H in the Software Developer's
 * Manual, volume 4; AMD, Processor Programming Reference of family 19h model
 * 11h, MSRC000_0108 "Prefetch Control" (CPUID Fn8000_0021 EAX bit 13 says
 * that it is there).  What is not documented is refused.
 *
 * Both makers' prefetchers go by what they do:
 *
 *	name         Intel (bit)                     AMD (bit)
 *	l2-stream    L2 hardware prefetcher (0)      L2Stream (3)
 *	l2-adjacent  L2 adjacent cache line (1)      UpDown (5)
 *	l1-stream    DCU, the next line (2)          L1Stream (0)
 *	l1-stride    DCU IP, by instruction (3)      L1Stride (1)
 *	l1-region    -                               L1Region (2)
 */
#ifndef MACHINE_PREFETCH_H
#define MACHINE_PREFETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* What an experiment wants of them. */
enum prefetch_choice {
	PREFETCH_AS_FOUND, /* the register is not touched */
	PREFETCH_ALL_OFF,
	PREFETCH_L2_STREAM_OFF,
	PREFETCH_L2_ADJACENT_OFF,
	PREFETCH_L1_STREAM_OFF,
	PREFETCH_L1_STRIDE_OFF,
	PREFETCH_L1_REGION_OFF,
	PREFETCH_CHOICES
};
extern const char *const prefetch_names[]; /* "as-found", ...; NULL */

struct prefetch_cpu {
	char vendor[13]; /* "GenuineIntel"; "" if not x86 */
	unsigned family, model;
	bool hybrid;  /* cores of two kinds, with registers of two kinds */
	bool amd_ctl; /* CPUID Fn8000_0021 EAX bit 13 */
};

struct prefetch_regs {
	uint32_t msr;
	uint64_t mask[PREFETCH_CHOICES]; /* 0: there is no such prefetcher */
};

/* This CPU, by CPUID. */
void prefetch_cpu_read(struct prefetch_cpu *cpu);

/* Its register; NULL and no-msr with words where none is documented. */
const struct prefetch_regs *prefetch_regs(const struct prefetch_cpu *cpu,
					  struct err *err);

/*
 * The registers of all CPUs, as Linux' msr module offers them: <dir>/N/msr is
 * read and written 8 bytes at a time, at the register's number.  A table, so
 * that tests may answer in the kernel's place; ordinary files do as well.
 * Members return 0 (open: a descriptor) or -errno.
 */
struct msr_io {
	int (*open)(const char *dir, unsigned cpu, bool write);
	int (*read)(int fd, uint32_t msr, uint64_t *v);
	int (*write)(int fd, uint32_t msr, uint64_t v);
};
extern const struct msr_io msr_io_files;

struct prefetch_host {
	const struct msr_io *io;
	char dir[512];
	struct prefetch_cpu cpu;
};

/*
 * This host: "/dev/cpu" and CPUID.  Or, for tests, the folder that the
 * environment's RDMABENCH_MSR_DIR names, whose file "cpu" says which CPU is
 * meant ("GenuineIntel 6 85": vendor, family, model; a fourth number that is
 * not 0: amd_ctl).  Never fails: a CPU that is not told has no register.
 */
void prefetch_host_init(struct prefetch_host *host);

/* The words for -errno of open, read or write, with the way out: no-msr, or
 * no-permission. */
int prefetch_refused(struct err *err, const struct prefetch_host *host,
		     unsigned cpu, int ret);

#endif
