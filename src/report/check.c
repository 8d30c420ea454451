#include "report/check.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/report.h"
#include "run/scenario.h"

enum { LINES_MAX = 1024 };

struct check_line *check_add(struct check *c, enum check_kind kind,
			     const char *what)
{
	struct check_line *l = &c->res->lines[c->res->n];

	if (c->res->n + 1 < LINES_MAX)
		c->res->n++;
	memset(l, 0, sizeof(*l));
	l->kind = kind;
	l->holds = true;
	snprintf(l->what, sizeof(l->what), "%s: %s", c->scn->name, what);
	return l;
}

void check_violate(struct check *c, struct check_line *l, const char *fmt, ...)
{
	va_list ap;

	if (l->times++)
		return;
	l->holds = false;
	if (l->kind == CHECK_EXACT)
		c->res->violated++;
	va_start(ap, fmt);
	vsnprintf(l->where, sizeof(l->where), fmt, ap);
	va_end(ap);
}

const char *check_verdict(const struct check_line *l)
{
	static const char *const answers[] = {
		[CHECK_UNTOLD] = "unclear",
		[CHECK_YES] = "yes",
		[CHECK_NO] = "no",
		[CHECK_MIXED] = "mixed",
	};

	if (l->kind == CHECK_HARDWARE)
		return answers[l->answer];
	if (l->holds)
		return "ok";
	return l->kind == CHECK_EXACT ? "VIOLATED" : "warning";
}

const char *check_cell(const struct check *c, size_t row, const char *column)
{
	return reader_cell(c->table, row, reader_column(c->table, column));
}

bool check_row_ok(const struct check *c, size_t row)
{
	return !strcmp(check_cell(c, row, "status"), "ok");
}

double check_number(const struct check *c, size_t row, const char *column)
{
	double v = NAN;

	reader_number(c->table, row, reader_column(c->table, column), &v);
	return v;
}

/* --- exact ----------------------------------------------------------------- */

static void check_equal(struct check *c, const struct report_equal *e)
{
	struct check_line *l = NULL;
	size_t row;

	for (row = 0; row < reader_rows(c->table); row++) {
		double a = check_number(c, row, e->a);
		double b = check_number(c, row, e->b);

		if (!check_row_ok(c, row) || isnan(a) || isnan(b))
			continue;
		if (!l)
			l = check_add(c, CHECK_EXACT, e->what);
		if (a < b || a > b)
			check_violate(c, l, "line %zu: %s %.0f, %s %.0f",
				      reader_line(c->table, row), e->a, a, e->b,
				      b);
	}
}

static void check_quantiles(struct check *c)
{
	static const char *const rising[] = {
		"lat_min_ns", "lat_p50_ns",   "lat_p90_ns",
		"lat_p99_ns", "lat_p99_9_ns", "lat_max_ns",
	};
	struct check_line *l = check_add(c, CHECK_EXACT, "percentiles rise");
	size_t row, i;

	for (row = 0; row < reader_rows(c->table); row++)
		for (i = 1; i < sizeof(rising) / sizeof(rising[0]); i++)
			if (check_number(c, row, rising[i - 1]) >
			    check_number(c, row, rising[i]))
				check_violate(c, l, "line %zu: %s above %s",
					      reader_line(c->table, row),
					      rising[i - 1], rising[i]);
}

/* Whether either end verified a payload of an ok row; NAN for a scenario that
 * has none. */
static double verified(const struct check *c, size_t row)
{
	const double client = check_number(c, row, "client_verified");
	const double server = check_number(c, row, "server_verified");

	if (!check_row_ok(c, row) || (isnan(client) && isnan(server)))
		return NAN;
	return (isnan(client) ? 0 : client) + (isnan(server) ? 0 : server);
}

/* That what is said to be verified was: of rows that asked for it. */
static void check_verified(struct check *c)
{
	struct check_line *l = NULL;
	size_t row;

	for (row = 0; row < reader_rows(c->table); row++) {
		if (isnan(verified(c, row)) ||
		    !strcmp(check_cell(c, row, "verify"), "none"))
			continue;
		if (!l)
			l = check_add(c, CHECK_STATISTICAL,
				      "payloads were verified, by --verify");
		if (verified(c, row) < 1)
			check_violate(c, l, "line %zu: none was",
				      reader_line(c->table, row));
	}
}

/* What the trials themselves found: they are rows with a reason. */
static void check_failures(struct check *c)
{
	struct check_line *l = check_add(
		c, CHECK_EXACT,
		"no payload was found wrong, and both ends counted the same");
	size_t row;

	for (row = 0; row < reader_rows(c->table); row++) {
		const char *why = check_cell(c, row, "reason");

		if (!strncmp(why, "verify-failed", 13) ||
		    !strncmp(why, "miscount", 8))
			check_violate(c, l, "line %zu: %s",
				      reader_line(c->table, row), why);
	}
}

