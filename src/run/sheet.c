#include "run/sheet.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "run/record.h"
#include "run/scenario.h"

/* What is known of a point so far. */
struct point_stats {
	enum point_state state;
	unsigned n, tried, next_look;
	double *p50;		/* medians of its trials, ns */
	struct trial_link link; /* of the last one */
};

struct sheet {
	char dir[512];
	const char *run_id;
	const struct plan *plan;
	const struct stop_rule *rule;
	struct columns columns, hist_columns;
	struct csvfile csv, hist;
	struct row row;
	struct counter_list counters;
	uint64_t rows;
	struct point_stats *points;
	double *sorted; /* scratch */
};

static const char *const state_words[] = {
	[POINT_OPEN] = "interrupted",
	[POINT_NARROW] = "narrow",
	[POINT_LIMIT] = "limit",
	[POINT_UNSUPPORTED] = "unsupported",
};

static int create(struct sheet *s, struct csvfile *csv, const char *suffix,
		  const struct columns *c, struct err *err)
{
	char path[700];

	snprintf(path, sizeof(path), "%s/%s%s", s->dir, s->plan->scn->name,
		 suffix);
	return csvfile_create(csv, path, c, err);
}

static int allocate(struct sheet *s, struct err *err)
{
	unsigned i, n = s->plan->n_points;

	s->points = calloc(n, sizeof(*s->points));
	s->sorted = calloc(s->rule->max, sizeof(*s->sorted));
	if (!s->points || !s->sorted)
		return err_sys(err, -ENOMEM, "%u points", n);
	for (i = 0; i < n; i++) {
		s->points[i].p50 = calloc(s->rule->max, sizeof(double));
		s->points[i].next_look = stop_rule_next_look(s->rule, 0);
		if (!s->points[i].p50)
			return err_sys(err, -ENOMEM, "%u points", n);
	}
	return 0;
}

static void hist_columns(struct columns *c)
{
	columns_add(c, "row");
	columns_add(c, "bucket_low_ns");
	columns_add(c, "bucket_high_ns");
	columns_add(c, "count");
}

int sheet_open(struct sheet **sheet, const char *dir, const char *run_id,
	       const struct plan *plan, const struct stop_rule *rule,
	       struct err *err)
{
	struct sheet *s = calloc(1, sizeof(*s));
	int ret;

	*sheet = s;
	if (!s)
		return err_sys(err, -ENOMEM, "results");
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	s->run_id = run_id;
	s->plan = plan;
	s->rule = rule;
	s->csv.fd = s->hist.fd = -1;
	ret = counter_list_parse(&s->counters,
				 plan->proto.client.trial.counters, err);
	if (!ret)
		record_columns(&s->columns, plan->scn, &s->counters);
	hist_columns(&s->hist_columns);
	if (!ret)
		ret = allocate(s, err);
	if (!ret)
		ret = create(s, &s->csv, ".csv", &s->columns, err);
	if (!ret)
		ret = create(s, &s->hist, ".hist.csv", &s->hist_columns, err);
	if (!ret)
		return 0;
	sheet_close(s);
	*sheet = NULL;
	return ret;
}

void sheet_close(struct sheet *s)
{
	unsigned i;

	if (!s)
		return;
	for (i = 0; s->points && i < s->plan->n_points; i++)
		free(s->points[i].p50);
	free(s->points);
	free(s->sorted);
	csvfile_close(&s->csv);
	csvfile_close(&s->hist);
	free(s);
}

/* Row numbers count from 1, the header not among them. */
static int write_hist(struct sheet *s, const struct hist *h, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && i < HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		row_init(&s->row, &s->hist_columns);
		row_set(&s->row, "row", "%" PRIu64, s->rows);
		row_set(&s->row, "bucket_low_ns", "%" PRIu64, hist_low(i));
		row_set(&s->row, "bucket_high_ns", "%" PRIu64, hist_low(i + 1));
		row_set(&s->row, "count", "%" PRIu64, h->bucket[i]);
		ret = csvfile_write(&s->hist, &s->row, err);
	}
	return ret;
}

static enum stop_why look_at(struct sheet *s, const struct point_stats *p,
			     struct stop_look *look)
{
	memcpy(s->sorted, p->p50, p->n * sizeof(double));
	stats_sort(s->sorted, p->n);
	return stop_rule_look(s->rule, s->sorted, p->n, look);
}

