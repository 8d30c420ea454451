/*
 * What a user types: lines of OPTION=VALUE, the first line is the scenario's
 * name.  Each value is parsed alone and as a list, formatted and parsed
 * again; together they make a plan.
 */
#include <stdlib.h>
#include <string.h>

#include "calm.h"
#include "run/cost.h"
#include "run/plan.h"
#include "run/run.h"
#include "run/scenario.h"
#include "run/serve.h"

static void must(bool ok)
{
	if (!ok)
		abort();
}

/* What was taken is typed back to the same value, and within its bounds. */
static void one_value(const struct opt *o, void *base, const char *value)
{
	char text[OPT_TEXT_MAX], again[OPT_TEXT_MAX], cell[OPT_TEXT_MAX];
	struct err err;

	if (opt_set(o, base, value, &err)) {
		must(err.reason == REASON_USAGE && err.text[0]);
		return;
	}
	opt_format(o, base, text, sizeof(text));
	must(!opt_set(o, base, text, &err));
	opt_format(o, base, again, sizeof(again));
	must(!strcmp(text, again));
	opt_cell(o, base, cell, sizeof(cell));
}

static void list(const struct opt *o, const char *value)
{
	struct opt_list l;
	struct err err;
	unsigned i;

	if (o->type == OPT_TEXT || o->type == OPT_RANGE)
		return;
	if (opt_parse_list(o, value, &l, &err))
		return;
	must(l.n >= 1 && l.n <= OPT_LIST_MAX);
	for (i = 0; i < l.n && o->max; i++)
		must(l.v[i] <= o->max || (o->word && l.v[i] == OPT_WORD));
}

static void command(const struct opt_group *g, void *cfg, const char *name,
		    const char *value)
{
	const struct opt *o = opt_find(g, name);

	if (o)
		one_value(o, cfg, value);
}

static void line(struct plan *plan, const char *name, const char *value)
{
	static struct run_cfg run;
	static struct serve_cfg serve;
	static struct point pt;
	const struct opt *o;
	struct err err;
	void *base;
	bool known;

	command(&run_opts, &run, name, value);
	command(&serve_opts, &serve, name, value);
	point_defaults(&pt, plan->scn);
	o = point_opt(&pt, name, &base);
	if (o) {
		one_value(o, base, value);
		list(o, value);
	}
	(void)plan_set(plan, name, value, &known, &err);
}

static void expand(struct plan *plan)
{
	static const struct cost cost = {.copy_ns = 1};
	struct need need;
	struct err err;
	unsigned i;

	if (plan_expand(plan, &err))
		return;
	must(plan->n_points <= PLAN_POINTS_MAX);
	for (i = 0; i < plan->n_points; i++) {
		plan->scn->need(plan->points[i].client.scn_cfg, &need);
		must(cost_guess(&cost, &plan->points[i]) > 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size), *rest = text;
	const struct scenario *scn = scenario_find(strsep(&rest, "\n"));
	static struct plan plan;
	char *row, *value;

	plan_init(&plan, scn ? scn : scenario_at(0));
	while ((row = strsep(&rest, "\n"))) {
		value = strchr(row, '=');
		if (!value)
			continue;
		*value = '\0';
		line(&plan, row, value + 1);
	}
	expand(&plan);
	plan_fini(&plan);
	free(text);
	return 0;
}
