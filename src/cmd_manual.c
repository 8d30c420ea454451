/* For the Makefile: what manuals and the shell's completion say of options,
 * scenarios and columns comes from the tables that --help and the CSV use. */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "ctl/hello.h"
#include "metric/metric.h"
#include "run/record.h"
#include "run/record_about.h"
#include "run/run.h"
#include "run/scenario.h"
#include "run/serve.h"

/* --- rdmabench(1) -----------------------------------------------------------*/

/* Several scenarios share a group: once is enough. */
static bool is_first_shared(unsigned i)
{
	const struct opt_group *g = scenario_at(i)->shared;

	while (g && i--)
		if (scenario_at(i)->shared == g)
			return false;
	return g != NULL;
}

static void manual_options(void)
{
	unsigned i;

	puts(".Sh OPTIONS");
	opt_mdoc(stdout, &run_opts);
	opt_mdoc(stdout, &link_opts);
	opt_mdoc(stdout, &trial_opts);
	for (i = 0; scenario_at(i); i++) {
		if (is_first_shared(i))
			opt_mdoc(stdout, scenario_at(i)->shared);
		opt_mdoc(stdout, scenario_at(i)->opts);
	}
	opt_mdoc(stdout, &serve_opts);
	opt_mdoc(stdout, &compare_opts);
}

/* --- rdmabench-scenarios(7) --------------------------------------------------*/

static void item(const char *name, const char *text)
{
	printf(".It Cm %s\n", name);
	opt_mdoc_text(stdout, text);
}

static void scenario_metrics(const struct scenario *s)
{
	unsigned i;

	if (!s->n_metrics)
		return;
	puts(".Pp\nBeside the columns of every scenario it has\n"
	     ".Bl -tag -width Ds");
	for (i = 0; i < s->n_metrics; i++)
		item(s->metrics[i].name, s->metrics[i].help);
	puts(".El");
}

static void scenario_defaults(const struct scenario *s)
{
	unsigned i;

	for (i = 0; i < s->n_defaults; i++)
		printf("%s\n.Fl -%s Ar %s\n",
		       i ? "and" : ".Pp\nHere the default is",
		       s->defaults[i].name, s->defaults[i].text);
}

static void manual_scenarios(void)
{
	const struct scenario *s;
	unsigned i;

	for (i = 0; (s = scenario_at(i)); i++) {
		printf(".Sh %s\n", s->name);
		opt_mdoc_text(stdout, s->summary);
		puts(".Pp");
		opt_mdoc_text(stdout, s->question);
		puts(".Pp\nAfter:");
		opt_mdoc_text(stdout, s->source);
		if (s->sweeps) {
			puts(".Pp");
			opt_mdoc_text(stdout, help_sweeps);
		}
		scenario_defaults(s);
		if (s->shared)
			opt_mdoc(stdout, s->shared);
		opt_mdoc(stdout, s->opts);
		scenario_metrics(s);
	}
}

/* --- rdmabench-csv(5) ---------------------------------------------------------*/

static void about(const struct record_about *a)
{
	puts(".Bl -tag -width Ds");
	for (; a->column; a++)
		item(a->column, a->help);
	puts(".El");
}

/* Options that have a column; several scenarios may have one of the same
 * meaning. */
enum { KNOBS_MAX = 256 };
struct knobs {
	const struct opt *v[KNOBS_MAX];
	unsigned n;
};

static bool is_new(struct knobs *known, const struct opt *o)
{
	unsigned i;

	for (i = 0; i < known->n; i++)
		if (!strcmp(known->v[i]->column, o->column) &&
		    !strcmp(known->v[i]->help, o->help))
			return false;
	if (known->n == KNOBS_MAX)
		return false;
	known->v[known->n++] = o;
	return true;
}

static void knobs_of(struct knobs *known, const struct opt_group *g,
		     const char *scenario)
{
	unsigned i;

	for (i = 0; g && i < g->n; i++) {
		const struct opt *o = &g->opts[i];

		if (!o->column || !is_new(known, o))
			continue;
		printf(".It Cm %s\n.Pq Fl -%s%s%s\n", o->column, o->name,
		       *scenario ? " ; No " : "", scenario);
		opt_mdoc_text(stdout, o->help);
	}
}

static void knobs(void)
{
	struct knobs known = {.n = 0};
	const struct scenario *s;
	unsigned i;

	puts(".Bl -tag -width Ds");
	knobs_of(&known, &link_opts, "");
	knobs_of(&known, &trial_opts, "");
	for (i = 0; (s = scenario_at(i)); i++) {
		knobs_of(&known, s->shared, "");
		knobs_of(&known, s->opts, s->name);
	}
	puts(".El");
}

/* Unit and end, as far as there is something to say. */
static void metric(const struct metric *m, const char *scenario)
{
	static const char *const sides[] = {
		[SIDE_CLIENT] = "the client's",
		[SIDE_SERVER] = "the server's",
		[SIDE_BOTH] = "client_ and server_ before the name",
		[SIDE_EITHER] = "of the end that did it",
	};

	printf(".It Cm %s\n", m->name);
	opt_mdoc_text(stdout, m->help);
	printf(".Pq %s%s%s%s%s\n",
	       m->kind == METRIC_DIST ? "distribution, ns" : m->unit, "; ",
	       sides[m->side], *scenario ? "; " : "", scenario);
}

