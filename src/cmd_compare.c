#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "report/compare.h"
#include "report/compare_show.h"

enum { EXIT_WORSE = 1, EXIT_TOO_FEW = 5 };

struct compare_cfg {
	char threshold[OPT_TEXT_MAX];
	char metric[OPT_TEXT_MAX];
	char out[OPT_TEXT_MAX];
	uint64_t common;
};

#define AT(field) offsetof(struct compare_cfg, field)

static const struct opt opts[] = {
	{.name = "threshold",
	 .type = OPT_TEXT,
	 .role = OPT_RUN,
	 .offset = AT(threshold),
	 .def = "5",
	 .metavar = "PCT",
	 .help = "percent: what differs by less is neither worse nor better"},
	{.name = "metric",
	 .type = OPT_TEXT,
	 .role = OPT_RUN,
	 .offset = AT(metric),
	 .def = "",
	 .metavar = "COLUMN[,...]",
	 .help = "columns to compare (lat_p99_ns,ops_per_s); without it, what "
		 "each point's headline names: its p50, or its rate"},
	{.name = "common",
	 .type = OPT_FLAG,
	 .role = OPT_RUN,
	 .offset = AT(common),
	 .def = "no",
	 .help = "compare the points that both have, instead of refusing runs "
		 "that do not match"},
	{.name = "out",
	 .type = OPT_TEXT,
	 .role = OPT_RUN,
	 .offset = AT(out),
	 .def = "",
	 .metavar = "DIR",
	 .help = "compare.csv and the figure (compare.svg, compare.png) go "
		 "there"},
};

const struct opt_group compare_opts = {
	.title = "compare",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

static const struct opt_group *const groups[] = {&compare_opts};

static int parse_threshold(const char *text, double *threshold, struct err *err)
{
	char *end;
	double v = strtod(text, &end);

	if (end != text && *end == '%')
		end++;
	if (end == text || *end || !(v >= 0 && v <= 1000))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--threshold %s: a number of percent from 0 to "
			       "1000 is wanted",
			       text);
	*threshold = v / 100;
	return 0;
}

static int parse(int argc, char **argv, struct args *a,
		 struct compare_options *o, char *out, struct err *err)
{
	struct compare_cfg cfg;
	int ret;

	opt_defaults(&compare_opts, &cfg);
	ret = args_parse(a, argc, argv, groups, 1, err);
	if (ret || a->help)
		return ret;
	ret = args_apply(a, &compare_opts, &cfg, err);
	if (!ret)
		ret = parse_threshold(cfg.threshold, &o->threshold, err);
	if (ret)
		return ret;
	if (a->n_rest != 2 || !a->rest[0][0] || !a->rest[1][0])
		return err_set(err, -EINVAL, REASON_USAGE,
			       "compare takes two results folders, OLD NEW");
	o->alpha = 0.05;
	o->common = cfg.common;
	snprintf(o->metrics, sizeof(o->metrics), "%s", cfg.metric);
	strcpy(out, cfg.out);
	return 0;
}

static int write_files(const struct compare *c, const struct compare_options *o,
		       const char *out, struct err *err)
{
	int ret;

	if (mkdir(out, 0755) && errno != EEXIST)
		return err_sys(err, -errno, "--out %s", out);
	ret = compare_write_csv(c, out, err);
	if (ret)
		return ret;
	printf("\n%s/compare.csv\n", out);
	ret = compare_draw(c, o, out, err);
	if (ret)
		return ret;
	printf("%s/compare.svg\n%s/compare.png\n", out, out);
	return 0;
}

static int verdict(const struct compare *c)
{
	if (c->count[COMPARE_WORSE])
		return EXIT_WORSE;
	return c->count[COMPARE_TOO_FEW] ? EXIT_TOO_FEW : 0;
}

static void say_too_few(const struct compare *c,
			const struct compare_options *o)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "too few trials to tell whether something is worse: of %zu "
		 "points compared together each needs %u or more in both runs "
		 "(--trials), of fewer points fewer",
		 c->n, compare_trials_wanted(c->n, o));
	cmd_say(line);
}

static int compare(char *const *dirs, const struct compare_options *o,
		   const char *out)
{
	struct compare *c = calloc(1, sizeof(*c));
	struct err err;
	int ret, code;

	if (!c) {
		err_sys(&err, -ENOMEM, "compare");
		return cmd_fail(&err);
	}
	ret = compare_run(c, dirs[0], dirs[1], o, &err);
	if (!ret) {
		compare_print(stdout, c, o);
		if (out[0])
			ret = write_files(c, o, out, &err);
	}
	code = ret ? cmd_fail(&err) : verdict(c);
	if (code == EXIT_TOO_FEW)
		say_too_few(c, o);
	compare_fini(c);
	free(c);
	return code;
}

static int run(int argc, char **argv)
{
	struct compare_options o = {.threshold = 0};
	char out[OPT_TEXT_MAX];
	struct args a;
	struct err err;

	if (parse(argc, argv, &a, &o, out, &err))
		return cmd_fail(&err);
	if (a.help)
		return command_help(&cmd_compare);
	return compare(a.rest, &o, out);
}

const struct command cmd_compare = {
	.name = "compare",
	.usage = "OLD NEW [options]",
	.summary = "what changed; exit 1 if worse",
	.about =
		"Compares two results folders point by point: the ratio of the "
		"medians over trials with its interval, an exact rank test "
		"corrected "
		"for the number of points, and what differs between the "
		"machines. "
		"Exit 1 if something is significantly worse by more than the "
		"threshold, 5 if there are too few trials to tell.",
	.options = groups,
	.n_options = sizeof(groups) / sizeof(groups[0]),
	.run = run,
};
