#include "cmd.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "report/table.h"
#include "run/resume.h"
#include "run/run.h"
#include "run/scenario.h"

enum { PLANS_MAX = 32, GROUPS_MAX = 2 * PLANS_MAX + 3, PLAN_WORDS = 512 };

struct job {
	struct run_cfg cfg;
	struct run run;
	struct plan plans[PLANS_MAX];
	struct args args;
	struct resume resume;
};

/* Those of every scenario. */
static const struct opt_group *const help_groups[] = {&run_opts, &link_opts,
						      &trial_opts};

static unsigned all_groups(const struct opt_group **groups)
{
	unsigned i, n = 0;

	for (i = 0; i < sizeof(help_groups) / sizeof(help_groups[0]); i++)
		groups[n++] = help_groups[i];
	for (i = 0; scenario_at(i); i++) {
		groups[n++] = scenario_at(i)->opts;
		if (scenario_at(i)->shared)
			groups[n++] = scenario_at(i)->shared;
	}
	return n;
}

/* --- from arguments to plans ----------------------------------------------- */

static int unknown_scenario(const char *name, struct err *err)
{
	char names[256] = "";
	size_t n = 0;
	unsigned i;

	for (i = 0; scenario_at(i) && n < sizeof(names); i++)
		n += (size_t)snprintf(names + n, sizeof(names) - n, "%s%s",
				      i ? ", " : "", scenario_at(i)->name);
	return err_set(err, -EINVAL, REASON_USAGE,
		       "no scenario '%s'; there are %s", name, names);
}

static int add_plan(struct job *j, const char *name, struct err *err)
{
	const struct scenario *s = scenario_find(name);
	unsigned i;

	if (!s)
		return unknown_scenario(name, err);
	for (i = 0; i < j->run.n_plans; i++)
		if (j->plans[i].scn == s)
			return err_set(err, -EINVAL, REASON_USAGE,
				       "scenario '%s' is named twice", name);
	if (j->run.n_plans == PLANS_MAX)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "more than %d scenarios", PLANS_MAX);
	plan_init(&j->plans[j->run.n_plans++], s);
	return 0;
}

static int add_plans(struct job *j, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && j->cfg.all && scenario_at(i); i++)
		ret = add_plan(j, scenario_at(i)->name, err);
	for (i = 0; !ret && !j->cfg.all && i < j->args.n_rest; i++)
		ret = add_plan(j, j->args.rest[i], err);
	if (!ret && !j->run.n_plans)
		ret = err_set(err, -EINVAL, REASON_USAGE,
			      "run what? Name a scenario, or --all; see "
			      "`rdmabench list`");
	return ret;
}

static bool is_run_opt(const struct opt *o)
{
	return o >= run_opts.opts && o < run_opts.opts + run_opts.n;
}

static const char *given(const struct args *a, const char *name)
{
	const char *text = NULL;
	unsigned i;

	for (i = 0; i < a->n; i++)
		if (!strcmp(a->arg[i].o->name, name))
			text = a->arg[i].text;
	return text;
}

/* An option goes to every plan that has it, and to one at least. */
static int apply_option(struct job *j, const struct opt_given *a,
			struct err *err)
{
	bool known, used = false;
	unsigned i;
	int ret;

	for (i = 0; i < j->run.n_plans; i++) {
		ret = plan_set(&j->plans[i], a->o->name, a->text, &known, err);
		if (ret)
			return ret;
		used |= known;
	}
	if (!used)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--%s: not an option of what is to be run",
			       a->o->name);
	return 0;
}

