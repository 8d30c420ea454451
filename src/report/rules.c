/* Invariants that several scenarios have (report.h). */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report/report.h"
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
struct tally_of_signs {
	const char *note;
	const char *most_label; /* where `most` is */
	size_t pairs, below, both;
	double least, most; /* gain in percent */
};

enum { NOTES = 4 };

static struct tally_of_signs *tally_for(struct tally_of_signs *all,
					const char *note)
{
	unsigned i;

	for (i = 0; i + 1 < NOTES && all[i].note; i++)
		if (!strcmp(all[i].note, note))
			return &all[i];
	if (!all[i].note)
		all[i] = (struct tally_of_signs){
			.note = note, .least = INFINITY, .most = -INFINITY};
	return &all[i];
}

static void count_signs(struct tally_of_signs *t, unsigned y,
			const struct series *s, const struct series *base)
{
	const struct series_point *b;
	double gain;
	size_t i;

	t->pairs++;
	for (i = 0; i < s->n; i++) {
		b = series_at(base, s->points[i].x);
		if (!b)
			continue;
		gain = series_gain(b->y[y], s->points[i].y[y]);
		t->both++;
		t->below += gain > 0;
		t->least = fmin(t->least, gain);
		if (gain > t->most) {
			t->most = gain;
			t->most_label = s->label;
		}
	}
}

static void say_signs(struct check *c, const struct report_rule *rule,
		      const struct tally_of_signs *all)
{
	const struct tally_of_signs *t;

	for (t = all; t < all + NOTES && t->note; t++) {
		struct check_line *l = check_add(c, rule->kind, rule->what);

		l->holds = 2 * t->below > t->both;
		snprintf(l->where, sizeof(l->where),
			 "at %zu of %zu points of %zu pair%s, by %+.1f to "
			 "%+.1f %% (most: %.60s)%s%s",
			 t->below, t->both, t->pairs, t->pairs == 1 ? "" : "s",
			 t->least, t->most, t->most_label ? t->most_label : "",
			 *t->note ? "; " : "", t->note);
	}
}

int report_rule_sign(struct check *c, const struct report_rule *rule,
		     struct err *err)
{
	const struct report_sign *sign = rule->sign;
	struct tally_of_signs all[NOTES] = {{.note = NULL}};
	const struct series *base, *s;
	const char *why, *note;
	size_t i;

	(void)err;
	for (i = 0; i < c->set->n; i++) {
		s = &c->set->v[i];
		base = series_base(c->set, s, &sign->pair, &why);
		if (!base)
			continue;
		note = sign->note ? sign->note(c, s) : "";
		count_signs(tally_for(all, note), sign->y, s, base);
	}
	say_signs(c, rule, all);
	return 0;
}
