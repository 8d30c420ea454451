#include "report/html.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/check.h"
#include "report/html_part.h"
#include "report/sentences.h"
#include "report/show.h"
#include "run/scenario.h"

/* The page, while it is written. */
struct page {
	FILE *f;
	const char *dir;
	json_t *run;
	struct run_info info;
	const struct figures_result *figures;
	struct check_result check;
	unsigned n_figures; /* so far: makes ids unique */
};

/* --- a scenario -------------------------------------------------------------*/

/* The one whose name the file's begins with; of several ("qps", "qps_tail")
 * the longest. */
static const struct report_figure *find_figure(const struct report *r,
					       const char *file)
{
	const struct report_figure *found = NULL;
	size_t len, longest = 0;
	unsigned i;

	for (i = 0; i < r->n_figures; i++) {
		len = strlen(r->figures[i].name);
		if (len <= longest || strncmp(file, r->figures[i].name, len))
			continue;
		longest = len;
		found = &r->figures[i];
	}
	return found;
}

static void put_figure(struct page *p, const struct report_figure *fig,
		       const char *file)
{
	char prefix[16];

	snprintf(prefix, sizeof(prefix), "f%u-", ++p->n_figures);
	fputs("<figure>\n", p->f);
	if (!html_svg(p->f, p->dir, file, prefix))
		fputs("<p class=\"violated\">this figure is missing, or no "
		      "plain drawing: left out</p>\n",
		      p->f);
	fputs("<figcaption>", p->f);
	html_text(p->f, fig->title);
	fputs(". <code>", p->f);
	html_text(p->f, file);
	fputs("</code></figcaption>\n</figure>\n", p->f);
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n > k && !strcmp(s + n - k, end);
}

static void put_figures(struct page *p, const struct report *r)
{
	size_t i;

	for (i = 0; i < p->figures->n; i++) {
		const struct figures_item *it = &p->figures->items[i];
		const struct report_figure *fig = find_figure(r, it->name);

		if (!fig)
			continue;
		if (it->kind == FIGURES_DRAWN && ends_with(it->name, ".svg"))
			put_figure(p, fig, it->name);
		if (it->kind != FIGURES_NOT_DRAWN)
			continue;
		fputs("<p class=\"soft\">", p->f);
		html_text(p->f, fig->title);
		fputs(": not drawn, ", p->f);
		html_text(p->f, it->why);
		fputs("</p>\n", p->f);
	}
}

static int put_sentences(struct page *p, const struct report *r,
			 const struct report_view *view, struct err *err)
{
	struct sentences s;
	unsigned i;
	int ret = sentences_make(&s, r, view, err);

	if (ret)
		return ret;
	if (s.why_not[0]) {
		fputs("<p class=\"soft\">No conclusion is drawn here: ", p->f);
		html_text(p->f, s.why_not);
		fputs(".</p>\n", p->f);
		return 0;
	}
	fputs("<ul>\n", p->f);
	for (i = 0; i < s.n; i++) {
		fputs("<li>", p->f);
		html_text(p->f, s.text[i]);
		fputs("</li>\n", p->f);
	}
	fprintf(p->f,
		"</ul>\n<p class=\"soft\">%s%sEach by exact rank tests over "
		"trials, corrected for all points of the sentence (Holm, 5 "
		"%%); in brackets the interval of a ratio, 95 %% for all of "
		"these points together.</p>\n",
		s.scope, *s.scope ? " " : "");
	return 0;
}

static void put_caption(struct page *p, const struct report *r,
			const struct report_view *view)
{
	struct caption c;
	unsigned i;

	caption_make(&c, view->set, view->path, view->info, r->conditions);
	fputs("<p class=\"soft\">", p->f);
	for (i = 0; i < c.n; i++) {
		fputs(i ? "<br>" : "", p->f);
		html_text(p->f, c.lines[i]);
	}
	fputs("</p>\n", p->f);
}

static int put_path(struct page *p, const struct report *r,
		    const struct report_view *view, struct err *err)
{
	int ret;

	put_caption(p, r, view);
	ret = put_sentences(p, r, view, err);
	if (!ret)
		html_tables(p->f, r, view);
	return ret;
}