static int make_plans(struct job *j, struct err *err)
{
	bool known;
	unsigned i;
	int ret = add_plans(j, err);

	for (i = 0; !ret && i < j->run.n_plans; i++)
		ret = run_preset_apply(&j->cfg, &j->plans[i], err);
	/* The preset's iterations would win over the user's duration. */
	if (given(&j->args, "duration"))
		for (i = 0; !ret && i < j->run.n_plans; i++)
			ret = plan_set(&j->plans[i], "iterations", "auto",
				       &known, err);
	for (i = 0; !ret && i < j->args.n; i++)
		if (!is_run_opt(j->args.arg[i].o))
			ret = apply_option(j, &j->args.arg[i], err);
	for (i = 0; !ret && i < j->run.n_plans; i++)
		ret = plan_expand(&j->plans[i], err);
	return ret;
}

/* --- output ---------------------------------------------------------------- */

static const char clear_line[] = "\r\033[K";

static int terminal_columns(void)
{
	struct winsize w;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || !w.ws_col)
		return 80;
	return w.ws_col;
}

/* "3 min": roughly. */
static char *duration(double s, char *buf, size_t cap)
{
	if (s < 90)
		snprintf(buf, cap, "%.0f s", ceil(s));
	else if (s < 90 * 60)
		snprintf(buf, cap, "%.0f min", ceil(s / 60));
	else if (s < 48 * 3600)
		snprintf(buf, cap, "%.1f h", s / 3600);
	else
		snprintf(buf, cap, "%.1f days", s / 86400);
	return buf;
}

/* A narrow terminal cuts it: what matters comes first. */
static void show_progress(struct run *run, const struct plan_point *pp,
			  const struct run_progress *at)
{
	const struct plan *plan = &run->plans[pp ? at->plan - 1 : 0];
	char what[PLAN_WORDS], left[40], scenario[40] = "", line[PLAN_WORDS];
	char most[24] = "";

	if (!pp) {
		fputs(clear_line, stderr);
		return;
	}
	if (at->plans > 1)
		snprintf(scenario, sizeof(scenario), "scenario %u of %u, ",
			 at->plan, at->plans);
	if (run->rule.max > run->rule.min)
		snprintf(most, sizeof(most), " to %u", run->rule.max);
	snprintf(line, sizeof(line),
		 "%s left, %strial %u of %u%s, point %u of %u: %s",
		 duration(at->left_s, left, sizeof(left)), scenario, at->round,
		 run->rule.min, most, at->done, at->total,
		 plan_describe(plan, pp, what, sizeof(what) - 100));
	/* A line that wraps is not cleared by \r. */
	fprintf(stderr, "%s%.*s", clear_line, terminal_columns() - 1, line);
	fflush(stderr);
}

static void say_above_progress(const char *line)
{
	if (isatty(STDERR_FILENO))
		fputs(clear_line, stderr);
	cmd_say(line);
}

/* What is added up over the points of a plan. */
struct plan_sum {
	double s;	  /* of one trial of each whose length is known */
	unsigned counted; /* by a number of operations */
	unsigned missing; /* cannot run here, */
	struct err why;	  /* one of them */
};

/* How long trials by number take is not known before they were run. */
static void print_times(const struct job *j, const struct plan_sum *sum,
			unsigned points)
{
	const double s = sum->s;
	const struct stop_rule *rule = &j->run.rule;
	const bool fixed = rule->min == rule->max;
	char time[32];

	printf("%u point%s, %u", points, points == 1 ? "" : "s", rule->min);
	if (!fixed)
		printf(" to %u", rule->max);
	printf(" trial%s each: ", rule->max == 1 ? "" : "s");
	if (s > 0)
		printf("about %s", duration(s * rule->min, time, sizeof(time)));
	if (s > 0 && !fixed)
		printf(" to %s", duration(s * rule->max, time, sizeof(time)));
	if (s > 0)
		printf(" with set-up and warm-up");
	if (!(s > 0) && !sum->counted)
		printf("no time, as none can run here");
	if (sum->counted)
		printf("%s%u by a number of operations, whose time is not "
		       "known before",
		       s > 0 ? ", and " : "", sum->counted);
	putchar('\n');
}

