#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "report/html_part.h"
#include "result/reader.h"

enum { SVG_MAX = 8 << 20 };

static bool starts(const char *s, const char *word)
{
	return !strncasecmp(s, word, strlen(word));
}

/* Drawings of gnuplot have none of these. */
static bool is_forbidden(const char *s)
{
	static const char *const words[] = {
		"<script", "<foreignobject", "<iframe",	 "<image",
		"<style",  "<!doctype",	     "<!entity", "javascript:",
	};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (starts(s, words[i]))
			return true;
	/* onload=, onclick=, ... */
	if ((s[0] == ' ' || s[0] == '\n' || s[0] == '\t' || s[0] == '/') &&
	    starts(s + 1, "on") && s[3] >= 'a' && s[3] <= 'z')
		return s[3 + strspn(s + 3, "abcdefghijklmnopqrstuvwxyz")] ==
		       '=';
	/* A reference that leaves this drawing. */
	return (starts(s, "href=") && s[6] != '#') ||
	       (starts(s, "url(") && s[4] != '#');
}

static bool is_drawing(const char *svg)
{
	for (; *svg; svg++)
		if (is_forbidden(svg))
			return false;
	return true;
}

/* Length of what stands before a name that must be unique; 0: none here. */
static size_t name_follows(const char *s)
{
	static const char *const before[] = {
		" id='", " id=\"", "href='#", "href=\"#", "url(#",
	};
	size_t i;

	for (i = 0; i < sizeof(before) / sizeof(before[0]); i++)
		if (!strncmp(s, before[i], strlen(before[i])))
			return strlen(before[i]);
	return 0;
}

bool html_svg_text(FILE *f, const char *svg, const char *prefix)
{
	const char *s = strstr(svg, "<svg");
	const char *end = s ? strstr(s, "</svg>") : NULL;
	size_t n;

	if (!end || !is_drawing(svg))
		return false;
	for (end += strlen("</svg>"); s < end; s++) {
		n = name_follows(s);
		if (n) {
			fwrite(s, 1, n, f);
			fputs(prefix, f);
			s += n - 1;
		} else {
			fputc(*s, f);
		}
	}
	fputc('\n', f);
	return true;
}

bool html_svg(FILE *f, const char *dir, const char *file, const char *prefix)
{
	char path[640], *text = calloc(SVG_MAX + 1, 1);
	struct err ignored;
	bool drawn = false;
	size_t n;
	FILE *svg;

	snprintf(path, sizeof(path), "%s/%s", dir, file);
	if (!text || reader_open(path, &svg, &ignored))
		goto out;
	n = fread(text, 1, SVG_MAX, svg);
	fclose(svg);
	if (n < SVG_MAX && strlen(text) == n)
		drawn = html_svg_text(f, text, prefix);
out:
	free(text);
	return drawn;
}
