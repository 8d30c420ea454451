#include "report/figures.h"

#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/caption.h"
#include "report/gnuplot.h"
#include "report/plots.h"
#include "report/series.h"
#include "report/show.h"
#include "result/reader.h"

/* What a figure is made of. */
struct view {
	const struct series_set *set;
	enum path path;
	const struct run_info *info;
};

/*
 * A figure of a scenario.  `check` returns NULL if it can be drawn, else the
 * reason in words; `write` puts the series, after the common beginning of
 * every data file.  The script finds its data in <base>.dat and draws
 * <base>.svg and <base>.png in the current folder.
 */
struct figure {
	const char *name;
	const char *scenario;
	const char *script;
	const char *columns; /* of its data file */
	const char *(*check)(const struct view *view, char *buf, size_t size);
	bool (*shows)(const struct view *view, const struct series *s);
	void (*write)(FILE *f, const struct view *view, const struct series *s);
};

static bool in_path(const struct view *view, const struct series *s)
{
	return s->path == view->path;
}

static const struct series *find(const struct view *view, const char *transport)
{
	size_t i;

	for (i = 0; i < view->set->n; i++) {
		const struct series *s = &view->set->v[i];

		if (in_path(view, s) && series_is(view->set, s, transport))
			return s;
	}
	return NULL;
}

/* The reason cell of the first row of a transport that is not ok. */
static const char *first_reason(const struct view *view, const char *transport)
{
	const struct reader_table *t = view->set->table;
	int status = reader_column(t, "status");
	size_t row;

	for (row = 0; row < reader_rows(t); row++) {
		int col = reader_column(t, "transport");

		if (!strcmp(reader_cell(t, row, col), transport) &&
		    strcmp(reader_cell(t, row, status), "ok"))
			return reader_cell(t, row, reader_column(t, "reason"));
	}
	return "";
}

static const char *no_rows(const struct view *view, const char *transport,
			   char *buf, size_t size)
{
	const char *reason = first_reason(view, transport);
	char clean[256];

	show_text(clean, sizeof(clean), reason, 200);
	snprintf(buf, size, "no %s rows that are ok%s%s%s", transport,
		 *clean ? " (" : "", clean, *clean ? ")" : "");
	return buf;
}

/* --- latency against size -------------------------------------------------*/

static const char *latency_check(const struct view *view, char *buf,
				 size_t size)
{
	(void)view;
	(void)buf;
	(void)size;
	return NULL; /* a view has a series */
}

static void put_number(FILE *f, double v)
{
	if (isnan(v))
		fputs("NaN", f);
	else
		fprintf(f, "%.4f", v);
}

static void latency_write(FILE *f, const struct view *view,
			  const struct series *s)
{
	size_t i;

	(void)view;
	for (i = 0; i < s->n; i++) {
		fprintf(f, "%.0f\t", s->points[i].size_bytes);
		put_number(f, s->points[i].p50_us);
		fputc('\t', f);
		put_number(f, s->points[i].p99_us);
		fprintf(f, "\t%u\n", s->points[i].trials);
	}
}

/* --- gain of RDMA over TCP ------------------------------------------------*/

static bool gain_shows(const struct view *view, const struct series *s)
{
	const char *why;

	return in_path(view, s) && series_is(view->set, s, "rdma") &&
	       series_baseline(view->set, s, &why);
}

static const char *gain_check(const struct view *view, char *buf, size_t size)
{
	const struct series *rdma = find(view, "rdma");
	const char *why;
	size_t i;

	if (!rdma)
		return no_rows(view, "rdma", buf, size);
	if (!find(view, "tcp"))
		return no_rows(view, "tcp", buf, size);
	for (i = 0; i < view->set->n; i++)
		if (gain_shows(view, &view->set->v[i]))
			return NULL;
	series_baseline(view->set, rdma, &why);
	snprintf(buf, size,
		 "no tcp and rdma rows under the same conditions: "
		 "they differ in '%.60s'",
		 why);
	return buf;
}

static void gain_write(FILE *f, const struct view *view, const struct series *s)
{
	const char *why;
	const struct series *tcp = series_baseline(view->set, s, &why);
	size_t i;

	for (i = 0; i < s->n; i++) {
		const struct series_point *p = &s->points[i], *base;

		base = series_at(tcp, p->size_bytes);
		if (base)
			fprintf(f, "%.0f\t%.3f\t%.4f\t%.4f\n", p->size_bytes,
				series_gain(base->p50_us, p->p50_us),
				base->p50_us, p->p50_us);
	}
}

