/* Invariants that several scenarios have (report.h). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "report/show.h"
#include "report/told.h"
#include "result/schema.h"
#include "run/scenario.h"

/* "5, not 4", "5, not 6 or more". */
static void break_row(struct check *c, struct check_line *l, size_t row,
		      const struct report_bounds *b)
{
	const bool low = !(b->is >= b->least);

	check_violate(c, l, "line %zu: %.0f, not %.0f%s",
		      reader_line(c->table, row), b->is,
		      low ? b->least : b->most,
		      b->least >= b->most ? ""
		      : low		  ? " or more"
					  : " or less");
}

int report_rule_rows(struct check *c, const struct report_rule *rule,
		     struct err *err)
{
	struct check_line *l = NULL;
	struct report_bounds b;
	size_t row;

	(void)err;
	for (row = 0; row < reader_rows(c->table); row++) {
		if (!check_row_ok(c, row) || !rule->row(c, row, &b))
			continue;
		if (!l)
			l = check_add(c, rule->kind, rule->what);
		if (!(b.is >= b.least && b.is <= b.most))
			break_row(c, l, row, &b);
	}
	return 0;
}

bool report_row_verified(const struct check *c, size_t row,
			 struct report_bounds *b)
{
	b->is = check_number(c, row, "client_verified");
	b->least = check_number(c, row, "samples");
	b->most = INFINITY;
	return !strcmp(check_cell(c, row, "verify"), "each");
}

bool report_row_payload(const struct check *c, size_t row,
			struct report_bounds *b)
{
	const double rate = check_number(c, row, "ops_per_s");
	const double size = check_number(c, row, "size_bytes");

	if (isnan(rate) || schema_was(c->table, row, "bw_bytes_per_s"))
		return false;
	b->is = check_number(c, row, "bw_bytes_per_s");
	/* The rate has two decimals, and bytes none. */
	b->least = (rate - 0.005) * size - 1;
	b->most = (rate + 0.005) * size + 1;
	return true;
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

/* --- signs ------------------------------------------------------------------*/

/* What pairs with the same note have in common. */
struct signs {
	const char *note;
	size_t pairs;
	struct told_set all;
};

enum { NOTES = 4 };

static struct signs *signs_for(struct signs *all, const char *note)
{
	unsigned i;

	for (i = 0; i + 1 < NOTES && all[i].note; i++)
		if (!strcmp(all[i].note, note))
			break;
	if (!all[i].note)
		all[i].note = note;
	return &all[i];
}

static unsigned count_sign(const struct told_set *all, int sign)
{
	unsigned i, n = 0;

	for (i = 0; i < all->n; i++)
		n += all->v[i].sign == sign;
	return n;
}

static enum check_answer answer_of(unsigned below, unsigned above)
{
	if (below && above)
		return CHECK_MIXED;
	if (below)
		return CHECK_YES;
	return above ? CHECK_NO : CHECK_UNTOLD;
}

static bool further(const struct told *t, const struct told *than)
{
	if (!t->sign != !than->sign)
		return t->sign != 0;
	return fabs(log(t->ratio.ratio)) > fabs(log(than->ratio.ratio));
}

/* What is told furthest from its base; or, if nothing is, what lies there.
 * There is one at least. */
static const struct told *furthest(const struct told_set *all)
{
	const struct told *best = &all->v[0];
	unsigned i;

	for (i = 1; i < all->n; i++)
		if (further(&all->v[i], best))
			best = &all->v[i];
	return best;
}

/* "+4.2 % [+1.0, +6.1]": how much lower than its base. */
static void gain_words(char *buf, size_t size, const struct told *t)
{
	size_t len;

	snprintf(buf, size, "%+.1f %%", 100 * (1 - t->ratio.ratio));
	len = strlen(buf);
	if (t->ratio.has_interval)
		snprintf(buf + len, size - len, " [%+.1f, %+.1f]",
			 100 * (1 - t->ratio.high), 100 * (1 - t->ratio.low));
}

static void say_signs(struct check *c, const struct report_rule *rule,
		      const struct signs *s)
{
	const unsigned below = count_sign(&s->all, -1);
	const unsigned above = count_sign(&s->all, 1);
	struct check_line *l = check_add(c, rule->kind, rule->what);
	const struct told *t = furthest(&s->all);
	char gain[64], x[40];

	gain_words(gain, sizeof(gain), t);
	l->answer = answer_of(below, above);
	snprintf(l->where, sizeof(l->where),
		 "yes at %u of %u points of %zu pair%s, no at %u, not told "
		 "apart at %u%s; most: %s (%.60s at %s)%s%s",
		 below, s->all.n, s->pairs, s->pairs == 1 ? "" : "s", above,
		 s->all.n - below - above,
		 told_could(&s->all) ? "" : " (too few trials)", gain,
		 t->other->label,
		 show_x(x, sizeof(x), c->set->axes->x, t->other_x),
		 *s->note ? "; " : "", s->note);
}

static int add_signs(struct check *c, const struct report_sign *sign,
		     struct signs *all)
{
	struct told t = {.y = sign->y};
	struct signs *s;
	const char *why;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < c->set->n; i++) {
		t.other = &c->set->v[i];
		t.base = series_base(c->set, t.other, &sign->pair, &why);
		if (!t.base)
			continue;
		s = signs_for(all, sign->note ? sign->note(c, t.other) : "");
		s->pairs++;
		ret = told_pair(&s->all, c->set, &t);
	}
	return ret;
}

int report_rule_sign(struct check *c, const struct report_rule *rule,
		     struct err *err)
{
	struct signs all[NOTES] = {{.note = NULL}};
	unsigned i;
	int ret = add_signs(c, rule->sign, all);

	for (i = 0; i < NOTES; i++) {
		if (!ret && all[i].all.n) {
			ret = told_settle(&all[i].all, c->set);
			if (!ret)
				say_signs(c, rule, &all[i]);
		}
		told_fini(&all[i].all);
	}
	return ret ? err_sys(err, ret, "check") : 0;
}
