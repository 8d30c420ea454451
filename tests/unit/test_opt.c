/* Options: every type, bounds, lists; and every table in the tree. */
#include "unit.h"

#include <errno.h>
#include <stdio.h>

#include "base/opt.h"
#include "run/serve.h"
#include "run/run.h"
#include "run/trial_cfg.h"
#include "transport/link.h"
#include "work/exchange.h"

struct cfg {
	uint64_t count, size, time, word, choice, flag;
	char text[OPT_TEXT_MAX];
	uint64_t range[2];
	uint64_t after; /* nothing may be written here */
};

static const char *const colours[] = {"red", "green", "blue", NULL};

#define AT(field) offsetof(struct cfg, field)

enum { COUNT, SIZE, TIME, WORD, ENUM, FLAG, TEXT, RANGE };

static const struct opt opts[] = {
	[COUNT] = {.name = "count",
		   .letter = 'n',
		   .type = OPT_COUNT,
		   .role = OPT_KNOB,
		   .offset = AT(count),
		   .min = 2,
		   .max = 100,
		   .def = "7"},
	[SIZE] = {.name = "size",
		  .type = OPT_SIZE,
		  .role = OPT_AXIS,
		  .offset = AT(size),
		  .min = 16,
		  .max = 1 << 20,
		  .def = "1k,4k"},
	[TIME] = {.name = "time",
		  .type = OPT_TIME,
		  .role = OPT_KNOB,
		  .offset = AT(time),
		  .min = 1000,
		  .max = 2000000000,
		  .def = "1.5s"},
	[WORD] = {.name = "word",
		  .type = OPT_COUNT,
		  .role = OPT_KNOB,
		  .offset = AT(word),
		  .max = 9,
		  .def = "auto",
		  .word = "auto"},
	[ENUM] = {.name = "choice",
		  .type = OPT_ENUM,
		  .role = OPT_AXIS,
		  .offset = AT(choice),
		  .def = "green",
		  .names = colours},
	[FLAG] = {.name = "flag",
		  .type = OPT_FLAG,
		  .role = OPT_KNOB,
		  .offset = AT(flag),
		  .def = "no"},
	[TEXT] = {.name = "text",
		  .type = OPT_TEXT,
		  .role = OPT_HOST,
		  .offset = AT(text),
		  .def = "hello"},
	[RANGE] = {.name = "range",
		   .type = OPT_RANGE,
		   .role = OPT_RUN,
		   .offset = AT(range),
		   .min = 1,
		   .max = 50,
		   .def = "auto",
		   .word = "auto"},
};

static const struct opt_group group = {"test", opts, N_OF(opts)};

static const struct opt_group *const tree[] = {
	&link_opts, &trial_opts, &exchange_opts, &run_opts, &serve_opts,
};

static void defaults(void **state)
{
	struct cfg c;

	(void)state;
	memset(&c, 0xff, sizeof(c));
	opt_defaults(&group, &c);
	assert_int_equal(c.count, 7);
	assert_int_equal(c.size, 1024);
	assert_int_equal(c.time, 1500000000);
	assert_true(c.word == OPT_WORD);
	assert_int_equal(c.choice, 1);
	assert_int_equal(c.flag, 0);
	assert_string_equal(c.text, "hello");
	assert_true(c.range[0] == OPT_WORD);
	assert_true(c.after == UINT64_MAX);
}

static void values(void **state)
{
	static const struct {
		unsigned o;
		const char *text;
		uint64_t v;
	} good[] = {
		{COUNT, "2", 2},	  {COUNT, "100", 100},
		{COUNT, "1e1", 10},	  {SIZE, "16", 16},
		{SIZE, "1M", 1 << 20},	  {TIME, "1us", 1000},
		{TIME, "2s", 2000000000}, {WORD, "0", 0},
		{WORD, "9", 9},		  {WORD, "auto", OPT_WORD},
		{ENUM, "red", 0},	  {ENUM, "blue", 2},
		{FLAG, "yes", 1},	  {FLAG, "1", 1},
		{FLAG, "no", 0},	  {FLAG, "0", 0},
	};
	struct err err;
	struct cfg c;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(good); i++) {
		memset(&c, 0xaa, sizeof(c));
		assert_int_equal(
			opt_set(&opts[good[i].o], &c, good[i].text, &err), 0);
		assert_true(opt_load(&opts[good[i].o], &c) == good[i].v);
	}
}

