#include "run/record.h"

#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <string.h>

#include "result/schema.h"
#include "run/record_counters.h"

static const char *const columns_id[] = {
	"schema_version",
	"run_id",
	"scenario",
	"point",
};

static const char *const columns_point[] = {
	"transport", "qp_type",		"cm", "poll",	    "path",
	"device",    "software_device", "op", "size_bytes", "messages_per_op",
	"loop",
};

static const char *const columns_link[] = {
	"inline_bytes",
	"cpu_client",
	"cpu_server",
};

static const char *const columns_after[] = {
	"status",
	"reason",
	"samples",
	"warmup_ops",
	"headline",
	"lat_min_ns",
	"lat_mean_ns",
	"lat_stddev_ns",
	"lat_p50_ns",
	"lat_p90_ns",
	"lat_p99_ns",
	"lat_p99_9_ns",
	"lat_max_ns",
	"ops_per_s",
	"bw_bytes_per_s",
	"cpu_client_ns_per_op",
	"cpu_server_ns_per_op",
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

/* What a row says of a distribution; the mean, because only means add up to
 * the whole. */
static const struct {
	const char *name;
	double q; /* below 0: the mean */
} dist_parts[RECORD_DIST_COLUMNS] = {
	{"_mean_ns", -1},
	{"_p50_ns", 0.5},
	{"_p99_ns", 0.99},
};

static void add_all(struct columns *c, const char *const *names, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		columns_add(c, names[i]);
}

static bool own_column(unsigned id)
{
	/* These have columns of their own, or are derived. */
	return id != METRIC_OPS && id != METRIC_ELAPSED &&
	       id != METRIC_CPU_NS && id != METRIC_PAYLOAD;
}

void record_metric_column(char *buf, size_t cap, const struct metric *m,
			  const char *end)
{
	if (m->side == SIDE_BOTH)
		record_end_column(buf, cap, end, m->name);
	else
		snprintf(buf, cap, "%s", m->name);
}

void record_dist_column(char *buf, size_t cap, const char *name, unsigned i)
{
	snprintf(buf, cap, "%.*s%s", (int)(cap - 16), name, dist_parts[i].name);
}

static void add_metric_of(struct columns *c, const struct metric *m,
			  const char *end)
{
	char name[COLUMN_NAME_MAX], part[COLUMN_NAME_MAX];
	unsigned i;

	record_metric_column(name, sizeof(name), m, end);
	if (m->kind == METRIC_VALUE) {
		columns_add(c, name);
		return;
	}
	for (i = 0; i < RECORD_DIST_COLUMNS; i++) {
		record_dist_column(part, sizeof(part), name, i);
		columns_add(c, part);
	}
}

static void add_metric(struct columns *c, const struct metric *m)
{
	if (m->side & SIDE_CLIENT)
		add_metric_of(c, m, "client");
	if (m->side & SIDE_SERVER)
		add_metric_of(c, m, "server");
	if (m->side == SIDE_EITHER)
		add_metric_of(c, m, "");
}

static void add_metrics(struct columns *c, const struct scenario *scn)
{
	char name[COLUMN_NAME_MAX];
	unsigned i;

	columns_add(c, "elapsed_ns");
	for (i = 0; i < METRIC_BASE_COUNT; i++) {
		if (!own_column(i))
			continue;
		record_end_column(name, sizeof(name), "client",
				  metric_base[i].name);
		columns_add(c, name);
		record_end_column(name, sizeof(name), "server",
				  metric_base[i].name);
		columns_add(c, name);
	}
	for (i = 0; i < scn->n_metrics; i++)
		add_metric(c, &scn->metrics[i]);
	for (i = 0; i < scn->n_notes; i++)
		columns_add(c, scn->notes[i]);
}

static void add_point(struct columns *c, const struct scenario *scn)
{
	struct point_group groups[POINT_GROUPS];
	unsigned i, k;

	add_all(c, columns_point, COUNT(columns_point));
	point_groups(scn, groups);
	for (i = 0; i < POINT_GROUPS; i++)
		for (k = 0; k < groups[i].g->n; k++)
			if (groups[i].g->opts[k].column)
				columns_add(c, groups[i].g->opts[k].column);
	add_all(c, columns_link, COUNT(columns_link));
}

void record_columns(struct columns *c, const struct scenario *scn,
		    const struct counter_list *counters)
{
	memset(c, 0, sizeof(*c));
	add_all(c, columns_id, COUNT(columns_id));
	columns_add(c, "trial");
	add_point(c, scn);
	add_all(c, columns_after, COUNT(columns_after));
	add_metrics(c, scn);
	record_counter_columns(c, counters);
}

void record_point_columns(struct columns *c, const struct scenario *scn)
{
	memset(c, 0, sizeof(*c));
	add_all(c, columns_id, COUNT(columns_id));
	add_point(c, scn);
}

static void put_point(struct row *row, const struct point *pt)
{
	struct point_group groups[POINT_GROUPS];
	char value[OPT_TEXT_MAX];
	struct need need;
	unsigned i, k;

	pt->scn->need(pt->scn_cfg, &need);
	row_set(row, "scenario", "%s", pt->scn->name);
	if (!need.no_link) {
		row_set(row, "transport", "%s",
			link_transport(&pt->link)->name);
		if (link_transport(&pt->link)->qp_types)
			row_set(row, "qp_type", "%s",
				qp_type_names[pt->link.qp_type]);
		row_set(row, "poll", "%s", poll_mode_names[pt->link.poll]);
	}
	row_set(row, "op", "%s", need.op);
	row_set(row, "size_bytes", "%" PRIu64, need.size_bytes);
	row_set(row, "loop", "%s", need.open_loop ? "open" : "closed");
	point_groups(pt->scn, groups);
	for (i = 0; i < POINT_GROUPS; i++) {
		for (k = 0; k < groups[i].g->n; k++) {
			const struct opt *o = &groups[i].g->opts[k];

			if (!o->column)
				continue;
			opt_cell(o, (const char *)pt + groups[i].offset, value,
				 sizeof(value));
			row_set(row, o->column, "%s", value);
		}
	}
}

static void put_cpu(struct row *row, const char *column, unsigned cpu)
{
	if (cpu != UINT_MAX)
		row_set(row, column, "%u", cpu);
}

static void put_link(struct row *row, const struct trial_link *l)
{
	const struct caps *c = &l->caps;

	put_cpu(row, "cpu_client", l->cpu_client);
	put_cpu(row, "cpu_server", l->cpu_server);
	if (!c->ops)
		return; /* no link was ever opened */
	row_set(row, "cm", "%s", c->cm);
	row_set(row, "path", "%s", c->path);
	row_set(row, "device", "%s", c->device);
	row_set(row, "software_device", "%s",
		c->software_device ? "yes" : "no");
	if (c->qp_type[0])
		row_set(row, "inline_bytes", "%u", c->max_inline_bytes);
	if (l->messages_per_op)
		row_set(row, "messages_per_op", "%u", l->messages_per_op);
}

static void put_latency(struct row *row, const struct hist *h)
{
	static const struct {
		const char *column;
		double q;
	} quantiles[] = {
		{"lat_min_ns", 0},	 {"lat_p50_ns", 0.5},
		{"lat_p90_ns", 0.9},	 {"lat_p99_ns", 0.99},
		{"lat_p99_9_ns", 0.999}, {"lat_max_ns", 1},
	};
	size_t i;

	for (i = 0; i < COUNT(quantiles); i++)
		row_set(row, quantiles[i].column, "%" PRIu64,
			hist_quantile(h, quantiles[i].q));
	row_set(row, "lat_mean_ns", "%.1f", hist_mean(h));
	row_set(row, "lat_stddev_ns", "%.1f", hist_stddev(h));
}

/* All that was moved, unless credit, headers or answers of the tool's own
 * were among it: then whoever sent them says what was not. */
static uint64_t payload_bytes(const struct tally *t)
{
	if (tally_has(t, METRIC_PAYLOAD))
		return t->value[METRIC_PAYLOAD];
	return t->value[METRIC_BYTES_SENT] + t->value[METRIC_BYTES_RECV] +
	       t->value[METRIC_BYTES_ONE_SIDED];
}

/* A server that took the time itself counts where the rate is true: there
 * the operations arrive; or it knows that there is none. */
static const struct tally *counts_rate(const struct trial *t)
{
	return tally_has(&t->server, METRIC_ELAPSED) ||
			       t->server.why[METRIC_ELAPSED]
		       ? &t->server
		       : &t->client;
}

static double rate_of(const struct tally *t, double of)
{
	return of * 1e9 / (double)t->value[METRIC_ELAPSED];
}

void record_headlines(double value[HEADLINE_COUNT], const struct trial *t)
{
	const struct tally *r = counts_rate(t);

	value[HEADLINE_P50] = value[HEADLINE_RATE] = NAN;
	if (t->status != STATUS_OK)
		return;
	if (t->client.latency.count)
		value[HEADLINE_P50] =
			(double)hist_quantile(&t->client.latency, 0.5);
	if (tally_has(r, METRIC_ELAPSED))
		value[HEADLINE_RATE] = rate_of(r, (double)r->value[METRIC_OPS]);
}

static void put_rate(struct row *row, const struct tally *r)
{
	row_set(row, "elapsed_ns", "%" PRIu64, r->value[METRIC_ELAPSED]);
	row_set(row, "ops_per_s", "%.2f",
		rate_of(r, (double)r->value[METRIC_OPS]));
	row_set(row, "bw_bytes_per_s", "%.0f",
		rate_of(r, (double)payload_bytes(r)));
}

static void put_rates(struct row *row, const struct trial *t)
{
	const struct tally *r = counts_rate(t);
	double ops = (double)r->value[METRIC_OPS];

	if (tally_has(r, METRIC_ELAPSED))
		put_rate(row, r);
	row_set(row, "cpu_client_ns_per_op", "%.0f",
		(double)t->client.value[METRIC_CPU_NS] / ops);
	row_set(row, "cpu_server_ns_per_op", "%.0f",
		(double)t->server.value[METRIC_CPU_NS] / ops);
}

static void put_metrics(struct row *row, const struct tally *t, const char *end)
{
	char name[COLUMN_NAME_MAX];
	unsigned i;

	for (i = 0; i < METRIC_BASE_COUNT; i++) {
		if (!own_column(i) || !tally_has(t, i))
			continue;
		record_end_column(name, sizeof(name), end, metric_base[i].name);
		row_set(row, name, "%" PRIu64, t->value[i]);
	}
}

static void put_dist(struct row *row, const char *name, const struct hist *h)
{
	char column[COLUMN_NAME_MAX];
	unsigned i;

	for (i = 0; i < RECORD_DIST_COLUMNS; i++) {
		record_dist_column(column, sizeof(column), name, i);
		if (dist_parts[i].q < 0)
			row_set(row, column, "%.1f", hist_mean(h));
		else
			row_set(row, column, "%" PRIu64,
				hist_quantile(h, dist_parts[i].q));
	}
}

static void put_metric(struct row *row, const struct metric *m, unsigned id,
		       const struct tally *t, const char *end)
{
	const struct hist *h = tally_dist_of(t, id);
	char name[COLUMN_NAME_MAX];

	record_metric_column(name, sizeof(name), m, end);
	if (m->kind == METRIC_VALUE && tally_has(t, id))
		row_set(row, name, "%" PRIu64, t->value[id]);
	else if (m->kind == METRIC_DIST && h && h->count)
		put_dist(row, name, h);
}

static void put_own_metrics(struct row *row, const struct scenario *scn,
			    const struct trial *t)
{
	unsigned i;

	for (i = 0; i < scn->n_metrics; i++) {
		const struct metric *m = &scn->metrics[i];
		const unsigned id = METRIC_BASE_COUNT + i;

		if (m->side & (SIDE_CLIENT | SIDE_EITHER))
			put_metric(row, m, id, &t->client, "client");
		if (m->side & (SIDE_SERVER | SIDE_EITHER))
			put_metric(row, m, id, &t->server, "server");
	}
}

static void put_measured(struct row *row, const struct plan_point *pp,
			 const struct trial *t)
{
	struct need need;
	unsigned i;

	pp->client.scn->need(pp->client.scn_cfg, &need);
	row_set(row, "headline", "%s", headline_info[need.headline].column);
	row_set(row, "samples", "%" PRIu64, t->client.latency.count);
	row_set(row, "warmup_ops", "%" PRIu64, t->warmup_ops);
	if (t->client.latency.count)
		put_latency(row, &t->client.latency);
	put_rates(row, t);
	put_metrics(row, &t->client, "client");
	put_metrics(row, &t->server, "server");
	put_own_metrics(row, pp->client.scn, t);
	for (i = 0; i < pp->client.scn->n_notes; i++)
		row_set(row, pp->client.scn->notes[i], "%s", t->notes[i]);
}

/* --- a row a peer ---------------------------------------------------------- */

static const enum metric_id peer_counts[] = {
	METRIC_SENDS,
	METRIC_RECVS,
	METRIC_BYTES_SENT,
	METRIC_BYTES_RECV,
};

void record_peer_columns(struct columns *c, const struct scenario *scn)
{
	unsigned i;

	memset(c, 0, sizeof(*c));
	add_all(c, columns_id, COUNT(columns_id));
	columns_add(c, "trial");
	add_point(c, scn);
	columns_add(c, "peer");
	columns_add(c, "host");
	columns_add(c, "cpu_ns_per_op");
	for (i = 0; i < COUNT(peer_counts); i++)
		columns_add(c, metric_base[peer_counts[i]].name);
	for (i = 0; i < scn->n_metrics; i++)
		if (scn->metrics[i].side & SIDE_SERVER)
			add_metric_of(c, &scn->metrics[i], "server");
}

static void put_peer_counts(struct row *row, const struct tally *t,
			    uint64_t ops)
{
	size_t i;

	if (ops)
		row_set(row, "cpu_ns_per_op", "%.0f",
			(double)t->value[METRIC_CPU_NS] / (double)ops);
	for (i = 0; i < COUNT(peer_counts); i++)
		row_set(row, metric_base[peer_counts[i]].name, "%" PRIu64,
			t->value[peer_counts[i]]);
}

void record_peer(struct row *row, const struct record_id *id,
		 const struct plan_point *pp, const struct trial *t,
		 unsigned peer)
{
	const struct scenario *scn = pp->client.scn;
	const struct tally *tally = &t->peer[peer];
	unsigned i;

	record_point(row, id, pp, &t->link);
	row_set(row, "trial", "%u", id->trial);
	row_set(row, "peer", "%u", peer + 1);
	row_set(row, "host", "%s", t->peer_host[peer]);
	put_peer_counts(row, tally, t->client.value[METRIC_OPS]);
	for (i = 0; i < scn->n_metrics; i++)
		if (scn->metrics[i].side & SIDE_SERVER)
			put_metric(row, &scn->metrics[i], METRIC_BASE_COUNT + i,
				   tally, "server");
}

void record_point(struct row *row, const struct record_id *id,
		  const struct plan_point *pp, const struct trial_link *l)
{
	row_set(row, "schema_version", "%d", SCHEMA_VERSION);
	row_set(row, "run_id", "%s", id->run_id);
	row_set(row, "point", "%u", pp->id);
	put_point(row, &pp->client);
	put_link(row, l);
}

void record_row(struct row *row, const struct record_id *id,
		const struct plan_point *pp, const struct trial *t)
{
	record_point(row, id, pp, &t->link);
	row_set(row, "trial", "%u", id->trial);
	row_set(row, "status", "%s", status_names[t->status]);
	if (t->status != STATUS_OK) {
		row_set(row, "reason", "%s: %s", reason_word(t->why.reason),
			t->why.text);
		return;
	}
	put_measured(row, pp, t);
	record_counters(row, id->counters, t);
}
