/* The plan: a cross product, and an order to measure it in. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "run/plan.h"
#include "run/scenario.h"
#include "work/exchange.h"

static struct plan plan;

static void set(const char *name, const char *text)
{
	struct err err;
	bool known;

	if (plan_set(&plan, name, text, &known, &err))
		fail_msg("--%s %s: %s", name, text, err.text);
	assert_true(known);
}

static void init(void)
{
	const struct scenario *scn = scenario_find("sendrecv");

	assert_non_null(scn);
	plan_init(&plan, scn);
}

static void expand(void)
{
	struct err err;

	if (plan_expand(&plan, &err))
		fail_msg("%s", err.text);
}

static const struct exchange_cfg *cfg_of(const struct point *pt)
{
	return (const void *)pt->scn_cfg;
}

/* sendrecv's own option: 0 write, 1 none. */
static uint64_t prepare_of(const struct point *pt)
{
	struct point copy = *pt;
	void *base;
	const struct opt *o = point_opt(&copy, "prepare", &base);

	assert_non_null(o);
	return opt_load(o, base);
}

static void cross_product(void **state)
{
	unsigned i, k, seen = 0;

	(void)state;
	init();
	set("size", "1k,4k,16k");
	set("prepare", "none,write");
	set("transport", "tcp,loop");
	expand();
	assert_int_equal(plan.n_points, 12);
	for (i = 0; i < plan.n_points; i++) {
		const struct point *c = &plan.points[i].client;
		const struct point *s = &plan.points[i].server;
		uint64_t size = cfg_of(c)->size;

		assert_int_equal(plan.points[i].id, i);
		/* The pair to compare stands together. */
		assert_string_equal(link_transport(&c->link)->name,
				    i % 2 ? "loop" : "tcp");
		/* Both ends do the same. */
		assert_int_equal(s->link.transport, c->link.transport);
		assert_memory_equal(s->scn_cfg, c->scn_cfg, sizeof(c->scn_cfg));
		for (k = 0; size > 1024; k += 2)
			size /= 4;
		k += prepare_of(c) == 1;
		seen |= 1u << (2 * k + i % 2);
	}
	assert_int_equal(seen, 0xfff);
	plan_fini(&plan);
}

static void defaults_and_knobs(void **state)
{
	(void)state;
	init();
	set("iterations", "77");
	set("rdma-cm", NULL);
	set("request-size", "same");
	expand();
	/* 1k-16Mx4 is 8 sizes, times tcp and rdma. */
	assert_int_equal(plan.n_points, 16);
	assert_int_equal(plan.points[3].client.trial.iterations, 77);
	assert_int_equal(plan.points[3].server.trial.iterations, 77);
	assert_int_equal(plan.points[3].client.link.rdma_cm, 1);
	assert_int_equal(plan.points[3].server.link.rdma_cm, 1);
	assert_true(cfg_of(&plan.points[3].server)->request_bytes == OPT_WORD);
	plan_fini(&plan);
}

static void unknown_options(void **state)
{
	struct err err;
	bool known = true;

	(void)state;
	init();
	assert_int_equal(plan_set(&plan, "sizes", "1k", &known, &err), 0);
	assert_false(known);
	assert_int_equal(plan_set(&plan, "size", "2k", &known, &err), 0);
	assert_true(known);
	expand();
	assert_int_equal(plan.n_points, 2);
	assert_int_equal(cfg_of(&plan.points[0].client)->size, 2048);
	plan_fini(&plan);
}

static void bad_values(void **state)
{
	struct err err;
	bool known;

	(void)state;
	init();
	assert_int_equal(plan_set(&plan, "size", "1k,0", &known, &err),
			 -EINVAL);
	assert_words(&err, "--size 1k,0: out of bounds, 1 to 1024G");
	assert_int_equal(plan_set(&plan, "ib-port", "1,0", &known, &err),
			 -EINVAL);
	assert_words(&err, "--ib-port 0: out of bounds, 1 to 255");
	assert_int_equal(plan_set(&plan, "min-ops", "0", &known, &err),
			 -EINVAL);
	assert_words(&err, "--min-ops 0");
}

