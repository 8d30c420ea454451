#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "info/info.h"
#include "info/info_json.h"

struct info_cfg {
	uint64_t json;
};

static const struct opt opts[] = {
	{.name = "json",
	 .type = OPT_FLAG,
	 .role = OPT_RUN,
	 .offset = offsetof(struct info_cfg, json),
	 .def = "no",
	 .help = "as JSON: facts and findings, as in run.json"},
};

static const struct opt_group info_opts = {
	.title = "info",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

static void print_json(const struct host *host, const struct facts *facts,
		       const struct findings *findings)
{
	json_t *j = json_pack("{s:i, s:s, s:s, s:b, s:o, s:o}",
			      "schema_version", 1, "version", RDMABENCH_VERSION,
			      "name", host->name, "facts_cut", (int)facts->full,
			      "facts", facts_json(facts), "findings",
			      findings_json(findings));

	json_dumpf(j, stdout, JSON_INDENT(2));
	json_decref(j);
	putchar('\n');
}

/* Too large for a stack that somebody has limited. */
struct report {
	struct host host;
	struct facts facts;
	struct findings findings;
};

static int show(bool json)
{
	struct report *r = malloc(sizeof(*r));
	struct err err;

	if (!r) {
		err_sys(&err, -ENOMEM, "info");
		return cmd_fail(&err);
	}
	host_read(&r->host);
	info_gather(&r->facts, &r->host, "");
	findings_judge(&r->findings, &r->facts);
	if (json)
		print_json(&r->host, &r->facts, &r->findings);
	else
		info_print(stdout, &r->facts, &r->findings);
	free(r);
	return 0;
}

static const struct opt_group *const groups[] = {&info_opts};

static int run(int argc, char **argv)
{
	struct info_cfg cfg;
	struct args args;
	struct err err;

	opt_defaults(&info_opts, &cfg);
	if (args_parse(&args, argc, argv, groups, 1, &err) ||
	    args_apply(&args, &info_opts, &cfg, &err))
		return cmd_fail(&err);
	if (args.help)
		return command_help(&cmd_info);
	if (args.n_rest) {
		fprintf(stderr, "rdmabench: info takes no '%s'\n",
			args.rest[0]);
		return EXIT_USAGE;
	}
	return show(cfg.json != 0);
}

const struct command cmd_info = {
	.name = "info",
	.usage = "[--json]",
	.summary = "this host, and what spoils numbers",
	.about = "What this host is, and what would spoil a measurement on it: "
		 "one line a finding, what: why; and the command that mends "
		 "it. A "
		 "finding spoils numbers, limits what can be measured, or is a "
		 "note "
		 "for whoever reads them. Root sees more.",
	.options = groups,
	.n_options = sizeof(groups) / sizeof(groups[0]),
	.run = run,
};
