/* How the results of oplog are shown and judged. */
#include <math.h>
#include <string.h>

#include "report/plots.h"
#include "report/report.h"
#include "report/told.h"
#include "reports.h"
#include "rlog/format.h"

#define LATENCY                                                                \
	{                                                                      \
		{"lat_p50_ns", "p50", 1e3},                                    \
		{                                                              \
			"lat_p99_ns", "p99", 1e3                               \
		}                                                              \
	}

/* Quantiles of one size as points of a distribution, and the share of the
 * writes that took longer. */
static const double slower[] = {1, 0.5, 0.1, 0.01, 0.001};
#define QUANTILES                                                              \
	{                                                                      \
		{"lat_min_ns", "min", 1e3}, {"lat_p50_ns", "p50", 1e3},        \
			{"lat_p90_ns", "p90", 1e3},                            \
			{"lat_p99_ns", "p99", 1e3},                            \
		{                                                              \
			"lat_p99_9_ns", "p99.9", 1e3                           \
		}                                                              \
	}

enum { CDF_SIZE = 4096 };

static void write_cdf(FILE *f, const struct report_view *view,
		      const struct series *s)
{
	const struct series_point *p = series_at(s, CDF_SIZE);
	size_t i;

	(void)view;
	for (i = 0; i < sizeof(slower) / sizeof(slower[0]); i++)
		if (p && p->y[i] > 0)
			fprintf(f, "%.6g\t%.6g\t%u\n", p->y[i], slower[i],
				p->trials);
}

static bool has_cdf(const struct report_view *view, const struct series *s)
{
	(void)view;
	return series_at(s, CDF_SIZE) != NULL;
}

static const struct report_figure figures[] = {
	{
		.name = "oplog_latency",
		.title = "A log write, acknowledged by two replicas",
		.script = plot_oplog_latency,
		.axes = {.x = "size_bytes", .x_label = "bytes", .y = LATENCY},
		.where = {{"rf", "2"},
			  {"outstanding", "1"},
			  {"peer_load_percent", "0"}},
		.min_points = 2,
		.columns = "size_bytes p50_us p99_us trials",
	},
	{
		.name = "oplog_cdf",
		.title = "How the latency of a log write is distributed",
		.script = plot_oplog_cdf,
		.axes = {.x = "size_bytes", .x_label = "bytes", .y = QUANTILES},
		.where = {{"rf", "2"},
			  {"outstanding", "1"},
			  {"peer_load_percent", "0"}},
		.shows = has_cdf,
		.write = write_cdf,
		.columns = "us slower trials",
	},
	{
		.name = "oplog_replicas",
		.title = "A log write by the number of replicas",
		.script = plot_oplog_replicas,
		.axes = {.x = "rf", .x_label = "replicas", .y = LATENCY},
		.where = {{"size_bytes", "4096"},
			  {"outstanding", "1"},
			  {"peer_load_percent", "0"},
			  {"log_bytes", "8388608"}},
		.write = report_write_interval,
		.columns = "rf p50_us p50_low_us p50_high_us p99_us trials",
	},
	{
		.name = "oplog_throughput",
		.title = "Latency against throughput, by writers",
		.script = plot_oplog_throughput,
		.axes = {.x = "outstanding",
			 .x_label = "writers",
			 .y = {{"ops_per_s", "writes/s", 1e3},
			       {"lat_p50_ns", "p50", 1e3}}},
		.where = {{"size_bytes", "4096"},
			  {"rf", "2"},
			  {"peer_load_percent", "0"}},
		.min_points = 2,
		.columns = "outstanding kwrites_per_s p50_us trials",
	},
	{
		.name = "oplog_peer_load",
		.title = "A log write by how busy the peer's CPU is",
		.script = plot_oplog_peer_load,
		.axes = {.x = "peer_load_percent",
			 .x_label = "percent",
			 .linear = true,
			 .y = {{"lat_mean_ns", "mean", 1e3},
			       {"lat_p50_ns", "p50", 1e3}}},
		.where = {{"size_bytes", "4096"},
			  {"rf", "2"},
			  {"outstanding", "1"}},
		.min_points = 2,
		.columns = "peer_load_percent mean_us p50_us trials",
	},
	{
		.name = "oplog_stack",
		.title = "Where the time of a log write goes",
		.script = plot_oplog_stack,
		.axes = {.x = "size_bytes",
			 .x_label = "bytes",
			 .y = {{"encode_mean_ns", "encode", 1e3},
			       {"post_mean_ns", "post", 1e3},
			       {"append_mean_ns", "append", 1e3},
			       {"persist_mean_ns", "persist", 1e3},
			       {"wait_mean_ns", "wait", 1e3}}},
		.where = {{"rf", "2"},
			  {"outstanding", "1"},
			  {"peer_load_percent", "0"}},
		.columns = "size_bytes encode_us post_us append_us persist_us "
			   "wait_us trials",
	},
	{
		.name = "oplog_recovery",
		.title = "Recovery by the bytes of log that it reads",
		.script = plot_oplog_recovery,
		.axes = {.x = "log_bytes",
			 .x_label = "bytes",
			 .y = {{"client_recovery_ns", "scan", 1e6},
			       {"client_recovery_bytes", "scanned", 1}}},
		.where = {{"rf", "1"}},
		.min_points = 2,
		.write = report_write_interval,
		.columns = "log_bytes scan_ms scan_low_ms scan_high_ms "
			   "scanned_bytes trials",
	},
};

