/*
 * One suite for every transport, through transport.h only:
 *
 *	conformance [-f] [-d DEVICE] [-w SECONDS] [-t WORD] TRANSPORT[:opt,...]...
 *
 * Options of a transport: cm (connect by RDMA CM), uc or ud (such queue
 * pairs), flush (those that FLUSH and ATOMIC WRITE), addr=IP (where its data
 * links live), segment=BYTES (cut messages into these), first=N (queues begin
 * to count there: 2^32 is near).  Of a link that may lose messages only that
 * is asked which it promises: no message too long for it, and no word of a
 * peer that is gone.  -t runs only the tests whose name contains WORD.  -f
 * instead lets calls fail, each in turn (cases_fail.c).  A transport that is
 * named must work here: this suite does not skip.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"
#include "fail/fail_calls.h"

enum { TESTS_MAX = 256, WATCHDOG_S = 60 };

/* What an initial_state of cmocka points to. */
struct bound {
	const struct conf *conf;
	const struct conf_case *test;
	enum poll_mode poll;
	unsigned call; /* that fails, or FAIL_COUNT */
	unsigned watchdog_s;
	char name[80];
};

struct suite {
	struct clock clock;
	const char *device, *word;
	unsigned watchdog_s;
	bool fails; /* -f */
	struct bound bound[TESTS_MAX];
	struct CMUnitTest tests[TESTS_MAX];
	unsigned n;
};

/* The test that runs, for the watchdog; a signal handler gets no argument. */
static const char *volatile running;

static void hung(int sig)
{
	static const char says[] = "conformance: hung in ";
	const char *name = running;
	ssize_t ignored;

	(void)sig;
	ignored = write(STDERR_FILENO, says, sizeof(says) - 1);
	ignored = write(STDERR_FILENO, name, strlen(name));
	ignored = write(STDERR_FILENO, "\n", 1);
	(void)ignored;
	_exit(1);
}

static void run_bound(void **state)
{
	const struct bound *b = *state;
	char why[1600];
	int ret;

	running = b->name;
	alarm(b->watchdog_s);
	ret = pair_run(b->conf, b->test, b->poll, why, sizeof(why));
	alarm(0);
	if (ret)
		fail_msg("%s", why);
}

/* Some have nothing to fail: the transport does not call that.  So many it
 * did call; every transport opens memory and something to wait for, so fewer
 * mean that nothing was made to fail. */
static unsigned calls_made;
enum { CALLS_LEAST = 4 };

static void run_failing(void **state)
{
	const struct bound *b = *state;
	char why[2000] = "";
	int ret;

	running = b->name;
	alarm(b->watchdog_s);
	ret = fail_each(b->conf, b->call, why, sizeof(why));
	alarm(0);
	if (ret < 0)
		fail_msg("%s", why);
	calls_made += ret > 0;
}

static void add_failing(struct suite *su, const struct conf *conf)
{
	struct bound *b;
	unsigned call;

	for (call = 0; call < FAIL_COUNT; call++) {
		b = &su->bound[su->n];
		*b = (struct bound){
			.conf = conf,
			.call = call,
			.watchdog_s = su->watchdog_s,
		};
		snprintf(b->name, sizeof(b->name), "%s: %s fails", conf->spec,
			 fail_names[call]);
		if (su->word && !strstr(b->name, su->word))
			continue;
		su->tests[su->n++] = (struct CMUnitTest){
			.name = b->name,
			.test_func = run_failing,
			.initial_state = b,
		};
	}
}

static void add(struct suite *su, const struct conf *conf,
		const struct conf_case *c, enum poll_mode poll)
{
	struct bound *b = &su->bound[su->n];

	if (su->n == TESTS_MAX || (conf->lossy && c->flags & CASE_TOLD) ||
	    (conf->most && c->bytes > conf->most))
		return;
	*b = (struct bound){
		.conf = conf,
		.test = c,
		.poll = poll,
		.watchdog_s = su->watchdog_s,
	};
	snprintf(b->name, sizeof(b->name), "%s: %s, %s", conf->spec, c->name,
		 poll_mode_names[poll]);
	if (su->word && !strstr(b->name, su->word))
		return;
	su->tests[su->n++] = (struct CMUnitTest){
		.name = b->name,
		.test_func = run_bound,
		.initial_state = b,
	};
}

static void add_all(struct suite *su, const struct conf *conf,
		    const struct conf_case *cases)
{
	unsigned poll;

	for (; cases->name; cases++)
		for (poll = 0; poll < POLL_COUNT; poll++)
			if (cases->polls & (1u << poll))
				add(su, conf, cases, (enum poll_mode)poll);
}

/* --- what to test --------------------------------------------------------- */

static int set_addr(struct conf *conf, const char *text)
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6};

	memset(&conf->attr.data_addr, 0, sizeof(conf->attr.data_addr));
	if (inet_pton(AF_INET, text, &in.sin_addr) == 1)
		memcpy(&conf->attr.data_addr, &in, sizeof(in));
	else if (inet_pton(AF_INET6, text, &in6.sin6_addr) == 1)
		memcpy(&conf->attr.data_addr, &in6, sizeof(in6));
	else
		return -1;
	return 0;
}

