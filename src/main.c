#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/stop.h"
#include "base/text.h"
#include "run/scenario.h"

static const struct command *const commands[] = {
	&cmd_list,  &cmd_info,	  &cmd_serve,  &cmd_run,
	&cmd_check, &cmd_compare, &cmd_report, &cmd_help,
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

	/* What was asked wrongly explains itself. */
	if (err->reason == REASON_USAGE)
		fprintf(stderr, "rdmabench: %s\n", err->text);
	else
		fprintf(stderr, "rdmabench: %s: %s\n", word, err->text);
	return reason_exit_code(err->reason);
}

/* What the caller closed (`2>&-`) must not become a socket or a CSV that a
 * message is then printed into.  Writing to these fails, as it should. */
static void hold_stdio(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDONLY);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

/* `rdmabench list | head -1`: whoever reads has what he wanted. */
static bool reader_left(void)
{
	struct pollfd p = {.fd = STDOUT_FILENO, .events = POLLOUT};

	return poll(&p, 1, 0) == 1 && (p.revents & POLLERR);
}

/* Results that reached nobody are no success; what else was wrong is worse. */
static int flush_results(int code)
{
	struct err err;
	bool lost = ferror(stdout);
	int failed;

	lost |= fflush(stdout) != 0;
	if (!lost || reader_left())
		return code;
	err_set(&err, -EIO, REASON_IO_ERROR,
		"stdout: not everything could be written: is its disk full, "
		"or was it closed?");
	failed = cmd_fail(&err);
	return code ? code : failed;
}

static int unknown_command(const char *word)
{
	const struct command *c;
	unsigned i;

	fprintf(stderr, "rdmabench: no command '%s'; ", word);
	if (scenario_find(word)) {
		fprintf(stderr, "`rdmabench run %s`?\n", word);
		return EXIT_USAGE;
	}
	for (i = 0; (c = command_at(i)); i++)
		if (text_meant(word, c->name))
			fprintf(stderr, "`%s`? Or ", c->name);
	fputs("see `rdmabench help`\n", stderr);
	return EXIT_USAGE;
}

static int run_command(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		command_help(&cmd_help);
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V")) {
		puts("rdmabench " RDMABENCH_VERSION);
		return 0;
	}
	if (command_wants_help(argc, argv))
		return command_help(&cmd_help);
	c = command_find(argv[1]);
	if (!c)
		return unknown_command(argv[1]);
	return c->run(argc - 1, argv + 1);
}

int main(int argc, char **argv)
{
	hold_stdio();
	stop_install();
	return flush_results(run_command(argc, argv));
}
