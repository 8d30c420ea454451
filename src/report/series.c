#include "report/series.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "metric/stats.h"
#include "report/show.h"
#include "result/schema.h"

/* What is needed of an ok row. */
struct sample {
	unsigned rank;	/* of its transport */
	size_t first;	/* the first row of its series */
	uint64_t point; /* its own; then the lowest of its series */
	double x;
	double y[SERIES_VALUES_MAX]; /* NAN: not there */
};

static const char *const transports[] = {"tcp", "rdma", "loop"};
enum { TRANSPORTS = sizeof(transports) / sizeof(transports[0]) };

const char *path_name(enum path path)
{
	static const char *const names[PATH_COUNT] = {
		[PATH_LOOPBACK] = "loopback",
		[PATH_WIRE] = "wire",
		[PATH_UNKNOWN] = "unknown",
	};

	return names[path];
}

static enum path path_parse(const char *word)
{
	enum path path = PATH_LOOPBACK;

	while (path < PATH_UNKNOWN && strcmp(word, path_name(path)))
		path++;
	return path;
}

/* Sorts v. */
static double median(double *v, size_t n)
{
	stats_sort(v, (unsigned)n);
	return stats_median(v, (unsigned)n);
}

static int compare_samples(const void *a, const void *b)
{
	const struct sample *x = a, *y = b;

	if (x->rank != y->rank)
		return x->rank < y->rank ? -1 : 1;
	if (x->point != y->point)
		return x->point < y->point ? -1 : 1;
	if (x->first != y->first)
		return x->first < y->first ? -1 : 1;
	return (x->x > y->x) - (x->x < y->x);
}

/* The first row of the series of `row`, found among the samples so far. */
static size_t first_row(const struct dims *dims, const struct sample *samples,
			size_t n, size_t row)
{
	size_t i;

	for (i = n; i-- > 0;) {
		/* Interleaved trials: the match is among the last few. */
		if (dims_equal(dims, samples[i].first, row))
			return samples[i].first;
	}
	return row;
}

static unsigned transport_rank(const char *name)
{
	unsigned i;

	for (i = 0; i < TRANSPORTS; i++)
		if (!strcmp(name, transports[i]))
			break;
	return i;
}

unsigned series_values(const struct series_axes *axes)
{
	unsigned n = 0;

	while (n < SERIES_VALUES_MAX && axes->y[n].column)
		n++;
	return n;
}

static double read_value(const struct reader_table *t, size_t row,
			 const struct series_value *v)
{
	double x;

	if (!reader_number(t, row, reader_column(t, v->column), &x))
		return NAN;
	return v->per > 0 ? x / v->per : x;
}

/* False if the row has nothing to show. */
static bool read_sample(const struct series_set *set, size_t row,
			struct sample *s)
{
	const struct series_axes *axes = set->axes;
	const struct reader_table *t = set->table;
	unsigned i;

	if (strcmp(reader_cell(t, row, reader_column(t, "status")), "ok") ||
	    !reader_number(t, row, reader_column(t, axes->x), &s->x))
		return false;
	for (i = 0; i < series_values(axes); i++)
		s->y[i] = read_value(t, row, &axes->y[i]);
	/* Nothing that a logarithmic axis could show. */
	if (isnan(s->y[0]) || (!axes->linear && (s->x <= 0 || s->y[0] <= 0)))
		return false;
	s->rank = transport_rank(
		reader_cell(t, row, reader_column(t, "transport")));
	return true;
}

/*
 * Trials are run in random order: whichever series comes first in the file,
 * series stand in the order of the plan, so that in the figures of two runs
 * each has the same place and colour.  `lowest` has room for a word a row.
 */
static void order_series(struct sample *samples, size_t n, uint64_t *lowest)
{
	size_t i;

	for (i = 0; i < n; i++)
		lowest[samples[i].first] = UINT64_MAX;
	for (i = 0; i < n; i++)
		if (samples[i].point < lowest[samples[i].first])
			lowest[samples[i].first] = samples[i].point;
	for (i = 0; i < n; i++)
		samples[i].point = lowest[samples[i].first];
}

/* A file of old, or of another program, has no numbers: the order is its
 * own. */
static uint64_t read_point(const struct reader_table *t, size_t row)
{
	double point;

	if (!reader_number(t, row, reader_column(t, "point"), &point) ||
	    !(point >= 0 && point < 1e15))
		return 0;
	return (uint64_t)point;
}