static int set_option(struct conf *conf, const char *opt)
{
	if (!strcmp(opt, "cm")) {
		conf->attr.rdma_cm = true;
		conf->meets = true;
		conf->notices = true;
		return 0;
	}
	if (!strcmp(opt, "uc") || !strcmp(opt, "ud")) {
		conf->attr.qp_type = opt[1] == 'c' ? QP_UC : QP_UD;
		return 0;
	}
	if (!strcmp(opt, "flush")) {
		conf->attr.ops = OP_BIT(OP_FLUSH) | OP_BIT(OP_ATOMIC_WRITE);
		return 0;
	}
	if (!strncmp(opt, "addr=", 5))
		return set_addr(conf, opt + 5);
	if (!strncmp(opt, "segment=", 8)) {
		conf->attr.segment_bytes = strtoull(opt + 8, NULL, 10);
		return conf->attr.segment_bytes ? 0 : -1;
	}
	if (!strncmp(opt, "first=", 6)) {
		conf->attr.first_sequence = (uint32_t)strtoul(opt + 6, NULL, 0);
		return 0;
	}
	return -1;
}

static int conf_init(struct conf *conf, struct suite *su, const char *spec)
{
	char text[128], *name, *opt, *rest;

	*conf = (struct conf){.spec = spec};
	conf->attr.device = su->device;
	conf->attr.gid_index = -1;
	conf->attr.inline_bytes = -1;
	conf->attr.signal_every = 1;
	conf->attr.clock = &su->clock;
	memcpy(conf->attr.nonce, "conformance test", 16);
	set_addr(conf, "127.0.0.1");

	snprintf(text, sizeof(text), "%s", spec);
	rest = text;
	name = strsep(&rest, ":");
	conf->tp = transport_find(name);
	if (!conf->tp)
		return -1;
	conf->meets = !strcmp(name, "tcp");
	conf->notices = strcmp(name, "rdma") != 0;
	while ((opt = strsep(&rest, ",")))
		if (set_option(conf, opt))
			return -1;
	return 0;
}

/* What such a link promises, asked of one. */
static int learn(struct conf *conf, struct err *err)
{
	struct ep_attr attr = conf->attr;
	struct blob blob;
	struct ep *ep;
	int ret;

	attr.lanes = attr.send_depth = attr.recv_depth = 1;
	attr.max_bytes = 1;
	ret = conf->tp->probe(&attr, err);
	if (!ret)
		ret = conf->tp->open(&ep, &attr, &blob, err);
	if (ret)
		return ret;
	conf->lossy = ep->caps.lossy;
	conf->most = conf->lossy ? ep->caps.max_message_bytes : 0;
	conf->tp->close(ep);
	return 0;
}

static int run_conf(struct suite *su, struct conf *conf)
{
	struct err err = {0};
	int ret;

	if (learn(conf, &err)) {
		fprintf(stderr, "conformance: %s: %s\n", conf->spec, err.text);
		return 1;
	}
	su->n = 0;
	if (su->fails) {
		add_failing(su, conf);
	} else {
		add_all(su, conf, data_cases);
		add_all(su, conf, queue_cases);
		add_all(su, conf, extras_cases);
		add_all(su, conf, remote_cases);
		add_all(su, conf, link_cases);
	}
	calls_made = 0;
	ret = _cmocka_run_group_tests(conf->spec, su->tests, su->n, NULL, NULL);
	if (!su->fails)
		return ret;
	print_message("# %s: %u of %u calls are made, and failed\n", conf->spec,
		      calls_made, FAIL_COUNT);
	return calls_made < CALLS_LEAST ? 1 : ret;
}

static int usage(void)
{
	fprintf(stderr,
		"usage: conformance [-f] [-d DEVICE] [-w SECONDS] [-t WORD] "
		"TRANSPORT[:cm,uc,ud,flush,addr=IP,segment=BYTES,first=N]..."
		"\n");
	return 2;
}

int main(int argc, char **argv)
{
	static struct suite suite = {.device = "", .watchdog_s = WATCHDOG_S};
	struct conf conf;
	int c, failed = 0;

	while ((c = getopt(argc, argv, "fd:w:t:")) != -1) {
		if (c == 'f')
			suite.fails = true;
		else if (c == 'd')
			suite.device = optarg;
		else if (c == 'w')
			suite.watchdog_s = (unsigned)atoi(optarg);
		else if (c == 't')
			suite.word = optarg;
		else
			return usage();
	}
	if (optind == argc)
		return usage();
	clock_init(&suite.clock);
	signal(SIGALRM, hung);
	for (; optind < argc; optind++) {
		if (conf_init(&conf, &suite, argv[optind]))
			return usage();
		failed += run_conf(&suite, &conf);
	}
	return failed ? 1 : 0;
}