static const struct report_equal equals[] = {
	REPORT_EQUAL_MESSAGES,
	{"every replica holds the same last record", "client_recovered",
	 "server_recovered"},
	{"and the same log up to it", "client_recovered_crc",
	 "server_recovered_crc"},
};

/* Each record goes to each peer once, whatever else goes along. */
static bool wire(const struct check *c, size_t row, struct report_bounds *b)
{
	b->is = check_number(c, row, "wire_bytes");
	b->least = check_number(c, row, "samples") *
		   check_number(c, row, "size_bytes") *
		   (check_number(c, row, "rf") - 1);
	b->most = INFINITY;
	return true;
}

/* Where a CPU makes a copy durable, it wrote back every line of it: a replica
 * that acknowledges without is found here, for DRAM would not tell. */
static bool written_back(const struct check *c, size_t row,
			 struct report_bounds *b)
{
	const double rf = check_number(c, row, "rf");
	const char *method = check_cell(c, row, "method");
	const bool by_cpu = !strcmp(method, "tcp") || !strcmp(method, "send") ||
			    !strcmp(method, "write-imm");
	const double bytes = check_number(c, row, "size_bytes");
	uint64_t lines;

	if (isnan(bytes))
		return false;
	lines = rlog_record_bytes((uint64_t)bytes) / RLOG_ALIGN;
	b->is = check_number(c, row, "client_lines_flushed");
	if (by_cpu)
		b->is += check_number(c, row, "server_lines_flushed");
	b->least = check_number(c, row, "samples") * (by_cpu ? rf : 1) *
		   (double)lines;
	b->most = INFINITY;
	return true;
}

/* What the leader's one thread does for a batch, and how often. */
enum {
	OF_RATE,
	OF_BATCHES,
	OF_SAMPLES,
	OF_WRITERS,
	OF_LEADER,
	OF_PEER,
	OF_STAGES
};
static const struct series_axes by_writers = {
	.x = "outstanding",
	.x_label = "writers",
	.y = {[OF_RATE] = {.column = "ops_per_s", .label = "writes/s"},
	      [OF_BATCHES] = {.column = "batches", .label = "batches"},
	      [OF_SAMPLES] = {.column = "samples", .label = "writes"},
	      [OF_WRITERS] = {.column = "writers", .label = "writers"},
	      [OF_LEADER] = {.column = "client_idle_looks", .label = "idle"},
	      [OF_PEER] = {.column = "server_idle_looks", .label = "idle"},
	      {.column = "encode_mean_ns", .label = "encoding"},
	      {.column = "post_mean_ns", .label = "posting"},
	      {.column = "append_mean_ns", .label = "appending"},
	      {.column = "persist_mean_ns", .label = "persisting"}},
};

/* A thread that polls is busy in any case: it is full when there is no time
 * left in which it only polls, or when it finds something to do whenever it
 * looks.  Completions that it takes are not in the stages. */
static const double full = 0.9;

/* The share of its time in `*most` of the stages, and in all of them. */
static double leader_share(const struct series_point *p, unsigned *most)
{
	const double batches_per_ns =
		p->y[OF_RATE] * p->y[OF_BATCHES] / p->y[OF_SAMPLES] / 1e9;
	double sum = 0;
	unsigned i;

	*most = OF_STAGES;
	for (i = OF_STAGES; by_writers.y[i].column; i++) {
		sum += p->y[i];
		if (p->y[i] > p->y[*most])
			*most = i;
	}
	/* Medians of trials that were not alike may make more of it. */
	return sum * batches_per_ns > 1 ? 1 : sum * batches_per_ns;
}

static bool hardly_idle(const struct series_point *p, unsigned looks)
{
	return p->y[looks] <= (1 - full) * p->y[OF_BATCHES];
}

static const char *what_is_full(const struct series_point *p, double share)
{
	const bool leader = share >= full || hardly_idle(p, OF_LEADER);

	if (hardly_idle(p, OF_PEER))
		return leader ? "the CPUs of leader and peer are full"
			      : "the peer's CPU is full";
	if (leader)
		return "the leader's CPU is full";
	return p->y[OF_WRITERS] < p->x
		       ? "the queue pair's limit of reads and atomics "
			 "(--rd-atomic) is full"
		       : "nothing that was measured is full";
}

/* Is the rate higher there than here? */
static int rate_rises(const struct series_set *set, const struct series *s,
		      enum check_answer *answer)
{
	struct told_set one = {.n = 0};
	const struct told ends = {.base = s,
				  .other = s,
				  .base_x = s->points[0].x,
				  .other_x = s->points[s->n - 1].x,
				  .y = OF_RATE};
	int ret = told_add(&one, set, &ends);

