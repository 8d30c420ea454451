/* The parts of report.html, for html.c. */
#ifndef REPORT_HTML_PART_H
#define REPORT_HTML_PART_H

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>

#include "report/figures.h"
#include "report/report.h"

/* The style sheet, embedded. */
extern const char html_css[];

/* Text from anywhere: clean (report/show.h), cut, and escaped. */
void html_text(FILE *f, const char *text);

/* Title, warnings, hosts, links, how it was run. */
void html_run(FILE *f, const json_t *run);

/* What runs it again, quoted for a shell where that is needed: all of it, as
 * it was typed, or one scenario (NULL: all) alone.  Its folder is taken, and
 * left out. */
void html_command(FILE *f, const json_t *run, const char *scenario);
/* One argument of a command. */
void html_word(FILE *f, const char *word);

/*
 * A figure of the folder, inline.  Ids and references to them get `prefix`,
 * so that several figures can stand in one page.  False, with nothing
 * written, if the file is not there or is no plain drawing (a script, an
 * event, anything fetched).
 */
bool html_svg(FILE *f, const char *dir, const char *file, const char *prefix);
/* The same from memory; `svg` is one file's text. */
bool html_svg_text(FILE *f, const char *svg, const char *prefix);

/* The tables of one path, and what the literature has beside it. */
void html_tables(FILE *f, const struct report *r,
		 const struct report_view *view);

#endif
