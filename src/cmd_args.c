#include "cmd.h"

#include <assert.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

enum { LONGS_MAX = 192, INDEX_BASE = 1000 };

struct table {
	struct option longs[LONGS_MAX + 2]; /* --help, and the end */
	const struct opt *opts[LONGS_MAX];
	char shorts[2 * LONGS_MAX + 8];
	unsigned n;
};

static void add(struct table *t, const struct opt *o)
{
	size_t len = strlen(t->shorts);
	unsigned i;

	for (i = 0; i < t->n; i++)
		if (!strcmp(t->opts[i]->name, o->name))
			return; /* two scenarios share a module */
	assert(t->n < LONGS_MAX);
	t->longs[t->n] = (struct option){
		.name = o->name,
		.has_arg =
			o->type == OPT_FLAG ? no_argument : required_argument,
		.val = (int)(INDEX_BASE + t->n),
	};
	t->opts[t->n++] = o;
	if (!o->letter)
		return;
	t->shorts[len++] = o->letter;
	if (o->type != OPT_FLAG)
		t->shorts[len] = ':';
}

static void build(struct table *t, const struct opt_group *const *groups,
		  unsigned n_groups)
{
	unsigned i, k;

	memset(t, 0, sizeof(*t));
	/* ':' first: we word the errors ourselves. */
	strcpy(t->shorts, ":h");
	for (i = 0; i < n_groups; i++)
		for (k = 0; k < groups[i]->n; k++)
			add(t, &groups[i]->opts[k]);
	t->longs[t->n] = (struct option){.name = "help", .val = 'h'};
}

static const struct opt *chosen(const struct table *t, int c)
{
	unsigned i;

	if (c >= INDEX_BASE)
		return t->opts[c - INDEX_BASE];
	for (i = 0; i < t->n; i++)
		if (t->opts[i]->letter == c)
			return t->opts[i];
	return NULL;
}

/* The option that was meant by a misspelt --NAME or --NAME=VALUE. */
static const struct opt *meant(const struct table *t, const char *name)
{
	const struct opt *best = NULL;
	unsigned i, least = UINT_MAX, d;

	for (i = 0; i < t->n; i++) {
		d = text_distance(name, t->opts[i]->name);
		if (text_meant(name, t->opts[i]->name) && d < least) {
			least = d;
			best = t->opts[i];
		}
	}
	return best;
}

/* The beginning of several; the first two are enough to see why. */
static int ambiguous(const struct table *t, const char *name, struct err *err)
{
	const struct opt *two[2];
	unsigned i, n = 0;

	for (i = 0; i < t->n && n < 2; i++)
		if (!strncmp(t->opts[i]->name, name, strlen(name)))
			two[n++] = t->opts[i];
	if (n < 2)
		return 0;
	return err_set(err, -EINVAL, REASON_USAGE,
		       "--%s: ambiguous: --%s, --%s, ...?", name, two[0]->name,
		       two[1]->name);
}

static int unknown_option(const struct table *t, const char *word,
			  const char *command, struct err *err)
{
	const bool run = !strcmp(command, "run");
	const struct opt *o = NULL;
	char name[64] = "";
	int ret;

	if (!strncmp(word, "--", 2)) {
		snprintf(name, sizeof(name), "%.*s",
			 (int)strcspn(word + 2, "="), word + 2);
		ret = ambiguous(t, name, err);
		if (ret)
			return ret;
		o = meant(t, name);
	}
	return err_set(err, -EINVAL, REASON_USAGE,
		       "%.*s: no such option; %s%s%ssee `rdmabench help %s`%s",
		       (int)strcspn(word, "="), word, o ? "--" : "",
		       o ? o->name : "", o ? "? Or " : "", command,
		       run ? " and `rdmabench help SCENARIO`" : "");
}

static int complain(int c, const struct table *t, char *const *argv,
		    struct err *err)
{
	const char *word = argv[optind - 1];
	char letter[3] = {'-', (char)optopt, '\0'};

	/* For a short option optind may still point at its word. */
	if (optopt && optopt < INDEX_BASE)
		word = letter;
	if (c == ':')
		return err_set(err, -EINVAL, REASON_USAGE, "%s needs a value",
			       word);
	return unknown_option(t, word, argv[0], err);
}

int args_parse(struct args *a, int argc, char **argv,
	       const struct opt_group *const *groups, unsigned n_groups,
	       struct err *err)
{
	struct table t;
	int c;

	build(&t, groups, n_groups);
	memset(a, 0, sizeof(*a));
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, t.shorts, t.longs, NULL)) != -1) {
		if (c == 'h') {
			a->help = true;
			continue;
		}
		if (c == ':' || c == '?')
			return complain(c, &t, argv, err);
		if (a->n == ARGS_MAX)
			return err_set(err, -EINVAL, REASON_USAGE,
				       "more than %d options", ARGS_MAX);
		a->arg[a->n].o = chosen(&t, c);
		a->arg[a->n++].text = optarg;
	}
	a->rest = argv + optind;
	a->n_rest = (unsigned)(argc - optind);
	return 0;
}

int args_apply(const struct args *a, const struct opt_group *g, void *base,
	       struct err *err)
{
	unsigned i;
	int ret;

	for (i = 0; i < a->n; i++) {
		const struct opt_given *arg = &a->arg[i];

		if (arg->o < g->opts || arg->o >= g->opts + g->n)
			continue;
		ret = opt_set(arg->o, base, arg->text ? arg->text : "yes", err);
		if (ret)
			return ret;
	}
	return 0;
}
