/* What is said of results, and what is not; signs; and figures made safe to stand
 * in a page. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/html_part.h"
#include "report/report.h"
#include "report/sentences.h"
#include "run/scenario.h"

enum { TRIALS = 7 };

static const struct report compared = {
	.axes = {.x = "size_bytes",
		 .x_label = "bytes",
		 .y = {{"lat_p50_ns", "p50", 1e3}}},
	.pair = {"transport", "tcp", "rdma", ""},
};
static const struct report many = {
	.axes = {.x = "size_bytes",
		 .x_label = "bytes",
		 .y = {{"lat_p50_ns", "p50", 1e3}}},
};

/* A point as a test wants it: trials around this many ns, 1 % apart. */
struct made {
	const char *transport;
	unsigned size;
	double ns;
};

struct world {
	const char *path, *software;
	unsigned trials;
	const char *headline; /* NULL: as results had none */
};

static void write_csv(FILE *f, const struct world *w, const struct made *m)
{
	unsigned k;

	fputs("run_id,transport,path,software_device,size_bytes,loop,status,"
	      "lat_p50_ns,ops_per_s,headline,dear\n",
	      f);
	for (; m->transport; m++)
		for (k = 0; k < w->trials; k++)
			fprintf(f, "r,%s,%s,%s,%u,closed,ok,%.0f,%.0f,%s,%s\n",
				m->transport, w->path, w->software, m->size,
				m->ns * (1 + 0.01 * k),
				/* Not one over the other: 64 at a time. */
				64e9 / (m->ns * (1 + 0.01 * k)),
				w->headline ? w->headline : "",
				strcmp(m->transport, "rdma") ? "yes" : "no");
}

/* Made rows, read again. */
struct made_set {
	struct reader_table *table;
	struct series_set set;
};

static void made_open(struct made_set *made, const struct report *r,
		      const struct world *w, const struct made *m)
{
	char path[] = "/tmp/rdmabench-says-XXXXXX";
	struct err err = {0};
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	write_csv(f, w, m);
	fclose(f);
	assert_int_equal(reader_read(path, 0, &made->table, &err), 0);
	unlink(path);
	assert_int_equal(series_init(&made->set, made->table, &r->axes, &err),
			 0);
}

static void made_close(struct made_set *made)
{
	series_fini(&made->set);
	reader_free(made->table);
}

static void say(struct sentences *out, const struct report *r,
		const struct world *w, const struct made *m)
{
	struct made_set made;
	struct report_view view = {.set = &made.set};
	struct err err = {0};

	made_open(&made, r, w, m);
	view.path = made.set.n ? made.set.v[0].path : PATH_UNKNOWN;
	assert_int_equal(sentences_make(out, r, &view, &err), 0);
	made_close(&made);
}

static const struct world wire = {"wire", "no", TRIALS, NULL};

static void test_crossing(void **state)
{
	static const struct made m[] = {
		{"tcp", 1024, 40e3},  {"rdma", 1024, 20e3},
		{"tcp", 4096, 50e3},  {"rdma", 4096, 40e3},
		{"tcp", 16384, 80e3}, {"rdma", 16384, 80.1e3},
		{"tcp", 65536, 90e3}, {"rdma", 65536, 180e3},
		{NULL, 0, 0}};
	struct sentences s;

	(void)state;
	say(&s, &compared, &wire, m);
	assert_int_equal(s.n, 2);
	assert_string_equal(s.text[0],
			    "RDMA against TCP: p50 is lower at 1k to 4k, by up "
			    "to 50.0 % [48.0, 51.9] (at 1k); higher at 64k, "
			    "by 100.0 % [92.5, 107.8]; not told apart at 16k.");
	assert_string_equal(s.text[1],
			    "Between 4k and 64k the order turns: RDMA has the "
			    "lower p50 before, TCP after.");
}

