#include "report/compare.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/compare_match.h"
#include "report/report.h"
#include "report/show.h"
#include "result/schema.h"
#include "run/scenario.h"

/* One scenario of both folders. */
struct job {
	struct compare *c;
	const struct compare_options *o;
	const struct scenario *scn;
	const struct series_axes *axes;
	struct reader_table *table[MATCH_SIDES];
	struct match match;
	struct series_set set; /* of OLD, for the labels */
};

const char *compare_word(enum compare_verdict verdict)
{
	static const char *const words[] = {
		[COMPARE_SAME] = "same",       [COMPARE_WITHIN] = "within",
		[COMPARE_BETTER] = "better",   [COMPARE_WORSE] = "worse",
		[COMPARE_TOO_FEW] = "too-few",
	};

	return words[verdict];
}

static void note(struct compare *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void note(struct compare *c, const char *fmt, ...)
{
	va_list ap;

	if (c->n_notes == COMPARE_NOTES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(c->notes[c->n_notes++], sizeof(c->notes[0]), fmt, ap);
	va_end(ap);
}

/* --- cases ------------------------------------------------------------------*/

static struct compare_case *new_case(struct compare *c)
{
	struct compare_case *cases;

	if (c->n == c->cap) {
		cases = reallocarray(c->cases, 2 * c->cap + 16, sizeof(*cases));
		if (!cases)
			return NULL;
		c->cases = cases;
		c->cap = 2 * c->cap + 16;
	}
	cases = &c->cases[c->n++];
	memset(cases, 0, sizeof(*cases));
	return cases;
}

/* The trials' values of a metric, of one side. */
static int take_values(const struct job *j, size_t i, enum match_side side,
		       const char *metric, double **values)
{
	const struct reader_table *t = j->table[side];
	int col = reader_column(t, metric);
	double *v = calloc(reader_rows(t) + 1, sizeof(*v));
	unsigned n = 0;
	size_t row;

	if (!v)
		return -ENOMEM;
	for (row = 0; row < reader_rows(t); row++)
		if (match_is_trial(&j->match, i, side, row) &&
		    reader_number(t, row, col, &v[n]))
			n++;
	*values = v;
	return (int)n;
}

static void label_case(const struct job *j, struct compare_case *c, size_t row)
{
	size_t i;

	c->x_column = j->axes->x;
	reader_number(j->table[MATCH_OLD], row,
		      reader_column(j->table[MATCH_OLD], j->axes->x), &c->x);
	for (i = 0; i < j->set.n; i++)
		if (dims_equal(&j->set.dims, j->set.v[i].row, row))
			break;
	c->place = (unsigned)i;
	if (i < j->set.n)
		snprintf(c->label, sizeof(c->label), "%s", j->set.v[i].label);
	else
		dims_transport(&j->set.dims, row, c->label);
}

static bool is_rate(const char *metric)
{
	size_t len = strlen(metric);

	return len > 6 && !strcmp(metric + len - 6, "_per_s");
}

static int add_case(const struct job *j, size_t i, const char *metric,
		    struct err *err)
{
	struct compare_case *c = new_case(j->c);
	int n_old, n_new;

	if (!c)
		return err_sys(err, -ENOMEM, "comparing");
	c->scenario = j->scn->name;
	c->metric = metric;
	c->higher_is_better = is_rate(metric);
	label_case(j, c, j->match.v[i].row[MATCH_OLD]);
	n_old = take_values(j, i, MATCH_OLD, metric, &c->old);
	n_new = take_values(j, i, MATCH_NEW, metric, &c->new);
	if (n_old < 0 || n_new < 0)
		return err_sys(err, -ENOMEM, "comparing");
	c->n_old = (unsigned)n_old;
	c->n_new = (unsigned)n_new;
	/* Neither has it: nothing became better or worse. */
	if (!c->n_old && !c->n_new) {
		free(c->old);
		free(c->new);
		j->c->n--;
	}
	return 0;
}

/* A column that meant something else when one of the two was written. */
static int check_meaning(const struct job *j, const struct match_pair *p,
			 const char *metric, struct err *err)
{
	const char *old =
		schema_was(j->table[MATCH_OLD], p->row[MATCH_OLD], metric);
	const char *new =
		schema_was(j->table[MATCH_NEW], p->row[MATCH_NEW], metric);

	if (!old == !new)
		return 0;
	return err_set(err, -EINVAL, REASON_USAGE,
		       "%s: in the schema_version of %s, %s was %s",
		       j->scn->name, old ? "OLD" : "NEW", metric,
		       old ? old : new);
}

static int add_pair(const struct job *j, size_t i, const char *metric,
		    struct err *err)
{
	const struct match_pair *p = &j->match.v[i];
	char why[240];
	int ret;

	if (p->row[MATCH_OLD] == MATCH_NONE ||
	    p->row[MATCH_NEW] == MATCH_NONE) {
		match_explain(&j->match, i, why, sizeof(why));
		if (!j->o->common)
			return err_set(err, -EINVAL, REASON_USAGE,
				       "the runs do not match: %s: %s "
				       "(--common compares the others)",
				       j->scn->name, why);
		note(j->c, "%s: %s", j->scn->name, why);
		return 0;
	}
	ret = check_meaning(j, p, metric, err);
	return ret ? ret : add_case(j, i, metric, err);
}

/* --- the metrics that are asked for -----------------------------------------*/

/* A name that stays, of the table's header. */
static int find_metric(const struct job *j, const char *name, size_t len,
		       const char **metric, struct err *err)
{
	enum match_side side;
	int col;
	char copy[64];

	snprintf(copy, sizeof(copy), "%.*s", (int)len, name);
	for (side = 0; side < MATCH_SIDES; side++) {
		col = reader_column(j->table[side], copy);
		if (col < 0)
			return err_set(err, -EINVAL, REASON_USAGE,
				       "--metric %s: no such column in %s",
				       copy, reader_file(j->table[side]));
	}
	*metric = reader_name(j->table[MATCH_NEW], col);
	return 0;
}

/* The column of NEW by this name, if both have it; else NULL. */
static const char *common_column(const struct job *j, const char *name)
{
	const int col = reader_column(j->table[MATCH_NEW], name);

	if (col < 0 || reader_column(j->table[MATCH_OLD], name) < 0)
		return NULL;
	return reader_name(j->table[MATCH_NEW], col);
}

/* What the point is about by its own words (metric/headline.h).  Where
 * neither run has any, from before there were such words: the report's first
 * value. */
static const char *headline(const struct job *j, size_t i)
{
	const struct match_pair *p = &j->match.v[i];
	const char *metric = NULL;
	int side;

	for (side = MATCH_NEW; !metric && side >= MATCH_OLD; side--)
		if (p->row[side] != MATCH_NONE)
			metric = common_column(
				j, reader_cell(j->table[side], p->row[side],
					       reader_column(j->table[side],
							     "headline")));
	return metric ? metric : j->axes->y[0].column;
}

static int by_metric(const void *a, const void *b)
{
	const struct compare_case *x = a, *y = b;
	const int metric = strcmp(x->metric, y->metric);

	if (metric)
		return metric;
	if (x->place != y->place)
		return x->place < y->place ? -1 : 1;
	return (x->x > y->x) - (x->x < y->x);
}

/* `metric` NULL: each point's headline. */
static int add_points(const struct job *j, const char *metric, struct err *err)
{
	size_t i, first = j->c->n;
	int ret = 0;

	for (i = 0; !ret && i < j->match.n; i++)
		ret = add_pair(j, i, metric ? metric : headline(j, i), err);
	if (j->c->n > first)
		qsort(j->c->cases + first, j->c->n - first,
		      sizeof(*j->c->cases), by_metric);
	return ret;
}

static int add_metrics(const struct job *j, struct err *err)
{
	const char *s = j->o->metrics, *end, *metric = NULL;
	int ret = 0;

	if (!*s)
		return add_points(j, NULL, err);
	for (; !ret && *s; s = *end ? end + 1 : end) {
		end = strchrnul(s, ',');
		ret = find_metric(j, s, (size_t)(end - s), &metric, err);
		if (!ret)
			ret = add_points(j, metric, err);
	}
	return ret;
}

/* --- scenarios --------------------------------------------------------------*/

static int read_both(struct job *j, const char *const *dirs, struct err *err)
{
	enum match_side side;
	char *path;
	int ret = 0;

	for (side = 0; !ret && side < MATCH_SIDES; side++) {
		if (asprintf(&path, "%s/%s.csv", dirs[side], j->scn->name) < 0)
			return err_sys(err, -ENOMEM, "comparing");
		ret = reader_read(path, READER_SKIP_PARTIAL, &j->table[side],
				  err);
		free(path);
	}
	return ret;
}

static int compare_tables(struct job *j, struct err *err)
{
	static const struct series_axes plain = {
		.x = "size_bytes",
		.x_label = "bytes",
		.y = {{"lat_p50_ns", "p50", 1e3}},
	};
	struct series_set new;
	int ret;

	j->axes = j->scn->report ? &j->scn->report->axes : &plain;
	/* Also finds files that hold more than one run. */
	ret = series_init(&new, j->table[MATCH_NEW], j->axes, err);
	if (ret)
		return ret;
	series_fini(&new);
	ret = series_init(&j->set, j->table[MATCH_OLD], j->axes, err);
	if (ret)
		return ret;
	ret = match_init(&j->match, j->table[MATCH_OLD], j->table[MATCH_NEW],
			 err);
	if (!ret)
		ret = add_metrics(j, err);
	match_fini(&j->match);
	series_fini(&j->set);
	return ret;
}

static bool has_results(const char *dir, const char *scenario)
{
	char path[640];

	snprintf(path, sizeof(path), "%s/%s.csv", dir, scenario);
	return !access(path, F_OK);
}

/* Metric names that point into a table: it stays until compare_fini. */
static int keep_tables(struct compare *c, const struct job *j, struct err *err)
{
	struct reader_table **t;
	enum match_side side;

	t = reallocarray(c->tables, c->n_tables + MATCH_SIDES,
			 sizeof(struct reader_table *));
	if (!t)
		return err_sys(err, -ENOMEM, "comparing");
	c->tables = t;
	for (side = 0; side < MATCH_SIDES; side++)
		c->tables[c->n_tables++] = j->table[side];
	return 0;
}

static int compare_scenario(struct compare *c, const struct scenario *scn,
			    const char *const *dirs,
			    const struct compare_options *o, struct err *err)
{
	struct job j = {.c = c, .o = o, .scn = scn};
	bool has[MATCH_SIDES] = {has_results(dirs[MATCH_OLD], scn->name),
				 has_results(dirs[MATCH_NEW], scn->name)};
	int ret;

	if (!has[MATCH_OLD] && !has[MATCH_NEW])
		return 0;
	if (!has[MATCH_OLD] || !has[MATCH_NEW]) {
		if (!o->common)
			return err_set(err, -EINVAL, REASON_USAGE,
				       "the runs do not match: only %s has %s "
				       "(--common compares the others)",
				       has[MATCH_OLD] ? "OLD" : "NEW",
				       scn->name);
		note(c, "only %s has %s", has[MATCH_OLD] ? "OLD" : "NEW",
		     scn->name);
		return 0;
	}
	ret = read_both(&j, dirs, err);
	if (!ret)
		ret = keep_tables(c, &j, err);
	if (ret) {
		reader_free(j.table[MATCH_OLD]);
		reader_free(j.table[MATCH_NEW]);
		return ret;
	}
	return compare_tables(&j, err);
}

static int read_diff(struct compare *c, const char *const *dirs,
		     struct err *err)
{
	int ret = machine_diff_read(&c->diff, dirs[MATCH_OLD], dirs[MATCH_NEW],
				    err);

	if (ret != -ENOENT)
		return ret;
	note(c, "run.json is not in both folders: what differs between the "
		"machines is not known");
	return 0;
}

int compare_run(struct compare *c, const char *old_dir, const char *new_dir,
		const struct compare_options *o, struct err *err)
{
	const char *const dirs[] = {old_dir, new_dir};
	unsigned i;
	size_t k;
	int ret = 0;

	memset(c, 0, sizeof(*c));
	for (i = 0; i < 2; i++)
		if (access(dirs[i], F_OK))
			return err_sys(err, -errno, "%s", dirs[i]);
	for (i = 0; !ret && scenario_at(i); i++)
		ret = compare_scenario(c, scenario_at(i), dirs, o, err);
	if (ret)
		return ret;
	if (!c->n)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "%s and %s: no point of any scenario has "
			       "results in both",
			       old_dir, new_dir);
	ret = read_diff(c, dirs, err);
	if (!ret)
		ret = compare_judge(c->cases, c->n, o, err);
	for (k = 0; !ret && k < c->n; k++)
		c->count[c->cases[k].verdict]++;
	return ret;
}

void compare_fini(struct compare *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		free(c->cases[i].old);
		free(c->cases[i].new);
	}
	for (i = 0; i < c->n_tables; i++)
		reader_free(c->tables[i]);
	free(c->tables);
	free(c->cases);
	machine_diff_fini(&c->diff);
	memset(c, 0, sizeof(*c));
}
