/* Presets and the run's own options. */
#include "run/run.h"

#include <errno.h>
#include <string.h>

#include "run/scenario.h"

#define AT(field) offsetof(struct run_cfg, field)

enum run_preset { PRESET_SMOKE, PRESET_QUICK, PRESET_PAPER, PRESET_COUNT };

static const char *const preset_names[] = {
	[PRESET_SMOKE] = "smoke",
	[PRESET_QUICK] = "quick",
	[PRESET_PAPER] = "paper",
	[PRESET_COUNT] = NULL,
};

static const struct opt opts[] = {
	{.name = "connect",
	 .type = OPT_TEXT,
	 .role = OPT_RUN,
	 .offset = AT(connect),
	 .def = "",
	 .metavar = "HOST[:PORT][,...]",
	 .help = "a host where `rdmabench serve` runs, or as many as the "
		 "scenario has peers; without it, an own server in a child "
		 "process here for each"},
	{.name = "port",
	 .letter = 'p',
	 .type = OPT_COUNT,
	 .role = OPT_RUN,
	 .offset = AT(port),
	 .min = 1,
	 .max = 65535,
	 .def = "18515",
	 .metavar = "PORT",
	 .help = "its control port"},
	{.name = "connect-timeout",
	 .type = OPT_TIME,
	 .role = OPT_RUN,
	 .offset = AT(connect_ns),
	 .min = 100000000,
	 .max = 600000000000,
	 .def = "4s",
	 .metavar = "TIME",
	 .help = "how long a server may take to answer a call, and for each "
		 "word until it has said who it is"},
	{.name = "token-file",
	 .type = OPT_TEXT,
	 .role = OPT_RUN,
	 .offset = AT(token_file),
	 .def = "",
	 .metavar = "FILE",
	 .help = "a secret that the server must have too: each proves to the "
		 "other that it knows it; only its owner may read the file"},
	{.name = "preset",
	 .type = OPT_ENUM,
	 .role = OPT_RUN,
	 .offset = AT(preset),
	 .def = "quick",
	 .names = preset_names,
	 .metavar = "NAME",
	 .help = "smoke: is it correct (1 trial, every payload verified, few "
		 "sizes); "
		 "quick: 7 trials of 100 ms a point (30 in scenarios of many "
		 "points; with --all not what takes longest); paper: 7 to 30 "
		 "of 60 s"},
	{.name = "out",
	 .type = OPT_TEXT,
	 .role = OPT_RUN,
	 .offset = AT(out),
	 .def = "",
	 .metavar = "DIR",
	 .help = "results folder, new or without results; otherwise "
		 "results/<UTC time>-<host>"},
	{.name = "resume",
	 .type = OPT_TEXT,
	 .role = OPT_RUN,
	 .offset = AT(resume),
	 .def = "",
	 .metavar = "DIR",
	 .help = "go on with the interrupted run in this folder, by its own "
		 "command line; refused if the plan or the machine (a boot "
		 "counts) is another"},
	{.name = "trials",
	 .type = OPT_RANGE,
	 .role = OPT_RUN,
	 .offset = AT(trials),
	 .min = 1,
	 .max = RUN_TRIALS_MAX,
	 .def = "auto",
	 .word = "auto",
	 .metavar = "MIN[,MAX]",
	 .help = "times every point is measured, interleaved; after MIN it "
		 "stops when --confidence is reached; auto: the preset's"},
	{.name = "confidence",
	 .type = OPT_RANGE,
	 .role = OPT_RUN,
	 .offset = AT(confidence),
	 .min = 1,
	 .max = 99,
	 .def = "95,5",
	 .metavar = "LEVEL,WIDTH",
	 .help = "percent: the confidence interval of a point's median over "
		 "its trials, at LEVEL, is to be within WIDTH of it"},
	{.name = "seed",
	 .type = OPT_COUNT,
	 .role = OPT_RUN,
	 .offset = AT(seed),
	 .max = UINT64_MAX - 1,
	 .def = "auto",
	 .word = "auto",
	 .metavar = "N",
	 .help = "of the random order of the points in each trial"},
	{.name = "plan",
	 .type = OPT_FLAG,
	 .role = OPT_RUN,
	 .offset = AT(plan_only),
	 .def = "no",
	 .help = "print the points and the expected time; run nothing"},
	{.name = "all",
	 .type = OPT_FLAG,
	 .role = OPT_RUN,
	 .offset = AT(all),
	 .def = "no",
	 .help = "every scenario"},
	{.name = "quiet",
	 .type = OPT_FLAG,
	 .role = OPT_RUN,
	 .offset = AT(quiet),
	 .def = "no",
	 .help = "no progress, no table; the CSV only"},
};

const struct opt_group run_opts = {
	.title = "run",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

struct preset_value {
	const char *option, *text;
};

static const struct preset_value presets[PRESET_COUNT][6] = {
	[PRESET_SMOKE] = {{"iterations", "10"},
			  {"warmup", "1ms"},
			  {"verify", "each"}},
	[PRESET_QUICK] = {{"duration", "100ms"}},
	[PRESET_PAPER] = {{"duration", "60s"}, {"min-ops", "100"}},
};

/* The quick preset is what nobody asked for: a scenario knows better. */
static bool has_own(const struct scenario *scn, const char *option)
{
	unsigned i;

	for (i = 0; i < scn->n_defaults; i++)
		if (!strcmp(scn->defaults[i].name, option))
			return true;
	return false;
}

static void keep_of_lists(const struct run_cfg *cfg, struct plan *plan)
{
	const struct scenario *scn = plan->scn;

	if (cfg->preset == PRESET_SMOKE) {
		plan->keep = scn->smoke;
		plan->n_keep = scn->n_smoke;
	} else if (cfg->preset == PRESET_QUICK && cfg->all) {
		plan->keep = scn->quick_all;
		plan->n_keep = scn->n_quick_all;
	}
}

int run_preset_apply(const struct run_cfg *cfg, struct plan *plan,
		     struct err *err)
{
	const struct preset_value *v = presets[cfg->preset];
	bool known;
	int ret;

	keep_of_lists(cfg, plan);
	for (; v->option; v++) {
		if (cfg->preset == PRESET_QUICK &&
		    has_own(plan->proto.client.scn, v->option))
			continue;
		ret = plan_set(plan, v->option, v->text, &known, err);
		if (ret)
			return ret;
	}
	return 0;
}

int run_cfg_check(const struct run_cfg *cfg, struct err *err)
{
	const uint64_t *t = cfg->trials;

	if (t[1] < t[0])
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--trials %llu,%llu: MAX is below MIN",
			       (unsigned long long)t[0],
			       (unsigned long long)t[1]);
	return 0;
}

void run_stop_rule(const struct run_cfg *cfg, struct stop_rule *rule)
{
	static const unsigned trials[PRESET_COUNT][2] = {
		[PRESET_SMOKE] = {1, 1},
		[PRESET_QUICK] = {7, 7},
		[PRESET_PAPER] = {7, 30},
	};

	rule->level = (double)cfg->confidence[0] / 100;
	rule->width = (double)cfg->confidence[1] / 100;
	rule->min = trials[cfg->preset][0];
	rule->max = trials[cfg->preset][1];
	if (cfg->trials[0] == OPT_WORD)
		return;
	rule->min = (unsigned)cfg->trials[0];
	rule->max = (unsigned)cfg->trials[1];
}