static void test_nothing_to_tell(void **state)
{
	static const struct made same[] = {
		{"tcp", 64, 40e3}, {"rdma", 64, 40e3}, {NULL, 0, 0}};
	static const struct made far[] = {
		{"tcp", 64, 40e3}, {"rdma", 64, 20e3}, {NULL, 0, 0}};
	struct world few = wire;
	struct sentences s;

	(void)state;
	say(&s, &compared, &wire, same);
	assert_string_equal(
		s.text[0],
		"RDMA and TCP are not told apart in p50 at any of 1 point.");
	/* Twice as fast, but three trials prove nothing. */
	few.trials = 3;
	say(&s, &compared, &few, far);
	assert_int_equal(s.n, 0);
	assert_non_null(strstr(s.why_not, "too few"));
}

/* What was measured without a wire says so, and what that leaves out. */
static void test_scope(void **state)
{
	static const struct made m[] = {
		{"tcp", 64, 40e3}, {"rdma", 64, 20e3}, {NULL, 0, 0}};
	const struct world loopback = {"loopback", "no", TRIALS, NULL};
	const struct world software = {"wire", "yes", TRIALS, NULL};
	const struct world both = {"loopback", "yes", TRIALS, NULL};
	const struct world unknown = {"", "no", TRIALS, NULL};
	struct report local = compared;
	struct sentences s;

	(void)state;
	say(&s, &compared, &loopback, m);
	assert_string_equal(s.text[0], "Over loopback, RDMA against TCP: p50 "
				       "is lower at 64, by 50.0 % [48.5, "
				       "51.4].");
	assert_non_null(strstr(s.scope, "no wire"));
	say(&s, &compared, &software, m);
	assert_int_equal(
		strncmp(s.text[0], "With a software RDMA device, ", 29), 0);
	assert_non_null(strstr(s.scope, "NIC"));
	say(&s, &compared, &both, m);
	assert_int_equal(strncmp(s.text[0],
				 "Over loopback, with a software RDMA device, ",
				 44),
			 0);
	say(&s, &compared, &unknown, m);
	assert_int_equal(s.n, 0);
	assert_non_null(strstr(s.why_not, "not known"));
	local.local = true;
	say(&s, &local, &loopback, m);
	assert_int_equal(strncmp(s.text[0], "RDMA against TCP", 16), 0);
	assert_string_equal(s.scope, "");
}

static void test_least(void **state)
{
	static const struct made m[] = {
		{"tcp", 64, 40e3},   {"rdma", 64, 20e3},   {"loop", 64, 30e3},
		{"tcp", 4096, 40e3}, {"rdma", 4096, 40e3}, {NULL, 0, 0}};
	struct sentences s;

	(void)state;
	say(&s, &many, &wire, m);
	/* At 4096 two are the same: nothing is said of it. */
	assert_int_equal(s.n, 1);
	assert_string_equal(s.text[0],
			    "At 64 bytes the best is measured with RDMA (20.6 "
			    "us); loop comes next (30.9 us).");
}

/* Of some series only, as a report declares it. */
static void test_least_where(void **state)
{
	static const struct made m[] = {{"tcp", 64, 40e3},
					{"rdma", 64, 20e3},
					{"loop", 64, 30e3},
					{NULL, 0, 0}};
	static const struct report_sentence dear = {
		.say = SAY_BEST,
		.words = "a write is cheapest by",
		.where = {{"dear", "yes"}}};
	struct report r = many;
	struct sentences s;

	(void)state;
	r.sentences = &dear;
	r.n_sentences = 1;
	say(&s, &r, &wire, m);
	assert_string_equal(s.text[0],
			    "At 64 bytes a write is cheapest by loop (30.9 "
			    "us); TCP comes next (41.2 us).");
}

static const struct report_sentence cost = {.say = SAY_MOST,
					    .words = "going by TCP"};