static const struct figure figures[] = {
	{
		.name = "sendrecv_latency",
		.scenario = "sendrecv",
		.script = plot_sendrecv_latency,
		.columns = "size_bytes p50_us p99_us trials",
		.check = latency_check,
		.shows = in_path,
		.write = latency_write,
	},
	{
		.name = "sendrecv_gain",
		.scenario = "sendrecv",
		.script = plot_sendrecv_gain,
		.columns = "size_bytes gain_percent tcp_p50_us rdma_p50_us",
		.check = gain_check,
		.shows = gain_shows,
		.write = gain_write,
	},
};

enum { FIGURES = sizeof(figures) / sizeof(figures[0]) };

/* --- drawing one ----------------------------------------------------------*/

/* The beginning of every data file: what style.gp reads. */
static void write_head(FILE *f, const struct figure *fig,
		       const struct view *view)
{
	struct caption c;
	unsigned i;
	size_t k;

	fprintf(f,
		"# %s.gp draws this; columns are separated by a tab: %s\n"
		"# index 0: caption; 1: line style and name of each series; "
		"2, 3, ...: the series (medians over trials)\n",
		fig->name, fig->columns);
	caption_make(&c, view->set, view->path, view->info);
	for (i = 0; i < c.n; i++) {
		gnuplot_put_text(f, c.lines[i]);
		fputc('\n', f);
	}
	fputs("\n\n", f);
	for (k = 0; k < view->set->n; k++) {
		const struct series *s = &view->set->v[k];

		if (!fig->shows(view, s))
			continue;
		fprintf(f, "%u\t", s->style);
		gnuplot_put_text(f, s->label);
		fputc('\n', f);
	}
}

static void write_data(FILE *f, const struct figure *fig,
		       const struct view *view)
{
	size_t i;

	write_head(f, fig, view);
	for (i = 0; i < view->set->n; i++) {
		if (!fig->shows(view, &view->set->v[i]))
			continue;
		fputs("\n\n", f);
		fig->write(f, view, &view->set->v[i]);
	}
}

static int write_file(const char *file, const struct figure *fig,
		      const struct view *view, struct err *err)
{
	FILE *f;
	bool bad;

	unlink(file); /* nor through a link that came with the folder */
	f = fopen(file, "we");
	if (!f)
		return err_sys(err, -errno, "%s", file);
	write_data(f, fig, view);
	bad = ferror(f);
	if (fclose(f) || bad) {
		unlink(file);
		return err_set(err, -EIO, REASON_IO_ERROR,
			       "%s: cannot be written whole: is the disk full?",
			       file);
	}
	return 0;
}

static int add_item(struct figures_result *res, enum figures_kind kind,
		    const char *name, const char *why, struct err *err)
{
	struct figures_item *items, *item;

	items = reallocarray(res->items, res->n + 1, sizeof(*items));
	if (!items)
		return err_sys(err, -ENOMEM, "figures");
	res->items = items;
	item = &items[res->n++];
	item->kind = kind;
	snprintf(item->name, sizeof(item->name), "%s", name);
	snprintf(item->why, sizeof(item->why), "%s", why);
	return 0;
}

enum { KEEP_DATA, WITH_DATA };

/* What is left of a figure that failed, or that an older run could draw,
 * must not be taken for this one's. */
static void remove_figure(const char *dir, const char *base, int with_data)
{
	static const char *const ends[] = {"svg", "png", "dat"};
	char *file;
	size_t i;

	for (i = 0; i < (with_data == WITH_DATA ? 3 : 2); i++) {
		if (asprintf(&file, "%s/%s.%s", dir, base, ends[i]) < 0)
			return;
		unlink(file);
		free(file);
	}
}

static int run_script(const struct figure *fig, const char *dir,
		      const char *base, struct err *err)
{
	struct gnuplot g = {
		.program = "gnuplot",
		.dir = dir,
		.timeout_s = GNUPLOT_TIMEOUT_S,
	};
	char start[96];
	int ret;

	snprintf(start, sizeof(start), "base = '%s'\n", base);
	g.scripts[0] = start;
	g.scripts[1] = plot_style;
	g.scripts[2] = fig->script;
	ret = gnuplot_run(&g, err);
	if (ret == -ENOENT)
		return ret; /* nothing was touched */
	if (ret) {
		remove_figure(dir, base, KEEP_DATA);
		err_wrap(err, "%s", base);
	}
	return ret;
}

