#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "machine/nic_counters.h"

static char root[] = "/tmp/rdmabench-nic-XXXXXX";
static struct nic_counters nic;
static struct counter_list list;
static struct tally tally;

static void path_of(char *path, size_t cap, const char *file)
{
	snprintf(path, cap, "%s/dev0/ports/2/%s", root, file);
}

static void put(const char *file, const char *text)
{
	char path[256];
	FILE *f;

	path_of(path, sizeof(path), file);
	f = fopen(path, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void drop(const char *file)
{
	char path[256];

	path_of(path, sizeof(path), file);
	unlink(path);
}

static int make_tree(void **state)
{
	char command[256];

	(void)state;
	if (!mkdtemp(root))
		return -1;
	snprintf(command, sizeof(command),
		 "mkdir -p %s/dev0/ports/2/counters "
		 "%s/dev0/ports/2/hw_counters",
		 root, root);
	return system(command);
}

static int remove_tree(void **state)
{
	char command[256];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", root);
	return system(command);
}

static int fresh(void **state)
{
	char command[256];
	struct err err;

	(void)state;
	snprintf(command, sizeof(command), "rm -f %s/dev0/ports/2/*/*", root);
	tally_init(&tally);
	if (counter_list_parse(&list, "default", &err))
		return -1;
	return system(command);
}

static const struct reading *reading(unsigned id)
{
	unsigned i;

	for (i = 0; i < list.n; i++)
		if (list.counter[i].id == id)
			return &tally.counter[i];
	fail();
	return &tally.counter[0];
}

static void assert_ok(unsigned id, uint64_t value)
{
	assert_int_equal(reading(id)->state, READING_OK);
	assert_int_equal(reading(id)->value, value);
}

static const struct nic_source sysfs_only = {.root = root};

static void open_and_begin(const char *device)
{
	nic_counters_open(&nic, &list, &sysfs_only, device, 2);
	nic_counters_begin(&nic);
}

static bool marked(const char *name)
{
	unsigned i;

	for (i = 0; nic_mark_name(i); i++)
		if (!strcmp(nic_mark_name(i), name))
			return tally.nic_marks >> i & 1;
	fail_msg("no mark %s", name);
	return false;
}

static void differences_are_taken(void **state)
{
	(void)state;
	put("counters/port_xmit_data", "1000\n");
	put("counters/port_rcv_data", "0\n");
	put("counters/port_xmit_packets", "18446744073709551610\n");
	put("counters/port_xmit_wait", "7\n");
	open_and_begin("dev0");
	put("counters/port_xmit_data", "1025\n"); /* words of 4 bytes */
	put("counters/port_rcv_data", "3\n");
	put("counters/port_xmit_packets", "18446744073709551614\n");
	nic_counters_end(&nic, &tally);
	assert_ok(CTR_NIC_SENT, 100);
	assert_ok(CTR_NIC_RECV, 12);
	assert_ok(CTR_NIC_SENT_PKTS, 4);
	assert_ok(CTR_NIC_WAIT, 0); /* measured: 0 is a value */
	assert_int_equal(reading(CTR_NIC_RECV_PKTS)->state, READING_NOT_IN_NIC);
	/* the others' slots are not touched */
	assert_int_equal(reading(CTR_CYCLES)->state, READING_NONE);
}

static void rxe_names_its_packets_otherwise(void **state)
{
	(void)state;
	put("hw_counters/sent_pkts", "10\n");
	put("hw_counters/rcvd_pkts", "20\n");
	open_and_begin("dev0");
	put("hw_counters/sent_pkts", "15\n");
	put("hw_counters/rcvd_pkts", "26\n");
	nic_counters_end(&nic, &tally);
	assert_ok(CTR_NIC_SENT_PKTS, 5);
	assert_ok(CTR_NIC_RECV_PKTS, 6);
	assert_int_equal(reading(CTR_NIC_SENT)->state, READING_NOT_IN_NIC);
}

static void without_a_device_there_is_a_reason(void **state)
{
	(void)state;
	open_and_begin("");
	nic_counters_end(&nic, &tally);
	assert_int_equal(reading(CTR_NIC_SENT)->state, READING_NO_RDMA);
	assert_false(tally.nic_marks & NIC_MARKS_WATCHED);
	open_and_begin("dev1");
	nic_counters_end(&nic, &tally);
	assert_int_equal(reading(CTR_NIC_SENT)->state, READING_NOT_IN_NIC);
	assert_false(tally.nic_marks & NIC_MARKS_WATCHED);
}

static void counters_that_vanish_or_fall_are_empty(void **state)
{
	(void)state;
	put("counters/port_xmit_data", "1000\n");
	put("counters/port_rcv_data", "1000\n");
	open_and_begin("dev0");
	put("counters/port_xmit_data", "10\n"); /* was reset */
	drop("counters/port_rcv_data");
	nic_counters_end(&nic, &tally);
	assert_int_equal(reading(CTR_NIC_SENT)->state, READING_UNREADABLE);
	assert_int_equal(reading(CTR_NIC_RECV)->state, READING_UNREADABLE);
	assert_true(!reading(CTR_NIC_SENT)->value);
}

static void only_what_rose_is_marked(void **state)
{
	(void)state;
	put("hw_counters/out_of_sequence", "5\n");
	put("hw_counters/np_cnp_sent", "5\n");
	put("counters/port_xmit_discards", "0\n");
	open_and_begin("dev0");
	put("hw_counters/out_of_sequence", "6\n");
	put("counters/port_xmit_discards", "1\n");
	put("hw_counters/packet_seq_err", "9\n"); /* was not there before */
	nic_counters_end(&nic, &tally);
	assert_true(tally.nic_marks & NIC_MARKS_WATCHED);
	assert_true(marked("out_of_sequence"));
	assert_true(marked("port_xmit_discards"));
	assert_false(marked("np_cnp_sent"));
	assert_false(marked("packet_seq_err"));
}

/* What the kernel remembers for its lifespan is old: wait for the next. */
static void the_lifespan_is_waited_for(void **state)
{
	uint64_t t;

	(void)state;
	put("hw_counters/lifespan", "30\n");
	put("hw_counters/sent_pkts", "1\n");
	nic_counters_open(&nic, &list, &sysfs_only, "dev0", 2);
	t = clock_raw_ns();
	nic_counters_begin(&nic);
	assert_true(clock_raw_ns() - t > 29000000);
	nic_counters_quiet(&nic);
	t = clock_raw_ns();
	nic_counters_end(&nic, &tally);
	assert_true(clock_raw_ns() - t > 29000000);
	assert_true(clock_raw_ns() - t < 2000000000);
	t = clock_raw_ns();
	nic_counters_begin(&nic); /* quiet for long */
	assert_true(clock_raw_ns() - t < 20000000);
}

/* What the kernel answers at once; each time 3 more. */
static int stats_answer = 2;

static int stats(const char *device, unsigned port, struct nic_stat *v,
		 unsigned max)
{
	static uint64_t sent = 100;

	assert_string_equal(device, "dev0");
	assert_int_equal(port, 2);
	assert_true(max >= 2);
	sent += 3;
	v[0] = (struct nic_stat){"sent_pkts", sent};
	v[1] = (struct nic_stat){"rcvd_seq_err", sent};
	return stats_answer;
}

static const struct nic_source with_stats = {.root = root, .stats = stats};

/* Told at once, nothing is waited for; sysfs, which may be old, is not looked
 * at, but for the counters that only it has. */
static uint64_t measure_told(void)
{
	uint64_t t = clock_raw_ns();

	put("counters/port_xmit_data", "1\n");
	nic_counters_open(&nic, &list, &with_stats, "dev0", 2);
	nic_counters_begin(&nic);
	nic_counters_quiet(&nic);
	put("counters/port_xmit_data", "2\n");
	nic_counters_end(&nic, &tally);
	return clock_raw_ns() - t;
}

static void what_is_told_at_once_is_not_waited_for(void **state)
{
	unsigned tries = 0;

	(void)state;
	stats_answer = 2;
	put("hw_counters/lifespan", "90\n");
	put("hw_counters/sent_pkts", "1\n");
	put("hw_counters/rcvd_pkts", "1\n");
	/* Two waits of 100 ms; a busy machine may be as slow once. */
	while (measure_told() > 100000000)
		assert_true(++tries < 20);
	assert_ok(CTR_NIC_SENT_PKTS, 3);
	assert_ok(CTR_NIC_SENT, 4);
	assert_int_equal(reading(CTR_NIC_RECV_PKTS)->state, READING_NOT_IN_NIC);
	assert_true(marked("rcvd_seq_err"));
}

static void a_kernel_that_does_not_tell_is_waited_for(void **state)
{
	uint64_t t;

	(void)state;
	stats_answer = -EINVAL;
	put("hw_counters/lifespan", "30\n");
	put("hw_counters/sent_pkts", "1\n");
	nic_counters_open(&nic, &list, &with_stats, "dev0", 2);
	t = clock_raw_ns();
	nic_counters_begin(&nic);
	assert_true(clock_raw_ns() - t > 29000000);
	nic_counters_quiet(&nic);
	put("hw_counters/sent_pkts", "8\n");
	nic_counters_end(&nic, &tally);
	assert_ok(CTR_NIC_SENT_PKTS, 7);
}

static void nothing_is_read_for_none(void **state)
{
	struct err err;

	(void)state;
	put("hw_counters/lifespan", "90\n");
	assert_int_equal(counter_list_parse(&list, "tlb", &err), 0);
	open_and_begin("dev0");
	assert_string_equal(nic.dir, "");
	nic_counters_end(&nic, &tally);
	assert_int_equal(tally.nic_marks, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(differences_are_taken, fresh),
		cmocka_unit_test_setup(rxe_names_its_packets_otherwise, fresh),
		cmocka_unit_test_setup(without_a_device_there_is_a_reason,
				       fresh),
		cmocka_unit_test_setup(counters_that_vanish_or_fall_are_empty,
				       fresh),
		cmocka_unit_test_setup(only_what_rose_is_marked, fresh),
		cmocka_unit_test_setup(the_lifespan_is_waited_for, fresh),
		cmocka_unit_test_setup(what_is_told_at_once_is_not_waited_for,
				       fresh),
		cmocka_unit_test_setup(
			a_kernel_that_does_not_tell_is_waited_for, fresh),
		cmocka_unit_test_setup(nothing_is_read_for_none, fresh),
	};

	return cmocka_run_group_tests(tests, make_tree, remove_tree);
}
