#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "run/run.h"
#include "run/scenario.h"

enum { USAGE_COLUMN = 44, NARROW_COLUMN = 10 };

/* A narrow terminal has no room for two columns. */
static void help_line(const struct command *c)
{
	const bool narrow = text_width(stdout) < TEXT_WIDTH;

	printf("  %-7s %s", c->name, c->usage);
	if (narrow)
		printf("\n%*s", NARROW_COLUMN, "");
	else
		printf("%*s",
		       USAGE_COLUMN - NARROW_COLUMN - (int)strlen(c->usage),
		       "");
	text_wrap(stdout, c->summary, narrow ? NARROW_COLUMN : USAGE_COLUMN);
}

static void help(void)
{
	const struct command *c;
	unsigned i;

	text_wrap(stdout,
		  "rdmabench: what RDMA and non-volatile memory really do for "
		  "an application here",
		  0);
	puts("\nusage: rdmabench COMMAND ...\n");
	for (i = 0; (c = command_at(i)); i++)
		help_line(c);
	puts("\nFirst: rdmabench run sendrecv\n"
	     "More:  rdmabench help run, rdmabench help sendrecv");
}

int command_help(const struct command *c)
{
	unsigned i;

	if (c == &cmd_help) {
		help();
		return 0;
	}
	printf("usage: rdmabench %s %s\n\n", c->name, c->usage);
	text_wrap(stdout, c->about, 0);
	for (i = 0; i < c->n_options; i++) {
		putchar('\n');
		opt_help(stdout, c->options[i]);
	}
	if (c->more)
		printf("\n%s\n", c->more);
	return 0;
}

bool command_wants_help(int argc, char **argv)
{
	return argc == 2 &&
	       (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"));
}

const char help_sweeps[] =
	"Unless told otherwise it measures several sweeps from a baseline, as "
	"--plan prints them; given one of the options that they vary, it "
	"measures every combination of what is given, and else of the "
	"defaults below.";

static void help_defaults(const struct scenario *s)
{
	char line[512] = "Here the default is";
	size_t n = strlen(line);
	unsigned i;

	for (i = 0; i < s->n_defaults && n < sizeof(line); i++)
		n += (size_t)snprintf(line + n, sizeof(line) - n, "%s --%s %s",
				      i ? " and" : "", s->defaults[i].name,
				      s->defaults[i].text);
	if (!i)
		return;
	putchar('\n');
	text_wrap(stdout, line, 0);
}

int command_help_scenario(const struct scenario *s)
{
	printf("usage: rdmabench run %s [options]\n\n", s->name);
	text_wrap(stdout, s->summary, 0);
	putchar('\n');
	text_wrap(stdout, s->question, 0);
	fputs("\nSource: ", stdout);
	text_wrap(stdout, s->source, 8);
	if (s->sweeps) {
		putchar('\n');
		text_wrap(stdout, help_sweeps, 0);
	}
	putchar('\n');
	if (s->shared)
		opt_help(stdout, s->shared);
	opt_help(stdout, s->opts);
	help_defaults(s);
	puts("\nand the options of every scenario: rdmabench help run");
	return 0;
}

static int run(int argc, char **argv)
{
	const struct scenario *s;
	const struct command *c;

	if (argc > 2) {
		fprintf(stderr, "rdmabench: help takes one word, not '%s'\n",
			argv[2]);
		return EXIT_USAGE;
	}
	if (argc < 2 || command_wants_help(argc, argv))
		return command_help(&cmd_help);
	if (cmd_manual(argv[1]))
		return 0;
	c = command_find(argv[1]);
	if (c)
		return command_help(c);
	s = scenario_find(argv[1]);
	if (s)
		return command_help_scenario(s);
	fprintf(stderr,
		"rdmabench: no command or scenario '%s'; see `rdmabench help` "
		"and `rdmabench list`\n",
		argv[1]);
	return EXIT_USAGE;
}

const struct command cmd_help = {
	.name = "help",
	.usage = "[COMMAND|SCENARIO]",
	.summary = "this, or more",
	.run = run,
};
