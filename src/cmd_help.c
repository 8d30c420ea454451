#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "run/run.h"
#include "run/scenario.h"

static void help(void)
{
	const struct command *c;
	unsigned i;

	puts("rdmabench: what RDMA and non-volatile memory really do for an "
	     "application here\n");
	puts("usage: rdmabench COMMAND ...\n");
	for (i = 0; (c = command_at(i)); i++)
		printf("  %-7s %-33s %s\n", c->name, c->usage, c->summary);
	puts("\nFirst: rdmabench run sendrecv    More: rdmabench help run, "
	     "help sendrecv");
}

static void help_scenario(const struct scenario *s)
{
	printf("%s: %s\n\n", s->name, s->summary);
	text_wrap(stdout, s->question, 0);
	fputs("\nSource: ", stdout);
	text_wrap(stdout, s->source, 8);
	putchar('\n');
	if (s->shared)
		opt_help(stdout, s->shared);
	opt_help(stdout, s->opts);
	puts("\nand the options of `rdmabench help run`.");
}

static int run(int argc, char **argv)
{
	const struct scenario *s;
	const struct command *c;

	if (argc < 2) {
		help();
		return 0;
	}
	if (cmd_manual(argv[1]))
		return 0;
	c = command_find(argv[1]);
	if (c) {
		c->help();
		return 0;
	}
	s = scenario_find(argv[1]);
	if (s) {
		help_scenario(s);
		return 0;
	}
	fprintf(stderr, "rdmabench: no command or scenario '%s'\n", argv[1]);
	return EXIT_USAGE;
}

const struct command cmd_help = {
	.name = "help",
	.usage = "[COMMAND|SCENARIO]",
	.summary = "this, or more",
	.run = run,
	.help = help,
};
