#include "report/figures.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/figure_data.h"
#include "report/gnuplot.h"
#include "report/plots.h"
#include "report/report.h"
#include "result/reader.h"
#include "run/scenario.h"

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

static int run_script(const struct report_figure *fig, const char *dir,
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

/* --- what to draw ---------------------------------------------------------*/

/* A results file, while its figures are drawn. */
struct job {
	const char *dir;
	struct figures_result *res;
	const struct report *report;
	struct reader_table *table;
	struct run_info info;
};

static int draw(const struct job *job, const struct report_figure *fig,
		const struct report_view *view, const char *base,
		struct err *err)
{
	char *file;
	int ret;

	if (asprintf(&file, "%s/%s.dat", job->dir, base) < 0)
		return err_sys(err, -ENOMEM, "figures");
	ret = figure_data_write(file, fig, view,
				*fig->conditions ? fig->conditions
						 : job->report->conditions,
				err);
	free(file);
	if (ret)
		return ret;
	return run_script(fig, job->dir, base, err);
}

static int draw_or_say(const struct job *job, const struct report_figure *fig,
		       const struct report_view *view, const char *base,
		       struct err *err)
{
	char name[64], why[ERR_TEXT_MAX];
	const char *reason;
	int ret;

	reason = figure_data_check(fig, view, why, sizeof(why));
	if (reason) {
		remove_figure(job->dir, base, WITH_DATA);
		return add_item(job->res, FIGURES_NOT_DRAWN, base, reason, err);
	}
	ret = draw(job, fig, view, base, err);
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
static int draw_paths(const struct job *job, const struct report_figure *fig,
		      const struct series_set *set, struct err *err)
{
	struct report_view view = {.set = set, .info = &job->info};
	unsigned paths = paths_of(set);
	bool single = !(paths & (paths - 1));
	char base[64], why[160];
	int ret = 0;

	if (!paths) {
		remove_figure(job->dir, fig->name, WITH_DATA);
		snprintf(why, sizeof(why),
			 "no rows that are ok and have %s and %s "
			 "(empty_columns in run.json)",
			 set->axes->x, set->axes->y[0].column);
		return add_item(job->res, FIGURES_NOT_DRAWN, fig->name, why,
				err);
	}
	for (; !ret && view.path < PATH_COUNT; view.path++) {
		if (!(paths & 1u << view.path))
			continue;
		snprintf(base, sizeof(base), "%.50s%s%s", fig->name,
			 single ? "" : "_", single ? "" : path_name(view.path));
		ret = draw_or_say(job, fig, &view, base, err);
	}
	return ret;
}

static int draw_figure(const struct job *job, const struct report_figure *fig,
		       struct err *err)
{
	const struct series_axes *axes =
		fig->axes.x ? &fig->axes : &job->report->axes;
	struct series_set set;
	int ret;

	ret = series_init(&set, job->table, axes, err);
	if (ret)
		return ret;
	ret = draw_paths(job, fig, &set, err);
	series_fini(&set);
	return ret;
}

static int draw_scenario(struct job *job, const char *file, struct err *err)
{
	unsigned i;
	int ret;

	ret = reader_read(file, READER_SKIP_PARTIAL, &job->table, err);
	if (ret)
		return ret;
	ret = run_info_refuse(&job->info, job->table, err);
	if (!ret && reader_partial(job->table))
		ret = add_item(job->res, FIGURES_NOTE, strrchr(file, '/') + 1,
			       "the last row is incomplete, an interrupted "
			       "write: left out",
			       err);
	for (i = 0; !ret && i < job->report->n_figures; i++)
		ret = draw_figure(job, &job->report->figures[i], err);
	reader_free(job->table);
	return ret;
}

/* Draws the scenario if its CSV is there; *found counts. */
static int try_scenario(struct job *job, const struct scenario *scn,
			unsigned *found, struct err *err)
{
	char *file;
	int ret = 0;

	if (asprintf(&file, "%s/%s.csv", job->dir, scn->name) < 0)
		return err_sys(err, -ENOMEM, "figures");
	if (!access(file, F_OK)) {
		(*found)++;
		job->report = scn->report;
		if (job->report)
			ret = draw_scenario(job, file, err);
	}
	free(file);
	return ret;
}

int figures_draw(const char *dir, struct figures_result *res, struct err *err)
{
	struct job job = {.dir = dir, .res = res};
	unsigned i, found = 0;
	int ret;

	*res = (struct figures_result){.n = 0};
	ret = run_info_read(dir, &job.info, err);
	for (i = 0; !ret && scenario_at(i); i++)
		ret = try_scenario(&job, scenario_at(i), &found, err);
	if (!ret && !found)
		return err_set(err, -ENOENT, REASON_NO_FILE,
			       "%s: no results that could be drawn "
			       "(such as %s.csv)",
			       dir, scenario_at(0)->name);
	return ret;
}

void figures_fini(struct figures_result *res)
{
	free(res->items);
	res->items = NULL;
	res->n = 0;
}
