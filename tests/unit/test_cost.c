/* How long trials are said to take: by what they move, then by what they
 * took. */
#include "unit.h"

#include <math.h>

#include "run/cost.h"
#include "run/scenario.h"

static struct plan plan;
/* A tenth of a nanosecond a byte. */
static struct cost cost;

static void point(const char *scenario, const char *const (*options)[2],
		  unsigned n)
{
	struct err err;
	bool known;
	unsigned i;

	cost = (struct cost){.copy_ns = 0.1};
	plan_init(&plan, scenario_find(scenario));
	for (i = 0; i < n; i++)
		assert_false(plan_set(&plan, options[i][0], options[i][1],
				      &known, &err));
	assert_false(plan_expand(&plan, &err));
}

static void near(double is, double want, double by)
{
	assert_true(fabs(is - want) <= by);
}

/* A trial's own time is in it, and what comes before. */
static void as_long_as_asked(void **state)
{
	static const char *const timed[][2] = {
		{"size", "1k"}, {"transport", "tcp"}, {"duration", "2s"}};
	static const char *const counted[][2] = {
		{"size", "1k"}, {"transport", "tcp"}, {"iterations", "20"}};
	double s;

	(void)state;
	point("sendrecv", timed, 3);
	s = cost_guess(&cost, &plan.points[0]);
	assert_true(s > 2 && s < 3);
	plan_fini(&plan);
	point("sendrecv", counted, 3);
	assert_true(cost_guess(&cost, &plan.points[0]) < 0.5);
	plan_fini(&plan);
}

/* --min-ops of 16 MiB take longer than the duration, and more so over a
 * device that works by copying; a slower machine takes longer. */
static void bytes_cost(void **state)
{
	static const char *const sizes[][2] = {{"size", "1k,16M"},
					       {"transport", "tcp,rdma"}};
	double tcp, rdma;

	(void)state;
	point("sendrecv", sizes, 2);
	assert_int_equal(plan.n_points, 4);
	tcp = cost_guess(&cost, &plan.points[2]);
	rdma = cost_guess(&cost, &plan.points[3]);
	assert_true(tcp > 5 * 16 * 104857.6e-9);
	assert_true(rdma > 1.3 * tcp);
	assert_true(tcp > 1.3 * cost_guess(&cost, &plan.points[0]));
	cost.copy_ns = 0.2;
	assert_true(cost_guess(&cost, &plan.points[3]) > 1.7 * rdma);
	plan_fini(&plan);
}

/* What is set up counts although no operation carries it. */
static void memory_costs(void **state)
{
	static const char *const logs[][2] = {{"rf", "1"},
					      {"log-size", "1M,64M"}};
	double small;

	(void)state;
	point("oplog", logs, 2);
	assert_true(plan.n_points >= 2);
	small = cost_guess(&cost, &plan.points[0]);
	assert_true(cost_guess(&cost, &plan.points[plan.n_points - 1]) >
		    small + 63 * 104857.6e-9);
	plan_fini(&plan);
}

/* A point takes as long as it took; others of its transport are scaled, and
 * those of another are not. */
static void learns(void **state)
{
	static const char *const sizes[][2] = {{"size", "1k,4k"},
					       {"transport", "tcp,rdma"}};
	const struct plan_point *p;
	double tcp, rdma;
	unsigned i;

	(void)state;
	point("sendrecv", sizes, 2);
	p = plan.points;
	tcp = cost_guess(&cost, &p[2]);
	rdma = cost_guess(&cost, &p[3]);
	for (i = 0; i < 1000; i++)
		cost_note(&cost, &p[0], 3 * cost_guess(&cost, &p[0]));
	near(cost_expect(&cost, &p[0], true), 3 * cost_guess(&cost, &p[0]),
	     1e-9);
	near(cost_expect(&cost, &p[2], true) / tcp, 3, 0.1);
	near(cost_expect(&cost, &p[3], true), rdma, 1e-9);
	/* Of another plan the first is a point like others. */
	near(cost_expect(&cost, &p[0], false) / cost_guess(&cost, &p[0]), 3,
	     0.1);
	cost_begin_plan(&cost);
	near(cost_expect(&cost, &p[0], true) / cost_guess(&cost, &p[0]), 3,
	     0.1);
	plan_fini(&plan);
}

static void copying_is_measured(void **state)
{
	(void)state;
	cost_init(&cost);
	assert_true(cost.copy_ns > 0.001 && cost.copy_ns < 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_long_as_asked),
		cmocka_unit_test(bytes_cost),
		cmocka_unit_test(memory_costs),
		cmocka_unit_test(learns),
		cmocka_unit_test(copying_is_measured),
	};

	return cmocka_run_group_tests_name("cost", tests, NULL, NULL);
}
