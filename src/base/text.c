#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

static int columns_of(FILE *out)
{
	const char *said = getenv("COLUMNS");
	struct winsize w;

	if (said && atoi(said) > 0)
		return atoi(said);
	if (!ioctl(fileno(out), TIOCGWINSZ, &w) && w.ws_col)
		return w.ws_col;
	return TEXT_WIDTH + 1;
}

int text_width(FILE *out)
{
	const int width = columns_of(out) - 1;

	if (width < TEXT_WIDTH_MIN)
		return TEXT_WIDTH_MIN;
	return width < TEXT_WIDTH_MAX ? width : TEXT_WIDTH_MAX;
}

void text_wrap(FILE *out, const char *text, int indent)
{
	const int width = text_width(out);
	int col = indent;

	while (*text) {
		int len = (int)strcspn(text, " \n");

		if (col > indent && col + 1 + len > width) {
			fprintf(out, "\n%*s", indent, "");
			col = indent;
		}
		if (col > indent) {
			fputc(' ', out);
			col++;
		}
		fprintf(out, "%.*s", len, text);
		col += len;
		text += len;
		for (; *text == ' ' || *text == '\n'; text++)
			if (*text == '\n') {
				fprintf(out, "\n%*s", indent, "");
				col = indent;
			}
	}
	fputc('\n', out);
}
