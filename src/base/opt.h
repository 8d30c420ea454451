/*
 * Options are data.  Each module that can be configured owns a table of
 * struct opt; parsing, bounds, defaults, --help, the manual, the CSV columns
 * and run.json all come from the same table.
 *
 * Values live in the module's own struct at `offset`: a uint64_t for every
 * numeric type (sizes in bytes, times in ns, enums as index, flags 0 or 1),
 * two for a range, char[OPT_TEXT_MAX] for text.
 */
#ifndef BASE_OPT_H
#define BASE_OPT_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/err.h"

enum opt_type {
	OPT_COUNT,
	OPT_SIZE, /* bytes: 64, 4k, 16M */
	OPT_TIME, /* ns: 250us, 1.5s */
	OPT_ENUM,
	OPT_FLAG,
	OPT_TEXT,
	OPT_RANGE, /* two counts: "7,30", or "7" for both; or the word */
};

enum opt_role {
	OPT_AXIS,     /* a list makes more points; in every row */
	OPT_KNOB,     /* one value for the run; in run.json, and in every row
		   * if it has a column */
	OPT_HOST,     /* CLIENT[,SERVER]: each end takes its own; one value is
		   * for both */
	OPT_HOST_OWN, /* the same, but one value is the client's only */
	OPT_RUN,      /* of a command (run, serve, info), not of a point */
};

enum {
	OPT_TEXT_MAX = 256,
	OPT_LIST_MAX = 64,
};

/* What an option's special word (`word`: "auto", "same") is stored as. */
#define OPT_WORD UINT64_MAX

struct opt {
	const char *name; /* long name without dashes */
	char letter;	  /* perftest's, where it has one; 0: none */
	enum opt_type type;
	enum opt_role role;
	size_t offset;
	uint64_t min, max;	  /* inclusive; for COUNT, SIZE and TIME */
	const char *def;	  /* as a user would type it */
	const char *word;	  /* accepted beside a number; or NULL */
	const char *const *names; /* of an enum, NULL-terminated */
	const char *metavar;	  /* in help: "SIZE[,...]" */
	const char *column;	  /* CSV column; NULL: none (or elsewhere) */
	const char *help;
};

struct opt_group {
	const char *title;
	const struct opt *opts;
	unsigned n;
};

/* Parses one value into the struct at base.  Errors name the option, the
 * value and the bounds. */
int opt_set(const struct opt *o, void *base, const char *text, struct err *err);

/* Parses a list ("1k,4k", "1k-16Mx4"; of enums: "tcp,rdma"). */
struct opt_list {
	uint64_t v[OPT_LIST_MAX];
	unsigned n;
};
int opt_parse_list(const struct opt *o, const char *text, struct opt_list *list,
		   struct err *err);

/* An option as the user gave it. */
struct opt_given {
	const struct opt *o;
	const char *text; /* NULL: a flag */
};

/* Every option of the group to its default; for an axis whose default is a
 * list, to its first value.  A bad default is a bug: asserts. */
void opt_defaults(const struct opt_group *g, void *base);

/* The value as a user would type it (and as it travels to the server). */
void opt_format(const struct opt *o, const void *base, char *buf, size_t cap);

/* The value as the CSV has it: numbers in base units, the word as "". */
void opt_cell(const struct opt *o, const void *base, char *buf, size_t cap);

void opt_store(const struct opt *o, void *base, uint64_t value);
uint64_t opt_load(const struct opt *o, const void *base);

const struct opt *opt_find(const struct opt_group *g, const char *name);

/* "  -s, --size SIZE[,...]   help (default ...)", wrapped at 80. */
void opt_help(FILE *out, const struct opt_group *g);

/* The same as mdoc(7), for the manual. */
void opt_mdoc(FILE *out, const struct opt_group *g);

/* Plain text as a line of mdoc. */
void opt_mdoc_text(FILE *out, const char *text);

#endif
