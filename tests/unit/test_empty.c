#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "machine/nic_counters.h"
#include "run/empty.h"
#include "run/record.h"
#include "run/record_counters.h"
#include "run/scenario.h"

/* An empty counter has its reason; one with a number has none; and no state
 * ever becomes a 0. */

static struct plan_point pp;
static struct trial trial;
static struct counter_list list;
static struct columns columns;
static struct row row;
static struct empty_columns empty;

static int fresh(void **state)
{
	struct err err;

	(void)state;
	memset(&trial, 0, sizeof(trial));
	memset(&empty, 0, sizeof(empty));
	memset(&columns, 0, sizeof(columns));
	tally_init(&trial.client);
	tally_init(&trial.server);
	point_defaults(&pp.client, scenario_at(0));
	if (counter_list_parse(&list, pp.client.trial.counters, &err))
		return -1;
	record_counter_columns(&columns, &list);
	return 0;
}

static void record(void)
{
	row_init(&row, &columns);
	record_counters(&row, &list, &trial);
	empty_note_trial(&empty, &pp, &trial, &row);
}

static const char *why(const char *column)
{
	unsigned i;

	for (i = 0; i < empty.n; i++)
		if (!strcmp(empty.v[i].column, column))
			return empty.v[i].why;
	return NULL;
}

static void every_state_is_a_number_or_a_reason(void **state)
{
	const struct reading *r;
	const char *reason;
	unsigned s, i;

	for (s = 0; s < READING_STATES; s++) {
		fresh(state);
		for (i = 0; i < list.n; i++) {
			trial.client.counter[i].state = (uint8_t)s;
			trial.client.counter[i].percent =
				s == READING_SCALED ? 40 : 0;
		}
		record();
		r = &trial.client.counter[0];
		reason = why("client_task_clock_ns");
		assert_string_equal(row_get(&row, "client_task_clock_ns"),
				    reading_has(r) ? "0" : "");
		assert_true(reading_has(r) == (reason == NULL));
		if (!reason)
			continue;
		/* it starts with a word of the closed list */
		i = (unsigned)strcspn(reason, ":");
		assert_true(i > 0 && reason[i] == ':' &&
			    strlen(reason) > i + 5);
	}
}

static void every_empty_column_is_noted(void **state)
{
	unsigned i;

	(void)state;
	record();
	for (i = 0; i < columns.n; i++) {
		if (row_get(&row, columns.name[i])[0])
			assert_null(why(columns.name[i]));
		else if (!why(columns.name[i]))
			fail_msg("no reason for %s", columns.name[i]);
	}
	assert_non_null(why("client_host_busy_ns"));
	assert_non_null(why("server_host_softirq_ns"));
}

static void the_first_reason_stays(void **state)
{
	unsigned n;

	(void)state;
	trial.client.counter[0].state = READING_NOT_RUN;
	record();
	n = empty.n;
	trial.client.counter[0].state = READING_NO_PMU;
	record();
	assert_int_equal(empty.n, n);
	assert_memory_equal(why("client_task_clock_ns"), "device-limit:", 13);
}

static void failed_trials_explain_themselves(void **state)
{
	(void)state;
	trial.status = STATUS_UNSUPPORTED;
	record();
	assert_int_equal(empty.n, 0);
}

static void turns_and_marks_are_named(void **state)
{
	(void)state;
	record();
	assert_string_equal(row_get(&row, "counters_multiplexed"), "none");
	assert_string_equal(row_get(&row, "nic_marks"), "");
	trial.client.counter[1] = (struct reading){
		.value = 9, .state = READING_SCALED, .percent = 40};
	trial.server.counter[0] = (struct reading){
		.value = 9, .state = READING_SCALED, .percent = 7};
	trial.server.nic_marks = NIC_MARKS_WATCHED;
	record();
	assert_string_equal(row_get(&row, "counters_multiplexed"),
			    "client_page_faults:40% server_task_clock_ns:7%");
	assert_string_equal(row_get(&row, "client_page_faults"), "9");
	assert_string_equal(row_get(&row, "nic_marks"), "none");
	trial.client.nic_marks = 1;
	trial.server.nic_marks |= 2;
	record();
	assert_string_equal(row_get(&row, "nic_marks"),
			    "client:port_xmit_discards "
			    "server:port_xmit_constraint_errors");
}

