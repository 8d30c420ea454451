/* From rows to points, series, legends and pairs: pure functions. */
#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "report/series.h"
#include "report/show.h"
#include "result/reader.h"

#define HEADER                                                                 \
	"run_id,transport,qp_type,cm,poll,path,size_bytes,loop,request_bytes," \
	"prepare,inline_bytes,pages,status,lat_p50_ns,lat_p99_ns\n"
/* With the number of its point in the plan. */
#define NUMBERED                                                               \
	"run_id,point,transport,poll,path,size_bytes,loop,touch,status,"       \
	"lat_p50_ns,lat_p99_ns\n"
#define POINT(number, transport, size, touch)                                  \
	"r1," number "," transport ",spin,loopback," size ",closed," touch     \
	",ok,1000,2000\n"
/* A row; the knobs that tests vary are arguments. */
#define ROW(tp_qp_cm, poll, size, inl, pages, p50, p99)                        \
	"r1," tp_qp_cm "," poll ",loopback," size ",closed,64,scan," inl       \
	"," pages ",ok," p50 "," p99 "\n"
#define TCP "tcp,,"
#define RC "rdma,RC,verbs"
#define RC_CM "rdma,RC,rdma_cm"
#define LOOP "loop,,"

static const struct series_axes axes = {
	.x = "size_bytes",
	.x_label = "bytes",
	.y = {{"lat_p50_ns", "p50", 1e3}, {"lat_p99_ns", "p99", 1e3}},
};
static const struct series_pair pair = {"transport", "tcp", "rdma", ""};

struct fixture {
	struct reader_table *table;
	struct series_set set;
};

static int load(struct fixture *f, const char *text, struct err *err)
{
	char path[] = "/tmp/rdmabench-series-XXXXXX";
	int fd = mkstemp(path), ret;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	close(fd);
	ret = reader_read(path, 0, &f->table, err);
	unlink(path);
	if (ret)
		fail_msg("%s", err->text);
	ret = series_init(&f->set, f->table, &axes, err);
	if (ret)
		reader_free(f->table);
	return ret;
}

static void load_ok(struct fixture *f, const char *text)
{
	struct err err = {0};

	if (load(f, text, &err))
		fail_msg("%s", err.text);
}

static void unload(struct fixture *f)
{
	series_fini(&f->set);
	reader_free(f->table);
}

static void assert_near(double a, double b)
{
	if (!(fabs(a - b) < 1e-9))
		fail_msg("%g is not %g", a, b);
}

static void assert_labels(struct fixture *f, size_t n, const char *const *want)
{
	size_t i;

	assert_int_equal(f->set.n, n);
	for (i = 0; i < n; i++)
		assert_string_equal(f->set.v[i].label, want[i]);
}
#define LABELS(f, ...)                                                         \
	assert_labels(f,                                                       \
		      sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *),  \
		      (const char *[]){__VA_ARGS__})

/* Trials are in random order, and each run of a plan has another. */
static void test_order_is_the_plan_s(void **state)
{
	struct fixture f;
	size_t i;

	(void)state;
	load_ok(&f, NUMBERED POINT("4", "tcp", "4096",
				   "touch") POINT("12", "tcp", "64", "none")
			    POINT("11", "rdma", "4096",
				  "notouch") POINT("2", "tcp", "64", "notouch")
				    POINT("10", "rdma", "64", "touch")
					    POINT("0", "tcp", "64", "touch"));
	LABELS(&f, "TCP, touch", "TCP, notouch", "TCP, none", "RDMA, touch",
	       "RDMA, notouch");
	for (i = 0; i < f.set.n; i++)
		assert_int_equal(f.set.v[i].n, i ? 1 : 2);
	assert_near(f.set.v[0].points[0].x, 64);
	unload(&f);
}

