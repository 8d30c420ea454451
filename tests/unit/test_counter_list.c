#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/counter_event.h"
#include "machine/counter_list.h"
#include "result/row.h"

static struct counter_list list;

static void parse(const char *text)
{
	struct err err;

	assert_int_equal(counter_list_parse(&list, text, &err), 0);
}

static unsigned slot(const char *name)
{
	unsigned i;

	for (i = 0; i < list.n; i++)
		if (!strcmp(list.counter[i].name, name))
			return i;
	fail_msg("no counter %s", name);
	return 0;
}

/* --- the list -------------------------------------------------------------- */

static void sets_become_columns(void **state)
{
	const struct counter_set *set;
	unsigned i, k;

	(void)state;
	for (i = 0; (set = counter_set_at(i)); i++) {
		parse(set->name);
		assert_true(list.n > 0);
		for (k = 0; k < list.n; k++)
			assert_true(strlen(list.counter[k].name) +
					    strlen("client_") <
				    COLUMN_NAME_MAX);
	}
	parse("default");
	slot("task_clock_ns");
	slot("page_faults");
	slot("context_switches");
	slot("cpu_migrations");
	assert_int_equal(list.counter[slot("cycles_user")].mode, MODE_USER);
	assert_int_equal(list.counter[slot("cycles_kernel")].mode, MODE_KERNEL);
	assert_true(counter_list_has_nic(&list));
	parse("none");
	assert_int_equal(list.n, 0);
	parse("cache,tlb"); /* both have cycles: once */
	assert_int_equal(list.n, 2 * (6 + 3));
	assert_false(counter_list_has_nic(&list));
	parse("tlb,MEM_LOAD_RETIRED:L3_MISS:u");
	assert_int_equal(list.counter[slot("mem_load_retired_l3_miss_u")].id,
			 CTR_EVENT);
}

static void bad_lists_are_refused(void **state)
{
	static const char *const bad[] = {
		"",	      ",",	    "default,",	  ",tlb",
		"tlb,,cache", "none,cache", "cache,none", "cycles,CYCLES",
		"a b",	      "\033[1m",    "::",	  "cycles:u,cycles::u",
	};
	char many[1024] = "e0", long_name[200];
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (counter_list_parse(&list, bad[i], &err) != -EINVAL)
			fail_msg("'%s' was accepted", bad[i]);
		assert_int_equal(err.reason, REASON_USAGE);
	}
	memset(long_name, 'x', sizeof(long_name) - 1);
	long_name[COUNTER_NAME_MAX] = '\0';
	assert_int_equal(counter_list_parse(&list, long_name, &err), -EINVAL);
	long_name[COUNTER_NAME_MAX - 1] = '\0';
	assert_int_equal(counter_list_parse(&list, long_name, &err), 0);
	for (i = 1; i < TALLY_COUNTERS_MAX; i++)
		sprintf(many + strlen(many), ",e%zu", i);
	assert_int_equal(counter_list_parse(&list, many, &err), 0);
	strcat(many, ",one");
	assert_int_equal(counter_list_parse(&list, many, &err), -EINVAL);
}

/* --- libpfm, whatever processor this is ------------------------------------ */

static void check_row(const char *pmu)
{
	struct counter ctr = {0};
	struct perf_event_attr attr;
	const char *event;
	char full[300];

	for (ctr.id = 0; ctr.id < CTR_COUNT; ctr.id++) {
		if (counter_defs[ctr.id].kind != COUNTER_CORE)
			continue;
		event = counter_event_text(pmu, &ctr);
		if (!event[0])
			continue;
		snprintf(full, sizeof(full), "%s%s%s",
			 strstr(event, "::") ? "" : pmu,
			 strstr(event, "::") ? "" : "::", event);
		if (counter_encode(full, &attr))
			fail_msg("libpfm does not know %s", full);
		assert_true(attr.type == PERF_TYPE_RAW ||
			    attr.type == PERF_TYPE_HARDWARE ||
			    attr.type == PERF_TYPE_HW_CACHE);
	}
}

/* LIBPFM_ENCODE_INACTIVE (main) lets it encode for other processors. */
static void every_event_of_the_table_exists(void **state)
{
	struct counter l2 = {.id = CTR_L2_MISSES};
	const char *row;
	char pmu[64];
	unsigned i, rows = 0;
	int n;

	(void)state;
	for (i = 0; (row = counter_microarchs(i)); i++) {
		for (; sscanf(row, "%63s%n", pmu, &n) == 1; row += n, rows++) {
			check_row(pmu);
			assert_true(counter_event_text(pmu, &l2)[0]);
		}
	}
	assert_true(rows >= 10);
	check_row("no_such_processor"); /* perf's generic ones */
	assert_string_equal(counter_event_text("no_such_processor", &l2), "");
	assert_string_equal(counter_event_text("", &l2), "");
	assert_string_equal(counter_event_text("sk", &l2), "");
	assert_string_equal(counter_event_text("skxy", &l2), "");
}

/* perf's generic cache-references are the L2's on AMD. */
static void amd_s_last_level_is_not_its_l2(void **state)
{
	const struct counter refs = {.id = CTR_LLC_REFS},
			     misses = {.id = CTR_LLC_MISSES};
	static const char *const zen[] = {
		"amd64_fam17h_zen2", "amd64_fam19h_zen3", "amd64_fam19h_zen4"};
	const char *all, *missed;
	unsigned i;

	(void)state;
	for (i = 0; i < sizeof(zen) / sizeof(zen[0]); i++) {
		all = counter_event_text(zen[i], &refs);
		missed = counter_event_text(zen[i], &misses);
		assert_non_null(strstr(all, "ILLS_FROM_SYSTEM"));
		/* Whatever missed was a reference. */
		assert_int_equal(strncmp(all, missed, strlen(missed)), 0);
		assert_true(strlen(all) > strlen(missed));
	}
	assert_string_equal(counter_event_text("amd64_fam17h_zen1", &refs), "");
	assert_string_equal(counter_event_text("skx", &refs),
			    "perf::CACHE-REFERENCES");
}

static void names_and_modes_are_encoded(void **state)
{
	struct perf_event_attr attr;
	struct err err;

	(void)state;
	assert_int_equal(counter_encode("perf::CYCLES", &attr), 0);
	assert_true(attr.type == PERF_TYPE_HARDWARE &&
		    attr.config == PERF_COUNT_HW_CPU_CYCLES);
	assert_false(attr.exclude_user || attr.exclude_kernel);
	assert_int_equal(counter_encode("perf::CYCLES:u", &attr), 0);
	assert_true(attr.exclude_kernel && !attr.exclude_user);
	assert_int_equal(counter_encode("perf::CYCLES:k", &attr), 0);
	assert_true(!attr.exclude_kernel && attr.exclude_user);
	assert_int_equal(counter_encode("NO_SUCH:EVENT", &attr), -ENOENT);
	parse("default,perf::CYCLES:u");
	assert_int_equal(counter_list_check(&list, &err), 0);
	parse("default,NO_SUCH:EVENT");
	assert_int_equal(counter_list_check(&list, &err), -EINVAL);
	assert_non_null(strstr(err.text, "NO_SUCH:EVENT"));
	assert_non_null(counter_microarch());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_become_columns),
		cmocka_unit_test(bad_lists_are_refused),
		cmocka_unit_test(every_event_of_the_table_exists),
		cmocka_unit_test(amd_s_last_level_is_not_its_l2),
		cmocka_unit_test(names_and_modes_are_encoded),
	};

	/* Before libpfm starts. */
	setenv("LIBPFM_ENCODE_INACTIVE", "1", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
