/* The list of facts is bounded, clean and whole, whoever made it. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "ctl/hello.h"
#include "machine/facts.h"

static const struct fact model = {.section = "cpu",
				  .item = "",
				  .key = "model",
				  .value = "i486",
				  .unit = "",
				  .unknown = ""};
static const struct fact mtu = {.section = "rdma",
				.item = "rxe0/1",
				.key = "MTU",
				.value = "1024",
				.unit = "bytes",
				.unknown = ""};
static const struct fact governor = {.section = "cpu",
				     .item = "",
				     .key = "governor",
				     .value = "",
				     .unit = "",
				     .unknown = "no such file"};

static struct facts *new_facts(void)
{
	struct facts *f = malloc(sizeof(*f));

	assert_non_null(f);
	facts_clear(f);
	return f;
}

static void assert_same(const struct fact *a, const struct fact *b)
{
	assert_string_equal(a->section, b->section);
	assert_string_equal(a->item, b->item);
	assert_string_equal(a->key, b->key);
	assert_string_equal(a->value, b->value);
	assert_string_equal(a->unit, b->unit);
	assert_string_equal(a->unknown, b->unknown);
}

static void facts_come_back_in_order(void **state)
{
	struct facts *f = new_facts();
	struct fact got;
	size_t at = 0;

	(void)state;
	facts_add(f, &model);
	facts_add(f, &mtu);
	facts_add(f, &governor);
	assert_true(facts_next(f, &at, &got));
	assert_same(&got, &model);
	assert_true(facts_next(f, &at, &got));
	assert_same(&got, &mtu);
	assert_true(facts_next(f, &at, &got));
	assert_same(&got, &governor);
	assert_false(facts_next(f, &at, &got));
	free(f);
}

static void unknown_is_no_value(void **state)
{
	struct facts *f = new_facts();
	struct fact got;
	uint64_t v = 7;

	(void)state;
	facts_add(f, &model);
	facts_add(f, &mtu);
	facts_add(f, &governor);
	assert_string_equal(facts_text(f, "cpu", "", "model"), "i486");
	assert_null(facts_text(f, "cpu", "", "governor"));
	assert_null(facts_text(f, "cpu", "rxe0/1", "model"));
	assert_null(facts_text(f, "rdma", "", "MTU"));
	assert_true(facts_find(f, "cpu", "", "governor", &got));
	assert_string_equal(got.unknown, "no such file");
	assert_true(facts_number(f, "rdma", "rxe0/1", "MTU", &v));
	assert_int_equal(v, 1024);
	assert_false(facts_number(f, "cpu", "", "model", &v));
	assert_false(facts_number(f, "cpu", "", "governor", &v));
	assert_int_equal(v, 1024);
	free(f);
}

static void words_are_cut_and_cleaned(void **state)
{
	struct facts *f = new_facts();
	char longer[2 * FACT_TEXT_MAX];
	struct fact fact = model;

	(void)state;
	memset(longer, 'x', sizeof(longer));
	longer[sizeof(longer) - 1] = '\0';
	fact.value = longer;
	facts_add(f, &fact);
	assert_int_equal(strlen(facts_text(f, "cpu", "", "model")),
			 FACT_TEXT_MAX - 1);
	facts_clear(f);
	fact.value = "a\tb\x1b[31m\xc3\xa4~\x7f";
	facts_add(f, &fact);
	assert_string_equal(facts_text(f, "cpu", "", "model"), "a?b?[31m??~?");
	free(f);
}

/* Full: what came first is whole, nothing half is behind it. */
static void a_full_list_says_so(void **state)
{
	struct facts *f = new_facts();
	char value[FACT_TEXT_MAX - 50];
	struct fact fact = mtu, got;
	size_t at = 0, n = 0, added = 0;

	(void)state;
	memset(value, 'v', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	fact.value = value;
	while (!f->full && added < 10000) {
		facts_add(f, &fact);
		added++;
	}
	assert_true(f->full);
	assert_true(f->len <= FACTS_BYTES);
	facts_add(f, &model);
	while (facts_next(f, &at, &got)) {
		assert_string_equal(got.value, value);
		n++;
	}
	assert_int_equal(n, added - 1);
	assert_int_equal(facts_check(f), 0);
	free(f);
}

static int check(const char *text, size_t len)
{
	struct facts *f = new_facts();
	int ret;

	memcpy(f->text, text, len);
	f->len = (uint32_t)len;
	ret = facts_check(f);
	if (ret)
		assert_int_equal(f->len, 0);
	free(f);
	return ret;
}

static void only_whole_facts_are_taken(void **state)
{
	static const char whole[] = "s\0i\0k\0v\0u\0n"; /* and its NUL */
	struct facts *f = new_facts();

	(void)state;
	assert_int_equal(check("", 0), 0);
	assert_int_equal(check(whole, sizeof(whole)), 0);
	assert_int_equal(check(whole, sizeof(whole) - 1), -EBADMSG);
	assert_int_equal(check(whole, sizeof(whole) - 2), -EBADMSG);
	assert_int_equal(check("s\0i\0k\0v\0u\0n\0x", 13), -EBADMSG);
	f->len = FACTS_BYTES + 1;
	assert_int_equal(facts_check(f), -EBADMSG);
	free(f);
}

/* --- over the control channel ---------------------------------------------- */

struct wire {
	uint8_t buf[64 * 1024];
	size_t len;
	struct hello in, out;
};

static struct wire *pack(void)
{
	struct wire *w = calloc(1, sizeof(*w));
	struct writer to;

	assert_non_null(w);
	w->in.version = CTL_VERSION;
	strcpy(w->in.host.name, "lab1");
	facts_add(&w->in.facts, &model);
	facts_add(&w->in.facts, &governor);
	to = (struct writer){.buf = w->buf, .cap = sizeof(w->buf)};
	hello_pack(&w->in, &to);
	assert_false(to.bad);
	w->len = to.len;
	return w;
}

static void hello_carries_them(void **state)
{
	struct wire *w = pack();
	struct reader r = {.buf = w->buf, .len = w->len};
	struct err err;

	(void)state;
	assert_int_equal(hello_unpack(&w->out, &r, &err), 0);
	assert_string_equal(w->out.host.name, "lab1");
	assert_int_equal(w->out.facts.len, w->in.facts.len);
	assert_memory_equal(w->out.facts.text, w->in.facts.text,
			    w->in.facts.len);
	free(w);
}

static void a_hello_that_is_cut_is_refused(void **state)
{
	struct wire *w = pack();
	struct err err;
	size_t len;

	(void)state;
	for (len = 4; len < w->len; len++) {
		struct reader r = {.buf = w->buf, .len = len};

		assert_int_equal(hello_unpack(&w->out, &r, &err), -EBADMSG);
	}
	/* A fact too few words long: its last NUL is another byte. */
	w->buf[w->len - 1] = 'x';
	{
		struct reader r = {.buf = w->buf, .len = w->len};

		assert_int_equal(hello_unpack(&w->out, &r, &err), -EBADMSG);
	}
	free(w);
}

static void the_longest_fits_into_a_hello(void **state)
{
	struct wire *w = calloc(1, sizeof(*w));
	struct writer to;

	(void)state;
	assert_non_null(w);
	while (!w->in.facts.full)
		facts_add(&w->in.facts, &governor);
	memset(w->in.host.name, 'n', sizeof(w->in.host.name) - 1);
	to = (struct writer){.buf = w->buf, .cap = sizeof(w->buf)};
	hello_pack(&w->in, &to);
	assert_false(to.bad);
	free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(facts_come_back_in_order),
		cmocka_unit_test(unknown_is_no_value),
		cmocka_unit_test(words_are_cut_and_cleaned),
		cmocka_unit_test(a_full_list_says_so),
		cmocka_unit_test(only_whole_facts_are_taken),
		cmocka_unit_test(hello_carries_them),
		cmocka_unit_test(a_hello_that_is_cut_is_refused),
		cmocka_unit_test(the_longest_fits_into_a_hello),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
