#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "report/figures.h"
#include "report/html.h"
#include "report/table.h"

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

/* The page says what there is, with figures or without. */
static int write_page(const char *dir, const struct figures_result *res,
		      struct err *err)
{
	int ret = html_write(dir, res, err);

	if (ret == -ENOENT) {
		fprintf(stderr, "rdmabench: no report.html: %s\n", err->text);
		return 0;
	}
	if (!ret)
		printf("%s/report.html\n", dir);
	return ret;
}

static int report(const char *dir)
{
	struct figures_result res = {0};
	struct err err, later;
	int ret;

	ret = figures_draw(dir, &res, &err);
	print_items(dir, &res);
	/* The first error is the one to tell. */
	if (!ret)
		ret = write_page(dir, &res, &err);
	else if (err.reason == REASON_NO_PROGRAM)
		(void)write_page(dir, &res, &later);
	figures_fini(&res);
	if (!ret)
		ret = table_print(stdout, dir, &err);
	return ret ? cmd_fail(&err) : 0;
}

static int run(int argc, char **argv)
{
	if (command_wants_help(argc, argv))
		return command_help(&cmd_report);
	if (argc != 2 || !argv[1][0] || argv[1][0] == '-') {
		fputs("rdmabench: report takes one results folder\n", stderr);
		return EXIT_USAGE;
	}
	return report(argv[1]);
}

const struct command cmd_report = {
	.name = "report",
	.usage = "DIR",
	.summary = "figures, report.html and tables",
	.about =
		"Draws the figures of a results folder (SVG and PNG, by "
		"gnuplot) "
		"into it, writes report.html beside them (one file, nothing is "
		"fetched), and prints the tables.",
	.run = run,
};
