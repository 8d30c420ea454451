/* The stopping rule, and that its intervals hold what they state although
 * it stops when it likes what it sees. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "metric/stop_rule.h"
#include "rng.h"

static const struct stop_rule rule = {
	.level = 0.95, .width = 0.05, .min = 7, .max = 30};

static double normal(uint64_t *state)
{
	return sqrt(-2 * log(rng_uniform(state))) *
	       cos(2 * 3.14159265358979323846 * rng_uniform(state));
}

/* Latencies: a median of 1 with a long tail to the right. */
static double lognormal(uint64_t *state, double sigma)
{
	return exp(sigma * normal(state));
}

static enum stop_why simulate(uint64_t *state, double sigma,
			      struct stop_look *look, unsigned *n)
{
	double x[64], sorted[64];
	unsigned i, next = stop_rule_next_look(&rule, 0);
	enum stop_why why;

	for (*n = 0;;) {
		x[(*n)++] = lognormal(state, sigma);
		if (*n < next)
			continue;
		for (i = 0; i < *n; i++)
			sorted[i] = x[i];
		stats_sort(sorted, *n);
		why = stop_rule_look(&rule, sorted, *n, look);
		if (why != STOP_NOT_YET)
			return why;
		next = stop_rule_next_look(&rule, *n);
	}
}

static void coverage(void **unused)
{
	static const double sigmas[] = {0.01, 0.03, 0.05, 0.07, 0.1, 0.15, 0.3};
	uint64_t state = 20261121;
	struct stop_look look;
	unsigned i, k, n, held;

	(void)unused;
	for (i = 0; i < sizeof(sigmas) / sizeof(sigmas[0]); i++) {
		for (k = 0, held = 0; k < 1000; k++) {
			simulate(&state, sigmas[i], &look, &n);
			assert_true(look.has_ci);
			held += look.ci.low <= 1 && 1 <= look.ci.high;
		}
		print_message("# sigma %.2f: %.1f %% held\n", sigmas[i],
			      held / 10.0);
		assert_true(held >= 940);
	}
}

static void quiet_data_stops_early(void **unused)
{
	uint64_t state = 1;
	struct stop_look look;
	unsigned n;

	(void)unused;
	assert_int_equal(simulate(&state, 0.001, &look, &n), STOP_NARROW);
	assert_int_equal(n, 7);
}

static void wild_data_reaches_the_limit(void **unused)
{
	uint64_t state = 1;
	struct stop_look look;
	unsigned n;

	(void)unused;
	assert_int_equal(simulate(&state, 2, &look, &n), STOP_LIMIT);
	assert_int_equal(n, 30);
	assert_true(look.has_ci);
}

static void looks_grow(void **unused)
{
	unsigned n = 0, last;

	(void)unused;
	assert_int_equal(stop_rule_next_look(&rule, 0), 7);
	for (n = 7; n < rule.max; n = stop_rule_next_look(&rule, last)) {
		last = n;
		assert_true(stop_rule_next_look(&rule, n) > n);
	}
	assert_int_equal(stop_rule_next_look(&rule, 30), 30);
}

static void too_few_have_no_interval(void **unused)
{
	const struct stop_rule one = {
		.level = 0.95, .width = 0.05, .min = 1, .max = 1};
	double x = 5;
	struct stop_look look;

	(void)unused;
	assert_int_equal(stop_rule_look(&one, &x, 1, &look), STOP_LIMIT);
	assert_false(look.has_ci);
	assert_true(look.median == 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(coverage),
		cmocka_unit_test(quiet_data_stops_early),
		cmocka_unit_test(wild_data_reaches_the_limit),
		cmocka_unit_test(looks_grow),
		cmocka_unit_test(too_few_have_no_interval),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
