/*
 * The shared secret: whose file is taken, what a proof is, and that a session
 * lets nobody in who does not prove it anew.
 */
#include "unit.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ctl/chan.h"
#include "ctl/hello.h"
#include "ctl/token.h"
#include "run/session.h"

#define SECOND 1000000000ull

static const char secret[] = "0123456789abcdef";

static struct token token_of(const char *text)
{
	struct token t = {.len = strlen(text)};

	memcpy(t.secret, text, t.len);
	return t;
}

/* --- the file ------------------------------------------------------------------ */

static char file[] = "/tmp/rdmabench-token-XXXXXX";

static int make_file(void **state)
{
	(void)state;
	strcpy(file + sizeof(file) - 7, "XXXXXX");
	return close(mkstemp(file));
}

static int remove_file(void **state)
{
	(void)state;
	return unlink(file);
}

static int read_text(const char *text, size_t len, struct token *t,
		     struct err *err)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	return token_read(t, file, err);
}

static void lengths(void **state)
{
	static char text[TOKEN_MAX + 8];
	struct token t;
	struct err err;

	(void)state;
	memset(text, 'x', sizeof(text));
	assert_int_equal(read_text(text, TOKEN_MIN, &t, &err), 0);
	assert_int_equal(t.len, TOKEN_MIN);
	assert_int_equal(read_text(text, TOKEN_MAX, &t, &err), 0);
	assert_int_equal(t.len, TOKEN_MAX);
	assert_int_not_equal(read_text(text, TOKEN_MAX + 1, &t, &err), 0);
	assert_words(&err, "too long");
	assert_int_not_equal(read_text(text, sizeof(text), &t, &err), 0);
	assert_words(&err, "too long");
	/* The newline of an editor is not part of it, and does not count. */
	text[TOKEN_MIN - 1] = '\n';
	assert_int_not_equal(read_text(text, TOKEN_MIN, &t, &err), 0);
	assert_words(&err, "too short");
	assert_int_not_equal(read_text("", 0, &t, &err), 0);
	assert_words(&err, "too short");
}

static void others_may_read(void **state)
{
	static const mode_t modes[] = {0640, 0604, 0620, 0602, 0610, 0601};
	struct token t;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(modes); i++) {
		assert_int_equal(chmod(file, modes[i]), 0);
		assert_int_not_equal(
			read_text(secret, sizeof(secret) - 1, &t, &err), 0);
		assert_int_equal(err.reason, REASON_NO_PERMISSION);
		assert_words(&err, "chmod 600");
	}
	assert_int_equal(chmod(file, 0600), 0);
	assert_int_equal(read_text(secret, sizeof(secret) - 1, &t, &err), 0);
}

static void no_plain_file(void **state)
{
	struct token t;
	struct err err;

	(void)state;
	assert_int_not_equal(token_read(&t, "/tmp", &err), 0);
	assert_words(&err, "not a plain file");
	assert_int_not_equal(token_read(&t, "/proc/no-such", &err), 0);
	assert_int_equal(err.reason, REASON_NO_FILE);
}

/* --- the proof ------------------------------------------------------------------ */

/* By openssl dgst -sha256 -mac HMAC over the words and 0.. and 100.. */
static void known_answer(void **state)
{
	static const uint8_t want[] = {0x0b, 0x73, 0x7c, 0x0e,
				       0x73, 0x68, 0x65, 0x51};
	static const uint8_t of_server[] = {0x01, 0xf2, 0xea, 0x2b,
					    0x78, 0x42, 0x94, 0x4c};
	struct token t = token_of(secret);
	uint8_t proof[TOKEN_PROOF_BYTES];
	struct token_nonces n;
	uint8_t i;

	(void)state;
	for (i = 0; i < TOKEN_NONCE_BYTES; i++) {
		n.client[i] = i;
		n.server[i] = (uint8_t)(100 + i);
	}
	token_prove(&t, TOKEN_CLIENT, &n, proof);
	assert_memory_equal(proof, want, sizeof(want));
	assert_true(token_is_proved(&t, TOKEN_CLIENT, &n, proof));
	/* What the client said is no proof of the server. */
	assert_false(token_is_proved(&t, TOKEN_SERVER, &n, proof));
	token_prove(&t, TOKEN_SERVER, &n, proof);
	assert_memory_equal(proof, of_server, sizeof(of_server));
}

