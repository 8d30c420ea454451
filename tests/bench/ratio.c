/*
 * Samples of rounds into rows with an interval.
 *
 *	ratio FILE < samples
 *
 * A sample is `row,peer,peer_command,unit,round,ours,theirs`; cells have no
 * commas.  FILE becomes the CSV of the rows, stdout a line for each and the
 * counts.  A ratio is ours / theirs within one round, in which both were
 * measured one right after the other; above 1 we are worse.  The row has the
 * median of the rounds' ratios and its distribution-free 95 % interval.  What
 * was injected and is to be found back (peer "known") is off on either side.
 */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metric/stats.h"

enum { ROWS_MAX = 64, ROUNDS_MAX = 256, LINE_MAX_BYTES = 1024 };

#define LEVEL 0.95
#define HALF_WIDTH_MAX 0.05
#define KNOWN_OFF_MAX 0.05

struct row {
	char name[64], peer[32], command[512], unit[16];
	unsigned n;
	double ours[ROUNDS_MAX], theirs[ROUNDS_MAX], ratio[ROUNDS_MAX];
};

struct table {
	struct row rows[ROWS_MAX];
	unsigned n;
};

struct verdict {
	struct stats_interval ci;
	double ours, theirs, ratio;
	bool known;   /* enough rounds for an interval */
	bool narrow;  /* half-width at most 5 % of the ratio */
	bool reached; /* at or below 1.00, or known, within the interval */
};

static struct row *row_of(struct table *t, const struct row *key)
{
	unsigned i;

	for (i = 0; i < t->n; i++)
		if (!strcmp(t->rows[i].name, key->name))
			return &t->rows[i];
	if (t->n == ROWS_MAX)
		return NULL;
	t->rows[t->n] = *key;
	return &t->rows[t->n++];
}

static bool add_sample(struct table *t, const char *line)
{
	static struct row key;
	struct row *r;
	double ours, theirs;

	if (sscanf(line, "%63[^,],%31[^,],%511[^,],%15[^,],%*u,%lf,%lf",
		   key.name, key.peer, key.command, key.unit, &ours,
		   &theirs) != 6 ||
	    !(ours > 0) || !(theirs > 0))
		return false;
	r = row_of(t, &key);
	if (!r || r->n == ROUNDS_MAX)
		return false;
	r->ours[r->n] = ours;
	r->theirs[r->n] = theirs;
	r->ratio[r->n++] = ours / theirs;
	return true;
}

static double median(double *x, unsigned n)
{
	stats_sort(x, n);
	return stats_median(x, n);
}

static struct verdict judge(struct row *r)
{
	struct verdict v = {
		.ours = median(r->ours, r->n),
		.theirs = median(r->theirs, r->n),
		.ratio = median(r->ratio, r->n),
		.ci = {.low = NAN, .high = NAN},
	};

	v.known = stats_median_interval(r->ratio, r->n, LEVEL, &v.ci);
	v.narrow = v.known &&
		   (v.ci.high - v.ci.low) / 2 <= HALF_WIDTH_MAX * v.ratio;
	v.reached = v.known ? v.ci.low <= 1.0 : v.ratio <= 1.0;
	if (!strcmp(r->peer, "known"))
		v.reached = fabs(v.ratio - 1) <= KNOWN_OFF_MAX;
	return v;
}

static void write_csv(FILE *f, const struct row *r, const struct verdict *v)
{
	fprintf(f, "%s,%s,%s,%s,%.4g,%.4g,%.4f,", r->name, r->peer, r->command,
		r->unit, v->ours, v->theirs, v->ratio);
	if (v->known)
		fprintf(f, "%.4f,%.4f\n", v->ci.low, v->ci.high);
	else
		fprintf(f, ",\n");
}

static const char *words(const struct verdict *v)
{
	if (!v->known)
		return "too few rounds for an interval";
	if (v->reached)
		return v->narrow ? "ok" : "ok, but the interval is wide";
	return v->narrow ? "worse" : "worse, and the interval is wide";
}

static void print_row(const struct row *r, const struct verdict *v)
{
	printf("%-24s %-12s %9.4g %9.4g %-5s %6.3f [%.3f, %.3f]  %s\n", r->name,
	       r->peer, v->ours, v->theirs, r->unit, v->ratio, v->ci.low,
	       v->ci.high, words(v));
}

static int report(struct table *t, FILE *f)
{
	unsigned i, narrow = 0, reached = 0;

	fprintf(f, "row,peer,peer_command,unit,ours,theirs,ratio,ratio_low,"
		   "ratio_high\n");
	printf("%-24s %-12s %9s %9s       %6s\n", "row", "peer", "ours",
	       "theirs", "ratio");
	for (i = 0; i < t->n; i++) {
		struct verdict v = judge(&t->rows[i]);

		write_csv(f, &t->rows[i], &v);
		print_row(&t->rows[i], &v);
		narrow += v.narrow;
		reached += v.reached;
	}
	printf("%u rows: %u reached (1.00 or less within the interval; what is "
	       "known, to 5 %%), %u with a "
	       "half-width of at most 5 %%\n",
	       t->n, reached, narrow);
	return ferror(f) ? -EIO : 0;
}

static int read_samples(struct table *t, FILE *in)
{
	char line[LINE_MAX_BYTES];

	while (fgets(line, sizeof(line), in)) {
		if (!add_sample(t, line)) {
			fprintf(stderr, "ratio: not a sample: %s", line);
			return -EINVAL;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct table t;
	FILE *f;
	int ret;

	if (argc != 2) {
		fprintf(stderr, "usage: ratio FILE < samples\n");
		return 2;
	}
	if (read_samples(&t, stdin))
		return 1;
	f = fopen(argv[1], "w");
	if (!f) {
		perror(argv[1]);
		return 1;
	}
	ret = report(&t, f);
	if (fclose(f) || ret) {
		perror(argv[1]);
		return 1;
	}
	return 0;
}