static void bad_values(void **state)
{
	static const struct {
		unsigned o;
		const char *text, *words;
	} bad[] = {
		{COUNT, "1", "--count 1: out of bounds, 2 to 100"},
		{COUNT, "101", "--count 101: out of bounds, 2 to 100"},
		{COUNT, "", "--count"},
		{COUNT, "-3", "--count"},
		{COUNT, "3x", "--count"},
		{COUNT, "auto", "--count"},
		{COUNT, "99999999999999999999", "--count"},
		{SIZE, "15", "--size 15: out of bounds, 16 to 1M"},
		{SIZE, "1025k", "--size 1025k: out of bounds, 16 to 1M"},
		{SIZE, "4 k", "--size"},
		{TIME, "999ns", "out of bounds, 1.00 us to 2.00 s"},
		{TIME, "3s", "out of bounds, 1.00 us to 2.00 s"},
		{TIME, "30", "--time"},
		{WORD, "10", "out of bounds, 0 to 9"},
		{WORD, "18446744073709551615", "out of bounds, 0 to 9"},
		{WORD, "aut", "--word"},
		{ENUM, "pink", "--choice pink: not one of red, green, blue"},
		{ENUM, "", "not one of red, green, blue"},
		{FLAG, "maybe", "--flag maybe: not yes or no"},
	};
	struct cfg c, before;
	struct err err;
	size_t i;

	(void)state;
	memset(&c, 0xaa, sizeof(c));
	before = c;
	for (i = 0; i < N_OF(bad); i++) {
		assert_int_equal(
			opt_set(&opts[bad[i].o], &c, bad[i].text, &err),
			-EINVAL);
		assert_int_equal(err.reason, REASON_USAGE);
		assert_words(&err, bad[i].words);
		assert_memory_equal(&c, &before, sizeof(c));
	}
}

static void text(void **state)
{
	char longest[OPT_TEXT_MAX + 1];
	struct err err;
	struct cfg c;

	(void)state;
	memset(&c, 0xaa, sizeof(c));
	memset(longest, 'x', sizeof(longest));
	longest[OPT_TEXT_MAX] = '\0';
	assert_int_equal(opt_set(&opts[TEXT], &c, longest, &err), -EINVAL);
	assert_words(&err, "--text: longer than 255 characters");
	assert_int_equal((unsigned char)c.text[0], 0xaa);
	longest[OPT_TEXT_MAX - 1] = '\0';
	assert_int_equal(opt_set(&opts[TEXT], &c, longest, &err), 0);
	assert_string_equal(c.text, longest);
	assert_true(c.range[0] == 0xaaaaaaaaaaaaaaaau);
}

static void ranges(void **state)
{
	static const char *const bad[] = {
		"",	"0",   "51",	"7,51", "0,7",	  "7,",	    ",30",
		"7,,8", "7,x", "7,8,9", "7-8",	"7,auto", "auto,7", "auto,auto",
	};
	struct cfg c, before;
	struct err err;
	size_t i;

	(void)state;
	memset(&c, 0xaa, sizeof(c));
	assert_int_equal(opt_set(&opts[RANGE], &c, "7,30", &err), 0);
	assert_int_equal(c.range[0], 7);
	assert_int_equal(c.range[1], 30);
	assert_int_equal(opt_set(&opts[RANGE], &c, "9", &err), 0);
	assert_int_equal(c.range[0], 9);
	assert_int_equal(c.range[1], 9);
	before = c;
	for (i = 0; i < N_OF(bad); i++) {
		if (opt_set(&opts[RANGE], &c, bad[i], &err) != -EINVAL)
			fail_msg("'%s' was taken", bad[i]);
		assert_words(&err, "--range");
		assert_memory_equal(&c, &before, sizeof(c));
	}
	assert_int_equal(opt_set(&opts[RANGE], &c, "auto", &err), 0);
	assert_true(c.range[0] == OPT_WORD);
	assert_true(c.after == 0xaaaaaaaaaaaaaaaau);
}

