#include "run/empty.h"

#include <stdio.h>
#include <string.h>

#include "machine/nic_counters.h"
#include "run/record.h"
#include "run/record_counters.h"

static void note(struct empty_columns *e, const char *column,
		 enum reason reason, const char *words)
{
	unsigned i;

	for (i = 0; i < e->n; i++)
		if (!strcmp(e->v[i].column, column))
			return;
	if (e->n == ROW_COLUMNS_MAX)
		return;
	snprintf(e->v[i].column, sizeof(e->v[i].column), "%s", column);
	snprintf(e->v[i].why, sizeof(e->v[i].why), "%s: %s",
		 reason_word(reason), words);
	e->n++;
}

static void note_counters(struct empty_columns *e, const struct counter_list *l,
			  const struct tally *t, const char *end)
{
	char column[COLUMN_NAME_MAX];
	enum reading_state state;
	unsigned i;

	for (i = 0; i < l->n; i++) {
		if (reading_has(&t->counter[i]))
			continue;
		state = (enum reading_state)t->counter[i].state;
		record_end_column(column, sizeof(column), end,
				  l->counter[i].name);
		/* A slot that nobody filled is a peer that knows fewer. */
		note(e, column,
		     state ? reading_reason(state) : REASON_PEER_VERSION,
		     reading_words(state));
	}
}

static void note_host_time(struct empty_columns *e, const struct tally *t,
			   const char *end)
{
	static const unsigned ids[] = {METRIC_HOST_BUSY_NS,
				       METRIC_HOST_SOFTIRQ_NS};
	char column[COLUMN_NAME_MAX];
	size_t i;

	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		if (tally_has(t, ids[i]))
			continue;
		record_end_column(column, sizeof(column), end,
				  metric_base[ids[i]].name);
		note(e, column, REASON_DEVICE_LIMIT,
		     "/proc/stat counts in ticks of 10 ms, which say nothing "
		     "of a measured part below 100 ms (or it is not there)");
	}
}

static void note_marks(struct empty_columns *e, const struct trial *t)
{
	enum reading_state why =
		t->link.caps.port ? READING_NOT_IN_NIC : READING_NO_RDMA;

	if (!((t->client.nic_marks | t->server.nic_marks) & NIC_MARKS_WATCHED))
		note(e, "nic_marks", reading_reason(why), reading_words(why));
}

/* Of the receiver, which counts the rate or says why there is none. */
static void note_rate(struct empty_columns *e, const struct tally *server)
{
	static const char *const columns[] = {"elapsed_ns", "ops_per_s",
					      "bw_bytes_per_s"};
	const enum reading_state why =
		(enum reading_state)server->why[METRIC_ELAPSED];
	size_t i;

	for (i = 0; why && i < sizeof(columns) / sizeof(columns[0]); i++)
		note(e, columns[i], reading_reason(why), reading_words(why));
}

static const char does_nothing[] = "this point does nothing that it measures";

/* All columns of a metric: a distribution has several. */
static void note_metric(struct empty_columns *e, const struct metric *m,
			const char *end, enum reading_state state)
{
	const enum reason reason =
		state ? reading_reason(state) : REASON_NOT_ASKED;
	const char *words = state ? reading_words(state) : does_nothing;
	char name[COLUMN_NAME_MAX], part[COLUMN_NAME_MAX];
	unsigned i;

	record_metric_column(name, sizeof(name), m, end);
	if (m->kind == METRIC_VALUE)
		note(e, name, reason, words);
	else
		for (i = 0; i < RECORD_DIST_COLUMNS; i++) {
			record_dist_column(part, sizeof(part), name, i);
			note(e, part, reason, words);
		}
}

static bool has_metric(const struct tally *t, const struct metric *m,
		       unsigned id)
{
	const struct hist *h = tally_dist_of(t, id);

	return m->kind == METRIC_VALUE ? tally_has(t, id) : h && h->count;
}

