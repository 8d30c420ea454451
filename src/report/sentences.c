#include "report/sentences.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "metric/headline.h"
#include "report/scope.h"
#include "report/show.h"
#include "report/told.h"

/* One declared sentence, while it is made. */
struct saying {
	struct sentences *out;
	const struct report_sentence *what;
	const struct series_pair *pair;
	const struct report_view *view;
	const struct series_axes *axes;
	unsigned y;	   /* of the axes: what it speaks of */
	const char *scope; /* begins it: "over loopback, " */
	bool few;	   /* trials, to tell anything apart */
};

/* --- words ------------------------------------------------------------------*/

/* Text after the scope, with a capital. */
static void add(struct saying *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void add(struct saying *s, const char *fmt, ...)
{
	char text[SENTENCE_TEXT], *to;
	va_list ap;

	if (s->out->n == SENTENCES_MAX)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	to = s->out->text[s->out->n++];
	snprintf(to, SENTENCE_TEXT, "%s%s", s->scope, text);
	to[0] = (char)toupper((unsigned char)to[0]);
}

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

static bool ends(const char *s, const char *end)
{
	size_t n = strlen(s), k = strlen(end);

	return n >= k && !strcmp(s + n - k, end);
}

/* "64k": a place on the axis. */
static char *place(char *buf, size_t size, const struct saying *s, double x)
{
	return show_x(buf, size, s->axes->x, x);
}

static const struct series_value *spoken_of(const struct saying *s)
{
	return &s->axes->y[s->y];
}

static bool more_is_better(const struct saying *s)
{
	return ends(spoken_of(s)->column, "_per_s");
}

/* The sign of what is worse than its base. */
static int worse(const struct saying *s)
{
	return more_is_better(s) ? -1 : 1;
}

/* "26.9 us", "31.2 thousand/s" */
static char *amount(char *buf, size_t size, const struct saying *s, double v)
{
	const struct series_value *y = spoken_of(s);
	const char *unit = "";

	if (ends(y->column, "_ns"))
		unit = y->per >= 1e6 ? " ms" : y->per >= 1e3 ? " us" : " ns";
	else if (more_is_better(s))
		unit = y->per >= 1e6   ? " million/s"
		       : y->per >= 1e3 ? " thousand/s"
				       : " /s";
	show_digits(buf, size, v);
	append(buf, size, "%s", unit);
	return buf;
}

/* --- which series -------------------------------------------------------------*/

/* Which y a series is about: its rate, if that is its headline
 * (metric/headline.h) and the axes have it; else the first. */
static unsigned about(const struct series_set *set, const struct series *x)
{
	const char *rate = headline_info[HEADLINE_RATE].column;
	unsigned i;

	if (strcmp(series_cell(set, x, "headline"), rate))
		return 0;
	for (i = 0; i < series_values(set->axes); i++)
		if (!strcmp(set->axes->y[i].column, rate))
			return i;
	return 0;
}

static bool meant(const struct saying *s, const struct series *x)
{
	return x->path == s->view->path &&
	       report_has(s->what->where, s->view->set, x);
}

static bool shown(const struct saying *s, const struct series *x)
{
	return meant(s, x) && about(s->view->set, x) == s->y;
}

/* What the first of them is about; of the others, those that are about the
 * same are spoken of. */
static unsigned choose_y(const struct saying *s)
{
	size_t i;

	for (i = 0; i < s->view->set->n; i++)
		if (meant(s, &s->view->set->v[i]))
			return about(s->view->set, &s->view->set->v[i]);
	return 0;
}

/* The base of a series that is shown; NULL if it has none. */
static const struct series *base_of(const struct saying *s,
				    const struct series *x)
{
	const char *why;

	return shown(s, x) ? series_base(s->view->set, x, s->pair, &why) : NULL;
}

/* Signs, and whether there could be any. */
static int settle(struct saying *s, struct told_set *all)
{
	s->few |= all->n && !told_could(all);
	return told_settle(all, s->view->set);
}

/* --- SAY_ORDER ----------------------------------------------------------------*/

/* "1k to 4k, 64k": where the findings have this sign. */
static void where_words(char *buf, size_t size, const struct saying *s,
			const struct told_set *all, int sign)
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
		place(from, sizeof(from), s, all->v[i].base_x);
		place(to, sizeof(to), s, all->v[end - 1].base_x);
		append(buf, size, "%s%s", *buf ? ", " : "", from);
		if (end - i > 1)
			append(buf, size, " to %s", to);
	}
}