static void any_bit_counts(void **state)
{
	struct token t = token_of(secret), other = token_of(secret);
	struct token_nonces n = {.client = {1}, .server = {2}}, m;
	uint8_t proof[TOKEN_PROOF_BYTES];
	unsigned i;

	(void)state;
	token_prove(&t, TOKEN_CLIENT, &n, proof);
	for (i = 0; i < 8 * sizeof(proof); i++) {
		proof[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_false(token_is_proved(&t, TOKEN_CLIENT, &n, proof));
		proof[i / 8] ^= (uint8_t)(1u << i % 8);
	}
	for (i = 0; i < 8 * sizeof(n); i++) {
		m = n;
		((uint8_t *)&m)[i / 8] ^= (uint8_t)(1u << i % 8);
		assert_false(token_is_proved(&t, TOKEN_CLIENT, &m, proof));
	}
	other.secret[3] ^= 1;
	assert_false(token_is_proved(&other, TOKEN_CLIENT, &n, proof));
	assert_true(token_is_proved(&t, TOKEN_CLIENT, &n, proof));
}

/* --- a session that asks for it -------------------------------------------------- */

static struct {
	pthread_t thread;
	struct token token;
	struct chan us;
	struct frame frame;
	struct token_nonces nonces;
	int fd, ret;
	struct err err;
} s;

static void *run(void *arg)
{
	static struct clock clk;
	const struct session_cfg cfg = {
		.sessions = 1, .clock = &clk, .token = &s.token};

	(void)arg;
	clock_init_raw(&clk);
	s.ret = session_run(s.fd, &cfg, &s.err);
	return NULL;
}

/* Says HELLO, and gets the server's nonce. */
static void greet(void)
{
	static struct hello h = {.version = CTL_VERSION};
	uint8_t buf[2048];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};
	struct reader r;
	struct err err;
	int fds[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	s.token = token_of(secret);
	s.fd = fds[0];
	assert_int_equal(chan_init(&s.us, fds[1], "session", &err), 0);
	assert_int_equal(pthread_create(&s.thread, NULL, run, NULL), 0);
	memset(s.nonces.client, 7, sizeof(s.nonces.client));
	memcpy(h.nonce, s.nonces.client, sizeof(h.nonce));
	hello_pack(&h, &w);
	assert_int_equal(chan_send(&s.us, FRAME_HELLO, buf, w.len, &err), 0);
	assert_int_equal(chan_recv(&s.us, &s.frame, 5 * SECOND, &err), 0);
	assert_int_equal(s.frame.type, FRAME_CHALLENGE);
	r = (struct reader){.buf = s.frame.payload, .len = s.frame.len};
	assert_int_equal(
		get_bytes(&r, s.nonces.server, sizeof(s.nonces.server)),
		sizeof(s.nonces.server));
	assert_true(reader_done(&r));
}

static int answer(const uint8_t *proof, size_t len, struct err *err)
{
	uint8_t buf[64];
	struct writer w = {.buf = buf, .cap = sizeof(buf)};

	put_bytes(&w, proof, len);
	assert_int_equal(chan_send(&s.us, FRAME_PROOF, buf, w.len, err), 0);
	return chan_recv(&s.us, &s.frame, 5 * SECOND, err);
}

static void end(void)
{
	chan_fini(&s.us);
	pthread_join(s.thread, NULL);
}

static void refused(const uint8_t *proof)
{
	struct err err;

	assert_int_not_equal(answer(proof, TOKEN_PROOF_BYTES, &err), 0);
	assert_int_equal(err.reason, REASON_PEER_REFUSED);
	assert_words(&err, "token is not this server's");
	end();
	assert_int_not_equal(s.ret, 0);
	assert_int_equal(s.err.reason, REASON_PEER_REFUSED);
}

static void both_prove(void **state)
{
	uint8_t proof[TOKEN_PROOF_BYTES];
	static struct hello h;
	struct reader r;
	struct err err;

	(void)state;
	greet();
	token_prove(&s.token, TOKEN_CLIENT, &s.nonces, proof);
	assert_int_equal(answer(proof, sizeof(proof), &err), 0);
	assert_int_equal(s.frame.type, FRAME_WELCOME);
	r = (struct reader){.buf = s.frame.payload, .len = s.frame.len};
	assert_int_equal(hello_unpack(&h, &r, &err), 0);
	assert_true(
		token_is_proved(&s.token, TOKEN_SERVER, &s.nonces, h.proof));
	end();
}

static void wrong_or_old_proof(void **state)
{
	uint8_t proof[TOKEN_PROOF_BYTES] = {0};
	struct token other = token_of("another secret of some length");

	(void)state;
	greet();
	refused(proof);
	greet();
	token_prove(&other, TOKEN_CLIENT, &s.nonces, proof);
	refused(proof);
	/* What was good once: the server's nonce is another one now. */
	greet();
	token_prove(&s.token, TOKEN_CLIENT, &s.nonces, proof);
	end();
	greet();
	refused(proof);
}

/* Nothing else lets one in, and what is malformed neither. */
static void no_way_around(void **state)
{
	static const enum frame_type types[] = {FRAME_PREPARE, FRAME_HELLO,
						FRAME_START, FRAME_WELCOME};
	uint8_t proof[TOKEN_PROOF_BYTES];
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(types); i++) {
		greet();
		assert_int_equal(chan_send(&s.us, types[i], NULL, 0, &err), 0);
		end();
		assert_int_equal(s.err.reason, REASON_PEER_PROTOCOL);
		assert_words(&s.err, "PROOF comes next");
	}
	greet();
	token_prove(&s.token, TOKEN_CLIENT, &s.nonces, proof);
	assert_int_not_equal(answer(proof, sizeof(proof) - 1, &err), 0);
	end();
	assert_words(&s.err, "PROOF does not parse");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(lengths, make_file,
						remove_file),
		cmocka_unit_test_setup_teardown(others_may_read, make_file,
						remove_file),
		cmocka_unit_test(no_plain_file),
		cmocka_unit_test(known_answer),
		cmocka_unit_test(any_bit_counts),
		cmocka_unit_test(both_prove),
		cmocka_unit_test(wrong_or_old_proof),
		cmocka_unit_test(no_way_around),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
