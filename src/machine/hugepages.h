/*
 * Anonymous memory of a certain kind of pages: for mem.c, which buffers come
 * from, and memkind.c, which times each step of it.  Sources: the kernel's
 * admin-guide/mm/hugetlbpage and transhuge; madvise(2).
 */
#ifndef MACHINE_HUGEPAGES_H
#define MACHINE_HUGEPAGES_H

#include <sys/mman.h>

#include "machine/mem.h"

#ifndef MADV_POPULATE_WRITE /* Linux 5.14 */
#define MADV_POPULATE_WRITE 23
#endif

/* The length of one such page, which mappings are multiples of. */
size_t hugepages_bytes(enum mem_pages pages);

/* True for those that an administrator sets aside (hugetlbfs). */
bool hugepages_set_aside(enum mem_pages pages);

/* mmap's flags for pages of so many bytes from that pool. */
int hugepages_flags(size_t page_bytes);

/* Bytes of the mapping at `addr` that transparent huge pages hold. */
uint64_t hugepages_thp_bytes(const void *addr);

/* Are `len` bytes of them free (on that node, if it is not -1)?  Without the
 * check a page that is missing would be a SIGBUS. */
int hugepages_check(size_t len, int node, enum mem_pages pages,
		    struct err *err);

/* Aligned to the page; NULL and errno. */
void *hugepages_map(size_t len, enum mem_pages pages);

/* Touches every page; -ENOMEM and no-hugepages if they are not of the kind
 * that was asked for. */
int hugepages_touch(void *addr, size_t len, enum mem_pages pages,
		    struct err *err);

#endif
