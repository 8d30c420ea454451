#include "cmd.h"

#include <stdio.h>

#include "run/serve.h"

static const struct opt_group *const groups[] = {&serve_opts};

static int run(int argc, char **argv)
{
	struct serve_log log = {.say = cmd_say};
	struct serve_cfg cfg;
	struct args args;
	struct err err;

	opt_defaults(&serve_opts, &cfg);
	if (args_parse(&args, argc, argv, groups, 1, &err) ||
	    args_apply(&args, &serve_opts, &cfg, &err))
		return cmd_fail(&err);
	if (args.help)
		return command_help(&cmd_serve);
	if (args.n_rest) {
		fprintf(stderr, "rdmabench: serve takes no '%s'\n",
			args.rest[0]);
		return EXIT_USAGE;
	}
	if (serve_run(&cfg, &log, &err))
		return cmd_fail(&err);
	return 0;
}

const struct command cmd_serve = {
	.name = "serve",
	.usage = "[--bind ADDR] [-p PORT] [options]",
	.summary = "wait here for clients on other hosts",
	.about = "Waits for `rdmabench run --connect` from other hosts. Ctrl-C "
		 "ends it.",
	.options = groups,
	.n_options = sizeof(groups) / sizeof(groups[0]),
	.run = run,
};
