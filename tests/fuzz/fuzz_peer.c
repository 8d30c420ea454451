/*
 * A whole dialogue with a server that is hostile: the client's handshake and
 * a trial, by a script (script.h, corpus/peer).  Its first line is the point
 * that is measured, with a token if the letter is t:
 *
 *	p|t SCENARIO [OPTION=VALUE]...
 *
 * and the others are what the server says:
 *
 *	g				CHALLENGE
 *	y CPU [BYTES]			READY, with this blob of a link
 *	c, s				CONNECTED, STARTED
 *	x, a [1]			CLOSED, ABORTED; the server was stopped
 *	f OPS				RESULT, with a tally of so many
 *	e REASON [WORDS]		ERROR
 *
 * A WELCOME precedes them, unless the first line's letter is in capitals.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "calm.h"
#include "run/peer.h"
#include "run/scenario.h"
#include "run/trial.h"
#include "script.h"

static struct gauge gauge;

static void must(bool ok)
{
	if (!ok)
		abort();
}

static void put_welcome(struct writer *w)
{
	static struct hello h = {.version = CTL_VERSION, .sessions = 1};
	uint8_t buf[2048];
	struct writer body = {.buf = buf, .cap = sizeof(buf)};

	strcpy(h.host.name, "hostile");
	hello_pack(&h, &body);
	put_frame(w, FRAME_WELCOME, buf, body.len);
}

static void put_ready(struct writer *w, char *rest, const char *end)
{
	const struct conditions is = {.numa_node = -1};
	uint8_t buf[8192];
	struct writer body = {.buf = buf, .cap = sizeof(buf)};
	uint32_t cpu = (uint32_t)strtoul(rest, &rest, 0);

	put_bytes(&body, rest, (size_t)(end - rest));
	put_bytes(&body, NULL, 0);
	put_u32(&body, cpu);
	put_str(&body, "rxe0");
	conditions_pack(&is, &body);
	if (!body.bad)
		put_frame(w, FRAME_READY, buf, body.len);
}

static void put_result(struct writer *w, const char *rest)
{
	static uint8_t buf[TALLY_PACK_MAX];
	static struct tally t;

	tally_init(&t);
	tally_set(&t, METRIC_OPS, strtoull(rest, NULL, 0));
	hist_record(&t.latency, 1000);
	put_frame(w, FRAME_RESULT, buf, tally_pack(&t, buf, sizeof(buf)));
}

static void put_answer(struct writer *w, char letter, char *rest, char *end)
{
	char *word = rest;

	switch (letter) {
	case 'g':
		put_words(w, FRAME_CHALLENGE, rest, "");
		break;
	case 'y':
		put_ready(w, rest, end);
		break;
	case 'c':
		put_frame(w, FRAME_CONNECTED, NULL, 0);
		break;
	case 's':
		put_frame(w, FRAME_STARTED, NULL, 0);
		break;
	case 'x':
		put_number(w, FRAME_CLOSED, rest, false);
		break;
	case 'a':
		put_number(w, FRAME_ABORTED, rest, false);
		break;
	case 'f':
		put_result(w, rest);
		break;
	case 'e':
		strsep(&rest, " ");
		put_words(w, FRAME_ERROR, word, rest ? rest : "");
		break;
	default:
		break;
	}
}

/* The first line; false if it names no scenario, or one with peers. */
static bool read_point(struct plan_point *pp, char *line)
{
	char *word, *value;
	const struct scenario *scn;
	struct err ignored;
	const struct opt *o;
	void *base;

	strsep(&line, " ");
	word = strsep(&line, " ");
	scn = word ? scenario_find(word) : NULL;
	if (!scn)
		return false;
	point_defaults(&pp->client, scn);
	pp->client.link.poll = POLL_EVENT;
	pp->client.trial.iterations = 3;
	pp->client.trial.warmup_ns = 0;
	while ((word = strsep(&line, " "))) {
		value = strchr(word, '=');
		if (!value)
			continue;
		*value = '\0';
		o = point_opt(&pp->client, word, &base);
		if (o)
			(void)opt_set(o, base, value + 1, &ignored);
	}
	pp->server = pp->client;
	return trial_peers(pp) == 1 && pp->client.trial.iterations < 1000;
}

/* What is recorded of it must be text that JSON and terminals take. */
static void check_words(const struct peer *p, const struct trial *t)
{
	json_t *j = json_pack("[sss]", p->hello.host.name, t->server_device,
			      t->why.text);

	must(j != NULL);
	json_decref(j);
	must((unsigned)t->status < STATUS_COUNT);
	must(t->status == STATUS_OK || t->why.reason != REASON_NONE);
}

static void play(const struct plan_point *pp, const struct token *token,
		 const struct writer *w)
{
	static const struct host host = {.name = "fuzz"};
	static struct trial t;
	static struct peer p;
	const struct peer_self self = {.host = &host, .token = token};
	struct err err = {0};
	int other, fd = scripted_socket(w, &other);

	memset(&p, 0, sizeof(p));
	if (!peer_start(&p, fd, "server", &self, &err)) {
		(void)trial_run(&t, pp, &p, 1, &gauge);
		check_words(&p, &t);
	}
	peer_close(&p);
	close(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct token token = {.len = 16};
	static uint8_t wire[WIRE_MAX];
	struct writer w = {.buf = wire, .cap = sizeof(wire)};
	static struct plan_point pp;
	char *text = malloc(size + 1), *rest;
	char letter;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	letter = text[0];
	rest = text;
	strsep(&rest, "\n");
	if (!gauge.clock.mult)
		clock_init_raw(&gauge.clock);
	if (rest && read_point(&pp, text)) {
		if (letter == 'p' || letter == 't')
			put_welcome(&w);
		put_script(&w, rest, (size_t)(text + size - rest), put_answer);
		play(&pp, letter == 't' || letter == 'T' ? &token : NULL, &w);
	}
	free(text);
	return 0;
}