/* A scenario's own: given reasons, and points that do no such thing. */
static void metrics_have_reasons(void **state)
{
	const struct scenario *scn = scenario_find("touch");
	unsigned i, id, scan = 0;

	(void)state;
	point_defaults(&pp.client, scn);
	for (i = 0; i < scn->n_metrics; i++)
		if (!strcmp(scn->metrics[i].name, "server_scan"))
			scan = i;
	assert_int_equal(scn->metrics[scan].kind, METRIC_DIST);
	id = METRIC_BASE_COUNT + scan;
	empty_note_trial(&empty, &pp, &trial, &row);
	assert_memory_equal(why("server_scan_mean_ns"), "not-asked:", 10);
	assert_non_null(why("server_scan_p50_ns"));
	assert_non_null(why("server_scan_p99_ns"));
	assert_null(why("server_scan"));

	memset(&empty, 0, sizeof(empty));
	hist_record(tally_dist(&trial.server, id), 5);
	tally_lacks(&trial.server, id + 1, READING_NO_PMU);
	empty_note_trial(&empty, &pp, &trial, &row);
	assert_null(why("server_scan_mean_ns"));
}

/* What a row has no cell for: a link's, an option's, or nothing to measure. */
static void the_row_has_reasons(void **state)
{
	(void)state;
	point_defaults(&pp.client, scenario_find("ops"));
	trial.link.caps.ops = 1;
	memset(&columns, 0, sizeof(columns));
	columns_add(&columns, "reason");
	columns_add(&columns, "qp_type");
	columns_add(&columns, "path_mtu_asked");
	columns_add(&columns, "client_lines_scanned");
	columns_add(&columns, "status");
	row_init(&row, &columns);
	row_set(&row, "status", "ok");
	tally_lacks(&trial.server, METRIC_VERIFIED, READING_NO_NUMBER);
	empty_note_trial(&empty, &pp, &trial, &row);
	assert_null(why("reason"));
	assert_null(why("status"));
	assert_memory_equal(why("qp_type"), "not-in-transport:", 17);
	assert_string_equal(why("path_mtu_asked"),
			    "not-asked: no number was given: --mtu auto");
	assert_memory_equal(why("client_lines_scanned"), "not-asked:", 10);
	assert_memory_equal(why("server_verified"), "not-in-transport:", 17);
	assert_null(why("client_verified"));
}

/* Not what the sender posted instead. */
static void no_rate_without_arrivals(void **state)
{
	const struct record_id id = {
		.run_id = "x", .trial = 1, .counters = &list};
	double value[HEADLINE_COUNT];

	(void)state;
	point_defaults(&pp.client, scenario_find("ops"));
	record_columns(&columns, pp.client.scn, &list);
	tally_set(&trial.client, METRIC_OPS, 40);
	tally_set(&trial.client, METRIC_ELAPSED, 1000);
	tally_set(&trial.server, METRIC_OPS, 3);
	tally_lacks(&trial.server, METRIC_ELAPSED, READING_TOO_FEW);
	row_init(&row, &columns);
	record_row(&row, &id, &pp, &trial);
	empty_note_trial(&empty, &pp, &trial, &row);
	assert_string_equal(row_get(&row, "status"), "ok");
	assert_string_equal(row_get(&row, "ops_per_s"), "");
	assert_string_equal(row_get(&row, "bw_bytes_per_s"), "");
	assert_string_equal(row_get(&row, "elapsed_ns"), "");
	assert_memory_equal(why("ops_per_s"), "link-failed:", 12);
	assert_null(why("server_elapsed_ns"));
	/* Nor a latency without a sample. */
	assert_string_equal(row_get(&row, "samples"), "0");
	assert_string_equal(row_get(&row, "lat_p50_ns"), "");
	record_headlines(value, &trial);
	assert_true(isnan(value[HEADLINE_P50]) && isnan(value[HEADLINE_RATE]));
	tally_set(&trial.server, METRIC_ELAPSED, 1000);
	record_headlines(value, &trial);
	assert_true(value[HEADLINE_RATE] > 0);
}

static void none_has_no_columns(void **state)
{
	struct err err;

	(void)state;
	strcpy(pp.client.trial.counters, "none");
	assert_int_equal(counter_list_parse(&list, "none", &err), 0);
	memset(&columns, 0, sizeof(columns));
	record_counter_columns(&columns, &list);
	assert_int_equal(columns.n, 0);
	record();
	assert_null(why("nic_marks"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_state_is_a_number_or_a_reason),
		cmocka_unit_test_setup(every_empty_column_is_noted, fresh),
		cmocka_unit_test_setup(the_first_reason_stays, fresh),
		cmocka_unit_test_setup(failed_trials_explain_themselves, fresh),
		cmocka_unit_test_setup(turns_and_marks_are_named, fresh),
		cmocka_unit_test_setup(metrics_have_reasons, fresh),
		cmocka_unit_test_setup(the_row_has_reasons, fresh),
		cmocka_unit_test_setup(none_has_no_columns, fresh),
		cmocka_unit_test_setup(no_rate_without_arrivals, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