/* How far off its base it is. */
static double percent(const struct told *t)
{
	return fabs(100 * (t->ratio.ratio - 1));
}

/* "38.6 % [35.0, 41.9]" */
static char *percent_words(char *buf, size_t size, const struct told *t)
{
	const double a = 100 * (t->ratio.low - 1);
	const double b = 100 * (t->ratio.high - 1);
	const bool less = t->ratio.ratio < 1;

	snprintf(buf, size, "%.1f %%", percent(t));
	if (t->ratio.has_interval)
		append(buf, size, " [%.1f, %.1f]", less ? -b : a,
		       less ? -a : b);
	return buf;
}

static unsigned count_sign(const struct told_set *all, int sign)
{
	unsigned i, n = 0;

	for (i = 0; i < all->n; i++)
		n += all->v[i].sign == sign;
	return n;
}

/* The one of this sign with the largest gain or cost; NULL if none. */
static const struct told *most(const struct told_set *all, int sign)
{
	const struct told *best = NULL;
	unsigned i;

	for (i = 0; i < all->n; i++)
		if (all->v[i].sign == sign &&
		    (!best || percent(&all->v[i]) > percent(best)))
			best = &all->v[i];
	return best;
}

/* "lower at 1k to 4k, by up to 38.6 % (at 1k)", "lower at 1k, by 38.6 %"; ""
 * if nowhere. */
static void side_words(char *buf, size_t size, const struct saying *s,
		       const struct told_set *all, int sign)
{
	const struct told *t = most(all, sign);
	char where[200], x[40], by[60];

	*buf = '\0';
	if (!t)
		return;
	where_words(where, sizeof(where), s, all, sign);
	percent_words(by, sizeof(by), t);
	place(x, sizeof(x), s, t->base_x);
	snprintf(buf, size, "%s at %s, by ", sign < 0 ? "lower" : "higher",
		 where);
	if (count_sign(all, sign) > 1)
		append(buf, size, "up to %s (at %s)", by, x);
	else
		append(buf, size, "%s", by);
}

static void say_sides(struct saying *s, const struct told_set *all)
{
	const struct told *t = &all->v[0];
	char lower[400], higher[400], none[200];

	side_words(lower, sizeof(lower), s, all, -1);
	side_words(higher, sizeof(higher), s, all, 1);
	where_words(none, sizeof(none), s, all, 0);
	if (!*lower && !*higher) {
		add(s, "%s and %s are not told apart in %s at any of %u %s.",
		    t->other->label, t->base->label, spoken_of(s)->label,
		    all->n, all->n == 1 ? "point" : "points");
		return;
	}
	add(s, "%s against %s: %s is %s%s%s%s%s.", t->other->label,
	    t->base->label, spoken_of(s)->label, lower,
	    *lower && *higher ? "; " : "", higher,
	    *none ? "; not told apart at " : "", none);
}

static const char *lower_of(const struct told *t)
{
	return t->sign < 0 ? t->other->label : t->base->label;
}

/* Where one overtakes the other: once, between neighbours that both tell. */
static void say_crossing(struct saying *s, const struct told_set *all)
{
	const struct told *t, *last = NULL, *from = NULL, *to = NULL;
	char a[40], b[40];
	unsigned i, changes = 0;

	for (i = 0; i < all->n; i++) {
		t = &all->v[i];
		if (!t->sign)
			continue;
		if (last && t->sign != last->sign) {
			changes++;
			from = last;
			to = t;
		}
		last = t;
	}
	if (changes != 1)
		return;
	add(s,
	    "between %s and %s the order turns: %s has the lower %s before, "
	    "%s after.",
	    place(a, sizeof(a), s, from->base_x),
	    place(b, sizeof(b), s, to->base_x), lower_of(from),
	    spoken_of(s)->label, lower_of(to));
}

