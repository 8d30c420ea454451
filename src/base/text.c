#include "base/text.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/smaller.h"

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

/* As many bytes as there is room for, of whole characters. */
static int fold(const char *text, int room)
{
	while (room > 1 && ((unsigned char)text[room] & 0xc0) == 0x80)
		room--;
	return room;
}

/* What stays on one line: a word; of one that no line has room for, as much
 * of its list as fits, or as fits at all: but a path, which may be copied. */
static int piece(const char *text, int room)
{
	const int len = (int)strcspn(text, " \n");
	int cut = room;

	if (len <= room)
		return len;
	while (cut > 0 && text[cut - 1] != ',')
		cut--;
	if (cut > 0)
		return cut;
	return memchr(text, '/', (size_t)len) ? len : fold(text, room);
}

void text_wrap(FILE *out, const char *text, int indent)
{
	const int width = text_width(out);
	int col = indent;

	while (*text) {
		int len = piece(text, width - indent);

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

unsigned text_distance(const char *a, const char *b)
{
	unsigned row[TEXT_NEAR_MAX + 1], i, k, corner, above;
	const size_t na = strlen(a), nb = strlen(b);

	if (na > TEXT_NEAR_MAX || nb > TEXT_NEAR_MAX)
		return UINT_MAX;
	for (k = 0; k <= nb; k++)
		row[k] = k;
	for (i = 1; i <= na; i++) {
		corner = row[0];
		row[0] = i;
		for (k = 1; k <= nb; k++) {
			above = row[k];
			row[k] = smaller(corner + (a[i - 1] != b[k - 1]),
					 smaller(above, row[k - 1]) + 1);
			corner = above;
		}
	}
	return row[nb];
}

bool text_meant(const char *word, const char *name)
{
	return text_distance(word, name) <= (strlen(name) + 3) / 3;
}