static void update(struct sheet *s, struct point_stats *p,
		   const struct trial *t)
{
	struct stop_look look;
	enum stop_why why;

	p->tried++;
	p->link = t->link;
	if (t->status == STATUS_UNSUPPORTED)
		p->state = POINT_UNSUPPORTED;
	else if (p->tried >= s->rule->max)
		p->state = POINT_LIMIT;
	if (t->status != STATUS_OK)
		return;
	p->p50[p->n++] = (double)hist_quantile(&t->client.latency, 0.5);
	if (p->n < p->next_look && p->state == POINT_OPEN)
		return;
	why = look_at(s, p, &look);
	p->next_look = stop_rule_next_look(s->rule, p->n);
	if (why == STOP_NARROW)
		p->state = POINT_NARROW;
}

int sheet_add(struct sheet *s, const struct plan_point *pp, unsigned number,
	      const struct trial *t, struct err *err)
{
	struct record_id id = {
		.run_id = s->run_id, .trial = number, .counters = &s->counters};
	int ret;

	row_init(&s->row, &s->columns);
	record_row(&s->row, &id, pp, t);
	ret = csvfile_write(&s->csv, &s->row, err);
	if (ret)
		return ret;
	s->rows++;
	update(s, &s->points[pp->id], t);
	if (t->status != STATUS_OK)
		return 0;
	return write_hist(s, &t->client.latency, err);
}

bool sheet_wants(const struct sheet *s, const struct plan_point *pp)
{
	return s->points[pp->id].state == POINT_OPEN;
}

unsigned sheet_open_points(const struct sheet *s)
{
	unsigned i, n = 0;

	for (i = 0; i < s->plan->n_points; i++)
		n += sheet_wants(s, &s->plan->points[i]);
	return n;
}

static void point_columns(struct columns *c, const struct scenario *scn)
{
	static const char *const own[] = {
		"trials",	  "trials_ok",	    "p50_median_ns",
		"p50_ci_low_ns",  "p50_ci_high_ns", "ci_level",
		"half_width_pct", "stopped",
	};
	size_t i;

	record_point_columns(c, scn);
	for (i = 0; i < sizeof(own) / sizeof(own[0]); i++)
		columns_add(c, own[i]);
}

static void put_stats(struct sheet *s, const struct point_stats *p)
{
	struct stop_look look;

	row_set(&s->row, "trials", "%u", p->tried);
	row_set(&s->row, "trials_ok", "%u", p->n);
	row_set(&s->row, "stopped", "%s", state_words[p->state]);
	if (!p->n)
		return;
	/* An interrupted point may not have been looked at yet. */
	look_at(s, p, &look);
	row_set(&s->row, "p50_median_ns", "%.0f", look.median);
	if (!look.has_ci)
		return; /* too few trials for one at this level */
	row_set(&s->row, "p50_ci_low_ns", "%.0f", look.ci.low);
	row_set(&s->row, "p50_ci_high_ns", "%.0f", look.ci.high);
	row_set(&s->row, "ci_level", "%.4f", look.ci.level);
	row_set(&s->row, "half_width_pct", "%.2f",
		50 * (look.ci.high - look.ci.low) / look.median);
}

static int write_point(struct sheet *s, struct csvfile *csv,
		       const struct columns *c, unsigned i, struct err *err)
{
	const struct point_stats *p = &s->points[i];
	struct record_id id = {.run_id = s->run_id};

	row_init(&s->row, c);
	record_point(&s->row, &id, &s->plan->points[i], &p->link);
	put_stats(s, p);
	return csvfile_write(csv, &s->row, err);
}

int sheet_write_points(struct sheet *s, struct err *err)
{
	struct columns *c = calloc(1, sizeof(*c));
	struct csvfile csv = {.fd = -1};
	unsigned i;
	int ret;

	if (!c)
		return err_sys(err, -ENOMEM, "points");
	point_columns(c, s->plan->scn);
	ret = create(s, &csv, ".points.csv", c, err);
	for (i = 0; !ret && i < s->plan->n_points; i++)
		if (s->points[i].tried)
			ret = write_point(s, &csv, c, i, err);
	csvfile_close(&csv);
	free(c);
	return ret;
}
