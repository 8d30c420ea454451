/* What is said of results, and what is not; and figures made safe to stand
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
#include "report/sentences.h"

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
};

static void write_csv(FILE *f, const struct world *w, const struct made *m)
{
	unsigned k;

	fputs("run_id,transport,path,software_device,size_bytes,loop,status,"
	      "lat_p50_ns\n",
	      f);
	for (; m->transport; m++)
		for (k = 0; k < w->trials; k++)
			fprintf(f, "r,%s,%s,%s,%u,closed,ok,%.0f\n",
				m->transport, w->path, w->software, m->size,
				m->ns * (1 + 0.01 * k));
}

static void say(struct sentences *out, const struct report *r,
		const struct world *w, const struct made *m)
{
	char path[] = "/tmp/rdmabench-says-XXXXXX";
	struct reader_table *table;
	struct series_set set;
	struct report_view view = {.set = &set};
	struct err err = {0};
	int fd = mkstemp(path);
	FILE *f = fdopen(fd, "w");

	write_csv(f, w, m);
	fclose(f);
	assert_int_equal(reader_read(path, 0, &table, &err), 0);
	unlink(path);
	assert_int_equal(series_init(&set, table, &r->axes, &err), 0);
	view.path = set.n ? set.v[0].path : PATH_UNKNOWN;
	assert_int_equal(sentences_make(out, r, &view, &err), 0);
	series_fini(&set);
	reader_free(table);
}

static const struct world wire = {"wire", "no", TRIALS};

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
			    "to 50.0 % (at 1k); higher at 64k, by up to 100.0 "
			    "% (at 64k); not told apart at 16k.");
	assert_string_equal(s.text[1],
			    "From 4k to 64k the order turns: from there on TCP "
			    "has the lower p50.");
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
	assert_non_null(strstr(s.text[0], "not told apart"));
}

static void test_not_allowed(void **state)
{
	static const struct made m[] = {
		{"tcp", 64, 40e3}, {"rdma", 64, 20e3}, {NULL, 0, 0}};
	const struct world loopback = {"loopback", "no", TRIALS};
	const struct world software = {"wire", "yes", TRIALS};
	struct report local = compared;
	struct sentences s;

	(void)state;
	say(&s, &compared, &loopback, m);
	assert_int_equal(s.n, 0);
	assert_non_null(strstr(s.why_not, "no wire"));
	say(&s, &compared, &software, m);
	assert_int_equal(s.n, 0);
	assert_non_null(strstr(s.why_not, "software device"));
	local.local = true;
	say(&s, &local, &loopback, m);
	assert_int_equal(s.n, 1);
	assert_string_equal(s.why_not, "");
}

static void test_cheapest(void **state)
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
			    "At 64 bytes the least p50 has RDMA (20.6); loop "
			    "comes next (30.9).");
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
		cmocka_unit_test(test_not_allowed),
		cmocka_unit_test(test_cheapest),
		cmocka_unit_test(test_unique_ids),
		cmocka_unit_test(test_no_drawing),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
