#include "report/sentences.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "metric/rank.h"
#include "report/show.h"

#define ALPHA 0.05

/* What the tests said of a series against another at one x. */
struct finding {
	double x, base, other, p;
	int sign; /* of other - base; 0: not told apart */
};

struct findings {
	struct finding *v;
	unsigned n;
};

/* Room for the trials of two points. */
struct scratch {
	double *a, *b;
};

static void add(struct sentences *out, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct sentences *out, const char *fmt, ...)
{
	va_list ap;

	if (out->n == SENTENCES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(out->text[out->n++], SENTENCE_TEXT, fmt, ap);
	va_end(ap);
}

/* --- tests ------------------------------------------------------------------*/

static int test_at(const struct series_set *set, const struct series *base,
		   const struct series *other, struct scratch *s,
		   struct finding *f)
{
	const struct series_point *b = series_at(base, f->x);
	const struct series_point *o = series_at(other, f->x);
	unsigned nb = series_trials(set, base, f->x, s->a);
	unsigned no = series_trials(set, other, f->x, s->b);

	f->base = b->y[0];
	f->other = o->y[0];
	return rank_test(s->a, nb, s->b, no, &f->p);
}

/* By Holm, over all of them. */
static int settle(struct findings *all)
{
	double *p = calloc(all->n + 1, sizeof(*p));
	unsigned i;
	int ret;

	if (!p)
		return -ENOMEM;
	for (i = 0; i < all->n; i++)
		p[i] = all->v[i].p;
	ret = rank_holm(p, all->n);
	for (i = 0; i < all->n; i++) {
		struct finding *f = &all->v[i];

		f->p = p[i];
		if (f->p <= ALPHA)
			f->sign = (f->other > f->base) - (f->other < f->base);
	}
	free(p);
	return ret;
}

/* A test at every x that both have. */
static int test_all(const struct series_set *set, const struct series *base,
		    const struct series *other, struct findings *all)
{
	size_t rows = reader_rows(set->table) + 1, i;
	struct scratch s = {calloc(rows, sizeof(double)),
			    calloc(rows, sizeof(double))};
	int ret = 0;

	all->n = 0;
	all->v = calloc(other->n + 1, sizeof(*all->v));
	if (!s.a || !s.b || !all->v)
		ret = -ENOMEM;
	for (i = 0; !ret && i < other->n; i++) {
		struct finding *f = &all->v[all->n];

		f->x = other->points[i].x;
		if (!series_at(base, f->x))
			continue;
		ret = test_at(set, base, other, &s, f);
		all->n++;
	}
	if (!ret)
		ret = settle(all);
	free(s.a);
	free(s.b);
	return ret;
}

/* --- words ------------------------------------------------------------------*/

static void append(char *buf, size_t size, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void append(char *buf, size_t size, const char *fmt, ...)
{
	size_t len = strlen(buf);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf + len, size - len, fmt, ap);
	va_end(ap);
}

/* "1k to 4k, 64k": where the findings have this sign. */
static void where_words(char *buf, size_t size, const struct findings *all,
			int sign, const struct series_axes *axes)
{
	char from[40], to[40];
	unsigned i, end;

	*buf = '\0';
	for (i = 0; i < all->n; i = end) {
		for (end = i + 1; end < all->n; end++)
			if (all->v[end].sign != all->v[i].sign)
				break;
		if (all->v[i].sign != sign)
			continue;
		show_x(from, sizeof(from), axes->x, all->v[i].x);
		show_x(to, sizeof(to), axes->x, all->v[end - 1].x);
		append(buf, size, "%s%s", *buf ? ", " : "", from);
		if (end - i > 1)
			append(buf, size, " to %s", to);
	}
}

/* The finding of this sign with the largest gain or cost; NULL if none. */
static const struct finding *most(const struct findings *all, int sign)
{
	const struct finding *best = NULL;
	double off, far = -1;
	unsigned i;

	for (i = 0; i < all->n; i++) {
		off = fabs(series_gain(all->v[i].base, all->v[i].other));
		if (all->v[i].sign == sign && off > far) {
			far = off;
			best = &all->v[i];
		}
	}
	return best;
}

/* "lower at 1k to 4k, by up to 38.6 % (at 1k)"; "" if nowhere. */
static void side_words(char *buf, size_t size, const struct findings *all,
		       int sign, const struct series_axes *axes)
{
	const struct finding *f = most(all, sign);
	char where[200], x[40];

	*buf = '\0';
	if (!f)
		return;
	where_words(where, sizeof(where), all, sign, axes);
	show_x(x, sizeof(x), axes->x, f->x);
	snprintf(buf, size, "%s at %s, by up to %.1f %% (at %s)",
		 sign < 0 ? "lower" : "higher", where,
		 fabs(series_gain(f->base, f->other)), x);
}

static void say_pair(struct sentences *out, const struct series_axes *axes,
		     const struct series *base, const struct series *other,
		     const struct findings *all)
{
	char lower[320], higher[320], none[200];

	side_words(lower, sizeof(lower), all, -1, axes);
	side_words(higher, sizeof(higher), all, 1, axes);
	where_words(none, sizeof(none), all, 0, axes);
	if (!*lower && !*higher) {
		add(out, "%s and %s are not told apart in %s at any of %u %s.",
		    other->label, base->label, axes->y[0].label, all->n,
		    all->n == 1 ? "point" : "points");
		return;
	}
	add(out, "%s against %s: %s is %s%s%s%s%s.", other->label, base->label,
	    axes->y[0].label, lower, *lower && *higher ? "; " : "", higher,
	    *none ? "; not told apart at " : "", none);
}

/* Where one overtakes the other: once, between neighbours that both tell. */
static void say_crossing(struct sentences *out, const struct series_axes *axes,
			 const struct series *base, const struct series *other,
			 const struct findings *all)
{
	unsigned i, last = 0, changes = 0, at = 0;
	char from[40], to[40];
	int sign = 0;

	for (i = 0; i < all->n; i++) {
		if (!all->v[i].sign)
			continue;
		if (sign && all->v[i].sign != sign) {
			changes++;
			at = last;
			show_x(to, sizeof(to), axes->x, all->v[i].x);
		}
		sign = all->v[i].sign;
		last = i;
	}
	if (changes != 1)
		return;
	show_x(from, sizeof(from), axes->x, all->v[at].x);
	add(out,
	    "From %s to %s the order turns: from there on %s has the lower %s.",
	    from, to, sign < 0 ? other->label : base->label, axes->y[0].label);
}

static int say_pairs(struct sentences *out, const struct report *r,
		     const struct report_view *view)
{
	const struct series_set *set = view->set;
	struct findings all;
	const char *why;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < set->n; i++) {
		const struct series *other = &set->v[i], *base;

		if (other->path != view->path)
			continue;
		base = series_base(set, other, &r->pair, &why);
		if (!base)
			continue;
		ret = test_all(set, base, other, &all);
		if (!ret) {
			say_pair(out, set->axes, base, other, &all);
			say_crossing(out, set->axes, base, other, &all);
		}
		free(all.v);
	}
	return ret;
}

