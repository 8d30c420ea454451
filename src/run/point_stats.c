#include "run/point_stats.h"

#include <assert.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>

static const char *const state_words[] = {
	[POINT_OPEN] = "interrupted",
	[POINT_NARROW] = "narrow",
	[POINT_LIMIT] = "limit",
	[POINT_UNSUPPORTED] = "unsupported",
};

int point_stats_init(struct point_stats *p, const struct stop_rule *rule,
		     enum headline headline)
{
	unsigned i;

	*p = (struct point_stats){
		.rule = rule,
		.headline = headline,
		.next_look = stop_rule_next_look(rule, 0),
	};
	for (i = 0; i < HEADLINE_COUNT; i++) {
		p->value[i] = calloc(rule->max, sizeof(*p->value[i]));
		if (!p->value[i]) {
			point_stats_fini(p);
			return -ENOMEM;
		}
	}
	return 0;
}

void point_stats_fini(struct point_stats *p)
{
	unsigned i;

	for (i = 0; i < HEADLINE_COUNT; i++) {
		free(p->value[i]);
		p->value[i] = NULL;
	}
}

/* In which order trials came is asked by nobody: they are sorted in place. */
static enum stop_why look_at(const struct point_stats *p, enum headline which,
			     struct stop_look *look)
{
	stats_sort(p->value[which], p->n_values[which]);
	return stop_rule_look(p->rule, p->value[which], p->n_values[which],
			      look);
}

void point_stats_note(struct point_stats *p, enum status status,
		      const double value[HEADLINE_COUNT])
{
	struct stop_look look;
	unsigned i;

	assert(p->tried < p->rule->max);
	p->tried++;
	if (status == STATUS_UNSUPPORTED)
		p->state = POINT_UNSUPPORTED;
	else if (p->tried >= p->rule->max)
		p->state = POINT_LIMIT;
	if (status != STATUS_OK)
		return;
	for (i = 0; i < HEADLINE_COUNT; i++)
		if (!isnan(value[i]))
			p->value[i][p->n_values[i]++] = value[i];
	p->n++;
	if (p->n < p->next_look && p->state == POINT_OPEN)
		return;
	p->next_look = stop_rule_next_look(p->rule, p->n);
	if (p->n_values[p->headline] &&
	    look_at(p, p->headline, &look) == STOP_NARROW)
		p->state = POINT_NARROW;
}

void point_stats_columns(struct columns *c)
{
	unsigned i;

	columns_add(c, "trials");
	columns_add(c, "trials_ok");
	columns_add(c, "headline");
	for (i = 0; i < HEADLINE_COUNT; i++) {
		columns_add(c, headline_info[i].median);
		columns_add(c, headline_info[i].ci_low);
		columns_add(c, headline_info[i].ci_high);
	}
	columns_add(c, "ci_level");
	columns_add(c, "half_width_pct");
	columns_add(c, "stopped");
}

static void put_look(struct row *row, enum headline which, bool headline,
		     const struct stop_look *look)
{
	const struct headline_info *h = &headline_info[which];

	row_set(row, h->median, "%.*f", h->decimals, look->median);
	if (!look->has_ci)
		return; /* too few trials for one at this level */
	row_set(row, h->ci_low, "%.*f", h->decimals, look->ci.low);
	row_set(row, h->ci_high, "%.*f", h->decimals, look->ci.high);
	if (!headline)
		return;
	row_set(row, "ci_level", "%.4f", look->ci.level);
	row_set(row, "half_width_pct", "%.2f",
		50 * (look->ci.high - look->ci.low) / look->median);
}

void point_stats_put(const struct point_stats *p, struct row *row)
{
	struct stop_look look;
	unsigned i;

	row_set(row, "trials", "%u", p->tried);
	row_set(row, "trials_ok", "%u", p->n);
	row_set(row, "headline", "%s", headline_info[p->headline].column);
	row_set(row, "stopped", "%s", state_words[p->state]);
	/* An interrupted point may not have been looked at yet. */
	for (i = 0; i < HEADLINE_COUNT; i++) {
		if (!p->n_values[i])
			continue;
		look_at(p, i, &look);
		put_look(row, i, i == p->headline, &look);
	}
}
