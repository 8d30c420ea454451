/*
 * A run: one or more plans against one peer, trials interleaved, rows into
 * the results folder as they come.
 */
#ifndef RUN_RUN_H
#define RUN_RUN_H

#include "base/opt.h"
#include "machine/host.h"
#include "metric/stop_rule.h"
#include "run/cost.h"
#include "run/empty.h"
#include "run/here.h"
#include "run/peer.h"
#include "run/plan.h"
#include "run/sheet.h"
#include "run/trial.h"

struct run_cfg {
	char connect[OPT_TEXT_MAX]; /* "": our own server */
	uint64_t port;
	uint64_t connect_ns;
	uint64_t preset;	       /* enum run_preset */
	char token_file[OPT_TEXT_MAX]; /* "": none */
	char out[OPT_TEXT_MAX];
	uint64_t trials[2];	/* at least, at most; OPT_WORD: the preset's */
	uint64_t confidence[2]; /* level and half-width, percent */
	uint64_t seed;		/* OPT_WORD: from the clock */
	uint64_t plan_only;
	uint64_t all;
	uint64_t quiet;
	char resume[OPT_TEXT_MAX];
};

extern const struct opt_group run_opts;

/* Applies the preset's values to a plan, before the user's own options. */
int run_preset_apply(const struct run_cfg *cfg, struct plan *plan,
		     struct err *err);
/* Values that do not go together: 0 or -EINVAL with words. */
int run_cfg_check(const struct run_cfg *cfg, struct err *err);
void run_stop_rule(const struct run_cfg *cfg, struct stop_rule *rule);

enum { RUN_TRIALS_MAX = 1000 };

enum { RUN_WARNINGS_MAX = 24, RUN_WARNING_TEXT = 512, RUN_LINKS_MAX = 16 };

/* What links were like, one of a kind, for run.json. */
struct run_link {
	const char *transport;
	struct caps caps;
	char server_device[64];
	struct conditions client_is, server_is;
};

/* How far a run is.  Counts from 1. */
struct run_progress {
	unsigned plan, plans;
	unsigned round;	      /* trial of each point */
	unsigned done, total; /* points of this round */
	double left_s;	      /* of all plans, at least */
};

struct run {
	const struct run_cfg *cfg;
	const struct resume *resume; /* NULL: a new run */
	struct plan *plans;
	unsigned n_plans;
	/* As typed, for run.json. */
	int argc;
	char **argv;
	const struct opt_given *given;
	unsigned n_given;
	uint64_t seed;
	struct stop_rule rule;

	char dir[512];
	int folder; /* it, locked; -1 */
	char run_id[96];
	char started_utc[32];
	struct gauge gauge;
	struct host host;
	struct facts facts; /* of this host; the server's are in its hello */
	struct peer peers[END_PEERS_MAX];
	unsigned n_peers;
	char warnings[RUN_WARNINGS_MAX][RUN_WARNING_TEXT];
	unsigned n_warnings;
	struct run_link links[RUN_LINKS_MAX];
	unsigned n_links;
	struct empty_columns empty;
	struct run_counts counts;
	struct trial *trial;		 /* the one going on */
	unsigned order[PLAN_POINTS_MAX]; /* of its round */
	/* Before each trial.  May be NULL; pp is NULL at the end. */
	void (*progress)(struct run *run, const struct plan_point *pp,
			 const struct run_progress *at);
	struct cost cost; /* for the time left; only with `progress` */
	struct here here;
	/* A line for the user, at once. */
	void (*say)(const char *line);
};

/* Opens peer and folder, runs every plan, closes.  0 when the plan was
 * carried out (counts tell how it went), -errno when it had to stop; rows
 * measured until then are in the files either way. */
int run_execute(struct run *run, struct err *err);

/* The process's exit code after it: rdmabench(1), EXIT STATUS. */
int run_exit_code(const struct run *run);

void run_warn(struct run *run, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
