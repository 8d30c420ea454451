/* How the results of regcost are shown and judged. */
#include <math.h>
#include <string.h>

#include "report/plots.h"
#include "report/report.h"
#include "reports.h"

#define BY_SIZE .x = "size_bytes", .x_label = "bytes"
/* One life at a time, of memory whose pages are there. */
#define PLAIN                                                                  \
	{                                                                      \
		{"populate", "touch"}, {"touch_threads", "1"},                 \
			{"access", "remote"}, {"regions", "1"},                \
	}

/* The kernel's ways beside touching by several threads, of the same memory. */
static bool is_populated(const struct report_view *view, const struct series *s)
{
	const struct series_pair by_touch = {"populate", "touch", NULL, ""};
	const char *how = series_cell(view->set, s, "populate"), *why;
	const struct series *touched = s;

	if (!strcmp(how, "none"))
		return false;
	if (strcmp(how, "touch"))
		touched = series_base(view->set, s, &by_touch, &why);
	return touched && touched->n >= 2;
}

static const struct report_figure figures[] = {
	{
		.name = "regcost_register",
		.title = "Registering memory: time against size",
		.script = plot_regcost_register,
		.where = PLAIN,
		.columns = "size_bytes register_us deregister_us trials",
	},
	{
		.name = "regcost_deregister",
		.title = "Deregistering memory: time against size",
		.script = plot_regcost_deregister,
		.axes = {BY_SIZE,
			 .y = {{"deregister_p50_ns", "deregister", 1e3},
			       {"register_p50_ns", "register", 1e3}}},
		.where = PLAIN,
		.columns = "size_bytes deregister_us register_us trials",
	},
	{
		.name = "regcost_populate",
		.title = "Populating memory: by threads that touch it, and by "
			 "the kernel",
		.script = plot_regcost_populate,
		.axes = {.x = "touch_threads",
			 .x_label = "threads",
			 .y = {{"map_p50_ns", "map", 1e6},
			       {"populate_p50_ns", "populate", 1e6}}},
		.where = {{"way", "pin"}, {"regions", "1"}},
		.shows = is_populated,
		.columns = "touch_threads map_ms populate_ms trials",
	},
	{
		.name = "regcost_steps",
		.title = "Life of a region, step by step",
		.script = plot_regcost_steps,
		.axes = {BY_SIZE,
			 .y = {{"map_mean_ns", "map", 1e3},
			       {"populate_mean_ns", "populate", 1e3},
			       {"register_mean_ns", "register", 1e3},
			       {"first_use_mean_ns", "first use", 1e3},
			       {"second_use_mean_ns", "second use", 1e3},
			       {"deregister_mean_ns", "deregister", 1e3},
			       {"unmap_mean_ns", "unmap", 1e3}}},
		.where = PLAIN,
		.columns = "size_bytes map_us populate_us register_us "
			   "first_use_us second_use_us deregister_us unmap_us "
			   "trials",
	},
	{
		.name = "regcost_regions",
		.title = "Registering memory: time against regions at the same "
			 "time",
		.script = plot_regcost_regions,
		.axes = {.x = "regions",
			 .x_label = "regions",
			 .y = {{"register_p50_ns", "register", 1e3},
			       {"deregister_p50_ns", "deregister", 1e3}}},
		.where = {{"way", "pin"},
			  {"populate", "touch"},
			  {"touch_threads", "1"},
			  {"access", "remote"}},
		.min_points = 3,
		.columns = "regions register_us deregister_us trials",
	},
	{
		.name = "regcost_cache",
		.title = "Pin-down cache: what a hit saves",
		.script = plot_regcost_cache,
		.axes = {BY_SIZE, .y = {{"cache_miss_p50_ns", "miss", 1e3},
					{"cache_hit_p50_ns", "hit", 1e3},
					{"cache_evict_p50_ns", "evict", 1e3}}},
		.where = {{"way", "cached"}, {"regions", "1"}},
		.columns = "size_bytes miss_us hit_us evict_us trials",
	},
};

static const struct report_equal equals[] = {
	{"what was registered was deregistered", "registered", "deregistered"},
};

/* --- invariants ------------------------------------------------------------ */

static bool is_none(double is, struct report_bounds *b)
{
	*b = (struct report_bounds){.is = is};
	return !isnan(is);
}

