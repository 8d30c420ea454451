#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "report/check.h"

static void print_lines(const struct check_result *res)
{
	static const char *const kinds[] = {
		[CHECK_EXACT] = "exact",
		[CHECK_STATISTICAL] = "statistical",
		[CHECK_HARDWARE] = "hardware",
	};
	size_t i;

	for (i = 0; i < res->n; i++) {
		const struct check_line *l = &res->lines[i];

		printf("%-8s  %-11s  %s\n", check_verdict(l), kinds[l->kind],
		       l->what);
		if (l->times > 1)
			printf("          %s; and %u more\n", l->where,
			       l->times - 1);
		else if (l->where[0])
			printf("          %s\n", l->where);
	}
}

static int run(int argc, char **argv)
{
	struct check_result res;
	struct err err = {0};
	int code = 0;

	if (command_wants_help(argc, argv))
		return command_help(&cmd_check);
	if (argc != 2 || !argv[1][0] || argv[1][0] == '-') {
		fputs("rdmabench: check takes one results folder\n", stderr);
		return EXIT_USAGE;
	}
	if (check_run(argv[1], &res, &err))
		code = cmd_fail(&err);
	else if (res.violated)
		code = 1;
	print_lines(&res);
	check_fini(&res);
	return code;
}

const struct command cmd_check = {
	.name = "check",
	.usage = "DIR",
	.summary = "what must hold in any results",
	.about = "What must hold in any results, a line each. Exit 1 if "
		 "something "
		 "exact does not: that is a bug, of rdmabench, a driver or a "
		 "device. "
		 "A warning is a place to look; what depends on hardware is "
		 "only said.",
	.run = run,
};
