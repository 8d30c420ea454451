#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "machine/rdpmc.h"

/* --- the protocol, on a page of our own -------------------------------------- */

static struct perf_event_mmap_page page;
static uint64_t pmc;
static unsigned reads, moves;
static uint32_t read_index;

/* What the instruction would say; while `moves` lasts, the kernel changes
 * the page under the reader. */
static uint64_t insn(uint32_t index)
{
	read_index = index;
	reads++;
	if (moves) {
		moves--;
		page.lock += 2;
		page.offset = 5000;
		page.index = 3;
	}
	return pmc;
}

static int fresh(void **state)
{
	(void)state;
	memset(&page, 0, sizeof(page));
	page.cap_user_rdpmc = 1;
	page.index = 8;
	page.pmc_width = 48;
	page.offset = 1000;
	page.lock = 2;
	pmc = 23;
	reads = moves = 0;
	return 0;
}

static void offset_and_counter_are_added(void **state)
{
	uint64_t v;

	(void)state;
	assert_true(rdpmc_read_by(&page, insn, &v));
	assert_int_equal(v, 1023);
	assert_int_equal(read_index, 7);
	assert_int_equal(reads, 1);
}

/* The kernel starts counters at minus their period: the top bit of the
 * width is the sign, and bits above it are rubbish. */
static void the_counter_is_signed_by_its_width(void **state)
{
	uint64_t v;

	(void)state;
	pmc = 0xffffffffff00; /* 48 bits: -256 */
	assert_true(rdpmc_read_by(&page, insn, &v));
	assert_int_equal(v, 1000 - 256);
	pmc = 0x0123000000000010 | 0xabcd000000000000;
	assert_true(rdpmc_read_by(&page, insn, &v));
	assert_int_equal(v, 1016);
	page.pmc_width = 40;
	pmc = 0xffffffffffff;
	assert_true(rdpmc_read_by(&page, insn, &v));
	assert_int_equal(v, 999);
	page.pmc_width = 64;
	pmc = 5;
	assert_true(rdpmc_read_by(&page, insn, &v));
	assert_int_equal(v, 1005);
}

static void a_moved_page_is_read_again(void **state)
{
	uint64_t v;

	(void)state;
	moves = 2;
	assert_true(rdpmc_read_by(&page, insn, &v));
	assert_int_equal(reads, 3);
	assert_int_equal(read_index, 2); /* the new one */
	assert_int_equal(v, 5023);
}

static void off_the_pmu_is_said(void **state)
{
	uint64_t v;

	(void)state;
	page.index = 0;
	assert_false(rdpmc_read_by(&page, insn, &v));
	assert_int_equal(reads, 0);
	page.index = 1;
	page.cap_user_rdpmc = 0;
	assert_false(rdpmc_read_by(&page, insn, &v));
	assert_int_equal(reads, 0);
}

/* --- opening ------------------------------------------------------------------ */

static struct {
	int open_error, encode_error;
	bool no_mmap;
	struct perf_event_attr attr;
	int fds, pages; /* open at the moment */
} k;

static int fake_open(struct perf_event_attr *attr, pid_t pid, int cpu,
		     int group, unsigned long flags)
{
	assert_true(!pid && cpu == -1 && group == -1);
	assert_int_equal(flags, PERF_FLAG_FD_CLOEXEC);
	k.attr = *attr;
	if (k.open_error)
		return k.open_error;
	k.fds++;
	return 9;
}

static void *fake_mmap(int fd, size_t len)
{
	assert_true(fd == 9 && len >= sizeof(page));
	if (k.no_mmap)
		return NULL;
	k.pages++;
	return &page;
}

static void fake_munmap(void *p, size_t len)
{
	assert_true(p == &page && len >= sizeof(page));
	k.pages--;
}

static void fake_close(int fd)
{
	assert_int_equal(fd, 9);
	k.fds--;
}

static int fake_encode(const char *event, struct perf_event_attr *attr)
{
	assert_string_equal(event, "EVENT");
	memset(attr, 0, sizeof(*attr));
	attr->type = PERF_TYPE_RAW;
	return k.encode_error;
}

static const struct counter_sys fake = {
	.perf_event_open = fake_open,
	.mmap = fake_mmap,
	.munmap = fake_munmap,
	.close = fake_close,
	.encode = fake_encode,
};

static int fresh_kernel(void **state)
{
	memset(&k, 0, sizeof(k));
	return fresh(state);
}

static void refused(int ret, enum reason reason)
{
	struct phase_counter pc;
	struct err err;

	assert_int_equal(phase_counter_open(&pc, "EVENT", &fake, &err), ret);
	assert_int_equal(err.reason, reason);
	assert_non_null(strstr(err.text, "EVENT"));
	assert_true(reason_is_unsupported(reason) ||
		    reason == REASON_NO_MEMORY);
	assert_true(!k.fds && !k.pages);
	phase_counter_close(&pc); /* harmless */
}

static void it_is_pinned_and_of_user_mode(void **state)
{
	struct phase_counter pc;
	struct err err;

	(void)state;
	assert_int_equal(phase_counter_open(&pc, "EVENT", &fake, &err), 0);
	assert_true(k.attr.pinned && !k.attr.disabled);
	assert_true(k.attr.exclude_kernel && k.attr.exclude_hv);
	assert_int_equal(k.attr.size, sizeof(k.attr));
	assert_true(k.fds == 1 && k.pages == 1);
	phase_counter_close(&pc);
	assert_true(!k.fds && !k.pages);
	phase_counter_close(&pc);
}

static void every_refusal_has_its_reason(void **state)
{
	(void)state;
	k.encode_error = -ENOENT;
	refused(-ENOENT, REASON_NO_PMU);
	fresh_kernel(NULL);
	k.open_error = -ENOENT;
	refused(-ENOENT, REASON_NO_PMU);
	k.open_error = -EACCES;
	refused(-EACCES, REASON_NO_PERMISSION);
	k.open_error = -EMFILE;
	refused(-EMFILE, REASON_NO_MEMORY);
	fresh_kernel(NULL);
	k.no_mmap = true;
	refused(-ENOMEM, REASON_NO_MEMORY);
	fresh_kernel(NULL);
	page.cap_user_rdpmc = 0;
	refused(-EOPNOTSUPP, REASON_NO_PMU);
	fresh_kernel(NULL);
	page.index = 0; /* pinned, and no counter was free */
	refused(-EBUSY, REASON_DEVICE_LIMIT);
}

/* The real kernel: a software event has a page, but no rdpmc. */
static void software_events_have_no_rdpmc(void **state)
{
	struct phase_counter pc;
	struct err err;
	int ret = phase_counter_open(&pc, "perf::PAGE-FAULTS",
				     &counter_sys_linux, &err);

	(void)state;
	assert_true(ret == -EOPNOTSUPP || ret == -EACCES || ret == -EPERM ||
		    ret == -ENOSYS);
	assert_true(reason_is_unsupported(err.reason));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(offset_and_counter_are_added, fresh),
		cmocka_unit_test_setup(the_counter_is_signed_by_its_width,
				       fresh),
		cmocka_unit_test_setup(a_moved_page_is_read_again, fresh),
		cmocka_unit_test_setup(off_the_pmu_is_said, fresh),
		cmocka_unit_test_setup(it_is_pinned_and_of_user_mode,
				       fresh_kernel),
		cmocka_unit_test_setup(every_refusal_has_its_reason,
				       fresh_kernel),
		cmocka_unit_test(software_events_have_no_rdpmc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
