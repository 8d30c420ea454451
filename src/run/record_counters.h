/* The chosen counters of a row: client_<counter>, server_<counter>, what
 * took turns, and what the RDMA ports complained of. */
#ifndef RUN_RECORD_COUNTERS_H
#define RUN_RECORD_COUNTERS_H

#include "machine/counter_list.h"
#include "result/row.h"
#include "run/trial.h"

void record_counter_columns(struct columns *c, const struct counter_list *l);
void record_counters(struct row *row, const struct counter_list *l,
		     const struct trial *t);

/* What both ends count has a column each: "client_cycles_user". */
void record_end_column(char *buf, size_t cap, const char *end,
		       const char *name);

#endif