	if (!ret)
		ret = told_settle(&one, set);
	if (!ret && one.n)
		*answer = one.v[0].sign > 0   ? CHECK_YES
			  : one.v[0].sign < 0 ? CHECK_NO
					      : CHECK_UNTOLD;
	told_fini(&one);
	return ret;
}

/* In one series: what more writers gain, and what is full with the most. */
static int say_full(struct check *c, const struct series_set *set,
		    const struct series *s)
{
	const struct series_point *one = &s->points[0];
	const struct series_point *p = &s->points[s->n - 1];
	unsigned most;
	const double share = leader_share(p, &most);
	struct check_line *l;

	if (isnan(share))
		return 0;
	l = check_add(c, CHECK_HARDWARE,
		      "writes/s grow with the writers until something is full");
	snprintf(l->where, sizeof(l->where),
		 "%.60s: %.3g times as many with %.0f as with %.0f; %s; the "
		 "leader's thread spends %.0f %% of its time on writes, the "
		 "most of it %s",
		 s->label, p->y[OF_RATE] / one->y[OF_RATE], p->x, one->x,
		 what_is_full(p, share), 100 * share, by_writers.y[most].label);
	return rate_rises(set, s, &l->answer);
}

static int writers_fill(struct check *c, const struct report_rule *rule,
			struct err *err)
{
	struct series_set set;
	size_t i;
	int ret = series_init(&set, c->table, &by_writers, err);

	(void)rule;
	if (ret)
		return ret;
	for (i = 0; !ret && i < set.n; i++)
		if (set.v[i].n > 1)
			ret = say_full(c, &set, &set.v[i]);
	series_fini(&set);
	return ret ? err_sys(err, ret, "check") : 0;
}

static const struct report_rule rules[] = {
	{CHECK_HARDWARE, "writes/s grow with the writers", .run = writers_fill},
	{CHECK_EXACT, "bytes on the wire: size x (RF - 1) and headers",
	 report_rule_rows, .row = wire},
	{CHECK_EXACT,
	 "lines written back: every record, by each CPU that has "
	 "a copy",
	 report_rule_rows, .row = written_back},
	{CHECK_EXACT, "bytes a second are payload: records x size",
	 report_rule_rows, .row = report_row_payload},
	{CHECK_STATISTICAL, "p50 does not fall as size grows by 4",
	 .run = report_rule_rising},
};

#define ONE_WRITE                                                              \
	{"rf", "2"}, {"outstanding", "1"},                                     \
	{                                                                      \
		"peer_load_percent", "0"                                       \
	}

/* Each kind of durability by itself: to compare across them would hide what
 * the cheaper one leaves out. */
static const struct report_sentence sentences[] = {
	{.say = SAY_BEST,
	 .words = "a write that is durable in two logs is cheapest by",
	 .where = {ONE_WRITE, {"durable", "yes"}}},
	{.say = SAY_BEST,
	 .words = "a write to two logs whose durability is only emulated is "
		  "cheapest by",
	 .where = {ONE_WRITE, {"durable", "emulated"}}},
	{.say = SAY_BEST,
	 .words = "a write to two logs whose durability is not known is "
		  "cheapest by",
	 .where = {ONE_WRITE, {"durable", "unknown"}}},
};

/* One copy, in a peer's persistent memory: no log, and none of it here. */
#define RPMA                                                                   \
	"Intel, RPMA performance report 2021 (Cascade Lake, ConnectX-5, "      \
	"Optane): means in microseconds of a write to one peer's persistent "  \
	"memory"
#define RPMA_OF(name, values, ...)                                             \
	{                                                                      \
		RPMA, name, {{"rf", "2"}, {"outstanding", "1"}, __VA_ARGS__},  \
			rpma_sizes, values, RPMA_SIZES                         \
	}

enum { RPMA_SIZES = 3 };
static const double rpma_sizes[RPMA_SIZES] = {256, 4096, 65536};
static const double rpma_read[RPMA_SIZES] = {4.30, 4.44, 12.46};
static const double rpma_send_spin[RPMA_SIZES] = {4.74, 5.57, 19.77};
static const double rpma_send_event[RPMA_SIZES] = {6.87, 7.70, 23.61};

static const struct report_reference references[] = {
	RPMA_OF("write-read", rpma_read, {"method", "write-read"}),
	RPMA_OF("send, spin", rpma_send_spin, {"method", "send"},
		{"poll", "spin"}),
	RPMA_OF("send, event", rpma_send_event, {"method", "send"},
		{"poll", "event"}),
};

const struct report report_oplog = {
	.measure = "acknowledged write in microseconds",
	.axes = {.x = "size_bytes", .x_label = "bytes", .y = LATENCY},
	.conditions = {"poll", "commit", "durable", "memory"},
	.figures = figures,
	.n_figures = sizeof(figures) / sizeof(figures[0]),
	.equals = equals,
	.n_equals = sizeof(equals) / sizeof(equals[0]),
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.sentences = sentences,
	.n_sentences = sizeof(sentences) / sizeof(sentences[0]),
	.references = references,
	.n_references = sizeof(references) / sizeof(references[0]),
};
