#include "base/text.h"

#include <string.h>

void text_wrap(FILE *out, const char *text, int indent)
{
	int col = indent;

	while (*text) {
		int len = (int)strcspn(text, " ");

		if (col > indent && col + 1 + len > TEXT_WIDTH) {
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
		text += strspn(text, " ");
	}
	fputc('\n', out);
}
