#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "script.h"

void put_frame(struct writer *w, uint32_t type, const void *payload, size_t len)
{
	struct writer mark = *w;
	struct writer body;

	put_u32(w, 0x424d4452);
	put_u32(w, type);
	put_bytes(w, payload, len);
	body = *w;
	if (body.bad)
		*w = mark;
}

void put_number(struct writer *w, uint32_t type, const char *text, bool wide)
{
	uint8_t buf[8];
	struct writer body = {.buf = buf, .cap = sizeof(buf)};
	uint64_t v = strtoull(text, NULL, 0);

	if (wide)
		put_u64(&body, v);
	else
		put_u32(&body, (uint32_t)v);
	put_frame(w, type, buf, body.len);
}

static void put_raw(struct writer *w, const char *bytes, size_t len)
{
	if (len > w->cap - w->len)
		return;
	memcpy(w->buf + w->len, bytes, len);
	w->len += len;
}

void put_words(struct writer *w, uint32_t type, const char *word,
	       const char *text)
{
	uint8_t buf[1024];
	struct writer body = {.buf = buf, .cap = sizeof(buf)};

	put_str(&body, word);
	put_str(&body, text);
	if (!body.bad)
		put_frame(w, type, buf, body.len);
}

static void put_any(struct writer *w, char *line, char *end, put_line *put)
{
	char *rest = end - line > 2 ? line + 2 : end;
	char *at;

	switch (line[0]) {
	case 'h':
		put_frame(w, FRAME_HEARTBEAT, NULL, 0);
		break;
	case 'b':
		put_words(w, FRAME_BYE, "none", "");
		break;
	case 'r':
		put_frame(w, (uint32_t)strtoul(rest, &at, 0), at,
			  (size_t)(end - at));
		break;
	case 'w':
		put_raw(w, rest, (size_t)(end - rest));
		break;
	default:
		put(w, line[0], rest, end);
		break;
	}
}

void put_script(struct writer *w, char *text, size_t size, put_line *put)
{
	char *line = text, *end = text + size, *stop;
	unsigned n;

	for (n = 0; line < end && n < LINES_MAX; n++) {
		stop = memchr(line, '\n', (size_t)(end - line));
		if (!stop)
			stop = end;
		*stop = '\0';
		if (stop > line)
			put_any(w, line, stop, put);
		line = stop + 1;
	}
}

int scripted_socket(const struct writer *w, int *other)
{
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) ||
	    send(fds[1], w->buf, w->len, MSG_DONTWAIT) != (ssize_t)w->len ||
	    shutdown(fds[1], SHUT_WR))
		abort();
	*other = fds[1];
	return fds[0];
}