static int draw(const struct figure *fig, const struct view *view,
		const char *dir, const char *base, struct err *err)
{
	char *file;
	int ret;

	if (asprintf(&file, "%s/%s.dat", dir, base) < 0)
		return err_sys(err, -ENOMEM, "figures");
	ret = write_file(file, fig, view, err);
	free(file);
	if (ret)
		return ret;
	return run_script(fig, dir, base, err);
}

/* --- what to draw ---------------------------------------------------------*/

/* A results file, while its figures are drawn. */
struct job {
	const char *dir;
	struct figures_result *res;
	struct reader_table *table;
	struct series_set set;
	struct run_info info;
};

static int draw_or_say(const struct job *job, const struct figure *fig,
		       enum path path, const char *base, struct err *err)
{
	struct view view = {&job->set, path, &job->info};
	char name[64], why[ERR_TEXT_MAX];
	const char *reason;
	int ret;

	reason = fig->check(&view, why, sizeof(why));
	if (reason) {
		remove_figure(job->dir, base, WITH_DATA);
		return add_item(job->res, FIGURES_NOT_DRAWN, base, reason, err);
	}
	ret = draw(fig, &view, job->dir, base, err);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "%.50s.svg", base);
	ret = add_item(job->res, FIGURES_DRAWN, name, "", err);
	if (ret)
		return ret;
	snprintf(name, sizeof(name), "%.50s.png", base);
	return add_item(job->res, FIGURES_DRAWN, name, "", err);
}

static unsigned paths_of(const struct series_set *set)
{
	unsigned paths = 0;
	size_t i;

	for (i = 0; i < set->n; i++)
		paths |= 1u << set->v[i].path;
	return paths;
}

/* One figure for each path that occurs. */
static int draw_paths(const struct job *job, const struct figure *fig,
		      struct err *err)
{
	unsigned paths = paths_of(&job->set);
	bool single = !(paths & (paths - 1));
	enum path path;
	char base[64];
	int ret = 0;

	if (!paths) {
		remove_figure(job->dir, fig->name, WITH_DATA);
		return add_item(job->res, FIGURES_NOT_DRAWN, fig->name,
				"no rows that are ok", err);
	}
	for (path = 0; !ret && path < PATH_COUNT; path++) {
		if (!(paths & 1u << path))
			continue;
		snprintf(base, sizeof(base), "%s%s%s", fig->name,
			 single ? "" : "_", single ? "" : path_name(path));
		ret = draw_or_say(job, fig, path, base, err);
	}
	return ret;
}

static int draw_scenario(struct job *job, const char *file,
			 const char *scenario, struct err *err)
{
	size_t i;
	int ret;

	ret = reader_read(file, READER_SKIP_PARTIAL, &job->table, err);
	if (ret)
		return ret;
	ret = series_init(&job->set, job->table, err);
	if (ret)
		goto free_table;
	if (reader_partial(job->table))
		ret = add_item(job->res, FIGURES_NOTE, strrchr(file, '/') + 1,
			       "the last row is incomplete, an interrupted "
			       "write: left out",
			       err);
	for (i = 0; !ret && i < FIGURES; i++)
		if (!strcmp(figures[i].scenario, scenario))
			ret = draw_paths(job, &figures[i], err);
	series_fini(&job->set);
free_table:
	reader_free(job->table);
	return ret;
}

/* Draws the scenario if its CSV is there; *found counts. */
static int try_scenario(struct job *job, const char *scenario, unsigned *found,
			struct err *err)
{
	char *file;
	int ret = 0;

	if (asprintf(&file, "%s/%s.csv", job->dir, scenario) < 0)
		return err_sys(err, -ENOMEM, "figures");
	if (!access(file, F_OK)) {
		(*found)++;
		ret = draw_scenario(job, file, scenario, err);
	}
	free(file);
	return ret;
}

int figures_draw(const char *dir, struct figures_result *res, struct err *err)
{
	struct job job = {.dir = dir, .res = res};
	unsigned found = 0;
	size_t i;
	int ret;

	*res = (struct figures_result){.n = 0};
	ret = run_info_read(dir, &job.info, err);
	for (i = 0; !ret && i < FIGURES; i++) {
		/* The figures of a scenario stand together. */
		if (i && !strcmp(figures[i].scenario, figures[i - 1].scenario))
			continue;
		ret = try_scenario(&job, figures[i].scenario, &found, err);
	}
	if (!ret && !found)
		return err_set(err, -ENOENT, REASON_NO_FILE,
			       "%s: no results that could be drawn "
			       "(such as %s.csv)",
			       dir, figures[0].scenario);
	return ret;
}

void figures_fini(struct figures_result *res)
{
	free(res->items);
	res->items = NULL;
	res->n = 0;
}