static void lists(void **state)
{
	struct opt_list l;
	struct err err;

	(void)state;
	assert_int_equal(opt_parse_list(&opts[SIZE], "64,1k-16kx4", &l, &err),
			 0);
	assert_int_equal(l.n, 4);
	assert_int_equal(l.v[0], 64);
	assert_int_equal(l.v[3], 16384);
	assert_int_equal(opt_parse_list(&opts[ENUM], "blue,red", &l, &err), 0);
	assert_int_equal(l.n, 2);
	assert_int_equal(l.v[0], 2);
	assert_int_equal(l.v[1], 0);
	assert_int_equal(opt_parse_list(&opts[WORD], "3,auto,4", &l, &err), 0);
	assert_int_equal(l.n, 3);
	assert_true(l.v[1] == OPT_WORD);
	assert_int_equal(l.v[2], 4);
}

static void bad_lists(void **state)
{
	static const struct {
		unsigned o;
		const char *text, *words;
	} bad[] = {
		{SIZE, "", "--size"},
		{SIZE, "64,", "--size"},
		{SIZE, "64,,1k", "--size"},
		{SIZE, "64,8", "out of bounds, 16 to 1M"},
		{SIZE, "16-1000+1", "--size"},
		{ENUM, "", "--choice"},
		{ENUM, ",", "--choice"},
		{ENUM, "red,", "--choice"},
		{ENUM, "red,,blue", "--choice"},
		{ENUM, "red,pink", "--choice pink: not one of"},
		{WORD, "auto,10", "out of bounds, 0 to 9"},
	};
	struct opt_list l;
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(bad); i++) {
		if (opt_parse_list(&opts[bad[i].o], bad[i].text, &l, &err) !=
		    -EINVAL)
			fail_msg("'%s' was taken", bad[i].text);
		assert_int_equal(err.reason, REASON_USAGE);
		assert_words(&err, bad[i].words);
	}
}

/* n times "red,", as a list. */
static const char *reds(char *buf, unsigned n)
{
	char *p = buf;

	while (n--)
		p += sprintf(p, "red%s", n ? "," : "");
	return buf;
}

static void long_lists(void **state)
{
	char buf[1024];
	struct opt_list l;
	struct err err;

	(void)state;
	assert_int_equal(
		opt_parse_list(&opts[ENUM], reds(buf, OPT_LIST_MAX), &l, &err),
		0);
	assert_int_equal(l.n, OPT_LIST_MAX);
	assert_int_equal(opt_parse_list(&opts[ENUM],
					reds(buf, OPT_LIST_MAX + 1), &l, &err),
			 -EINVAL);
	assert_words(&err, "--choice");
	assert_int_equal(
		opt_parse_list(&opts[SIZE], "16-15k+1k,16-800k+16k", &l, &err),
		-EINVAL);
	assert_words(&err, "--size");
}

static void format(void **state)
{
	static const struct {
		unsigned o;
		const char *text, *typed, *cell;
	} t[] = {
		{COUNT, "1e1", "10", "10"},
		{SIZE, "4k", "4096", "4096"},
		{TIME, "1.5s", "1500000000ns", "1500000000"},
		{WORD, "auto", "auto", ""},
		{WORD, "3", "3", "3"},
		{ENUM, "blue", "blue", "blue"},
		{FLAG, "1", "yes", "yes"},
		{TEXT, "a b,c", "a b,c", "a b,c"},
		{RANGE, "3,4", "3,4", "3,4"},
		{RANGE, "auto", "auto", ""},
	};
	char buf[OPT_TEXT_MAX];
	struct err err;
	struct cfg c;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(t); i++) {
		opt_set(&opts[t[i].o], &c, t[i].text, &err);
		opt_format(&opts[t[i].o], &c, buf, sizeof(buf));
		assert_string_equal(buf, t[i].typed);
		opt_cell(&opts[t[i].o], &c, buf, sizeof(buf));
		assert_string_equal(buf, t[i].cell);
	}
}