static void test_points(void **state)
{
	struct fixture f;
	const struct series *s;

	(void)state;
	/* Trials interleaved, sizes not in order, one p99 missing. */
	load_ok(&f, HEADER ROW(TCP, "spin", "4096", "", "", "5000", "9000")
			    ROW(TCP, "spin", "64", "", "", "1000",
				"") ROW(TCP, "spin", "4096", "", "", "1000", "")
				    ROW(TCP, "spin", "64", "", "", "3000", "")
					    ROW(TCP, "spin", "4096", "", "",
						"2000", "7000"));
	assert_int_equal(f.set.n, 1);
	s = &f.set.v[0];
	assert_int_equal(s->n, 2);
	assert_near(s->points[0].x, 64);
	assert_near(s->points[0].y[0], 2);
	assert_true(isnan(s->points[0].y[1]));
	assert_int_equal(s->points[0].trials, 2);
	assert_near(s->points[1].y[0], 2);
	assert_near(s->points[1].y[1], 8);
	assert_int_equal(s->points[1].trials, 3);
	assert_ptr_equal(series_at(s, 4096), &s->points[1]);
	assert_null(series_at(s, 1000));
	unload(&f);
}

/* The interval of the trials at 64 bytes; asked of another size, none. */
static void assert_interval(const char *csv, double low, double high)
{
	struct series_range r;
	struct fixture f;

	load_ok(&f, csv);
	r = series_interval(&f.set, &f.set.v[0], 64);
	assert_near(r.low, low);
	assert_near(r.high, high);
	r = series_interval(&f.set, &f.set.v[0], 128);
	assert_true(isnan(r.low) && isnan(r.high));
	unload(&f);
}

#define TRIAL(size, p50) ROW(TCP, "spin", size, "", "none", p50, "1")

/* Of six trials and more the 95 % interval, of fewer all there is. */
static void test_interval(void **state)
{
	(void)state;
	/* Ranks 2 and 8 of 9: 96.1 %. */
	assert_interval(HEADER TRIAL("64", "6000") TRIAL("64", "2000")
				TRIAL("64", "3000") TRIAL("64", "1000") TRIAL(
					"64", "5000") TRIAL("64", "4000")
					TRIAL("64", "90000") TRIAL("64", "500")
						TRIAL("64", "4500")
							TRIAL("4096", "7000"),
			1, 6);
	assert_interval(HEADER TRIAL("64", "6000") TRIAL("64", "2000"), 2, 6);
}

static void test_only_ok_rows(void **state)
{
	struct fixture f;

	(void)state;
	load_ok(&f, HEADER "r1,tcp,,,spin,loopback,64,closed,,,,,failed,9,9\n"
			   "r1,tcp,,,spin,loopback,64,closed,,,,,ok,,9\n"
			   "r1,tcp,,,spin,loopback,64,closed,,,,,ok,0,9\n"
			   "r1,tcp,,,spin,loopback,0,closed,,,,,ok,9,9\n"
			   "r1,tcp,,,spin,loopback,x,closed,,,,,ok,9,9\n");
	assert_int_equal(f.set.n, 0);
	unload(&f);
}

static void test_labels_plain(void **state)
{
	struct fixture f;

	(void)state;
	/* What differs with the transport alone is not named; the order and
	 * the style are the transports', not the file's. */
	load_ok(&f, HEADER ROW(LOOP, "spin", "64", "", "", "1", "2")
			    ROW(RC, "spin", "64", "220", "", "1", "2")
				    ROW(TCP, "spin", "64", "", "", "1", "2"));
	LABELS(&f, "TCP", "RDMA RC", "loop");
	assert_int_equal(f.set.v[0].style, 1);
	assert_int_equal(f.set.v[1].style, 2);
	assert_int_equal(f.set.v[2].style, 3);
	unload(&f);
}

/* What the operation or the transport says already is not said twice. */
static void test_labels_said_once(void **state)
{
	struct fixture f;

	(void)state;
	load_ok(&f, "run_id,transport,path,op,size_bytes,loop,method,status,"
		    "lat_p50_ns,lat_p99_ns\n"
		    "r,tcp,loopback,,64,closed,tcp,ok,1,2\n"
		    "r,rdma,loopback,write,64,closed,write,ok,1,2\n"
		    "r,rdma,loopback,send,64,closed,imm,ok,1,2\n");
	LABELS(&f, "TCP", "RDMA, write", "RDMA, send, method imm");
	unload(&f);
}

#define LOGGED(method, post)                                                   \
	"r,rdma,loopback,,64,closed," method "," post ",ok,1,2\n"