static void test_most(void **state)
{
	static const struct made dear[] = {
		{"tcp", 64, 40e3},    {"rdma", 64, 30e3},  {"tcp", 4096, 80e3},
		{"rdma", 4096, 40e3}, {"tcp", 65536, 1e6}, {"rdma", 65536, 2e6},
		{NULL, 0, 0}};
	static const struct made cheap[] = {{"tcp", 64, 40e3},
					    {"rdma", 64, 40e3},
					    {"tcp", 4096, 40e3},
					    {"rdma", 4096, 50e3},
					    {NULL, 0, 0}};
	struct report r = compared;
	struct sentences s;

	(void)state;
	r.sentences = &cost;
	r.n_sentences = 1;
	say(&s, &r, &wire, dear);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.text[0], "Going by TCP costs most with TCP at "
				       "4k: 82.4 us against 41.2 us, 50.0 % "
				       "[48.0, 51.9] less.");
	say(&s, &r, &wire, cheap);
	assert_string_equal(s.text[0],
			    "Going by TCP is not shown to cost anything at any "
			    "of 2 points; it saves up to 25.0 % [21.4, 28.8] "
			    "(TCP at 4k).");
}

static void test_rise(void **state)
{
	static const struct made m[] = {{"tcp", 64, 40e3},
					{"rdma", 64, 20e3},
					{"tcp", 4096, 80e3},
					{"rdma", 4096, 80e3},
					{NULL, 0, 0}};
	static const struct report_sentence rise = {
		.say = SAY_WORSENS, .words = "bytes p50 rises most with"};
	struct report r = many;
	struct sentences s;

	(void)state;
	r.sentences = &rise;
	r.n_sentences = 1;
	say(&s, &r, &wire, m);
	assert_string_equal(s.text[0],
			    "From 64 to 4k bytes p50 rises most "
			    "with RDMA: from 20.6 us to 82.4 us (times "
			    "4.00).");
}

/* Points that are about their rate are spoken of by it, and more is better;
 * the same by their latency, where that is the headline. */
static void test_headline(void **state)
{
	static const struct world rate = {"wire", "no", TRIALS, "ops_per_s"};
	static const struct world p50 = {"wire", "no", TRIALS, "lat_p50_ns"};
	static const struct made m[] = {{"tcp", 64, 40e3},
					{"rdma", 64, 20e3},
					{"tcp", 4096, 80e3},
					{"rdma", 4096, 800e3},
					{NULL, 0, 0}};
	static const struct report_sentence both[] = {
		{.say = SAY_WORSENS, .words = "bytes it worsens most with"},
		{.say = SAY_BEST, .words = "it is best with"}};
	struct report r = many;
	struct sentences s;

	(void)state;
	r.axes.y[1] = (struct series_value){"ops_per_s", "rate", 1e3};
	r.sentences = both;
	r.n_sentences = 2;
	say(&s, &r, &rate, m);
	assert_int_equal(s.n, 3);
	assert_string_equal(s.text[0],
			    "From 64 to 4k bytes it worsens most with RDMA: "
			    "from 3110 thousand/s to 77.7 thousand/s (times "
			    "0.0250).");
	assert_string_equal(s.text[1],
			    "At 64 bytes it is best with RDMA (3110 "
			    "thousand/s); TCP comes next (1550 thousand/s).");
	assert_string_equal(s.text[2],
			    "At 4k bytes it is best with TCP (777 "
			    "thousand/s); RDMA comes next (77.7 thousand/s).");
	say(&s, &r, &p50, m);
	assert_string_equal(s.text[1], "At 64 bytes it is best with RDMA "
				       "(20.6 us); TCP comes next (41.2 us).");
	r.axes.y[1].column = NULL; /* the rate is not among what is shown */
	say(&s, &r, &rate, m);
	assert_string_equal(s.text[1], "At 64 bytes it is best with RDMA "
				       "(20.6 us); TCP comes next (41.2 us).");
}

/* --- signs of check ----------------------------------------------------------*/

static void assert_sign(const struct made *m, const struct world *w,
			enum check_answer answer, const char *where)
{
	static const struct report_sign sooner = {
		.pair = {"transport", "tcp", "rdma", ""},
	};
	static const struct report_rule rule = {
		CHECK_HARDWARE, "sooner", report_rule_sign, .sign = &sooner};
	static const struct scenario scn = {.name = "made"};
	struct check_line lines[2];
	struct check_result res = {.lines = lines};
	struct check c = {.res = &res, .scn = &scn};
	struct made_set made;
	struct err err;