static void note_metrics(struct empty_columns *e, const struct scenario *scn,
			 const struct tally *t, enum metric_side side)
{
	const char *end = side == SIDE_CLIENT ? "client" : "server";
	unsigned i, id;

	for (i = 0; i < scn->n_metrics; i++) {
		id = METRIC_BASE_COUNT + i;
		if (scn->metrics[i].side & side &&
		    !has_metric(t, &scn->metrics[i], id))
			note_metric(e, &scn->metrics[i], end,
				    (enum reading_state)t->why[id]);
	}
	/* Those that any link may have are of both ends. */
	for (i = 0; i < METRIC_BASE_COUNT; i++)
		if (!tally_has(t, i) && t->why[i] && i != METRIC_ELAPSED)
			note_metric(e, &metric_base[i], end,
				    (enum reading_state)t->why[i]);
}

/* --- what the row has not ---------------------------------------------------*/

/* What only some links have. */
static const struct {
	const char *column, *words;
} of_links[] = {
	{"qp_type", "only RDMA links have queue pairs"},
	{"cm", "only RDMA links have a connection manager"},
	{"inline_bytes", "only RDMA links post data inline"},
	{"device", "this link is memory of one host"},
};

static bool note_of_link(struct empty_columns *e, const char *column,
			 const struct trial *t)
{
	size_t i;

	for (i = 0; i < sizeof(of_links) / sizeof(of_links[0]); i++) {
		if (strcmp(column, of_links[i].column) != 0)
			continue;
		note(e, column, REASON_NOT_IN_TRANSPORT,
		     t->link.caps.ops ? of_links[i].words
				      : "this point opens no link of a "
					"transport");
		return true;
	}
	return false;
}

/* An option whose value is a word, or nothing. */
static bool note_option(struct empty_columns *e, const char *column,
			const struct point *pt)
{
	struct point_group groups[POINT_GROUPS];
	char words[EMPTY_WHY_MAX], value[OPT_TEXT_MAX];
	unsigned i, k;

	point_groups(pt->scn, groups);
	for (i = 0; i < POINT_GROUPS; i++) {
		for (k = 0; k < groups[i].g->n; k++) {
			const struct opt *o = &groups[i].g->opts[k];

			if (!o->column || strcmp(column, o->column) != 0)
				continue;
			opt_format(o, (const char *)pt + groups[i].offset,
				   value, sizeof(value));
			snprintf(words, sizeof(words),
				 "no number was given: --%s %.100s", o->name,
				 value[0] ? value : "is not set");
			note(e, column, REASON_NOT_ASKED, words);
			return true;
		}
	}
	return false;
}

static void note_row(struct empty_columns *e, const struct plan_point *pp,
		     const struct trial *t, const struct row *row)
{
	unsigned i;

	for (i = 0; i < row->columns->n; i++) {
		const char *column = row->columns->name[i];

		if (row->cell[i][0] || !strcmp(column, "reason"))
			continue;
		if (!note_of_link(e, column, t) &&
		    !note_option(e, column, &pp->client))
			note(e, column, REASON_NOT_ASKED, does_nothing);
	}
}

void empty_note_trial(struct empty_columns *e, const struct plan_point *pp,
		      const struct trial *t, const struct row *row)
{
	struct counter_list list;
	struct err ignored;

	if (t->status != STATUS_OK)
		return;
	note_host_time(e, &t->client, "client");
	note_host_time(e, &t->server, "server");
	note_rate(e, &t->server);
	note_metrics(e, pp->client.scn, &t->client, SIDE_CLIENT);
	note_metrics(e, pp->client.scn, &t->server, SIDE_SERVER);
	/* It was parsed when the plan was made. */
	if (!counter_list_parse(&list, pp->client.trial.counters, &ignored)) {
		note_counters(e, &list, &t->client, "client");
		note_counters(e, &list, &t->server, "server");
		if (counter_list_has_nic(&list))
			note_marks(e, t);
	}
	note_row(e, pp, t, row);
}
