#include "ctl/pack.h"

#include <string.h>

static void put_raw(struct writer *w, const void *data, size_t len)
{
	if (w->bad || len > w->cap - w->len) {
		w->bad = true;
		return;
	}
	if (len) /* nothing may be at NULL */
		memcpy(w->buf + w->len, data, len);
	w->len += len;
}

void put_u32(struct writer *w, uint32_t v)
{
	uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16),
			(uint8_t)(v >> 24)};

	put_raw(w, b, sizeof(b));
}

void put_u64(struct writer *w, uint64_t v)
{
	put_u32(w, (uint32_t)v);
	put_u32(w, (uint32_t)(v >> 32));
}

void put_bytes(struct writer *w, const void *data, size_t len)
{
	if (len > UINT32_MAX) {
		w->bad = true;
		return;
	}
	put_u32(w, (uint32_t)len);
	put_raw(w, data, len);
}

void put_str(struct writer *w, const char *s)
{
	put_bytes(w, s, strlen(s));
}

static const uint8_t *get_raw(struct reader *r, size_t len)
{
	const uint8_t *p = r->buf + r->pos;

	if (r->bad || len > r->len - r->pos) {
		r->bad = true;
		return NULL;
	}
	r->pos += len;
	return p;
}

uint32_t get_u32(struct reader *r)
{
	const uint8_t *p = get_raw(r, 4);

	if (!p)
		return 0;
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	       (uint32_t)p[3] << 24;
}

uint64_t get_u64(struct reader *r)
{
	uint64_t lo = get_u32(r);

	return lo | (uint64_t)get_u32(r) << 32;
}

size_t get_bytes(struct reader *r, void *out, size_t cap)
{
	uint32_t len = get_u32(r);
	const uint8_t *p;

	if (len > cap)
		r->bad = true;
	p = get_raw(r, len);
	if (!p || !len)
		return 0;
	memcpy(out, p, len);
	return len;
}

/* Bytes of the printable UTF-8 character at s (RFC 3629), which ends in a NUL;
 * 0: none.  Not the controls of C0 and C1, which a terminal would obey. */
static size_t printable(const char *s)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t i, n = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? u[0] : u[0] & (0x7fu >> n);
	static const uint32_t least[] = {0, ' ', 0xa0, 0x800, 0x10000};

	if (u[0] > 0xf4 || (u[0] >= 0x80 && u[0] < 0xc0))
		return 0;
	for (i = 1; i < n; i++) {
		if ((u[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (u[i] & 0x3f);
	}
	if (c < least[n] || c == 0x7f || c > 0x10ffff ||
	    (c >= 0xd800 && c < 0xe000))
		return 0;
	return n;
}

void get_str(struct reader *r, char *out, size_t cap)
{
	size_t i, n, len = get_bytes(r, out, cap - 1);

	out[len] = '\0';
	for (i = 0; i < len; i += n ? n : 1) {
		n = printable(out + i);
		if (!n)
			out[i] = '?';
	}
}

bool reader_done(const struct reader *r)
{
	return !r->bad && r->pos == r->len;
}
