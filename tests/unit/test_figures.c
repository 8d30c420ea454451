/* What reaches gnuplot, how it is run, and what is left in the folder. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "report/figures.h"
#include "report/gnuplot.h"
#include "report/plots.h"
#include "report/show.h"
#include "table_text.h"

#define HEADER                                                                 \
	"run_id,transport,qp_type,poll,path,device,software_device,"           \
	"size_bytes,loop,prepare,status,reason,lat_p50_ns,lat_p99_ns\n"
#define TCP(path, size, p50)                                                   \
	"r,tcp,,spin," path ",,," size ",closed,scan,ok,," p50 ",90000\n"
#define RDMA(path, size, p50)                                                  \
	"r,rdma,RC,spin," path ",rxe0,yes," size ",closed,scan,ok,," p50       \
	",90000\n"
#define NO_RDMA                                                                \
	"r,rdma,,spin,,,,64,closed,scan,unsupported,no-device: none here,,\n"

/* A name that is code or markup to a shell, gnuplot, JSON and XML. */
#define HOSTILE                                                                \
	"a\"b'c\\n`touch pwned`^_{x}@m\n$(touch pwned)<b>&]]>%s%n\"; "         \
	"system('touch pwned'); \""

struct box {
	char dir[64]; /* a results folder */
	char *path;   /* PATH as it was */
};

static int setup(void **state)
{
	struct box *box = calloc(1, sizeof(*box));

	if (!box)
		return -1;
	*state = box;
	unsetenv("COLUMNS"); /* which would say how wide the table may be */
	box->path = strdup(getenv("PATH"));
	snprintf(box->dir, sizeof(box->dir), "/tmp/rdmabench-figs-XXXXXX");
	return mkdtemp(box->dir) ? 0 : -1;
}

static const char *in(const struct box *box, const char *name)
{
	static char file[256];

	snprintf(file, sizeof(file), "%s/%s", box->dir, name);
	return file;
}

static int teardown(void **state)
{
	static const char *const bases[] = {"sendrecv",
					    "sendrecv_latency",
					    "sendrecv_gain",
					    "sendrecv_latency_loopback",
					    "sendrecv_latency_wire",
					    "sendrecv_gain_loopback",
					    "sendrecv_gain_wire",
					    "oplog",
					    "oplog_latency",
					    "run",
					    "gnuplot",
					    "style"};
	static const char *const ends[] = {".csv", ".dat",  ".svg", ".png",
					   ".gp",  ".json", ""};
	struct box *box = *state;
	char name[80];
	size_t i, k;
	int ret;

	for (i = 0; i < sizeof(bases) / sizeof(bases[0]); i++) {
		for (k = 0; k < sizeof(ends) / sizeof(ends[0]); k++) {
			snprintf(name, sizeof(name), "%s%s", bases[i], ends[k]);
			unlink(in(box, name));
		}
	}
	/* Fails if anything else was made there: "pwned", say. */
	ret = rmdir(box->dir);
	setenv("PATH", box->path, 1);
	free(box->path);
	free(box);
	return ret;
}

