#include "base/opt.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "base/units.h"

static void bound_text(const struct opt *o, uint64_t v, char *buf, size_t cap)
{
	if (o->type == OPT_SIZE)
		units_format_size(buf, cap, v);
	else if (o->type == OPT_TIME)
		units_format_time(buf, cap, (double)v);
	else
		snprintf(buf, cap, "%" PRIu64, v);
}

static int check_bounds(const struct opt *o, uint64_t v, const char *text,
			struct err *err)
{
	char lo[32], hi[32];

	if (v >= o->min && v <= o->max)
		return 0;
	bound_text(o, o->min, lo, sizeof(lo));
	bound_text(o, o->max, hi, sizeof(hi));
	return err_set(err, -EINVAL, REASON_USAGE,
		       "--%s %s: out of bounds, %s to %s", o->name, text, lo,
		       hi);
}

static void names_text(const struct opt *o, char *buf, size_t cap)
{
	size_t len = 0;
	unsigned i;

	buf[0] = '\0';
	for (i = 0; o->names[i] && len < cap; i++)
		len += (size_t)snprintf(buf + len, cap - len, "%s%s",
					i ? ", " : "", o->names[i]);
}

static int parse_enum(const struct opt *o, const char *text, uint64_t *v,
		      struct err *err)
{
	char names[160];
	unsigned i;

	for (i = 0; o->names[i]; i++) {
		if (!strcmp(o->names[i], text)) {
			*v = i;
			return 0;
		}
	}
	names_text(o, names, sizeof(names));
	return err_set(err, -EINVAL, REASON_USAGE, "--%s %s: not one of %s",
		       o->name, text, names);
}

static int parse_flag(const struct opt *o, const char *text, uint64_t *v,
		      struct err *err)
{
	if (!strcmp(text, "yes") || !strcmp(text, "1")) {
		*v = 1;
		return 0;
	}
	if (!strcmp(text, "no") || !strcmp(text, "0")) {
		*v = 0;
		return 0;
	}
	return err_set(err, -EINVAL, REASON_USAGE, "--%s %s: not yes or no",
		       o->name, text);
}

typedef int (*parse_fn)(const char *, uint64_t *, struct err *);

static parse_fn parser_of(enum opt_type type)
{
	switch (type) {
	case OPT_SIZE:
		return units_parse_size;
	case OPT_TIME:
		return units_parse_time;
	default:
		return units_parse_count;
	}
}

static int parse_number(const struct opt *o, const char *text, uint64_t *v,
			struct err *err)
{
	int ret;

	if (o->word && !strcmp(text, o->word)) {
		*v = OPT_WORD;
		return 0;
	}
	ret = parser_of(o->type)(text, v, err);
	if (ret) {
		err_wrap(err, "--%s", o->name);
		return ret;
	}
	return check_bounds(o, *v, text, err);
}

static int parse_value(const struct opt *o, const char *text, uint64_t *v,
		       struct err *err)
{
	switch (o->type) {
	case OPT_ENUM:
		return parse_enum(o, text, v, err);
	case OPT_FLAG:
		return parse_flag(o, text, v, err);
	default:
		return parse_number(o, text, v, err);
	}
}

void opt_store(const struct opt *o, void *base, uint64_t value)
{
	memcpy((char *)base + o->offset, &value, sizeof(value));
}

uint64_t opt_load(const struct opt *o, const void *base)
{
	uint64_t v;

	memcpy(&v, (const char *)base + o->offset, sizeof(v));
	return v;
}

static int set_text(const struct opt *o, void *base, const char *text,
		    struct err *err)
{
	size_t len = strlen(text);

	if (len >= OPT_TEXT_MAX)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--%s: longer than %d characters", o->name,
			       OPT_TEXT_MAX - 1);
	memcpy((char *)base + o->offset, text, len + 1);
	return 0;
}

static int set_range(const struct opt *o, void *base, const char *text,
		     struct err *err)
{
	uint64_t v[2];
	char first[32];
	size_t len = strcspn(text, ",");
	int ret;

	snprintf(first, sizeof(first), "%.*s", (int)len, text);
	ret = parse_number(o, first, &v[0], err);
	v[1] = v[0];
	if (!ret && text[len])
		ret = parse_number(o, text + len + 1, &v[1], err);
	if (ret)
		return ret;
	if (o->word && text[len] && (v[0] == OPT_WORD || v[1] == OPT_WORD))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--%s: %s stands alone", o->name, o->word);
	memcpy((char *)base + o->offset, v, sizeof(v));
	return 0;
}

int opt_set(const struct opt *o, void *base, const char *text, struct err *err)
{
	uint64_t v;
	int ret;

	if (o->type == OPT_TEXT)
		return set_text(o, base, text, err);
	if (o->type == OPT_RANGE)
		return set_range(o, base, text, err);
	ret = parse_value(o, text, &v, err);
	if (!ret)
		opt_store(o, base, v);
	return ret;
}

static int parse_word_list(const struct opt *o, const char *text,
			   struct opt_list *list, struct err *err)
{
	char copy[OPT_TEXT_MAX], *rest = copy, *word;
	int ret;

	if (strlen(text) >= sizeof(copy))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--%s: list too long", o->name);
	strcpy(copy, text);
	list->n = 0;
	while ((word = strsep(&rest, ","))) {
		if (list->n == OPT_LIST_MAX)
			return err_set(err, -EINVAL, REASON_USAGE,
				       "--%s: more than %d values", o->name,
				       OPT_LIST_MAX);
		ret = parse_value(o, word, &list->v[list->n++], err);
		if (ret)
			return ret;
	}
	return 0;
}

