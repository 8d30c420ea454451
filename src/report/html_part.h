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

/* `rdmabench ...` as it was typed, quoted for a shell where that is needed. */
void html_command(FILE *f, const json_t *run);

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
