#include "report/told.h"

#include <errno.h>
#include <stdlib.h>

static int grow(struct told_set *all)
{
	unsigned room = all->room ? 2 * all->room : 16;
	struct told *v;

	if (all->n < all->room)
		return 0;
	v = realloc(all->v, room * sizeof(*v));
	if (!v)
		return -ENOMEM;
	all->v = v;
	all->room = room;
	return 0;
}

/* The trials of both; free them in either case. */
struct both {
	double *a, *b;
	unsigned na, nb;
};

static int both_read(struct both *both, const struct series_set *set,
		     const struct told *t)
{
	const size_t rows = reader_rows(set->table) + 1;

	both->a = calloc(rows, sizeof(*both->a));
	both->b = calloc(rows, sizeof(*both->b));
	if (!both->a || !both->b)
		return -ENOMEM;
	both->na = series_trials(set, t->base, t->base_x, t->y, both->a);
	both->nb = series_trials(set, t->other, t->other_x, t->y, both->b);
	return 0;
}

static void both_free(struct both *both)
{
	free(both->a);
	free(both->b);
}

int told_add(struct told_set *all, const struct series_set *set,
	     const struct told *what)
{
	struct told t = *what;
	struct both both;
	int ret = both_read(&both, set, &t);

	if (!ret)
		ret = grow(all);
	if (!ret) {
		t.base_y = series_at(t.base, t.base_x)->y[t.y];
		t.other_y = series_at(t.other, t.other_x)->y[t.y];
		t.least_p = rank_least_p(both.na, both.nb);
		t.sign = 0;
		ret = rank_test(both.a, both.na, both.b, both.nb, &t.p);
	}
	if (!ret && both.na && both.nb)
		all->v[all->n++] = t;
	both_free(&both);
	return ret;
}

int told_pair(struct told_set *all, const struct series_set *set,
	      const struct told *what)
{
	struct told t = *what;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < t.other->n; i++) {
		t.base_x = t.other_x = t.other->points[i].x;
		if (series_at(t.base, t.base_x))
			ret = told_add(all, set, &t);
	}
	return ret;
}

static bool above_zero(const double *v, unsigned n)
{
	while (n)
		if (!(v[--n] > 0))
			return false;
	return true;
}

/* Ratios want numbers above 0; ranks do not. */
static int set_ratio(struct told *t, const struct series_set *set, unsigned n)
{
	struct both both;
	int ret = both_read(&both, set, t);

	t->ratio = (struct rank_ratio){.ratio = t->other_y / t->base_y};
	if (!ret && above_zero(both.a, both.na) &&
	    above_zero(both.b, both.nb)) {
		ret = rank_ratio(both.a, both.na, both.b, both.nb,
				 1 - TOLD_ALPHA / n, &t->ratio);
		if (!ret && !t->ratio.has_interval)
			ret = rank_ratio(both.a, both.na, both.b, both.nb,
					 1 - TOLD_ALPHA, &t->ratio);
	}
	both_free(&both);
	return ret;
}

static int set_signs(struct told_set *all)
{
	double *p = calloc(all->n + 1, sizeof(*p));
	unsigned i;
	int ret;

	if (!p)
		return -ENOMEM;
	for (i = 0; i < all->n; i++)
		p[i] = all->v[i].p;
	ret = rank_holm(p, all->n);
	for (i = 0; !ret && i < all->n; i++) {
		struct told *t = &all->v[i];

		t->p = p[i];
		if (t->p <= TOLD_ALPHA)
			t->sign = (t->other_y > t->base_y) -
				  (t->other_y < t->base_y);
	}
	free(p);
	return ret;
}

int told_settle(struct told_set *all, const struct series_set *set)
{
	int ret = set_signs(all);
	unsigned i;

	for (i = 0; !ret && i < all->n; i++)
		ret = set_ratio(&all->v[i], set, all->n);
	return ret;
}

void told_fini(struct told_set *all)
{
	free(all->v);
	*all = (struct told_set){.v = NULL};
}

/* The first that Holm looks at has to pass all of them. */
bool told_could(const struct told_set *all)
{
	unsigned i;

	for (i = 0; i < all->n; i++)
		if (all->v[i].least_p * all->n <= TOLD_ALPHA)
			return true;
	return false;
}