static int say_order(struct saying *s)
{
	struct told_set all = {.n = 0};
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < s->view->set->n; i++) {
		const struct series *other = &s->view->set->v[i], *base;

		base = base_of(s, other);
		if (!base)
			continue;
		ret = told_pair(&all, s->view->set,
				&(struct told){.base = base,
					       .other = other,
					       .y = s->y});
		if (!ret)
			ret = settle(s, &all);
		if (!ret && told_could(&all)) {
			say_sides(s, &all);
			say_crossing(s, &all);
		}
		told_fini(&all);
	}
	told_fini(&all);
	return ret;
}

/* --- SAY_MOST -----------------------------------------------------------------*/

static void say_cost(struct saying *s, const struct told *t)
{
	char x[40], a[40], b[40], by[60];

	add(s, "%s costs most with %s at %s: %s against %s, %s %s.",
	    s->what->words, t->base->label, place(x, sizeof(x), s, t->base_x),
	    amount(a, sizeof(a), s, t->base_y),
	    amount(b, sizeof(b), s, t->other_y),
	    percent_words(by, sizeof(by), t),
	    more_is_better(s) ? "more" : "less");
}

/* Nowhere a cost; a gain, perhaps. */
static void say_no_cost(struct saying *s, const struct told_set *all)
{
	const struct told *t = most(all, worse(s));
	char x[40], by[60], saves[200] = "";

	if (t)
		snprintf(saves, sizeof(saves), "; it saves up to %s (%s at %s)",
			 percent_words(by, sizeof(by), t), t->base->label,
			 place(x, sizeof(x), s, t->base_x));
	add(s, "%s is not shown to cost anything at any of %u %s%s.",
	    s->what->words, all->n, all->n == 1 ? "point" : "points", saves);
}

static int say_most(struct saying *s)
{
	struct told_set all = {.n = 0};
	const struct told *worst;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < s->view->set->n; i++) {
		const struct series *other = &s->view->set->v[i], *base;

		base = base_of(s, other);
		if (base)
			ret = told_pair(&all, s->view->set,
					&(struct told){.base = base,
						       .other = other,
						       .y = s->y});
	}
	if (!ret)
		ret = settle(s, &all);
	if (!ret && told_could(&all)) {
		worst = most(&all, -worse(s));
		if (worst)
			say_cost(s, worst);
		else
			say_no_cost(s, &all);
	}
	told_fini(&all);
	return ret;
}

/* --- SAY_BEST -----------------------------------------------------------------*/

static double value_at(const struct saying *s, const struct series *v, double x)
{
	return series_at(v, x)->y[s->y];
}

static bool is_better(const struct saying *s, const struct series *v,
		      const struct series *than, double x)
{
	return !than ||
	       worse(s) * (value_at(s, v, x) - value_at(s, than, x)) < 0;
}

/* The best series at x, and the next. */
static void find_best(const struct saying *s, double x,
		      const struct series **best, const struct series **next)
{
	size_t i;

	*best = *next = NULL;
	for (i = 0; i < s->view->set->n; i++) {
		const struct series *v = &s->view->set->v[i];

		if (!shown(s, v) || !series_at(v, x) ||
		    isnan(value_at(s, v, x)))
			continue;
		if (is_better(s, v, *best, x)) {
			*next = *best;
			*best = v;
		} else if (is_better(s, v, *next, x)) {
			*next = v;
		}
	}
}

/* Against each of the others there, all taken together. */
static int test_best(struct saying *s, const struct series *best, double x,
		     struct told_set *all)
{
	struct told t = {.other = best, .base_x = x, .other_x = x, .y = s->y};
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < s->view->set->n; i++) {
		t.base = &s->view->set->v[i];
		if (t.base != best && shown(s, t.base) && series_at(t.base, x))
			ret = told_add(all, s->view->set, &t);
	}
	return ret ? ret : settle(s, all);
}

static bool all_have(const struct told_set *all, int sign)
{
	return all->n && count_sign(all, sign) == all->n;
}

static int say_best_at(struct saying *s, double x)
{
	const struct series *best, *next;
	struct told_set all = {.n = 0};
	char where[40], a[40], b[40];
	int ret;

	find_best(s, x, &best, &next);
	if (!next)
		return 0;
	ret = test_best(s, best, x, &all);
	if (!ret && all_have(&all, -worse(s)))
		add(s, "at %s %s %s %s (%s); %s comes next (%s).",
		    place(where, sizeof(where), s, x), s->axes->x_label,
		    s->what->words, best->label,
		    amount(a, sizeof(a), s, value_at(s, best, x)), next->label,
		    amount(b, sizeof(b), s, value_at(s, next, x)));
	told_fini(&all);
	return ret;
}