static size_t read_samples(const struct series_set *set, struct sample *samples,
			   uint64_t *lowest)
{
	size_t row, n = 0;

	for (row = 0; row < reader_rows(set->table); row++) {
		if (!read_sample(set, row, &samples[n]))
			continue;
		samples[n].point = read_point(set->table, row);
		samples[n].first = first_row(&set->dims, samples, n, row);
		n++;
	}
	order_series(samples, n, lowest);
	qsort(samples, n, sizeof(*samples), compare_samples);
	return n;
}

/* The median over the n trials of value k; `v` has room for n. */
static double median_of(const struct sample *s, size_t n, unsigned k, double *v)
{
	size_t i, there = 0;

	for (i = 0; i < n; i++)
		if (!isnan(s[i].y[k]))
			v[there++] = s[i].y[k];
	return there ? median(v, there) : NAN;
}

static struct series_point make_point(const struct series_set *set,
				      const struct sample *s, size_t n,
				      double *v)
{
	struct series_point point = {.x = s->x, .trials = (unsigned)n};
	unsigned k;

	for (k = 0; k < series_values(set->axes); k++)
		point.y[k] = median_of(s, n, k, v);
	return point;
}

static void begin_series(struct series_set *set, size_t row,
			 const struct series_point *points)
{
	const char *path =
		reader_cell(set->table, row, reader_column(set->table, "path"));

	set->v[set->n++] = (struct series){
		.row = row,
		.path = path_parse(path),
		.points = points,
	};
}

/* Walks the sorted samples: a point for every run of equal x. */
static void make_points(struct series_set *set, const struct sample *samples,
			size_t n, double *scratch)
{
	size_t i, end, n_points = 0;

	for (i = 0; i < n; i = end) {
		for (end = i + 1; end < n; end++)
			if (compare_samples(&samples[i], &samples[end]))
				break;
		if (!i || samples[i].first != samples[i - 1].first)
			begin_series(set, samples[i].first,
				     &set->points[n_points]);
		set->points[n_points++] =
			make_point(set, &samples[i], end - i, scratch);
		set->v[set->n - 1].n++;
	}
}

/*
 * The first series of each known transport has the style of its transport
 * whatever else there is, so that TCP looks the same in every figure; the
 * others take what follows.
 */
static void set_styles(struct series_set *set)
{
	bool seen[TRANSPORTS] = {false};
	unsigned next = TRANSPORTS + 1;
	size_t i;

	for (i = 0; i < set->n; i++) {
		unsigned rank = transport_rank(
			series_cell(set, &set->v[i], "transport"));

		if (rank < TRANSPORTS && !seen[rank]) {
			seen[rank] = true;
			set->v[i].style = rank + 1;
		} else {
			set->v[i].style = next++;
		}
	}
}

/* As long as a line of a figure's legend; what tells two series apart may
 * stand at the end. */
enum { LABEL_SHOWN = 100 };

static int set_labels(struct series_set *set, struct err *err)
{
	size_t *rows = calloc(set->n + 1, sizeof(*rows));
	char label[LABEL_MAX];
	size_t i;

	if (!rows)
		return err_sys(err, -ENOMEM, "series");
	for (i = 0; i < set->n; i++)
		rows[i] = set->v[i].row;
	for (i = 0; i < set->n; i++) {
		dims_label(&set->dims, rows, set->n, i, label);
		show_text(set->v[i].label, LABEL_MAX, label, LABEL_SHOWN);
	}
	free(rows);
	return 0;
}

static int check_columns(const struct reader_table *t,
			 const struct series_axes *axes, struct err *err)
{
	const char *const needed[] = {"transport", "path", "status", axes->x,
				      axes->y[0].column};
	size_t i;

	for (i = 0; i < sizeof(needed) / sizeof(needed[0]); i++)
		if (reader_column(t, needed[i]) < 0)
			return err_set(err, -EINVAL, REASON_IO_ERROR,
				       "%s: no column '%s'", reader_file(t),
				       needed[i]);
	return 0;
}

static int check_one_run(const struct reader_table *t, struct err *err)
{
	int run_id = reader_column(t, "run_id");
	size_t i;

	for (i = 1; i < reader_rows(t); i++)
		if (strcmp(reader_cell(t, 0, run_id),
			   reader_cell(t, i, run_id)))
			return err_set(err, -EINVAL, REASON_IO_ERROR,
				       "%s:%zu: another run starts here, and "
				       "runs are never mixed: give each a "
				       "folder of its own",
				       reader_file(t), reader_line(t, i));
	return 0;
}

