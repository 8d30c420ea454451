/*
 * What a scenario says of its own results: how they are drawn, tabulated
 * and judged.  All of it is data; code is only wanted where a figure or an
 * invariant is unlike those of the others.
 *
 * A scenario names its `const struct report` in its own struct (.report).
 * It stands in scenarios/<name>.c, or in scenarios/<name>_report.c with a
 * line in scenarios/reports.h where that becomes long.  Its scripts are in
 * plot/, each with a line in report/plots.h.  Nothing else is to be touched;
 * scenarios/sendrecv_report.c is the example.
 */
#ifndef REPORT_REPORT_H
#define REPORT_REPORT_H

#include <stdbool.h>
#include <stdio.h>

#include "base/err.h"
#include "report/caption.h"
#include "report/check.h"
#include "report/series.h"

/* The series that a figure or a sentence may be made of: those of one run
 * (`set`) with this path.  A view never mixes paths. */
struct report_view {
	const struct series_set *set;
	enum path path;
	const struct run_info *info;
};

/* A cell that a series must have. */
struct report_where {
	const char *column, *value;
};

enum { REPORT_WHERE_MAX = 4, REPORT_CONDITIONS_MAX = 8 };

/*
 * A figure: plot/<name>.gp draws <name>.dat, to <name>.svg and <name>.png.
 * The data file has, separated by tabs, the caption (index 0), style and
 * legend of each series (index 1), and then the series:
 *
 *	without .pair	x, the values of its axes, trials
 *	with .pair	x, gain in percent, the base's y[0], the other's y[0];
 *			only series that have a base to be compared with
 *
 * style.gp reads the first two and leaves in the script's hands: n_series,
 * name[i], style[i], n_points[i]; `eval linear_x` where x is no size.
 */
struct report_figure {
	const char *name;   /* <scenario>_<what>, at most 40 characters */
	const char *title;  /* a line; as in the script */
	const char *script; /* plot_<name> */
	/* .x NULL: the report's. */
	struct series_axes axes;
	/* .column NULL: none, the values themselves. */
	struct series_pair pair;
	/* Series that are shown; ends with a NULL column. */
	struct report_where where[REPORT_WHERE_MAX + 1];
	unsigned min_points; /* a series with fewer points is left out */
	/* Of its caption; none: the report's. */
	const char *conditions[REPORT_CONDITIONS_MAX + 1];

	/* A column that is in no name, as `write` shows the best of all that
	 * is there; NULL: none. */
	const char *unnamed;

	/* Each may be NULL, and is asked after what is above.  `check`: the
	 * reason, in words, why this view cannot be drawn, or NULL.
	 * `write`: lines of one series instead of those above, which
	 * `columns` then names. */
	const char *(*check)(const struct report_view *view, char *buf,
			     size_t size);
	bool (*shows)(const struct report_view *view, const struct series *s);
	void (*write)(FILE *f, const struct report_view *view,
		      const struct series *s);
	const char *columns;
};

/* For `write`: x, y[0], the ends of its interval over the trials
 * (series_interval), the other values, and how many trials there are. */
void report_write_interval(FILE *f, const struct report_view *view,
			   const struct series *s);

/* An exact invariant: columns that are equal in every row that is ok and has
 * both. */
struct report_equal {
	const char *what, *a, *b;
};

/* What a number of a row must be; one that is missing (NAN) is not. */
struct report_bounds {
	double is, least, most;
};

/* A pair by one of its values: nothing is expected, the sign is said. */
struct report_sign {
	struct series_pair pair;
	unsigned y; /* which of the report's axes */
	/* Why the sign may be another one here: a constant, "" or NULL. */
	const char *(*note)(const struct check *c, const struct series *s);
};

/*
 * Any other invariant (report/check.h).  `run` looks at what it wants and
 * adds a line with check_add() once it has found something to look at: a
 * line that holds of nothing is no check.  Most are one of those below, which
 * are told the rest here.
 */
struct report_rule {
	enum check_kind kind;
	const char *what;
	int (*run)(struct check *c, const struct report_rule *rule,
		   struct err *err);
	/* report_rule_rows: false if there is nothing to look at. */
	bool (*row)(const struct check *c, size_t row, struct report_bounds *b);
	const struct report_sign *sign; /* report_rule_sign */
};

