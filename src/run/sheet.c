#include "run/sheet.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "result/reader.h"
#include "run/past.h"
#include "run/record.h"
#include "run/scenario.h"

#define NO_ROW ((size_t)-1)
/* Between two trials, and no oftener than this, files are brought to disk:
 * what was measured since is what a power cut may take. */
#define SYNC_NS 1000000000ull

/* A point's, beside what its trials say. */
struct point_link {
	size_t past_row;	/* in the table of the past; NO_ROW: none */
	struct trial_link link; /* of its last trial */
};

struct sheet {
	char dir[512];
	const char *run_id;
	const struct plan *plan;
	const struct stop_rule *rule;
	struct columns columns, hist_columns, peer_columns;
	struct csvfile csv, hist, peers;
	struct row trial; /* the last one's */
	struct row row;
	struct counter_list counters;
	uint64_t rows;
	uint64_t synced_ns; /* clock_raw_ns() */
	struct point_stats *points;
	struct point_link *links;
	struct reader_table *past; /* rows of an earlier part; or NULL */
};

static int create(struct sheet *s, struct csvfile *csv, const char *suffix,
		  const struct columns *c, struct err *err)
{
	char path[700];

	snprintf(path, sizeof(path), "%s/%s%s", s->dir, s->plan->scn->name,
		 suffix);
	return csvfile_create(csv, path, c, err);
}

static void remove_file(const struct sheet *s, const char *suffix)
{
	char path[700];

	snprintf(path, sizeof(path), "%s/%s%s", s->dir, s->plan->scn->name,
		 suffix);
	unlink(path);
}

static enum headline headline_of(const struct plan_point *pp)
{
	struct need need;

	pp->client.scn->need(pp->client.scn_cfg, &need);
	return need.headline;
}

static int allocate(struct sheet *s, struct err *err)
{
	unsigned i, n = s->plan->n_points;
	int ret = 0;

	s->points = calloc(n, sizeof(*s->points));
	s->links = calloc(n, sizeof(*s->links));
	if (!s->points || !s->links)
		return err_sys(err, -ENOMEM, "%u points", n);
	for (i = 0; !ret && i < n; i++) {
		s->links[i].past_row = NO_ROW;
		ret = point_stats_init(&s->points[i], s->rule,
				       headline_of(&s->plan->points[i]));
	}
	return ret ? err_sys(err, ret, "%u points", n) : 0;
}

static void hist_columns(struct columns *c)
{
	columns_add(c, "row");
	columns_add(c, "bucket_low_ns");
	columns_add(c, "bucket_high_ns");
	columns_add(c, "count");
}

static int new_sheet(struct sheet **sheet, const char *dir, const char *run_id,
		     const struct plan *plan, struct err *err)
{
	struct sheet *s = calloc(1, sizeof(*s));
	int ret;

	*sheet = s;
	if (!s)
		return err_sys(err, -ENOMEM, "results");
	snprintf(s->dir, sizeof(s->dir), "%s", dir);
	s->run_id = run_id;
	s->plan = plan;
	s->csv.fd = s->hist.fd = s->peers.fd = -1;
	ret = counter_list_parse(&s->counters,
				 plan->proto.client.trial.counters, err);
	if (!ret)
		record_columns(&s->columns, plan->scn, &s->counters);
	hist_columns(&s->hist_columns);
	return ret;
}

static int create_peers(struct sheet *s, struct err *err)
{
	if (!s->plan->scn->peers_csv)
		return 0;
	record_peer_columns(&s->peer_columns, s->plan->scn);
	return create(s, &s->peers, ".peers.csv", &s->peer_columns, err);
}

static int create_files(struct sheet *s, struct err *err)
{
	int ret = create(s, &s->csv, ".csv", &s->columns, err);

	if (!ret)
		ret = create(s, &s->hist, ".hist.csv", &s->hist_columns, err);
	return ret ? ret : create_peers(s, err);
}

int sheet_open(struct sheet **sheet, const char *dir, const char *run_id,
	       const struct plan *plan, const struct stop_rule *rule,
	       struct err *err)
{
	int ret = new_sheet(sheet, dir, run_id, plan, err);

	if (!ret) {
		(*sheet)->rule = rule;
		ret = allocate(*sheet, err);
	}
	if (!ret)
		ret = create_files(*sheet, err);
	if (!ret)
		return 0;
	sheet_close(*sheet);
	*sheet = NULL;
	return ret;
}

void sheet_close(struct sheet *s)
{
	unsigned i;

	if (!s)
		return;
	for (i = 0; s->points && i < s->plan->n_points; i++)
		point_stats_fini(&s->points[i]);
	free(s->points);
	free(s->links);
	reader_free(s->past);
	csvfile_close(&s->csv);
	csvfile_close(&s->hist);
	csvfile_close(&s->peers);
	free(s);
}

/* Row numbers count from 1, the header not among them. */
static int write_hist(struct sheet *s, const struct hist *h, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && i < HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		row_init(&s->row, &s->hist_columns);
		row_set(&s->row, "row", "%" PRIu64, s->rows);
		row_set(&s->row, "bucket_low_ns", "%" PRIu64, hist_low(i));
		row_set(&s->row, "bucket_high_ns", "%" PRIu64, hist_low(i + 1));
		row_set(&s->row, "count", "%" PRIu64, h->bucket[i]);
		ret = csvfile_write(&s->hist, &s->row, err);
	}
	return ret;
}

