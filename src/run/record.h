/* From a trial to a row: the columns of a scenario, and their cells. */
#ifndef RUN_RECORD_H
#define RUN_RECORD_H

#include "result/row.h"
#include "run/scenario.h"
#include "run/trial.h"

/* The base columns, axes and knobs (those that have a column), the scenario's
 * metrics, the counters. */
void record_columns(struct columns *c, const struct scenario *scn,
		    const struct counter_list *counters);

/* The column of a scenario's metric (of a distribution: without its last
 * words) as `end` ("client", "server") has it: the ends have columns of their
 * own only where both measure it. */
void record_metric_column(char *buf, size_t cap, const struct metric *m,
			  const char *end);

/* The i-th column of a distribution whose metric has column `name`. */
enum { RECORD_DIST_COLUMNS = 3 };
void record_dist_column(char *buf, size_t cap, const char *name, unsigned i);

/* What the row says of where it comes from. */
struct record_id {
	const char *run_id;
	unsigned trial;
	const struct counter_list *counters; /* those of record_columns */
};
void record_row(struct row *row, const struct record_id *id,
		const struct plan_point *pp, const struct trial *t);

/* What the row says in the columns of headline_info; 0: it is not ok. */
/* NAN: it has none. */
void record_headlines(double value[HEADLINE_COUNT], const struct trial *t);

/* The columns that say which point it is: axes, knobs and what the link was
 * like, without what was measured. */
void record_point_columns(struct columns *c, const struct scenario *scn);
void record_point(struct row *row, const struct record_id *id,
		  const struct plan_point *pp, const struct trial_link *l);

/* A row a peer (0, 1, ...) of an ok trial: scenario->peers_csv. */
void record_peer_columns(struct columns *c, const struct scenario *scn);
void record_peer(struct row *row, const struct record_id *id,
		 const struct plan_point *pp, const struct trial *t,
		 unsigned peer);

#endif