static void sum_buckets(const struct check *c, double *sums, size_t rows)
{
	int row_col = reader_column(c->hist, "row");
	int count_col = reader_column(c->hist, "count");
	double row, count;
	size_t i;

	for (i = 0; i < reader_rows(c->hist); i++)
		if (reader_number(c->hist, i, row_col, &row) &&
		    reader_number(c->hist, i, count_col, &count) && row >= 1 &&
		    row <= (double)rows)
			sums[(size_t)row - 1] += count;
}

static int check_hist(struct check *c, struct err *err)
{
	size_t row, rows = reader_rows(c->table);
	struct check_line *l;
	double *sums;

	if (!c->hist)
		return 0;
	sums = calloc(rows + 1, sizeof(*sums));
	if (!sums)
		return err_sys(err, -ENOMEM, "check");
	l = check_add(c, CHECK_EXACT, "histograms hold every sample");
	sum_buckets(c, sums, rows);
	for (row = 0; row < rows; row++)
		if (check_row_ok(c, row) &&
		    fabs(sums[row] - check_number(c, row, "samples")) > 0.5)
			check_violate(c, l, "line %zu: %.0f of %.0f",
				      reader_line(c->table, row), sums[row],
				      check_number(c, row, "samples"));
	free(sums);
	return 0;
}

/* --- a folder -------------------------------------------------------------- */

static int check_report(struct check *c, const struct report *r,
			struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; i < r->n_equals; i++)
		check_equal(c, &r->equals[i]);
	for (i = 0; !ret && i < r->n_rules; i++)
		ret = r->rules[i].run(c, &r->rules[i], err);
	return ret;
}

static void check_one_run(struct check *c, const struct run_info *info)
{
	struct check_line *l = check_add(c, CHECK_EXACT, "rows of one run");
	size_t row = run_info_foreign(info, c->table);

	if (row < reader_rows(c->table))
		check_violate(c, l, "line %zu: of another run than run.json",
			      reader_line(c->table, row));
}

static int check_table(struct check *c, struct err *err)
{
	const struct report *r = c->scn->report;
	struct series_set set;
	int ret;

	check_verified(c);
	check_failures(c);
	check_quantiles(c);
	ret = check_hist(c, err);
	if (ret || !r)
		return ret;
	ret = series_init(&set, c->table, &r->axes, err);
	if (ret)
		return ret;
	c->set = &set;
	ret = check_report(c, r, err);
	c->set = NULL;
	series_fini(&set);
	return ret;
}

static int check_scenario(const char *dir, const struct run_info *info,
			  const struct scenario *scn, struct check_result *res,
			  struct err *err)
{
	struct check c = {.res = res, .scn = scn};
	struct reader_table *table = NULL, *hist = NULL;
	struct err ignored;
	char path[640];
	int ret;

	snprintf(path, sizeof(path), "%s/%s.csv", dir, scn->name);
	ret = reader_read(path, 0, &table, err);
	if (ret)
		return ret;
	if (!reader_rows(table)) {
		reader_free(table);
		return err_set(err, -ENOENT, REASON_NO_FILE, "%s: no rows",
			       path);
	}
	c.table = table;
	snprintf(path, sizeof(path), "%s/%s.hist.csv", dir, scn->name);
	if (!reader_read(path, READER_SKIP_PARTIAL, &hist, &ignored))
		c.hist = hist;
	check_one_run(&c, info);
	ret = check_table(&c, err);
	reader_free(table);
	reader_free(hist);
	return ret;
}

int check_run(const char *dir, struct check_result *res, struct err *err)
{
	struct run_info info;
	unsigned i, found = 0;
	int ret;

	memset(res, 0, sizeof(*res));
	res->lines = calloc(LINES_MAX, sizeof(*res->lines));
	if (!res->lines)
		return err_sys(err, -ENOMEM, "check");
	ret = run_info_read(dir, &info, err);
	if (ret)
		return ret;
	for (i = 0; scenario_at(i); i++) {
		ret = check_scenario(dir, &info, scenario_at(i), res, err);
		if (ret && err->reason != REASON_NO_FILE)
			return ret;
		found += !ret;
	}
	if (!found)
		return err_set(err, -ENOENT, REASON_NO_FILE,
			       "%s: no results of any scenario", dir);
	return 0;
}

void check_fini(struct check_result *res)
{
	free(res->lines);
	res->lines = NULL;
	res->n = 0;
}