static int aggregate(struct series_set *set, struct err *err)
{
	size_t max = reader_rows(set->table) + 1, n;
	struct sample *samples = calloc(max, sizeof(*samples));
	double *scratch = calloc(max, sizeof(*scratch));
	uint64_t *lowest = calloc(max, sizeof(*lowest));
	int ret = 0;

	set->points = calloc(max, sizeof(*set->points));
	set->v = calloc(max, sizeof(*set->v));
	if (!samples || !scratch || !lowest || !set->points || !set->v) {
		ret = err_sys(err, -ENOMEM, "series");
		goto free_samples;
	}
	n = read_samples(set, samples, lowest);
	make_points(set, samples, n, scratch);

free_samples:
	free(lowest);
	free(scratch);
	free(samples);
	return ret;
}

int series_init(struct series_set *set, const struct reader_table *table,
		const struct series_axes *axes, struct err *err)
{
	int ret;

	*set = (struct series_set){.table = table, .axes = axes};
	ret = check_columns(table, axes, err);
	if (!ret)
		ret = schema_check(table, err);
	if (!ret)
		ret = check_one_run(table, err);
	if (!ret)
		ret = dims_init(&set->dims, table, axes->x, err);
	if (!ret)
		ret = aggregate(set, err);
	if (!ret) {
		set_styles(set);
		ret = set_labels(set, err);
	}
	if (ret)
		series_fini(set);
	return ret;
}

void series_fini(struct series_set *set)
{
	free(set->v);
	free(set->points);
	set->v = NULL;
	set->points = NULL;
	set->n = 0;
}

const char *series_cell(const struct series_set *set, const struct series *s,
			const char *column)
{
	return reader_cell(set->table, s->row,
			   reader_column(set->table, column));
}

bool series_is(const struct series_set *set, const struct series *s,
	       const char *transport)
{
	return !strcmp(series_cell(set, s, "transport"), transport);
}

unsigned series_trials(const struct series_set *set, const struct series *s,
		       double x, unsigned k, double *values)
{
	struct sample sample;
	unsigned n = 0;
	size_t row;

	for (row = 0; row < reader_rows(set->table); row++) {
		if (!dims_equal(&set->dims, s->row, row) ||
		    !read_sample(set, row, &sample))
			continue;
		if (!(sample.x < x) && !(sample.x > x) && !isnan(sample.y[k]))
			values[n++] = sample.y[k];
	}
	return n;
}

struct series_range series_interval(const struct series_set *set,
				    const struct series *s, double x)
{
	double *v = calloc(reader_rows(set->table) + 1, sizeof(*v));
	struct series_range range = {NAN, NAN};
	const unsigned n = v ? series_trials(set, s, x, 0, v) : 0;
	struct stats_interval ci;

	if (!n)
		goto out;
	stats_sort(v, n);
	range = (struct series_range){v[0], v[n - 1]};
	if (stats_median_interval(v, n, 0.95, &ci))
		range = (struct series_range){ci.low, ci.high};
out:
	free(v);
	return range;
}

const struct series_point *series_at(const struct series *s, double x)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (!(s->points[i].x < x))
			break;
	if (i == s->n || s->points[i].x > x)
		return NULL;
	return &s->points[i];
}

double series_gain(double base, double other)
{
	return (base - other) / base * 100;
}

bool series_is_base(const struct series_set *set, const struct series *s,
		    const struct series_pair *pair)
{
	return pair->column &&
	       !strcmp(series_cell(set, s, pair->column), pair->base);
}

bool series_is_other(const struct series_set *set, const struct series *s,
		     const struct series_pair *pair)
{
	if (!pair->column)
		return false;
	if (!pair->other)
		return !series_is_base(set, s, pair);
	return !strcmp(series_cell(set, s, pair->column), pair->other);
}

static bool share_x(const struct series *a, const struct series *b)
{
	size_t i;

	for (i = 0; i < a->n; i++)
		if (series_at(b, a->points[i].x))
			return true;
	return false;
}

const struct series *series_base(const struct series_set *set,
				 const struct series *s,
				 const struct series_pair *pair,
				 const char **why)
{
	size_t i;

	*why = pair->column;
	if (!series_is_other(set, s, pair))
		return NULL;
	for (i = 0; i < set->n; i++) {
		const struct series *base = &set->v[i];
		const char *unlike;

		if (!series_is_base(set, base, pair))
			continue;
		unlike = dims_unlike(&set->dims, base->row, s->row,
				     pair->column);
		if (!unlike && share_x(base, s))
			return base;
		*why = unlike ? unlike : set->axes->x;
	}
	return NULL;
}
