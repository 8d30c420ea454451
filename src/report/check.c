#include "report/check.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/series.h"
#include "result/reader.h"
#include "run/scenario.h"

enum { LINES_MAX = 256 };

struct check {
	struct check_result *res;
	const char *scenario;
	const struct reader_table *table; /* <scenario>.csv */
	const struct reader_table *hist;  /* <scenario>.hist.csv, or NULL */
};

static struct check_line *add(struct check *c, enum check_kind kind,
			      const char *what)
{
	struct check_line *l = &c->res->lines[c->res->n];

	if (c->res->n + 1 < LINES_MAX)
		c->res->n++;
	memset(l, 0, sizeof(*l));
	l->kind = kind;
	l->holds = true;
	snprintf(l->what, sizeof(l->what), "%s: %s", c->scenario, what);
	return l;
}

/* Only the first place is kept. */
static void violate(struct check *c, struct check_line *l, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void violate(struct check *c, struct check_line *l, const char *fmt, ...)
{
	va_list ap;

	if (!l->holds)
		return;
	l->holds = false;
	if (l->kind == CHECK_EXACT)
		c->res->violated++;
	va_start(ap, fmt);
	vsnprintf(l->where, sizeof(l->where), fmt, ap);
	va_end(ap);
}

static bool row_ok(const struct check *c, size_t row)
{
	int col = reader_column(c->table, "status");

	return !strcmp(reader_cell(c->table, row, col), "ok");
}

static double number(const struct check *c, size_t row, const char *column)
{
	double v = NAN;

	reader_number(c->table, row, reader_column(c->table, column), &v);
	return v;
}

/* --- exact ----------------------------------------------------------------- */

struct equal {
	const char *what, *a, *b;
};

/* Columns that must agree in every row that is ok and has them. */
static const struct equal equals[] = {
	{"the server received what the client sent", "client_sends",
	 "server_recvs"},
	{"the client received what the server sent", "client_recvs",
	 "server_sends"},
	{"bytes to the server", "client_bytes_sent", "server_bytes_received"},
	{"bytes to the client", "client_bytes_received", "server_bytes_sent"},
	{"a sample for each operation", "samples", "client_recvs"},
};

static void check_equal(struct check *c, const struct equal *e)
{
	struct check_line *l = add(c, CHECK_EXACT, e->what);
	size_t row;

	for (row = 0; row < reader_rows(c->table); row++) {
		double a = number(c, row, e->a), b = number(c, row, e->b);

		/* NAN: neither equal nor unequal. */
		if (row_ok(c, row) && (a < b || a > b))
			violate(c, l, "line %zu: %s %.0f, %s %.0f",
				reader_line(c->table, row), e->a, a, e->b, b);
	}
}

static void check_quantiles(struct check *c)
{
	static const char *const rising[] = {
		"lat_min_ns", "lat_p50_ns",   "lat_p90_ns",
		"lat_p99_ns", "lat_p99_9_ns", "lat_max_ns",
	};
	struct check_line *l = add(c, CHECK_EXACT, "percentiles rise");
	size_t row, i;

	for (row = 0; row < reader_rows(c->table); row++)
		for (i = 1; i < sizeof(rising) / sizeof(rising[0]); i++)
			if (number(c, row, rising[i - 1]) >
			    number(c, row, rising[i]))
				violate(c, l, "line %zu: %s above %s",
					reader_line(c->table, row),
					rising[i - 1], rising[i]);
}

/* What the trials themselves found: they are rows with a reason. */
static void check_failures(struct check *c)
{
	struct check_line *l =
		add(c, CHECK_EXACT,
		    "payloads verified, and both ends counted the same");
	int reason = reader_column(c->table, "reason");
	size_t row;

	for (row = 0; row < reader_rows(c->table); row++) {
		const char *why = reader_cell(c->table, row, reason);

		if (!strncmp(why, "verify-failed", 13) ||
		    !strncmp(why, "miscount", 8))
			violate(c, l, "line %zu: %s",
				reader_line(c->table, row), why);
	}
}

static void check_verified(struct check *c)
{
	struct check_line *l =
		add(c, CHECK_EXACT, "--verify each verified every payload");
	int col = reader_column(c->table, "verify");
	size_t row;

	for (row = 0; row < reader_rows(c->table); row++)
		if (row_ok(c, row) &&
		    !strcmp(reader_cell(c->table, row, col), "each") &&
		    number(c, row, "client_verified") <
			    number(c, row, "samples"))
			violate(c, l, "line %zu: %.0f of %.0f",
				reader_line(c->table, row),
				number(c, row, "client_verified"),
				number(c, row, "samples"));
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

static void check_hist(struct check *c)
{
	size_t row, rows = reader_rows(c->table);
	struct check_line *l;
	double *sums;

	if (!c->hist)
		return;
	l = add(c, CHECK_EXACT, "histograms hold every sample");
	sums = calloc(rows + 1, sizeof(*sums));
	if (!sums)
		return;
	sum_buckets(c, sums, rows);
	for (row = 0; row < rows; row++)
		if (row_ok(c, row) &&
		    fabs(sums[row] - number(c, row, "samples")) > 0.5)
			violate(c, l, "line %zu: %.0f of %.0f",
				reader_line(c->table, row), sums[row],
				number(c, row, "samples"));
	free(sums);
}

/* --- statistical ----------------------------------------------------------- */

static void check_monotone(struct check *c, const struct series_set *set)
{
	struct check_line *l = add(c, CHECK_STATISTICAL,
				   "p50 does not fall as size grows by 4");
	size_t i, k;

	for (i = 0; i < set->n; i++) {
		const struct series *s = &set->v[i];

		for (k = 1; k < s->n; k++)
			if (s->points[k].size_bytes >=
				    4 * s->points[k - 1].size_bytes &&
			    s->points[k].p50_us < s->points[k - 1].p50_us)
				violate(c, l,
					"%s: %.0f bytes %.1f us, %.0f "
					"bytes %.1f us",
					s->label, s->points[k - 1].size_bytes,
					s->points[k - 1].p50_us,
					s->points[k].size_bytes,
					s->points[k].p50_us);
	}
}

/* --- hardware -------------------------------------------------------------- */

static void say_faster(struct check *c, const struct series_set *set,
		       const struct series *rdma)
{
	bool software =
		!strcmp(series_cell(set, rdma, "software_device"), "yes");
	const struct series *tcp;
	struct check_line *l;
	const char *why;
	size_t k, faster = 0, both = 0;

	tcp = series_baseline(set, rdma, &why);
	if (!tcp)
		return;
	for (k = 0; k < rdma->n; k++) {
		const struct series_point *t =
			series_at(tcp, rdma->points[k].size_bytes);

		both += t != NULL;
		faster += t && rdma->points[k].p50_us < t->p50_us;
	}
	l = add(c, CHECK_HARDWARE, "RDMA answers sooner than TCP");
	snprintf(l->where, sizeof(l->where), "%s: at %zu of %zu sizes%s",
		 rdma->label, faster, both,
		 software ? " (a software device moves data by CPU: nothing "
			    "is expected of it)"
			  : "");
	l->holds = faster > 0;
}

static int check_series(struct check *c, struct err *err)
{
	struct series_set set;
	size_t i;
	int ret = series_init(&set, c->table, err);

	if (ret)
		return ret;
	check_monotone(c, &set);
	for (i = 0; i < set.n; i++)
		if (series_is(&set, &set.v[i], "rdma"))
			say_faster(c, &set, &set.v[i]);
	series_fini(&set);
	return 0;
}

/* --- a folder -------------------------------------------------------------- */

static int check_table(struct check *c, struct err *err)
{
	size_t i;

	check_failures(c);
	for (i = 0; i < sizeof(equals) / sizeof(equals[0]); i++)
		check_equal(c, &equals[i]);
	check_verified(c);
	check_quantiles(c);
	check_hist(c);
	return check_series(c, err);
}

static int check_scenario(const char *dir, const struct scenario *scn,
			  struct check_result *res, struct err *err)
{
	struct check c = {.res = res, .scenario = scn->name};
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
	ret = check_table(&c, err);
	reader_free(table);
	reader_free(hist);
	return ret;
}

int check_run(const char *dir, struct check_result *res, struct err *err)
{
	unsigned i, found = 0;
	int ret;

	memset(res, 0, sizeof(*res));
	res->lines = calloc(LINES_MAX, sizeof(*res->lines));
	if (!res->lines)
		return err_sys(err, -ENOMEM, "check");
	for (i = 0; scenario_at(i); i++) {
		ret = check_scenario(dir, scenario_at(i), res, err);
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
