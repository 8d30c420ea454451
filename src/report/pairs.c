#include "report/pairs.h"

#include <math.h>

double pair_next_x(const struct pair *pair, double x)
{
	const struct series *both[] = {pair->left, pair->right};
	double next = INFINITY;
	size_t i, k;

	for (i = 0; i < 2; i++)
		for (k = 0; both[i] && k < both[i]->n; k++)
			if (both[i]->points[k].x > x)
				next = fmin(next, both[i]->points[k].x);
	return next;
}

/* True if some other series is shown beside this one. */
static bool is_base(const struct series_set *set, const struct series *s,
		    const struct series_pair *compare)
{
	const char *why;
	size_t i;

	for (i = 0; compare->column && i < set->n; i++)
		if (series_base(set, &set->v[i], compare, &why) == s)
			return true;
	return false;
}

void pairs_each(const struct series_set *set, const struct series_pair *compare,
		enum path path, void (*fn)(void *arg, const struct pair *pair),
		void *arg)
{
	const struct series *base;
	const char *why;
	size_t i;

	for (i = 0; i < set->n; i++) {
		const struct series *s = &set->v[i];
		struct pair pair = {.set = set,
				    .left = s,
				    .words = compare->words,
				    .n = series_values(set->axes)};

		if (s->path != path || is_base(set, s, compare))
			continue;
		base = compare->column ? series_base(set, s, compare, &why)
				       : NULL;
		if (base) {
			pair.left = base;
			pair.right = s;
		}
		fn(arg, &pair);
	}
}