int opt_parse_list(const struct opt *o, const char *text, struct opt_list *list,
		   struct err *err)
{
	unsigned i;
	int ret;

	if (o->type == OPT_ENUM || o->type == OPT_FLAG ||
	    (o->word && strstr(text, o->word)))
		return parse_word_list(o, text, list, err);
	ret = units_parse_list(text, parser_of(o->type), list->v, OPT_LIST_MAX,
			       &list->n, err);
	if (ret) {
		err_wrap(err, "--%s", o->name);
		return ret;
	}
	for (i = 0; i < list->n; i++) {
		ret = check_bounds(o, list->v[i], text, err);
		if (ret)
			return ret;
	}
	return 0;
}

void opt_defaults(const struct opt_group *g, void *base)
{
	struct opt_list list;
	struct err err;
	unsigned i;
	int ret;

	for (i = 0; i < g->n; i++) {
		const struct opt *o = &g->opts[i];

		if (o->role != OPT_AXIS) {
			ret = opt_set(o, base, o->def, &err);
			assert(!ret);
			continue;
		}
		ret = opt_parse_list(o, o->def, &list, &err);
		assert(!ret);
		opt_store(o, base, list.v[0]);
	}
}

static uint64_t second_of(const struct opt *o, const void *base)
{
	uint64_t v;

	memcpy(&v, (const char *)base + o->offset + sizeof(v), sizeof(v));
	return v;
}

void opt_format(const struct opt *o, const void *base, char *buf, size_t cap)
{
	uint64_t v;

	if (o->type == OPT_TEXT) {
		snprintf(buf, cap, "%s", (const char *)base + o->offset);
		return;
	}
	v = opt_load(o, base);
	if (o->word && v == OPT_WORD)
		snprintf(buf, cap, "%s", o->word);
	else if (o->type == OPT_RANGE)
		snprintf(buf, cap, "%" PRIu64 ",%" PRIu64, v,
			 second_of(o, base));
	else if (o->type == OPT_ENUM)
		snprintf(buf, cap, "%s", o->names[v]);
	else if (o->type == OPT_FLAG)
		snprintf(buf, cap, "%s", v ? "yes" : "no");
	else if (o->type == OPT_TIME)
		snprintf(buf, cap, "%" PRIu64 "ns", v);
	else
		snprintf(buf, cap, "%" PRIu64, v);
}

void opt_cell(const struct opt *o, const void *base, char *buf, size_t cap)
{
	if (o->type != OPT_TEXT && o->word && opt_load(o, base) == OPT_WORD)
		snprintf(buf, cap, "%s", "");
	else if (o->type == OPT_TIME)
		snprintf(buf, cap, "%" PRIu64, opt_load(o, base));
	else
		opt_format(o, base, buf, cap);
}

const struct opt *opt_find(const struct opt_group *g, const char *name)
{
	unsigned i;

	for (i = 0; i < g->n; i++)
		if (!strcmp(g->opts[i].name, name))
			return &g->opts[i];
	return NULL;
}

enum { HELP_INDENT = 28 };

/* "help: one of names (default x)"; of an axis a list makes more points. */
static void describe(const struct opt *o, char *text, size_t cap)
{
	bool shown = o->def[0] && o->type != OPT_FLAG;
	char names[160] = "";

	if (o->type == OPT_ENUM)
		names_text(o, names, sizeof(names));
	snprintf(text, cap, "%s%s%s%s%s%s", o->help,
		 !names[0]	       ? ""
		 : o->role == OPT_AXIS ? ": any of "
				       : ": one of ",
		 names, shown ? " (default " : "", shown ? o->def : "",
		 shown ? ")" : "");
}

static void help_one(FILE *out, const struct opt *o)
{
	const char *metavar = o->type == OPT_FLAG ? "" : o->metavar;
	char text[768];
	int n;

	n = fprintf(out, "  %c%c%s --%s%s%s", o->letter ? '-' : ' ',
		    o->letter ? o->letter : ' ', o->letter ? "," : " ", o->name,
		    metavar[0] ? " " : "", metavar);
	if (n >= HELP_INDENT - 1)
		fprintf(out, "\n%*s", HELP_INDENT, "");
	else
		fprintf(out, "%*s", HELP_INDENT - n, "");
	describe(o, text, sizeof(text));
	text_wrap(out, text, HELP_INDENT);
}

void opt_help(FILE *out, const struct opt_group *g)
{
	unsigned i;

	fprintf(out, "%s:\n", g->title);
	for (i = 0; i < g->n; i++)
		help_one(out, &g->opts[i]);
}

/* mdoc reads a line that starts with a dot or quote as a request. */
void opt_mdoc_text(FILE *out, const char *text)
{
	if (text[0] == '.' || text[0] == '\'')
		fputs("\\&", out);
	for (; *text; text++)
		fputs(*text == '\\' ? "\\e" : (char[]){*text, '\0'}, out);
	fputc('\n', out);
}

void opt_mdoc(FILE *out, const struct opt_group *g)
{
	char text[768];
	unsigned i;

	fprintf(out, ".Ss Options of %s\n.Bl -tag -width Ds\n", g->title);
	for (i = 0; i < g->n; i++) {
		const struct opt *o = &g->opts[i];

		fputs(".It ", out);
		if (o->letter)
			fprintf(out, "Fl %c , ", o->letter);
		fprintf(out, "Fl -%s", o->name);
		if (o->type != OPT_FLAG)
			fprintf(out, " Ar %s", o->metavar);
		fputc('\n', out);
		describe(o, text, sizeof(text));
		opt_mdoc_text(out, text);
	}
	fputs(".El\n", out);
}
