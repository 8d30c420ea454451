/* The subcommands, and what they share.  Only main.c and cmd_*.c know the
 * command line, print errors and choose the exit code. */
#ifndef CMD_H
#define CMD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/opt.h"

struct command {
	const char *name;
	const char *usage;			/* after the name */
	const char *summary;			/* a line */
	const char *about;			/* for its help: a paragraph */
	const struct opt_group *const *options; /* n_options; may be NULL */
	unsigned n_options;
	const char *more; /* what its help ends with; may be NULL */
	int (*run)(int argc, char **argv); /* argv[0] is the name */
};

extern const struct command cmd_list, cmd_info, cmd_serve, cmd_run, cmd_check,
	cmd_compare, cmd_report, cmd_help;

extern const struct opt_group compare_opts;

/* Help for one command, to stdout; returns 0, the exit code. */
int command_help(const struct command *c);
/* The same of `run SCENARIO`: what is its own. */
struct scenario;
int command_help_scenario(const struct scenario *s);
/* What a scenario with sweeps measures, for the manual too. */
extern const char help_sweeps[];
/* For one that takes no options: whether that is all that was asked for. */
bool command_wants_help(int argc, char **argv);

/* Parts of the manuals and the completion, for the Makefile; false if there
 * is no such part. */
bool cmd_manual(const char *what);

/* A part of list, long enough for a file of its own. */
void cmd_list_counters(void);

/* All of them, in the order of help; NULL past the end. */
const struct command *command_at(unsigned i);
const struct command *command_find(const char *name);

enum { EXIT_USAGE = 2 };

/* "rdmabench: ..." to stderr; returns the exit code of the reason. */
int cmd_fail(const struct err *err);
void cmd_say(const char *line);

enum { ARGS_MAX = 128 };
struct args {
	struct opt_given arg[ARGS_MAX];
	unsigned n;
	char **rest; /* what is no option */
	unsigned n_rest;
	bool help;
};

/* Parses argv by these groups (getopt_long).  0 or -EINVAL with words. */
int args_parse(struct args *a, int argc, char **argv,
	       const struct opt_group *const *groups, unsigned n_groups,
	       struct err *err);

/* Sets those of the args that belong to this group. */
int args_apply(const struct args *a, const struct opt_group *g, void *base,
	       struct err *err);

#endif