/* A method that has nothing to chain has no name of how it did. */
static void test_labels_of_methods(void **state)
{
	struct fixture f;

	(void)state;
	load_ok(&f, "run_id,transport,path,op,size_bytes,loop,method,post,"
		    "status,lat_p50_ns,lat_p99_ns\n" LOGGED("tcp", "chained")
			    LOGGED("write-read", "chained")
				    LOGGED("write-read", "serialised"));
	LABELS(&f, "RDMA, method tcp", "RDMA, method write-read, post chained",
	       "RDMA, method write-read, post serialised");
	unload(&f);
}

#define WINDOW(op, n, shared)                                                  \
	"r,rdma,loopback," op ",64,closed," n "," shared ",ok,1,2\n"

/* Of many, what most have in common goes without saying; an operation never
 * does. */
static void test_labels_of_many(void **state)
{
	struct fixture f;

	(void)state;
	load_ok(&f,
		"run_id,transport,path,op,size_bytes,loop,outstanding,"
		"shared,status,lat_p50_ns,lat_p99_ns\n" WINDOW(
			"write", "16", "no") WINDOW("write", "64", "no")
			WINDOW("write", "256", "no") WINDOW(
				"write", "16", "yes") WINDOW("read", "16", "no")
				WINDOW("send", "16", "no")
					WINDOW("send", "64", "yes"));
	LABELS(&f, "RDMA, write", "RDMA, write, outstanding 64",
	       "RDMA, write, outstanding 256", "RDMA, write, shared",
	       "RDMA, read", "RDMA, send",
	       "RDMA, send, outstanding 64, shared");
	unload(&f);
}

/* The one that is usual in everything has a name, too. */
static void test_labels_never_empty(void **state)
{
	struct fixture f;
	size_t i;

	(void)state;
	load_ok(&f, "run_id,transport,path,size_bytes,loop,memory,way,status,"
		    "lat_p50_ns,lat_p99_ns\n"
		    "r,,loopback,64,closed,anon,pin,ok,1,2\n"
		    "r,,loopback,64,closed,thp,pin,ok,1,2\n"
		    "r,,loopback,64,closed,memfd,pin,ok,1,2\n"
		    "r,,loopback,64,closed,file,pin,ok,1,2\n"
		    "r,,loopback,64,closed,anon,cached,ok,1,2\n"
		    "r,,loopback,64,closed,anon,window,ok,1,2\n"
		    "r,,loopback,64,closed,anon,window2,ok,1,2\n");
	assert_int_equal(f.set.n, 7);
	for (i = 0; i < f.set.n; i++)
		assert_string_not_equal(f.set.v[i].label, "");
	assert_string_equal(f.set.v[0].label, "memory anon");
	unload(&f);
}

/* What is switched on is named, what is off is not; rows that needed no
 * transport are local. */
static void test_labels_of_switches(void **state)
{
	struct fixture f;

	(void)state;
	load_ok(&f, "run_id,transport,path,size_bytes,loop,shared_receives,"
		    "status,lat_p50_ns,lat_p99_ns\n"
		    "r,rdma,loopback,64,closed,no,ok,1,2\n"
		    "r,rdma,loopback,64,closed,yes,ok,1,2\n"
		    "r,,loopback,64,closed,no,ok,1,2\n");
	LABELS(&f, "RDMA", "RDMA, shared receives", "local");
	unload(&f);
}

static void test_labels_differ(void **state)
{
	struct fixture f;

	(void)state;
	load_ok(&f, HEADER ROW(TCP, "spin", "64", "", "", "1",
			       "2") ROW(RC, "spin", "64", "64", "", "1", "2")
			    ROW(RC_CM, "spin", "64", "64", "", "1", "2"));
	LABELS(&f, "TCP", "RDMA RC", "RDMA RC, CM");
	assert_int_equal(f.set.v[1].style, 2);
	assert_int_equal(f.set.v[2].style, 4);
	unload(&f);
	load_ok(&f, HEADER ROW(TCP, "spin", "64", "", "", "1",
			       "2") ROW(TCP, "event", "64", "", "", "1", "2")
			    ROW(RC, "spin", "64", "1024", "", "1", "2")
				    ROW(RC, "spin", "64", "0", "", "1", "2"));
	LABELS(&f, "TCP, spin", "TCP, event", "RDMA RC, spin, inline 1k",
	       "RDMA RC, spin, inline 0");
	unload(&f);
	/* A knob that this code has never heard of. */
	load_ok(&f, HEADER ROW(TCP, "spin", "64", "", "huge", "1", "2")
			    ROW(TCP, "spin", "64", "", "small", "1", "2"));
	LABELS(&f, "TCP, pages huge", "TCP, pages small");
	unload(&f);
}

