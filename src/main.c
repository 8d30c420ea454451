#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/stop.h"

static const struct command *const commands[] = {
	&cmd_list,  &cmd_info,	 &cmd_serve, &cmd_run,
	&cmd_check, &cmd_report, &cmd_help,
};

const struct command *command_at(unsigned i)
{
	return i < sizeof(commands) / sizeof(commands[0]) ? commands[i] : NULL;
}

const struct command *command_find(const char *name)
{
	unsigned i;

	for (i = 0; command_at(i); i++)
		if (!strcmp(command_at(i)->name, name))
			return command_at(i);
	return NULL;
}

void cmd_say(const char *line)
{
	fprintf(stderr, "rdmabench: %s\n", line);
}

int cmd_fail(const struct err *err)
{
	const char *word = reason_word(err->reason);

	/* Usage and interruption explain themselves. */
	if (err->reason == REASON_USAGE || err->reason == REASON_INTERRUPTED)
		fprintf(stderr, "rdmabench: %s\n", err->text);
	else
		fprintf(stderr, "rdmabench: %s: %s\n", word, err->text);
	return reason_exit_code(err->reason);
}

int main(int argc, char **argv)
{
	const struct command *c;

	stop_install();
	if (argc < 2) {
		cmd_help.help();
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("rdmabench " RDMABENCH_VERSION);
		return 0;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h")) {
		cmd_help.help();
		return 0;
	}
	c = command_find(argv[1]);
	if (!c) {
		fprintf(stderr,
			"rdmabench: no command '%s'; see `rdmabench help`\n",
			argv[1]);
		return EXIT_USAGE;
	}
	return c->run(argc - 1, argv + 1);
}
