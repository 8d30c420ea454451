#include "report/show.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/units.h"

static const char ellipsis[] = "\xe2\x80\xa6";

/* Decodes one character; returns its length, 0 if it is no valid UTF-8
 * (overlong, a surrogate, beyond Unicode, cut off). */
static size_t decode(const unsigned char *s, uint32_t *out)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len, i;
	uint32_t c;

	len = s[0] < 0x80   ? 1
	      : s[0] < 0xc0 ? 0
	      : s[0] < 0xe0 ? 2
	      : s[0] < 0xf0 ? 3
	      : s[0] < 0xf8 ? 4
			    : 0;
	if (len < 2) {
		*out = s[0];
		return len;
	}
	c = s[0] & (0x7fu >> len);
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	*out = c;
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	return len;
}

/* C0, DEL, C1; line ends, text that changes direction, and what XML and so
 * SVG has no place for. */
static bool is_control(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c < 0xa0) ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069) ||
	       c == 0xfffe || c == 0xffff;
}

char *show_text(char *dst, size_t size, const char *src, size_t columns)
{
	const unsigned char *s = (const unsigned char *)src;
	size_t n = 0, used = 0, cut = 0;

	while (*s) {
		uint32_t c;
		size_t len = decode(s, &c);
		size_t take = len ? len : 1;

		/* `cut` stays where the ellipsis still fits. */
		if (used < columns && n + sizeof(ellipsis) <= size)
			cut = n;
		if (used == columns || n + take >= size) {
			memcpy(dst + cut, ellipsis, sizeof(ellipsis));
			return dst;
		}
		if (!len) {
			dst[n++] = '?';
		} else if (is_control(c)) {
			dst[n++] = ' ';
		} else {
			memcpy(dst + n, s, len);
			n += len;
		}
		s += take;
		used++;
	}
	dst[n] = '\0';
	return dst;
}

size_t show_columns(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

char *show_bytes(char *dst, size_t size, double bytes)
{
	/* A file may say anything; beyond this a double is not exact. */
	if (bytes >= 0 && bytes < 0x1p53)
		return units_format_size(dst, size, (uint64_t)bytes);
	snprintf(dst, size, "%g", bytes);
	return dst;
}

char *show_x(char *dst, size_t size, const char *column, double value)
{
	size_t len = strlen(column);

	if (len > 6 && !strcmp(column + len - 6, "_bytes"))
		return show_bytes(dst, size, value);
	snprintf(dst, size, "%.9g", value);
	return dst;
}

char *show_digits(char *dst, size_t size, double value)
{
	char rounded[32];
	int decimals;

	/* Rounding first: 99.96 has one decimal less than it seems. */
	snprintf(rounded, sizeof(rounded), "%.2e", value);
	sscanf(rounded, "%lf", &value);
	decimals = fabs(value) >= 100 ? 0 : fabs(value) >= 10 ? 1 : 2;
	if (fabs(value) > 0 && fabs(value) < 1)
		decimals = 2 - (int)floor(log10(fabs(value)));
	snprintf(dst, size, "%.*f", decimals > 9 ? 9 : decimals, value);
	return dst;
}
