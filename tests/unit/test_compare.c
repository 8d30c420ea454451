/*
 * The verdicts: quiet where nothing changed, loud where something did.  The
 * noise is simulated, so that "95 of 100" can be counted.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "report/compare.h"
#include "rng.h"

enum { TRIALS = 7, POINTS = 16, RUNS = 400 };

typedef double noise_fn(uint64_t *seed);

static double normal(uint64_t *seed)
{
	return sqrt(-2 * log(rng_uniform(seed))) *
	       cos(2 * 3.14159265358979 * rng_uniform(seed));
}

/* Mostly near, and now and then a trial that something disturbed. */
static double disturbed(uint64_t *seed)
{
	return normal(seed) +
	       (rng_uniform(seed) < 0.1 ? 10 * rng_exponential(seed) : 0);
}

static double skewed(uint64_t *seed)
{
	return rng_exponential(seed) - 1;
}

struct comparison {
	struct compare_case cases[POINTS];
	double values[POINTS][2][TRIALS];
};

static const struct compare_options options = {.threshold = 0.05,
					       .alpha = 0.05};

/* POINTS points with 2 % of noise; the first `n_worse` are so many times
 * slower in the new run. */
static void simulate(struct comparison *c, noise_fn *noise, unsigned n_worse,
		     double times, uint64_t *seed)
{
	unsigned i, k;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < POINTS; i++) {
		struct compare_case *k0 = &c->cases[i];
		double base = pow(2, i) * 10e3;

		k0->old = c->values[i][0];
		k0->new = c->values[i][1];
		k0->n_old = k0->n_new = TRIALS;
		for (k = 0; k < TRIALS; k++) {
			k0->old[k] = base * (1 + 0.02 * noise(seed));
			k0->new[k] = base *(1 + 0.02 * noise(seed)) *
				     (i < n_worse ? times : 1);
		}
	}
}

static unsigned worse(const struct comparison *c, unsigned from, unsigned to)
{
	unsigned i, n = 0;

	for (i = from; i < to; i++)
		n += c->cases[i].verdict == COMPARE_WORSE;
	return n;
}

static void judge(struct comparison *c, const struct compare_options *o)
{
	struct err err;

	assert_int_equal(compare_judge(c->cases, POINTS, o, &err), 0);
}

static unsigned false_alarms(noise_fn *noise, double threshold)
{
	struct compare_options o = options;
	struct comparison c;
	uint64_t seed = 21;
	unsigned run, alarms = 0;

	o.threshold = threshold;
	for (run = 0; run < RUNS; run++) {
		simulate(&c, noise, 0, 1, &seed);
		judge(&c, &o);
		alarms += worse(&c, 0, POINTS) > 0;
	}
	return alarms;
}

/* Without a threshold, which would hide much: 5 of 100 at most. */
static void quiet_on_the_same_build(void **state)
{
	(void)state;
	assert_true(false_alarms(normal, 0) <= RUNS * 5 / 100);
	assert_true(false_alarms(disturbed, 0) <= RUNS * 5 / 100);
	assert_true(false_alarms(skewed, 0) <= RUNS * 5 / 100);
	assert_true(false_alarms(normal, 0.05) <= RUNS / 100);
}

/* In one point of sixteen, and in all of them. */
static void finds_ten_percent(void **state)
{
	struct comparison c;
	uint64_t seed = 22;
	unsigned run, one = 0, all = 0;

	(void)state;
	for (run = 0; run < RUNS; run++) {
		simulate(&c, normal, 1, 1.10, &seed);
		judge(&c, &options);
		one += worse(&c, 0, 1) == 1 && worse(&c, 1, POINTS) == 0;
		simulate(&c, normal, POINTS, 1.10, &seed);
		judge(&c, &options);
		all += worse(&c, 0, POINTS) >= POINTS - 1;
	}
	assert_true(one >= RUNS * 95 / 100);
	assert_true(all >= RUNS * 95 / 100);
}

static void verdicts(void **state)
{
	struct comparison c;
	uint64_t seed = 23;

	(void)state;
	simulate(&c, normal, 1, 1.5, &seed);
	judge(&c, &options);
	assert_int_equal(c.cases[0].verdict, COMPARE_WORSE);
	assert_int_equal(c.cases[1].verdict, COMPARE_SAME);
	assert_true(c.cases[0].ratio.low < 1.5 && c.cases[0].ratio.high > 1.5);
	/* Of a rate more is better. */
	c.cases[0].higher_is_better = true;
	judge(&c, &options);
	assert_int_equal(c.cases[0].verdict, COMPARE_BETTER);
	simulate(&c, normal, 1, 1 / 1.5, &seed);
	judge(&c, &options);
	assert_int_equal(c.cases[0].verdict, COMPARE_BETTER);
	c.cases[0].higher_is_better = true;
	judge(&c, &options);
	assert_int_equal(c.cases[0].verdict, COMPARE_WORSE);
}

/* It is sure, and it is little. */
static void within_the_threshold(void **state)
{
	struct compare_options o = options;
	struct comparison c;
	uint64_t seed = 24;

	(void)state;
	o.threshold = 0.6;
	simulate(&c, normal, 1, 1.5, &seed);
	judge(&c, &o);
	assert_int_equal(c.cases[0].verdict, COMPARE_WITHIN);
}

static void too_few(void **state)
{
	struct comparison c;
	uint64_t seed = 25;
	unsigned i;

	(void)state;
	simulate(&c, normal, POINTS, 2, &seed);
	for (i = 0; i < POINTS; i++)
		c.cases[i].n_old = c.cases[i].n_new = 3;
	/* A point that failed in the new run is no success. */
	c.cases[0].n_old = TRIALS;
	c.cases[0].n_new = 0;
	judge(&c, &options);
	for (i = 0; i < POINTS; i++)
		assert_int_equal(c.cases[i].verdict, COMPARE_TOO_FEW);
	assert_true(isnan(c.cases[0].new_median));
}

/* Values of 0 have ranks, but no ratio. */
/* 2 / C(2n, n) for each of the points: 0.0079 * 5 is told, 0.0079 * 7 is not. */
static void trials_wanted(void **state)
{
	(void)state;
	assert_int_equal(compare_trials_wanted(1, &options), 4);
	assert_int_equal(compare_trials_wanted(5, &options), 5);
	assert_int_equal(compare_trials_wanted(7, &options), 6);
	assert_int_equal(compare_trials_wanted(536, &options), 9);
}

static void zeros(void **state)
{
	struct comparison c;
	uint64_t seed = 26;
	unsigned k;

	(void)state;
	simulate(&c, normal, 0, 1, &seed);
	for (k = 0; k < TRIALS; k++)
		c.cases[0].old[k] = 0;
	judge(&c, &options);
	assert_int_equal(c.cases[0].verdict, COMPARE_WORSE);
	assert_true(c.cases[0].ratio.ratio == 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quiet_on_the_same_build),
		cmocka_unit_test(finds_ten_percent),
		cmocka_unit_test(verdicts),
		cmocka_unit_test(within_the_threshold),
		cmocka_unit_test(too_few),
		cmocka_unit_test(trials_wanted),
		cmocka_unit_test(zeros),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