static void test_style_without_tcp(void **state)
{
	struct fixture f;

	(void)state;
	load_ok(&f, HEADER ROW(RC, "spin", "64", "", "", "1", "2"));
	LABELS(&f, "RDMA RC");
	assert_int_equal(f.set.v[0].style, 2);
	unload(&f);
}

static void test_gain(void **state)
{
	(void)state;
	assert_near(series_gain(10, 5), 50);
	assert_near(series_gain(10, 10), 0);
	assert_near(series_gain(10, 25), -150);
}

static const char *why_not(const char *text)
{
	static const char *const known[] = {"poll", "pages", "size_bytes",
					    "path", "transport"};
	struct fixture f;
	const char *why = NULL;
	size_t i, last;

	load_ok(&f, text);
	last = f.set.n - 1;
	if (series_base(&f.set, &f.set.v[last], &pair, &why))
		why = NULL;
	for (i = 0; why && i < 5; i++)
		if (!strcmp(why, known[i]))
			break;
	unload(&f);
	return why ? known[i] : "pair";
}

static void test_baseline(void **state)
{
	(void)state;
	/* The transport's own (inline, cm, qp_type) does not matter. */
	assert_string_equal(
		why_not(HEADER ROW(TCP, "spin", "64", "0", "", "1", "2")
				ROW(RC, "spin", "64", "220", "4k", "1", "2")),
		"pair");
	assert_string_equal(
		why_not(HEADER ROW(TCP, "event", "64", "", "", "1", "2")
				ROW(RC, "spin", "64", "", "", "1", "2")),
		"poll");
	assert_string_equal(
		why_not(HEADER ROW(TCP, "spin", "64", "", "2M", "1", "2")
				ROW(RC, "spin", "64", "", "4k", "1", "2")),
		"pages");
	assert_string_equal(
		why_not(HEADER ROW(TCP, "spin", "64", "", "", "1", "2")
				ROW(RC, "spin", "128", "", "", "1", "2")),
		"size_bytes");
	assert_string_equal(
		why_not(HEADER
			"r1,tcp,,,spin,wire,64,closed,64,scan,,,ok,1,2\n" ROW(
				RC, "spin", "64", "", "", "1", "2")),
		"path");
	assert_string_equal(
		why_not(HEADER ROW(RC, "spin", "64", "", "", "1", "2")),
		"transport");
}

static void test_right_baseline(void **state)
{
	struct fixture f;
	const char *why;

	(void)state;
	load_ok(&f, HEADER ROW(TCP, "spin", "64", "", "", "1", "2")
			    ROW(TCP, "event", "64", "", "", "1", "2")
				    ROW(RC, "event", "64", "", "", "1", "2"));
	assert_ptr_equal(series_base(&f.set, &f.set.v[2], &pair, &why),
			 &f.set.v[1]);
	unload(&f);
}

/* Any column can be x, and any can be what is compared. */
static void test_other_axes(void **state)
{
	static const struct series_axes by_pages = {
		.x = "pages",
		.x_label = "pages",
		.linear = true,
		.y = {{"lat_p99_ns", "p99", 0}},
	};
	static const struct series_pair modes = {"poll", "spin", NULL, ""};
	struct fixture f;
	struct err err = {0};
	const char *why;

	(void)state;
	load_ok(&f, HEADER ROW(TCP, "spin", "64", "", "0", "",
			       "2") ROW(TCP, "spin", "64", "", "3", "", "4")
			    ROW(TCP, "event", "64", "", "3", "", "1")
				    ROW(RC, "event", "64", "", "3", "", "7"));
	series_fini(&f.set);
	if (series_init(&f.set, f.table, &by_pages, &err))
		fail_msg("%s", err.text);
	LABELS(&f, "TCP, spin", "TCP, event", "RDMA RC, event");
	assert_int_equal(f.set.v[0].n, 2);
	assert_near(f.set.v[0].points[0].x, 0);
	assert_near(f.set.v[0].points[1].y[0], 4);
	assert_ptr_equal(series_base(&f.set, &f.set.v[1], &modes, &why),
			 &f.set.v[0]);
	/* Another transport is another series, here. */
	assert_null(series_base(&f.set, &f.set.v[2], &modes, &why));
	assert_string_equal(why, "transport");
	unload(&f);
}