static void put(const struct box *box, const char *name, const char *text)
{
	FILE *f = fopen(in(box, name), "w");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static char *get(const struct box *box, const char *name)
{
	static char text[1 << 18];
	FILE *f = fopen(in(box, name), "r");
	size_t n;

	if (!f)
		fail_msg("%s is not there", name);
	n = fread(text, 1, sizeof(text) - 1, f);
	text[n] = '\0';
	fclose(f);
	return text;
}

static void has(const struct box *box, const char *name, const char *words)
{
	if (!strstr(get(box, name), words))
		fail_msg("%s lacks '%s'", name, words);
}

/* Figures only make sense where gnuplot is. */
static void need_gnuplot(void)
{
	const struct gnuplot g = {
		.program = "gnuplot", .dir = "/", .timeout_s = 60};
	struct err err;

	if (gnuplot_run(&g, &err) == -ENOENT) {
		print_message("skipped: %s\n", err.text);
		skip();
	}
}

/* A program of this name and text, first (and only) on PATH. */
static void fake_gnuplot(const struct box *box, const char *script)
{
	char *path;

	put(box, "gnuplot", script);
	assert_int_equal(chmod(in(box, "gnuplot"), 0755), 0);
	assert_true(asprintf(&path, "%s:%s", box->dir, box->path) > 0);
	setenv("PATH", path, 1);
	free(path);
}

static const struct figures_item *find(const struct figures_result *res,
				       const char *name)
{
	static const struct figures_item none;
	size_t i;

	for (i = 0; i < res->n; i++)
		if (!strcmp(res->items[i].name, name))
			return &res->items[i];
	fail_msg("no item '%s'", name);
	return &none;
}

static void draw_ok(const struct box *box, struct figures_result *res)
{
	struct err err = {0};

	if (figures_draw(box->dir, res, &err))
		fail_msg("%s", err.text);
}

/* The width and height in a PNG's header. */
static void assert_png(const struct box *box, const char *name)
{
	static const char head[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR"
				   "\0\0\x06\x40\0\0\x03\xe8";
	struct stat st;

	assert_memory_equal(get(box, name), head, sizeof(head) - 1);
	assert_int_equal(stat(in(box, name), &st), 0);
	assert_true(st.st_size > 10000);
}

/* --- running it -----------------------------------------------------------*/

static void test_put_text(void **state)
{
	char *text;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	(void)state;
	gnuplot_put_text(f, "a\"b\\n\tc>d");
	fclose(f);
	assert_string_equal(text, "a\xe2\x80\x9d"
				  "b\\\\n c\xe2\x80\xba"
				  "d");
	free(text);
}

static int run_fake(const struct box *box, const char *script,
		    unsigned timeout_s, struct err *err)
{
	struct gnuplot g = {.program = "gnuplot",
			    .dir = box->dir,
			    .timeout_s = timeout_s,
			    .scripts = {"one ", "two\n"}};

	fake_gnuplot(box, script);
	return gnuplot_run(&g, err);
}

static void test_run(void **state)
{
	struct err err = {0};

	/* All scripts in order, in the folder, without the user's start-up
	 * file; a lot on stderr does not block it. */
	assert_int_equal(run_fake(*state,
				  "#!/bin/sh\ncat > run.json\n"
				  "[ \"$*\" = -d ] || exit 1\n"
				  "head -c 300000 /dev/zero >&2\necho >&1\n",
				  60, &err),
			 0);
	assert_string_equal(get(*state, "run.json"), "one two\n");
}

static void test_run_fails(void **state)
{
	struct err err = {0};

	assert_int_equal(
		run_fake(*state,
			 "#!/bin/sh\necho first >&2\n"
			 "echo 'no such \033[1mterminal' >&2\nexit 3\n",
			 60, &err),
		-EIO);
	assert_non_null(strstr(err.text, "failed: first no such  [1mterminal"));
	assert_int_equal(run_fake(*state, "#!/bin/sh\nkill -9 $$\n", 60, &err),
			 -EIO);
	assert_non_null(strstr(err.text, "signal 9"));
}

static void test_run_hangs(void **state)
{
	static const char *const scripts[] = {
		"#!/bin/sh\nsleep 1000\n",
		"#!/bin/sh\nexec 2>&-\nexec sleep 1000\n",
		"#!/bin/sh\nexec yes >&2\n"};
	time_t start = time(NULL);
	struct err err = {0};
	size_t i;

	for (i = 0; i < 3; i++) {
		assert_int_equal(run_fake(*state, scripts[i], 1, &err),
				 -ETIMEDOUT);
		assert_non_null(strstr(err.text, "within 1 s"));
	}
	assert_true(time(NULL) - start < 30);
	/* What it started ends with it: this would leave a file. */
	assert_int_equal(run_fake(*state,
				  "#!/bin/sh\n(sleep 3; echo > pwned) & wait\n",
				  1, &err),
			 -ETIMEDOUT);
	sleep(3);
	assert_int_not_equal(access(in(*state, "pwned"), F_OK), 0);
	start = time(NULL);
	/* What it leaves running does not hold us up. */
	assert_int_equal(run_fake(*state, "#!/bin/sh\nsleep 20 >/dev/null &\n",
				  60, &err),
			 0);
	assert_true(time(NULL) - start < 15);
}

static void test_no_program(void **state)
{
	struct box *box = *state;
	struct figures_result res;
	struct err err = {0};

	not_under_valgrind();
	put(box, "sendrecv.csv", HEADER TCP("loopback", "64", "10000"));
	put(box, "sendrecv_latency.png", "an older one");
	setenv("PATH", "/dev/null", 1);
	assert_int_equal(figures_draw(box->dir, &res, &err), -ENOENT);
	assert_int_equal(err.reason, REASON_NO_PROGRAM);
	assert_string_equal(err.text, "gnuplot is not installed: "
				      "apt-get install gnuplot-nox");
	has(box, "sendrecv_latency.dat", "\n64\t10.0000\t90.0000\t1\n");
	has(box, "sendrecv_latency.png", "an older one");
	figures_fini(&res);
}

static void test_caption(void **state)
{
	struct box *box = *state;
	struct figures_result res;
	struct err err = {0};

	put(box, "sendrecv.csv",
	    HEADER TCP("loopback", "64", "10000") RDMA(
		    "loopback", "64", "8000") "r,loop,,yield,loopback,,,64,"
					      "closed,scan,ok,,500,900\n");
	fake_gnuplot(box, "#!/bin/sh\n");
	figures_draw(box->dir, &res, &err);
	has(box, "sendrecv_latency.dat", "TCP, spin\n");
	assert_null(strstr(get(box, "sendrecv_latency.dat"), "poll"));
	has(box, "sendrecv_gain.dat", "poll spin");
	figures_fini(&res);
}

/* What no legend tells, as it was only known when it was measured. */
static void test_caption_of_notes(void **state)
{
	struct box *box = *state;
	struct figures_result res;
	struct err err = {0};

	put(box, "oplog.csv",
	    "run_id,transport,path,size_bytes,loop,method,rf,outstanding,"
	    "peer_load_percent,status,durable,lat_p50_ns,lat_p99_ns\n"
	    "r,rdma,loopback,64,closed,send,2,1,0,ok,emulated,9,10\n"
	    "r,rdma,loopback,128,closed,send,2,1,0,ok,emulated,9,10\n"
	    "r,rdma,loopback,64,closed,write,2,1,0,ok,no,9,10\n"
	    "r,rdma,loopback,128,closed,write,2,1,0,ok,no,9,10\n");
	fake_gnuplot(box, "#!/bin/sh\n");
	figures_draw(box->dir, &res, &err);
	has(box, "oplog_latency.dat", "durable emulated or no");
	figures_fini(&res);
}

static void test_draw_fails(void **state)
{
	struct box *box = *state;
	struct figures_result res;
	struct err err = {0};

	put(box, "sendrecv.csv", HEADER TCP("loopback", "64", "10000"));
	fake_gnuplot(box, "#!/bin/sh\necho half > sendrecv_latency.png\n"
			  "echo broken >&2\nexit 1\n");
	assert_int_equal(figures_draw(box->dir, &res, &err), -EIO);
	assert_string_equal(err.text,
			    "sendrecv_latency: gnuplot failed: broken ");
	assert_int_not_equal(access(in(box, "sendrecv_latency.png"), F_OK), 0);
	figures_fini(&res);
}

/* --- what is drawn --------------------------------------------------------*/

static void copy_sample(const struct box *box)
{
	static const char *const names[] = {"run.json", "sendrecv.csv"};
	static const struct box from = {.dir = "tests/data/sendrecv-sample"};
	size_t i;

	for (i = 0; i < 2; i++)
		put(box, names[i], get(&from, names[i]));
}

static void test_sample(void **state)
{
	struct box *box = *state;
	struct figures_result res;

	need_gnuplot();
	copy_sample(box);
	draw_ok(box, &res);
	assert_int_equal(res.n, 4);
	assert_int_equal(find(&res, "sendrecv_gain.svg")->kind, FIGURES_DRAWN);
	assert_png(box, "sendrecv_latency.png");
	assert_png(box, "sendrecv_gain.png");
	has(box, "sendrecv_latency.svg", "loopback: no wire");
	has(box, "sendrecv_latency.svg", "RDMA on rxe0 (software device)");
	has(box, "sendrecv_latency.svg", "median of 7 trials");
	has(box, "sendrecv_latency.svg", "2026-11-21 10:05 UTC");
	has(box, "sendrecv_latency.svg",
	    "host lab1 (Linux 6.1.0-28-amd64 x86_64, kvm)");
	has(box, "sendrecv_latency.svg", "<text>16M</text>");
	has(box, "sendrecv_gain.svg", "RDMA faster");
	figures_fini(&res);
}

static void test_gain_data(void **state)
{
	struct box *box = *state;
	struct figures_result res;

	fake_gnuplot(box, "#!/bin/sh\n");
	put(box, "sendrecv.csv",
	    HEADER TCP("loopback", "64", "10000")
		    TCP("loopback", "4096", "20000")
			    RDMA("loopback", "64", "4000")
				    RDMA("loopback", "1024", "5000")
					    RDMA("loopback", "4096", "50000"));
	draw_ok(box, &res);
	has(box, "sendrecv_gain.dat",
	    "\n\n\n2\tRDMA RC\n\n\n"
	    "64\t60.000\t10.0000\t4.0000\n"
	    "4096\t-150.000\t20.0000\t50.0000\n");
	figures_fini(&res);
}

static void test_only_tcp(void **state)
{
	struct box *box = *state;
	struct figures_result res;

	fake_gnuplot(box, "#!/bin/sh\n");
	put(box, "sendrecv.csv", HEADER TCP("loopback", "64", "10000") NO_RDMA);
	put(box, "sendrecv_gain.png", "of another run");
	draw_ok(box, &res);
	assert_int_equal(find(&res, "sendrecv_gain")->kind, FIGURES_NOT_DRAWN);
	assert_string_equal(find(&res, "sendrecv_gain")->why,
			    "no rdma rows that are ok (no-device: none here)");
	assert_int_not_equal(access(in(box, "sendrecv_gain.png"), F_OK), 0);
	figures_fini(&res);
}

static void test_no_ok_rows(void **state)
{
	struct box *box = *state;
	struct figures_result res;

	put(box, "sendrecv.csv", HEADER NO_RDMA "r,tcp,spin");
	draw_ok(box, &res);
	assert_int_equal(res.n, 3);
	assert_int_equal(res.items[0].kind, FIGURES_NOTE);
	assert_string_equal(res.items[0].name, "sendrecv.csv");
	assert_string_equal(find(&res, "sendrecv_latency")->why,
			    "no rows that are ok and have size_bytes and "
			    "lat_p50_ns (empty_columns in run.json)");
	figures_fini(&res);
}

/* Loopback and wire never share a figure. */
static void test_paths(void **state)
{
	struct box *box = *state;
	struct figures_result res;

	fake_gnuplot(box, "#!/bin/sh\n");
	put(box, "sendrecv.csv",
	    HEADER TCP("loopback", "64", "10000") RDMA("wire", "64", "4000")
		    TCP("wire", "64", "8000"));
	draw_ok(box, &res);
	find(&res, "sendrecv_latency_loopback.svg");
	find(&res, "sendrecv_latency_wire.svg");
	find(&res, "sendrecv_gain_wire.svg");
	assert_int_equal(find(&res, "sendrecv_gain_loopback")->kind,
			 FIGURES_NOT_DRAWN);
	has(box, "sendrecv_gain_wire.dat", "64\t50.000\t8.0000\t4.0000\n");
	assert_null(strstr(get(box, "sendrecv_latency_wire.dat"), "loopback"));
	assert_null(strstr(get(box, "sendrecv_latency_loopback.dat"), "RDMA"));
	figures_fini(&res);
}

/* JSON and CSV that spell HOSTILE. */
static void put_hostile(const struct box *box)
{
	const char *s;
	FILE *f = fopen(in(box, "run.json"), "w");

	assert_non_null(f);
	fputs("{\"hosts\": [{\"name\": \"", f);
	for (s = HOSTILE; *s; s++) {
		if (*s == '\n')
			fputs("\\n", f);
		else
			fprintf(f, *s == '"' || *s == '\\' ? "\\%c" : "%c", *s);
	}
	fputs("\", \"kernel\": 3}], \"version\": \"'@x\"}\n", f);
	fclose(f);
	f = fopen(in(box, "sendrecv.csv"), "w");
	assert_non_null(f);
	fputs(HEADER TCP("loopback", "64", "10000"), f);
	fputs(RDMA("loopback", "64", "4000"), f);
	fputs("r,rdma,RC,spin,loopback,\"", f);
	for (s = HOSTILE; *s; s++)
		fprintf(f, *s == '"' ? "\"\"" : "%c", *s);
	fputs("\",no,64,closed,scan,ok,,3000,4000\n", f);
	fclose(f);
}

static void test_hostile(void **state)
{
	struct box *box = *state;
	struct figures_result res;

	need_gnuplot();
	put_hostile(box);
	draw_ok(box, &res);
	assert_int_equal(res.n, 4);
	/* As it is written, but the quote and what would end an SVG. */
	has(box, "sendrecv_latency.svg",
	    "RDMA RC, a\xe2\x80\x9d"
	    "b'c\\n`touch pwned`^_{x}@m $(touch pwned)&lt;b");
	has(box, "sendrecv_latency.svg",
	    "host a\xe2\x80\x9d"
	    "b'c\\n`touch pwned`^_{x}@m");
	assert_null(strstr(get(box, "sendrecv_latency.svg"), "<b>"));
	assert_null(strstr(get(box, "sendrecv_latency.svg"), "]]>"));
	assert_png(box, "sendrecv_gain.png");
	figures_fini(&res);
	/* teardown finds whether anything was touched */
}

/* A user's copy of .gp, style.gp and .dat draws the same figure. */
static void test_copy(void **state)
{
	struct box *box = *state;
	struct figures_result res;
	struct gnuplot g = {.program = "gnuplot",
			    .dir = box->dir,
			    .timeout_s = 60,
			    .scripts = {"load 'sendrecv_latency.gp'\n"}};
	char *before;
	struct err err = {0};

	need_gnuplot();
	copy_sample(box);
	draw_ok(box, &res);
	figures_fini(&res);
	before = strdup(get(box, "sendrecv_latency.svg"));
	unlink(in(box, "sendrecv_latency.svg"));
	put(box, "style.gp", plot_style);
	put(box, "sendrecv_latency.gp", plot_sendrecv_latency);
	if (gnuplot_run(&g, &err))
		fail_msg("%s", err.text);
	assert_string_equal(get(box, "sendrecv_latency.svg"), before);
	free(before);
}

static void test_bad_folders(void **state)
{
	struct box *box = *state;
	struct figures_result res;
	struct err err = {0};

	assert_int_equal(figures_draw(box->dir, &res, &err), -ENOENT);
	assert_int_equal(err.reason, REASON_NO_FILE);
	figures_fini(&res);
	put(box, "sendrecv.csv", HEADER TCP("loopback", "64", "10000"));
	put(box, "run.json", "{\"hosts\": [");
	assert_int_equal(figures_draw(box->dir, &res, &err), -EINVAL);
	assert_non_null(strstr(err.text, "run.json:1: "));
	figures_fini(&res);
}

/* --- the table ------------------------------------------------------------*/

static void test_table(void **state)
{
	struct box *box = *state;
	char *text;

	put(box, "sendrecv.csv",
	    HEADER TCP("loopback", "1024", "12345")
		    RDMA("loopback", "1024", "9876")
			    RDMA("loopback", "4096", "9876") NO_RDMA NO_RDMA);
	text = table_of(box->dir);
	assert_non_null(strstr(text, "loopback: no wire"));
	assert_non_null(strstr(text, "rxe0 (software device)"));
	assert_non_null(strstr(
		text, "        1k      12.3      90.0      9.88      90.0"
		      "         +20.0 %\n"
		      "        4k         -         -      9.88      90.0"
		      "               -\n"));
	assert_non_null(strstr(text, "RDMA unsupported at 64 (2 rows): "
				     "no-device: none here\n"));
	assert_narrow(text);
	free(text);
}

static void test_table_hostile(void **state)
{
	char *text;

	put_hostile(*state);
	text = table_of(((struct box *)*state)->dir);
	assert_null(strchr(text, '\x1b'));
	assert_narrow(text);
	free(text);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_put_text),   T(test_run),
		T(test_run_fails),  T(test_run_hangs),
		T(test_no_program), T(test_draw_fails),
		T(test_sample),	    T(test_gain_data),
		T(test_only_tcp),   T(test_no_ok_rows),
		T(test_paths),	    T(test_hostile),
		T(test_copy),	    T(test_bad_folders),
		T(test_table),	    T(test_table_hostile),
		T(test_caption),    T(test_caption_of_notes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