static void update(struct sheet *s, unsigned point, const struct trial *t)
{
	double value[HEADLINE_COUNT];

	s->links[point].link = t->link;
	record_headlines(value, t);
	point_stats_note(&s->points[point], t->status, value);
}

static int write_peers(struct sheet *s, const struct record_id *id,
		       const struct plan_point *pp, const struct trial *t,
		       struct err *err)
{
	const unsigned n = trial_peer_rows(pp);
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && i < n; i++) {
		row_init(&s->row, &s->peer_columns);
		record_peer(&s->row, id, pp, t, i);
		ret = csvfile_write(&s->peers, &s->row, err);
	}
	return ret;
}

static int write_trial(struct sheet *s, const struct record_id *id,
		       const struct plan_point *pp, const struct trial *t,
		       struct err *err)
{
	int ret;

	row_init(&s->trial, &s->columns);
	record_row(&s->trial, id, pp, t);
	ret = csvfile_write(&s->csv, &s->trial, err);
	if (!ret)
		ret = csvfile_check(&s->csv, err);
	if (ret || t->status != STATUS_OK)
		return ret;
	if (pp->client.scn->peers_csv)
		ret = write_peers(s, id, pp, t, err);
	return ret ? ret : write_hist(s, &t->client.latency, err);
}

/* A disk that is gone, or was promised more than there is, says so only here.
 * Rows come last: one without its histogram would not count. */
static int sync_files(struct sheet *s, struct err *err)
{
	const struct csvfile *const files[] = {&s->hist, &s->peers, &s->csv};
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && i < 3; i++)
		ret = csvfile_sync(files[i], err);
	s->synced_ns = clock_raw_ns();
	return ret;
}

/* A row without its whole histogram would be half a trial. */
int sheet_add(struct sheet *s, const struct plan_point *pp, unsigned number,
	      const struct trial *t, struct err *err)
{
	const struct record_id id = {
		.run_id = s->run_id, .trial = number, .counters = &s->counters};
	struct csvfile *const files[] = {&s->csv, &s->hist, &s->peers};
	off_t end[3];
	unsigned i;
	int ret;

	for (i = 0; i < 3; i++)
		end[i] = csvfile_end(files[i]);
	s->rows++;
	ret = write_trial(s, &id, pp, t, err);
	if (!ret && clock_raw_ns() - s->synced_ns >= SYNC_NS)
		ret = sync_files(s, err);
	if (!ret) {
		update(s, pp->id, t);
		return 0;
	}
	s->rows--;
	for (i = 0; i < 3; i++)
		csvfile_cut(files[i], end[i]);
	return ret;
}

const struct row *sheet_row(const struct sheet *s)
{
	return &s->trial;
}

bool sheet_wants(const struct sheet *s, const struct plan_point *pp)
{
	return s->points[pp->id].state == POINT_OPEN;
}

unsigned sheet_open_points(const struct sheet *s)
{
	unsigned i, n = 0;

	for (i = 0; i < s->plan->n_points; i++)
		n += sheet_wants(s, &s->plan->points[i]);
	return n;
}

unsigned sheet_tried(const struct sheet *s, const struct plan_point *pp)
{
	return s->points[pp->id].tried;
}

/* Of a point that was finished before, the rows know the link. */
static void put_past_link(struct sheet *s, const struct point_link *p)
{
	static const char *const names[] = {
		"cm",
		"path",
		"device",
		"software_device",
		"poll",
		"inline_bytes",
		"cpu_client",
		"cpu_server",
		"messages_per_op",
	};
	size_t i;

	if (p->past_row == NO_ROW || p->link.caps.ops)
		return;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		row_set(&s->row, names[i], "%s",
			reader_cell(s->past, p->past_row,
				    reader_column(s->past, names[i])));
}

static int write_point(struct sheet *s, struct csvfile *csv,
		       const struct columns *c, unsigned i, struct err *err)
{
	const struct point_link *p = &s->links[i];
	struct record_id id = {.run_id = s->run_id};

	row_init(&s->row, c);
	record_point(&s->row, &id, &s->plan->points[i], &p->link);
	put_past_link(s, p);
	point_stats_put(&s->points[i], &s->row);
	return csvfile_write(csv, &s->row, err);
}

int sheet_write_points(struct sheet *s, struct err *err)
{
	struct columns *c = calloc(1, sizeof(*c));
	struct csvfile csv = {.fd = -1};
	unsigned i;
	int ret;

	if (!c)
		return err_sys(err, -ENOMEM, "points");
	record_point_columns(c, s->plan->scn);
	point_stats_columns(c);
	if (s->past)
		remove_file(s, ".points.csv");
	ret = create(s, &csv, ".points.csv", c, err);
	for (i = 0; !ret && i < s->plan->n_points; i++)
		if (s->points[i].tried)
			ret = write_point(s, &csv, c, i, err);
	if (!ret)
		ret = sync_files(s, err);
	if (!ret)
		ret = csvfile_sync(&csv, err);
	csvfile_close(&csv);
	if (ret)
		remove_file(s, ".points.csv"); /* of some points only */
	free(c);
	return ret;
}