/* CLIENT[,SERVER]: one value is for both, but for --cpus. */
static void host_options(void **state)
{
	static const struct {
		const char *text, *client, *server;
	} t[] = {
		{"a", "a", "a"},
		{"a,b", "a", "b"},
		{"a,", "a", ""},
		{",b", "", "b"},
	};
	struct link_cfg *c = &plan.proto.client.link;
	struct link_cfg *s = &plan.proto.server.link;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(t); i++) {
		init();
		set("device", t[i].text);
		assert_string_equal(c->device, t[i].client);
		assert_string_equal(s->device, t[i].server);
	}
	init();
	set("gid-index", "1,3");
	assert_int_equal(c->gid_index, 1);
	assert_int_equal(s->gid_index, 3);
	set("cpus", "2");
	assert_int_equal(c->cpu, 2);
	assert_true(s->cpu == OPT_WORD);
	set("cpus", "4,5");
	assert_int_equal(c->cpu, 4);
	assert_int_equal(s->cpu, 5);
}

static void host_options_reach_the_points(void **state)
{
	(void)state;
	init();
	set("size", "1k");
	set("device", "left,right");
	expand();
	assert_int_equal(plan.n_points, 2);
	assert_string_equal(plan.points[1].client.link.device, "left");
	assert_string_equal(plan.points[1].server.link.device, "right");
	plan_fini(&plan);
}

static void too_many_points(void **state)
{
	struct err err;

	(void)state;
	init();
	set("size", "1-64+1");
	set("rate", "1-64+1");
	set("transport", "tcp");
	expand();
	assert_int_equal(plan.n_points, 4096);
	plan_fini(&plan);
	set("transport", "tcp,loop");
	assert_int_equal(plan_expand(&plan, &err), -EINVAL);
	assert_int_equal(err.reason, REASON_USAGE);
	assert_words(&err, "more than 4096 points");
	assert_null(plan.points);
}

/* --- the order -------------------------------------------------------------- */

enum { ORDER_MAX = 200 };

static void is_permutation(const unsigned *order, unsigned n)
{
	bool seen[ORDER_MAX] = {false};
	unsigned i;

	for (i = 0; i < n; i++) {
		assert_true(order[i] < n);
		assert_false(seen[order[i]]);
		seen[order[i]] = true;
	}
}

static void orders(void **state)
{
	unsigned a[ORDER_MAX], b[ORDER_MAX], trial;
	struct plan p = {.n_points = 1};
	uint64_t seed;

	(void)state;
	for (; p.n_points < ORDER_MAX; p.n_points++) {
		plan_order(&p, 42, p.n_points, a);
		is_permutation(a, p.n_points);
	}
	p.n_points = 40;
	for (seed = 0; seed < 20; seed++) {
		for (trial = 1; trial < 20; trial++) {
			plan_order(&p, seed, trial, a);
			plan_order(&p, seed, trial, b);
			assert_memory_equal(a, b, 40 * sizeof(*a));
			plan_order(&p, seed, trial + 1, b);
			assert_memory_not_equal(a, b, 40 * sizeof(*a));
			plan_order(&p, seed + 1, trial, b);
			assert_memory_not_equal(a, b, 40 * sizeof(*a));
		}
	}
}

/* Every point is as likely first as any other: no place is favoured. */
static void no_place_is_favoured(void **state)
{
	struct plan p = {.n_points = 4};
	unsigned order[4], at[4][4] = {{0}}, trial, i, k;

	(void)state;
	for (trial = 0; trial < 8000; trial++) {
		plan_order(&p, 7, trial, order);
		for (i = 0; i < 4; i++)
			at[i][order[i]]++;
	}
	for (i = 0; i < 4; i++)
		for (k = 0; k < 4; k++) /* 2000 expected, sigma 39 */
			assert_in_range(at[i][k], 1800, 2200);
}

/* --- polling ----------------------------------------------------------------- */

static const char *settle(const char *poll, unsigned cpus, unsigned ends,
			  unsigned *modes)
{
	const struct poll_room room = {cpus, ends, 0, cpus - 1};
	static char line[200];
	const char *say;
	unsigned i;

	init();
	set("size", "1k");
	set("transport", "tcp");
	set("poll", poll);
	expand();
	say = plan_settle_poll(&plan, &room, line, sizeof(line));
	for (i = 0; i < plan.n_points; i++) {
		modes[i] = (unsigned)plan.points[i].client.link.poll;
		assert_int_equal(plan.points[i].server.link.poll, modes[i]);
	}
	plan_fini(&plan);
	return say;
}