/* What the literature measured, to stand beside the user's own: value i was
 * taken at x[i], in the unit of y[0]. */
struct report_reference {
	const char *source; /* where it is printed, and on what it was run */
	const char *name;   /* of its column: "RDMA" */
	/* The user's series beside it. */
	struct report_where where[REPORT_WHERE_MAX + 1];
	const double *x, *y;
	unsigned n;
};

/* A kind of sentence in report.html.  Of points that are about their rate
 * (the column `headline`) it speaks of y's ops_per_s, and more is better; of
 * others of y[0], and less is (report/sentences.h). */
enum report_say {
	SAY_ORDER, /* of each pair: where the other is lower, where higher, and
		      where they change places */
	SAY_MOST,  /* of all pairs: where the base costs most.  words: what
		      that is, "touching the buffer" */
	SAY_BEST,  /* at both ends of x: what is best.  words: "is cheapest
		      with" */
	SAY_WORSENS, /* what worsens most along x.  words: "bytes p50 rises
			most with", "the rate falls most with" */
};

struct report_sentence {
	enum report_say say;
	const char *words;
	struct series_pair pair; /* .column NULL: the report's */
	/* Series that it speaks of. */
	struct report_where where[REPORT_WHERE_MAX + 1];
};

struct report {
	const char *measure; /* title of the table: "round trip in us" */
	/* Of the table, the rules and the figures that have none. */
	struct series_axes axes;
	/* What the table compares; .column NULL: nothing. */
	struct series_pair pair;
	/* Columns named in captions, beside those of every scenario (path,
	 * devices, trials, date, hosts): "poll", "prepare". */
	const char *conditions[REPORT_CONDITIONS_MAX + 1];

	const struct report_figure *figures;
	unsigned n_figures;
	const struct report_equal *equals;
	unsigned n_equals;
	const struct report_rule *rules;
	unsigned n_rules;
	const struct report_reference *references;
	unsigned n_references;
	/* In order, the best first, as few are said; n_sentences 0: the order
	 * of pairs, or without a pair what is least. */
	const struct report_sentence *sentences;
	unsigned n_sentences;
	/* What is measured needs no wire and no device: its sentences need not
	 * say so. */
	bool local;
};

/* True if the series has all these cells. */
bool report_has(const struct report_where *where, const struct series_set *set,
		const struct series *s);

/* True if the figure shows the series, by all that is said above. */
bool report_shows(const struct report_figure *fig,
		  const struct report_view *view, const struct series *s);

/* Equal columns of a scenario in which each message that one end sends is one
 * that the other receives. */
#define REPORT_EQUAL_MESSAGES                                                  \
	{"the server received what the client sent", "client_sends",           \
	 "server_recvs"},                                                      \
		{"the client received what the server sent", "client_recvs",   \
		 "server_sends"},                                              \
		{"bytes to the server", "client_bytes_sent",                   \
		 "server_bytes_received"},                                     \
	{                                                                      \
		"bytes to the client", "client_bytes_received",                \
			"server_bytes_sent"                                    \
	}

/* Rules that several scenarios have. */

/* .row of every row that is ok. */
int report_rule_rows(struct check *c, const struct report_rule *rule,
		     struct err *err);
/* A .row: with --verify each client_verified is samples. */
bool report_row_verified(const struct check *c, size_t row,
			 struct report_bounds *b);

/* A .row: bw_bytes_per_s is operations times their size, to the rounding of
 * what is in the row. */
bool report_row_payload(const struct check *c, size_t row,
			struct report_bounds *b);

/* Statistical: y[0] does not fall as x grows by 4. */
int report_rule_rising(struct check *c, const struct report_rule *rule,
		       struct err *err);
/* Hardware: the other of .sign's pair is below its base; one line says at how
 * many points of all such pairs rank tests tell that, at how many the
 * contrary, and how far it goes with its interval. */
int report_rule_sign(struct check *c, const struct report_rule *rule,
		     struct err *err);

#endif
