#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "report/figures.h"
#include "report/table.h"

static void help(void)
{
	puts("usage: rdmabench report DIR\n");
	puts("Draws the figures of a results folder (SVG and PNG, by gnuplot) "
	     "into it\nand prints its table.");
}

static void print_items(const char *dir, const struct figures_result *res)
{
	size_t i;

	for (i = 0; i < res->n; i++) {
		const struct figures_item *it = &res->items[i];

		if (it->kind == FIGURES_DRAWN)
			printf("%s/%s\n", dir, it->name);
		else
			fprintf(stderr, "rdmabench: %s%s: %s\n", it->name,
				it->kind == FIGURES_NOTE ? "" : " not drawn",
				it->why);
	}
}

static int report(const char *dir)
{
	struct figures_result res = {0};
	struct err err;
	int ret;

	ret = figures_draw(dir, &res, &err);
	print_items(dir, &res);
	figures_fini(&res);
	if (!ret)
		ret = table_print(stdout, dir, &err);
	return ret ? cmd_fail(&err) : 0;
}

static int run(int argc, char **argv)
{
	if (argc == 2 &&
	    (!strcmp(argv[1], "-h") || !strcmp(argv[1], "--help"))) {
		help();
		return 0;
	}
	if (argc != 2 || !argv[1][0] || argv[1][0] == '-') {
		fputs("rdmabench: report takes one results folder\n", stderr);
		return EXIT_USAGE;
	}
	return report(argv[1]);
}

const struct command cmd_report = {
	.name = "report",
	.usage = "DIR",
	.summary = "figures and a table of results",
	.run = run,
	.help = help,
};
