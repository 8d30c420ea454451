/* Which number of its trials decides how often a point is measured, and what
 * points.csv says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "run/point_stats.h"

static const struct stop_rule rule = {
	.level = 0.95, .width = 0.05, .min = 7, .max = 30};

/* A number that stays within 1 %, and one that is anything from 1 to 7
 * thousand. */
static void note_seven(struct point_stats *p, bool narrow_rate)
{
	double value[HEADLINE_COUNT];
	unsigned i;

	for (i = 0; i < 7; i++) {
		const double steady = 1e6 + 1e3 * (double)(i * 3 % 7);
		const double wild = 1e3 + 1e3 * (double)(i * 3 % 7);

		value[HEADLINE_RATE] = narrow_rate ? steady : wild;
		value[HEADLINE_P50] = narrow_rate ? wild : steady;
		point_stats_note(p, STATUS_OK, value);
	}
}

static void headline_decides(void **state)
{
	struct point_stats p;
	unsigned headline, narrow_rate;

	(void)state;
	for (headline = 0; headline < HEADLINE_COUNT; headline++) {
		for (narrow_rate = 0; narrow_rate < 2; narrow_rate++) {
			assert_int_equal(point_stats_init(&p, &rule, headline),
					 0);
			note_seven(&p, narrow_rate);
			assert_int_equal(p.state, (headline == HEADLINE_RATE) ==
								  narrow_rate
							  ? POINT_NARROW
							  : POINT_OPEN);
			point_stats_fini(&p);
		}
	}
}

/* A point of which the rate is judged, and an empty row for it. */
static void begin_rate(struct point_stats *p, struct columns **c,
		       struct row **row)
{
	*c = calloc(1, sizeof(**c));
	*row = malloc(sizeof(**row));
	point_stats_columns(*c);
	row_init(*row, *c);
	assert_int_equal(point_stats_init(p, &rule, HEADLINE_RATE), 0);
}

static void both_numbers_are_told(void **state)
{
	struct columns *c;
	struct row *row;
	struct point_stats p;

	(void)state;
	begin_rate(&p, &c, &row);
	note_seven(&p, true);
	point_stats_put(&p, row);
	assert_string_equal(row_get(row, "headline"), "ops_per_s");
	assert_string_equal(row_get(row, "rate_median_per_s"), "1003000.00");
	assert_string_equal(row_get(row, "rate_ci_low_per_s"), "1000000.00");
	assert_string_equal(row_get(row, "rate_ci_high_per_s"), "1006000.00");
	assert_string_equal(row_get(row, "p50_median_ns"), "4000");
	assert_string_equal(row_get(row, "p50_ci_high_ns"), "7000");
	/* 3000 of 1003000 */
	assert_string_equal(row_get(row, "half_width_pct"), "0.30");
	assert_string_equal(row_get(row, "stopped"), "narrow");
	point_stats_fini(&p);
	free(row);
	free(c);
}

static void limit_and_unsupported(void **state)
{
	const double value[HEADLINE_COUNT] = {1, 1};
	const struct stop_rule two = {
		.level = 0.95, .width = 0.05, .min = 1, .max = 2};
	struct point_stats p;

	(void)state;
	assert_int_equal(point_stats_init(&p, &two, HEADLINE_P50), 0);
	point_stats_note(&p, STATUS_OK, value);
	assert_int_equal(p.state, POINT_OPEN);
	point_stats_note(&p, STATUS_FAILED, value);
	assert_int_equal(p.state, POINT_LIMIT);
	assert_int_equal(p.n, 1);
	point_stats_fini(&p);
	assert_int_equal(point_stats_init(&p, &two, HEADLINE_P50), 0);
	point_stats_note(&p, STATUS_UNSUPPORTED, value);
	assert_int_equal(p.state, POINT_UNSUPPORTED);
	point_stats_fini(&p);
}

/* A trial that lacks a number counts as one, and not in that number. */
static void what_is_not_there(void **state)
{
	const double without[HEADLINE_COUNT] = {
		[HEADLINE_P50] = 5, [HEADLINE_RATE] = NAN};
	struct columns *c;
	struct row *row;
	struct point_stats p;

	(void)state;
	begin_rate(&p, &c, &row);
	point_stats_note(&p, STATUS_OK, without);
	point_stats_put(&p, row);
	assert_string_equal(row_get(row, "trials_ok"), "1");
	assert_string_equal(row_get(row, "p50_median_ns"), "5");
	assert_string_equal(row_get(row, "rate_median_per_s"), "");
	note_seven(&p, true);
	row_init(row, c);
	point_stats_put(&p, row);
	assert_string_equal(row_get(row, "trials_ok"), "8");
	assert_string_equal(row_get(row, "rate_median_per_s"), "1003000.00");
	point_stats_fini(&p);
	free(row);
	free(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(headline_decides),
		cmocka_unit_test(both_numbers_are_told),
		cmocka_unit_test(limit_and_unsupported),
		cmocka_unit_test(what_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
