/* Buffers of every kind of pages: what was asked for, or the reason. */
#include "unit.h"

#include <errno.h>
#include <string.h>

#include "machine/hugepages.h"

static const struct {
	enum mem_pages pages;
	size_t page;
} kinds[] = {
	{MEM_PAGES_AS_IS, 4096},  {MEM_PAGES_SMALL, 4096},
	{MEM_PAGES_THP, 2 << 20}, {MEM_PAGES_2M, 2 << 20},
	{MEM_PAGES_1G, 1 << 30},
};

/* Zeros, aligned, whole pages; gone with mem_free. */
static void is_good(const struct mem *mem, size_t len, size_t page)
{
	const char *p = mem->addr;
	size_t i;

	assert_int_equal((uintptr_t)p % page, 0);
	assert_int_equal(mem->len, len);
	assert_int_equal(mem->mapped % page, 0);
	assert_true(mem->mapped >= len);
	for (i = 0; i < len; i++)
		assert_int_equal(p[i], 0);
	memset(mem->addr, 1, mem->mapped);
}

static void each_kind_or_its_reason(void **state)
{
	struct mem mem;
	struct err err;
	size_t i, len = 5000;
	int ret;

	(void)state;
	for (i = 0; i < N_OF(kinds); i++) {
		assert_int_equal(hugepages_bytes(kinds[i].pages),
				 kinds[i].page);
		mem = (struct mem){.addr = NULL};
		ret = mem_alloc_as(&mem, len, -1, kinds[i].pages, &err);
		if (!ret) {
			is_good(&mem, len, kinds[i].page);
			mem_free(&mem);
			continue;
		}
		assert_true(kinds[i].pages > MEM_PAGES_SMALL);
		assert_int_equal(ret, -ENOMEM);
		assert_int_equal(err.reason, REASON_NO_HUGEPAGES);
		assert_true(reason_is_unsupported(err.reason));
		assert_null(mem.addr);
	}
}

/* More than any host has, and a node that none has: refused before anything
 * is mapped, with the numbers. */
static void too_much_is_refused(void **state)
{
	struct mem mem = {.addr = NULL};
	struct err err;

	(void)state;
	assert_int_equal(mem_alloc_as(&mem, 1ull << 50, -1, MEM_PAGES_2M, &err),
			 -ENOMEM);
	assert_int_equal(err.reason, REASON_NO_HUGEPAGES);
	assert_words(&err, "536870912 huge pages of 2 MiB are wanted");
	assert_words(&err, "hugepages-2048kB/nr_hugepages");
	assert_int_equal(mem_alloc_as(&mem, 1, 999, MEM_PAGES_1G, &err),
			 -ENOMEM);
	assert_words(&err, "on NUMA node 999 and 0 are free");
	assert_int_equal(mem_alloc_as(&mem, SIZE_MAX, -1, MEM_PAGES_THP, &err),
			 -ENOMEM);
	assert_null(mem.addr);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_kind_or_its_reason),
		cmocka_unit_test(too_much_is_refused),
	};

	return cmocka_run_group_tests_name("hugepages", tests, NULL, NULL);
}
