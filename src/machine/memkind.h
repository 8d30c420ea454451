/*
 * Kinds of memory that an application might give to a NIC, each from its own
 * source: mapped, populated and unmapped piece by piece, so that every step
 * can be timed.
 *
 * A kind that cannot be had here is an error with the reason and the command
 * that mends it; nothing is replaced by another kind on the quiet.
 */
#ifndef MACHINE_MEMKIND_H
#define MACHINE_MEMKIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "machine/hugepool.h"

enum memkind {
	MEMKIND_ANON,	 /* 4 KiB pages; transparent hugepages forbidden */
	MEMKIND_THP,	 /* transparent hugepages, checked that they come */
	MEMKIND_HUGE_2M, /* hugetlb pool */
	MEMKIND_HUGE_1G,
	MEMKIND_MEMFD,	/* shared memory of the kernel's own tmpfs */
	MEMKIND_FILE,	/* the page cache of a file */
	MEMKIND_FSDAX,	/* a file on a DAX file system, MAP_SYNC */
	MEMKIND_DEVDAX, /* a DAX character device */
	MEMKIND_COUNT
};

/* "anon", "thp", "huge2m", ...; NULL-terminated. */
extern const char *const memkind_names[MEMKIND_COUNT + 1];

/* What is wanted: `n` pieces of `len` bytes, mapped at the same time. */
struct memkind_want {
	enum memkind kind;
	size_t len;
	uint64_t n;
	unsigned share_percent; /* of the available memory at most */
	bool reserve_hugepages;
	const char *file_dir;	/* of the page-cache file */
	const char *pmem_dir;	/* "": the first DAX mount */
	const char *dax_device; /* "": the first */
};

struct memsource {
	enum memkind kind;
	size_t page;   /* what faults come in; a piece is whole pages */
	size_t stride; /* bytes of a piece */
	uint64_t n;
	int fd; /* -1: none */
	int map_flags;
	bool thp_was_disabled;
	char *hint; /* for alignment; NULL: anywhere */
	struct hugepool reserved;
};

/*
 * Checks that the memory is there before anything is mapped, with the
 * arithmetic in words where it is not: more than the share of what is
 * available is no-memory, too few hugepages no-hugepages, a kind that this
 * host lacks no-device, no-permission or device-limit.
 * memsource_close in either case, unless all zeros.
 */
int memsource_open(struct memsource *s, const struct memkind_want *want,
		   struct err *err);
void memsource_close(struct memsource *s);

/* Maps the i-th piece; with `populate` the kernel fills it in with pages on
 * the way (MAP_POPULATE).  -errno. */
int memsource_map(struct memsource *s, uint64_t i, bool populate, void **addr);

/* Lets the kernel fill it with pages (MADV_POPULATE_WRITE, Linux 5.14);
 * -errno. */
int memsource_populate(const struct memsource *s, void *addr);
int memsource_unmap(const struct memsource *s, void *addr);

/* Once nothing is mapped: the next mapping starts without pages again, which
 * memfd and files would keep.  Persistent memory keeps its blocks. */
int memsource_forget(const struct memsource *s);

#endif