static void find(void **state)
{
	(void)state;
	assert_ptr_equal(opt_find(&group, "time"), &opts[TIME]);
	assert_null(opt_find(&group, "tim"));
	assert_null(opt_find(&group, ""));
}

/* --- the tables of the tree ------------------------------------------------ */

static char base[2][4096]; /* any module's struct */

static void complete(const struct opt *o)
{
	assert_non_null(o->name);
	assert_non_null(o->def);
	assert_non_null(o->help);
	assert_true(o->help[0] != '\0');
	assert_true(o->type == OPT_ENUM ? o->names != NULL : !o->names);
	assert_true(o->type == OPT_FLAG || o->metavar);
	if (o->type == OPT_COUNT || o->type == OPT_SIZE || o->type == OPT_TIME)
		assert_true(o->min < o->max && o->max < OPT_WORD);
}

/* A value goes to the server as opt_format writes it. */
static void round_trip(const struct opt *o)
{
	char once[OPT_TEXT_MAX], twice[OPT_TEXT_MAX];
	struct err err;

	opt_format(o, base[0], once, sizeof(once));
	assert_int_equal(opt_set(o, base[1], once, &err), 0);
	opt_format(o, base[1], twice, sizeof(twice));
	assert_string_equal(once, twice);
}

static void edge(const struct opt *o, uint64_t v, bool good)
{
	char words[64], num[32];
	struct err err;
	int ret;

	snprintf(num, sizeof(num), "%llu%s", (unsigned long long)v,
		 o->type == OPT_TIME ? "ns" : "");
	ret = opt_set(o, base[0], num, &err);
	assert_int_equal(ret, good ? 0 : -EINVAL);
	if (good) {
		assert_true(opt_load(o, base[0]) == v);
		round_trip(o);
		return;
	}
	snprintf(words, sizeof(words), "--%s %s: out of bounds", o->name, num);
	assert_words(&err, words);
}

static void edges(const struct opt *o)
{
	edge(o, o->min, true);
	edge(o, o->max, true);
	if (o->min)
		edge(o, o->min - 1, false);
	edge(o, o->max + 1, false);
}

static void tables(void **state)
{
	const struct opt *o;
	unsigned g, i;

	(void)state;
	for (g = 0; g < N_OF(tree); g++) {
		memset(base, 0xaa, sizeof(base));
		opt_defaults(tree[g], base[0]);
		for (i = 0; i < tree[g]->n; i++) {
			o = &tree[g]->opts[i];
			complete(o);
			round_trip(o);
			if (o->type == OPT_COUNT || o->type == OPT_SIZE ||
			    o->type == OPT_TIME)
				edges(o);
		}
	}
}

/* On one command line a name or letter means one thing. */
static void names_are_unique(void **state)
{
	const struct opt *all[128];
	unsigned g, i, n = 0, k;

	(void)state;
	for (g = 0; g < N_OF(tree) - 1; g++) /* serve is a command of its own */
		for (i = 0; i < tree[g]->n; i++)
			all[n++] = &tree[g]->opts[i];
	for (i = 0; i < n; i++) {
		for (k = 0; k < i; k++) {
			assert_string_not_equal(all[i]->name, all[k]->name);
			if (all[i]->letter)
				assert_int_not_equal(all[i]->letter,
						     all[k]->letter);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(values),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(text),
		cmocka_unit_test(ranges),
		cmocka_unit_test(lists),
		cmocka_unit_test(bad_lists),
		cmocka_unit_test(long_lists),
		cmocka_unit_test(format),
		cmocka_unit_test(find),
		cmocka_unit_test(tables),
		cmocka_unit_test(names_are_unique),
	};

	return cmocka_run_group_tests_name("opt", tests, NULL, NULL);
}