static void test_refused(void **state)
{
	struct fixture f;
	struct err err = {0};

	(void)state;
	assert_int_equal(load(&f, "transport,path,status,lat_p50_ns\n", &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, "no column 'size_bytes'"));
	assert_int_equal(load(&f,
			      HEADER ROW(TCP, "spin", "64", "", "", "1",
					 "2") "r2,tcp,,,spin,loopback,64,"
					      "closed,64,scan,,,ok,1,2\n",
			      &err),
			 -EINVAL);
	assert_non_null(strstr(err.text, ":3: another run"));
}

static void test_clean(void **state)
{
	static const struct {
		const char *in, *out;
		size_t columns;
	} cases[] = {
		{"plain", "plain", 9},
		{"", "", 9},
		{"a\nb\tc\x1b[1m\x7f", "a b c [1m ", 20},
		{"\xc3\xa9t\xc3\xa9", "\xc3\xa9t\xc3\xa9", 3},
		{"\xc3", "?", 9},
		{"\xff\xc0\x80x", "???x", 9},
		{"\xed\xa0\x80", "???", 9},
		{"\xc2\x85\xe2\x80\xae|", "  |", 9},
		{"123456789", "123456789", 9},
		{"1234567890", "12345678\xe2\x80\xa6", 9},
		{"\xc3\xa9\xc3\xa9\xc3\xa9", "\xc3\xa9\xe2\x80\xa6", 2},
	};
	char out[64], small[8];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(show_text(out, sizeof(out), cases[i].in,
					      cases[i].columns),
				    cases[i].out);
	assert_string_equal(show_text(small, 8, "1234567", 99), "1234567");
	assert_string_equal(show_text(small, 8, "12345678", 99),
			    "1234\xe2\x80\xa6");
	assert_int_equal(show_columns("\xc3\xa9t\xe2\x80\xa6"), 3);
}

static void test_numbers(void **state)
{
	char s[40];

	(void)state;
	assert_string_equal(show_bytes(s, sizeof(s), 0), "0");
	assert_string_equal(show_bytes(s, sizeof(s), 1023), "1023");
	assert_string_equal(show_bytes(s, sizeof(s), 1024), "1k");
	assert_string_equal(show_bytes(s, sizeof(s), 5000), "5000");
	assert_string_equal(show_bytes(s, sizeof(s), 16 << 20), "16M");
	assert_string_equal(show_bytes(s, sizeof(s), 1536 << 10), "1536k");
	assert_string_equal(show_digits(s, sizeof(s), 0.29367), "0.294");
	assert_string_equal(show_digits(s, sizeof(s), 9.868), "9.87");
	assert_string_equal(show_digits(s, sizeof(s), 9.996), "10.0");
	assert_string_equal(show_digits(s, sizeof(s), 99.96), "100");
	assert_string_equal(show_digits(s, sizeof(s), 123456), "123000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points),
		cmocka_unit_test(test_order_is_the_plan_s),
		cmocka_unit_test(test_interval),
		cmocka_unit_test(test_only_ok_rows),
		cmocka_unit_test(test_labels_plain),
		cmocka_unit_test(test_labels_differ),
		cmocka_unit_test(test_labels_of_many),
		cmocka_unit_test(test_labels_said_once),
		cmocka_unit_test(test_labels_of_methods),
		cmocka_unit_test(test_labels_of_switches),
		cmocka_unit_test(test_labels_never_empty),
		cmocka_unit_test(test_style_without_tcp),
		cmocka_unit_test(test_gain),
		cmocka_unit_test(test_baseline),
		cmocka_unit_test(test_right_baseline),
		cmocka_unit_test(test_other_axes),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_clean),
		cmocka_unit_test(test_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