/* --- going on ---------------------------------------------------------------*/

static void count_past(struct run_counts *c, enum status status,
		       const char *reason)
{
	char word[40];

	c->ok += status == STATUS_OK;
	c->unsupported += status == STATUS_UNSUPPORTED;
	if (status != STATUS_FAILED || c->failed++)
		return;
	snprintf(word, sizeof(word), "%.*s", (int)strcspn(reason, ": "),
		 reason);
	err_set(&c->first_failure, 0, reason_parse(word), "%.400s", reason);
}

static int take_row(struct sheet *s, size_t row, struct run_counts *counts,
		    struct err *err)
{
	double id = past_number(s->past, row, "point");
	unsigned status = past_status(s->past, row);
	double value[HEADLINE_COUNT];
	unsigned i;

	if (!(id >= 0 && id < s->plan->n_points) ||
	    s->points[(unsigned)id].tried >= s->rule->max)
		return err_set(err, -EINVAL, REASON_IO_ERROR,
			       "%s:%zu: not a point of this plan",
			       reader_file(s->past), reader_line(s->past, row));
	s->links[(unsigned)id].past_row = row;
	for (i = 0; i < HEADLINE_COUNT; i++) {
		value[i] = past_number(s->past, row, headline_info[i].column);
		if (value[i] < 0)
			value[i] = NAN;
	}
	point_stats_note(&s->points[(unsigned)id], status, value);
	count_past(counts, status,
		   reader_cell(s->past, row, reader_column(s->past, "reason")));
	return 0;
}

static int reopen(struct sheet *s, struct csvfile *csv, const char *suffix,
		  const struct columns *c, size_t rows, struct err *err)
{
	char path[700];

	snprintf(path, sizeof(path), "%s/%s%s", s->dir, s->plan->scn->name,
		 suffix);
	return csvfile_resume(csv, path, c, rows, err);
}

/* A row a peer of each trial that was ok. */
static int reopen_peers(struct sheet *s, size_t rows, struct err *err)
{
	size_t row, n = 0;
	unsigned id;

	if (!s->plan->scn->peers_csv)
		return 0;
	for (row = 0; row < rows; row++) {
		id = (unsigned)past_number(s->past, row, "point");
		if (past_status(s->past, row) == STATUS_OK)
			n += trial_peer_rows(&s->plan->points[id]);
	}
	record_peer_columns(&s->peer_columns, s->plan->scn);
	return reopen(s, &s->peers, ".peers.csv", &s->peer_columns, n, err);
}

static int take_past(struct sheet *s, const struct reader_table *hist,
		     struct run_counts *counts, struct err *err)
{
	size_t rows, hist_rows, row;
	int ret = 0;

	past_count_whole(s->past, hist, &rows, &hist_rows);
	for (row = 0; !ret && row < rows; row++)
		ret = take_row(s, row, counts, err);
	s->rows = rows;
	if (!ret)
		ret = reopen(s, &s->csv, ".csv", &s->columns, rows, err);
	if (!ret)
		ret = reopen(s, &s->hist, ".hist.csv", &s->hist_columns,
			     hist_rows, err);
	return ret ? ret : reopen_peers(s, rows, err);
}

/* Both files are created before the first row: one without the other is an
 * interruption between the two, with nothing lost. */
static int read_past(struct sheet *s, struct reader_table **hist,
		     struct err *err)
{
	char path[700];
	int ret;

	snprintf(path, sizeof(path), "%s/%s.hist.csv", s->dir,
		 s->plan->scn->name);
	ret = reader_read(path, READER_SKIP_PARTIAL, hist, err);
	if (ret)
		return ret;
	snprintf(path, sizeof(path), "%s/%s.csv", s->dir, s->plan->scn->name);
	return reader_read(path, READER_SKIP_PARTIAL, &s->past, err);
}

static int resume(struct sheet *s, struct run_counts *counts, struct err *err)
{
	struct reader_table *hist = NULL;
	int ret = allocate(s, err);

	if (ret)
		return ret;
	ret = read_past(s, &hist, err);
	if (ret == -ENOENT) {
		remove_file(s, ".csv");
		remove_file(s, ".hist.csv");
		remove_file(s, ".peers.csv");
		ret = create_files(s, err);
	} else if (!ret) {
		ret = take_past(s, hist, counts, err);
	}
	reader_free(hist);
	return ret;
}

int sheet_resume(struct sheet **sheet, const char *dir, const char *run_id,
		 const struct plan *plan, const struct stop_rule *rule,
		 struct run_counts *counts, struct err *err)
{
	int ret = new_sheet(sheet, dir, run_id, plan, err);

	if (!ret) {
		(*sheet)->rule = rule;
		ret = resume(*sheet, counts, err);
	}
	if (!ret)
		return 0;
	sheet_close(*sheet);
	*sheet = NULL;
	return ret;
}