static bool has_path(const struct series_set *set, enum path path)
{
	size_t i;

	for (i = 0; i < set->n; i++)
		if (set->v[i].path == path)
			return true;
	return false;
}

static int put_set(struct page *p, const struct report *r,
		   const struct series_set *set, struct err *err)
{
	struct report_view view = {.set = set, .info = &p->info};
	int ret = 0;

	if (!set->n)
		fputs("<p>No rows that are ok.</p>\n", p->f);
	for (; !ret && view.path < PATH_COUNT; view.path++)
		if (has_path(set, view.path))
			ret = put_path(p, r, &view, err);
	return ret;
}

/* What could not be measured: each reason once, with how often. */
static void put_missing(struct page *p, const struct reader_table *t)
{
	int status = reader_column(t, "status");
	int reason = reader_column(t, "reason");
	size_t row, k, same;
	bool any = false;

	for (row = 0; row < reader_rows(t); row++) {
		const char *why = reader_cell(t, row, reason);

		if (!strcmp(reader_cell(t, row, status), "ok"))
			continue;
		for (k = 0; k < row; k++)
			if (!strcmp(reader_cell(t, k, reason), why) &&
			    strcmp(reader_cell(t, k, status), "ok"))
				break;
		if (k < row)
			continue;
		for (same = 0; k < reader_rows(t); k++)
			same += !strcmp(reader_cell(t, k, reason), why) &&
				strcmp(reader_cell(t, k, status), "ok");
		fputs(any ? "" : "<h3>Not measured</h3>\n<ul>\n", p->f);
		any = true;
		fprintf(p->f, "<li>%zu row%s ", same, same == 1 ? "" : "s");
		html_text(p->f, reader_cell(t, row, status));
		fputs(": ", p->f);
		html_text(p->f, *why ? why : "no reason given");
		fputs("</li>\n", p->f);
	}
	fputs(any ? "</ul>\n" : "", p->f);
}

static void put_checks(struct page *p, const struct scenario *scn)
{
	size_t i, n = strlen(scn->name);

	fputs("<details><summary>what must hold in any results</summary>\n"
	      "<table class=\"facts\">\n",
	      p->f);
	for (i = 0; i < p->check.n; i++) {
		const struct check_line *l = &p->check.lines[i];

		if (strncmp(l->what, scn->name, n) || l->what[n] != ':')
			continue;
		fprintf(p->f, "<tr><td%s>%s</td><td>",
			l->kind == CHECK_EXACT && !l->holds
				? " class=\"violated\""
				: "",
			check_verdict(l));
		html_text(p->f, l->what + n + 2);
		fputs("</td><td>", p->f);
		html_text(p->f, l->where);
		if (l->times > 1)
			fprintf(p->f, "; and %u more", l->times - 1);
		fputs("</td></tr>\n", p->f);
	}
	fputs("</table></details>\n", p->f);
}

static void put_question(struct page *p, const struct scenario *scn)
{
	fprintf(p->f, "<section id=\"%s\">\n<h2>%s</h2>\n", scn->name,
		scn->name);
	fputs("<p class=\"question\">", p->f);
	html_text(p->f, scn->question);
	fputs("</p>\n<p class=\"source\">After: ", p->f);
	html_text(p->f, scn->source);
	fputs("</p>\n", p->f);
}

static int put_table(struct page *p, const struct scenario *scn,
		     const struct reader_table *table, struct err *err)
{
	const struct report *r = scn->report;
	struct series_set set;
	int ret = run_info_refuse(&p->info, table, err);

	if (ret)
		return ret;
	ret = series_init(&set, table, &r->axes, err);
	if (ret)
		return ret;
	put_question(p, scn);
	put_figures(p, r);
	ret = put_set(p, r, &set, err);
	put_missing(p, table);
	put_checks(p, scn);
	fputs("<h3>Run it again</h3>\n<pre>", p->f);
	html_command(p->f, p->run, scn->name);
	fputs("</pre>\n</section>\n", p->f);
	series_fini(&set);
	return ret;
}

static int put_scenario(struct page *p, const struct scenario *scn,
			struct err *err)
{
	struct reader_table *table;
	char path[640];
	int ret;

