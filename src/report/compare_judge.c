/* The verdicts of compare.h: pure statistics. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "metric/stats.h"
#include "report/compare.h"

static bool has_both(const struct compare_case *c)
{
	return c->n_old && c->n_new;
}

static int measure(struct compare_case *c, double level)
{
	int ret;

	stats_sort(c->old, c->n_old);
	stats_sort(c->new, c->n_new);
	c->old_median = stats_median(c->old, c->n_old);
	c->new_median = stats_median(c->new, c->n_new);
	c->ratio = (struct rank_ratio){.ratio = 0};
	c->p = c->p_holm = 1;
	if (!has_both(c))
		return 0;
	ret = rank_test(c->old, c->n_old, c->new, c->n_new, &c->p);
	/* A ratio wants numbers above 0; ranks do not. */
	if (!ret && c->old[0] > 0 && c->new[0] > 0)
		ret = rank_ratio(c->old, c->n_old, c->new, c->n_new, level,
				 &c->ratio);
	return ret;
}

/* Of the n cases that have trials in both: a case without tells nothing, and
 * is no chance to be wrong either. */
static int correct(struct compare_case *cases, size_t n, unsigned *compared)
{
	double *p = calloc(n + 1, sizeof(*p));
	size_t i;
	unsigned k = 0;
	int ret;

	if (!p)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		if (has_both(&cases[i]))
			p[k++] = cases[i].p;
	*compared = k;
	ret = rank_holm(p, k);
	for (i = n; !ret && i > 0; i--)
		if (has_both(&cases[i - 1]))
			cases[i - 1].p_holm = p[--k];
	free(p);
	return ret;
}

/* How many times worse NEW is; above 1 is worse. */
static double times_worse(const struct compare_case *c)
{
	double ratio = c->ratio.ratio;

	if (!(ratio > 0)) /* a value of 0: by the medians' order alone */
		ratio = c->new_median > c->old_median ? INFINITY : 0;
	return c->higher_is_better ? 1 / ratio : ratio;
}

static enum compare_verdict verdict(const struct compare_case *c,
				    const struct compare_options *o,
				    unsigned compared)
{
	double worse;

	if (!has_both(c))
		return COMPARE_TOO_FEW;
	if (c->p_holm > o->alpha)
		return rank_least_p(c->n_old, c->n_new) * compared > o->alpha
			       ? COMPARE_TOO_FEW
			       : COMPARE_SAME;
	worse = times_worse(c);
	if (worse >= 1 + o->threshold)
		return COMPARE_WORSE;
	return worse <= 1 / (1 + o->threshold) ? COMPARE_BETTER
					       : COMPARE_WITHIN;
}

int compare_judge(struct compare_case *cases, size_t n,
		  const struct compare_options *o, struct err *err)
{
	unsigned compared;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < n; i++)
		ret = measure(&cases[i], 1 - o->alpha);
	if (!ret)
		ret = correct(cases, n, &compared);
	if (ret)
		return err_sys(err, ret, "comparing");
	for (i = 0; i < n; i++)
		cases[i].verdict = verdict(&cases[i], o, compared);
	return 0;
}

unsigned compare_trials_wanted(size_t points, const struct compare_options *o)
{
	unsigned n = 2;

	while (rank_least_p(n, n) * (double)points > o->alpha)
		n++;
	return n;
}