/* --- the least of many ------------------------------------------------------*/

static bool at_least(const struct series *s, enum path path, double x)
{
	return s->path == path && series_at(s, x);
}

/* The series with the least y[0] at x, and the next. */
static void find_least(const struct report_view *view, double x,
		       const struct series **least, const struct series **next)
{
	size_t i;

	*least = *next = NULL;
	for (i = 0; i < view->set->n; i++) {
		const struct series *s = &view->set->v[i];
		double y;

		if (!at_least(s, view->path, x))
			continue;
		y = series_at(s, x)->y[0];
		if (!*least || y < series_at(*least, x)->y[0]) {
			*next = *least;
			*least = s;
		} else if (!*next || y < series_at(*next, x)->y[0]) {
			*next = s;
		}
	}
}

/* Is it below each of the others there, all taken together? */
static int test_least(const struct report_view *view,
		      const struct series *least, double x, bool *is)
{
	const struct series_set *set = view->set;
	size_t rows = reader_rows(set->table) + 1, i;
	struct scratch s = {calloc(rows, sizeof(double)),
			    calloc(rows, sizeof(double))};
	struct findings all = {.v = calloc(set->n + 1, sizeof(*all.v))};
	int ret = s.a && s.b && all.v ? 0 : -ENOMEM;

	for (i = 0; !ret && i < set->n; i++) {
		if (&set->v[i] == least || !at_least(&set->v[i], view->path, x))
			continue;
		all.v[all.n].x = x;
		ret = test_at(set, &set->v[i], least, &s, &all.v[all.n++]);
	}
	if (!ret)
		ret = settle(&all);
	*is = !ret && all.n;
	for (i = 0; !ret && i < all.n; i++)
		*is &= all.v[i].sign < 0;
	free(s.a);
	free(s.b);
	free(all.v);
	return ret;
}