static bool no_lock_left(const struct check *c, size_t row,
			 struct report_bounds *b)
{
	return is_none(check_number(c, row, "locked_left_bytes"), b);
}

static bool no_object_left(const struct check *c, size_t row,
			   struct report_bounds *b)
{
	return is_none(check_number(c, row, "objects_left"), b);
}

static bool hits_register_nothing(const struct check *c, size_t row,
				  struct report_bounds *b)
{
	b->is = check_number(c, row, "registered");
	b->least = b->most = check_number(c, row, "cache_misses");
	return !isnan(b->most);
}

/* The same point but for its pages: all its other cells are the same. */
static int populated_not_slower(struct check *c, const struct report_rule *rule,
				struct err *err)
{
	const struct series_pair pair = {"populate", "none", NULL, ""};
	struct check_line *l = NULL;
	const struct series *base;
	const char *why;
	size_t i, k;

	(void)err;
	for (i = 0; i < c->set->n; i++) {
		const struct series *s = &c->set->v[i];

		base = series_base(c->set, s, &pair, &why);
		for (k = 0; base && k < s->n; k++) {
			const struct series_point *p = &s->points[k];
			const struct series_point *b = series_at(base, p->x);

			if (!l)
				l = check_add(c, rule->kind, rule->what);
			if (b && p->y[0] > b->y[0])
				check_violate(c, l,
					      "%s: %.0f bytes %.1f us, "
					      "untouched %.1f us",
					      s->label, p->x, p->y[0], b->y[0]);
		}
	}
	return 0;
}

/* Below a page's size there is nothing to rise, nor in a look-up. */
static void look_at_rise(struct check *c, struct check_line *l,
			 const struct series *s)
{
	double page = check_number(c, s->row, "page_bytes");
	const struct series_point *p;
	size_t i;

	for (i = 1; i < s->n; i++) {
		p = &s->points[i];
		if (p[-1].x >= page && p[0].x >= 4 * p[-1].x &&
		    p[0].y[0] < p[-1].y[0])
			check_violate(c, l,
				      "%s: at %.0f bytes %.1f us, at %.0f %.1f",
				      s->label, p[-1].x, p[-1].y[0], p[0].x,
				      p[0].y[0]);
	}
}

static int registering_rises(struct check *c, const struct report_rule *rule,
			     struct err *err)
{
	struct check_line *l = NULL;
	size_t i;

	(void)err;
	for (i = 0; i < c->set->n; i++) {
		const struct series *s = &c->set->v[i];

		if (s->n < 2 || strcmp(series_cell(c->set, s, "way"), "pin"))
			continue;
		if (!l)
			l = check_add(c, rule->kind, rule->what);
		look_at_rise(c, l, s);
	}
	return 0;
}

static const struct report_rule rules[] = {
	{CHECK_EXACT, "no locked memory is left", report_rule_rows,
	 .row = no_lock_left},
	{CHECK_EXACT, "no RDMA object is left, by the kernel's count",
	 report_rule_rows, .row = no_object_left},
	{CHECK_EXACT, "the pin-down cache registers its misses alone",
	 report_rule_rows, .row = hits_register_nothing},
	{CHECK_STATISTICAL, "registering populated memory is not slower",
	 .run = populated_not_slower},
	{CHECK_STATISTICAL, "registering does not fall as size grows by 4",
	 .run = registering_rises},
};

static const struct report_sentence sentences[] = {
	{.say = SAY_BEST,
	 .words = "registering is cheapest by",
	 .where = PLAIN},
	{.say = SAY_WORSENS,
	 .words = "bytes the time to register rises most with",
	 .where = PLAIN},
};

const struct report report_regcost = {
	.measure = "time of a step in microseconds (p50)",
	.axes = {BY_SIZE, .y = {{"register_p50_ns", "register", 1e3},
				{"deregister_p50_ns", "deregister", 1e3}}},
	.conditions = {"use"},
	.figures = figures,
	.n_figures = sizeof(figures) / sizeof(figures[0]),
	.equals = equals,
	.n_equals = sizeof(equals) / sizeof(equals[0]),
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.sentences = sentences,
	.n_sentences = sizeof(sentences) / sizeof(sentences[0]),
};
