/* Invariants that several scenarios have (report.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/report.h"
#include "run/scenario.h"

int report_rule_verified(struct check *c, const struct report_rule *rule,
			 struct err *err)
{
	struct check_line *l = NULL;
	size_t row;

	(void)err;
	for (row = 0; row < reader_rows(c->table); row++) {
		double verified = check_number(c, row, "client_verified");
		double samples = check_number(c, row, "samples");

		if (!check_row_ok(c, row) ||
		    strcmp(check_cell(c, row, "verify"), "each"))
			continue;
		if (!l)
			l = check_add(c, rule->kind, rule->what);
		if (verified < samples)
			check_violate(c, l, "line %zu: %.0f of %.0f",
				      reader_line(c->table, row), verified,
				      samples);
	}
	return 0;
}

static void look_at_rise(struct check *c, struct check_line *l,
			 const struct series *s)
{
	const struct series_point *p;
	size_t i;

	for (i = 1; i < s->n; i++) {
		p = &s->points[i];
		if (p[0].x >= 4 * p[-1].x && p[0].y[0] < p[-1].y[0])
			check_violate(c, l,
				      "%s: at %.0f %s %s is %.4g, at %.0f %.4g",
				      s->label, p[-1].x, c->set->axes->x_label,
				      c->set->axes->y[0].label, p[-1].y[0],
				      p[0].x, p[0].y[0]);
	}
}

int report_rule_rising(struct check *c, const struct report_rule *rule,
		       struct err *err)
{
	struct check_line *l = NULL;
	size_t i;

	(void)err;
	for (i = 0; i < c->set->n; i++) {
		if (c->set->v[i].n < 2)
			continue;
		if (!l)
			l = check_add(c, rule->kind, rule->what);
		look_at_rise(c, l, &c->set->v[i]);
	}
	return 0;
}

static void say_faster(struct check *c, const struct report_rule *rule,
		       const struct series *s, const struct series *base)
{
	bool software =
		!strcmp(series_cell(c->set, s, "software_device"), "yes");
	struct check_line *l = check_add(c, rule->kind, rule->what);
	size_t k, faster = 0, both = 0;

	for (k = 0; k < s->n; k++) {
		const struct series_point *t = series_at(base, s->points[k].x);

		both += t != NULL;
		faster += t && s->points[k].y[0] < t->y[0];
	}
	snprintf(l->where, sizeof(l->where), "%s: at %zu of %zu points%s",
		 s->label, faster, both,
		 software ? " (a software device moves data by CPU: nothing "
			    "is expected of it)"
			  : "");
	l->holds = faster > 0;
}

int report_rule_faster(struct check *c, const struct report_rule *rule,
		       struct err *err)
{
	const struct series_pair *pair = &c->scn->report->pair;
	const struct series *base;
	const char *why;
	size_t i;

	(void)err;
	for (i = 0; i < c->set->n; i++) {
		base = series_base(c->set, &c->set->v[i], pair, &why);
		if (base)
			say_faster(c, rule, &c->set->v[i], base);
	}
	return 0;
}
