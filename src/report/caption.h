/*
 * The small print under a figure's title: what was measured where, so that a
 * figure that travels without its folder still says it.
 */
#ifndef REPORT_CAPTION_H
#define REPORT_CAPTION_H

#include <stdbool.h>

#include "base/err.h"
#include "report/series.h"
#include "result/reader.h"

enum {
	CAPTION_LINES = 5,
	CAPTION_HOSTS = 4,
	CAPTION_COLUMNS = 140,
	CAPTION_BYTES = 4 * CAPTION_COLUMNS + 8,
};

enum { RUN_CLIENT, RUN_SERVER, RUN_ENDS };

/* From run.json; clean text, "" for what it does not say. */
struct run_info {
	unsigned n_hosts;		/* those that differ; the first few */
	char hosts[CAPTION_HOSTS][512]; /* "lab1 (Linux 6.1, kvm)" */
	char run_id[128];		/* as the rows have it */
	char date[32];			/* "2026-11-21 10:05 UTC" */
	char version[64];		/* "rdmabench 0.1" */
	/* Data caches that a CPU of each end sees, from the first level on;
	 * 0: unknown. */
	double cache_bytes[RUN_ENDS][3];
};

/* A missing file leaves everything empty; a damaged one is an error. */
int run_info_read(const char *dir, struct run_info *info, struct err *err);

/* The first row that is of another run than run.json (or, without one, than
 * the first row); reader_rows() if all are of this one. */
size_t run_info_foreign(const struct run_info *info,
			const struct reader_table *table);
/* -EINVAL and words if there is such a row: runs are never mixed. */
int run_info_refuse(const struct run_info *info,
		    const struct reader_table *table, struct err *err);

struct caption {
	unsigned n;
	char lines[CAPTION_LINES][CAPTION_BYTES];
};

/* For the series of one path.  `conditions`: columns that are named where the
 * series have the same there, or most of them the same and the legend leaves
 * that out; to a NULL. */
void caption_make(struct caption *caption, const struct series_set *set,
		  enum path path, const struct run_info *info,
		  const char *const *conditions);

/* "loopback: no wire": what a figure must never leave out; "" if unknown. */
const char *caption_path(enum path path);

/* "RDMA on rxe0 (software device)", all that occur; "" if none. */
void caption_devices(char *out, size_t size, const struct series_set *set,
		     enum path path);

/* "median of 7 trials" */
void caption_trials(char *out, size_t size, const struct series_set *set,
		    enum path path);

#endif
