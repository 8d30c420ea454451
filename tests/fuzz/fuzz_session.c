/*
 * A whole dialogue with a session, by a script (script.h, corpus/session):
 *
 *	p SCENARIO [OPTION=VALUE]...	PREPARE; options by the defaults
 *	c [BYTES]			CONNECT with this blob
 *	s 0|1, f N			START a phase, FINISH it
 *	x, a				CLOSE, ABORT
 *
 * A first line "!" leaves out the HELLO.  Time is virtual (calm.h): the
 * timeouts of links whose other end never comes cost nothing.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "calm.h"
#include "ctl/chan.h"
#include "ctl/hello.h"
#include "run/scenario.h"
#include "run/session.h"
#include "script.h"

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

static void put_request(struct writer *w, char letter, char *rest, char *end)
{
	(void)end;
	switch (letter) {
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
		put_words(w, FRAME_ABORT, "none", "");
		break;
	default:
		break;
	}
}

static void serve(const struct writer *w)
{
	static struct clock clk;
	struct session_cfg cfg = {
		.sessions = 1, .clock = &clk, .max_memory = 4 << 20};
	struct err err = {0};
	int fd, other;

	if (!clk.mult)
		clock_init_raw(&clk);
	fd = scripted_socket(w, &other);
	(void)session_run(fd, &cfg, &err);
	close(other);
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
	put_script(&w, text, size, put_request);
	serve(&w);
	free(text);
	return 0;
}
