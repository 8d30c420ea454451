/* What may be called durable, and the memory that it is judged of. */
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "machine/durable.h"
#include "tree.h"

static enum durable judge(struct durable_case c)
{
	const char *reason = NULL;
	enum durable is = durable_judge(&c, &reason);

	assert_non_null(reason);
	assert_true(strlen(reason) > 10);
	return is;
}

#define CASE(by_, kind_, domain_, software_, ddio_)                            \
	judge((struct durable_case){.by = DURABLE_BY_##by_,                    \
				    .kind = NVM_##kind_,                       \
				    .domain = NVM_DOMAIN_##domain_,            \
				    .software_device = (software_),            \
				    .ddio = DDIO_##ddio_})

static void what_the_issue_names(void **unused)
{
	(void)unused;
	assert_int_equal(CASE(READ, DEVDAX, MEMORY, true, UNKNOWN), DURABLE_NO);
	assert_int_equal(CASE(READ, DEVDAX, MEMORY, false, UNKNOWN),
			 DURABLE_UNKNOWN);
	assert_int_equal(CASE(READ, DEVDAX, MEMORY, false, ON), DURABLE_NO);
	assert_int_equal(CASE(READ, DEVDAX, MEMORY, false, OFF), DURABLE_YES);
	assert_int_equal(CASE(READ, DEVDAX, CACHE, true, ON), DURABLE_YES);
	assert_int_equal(CASE(GLOBAL, DEVDAX, MEMORY, false, OFF), DURABLE_NO);
	assert_int_equal(CASE(GLOBAL, DEVDAX, CACHE, false, ON), DURABLE_YES);
	assert_int_equal(CASE(PERSISTENT, DEVDAX, MEMORY, true, UNKNOWN),
			 DURABLE_YES);
	assert_int_equal(CASE(CPU, FSDAX, MEMORY, true, UNKNOWN), DURABLE_YES);
	assert_int_equal(CASE(CPU, FSDAX, UNKNOWN, true, UNKNOWN),
			 DURABLE_UNKNOWN);
}

/* Emulated is the memory, not the method: what memory behind the controller
 * would not keep is not called durable in DRAM. */
static void emulation_promises_no_more(void **unused)
{
	(void)unused;
	assert_int_equal(CASE(CPU, DRAM, UNKNOWN, true, UNKNOWN),
			 DURABLE_EMULATED);
	assert_int_equal(CASE(PERSISTENT, FILE, UNKNOWN, true, ON),
			 DURABLE_EMULATED);
	assert_int_equal(CASE(GLOBAL, DRAM, UNKNOWN, false, OFF), DURABLE_NO);
	assert_int_equal(CASE(READ, DRAM, UNKNOWN, true, UNKNOWN), DURABLE_NO);
	assert_int_equal(CASE(READ, FILE, UNKNOWN, false, ON), DURABLE_NO);
	assert_int_equal(CASE(READ, DRAM, UNKNOWN, false, UNKNOWN),
			 DURABLE_UNKNOWN);
	assert_int_equal(CASE(READ, DRAM, UNKNOWN, false, OFF),
			 DURABLE_EMULATED);
}

static void a_write_alone_never_is(void **unused)
{
	struct durable_case c = {.by = DURABLE_BY_WRITE};

	(void)unused;
	for (c.kind = 0; c.kind < NVM_KINDS; c.kind++)
		for (c.domain = 0; c.domain < NVM_DOMAINS; c.domain++)
			for (c.ddio = 0; c.ddio < DDIOS; c.ddio++)
				assert_int_equal(judge(c), DURABLE_NO);
}

/* Every case has a verdict; memory that is none never makes anything
 * durable. */
static void the_table_is_whole(void **unused)
{
	struct durable_case c = {0};
	unsigned i, n = DURABLE_BYS * NVM_KINDS * NVM_DOMAINS * 2 * DDIOS;

	(void)unused;
	for (i = 0; i < n; i++) {
		enum durable is;

		c.by = i % DURABLE_BYS;
		c.kind = i / DURABLE_BYS % NVM_KINDS;
		c.domain = i / DURABLE_BYS / NVM_KINDS % NVM_DOMAINS;
		c.software_device =
			i / DURABLE_BYS / NVM_KINDS / NVM_DOMAINS % 2;
		c.ddio = i / DURABLE_BYS / NVM_KINDS / NVM_DOMAINS / 2;
		is = judge(c);
		if (c.kind == NVM_DRAM || c.kind == NVM_FILE)
			assert_true(is != DURABLE_YES);
		else
			assert_true(is != DURABLE_EMULATED);
		if (c.domain == NVM_DOMAIN_UNKNOWN)
			assert_true(is != DURABLE_YES);
	}
}

static void domains_of_sysfs(void **unused)
{
	struct tree t;

	(void)unused;
	tree_new(&t);
	tree_put(&t, "/sys/devices/ndbus0/region3/persistence_domain",
		 "memory_controller");
	tree_put(&t, "/sys/devices/ndbus0/region3/dax3.0/size", "520093696");
	tree_put(&t, "/sys/devices/ndbus0/region4/persistence_domain",
		 "cpu_cache");
	tree_put(&t, "/sys/devices/ndbus0/region4/pmem4/x", "1");
	assert_int_equal(
		nvm_domain_of(t.root, "/sys/devices/ndbus0/region3/dax3.0"),
		NVM_DOMAIN_MEMORY);
	assert_int_equal(
		nvm_domain_of(t.root, "/sys/devices/ndbus0/region4/pmem4"),
		NVM_DOMAIN_CACHE);
	assert_int_equal(nvm_domain_of(t.root, "/sys/devices/ndbus0"),
			 NVM_DOMAIN_UNKNOWN);
	assert_int_equal(nvm_domain_of(t.root, "/nowhere"), NVM_DOMAIN_UNKNOWN);
	tree_free(&t);
}

static void memory_that_outlives_its_mapping(void **unused)
{
	char path[] = "/tmp/test-nvm.XXXXXX";
	struct nvm m;
	struct err err;
	int fd = mkstemp(path);

	(void)unused;
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(nvm_open(&m, NVM_FILE, path, 65536, &err), 0);
	assert_false(m.persistent);
	memcpy(m.addr, "kept", 5);
	nvm_flush(m.addr, 5);
	nvm_fence();
	nvm_close(&m);
	assert_int_equal(nvm_open(&m, NVM_FILE, path, 65536, &err), 0);
	assert_string_equal(m.addr, "kept");
	nvm_close(&m);
	assert_true(nvm_open(&m, NVM_DEVDAX, path, 65536, &err) < 0);
	assert_words(&err, "is no DAX device");
	assert_true(nvm_open(&m, NVM_FILE, "", 65536, &err) < 0);
	assert_words(&err, "--pmem-dir");
	assert_int_equal(nvm_open(&m, NVM_DRAM, "", 65536, &err), 0);
	nvm_close(&m);
	nvm_close(&m);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_issue_names),
		cmocka_unit_test(emulation_promises_no_more),
		cmocka_unit_test(a_write_alone_never_is),
		cmocka_unit_test(the_table_is_whole),
		cmocka_unit_test(domains_of_sysfs),
		cmocka_unit_test(memory_that_outlives_its_mapping),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
