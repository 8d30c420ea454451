/*
 * rewrite: an example of a scenario, whole.  What does a response cost that
 * the server writes several times over before it sends it?
 *
 * It would stand in scenarios/rewrite.c and have a line in scenarios/list.h;
 * here tests/cli/example.sh compiles and runs it.  What is done between the
 * two ends, and measured, is src/work/exchange.c: a scenario only says what
 * is its own.
 */
#include <errno.h>
#include <stdlib.h>

#include "machine/cpu_isa.h"
#include "report/report.h"
#include "run/scenario.h"
#include "work/exchange.h"

/* --- its options -------------------------------------------------------------*/

/* Begins with the options that it shares with other scenarios: exchange_need
 * says for them what a transport must be able to do. */
struct cfg {
	struct exchange_cfg exchange;
	uint64_t passes;
};

/* Help, bounds, manual, completion, column and plan come from this. */
static const struct opt opts[] = {
	{.name = "passes",
	 .type = OPT_COUNT,
	 .role = OPT_AXIS,
	 .offset = offsetof(struct cfg, passes),
	 .min = 1,
	 .max = 1000,
	 .def = "1,4",
	 .metavar = "N[,...]",
	 .column = "passes",
	 .help = "how often the server writes every line of the response"},
};

static const struct opt_group group = {
	.title = "rewrite",
	.opts = opts,
	.n = sizeof(opts) / sizeof(opts[0]),
};

/* --- the experiment ----------------------------------------------------------*/

/* Begins with the exchange: its two loops are the client and the server. */
struct state {
	struct exchange exchange;
	uint64_t passes;
};

/* Options that contradict each other: none. */
static int supported(const void *cfg, struct err *err)
{
	(void)cfg;
	(void)err;
	return 0;
}

/* Between request and response, at the server, in the timed part.  The last
 * pass leaves the operation's number in every line, so that the client finds
 * a stale response. */
static uint64_t write_again(struct exchange *x, void *arg)
{
	const struct state *s = arg;
	uint64_t lines = 0, i;

	for (i = 0; i < s->passes; i++)
		lines += scan_write(x->response, x->response_bytes, x->line,
				    x->op);
	return lines;
}

static int setup(struct end *e, const void *cfg, struct err *err)
{
	const struct cfg *c = cfg;
	struct exchange_prep prep = {
		.run = write_again,
		.lines = c->passes *
			 scan_lines(c->exchange.size, cpu_line_bytes()),
		.stamp = STAMP_LINES,
	};
	struct state *s = calloc(1, sizeof(*s));

	if (!s)
		return err_sys(err, -ENOMEM, "rewrite");
	e->state = s;
	s->passes = c->passes;
	prep.arg = s;
	return exchange_init(&s->exchange, e, &c->exchange, &prep, err);
}

/* Called whatever failed before. */
static void teardown(struct end *e)
{
	struct state *s = e->state;

	if (s)
		exchange_fini(&s->exchange);
	free(s);
	e->state = NULL;
}

/* --- its results -------------------------------------------------------------*/

static const struct report_equal equals[] = {
	REPORT_EQUAL_MESSAGES,
};

static const struct report_rule rules[] = {
	{CHECK_EXACT, "--verify each verified every payload", report_rule_rows,
	 .row = report_row_verified},
	{CHECK_STATISTICAL, "p50 does not fall as size grows by 4",
	 .run = report_rule_rising},
};

static const struct report_sentence sentences[] = {
	{.say = SAY_MOST, .words = "writing it several times"},
};

/* A figure would be one more table here, and a script in plot/. */
static const struct report results = {
	.measure = "round trip in microseconds",
	.axes = {.x = "size_bytes",
		 .x_label = "bytes",
		 .y = {{"lat_p50_ns", "p50", 1e3}, {"lat_p99_ns", "p99", 1e3}}},
	.pair = {"passes", "4", "1", "written once"},
	.conditions = {"poll"},
	.equals = equals,
	.n_equals = sizeof(equals) / sizeof(equals[0]),
	.rules = rules,
	.n_rules = sizeof(rules) / sizeof(rules[0]),
	.sentences = sentences,
	.n_sentences = sizeof(sentences) / sizeof(sentences[0]),
};

const struct scenario scenario_rewrite = {
	.name = "rewrite",
	.summary = "a response that is written several times before it is sent",
	.question = "What does a response cost that is written several times "
		    "before it is sent?",
	.source = "an example of how a scenario is added",
	.opts = &group,
	.shared = &exchange_opts,
	.metrics = exchange_metrics,
	.n_metrics = EXCHANGE_METRICS,
	.report = &results,
	.cfg_size = sizeof(struct cfg),
	.supported = supported,
	.need = exchange_need,
	.setup = setup,
	.client = exchange_client,
	.server = exchange_server,
	.verify = exchange_verify_last,
	.teardown = teardown,
};