static void polling_settles(void **state)
{
	unsigned m[4];
	const char *say;

	(void)state;
	assert_null(settle("auto,spin,event,yield", 2, 2, m));
	assert_int_equal(m[0], POLL_SPIN);
	assert_int_equal(m[1], POLL_SPIN);
	assert_int_equal(m[2], POLL_EVENT);
	assert_int_equal(m[3], POLL_YIELD);
	assert_null(settle("auto", 1, 1, m));
	assert_int_equal(m[0], POLL_SPIN);

	say = settle("auto,spin,event,yield", 1, 2, m);
	assert_int_equal(m[0], POLL_EVENT);
	assert_int_equal(m[1], POLL_EVENT);
	assert_int_equal(m[2], POLL_EVENT);
	assert_int_equal(m[3], POLL_YIELD);
	assert_non_null(say);
	assert_non_null(strstr(say, "2 ends on 1 CPU"));
	assert_non_null(strstr(say, "instead of spinning"));

	say = settle("auto", 1, 2, m);
	assert_non_null(say);
	assert_null(strstr(say, "instead of spinning"));
	/* Nothing was changed: there is nothing to say. */
	assert_null(settle("yield", 1, 2, m));
	assert_null(settle("event", 1, 2, m));
}

/* Two on a CPU that --cpus names, or that the other end has by itself. */
static void ends_on_one_cpu_do_not_spin(void **state)
{
	static const char *const pins[][3] = {
		/* client, server, what waits */
		{"1", "1", "event"},	{"3", "auto", "event"},
		{"auto", "0", "event"}, {"0", "3", "spin"},
		{"2", "auto", "spin"},	{"auto", "auto", "spin"},
	};
	struct poll_room room = {4, 2, 0, 3};
	char line[200], both[20];
	const char *say;
	unsigned i;
	bool spin;

	(void)state;
	for (i = 0; i < sizeof(pins) / sizeof(pins[0]); i++) {
		init();
		set("size", "1k");
		set("transport", "tcp");
		snprintf(both, sizeof(both), "%s,%s", pins[i][0], pins[i][1]);
		set("cpus", both);
		expand();
		spin = !strcmp(pins[i][2], "spin");
		say = plan_settle_poll(&plan, &room, line, sizeof(line));
		assert_true(spin == !say);
		assert_int_equal(plan.points[0].client.link.poll,
				 spin ? POLL_SPIN : POLL_EVENT);
		if (say)
			assert_non_null(strstr(say, "2 ends on 1 CPU"));
		plan_fini(&plan);
	}
}

/* --- sweeps --------------------------------------------------------------- */

static const struct sweep sweeps[] = {
	{{{"size", "1k,4k"}, {"prepare", "none,write"}}},
	{{{"size", "64"}, {"inline", "0,64,auto"}}}, /* a knob to the user */
	{{{"size", "4k"}, {"qp-type", "rc,uc"}}},
};

/* A scenario like sendrecv, with such a plan. */
static struct scenario swept;

static void init_swept(void)
{
	swept = *scenario_find("sendrecv");
	swept.sweeps = sweeps;
	swept.n_sweeps = 3;
	plan_init(&plan, &swept);
	set("transport", "rdma");
}

/* 4 + 3 + 1: what the third has with rc was in the first already. */
static void sweeps_from_a_baseline(void **state)
{
	unsigned i, k, uc = 0, no_inline = 0;

	(void)state;
	init_swept();
	expand();
	assert_int_equal(plan.n_points, 8);
	for (i = 0; i < plan.n_points; i++) {
		const struct link_cfg *l = &plan.points[i].server.link;

		assert_int_equal(plan.points[i].id, i);
		uc += l->qp_type == QP_UC;
		no_inline += l->inline_bytes == 0;
		for (k = 0; k < i; k++)
			assert_memory_not_equal(&plan.points[k].client,
						&plan.points[i].client,
						sizeof(struct point));
	}
	assert_int_equal(uc, 1);
	assert_int_equal(no_inline, 1);
	plan_fini(&plan);
}

/* A preset keeps of lists what the scenario says, and of one that has none of
 * it the first; what the user gives is his. */
static void preset_thins_out(void **state)
{
	static const struct scenario_default keep[] = {{"size", "4k"},
						       {"inline", "64"}};

	(void)state;
	init_swept();
	expand();
	assert_int_equal(plan.n_points, 8);
	plan_fini(&plan);
	plan_init(&plan, &swept);
	set("transport", "rdma");
	plan.keep = keep;
	plan.n_keep = 2;
	expand();
	/* 4k with either preparation; 64 inline; 4k by UC. */
	assert_int_equal(plan.n_points, 2 + 1 + 1);
	assert_int_equal(cfg_of(&plan.points[0].client)->size, 4096);
	assert_int_equal(cfg_of(&plan.points[2].client)->size, 64);
	assert_int_equal(plan.points[2].client.link.inline_bytes, 64);
	plan_fini(&plan);
	plan_init(&plan, &swept);
	set("transport", "rdma");
	plan.keep = keep;
	plan.n_keep = 2;
	set("size", "1k,2k");
	expand();
	assert_int_equal(plan.n_points, 2);
	plan_fini(&plan);
}

