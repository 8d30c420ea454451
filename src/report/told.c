#include "report/told.h"

#include <errno.h>
#include <stdlib.h>

#include "metric/rank.h"

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

int told_add(struct told_set *all, const struct series_set *set,
	     const struct told *what)
{
	const size_t rows = reader_rows(set->table) + 1;
	double *a = calloc(rows, sizeof(*a)), *b = calloc(rows, sizeof(*b));
	struct told t = *what;
	unsigned na, nb;
	int ret = a && b ? grow(all) : -ENOMEM;

	if (!ret) {
		na = series_trials(set, t.base, t.base_x, a);
		nb = series_trials(set, t.other, t.other_x, b);
		t.base_y = series_at(t.base, t.base_x)->y[0];
		t.other_y = series_at(t.other, t.other_x)->y[0];
		t.least_p = rank_least_p(na, nb);
		t.sign = 0;
		ret = rank_test(a, na, b, nb, &t.p);
	}
	if (!ret)
		all->v[all->n++] = t;
	free(a);
	free(b);
	return ret;
}

int told_pair(struct told_set *all, const struct series_set *set,
	      const struct series *base, const struct series *other)
{
	struct told t = {.base = base, .other = other};
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < other->n; i++) {
		t.base_x = t.other_x = other->points[i].x;
		if (series_at(base, t.base_x))
			ret = told_add(all, set, &t);
	}
	return ret;
}

int told_settle(struct told_set *all)
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