	made_open(&made, &many, w, m);
	c.table = made.table;
	c.set = &made.set;
	assert_int_equal(report_rule_sign(&c, &rule, &err), 0);
	made_close(&made);
	assert_int_equal(res.n, 1);
	assert_int_equal(lines[0].answer, answer);
	assert_non_null(strstr(lines[0].where, where));
}

/* One point below the other is no answer while chance could do it. */
static void test_signs(void **state)
{
	static const struct made below[] = {{"tcp", 64, 40e3},
					    {"rdma", 64, 20e3},
					    {"tcp", 4096, 40e3},
					    {"rdma", 4096, 40e3},
					    {NULL, 0, 0}};
	static const struct made above[] = {
		{"tcp", 64, 20e3}, {"rdma", 64, 40e3}, {NULL, 0, 0}};
	static const struct made both[] = {{"tcp", 64, 40e3},
					   {"rdma", 64, 20e3},
					   {"tcp", 4096, 20e3},
					   {"rdma", 4096, 40e3},
					   {NULL, 0, 0}};
	static const struct made hardly[] = {
		{"tcp", 64, 40e3}, {"rdma", 64, 39.9e3}, {NULL, 0, 0}};
	struct world few = wire;

	(void)state;
	assert_sign(below, &wire, CHECK_YES,
		    "yes at 1 of 2 points of 1 pair, no at 0, not told apart "
		    "at 1; most: +50.0 % [+48.");
	assert_sign(above, &wire, CHECK_NO, "no at 1, not told apart at 0");
	assert_sign(both, &wire, CHECK_MIXED, "yes at 1 of 2");
	assert_sign(hardly, &wire, CHECK_UNTOLD, "not told apart at 1;");
	few.trials = 3;
	assert_sign(below, &few, CHECK_UNTOLD, "(too few trials)");
}

/* --- figures ----------------------------------------------------------------*/

static char *inlined(const char *svg)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	bool is = html_svg_text(f, svg, "f1-");

	fclose(f);
	if (is)
		return text;
	assert_int_equal(len, 0);
	free(text);
	return NULL;
}

static void test_unique_ids(void **state)
{
	char *text =
		inlined("<?xml version=\"1.0\"?>\n<svg viewBox=\"0 0 1 1\">"
			"<path id='a'/><g id=\"b\"/><use xlink:href='#a'/>"
			"<g fill=\"url(#b)\"/></svg>\ntrailing");

	(void)state;
	assert_string_equal(text, "<svg viewBox=\"0 0 1 1\"><path id='f1-a'/>"
				  "<g id=\"f1-b\"/><use xlink:href='#f1-a'/>"
				  "<g fill=\"url(#f1-b)\"/></svg>\n");
	free(text);
}

static void test_no_drawing(void **state)
{
	static const char *const bad[] = {
		"<svg><script>1</script></svg>",
		"<svg><SCRIPT>1</SCRIPT></svg>",
		"<svg onload=\"x()\"></svg>",
		"<svg\nonclick='x()'></svg>",
		"<svg><a href=\"https://x/\"/></svg>",
		"<svg><use xlink:href='http://x/#a'/></svg>",
		"<svg><g fill=\"url(http://x/)\"/></svg>",
		"<svg><image/></svg>",
		"<svg><style>@import 'x'</style></svg>",
		"<svg><foreignObject/></svg>",
		"<svg><g>",
		"",
	};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (inlined(bad[i]))
			fail_msg("taken: %s", bad[i]);
}

static void test_text(void **state)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	html_text(f, "a<b>&\"'\n\x1b\xff");
	fclose(f);
	assert_string_equal(text, "a&lt;b&gt;&amp;&quot;&#39;  ?");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_crossing),
		cmocka_unit_test(test_nothing_to_tell),
		cmocka_unit_test(test_scope),
		cmocka_unit_test(test_least),
		cmocka_unit_test(test_least_where),
		cmocka_unit_test(test_most),
		cmocka_unit_test(test_rise),
		cmocka_unit_test(test_headline),
		cmocka_unit_test(test_signs),
		cmocka_unit_test(test_unique_ids),
		cmocka_unit_test(test_no_drawing),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