static void metrics(void)
{
	unsigned i, k;

	puts(".Bl -tag -width Ds");
	for (i = 0; i < METRIC_BASE_COUNT; i++)
		if (i != METRIC_OPS && i != METRIC_CPU_NS &&
		    i != METRIC_PAYLOAD)
			metric(&metric_base[i], "");
	for (i = 0; scenario_at(i); i++)
		for (k = 0; k < scenario_at(i)->n_metrics; k++)
			metric(&scenario_at(i)->metrics[k],
			       scenario_at(i)->name);
	puts(".El");
}

static void manual_columns(void)
{
	puts(".Ss Of every row");
	about(record_about_row);
	puts(".Ss Options that have a column");
	knobs();
	puts(".Ss What was counted");
	puts("A distribution of times has three columns, its name with\n"
	     ".Ql _mean_ns ,\n.Ql _p50_ns\nand\n.Ql _p99_ns .");
	metrics();
	puts(".Ss Only in points.csv");
	about(record_about_points);
}

/* --- completion ---------------------------------------------------------------*/

static void option_words(const struct opt_group *g)
{
	unsigned i;

	for (i = 0; g && i < g->n; i++)
		printf(" --%s", g->opts[i].name);
}

/* What may follow an option: the names of an enum, or files. */
static void option_values(const struct opt_group *g)
{
	unsigned i, k;

	for (i = 0; g && i < g->n; i++) {
		const struct opt *o = &g->opts[i];

		if (o->type != OPT_ENUM && o->type != OPT_TEXT)
			continue;
		printf("\t--%s)", o->name);
		if (o->type == OPT_TEXT) {
			printf(" COMPREPLY=($(compgen -f -- \"$cur\"))");
		} else {
			printf(" COMPREPLY=($(compgen -W '");
			for (k = 0; o->names[k]; k++)
				printf("%s%s", k ? " " : "", o->names[k]);
			printf("' -- \"$cur\"))");
		}
		puts("; return ;;");
	}
}

static void each_run_group(void (*fn)(const struct opt_group *g))
{
	unsigned i;

	fn(&run_opts);
	fn(&link_opts);
	fn(&trial_opts);
	for (i = 0; scenario_at(i); i++) {
		if (is_first_shared(i))
			fn(scenario_at(i)->shared);
		fn(scenario_at(i)->opts);
	}
}

static void names(void)
{
	unsigned i;

	for (i = 0; scenario_at(i); i++)
		printf(" %s", scenario_at(i)->name);
}

static void completion(void)
{
	unsigned i;

	puts("# bash completion of rdmabench, generated by `make`\n"
	     "_rdmabench()\n{\n"
	     "\tlocal cur=${COMP_WORDS[COMP_CWORD]} words\n"
	     "\tlocal prev=${COMP_WORDS[COMP_CWORD - 1]}\n"
	     "\tCOMPREPLY=()\n"
	     "\tcase $prev in");
	each_run_group(option_values);
	option_values(&serve_opts);
	option_values(&compare_opts);
	printf("\tesac\n\tcase ${COMP_WORDS[1]} in\n\trun) words='");
	names();
	each_run_group(option_words);
	printf(" --help' ;;\n\tserve) words='");
	option_words(&serve_opts);
	printf(" --help' ;;\n\tcompare) words='");
	option_words(&compare_opts);
	puts(" --help' ;;\n"
	     "\tlist) words='scenarios transports counters devices' ;;\n"
	     "\tinfo) words='--json --help' ;;");
	printf("\thelp) words='");
	for (i = 0; command_at(i); i++)
		printf(" %s", command_at(i)->name);
	names();
	puts("' ;;\n\tesac");
	printf("\t((COMP_CWORD > 1)) || words='");
	for (i = 0; command_at(i); i++)
		printf(" %s", command_at(i)->name);
	puts(" --help --version'\n"
	     "\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	     "\tcase ${COMP_WORDS[1]} in\n"
	     "\tcheck | report | compare)\n"
	     "\t\t[[ $cur == -* ]] || ((COMP_CWORD < 2)) ||\n"
	     "\t\t\tCOMPREPLY=($(compgen -d -- \"$cur\")) ;;\n"
	     "\tesac\n}\n"
	     "complete -o filenames -F _rdmabench rdmabench");
}

/* Every reason, and what a row is that has it: no other word starts one. */
static void manual_reasons(void)
{
	unsigned i;

	puts(".Bl -tag -width Ds");
	for (i = REASON_NONE + 1; i < REASON_COUNT; i++) {
		const enum reason r = (enum reason)i;

		printf(".It Cm %s\n", reason_word(r));
		opt_mdoc_text(stdout, reason_help(r));
		printf("(%s; exit status %d)\n",
		       r == REASON_INTERRUPTED	  ? "interrupted"
		       : reason_is_unsupported(r) ? "unsupported"
						  : "failed",
		       reason_exit_code(r));
	}
	puts(".El");
}

bool cmd_manual(const char *what)
{
	static const struct {
		const char *what;
		void (*print)(void);
	} parts[] = {
		{"--mdoc", manual_options},
		{"--mdoc-scenarios", manual_scenarios},
		{"--mdoc-columns", manual_columns},
		{"--mdoc-reasons", manual_reasons},
		{"--completion", completion},
	};
	size_t i;

	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		if (strcmp(what, parts[i].what))
			continue;
		parts[i].print();
		return true;
	}
	return false;
}
