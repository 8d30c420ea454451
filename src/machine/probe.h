/*
 * Asking a host for facts.  Every probe_* function appends to the list and
 * never fails: what cannot be had is a fact with its reason.
 *
 * Paths are those of a real host; `root` is put in front of them, so that
 * tests can have a tree of their own.
 */
#ifndef MACHINE_PROBE_H
#define MACHINE_PROBE_H

#include "machine/facts.h"
#include "machine/host.h"

struct probe {
	const char *root; /* "" for the real one */
	const struct host *host;
	struct facts *facts;
	const char *section, *item; /* where the next facts belong */
};

enum { PROBE_PATH_MAX = 512, PROBE_TEXT_MAX = FACT_TEXT_MAX };

/* --- what this host has ---------------------------------------------------- */

void probe_cpu(struct probe *p);    /* CPUs, caches, frequency, idling */
void probe_kernel(struct probe *p); /* and clock, mitigations, IOMMU, VM */
void probe_memory(struct probe *p); /* NUMA, pages, limits */
void probe_pmu(struct probe *p);    /* counters, and the prefetch MSR */
void probe_pmem(struct probe *p);
/* Network interfaces with a device, and those that a fact "netdev" names. */
void probe_nics(struct probe *p);
/* Of the device behind a sysfs folder ("/sys/class/net/eth0/device"), into
 * the section and item that are set. */
void probe_pci(struct probe *p, const char *device);

/* --- for those who write such functions ------------------------------------ */

void probe_text(struct probe *p, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void probe_number(struct probe *p, const char *key, const char *unit,
		  uint64_t v);
void probe_unknown(struct probe *p, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Unknown because of -errno at this path (or of anything that has a name). */
void probe_failed(struct probe *p, const char *key, const char *path, int ret);

/* The first line of a file, or its decimal number. */
int probe_line(const struct probe *p, char *buf, size_t cap, const char *fmt,
	       ...) __attribute__((format(printf, 4, 5)));
int probe_u64(const struct probe *p, uint64_t *v, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same as a fact. */
void probe_file(struct probe *p, const char *key, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void probe_file_u64(struct probe *p, const char *key, const char *unit,
		    const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* Root and path in one; returns buf. */
char *probe_path(const struct probe *p, char buf[PROBE_PATH_MAX],
		 const char *path);

/* Calls fn for each entry, in the order people count ("cpu2" before
 * "cpu10").  How many, or -errno. */
typedef void probe_entry_fn(struct probe *p, const char *name, void *arg);
int probe_each(struct probe *p, const char *path, probe_entry_fn *fn,
	       void *arg);

/* Appends to a text, ", " between; cut with "..." when it is full. */
void probe_join(char *buf, size_t cap, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Words and how often each came: "performance", or "DMA (4), identity (2)".
 */
enum { TALLY_WORDS = 24, TALLY_WORD = 72 };
struct word_tally {
	char word[TALLY_WORDS][TALLY_WORD];
	unsigned count[TALLY_WORDS];
	unsigned n, more; /* words beyond the table */
};
void word_tally_add(struct word_tally *t, const char *word);
char *word_tally_text(const struct word_tally *t, char *buf, size_t cap);

#endif