	snprintf(path, sizeof(path), "%s/%s.csv", p->dir, scn->name);
	if (!scn->report || access(path, F_OK))
		return 0;
	ret = reader_read(path, READER_SKIP_PARTIAL, &table, err);
	if (ret)
		return ret;
	ret = put_table(p, scn, table, err);
	reader_free(table);
	return ret;
}

/* --- the page ---------------------------------------------------------------*/

static void put_contents(struct page *p)
{
	char path[640];
	unsigned i;

	fputs("<nav><p>", p->f);
	for (i = 0; scenario_at(i); i++) {
		const char *name = scenario_at(i)->name;

		snprintf(path, sizeof(path), "%s/%s.csv", p->dir, name);
		if (scenario_at(i)->report && !access(path, F_OK))
			fprintf(p->f, "<a href=\"#%s\">%s</a> ", name, name);
	}
	fputs("</p></nav>\n", p->f);
}

/* To be copied to where this page was made. */
static void put_again(struct page *p)
{
	const char *program =
		json_string_value(json_object_get(p->run, "program"));

	fputs("<footer>\n<h3>All of it again, beside this</h3>\n<pre>", p->f);
	html_command(p->f, p->run, NULL);
	fputs(" --out results/again\n", p->f);
	html_word(p->f, program ? program : "rdmabench");
	fputs(" compare ", p->f);
	html_word(p->f, p->dir);
	fputs(" results/again</pre>\n", p->f);
}

static int put_page(struct page *p, struct err *err)
{
	unsigned i;
	int ret = 0;

	fprintf(p->f,
		"<!doctype html>\n<html lang=\"en\">\n<head>\n"
		"<meta charset=\"utf-8\">\n"
		"<meta name=\"viewport\" content=\"width=device-width\">\n"
		"<title>rdmabench</title>\n<style>\n%s</style>\n</head>\n"
		"<body>\n",
		html_css);
	html_run(p->f, p->run);
	put_contents(p);
	for (i = 0; !ret && scenario_at(i); i++)
		ret = put_scenario(p, scenario_at(i), err);
	put_again(p);
	fputs("<p>Every trial is in <code>&lt;scenario&gt;.csv</code> beside "
	      "this page, every latency in <code>&lt;scenario&gt;.hist.csv"
	      "</code>, the machine in <code>run.json</code>; an empty field "
	      "is a number that could not be had.</p>\n</footer>\n"
	      "</body>\n</html>\n",
	      p->f);
	return ret;
}

static int load_run(struct page *p, struct err *err)
{
	char path[640];
	json_error_t why;
	FILE *f;
	int ret;

	snprintf(path, sizeof(path), "%s/run.json", p->dir);
	ret = reader_open(path, &f, err);
	if (ret)
		return ret;
	p->run = json_loadf(f, 0, &why);
	fclose(f);
	if (!p->run)
		return err_set(err, -EINVAL, REASON_IO_ERROR, "%s:%d: %s", path,
			       why.line, why.text);
	return 0;
}

static int finish(FILE *f, const char *temp, const char *path, int ret,
		  struct err *err)
{
	bool bad = ferror(f);

	bad |= fclose(f) != 0;
	if (!ret && (bad || rename(temp, path)))
		ret = err_set(err, -EIO, REASON_IO_ERROR,
			      "%s: cannot be written whole: is the disk full?",
			      path);
	if (ret)
		unlink(temp);
	return ret;
}

static int write_file(struct page *p, struct err *err)
{
	char path[640], temp[700];

	snprintf(path, sizeof(path), "%s/report.html", p->dir);
	snprintf(temp, sizeof(temp), "%s.tmp", path);
	unlink(temp);
	p->f = fopen(temp, "wxe");
	if (!p->f)
		return err_sys(err, -errno, "%s", temp);
	return finish(p->f, temp, path, put_page(p, err), err);
}

int html_write(const char *dir, const struct figures_result *figures,
	       struct err *err)
{
	struct page p = {.dir = dir, .figures = figures};
	struct err ignored;
	int ret;

	ret = load_run(&p, err);
	if (ret)
		return ret;
	ret = run_info_read(dir, &p.info, err);
	/* What it says of torn files, the reader says again, in words. */
	(void)check_run(dir, &p.check, &ignored);
	if (!ret)
		ret = write_file(&p, err);
	check_fini(&p.check);
	json_decref(p.run);
	return ret;
}
