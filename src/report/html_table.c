/* Numbers in report.html. */
#include <math.h>
#include <string.h>

#include "report/html_part.h"
#include "report/pairs.h"
#include "report/show.h"

struct tables {
	FILE *f;
	const struct report *report;
	unsigned n;
};

enum { OPEN_TABLES = 3 }; /* the others are folded away */

static void put_number(FILE *f, double v)
{
	char words[40];

	fputs("<td>", f);
	if (isnan(v))
		fputs("&ndash;", f);
	else
		html_text(f, show_digits(words, sizeof(words), v));
	fputs("</td>", f);
}

static void put_x(FILE *f, const char *column, double x)
{
	char words[40];

	fputs("<tr><td>", f);
	html_text(f, show_x(words, sizeof(words), column, x));
	fputs("</td>", f);
}

static void put_side(FILE *f, const struct pair *pair,
		     const struct series_point *p)
{
	unsigned k;

	for (k = 0; k < pair->n; k++)
		put_number(f, p ? p->y[k] : NAN);
}

static void put_row(FILE *f, const struct pair *pair, double x)
{
	const struct series_point *l = series_at(pair->left, x), *r = NULL;

	put_x(f, pair->set->axes->x, x);
	put_side(f, pair, l);
	if (pair->right) {
		r = series_at(pair->right, x);
		put_side(f, pair, r);
		if (l && r)
			fprintf(f, "<td>%+.1f %%</td>",
				series_gain(l->y[0], r->y[0]));
		else
			fputs("<td>&ndash;</td>", f);
	}
	fputs("</tr>\n", f);
}

static void put_heads(FILE *f, const struct pair *pair)
{
	const struct series_axes *axes = pair->set->axes;
	const struct series *sides[] = {pair->left, pair->right};
	unsigned side, k;

	fputs("<thead><tr><th></th>", f);
	for (side = 0; side < 2 && sides[side]; side++) {
		fprintf(f, "<th class=\"group\" colspan=\"%u\">", pair->n);
		html_text(f, sides[side]->label);
		fputs("</th>", f);
	}
	if (pair->right) {
		fputs("<th>", f);
		html_text(f, pair->words);
		fputs("</th>", f);
	}
	fputs("</tr>\n<tr><th>", f);
	html_text(f, axes->x_label);
	fputs("</th>", f);
	for (side = 0; side < 2 && sides[side]; side++) {
		for (k = 0; k < pair->n; k++) {
			fputs("<th>", f);
			html_text(f, axes->y[k].label);
			fputs("</th>", f);
		}
	}
	fputs(pair->right ? "<th>by</th>" : "", f);
	fputs("</tr></thead>\n", f);
}

static void put_pair(void *arg, const struct pair *pair)
{
	struct tables *t = arg;
	double x;

	if (t->n++ == OPEN_TABLES)
		fputs("<details><summary>more tables</summary>\n", t->f);
	fputs("<div class=\"wide\"><table>\n<caption>", t->f);
	html_text(t->f, t->report->measure);
	fputs("; medians over trials</caption>\n", t->f);
	put_heads(t->f, pair);
	fputs("<tbody>\n", t->f);
	x = pair_next_x(pair, -INFINITY);
	while (isfinite(x)) {
		put_row(t->f, pair, x);
		x = pair_next_x(pair, x);
	}
	fputs("</tbody></table></div>\n", t->f);
}

/* --- beside the literature --------------------------------------------------*/

/* The point at x of the first series that the reference asks for and that has
 * one there; NULL if there is none. */
static const struct series_point *yours(const struct report_reference *ref,
					const struct report_view *view,
					double x)
{
	const struct series_point *p = NULL;
	size_t i;

	for (i = 0; !p && i < view->set->n; i++) {
		const struct series *s = &view->set->v[i];

		if (s->path == view->path &&
		    report_has(ref->where, view->set, s))
			p = series_at(s, x);
	}
	return p;
}

static bool any_of_yours(const struct report_reference *refs, unsigned n,
			 const struct report_view *view)
{
	unsigned i, k;

	for (i = 0; i < n; i++)
		for (k = 0; k < refs[i].n; k++)
			if (yours(&refs[i], view, refs[i].x[k]))
				return true;
	return false;
}

/* References of one source and the same x stand in one table. */
static unsigned group_of(const struct report *r, unsigned first)
{
	unsigned i;

	for (i = first + 1; i < r->n_references; i++)
		if (strcmp(r->references[i].source,
			   r->references[first].source) ||
		    r->references[i].x != r->references[first].x)
			break;
	return i - first;
}

static void put_reference_heads(FILE *f, const struct report_reference *refs,
				unsigned n, const struct series_axes *axes)
{
	unsigned i;

	fputs("<thead><tr><th></th>", f);
	for (i = 0; i < n; i++) {
		fputs("<th class=\"group\" colspan=\"2\">", f);
		html_text(f, refs[i].name);
		fputs("</th>", f);
	}
	fputs("</tr>\n<tr><th>", f);
	html_text(f, axes->x_label);
	fputs("</th>", f);
	for (i = 0; i < n; i++)
		fputs("<th>theirs</th><th>here</th>", f);
	fputs("</tr></thead>\n", f);
}

static void put_references(FILE *f, const struct report_reference *refs,
			   unsigned n, const struct report_view *view)
{
	const struct series_point *p;
	unsigned i, k;

	fputs("<div class=\"wide\"><table>\n<caption>", f);
	html_text(f, refs[0].source);
	fputs("</caption>\n", f);
	put_reference_heads(f, refs, n, view->set->axes);
	fputs("<tbody>\n", f);
	for (k = 0; k < refs[0].n; k++) {
		put_x(f, view->set->axes->x, refs[0].x[k]);
		for (i = 0; i < n; i++) {
			fprintf(f, "<td>%.6g</td>", refs[i].y[k]);
			p = yours(&refs[i], view, refs[0].x[k]);
			put_number(f, p ? p->y[0] : NAN);
		}
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n", f);
}

/* What stands beside nothing is left out. */
static void put_literature(FILE *f, const struct report *r,
			   const struct report_view *view)
{
	bool any = false;
	unsigned i, n;

	for (i = 0; i < r->n_references; i += n) {
		n = group_of(r, i);
		if (!any_of_yours(&r->references[i], n, view))
			continue;
		if (!any)
			fputs("<h3>Beside the literature</h3>\n<p>Another "
			      "machine, another network, another time: what "
			      "may be compared is the shape.</p>\n",
			      f);
		any = true;
		put_references(f, &r->references[i], n, view);
	}
}

void html_tables(FILE *f, const struct report *r,
		 const struct report_view *view)
{
	struct tables t = {.f = f, .report = r};

	fputs("<h3>Numbers</h3>\n", f);
	pairs_each(view->set, &r->pair, view->path, put_pair, &t);
	if (t.n > OPEN_TABLES)
		fputs("</details>\n", f);
	put_literature(f, r, view);
}