/* The ends of the axis, over all that is shown; false if there are none. */
static bool find_ends(const struct saying *s, double *low, double *high)
{
	size_t i;

	*low = INFINITY;
	*high = -INFINITY;
	for (i = 0; i < s->view->set->n; i++) {
		const struct series *v = &s->view->set->v[i];

		if (!shown(s, v) || !v->n)
			continue;
		*low = fmin(*low, v->points[0].x);
		*high = fmax(*high, v->points[v->n - 1].x);
	}
	return isfinite(*low);
}

/* At both ends of the axis. */
static int say_best(struct saying *s)
{
	double low, high;
	int ret;

	if (!find_ends(s, &low, &high))
		return 0;
	ret = say_best_at(s, low);
	if (!ret && high > low)
		ret = say_best_at(s, high);
	return ret;
}

/* --- SAY_WORSENS --------------------------------------------------------------*/

/* The series that worsens most, from one end of its axis to the other. */
static int say_worsens(struct saying *s)
{
	struct told_set all = {.n = 0};
	const struct told *t;
	char from[40], to[40], a[40], b[40], times[40];
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < s->view->set->n; i++) {
		const struct series *v = &s->view->set->v[i];
		struct told ends = {.base = v, .other = v, .y = s->y};

		if (!shown(s, v) || v->n < 2)
			continue;
		ends.base_x = v->points[0].x;
		ends.other_x = v->points[v->n - 1].x;
		ret = told_add(&all, s->view->set, &ends);
	}
	if (!ret)
		ret = settle(s, &all);
	t = ret ? NULL : most(&all, worse(s));
	if (t)
		add(s, "from %s to %s %s %s: from %s to %s (times %s).",
		    place(from, sizeof(from), s, t->base_x),
		    place(to, sizeof(to), s, t->other_x), s->what->words,
		    t->base->label, amount(a, sizeof(a), s, t->base_y),
		    amount(b, sizeof(b), s, t->other_y),
		    show_digits(times, sizeof(times), t->other_y / t->base_y));
	told_fini(&all);
	return ret;
}

/* --- all of them -------------------------------------------------------------*/

/* What a report says that declares nothing. */
static const struct report_sentence *usual(const struct report *r)
{
	static const struct report_sentence order = {.say = SAY_ORDER};
	static const struct report_sentence best = {
		.say = SAY_BEST, .words = "the best is measured with"};

	return r->pair.column ? &order : &best;
}

static int make_one(struct saying *s)
{
	static int (*const makers[])(struct saying *) = {
		[SAY_ORDER] = say_order,
		[SAY_MOST] = say_most,
		[SAY_BEST] = say_best,
		[SAY_WORSENS] = say_worsens,
	};

	return makers[s->what->say](s);
}

int sentences_make(struct sentences *out, const struct report *r,
		   const struct report_view *view, struct err *err)
{
	struct saying s = {.out = out, .view = view, .axes = view->set->axes};
	const unsigned n = r->n_sentences ? r->n_sentences : 1;
	unsigned i;
	int ret = 0;

	memset(out, 0, sizeof(*out));
	s.scope = report_scope(r, view, &out->scope);
	if (view->path == PATH_UNKNOWN && !r->local) {
		snprintf(out->why_not, sizeof(out->why_not),
			 "whether a wire was between the ends is not known");
		return 0;
	}
	for (i = 0; !ret && i < n; i++) {
		s.what = r->n_sentences ? &r->sentences[i] : usual(r);
		s.pair = s.what->pair.column ? &s.what->pair : &r->pair;
		s.y = choose_y(&s);
		ret = make_one(&s);
	}
	if (ret)
		return err_sys(err, ret, "sentences");
	if (!out->n)
		snprintf(out->why_not, sizeof(out->why_not), "%s",
			 s.few ? "the trials are too few to tell anything "
				 "apart (seven of each are enough)"
			       : "there is nothing to compare, or nothing is "
				 "told apart");
	return 0;
}