static int say_least(struct sentences *out, const struct report_view *view,
		     double x)
{
	const struct series_axes *axes = view->set->axes;
	const struct series *least, *next;
	char where[40], a[32], b[32];
	bool is;
	int ret;

	find_least(view, x, &least, &next);
	if (!next)
		return 0;
	ret = test_least(view, least, x, &is);
	if (ret || !is)
		return ret;
	add(out, "At %s %s the least %s has %s (%s); %s comes next (%s).",
	    show_x(where, sizeof(where), axes->x, x), axes->x_label,
	    axes->y[0].label, least->label,
	    show_digits(a, sizeof(a), series_at(least, x)->y[0]), next->label,
	    show_digits(b, sizeof(b), series_at(next, x)->y[0]));
	return 0;
}

/* At both ends of the axis. */
static int say_cheapest(struct sentences *out, const struct report_view *view)
{
	const char *y = view->set->axes->y[0].column;
	double low = INFINITY, high = -INFINITY;
	size_t i, len = strlen(y);
	int ret;

	/* Of a rate the least is not the cheapest. */
	if (len > 6 && !strcmp(y + len - 6, "_per_s"))
		return 0;
	for (i = 0; i < view->set->n; i++) {
		const struct series *s = &view->set->v[i];

		if (s->path != view->path || !s->n)
			continue;
		low = fmin(low, s->points[0].x);
		high = fmax(high, s->points[s->n - 1].x);
	}
	if (!isfinite(low))
		return 0;
	ret = say_least(out, view, low);
	if (!ret && high > low)
		ret = say_least(out, view, high);
	return ret;
}

/* --- whether at all ---------------------------------------------------------*/

static bool is_software(const struct report_view *view)
{
	size_t i;

	for (i = 0; i < view->set->n; i++) {
		const struct series *s = &view->set->v[i];

		if (s->path == view->path && series_is(view->set, s, "rdma") &&
		    !strcmp(series_cell(view->set, s, "software_device"),
			    "yes"))
			return true;
	}
	return false;
}

static const char *not_allowed(const struct report *r,
			       const struct report_view *view)
{
	if (r->local)
		return "";
	if (view->path != PATH_WIRE)
		return "both ends are on one host, with no wire between them: "
		       "these numbers say nothing of a network";
	if (is_software(view))
		return "a software device moves data by CPU: these numbers say "
		       "nothing of a NIC";
	return "";
}

int sentences_make(struct sentences *out, const struct report *r,
		   const struct report_view *view, struct err *err)
{
	int ret;

	memset(out, 0, sizeof(*out));
	snprintf(out->why_not, sizeof(out->why_not), "%s",
		 not_allowed(r, view));
	if (out->why_not[0])
		return 0;
	ret = r->pair.column ? say_pairs(out, r, view)
			     : say_cheapest(out, view);
	if (ret)
		return err_sys(err, ret, "sentences");
	if (!out->n)
		snprintf(out->why_not, sizeof(out->why_not),
			 "the trials are too few, or too different, to tell "
			 "anything apart");
	return 0;
}
