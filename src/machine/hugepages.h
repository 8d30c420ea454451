/*
 * Anonymous memory of a certain kind of pages, for mem.c, which everybody
 * else calls.  Sources: the kernel's admin-guide/mm/hugetlbpage and transhuge;
 * madvise(2).
 */
#ifndef MACHINE_HUGEPAGES_H
#define MACHINE_HUGEPAGES_H

#include "machine/mem.h"

/* The length of one such page, which mappings are multiples of. */
size_t hugepages_bytes(enum mem_pages pages);

/* True for those that an administrator sets aside (hugetlbfs). */
bool hugepages_set_aside(enum mem_pages pages);

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
