/*
 * A whole dialogue against a session that says what the protocol asks for:
 * magic, version and lengths are right, so that what is tried is behind
 * them.  The input is a script, a line for each frame (corpus/session):
 *
 *	p SCENARIO [OPTION=VALUE]...	PREPARE; options by the defaults
 *	c [BYTES]			CONNECT with this blob
 *	s 0|1, f N			START a phase, FINISH it
 *	x, a, b, h			CLOSE, ABORT, BYE, HEARTBEAT
 *	r TYPE BYTES			any frame with this payload
 *	w BYTES				the bytes themselves
 *
 * A first line "!" leaves out the HELLO.  Time is virtual (calm.h): the
 * timeouts of links whose other end never comes cost nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "calm.h"
#include "ctl/chan.h"
#include "ctl/hello.h"
#include "run/scenario.h"
#include "run/session.h"

enum { WIRE_MAX = 96 * 1024, LINES_MAX = 48 };

static void put_frame(struct writer *w, uint32_t type, const void *payload,
		      size_t len)
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

static void put_hello(struct writer *w)
{
	static struct hello h;
	uint8_t buf[2048];
	struct writer body = {.buf = buf, .cap = sizeof(buf)};

	h.version = CTL_VERSION;
	hello_pack(&h, &body);
	put_frame(w, FRAME_HELLO, buf, body.len);
}

/* What the options of the line are, without a look at them. */
static uint32_t put_options(struct writer *w, char *rest)
{
	char *word, *value;
	uint32_t n = 0;

	while ((word = strsep(&rest, " "))) {
		value = strchr(word, '=');
		if (!value)
			continue;
		*value = '\0';
		put_str(w, word);
		put_str(w, value + 1);
		n++;
	}
	return n;
}

/* --poll must be settled by the client, as it always is. */
static void put_prepare(struct writer *w, char *rest)
{
	uint8_t buf[8192], opts[8192];
	struct writer body = {.buf = buf, .cap = sizeof(buf)};
	struct writer list = {.buf = opts, .cap = sizeof(opts)};
	char *name = strsep(&rest, " ");
	uint32_t n;

	put_str(&list, "poll");
	put_str(&list, "event");
	n = 1 + put_options(&list, rest);
	put_str(&body, name);
	put_u32(&body, n);
	if (body.bad || list.bad || list.len > body.cap - body.len)
		return;
	memcpy(body.buf + body.len, opts, list.len);
	put_frame(w, FRAME_PREPARE, buf, body.len + list.len);
}

static void put_connect(struct writer *w, const char *bytes)
{
	uint8_t buf[BLOB_MAX + 64];
	struct writer body = {.buf = buf, .cap = sizeof(buf)};

	put_str(&body, bytes);
	put_bytes(&body, NULL, 0);
	put_frame(w, FRAME_CONNECT, buf, body.len);
}

static void put_number(struct writer *w, uint32_t type, const char *text,
		       bool wide)
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

static void put_words(struct writer *w, uint32_t type)
{
	uint8_t buf[64];
	struct writer body = {.buf = buf, .cap = sizeof(buf)};

	put_str(&body, "none");
	put_str(&body, "");
	put_frame(w, type, buf, body.len);
}

static void put_line(struct writer *w, char *line, size_t len)
{
	char *rest = len > 2 ? line + 2 : line + len;
	char *end;

	switch (line[0]) {
	case 'p':
		put_prepare(w, rest);
		break;
	case 'c':
		put_connect(w, rest);
		break;
	case 's':
		put_number(w, FRAME_START, rest, false);
		break;
	case 'f':
		put_number(w, FRAME_FINISH, rest, true);
		break;
	case 'x':
		put_frame(w, FRAME_CLOSE, NULL, 0);
		break;
	case 'a':
		put_words(w, FRAME_ABORT);
		break;
	case 'b':
		put_words(w, FRAME_BYE);
		break;
	case 'h':
		put_frame(w, FRAME_HEARTBEAT, NULL, 0);
		break;
	case 'r':
		put_frame(w, (uint32_t)strtoul(rest, &end, 0), end,
			  (size_t)(line + len - end));
		break;
	case 'w':
		put_raw(w, rest, (size_t)(line + len - rest));
		break;
	default:
		break;
	}
}

static void put_script(struct writer *w, char *text, size_t size)
{
	char *line = text, *end = text + size, *stop;
	unsigned n;

	for (n = 0; line < end && n < LINES_MAX; n++) {
		stop = memchr(line, '\n', (size_t)(end - line));
		if (!stop)
			stop = end;
		*stop = '\0';
		if (stop > line)
			put_line(w, line, (size_t)(stop - line));
		line = stop + 1;
	}
}

static void serve(const uint8_t *wire, size_t len)
{
	static struct clock clk;
	struct session_cfg cfg = {
		.sessions = 1, .clock = &clk, .max_memory = 4 << 20};
	struct err err = {0};
	int fds[2];

	if (!clk.mult)
		clock_init_raw(&clk);
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) ||
	    send(fds[1], wire, len, MSG_DONTWAIT) != (ssize_t)len ||
	    shutdown(fds[1], SHUT_WR))
		abort();
	(void)session_run(fds[0], &cfg, &err);
	close(fds[1]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t wire[WIRE_MAX];
	struct writer w = {.buf = wire, .cap = sizeof(wire)};
	char *text = malloc(size + 1);

	if (!text)
		return 0;
	memcpy(text, data, size);
	if (!size || text[0] != '!')
		put_hello(&w);
	put_script(&w, text, size);
	serve(wire, w.len);
	free(text);
	return 0;
}