static void print_point(struct job *j, const struct plan *p,
			const struct plan_point *pp, struct plan_sum *sum)
{
	const uint64_t n = pp->client.trial.iterations;
	char what[PLAN_WORDS];
	struct err why;

	printf("%u %s", pp->id, plan_describe(p, pp, what, sizeof(what)));
	if (n != OPT_WORD)
		printf(", %" PRIu64 " operations", n);
	if (here_can(&j->run.here, pp, &why)) {
		printf(", not here: %s", reason_word(why.reason));
		sum->missing++;
		sum->why = why;
	} else if (n == OPT_WORD) {
		sum->s += cost_guess(&j->run.cost, pp);
	} else {
		sum->counted++;
	}
	putchar('\n');
}

static int print_plan(struct job *j)
{
	struct plan_sum sum = {.s = 0};
	unsigned i, k, points = 0;

	cost_init(&j->run.cost);
	for (i = 0; i < j->run.n_plans; i++) {
		const struct plan *p = &j->plans[i];

		for (k = 0; k < p->n_points; k++)
			print_point(j, p, &p->points[k], &sum);
		points += p->n_points;
	}
	if (sum.missing)
		printf("%u of %u points cannot run here: %s: %s\n", sum.missing,
		       points, reason_word(sum.why.reason), sum.why.text);
	print_times(j, &sum, points);
	return 0;
}

static void print_results(const struct job *j)
{
	const struct run_counts *c = &j->run.counts;
	struct err err;

	if (!j->cfg.quiet && table_print(stdout, j->run.dir, &err))
		cmd_fail(&err);
	printf("results: %s\n", j->run.dir);
	fflush(stdout);
	fprintf(stderr, "rdmabench: %u trials ok, %u unsupported, %u failed\n",
		c->ok, c->unsupported, c->failed);
}

/* --- the command ------------------------------------------------------------ */

static int say_interrupted(const struct job *j, const struct err *err)
{
	fprintf(stderr,
		"rdmabench: interrupted; to go on: %s run --resume %s\n",
		program_invocation_name, j->run.dir);
	return reason_exit_code(err->reason);
}

/* Why a server went is known there, not here. */
static int fail_run(const struct job *j, struct err *err)
{
	size_t len = strlen(err->text);

	if (err->reason == REASON_INTERRUPTED && j->run.dir[0])
		return say_interrupted(j, err);
	if (j->cfg.connect[0] && (err->reason == REASON_PEER_LOST ||
				  err->reason == REASON_PEER_TIMEOUT))
		snprintf(err->text + len, sizeof(err->text) - len,
			 " (see what `rdmabench serve` at %s says, start it "
			 "again if it ended)",
			 j->cfg.connect);
	return cmd_fail(err);
}

static int execute(struct job *j)
{
	struct run *run = &j->run;
	struct err err = {0};
	int ret, code;

	run->seed = j->cfg.seed == OPT_WORD ? clock_raw_ns() : j->cfg.seed;
	run_stop_rule(&j->cfg, &run->rule);
	if (j->cfg.plan_only)
		return print_plan(j);
	run->say = say_above_progress;
	if (!j->cfg.quiet && isatty(STDERR_FILENO))
		run->progress = show_progress;
	ret = run_execute(run, &err);
	if (ret && run->progress)
		fputs(clear_line, stderr);
	if (run->counts.ok + run->counts.unsupported + run->counts.failed)
		print_results(j);
	if (ret)
		return fail_run(j, &err);
	code = run_exit_code(run);
	if (run->counts.failed)
		fail_run(j, &run->counts.first_failure);
	return code;
}

/* Each is fine by itself. */
static int check_args(const struct job *j, struct err *err)
{
	static const char *const texts[] = {"connect", "out"};
	const char *n = given(&j->args, "iterations");
	unsigned i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const char *text = given(&j->args, texts[i]);

		/* "--connect $HOST", and HOST was never set. */
		if (text && !*text)
			return err_set(err, -EINVAL, REASON_USAGE,
				       "--%s: is empty", texts[i]);
	}
	if (n && strcmp(n, "auto") && given(&j->args, "duration"))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--iterations and --duration: a trial ends by "
			       "one of them; leave one out");
	if (j->cfg.all && j->args.n_rest)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--all and '%s': leave one out",
			       j->args.rest[0]);
	return run_cfg_check(&j->cfg, err);
}

