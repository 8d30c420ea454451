#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"
#include "rdma/device.h"
#include "run/here.h"
#include "run/scenario.h"

enum { DEVICES_MAX = 64, TEXT_COLUMN = 13 };

/* Two columns; the second wraps. */
static void line(const char *name, const char *text)
{
	printf("  %-10s ", name);
	text_wrap(stdout, text, TEXT_COLUMN);
}

/* How much of its own plan cannot run here; *why is one of the reasons, and
 * untouched if there is none. */
static void say_missing(const struct plan *plan, struct here *here,
			struct err *why)
{
	unsigned i, missing = 0;
	char text[80];

	for (i = 0; i < plan->n_points; i++)
		missing += here_can(here, &plan->points[i], why) != 0;
	if (!missing)
		return;
	snprintf(text, sizeof(text), "not here: %u of %u points (%s)", missing,
		 plan->n_points, reason_word(why->reason));
	line("", text);
}

static void list_scenarios(void)
{
	struct here here = {0};
	struct err err, why = {0};
	char text[sizeof(why.text) + 64];
	const struct scenario *s;
	struct plan plan;
	unsigned i;

	puts("scenarios:");
	for (i = 0; (s = scenario_at(i)); i++) {
		line(s->name, s->summary);
		plan_init(&plan, s);
		if (!plan_expand(&plan, &err))
			say_missing(&plan, &here, &why);
		plan_fini(&plan);
	}
	if (!why.text[0])
		return;
	snprintf(text, sizeof(text), "%s: %s", reason_word(why.reason),
		 why.text);
	text_wrap(stdout, text, 0);
}

/* Runs here, or why not. */
static void list_transports(void)
{
	const struct opt_group *g = &link_opts;
	struct link_cfg link;
	struct ep_attr attr;
	struct err err;
	const struct transport *t;
	char why[sizeof(err.text) + 64];
	unsigned i;

	opt_defaults(g, &link);
	puts("transports:");
	for (i = 0; (t = transport_at(i)); i++) {
		link_attr(&link, &attr);
		attr.poll = POLL_EVENT;
		line(t->name, t->summary);
		if (!t->probe(&attr, &err))
			continue;
		snprintf(why, sizeof(why), "not here: %s: %s",
			 reason_word(err.reason), err.text);
		line("", why);
	}
}

static void print_device(const struct rdma_device_info *d)
{
	char mtu[24] = "?";

	if (d->mtu_bytes)
		snprintf(mtu, sizeof(mtu), "%u", d->mtu_bytes);
	printf("  %s port %u: %s, %s, MTU %s, %s%s%s%s\n", d->name, d->port,
	       d->state, d->iwarp ? "iWARP" : d->link_layer, mtu,
	       d->addr.ss_family ? d->gid : "no IP address",
	       d->netdev[0] ? ", on " : "", d->netdev,
	       d->software ? ", software" : "");
	if (d->note[0])
		printf("    not usable: %s\n", d->note);
}

static int list_devices(void)
{
	struct rdma_device_info infos[DEVICES_MAX];
	struct err err;
	int i, n = rdma_device_list(infos, DEVICES_MAX, &err);

	puts("RDMA devices:");
	if (n < 0)
		return cmd_fail(&err);
	for (i = 0; i < n && i < DEVICES_MAX; i++)
		print_device(&infos[i]);
	if (!n)
		puts("  none; scripts/rxe.sh gives a command a software one");
	return 0;
}

static int run(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (command_wants_help(argc, argv))
		return command_help(&cmd_list);
	if (argc > 2) {
		fprintf(stderr, "rdmabench: list takes one of scenarios, "
				"transports, counters, devices\n");
		return EXIT_USAGE;
	}
	if (what[0] && strcmp(what, "scenarios") &&
	    strcmp(what, "transports") && strcmp(what, "counters") &&
	    strcmp(what, "devices")) {
		fprintf(stderr,
			"rdmabench: list %s: not one of scenarios, "
			"transports, counters, devices\n",
			what);
		return EXIT_USAGE;
	}
	if (!what[0] || what[0] == 's')
		list_scenarios();
	if (!what[0] || what[0] == 't')
		list_transports();
	/* Only where it is asked for: it wakes libpfm and tries each. */
	if (what[0] == 'c')
		cmd_list_counters();
	if (!what[0] || what[0] == 'd')
		return list_devices();
	return 0;
}

const struct command cmd_list = {
	.name = "list",
	.usage = "[scenarios|counters|...]",
	.summary = "what there is here",
	.about = "What there is: scenarios, transports and devices, or one of "
		 "these, or counters; for each also what is not to be had "
		 "here, and why.",
	.run = run,
};