/* Its own axes always, others where they vary. */
static void points_in_words(void **state)
{
	char words[200];

	(void)state;
	init();
	set("size", "1k");
	set("transport", "tcp");
	expand();
	assert_string_equal(
		plan_describe(&plan, &plan.points[0], words, sizeof(words)),
		"sendrecv 1k tcp prepare=write");
	plan_fini(&plan);
	init();
	set("size", "1k");
	set("transport", "tcp");
	set("poll", "spin,event");
	expand();
	assert_string_equal(
		plan_describe(&plan, &plan.points[1], words, sizeof(words)),
		"sendrecv 1k tcp prepare=write poll=event");
	/* Cut, never beyond its end. */
	plan_describe(&plan, &plan.points[1], words, 12);
	assert_string_equal(words, "sendrecv 1k");
	plan_fini(&plan);
}

/* A transport without types of queue pair has no point for each. */
static void no_types_no_points(void **state)
{
	(void)state;
	init_swept();
	set("transport", "tcp,rdma");
	expand();
	assert_int_equal(plan.n_points, 8 + 7);
	plan_fini(&plan);
	init();
	set("size", "1k");
	set("qp-type", "rc,uc,ud");
	expand();
	assert_int_equal(plan.n_points, 1 + 3);
	plan_fini(&plan);
}

/* Who gives an axis of the sweeps gets what he gave; an axis that is in none
 * multiplies them. */
static void users_take_over(void **state)
{
	(void)state;
	init_swept();
	set("size", "2k");
	expand();
	assert_int_equal(plan.n_points, 1);
	plan_fini(&plan);
	init_swept();
	set("poll", "spin,event");
	expand();
	assert_int_equal(plan.n_points, 16);
	plan_fini(&plan);
}

static int odd_sizes_only(const void *cfg, struct err *err)
{
	if (((const struct exchange_cfg *)cfg)->size % 2)
		return 0;
	return err_set(err, -EINVAL, REASON_USAGE, "an even size");
}

static void contradictions_are_left_out(void **state)
{
	struct err err;

	(void)state;
	init_swept();
	swept.supported = odd_sizes_only;
	set("size", "1,2,3,4,5");
	expand();
	assert_int_equal(plan.n_points, 3);
	assert_int_equal(cfg_of(&plan.points[2].client)->size, 5);
	assert_int_equal(plan.points[2].id, 2);
	plan_fini(&plan);
	init_swept();
	swept.supported = odd_sizes_only;
	set("size", "2,4");
	assert_int_equal(plan_expand(&plan, &err), -EINVAL);
	assert_words(&err, "an even size");
	plan_fini(&plan);
}

/* A scan of nothing is one point, whatever the lists say; no scan of something
 * is none. */
static void points_that_mean_the_same_are_one(void **state)
{
	unsigned i;

	(void)state;
	plan_init(&plan, scenario_find("touch"));
	set("size", "1k,4k");
	set("transport", "tcp,loop");
	set("touch", "touch,none");
	set("scan", "read,write,none");
	expand();
	assert_int_equal(plan.n_points, (2 + 1) * 2 * 2);
	for (i = 0; i < plan.n_points; i++)
		assert_int_equal(plan.points[i].id, i);
	plan_fini(&plan);
}

/* One that fills its array would go on into the next. */
static void sweeps_end(void **state)
{
	const struct scenario *s;
	unsigned i, k;

	(void)state;
	for (i = 0; (s = scenario_at(i)); i++)
		for (k = 0; k < s->n_sweeps; k++)
			if (s->sweeps[k].axes[SWEEP_AXES].option)
				fail_msg("%s: sweep %u has no end", s->name, k);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cross_product),
		cmocka_unit_test(defaults_and_knobs),
		cmocka_unit_test(unknown_options),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(host_options),
		cmocka_unit_test(host_options_reach_the_points),
		cmocka_unit_test(too_many_points),
		cmocka_unit_test(orders),
		cmocka_unit_test(no_place_is_favoured),
		cmocka_unit_test(polling_settles),
		cmocka_unit_test(ends_on_one_cpu_do_not_spin),
		cmocka_unit_test(sweeps_from_a_baseline),
		cmocka_unit_test(sweeps_end),
		cmocka_unit_test(preset_thins_out),
		cmocka_unit_test(points_in_words),
		cmocka_unit_test(no_types_no_points),
		cmocka_unit_test(users_take_over),
		cmocka_unit_test(contradictions_are_left_out),
		cmocka_unit_test(points_that_mean_the_same_are_one),
	};

	return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