static int parse(struct job *j, int argc, char **argv, struct err *err)
{
	const struct opt_group *groups[GROUPS_MAX];
	int ret;

	opt_defaults(&run_opts, &j->cfg);
	j->run.cfg = &j->cfg;
	j->run.plans = j->plans;
	j->run.argc = argc;
	j->run.argv = argv;
	ret = args_parse(&j->args, argc, argv, groups, all_groups(groups), err);
	j->run.given = j->args.arg;
	j->run.n_given = j->args.n;
	if (ret || j->args.help)
		return ret;
	return args_apply(&j->args, &run_opts, &j->cfg, err);
}

/* The command line of the run that is gone on with, in place of ours. */
static int parse_resumed(struct job *j, struct err *err)
{
	char dir[OPT_TEXT_MAX];
	uint64_t quiet = j->cfg.quiet;
	unsigned i;
	int ret;

	for (i = 0; i < j->args.n; i++)
		if (strcmp(j->args.arg[i].o->name, "resume") &&
		    strcmp(j->args.arg[i].o->name, "quiet"))
			break;
	if (i < j->args.n || j->args.n_rest)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--resume: takes the command line of the run "
			       "that it goes on with; leave out the rest");
	strcpy(dir, j->cfg.resume);
	ret = resume_load(&j->resume, dir, err);
	if (!ret)
		ret = parse(j, j->resume.argc, j->resume.argv, err);
	strcpy(j->cfg.resume, dir);
	j->cfg.quiet = quiet;
	j->run.resume = &j->resume;
	return ret;
}

static int prepare(struct job *j, int argc, char **argv, struct err *err)
{
	int ret = parse(j, argc, argv, err);

	if (ret || j->args.help)
		return ret;
	if (given(&j->args, "resume") && !j->cfg.resume[0])
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--resume: is empty");
	if (j->cfg.resume[0])
		ret = parse_resumed(j, err);
	if (!ret)
		ret = check_args(j, err);
	return ret ? ret : make_plans(j, err);
}

/* `run SCENARIO --help` is about that scenario. */
static int show_help(const struct job *j)
{
	const struct scenario *s;
	struct err err;

	if (j->args.n_rest != 1)
		return command_help(&cmd_run);
	s = scenario_find(j->args.rest[0]);
	if (s)
		return command_help_scenario(s);
	unknown_scenario(j->args.rest[0], &err);
	return cmd_fail(&err);
}

static int run(int argc, char **argv)
{
	struct job *j = calloc(1, sizeof(*j));
	struct err err;
	unsigned i;
	int code;

	if (!j) {
		err_sys(&err, -ENOMEM, "run");
		return cmd_fail(&err);
	}
	if (prepare(j, argc, argv, &err)) {
		code = cmd_fail(&err);
	} else if (j->args.help) {
		code = show_help(j);
	} else if (j->resume.finished) {
		cmd_say("--resume: this run is finished: nothing is left to "
			"do");
		code = 0;
	} else {
		code = execute(j);
	}
	resume_fini(&j->resume);
	for (i = 0; i < j->run.n_plans; i++)
		plan_fini(&j->plans[i]);
	free(j);
	return code;
}

const struct command cmd_run = {
	.name = "run",
	.usage = "SCENARIO... | --all [options]",
	.summary = "measure",
	.about =
		"Without --connect it starts its own server in a child process "
		"and talks to it over real sockets and real verbs.",
	.options = help_groups,
	.n_options = sizeof(help_groups) / sizeof(help_groups[0]),
	.more = "and the scenario's own: rdmabench help SCENARIO",
	.run = run,
};
