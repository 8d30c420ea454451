/* The table of every scenario fits a terminal. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "report/report.h"
#include "run/scenario.h"
#include "table_text.h"
#include "unit.h"

static void put_row(FILE *f, const struct report *rep, const char *x,
		    const char *side, const char *name)
{
	const bool by_transport =
		rep->pair.column && !strcmp(rep->pair.column, "transport");
	unsigned i;

	fprintf(f, "r,%s,RC,loopback,rxe0,yes,%s,closed,%s,%s,ok,",
		by_transport ? side : "rdma", x, by_transport ? "" : side,
		name);
	for (i = 0; i < series_values(&rep->axes); i++)
		fputs(",1234567890", f);
	fputc('\n', f);
}

/* Two series under the names that the scenario's table compares, or one if it
 * compares nothing; what else tells them apart is `name`. */
static void put_scenario(const char *dir, const struct scenario *s,
			 const char *name)
{
	const struct report *rep = s->report;
	const struct series_pair *pair = &rep->pair;
	char file[80];
	unsigned i;
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s.csv", dir, s->name);
	f = fopen(file, "w");
	assert_non_null(f);
	fprintf(f,
		"run_id,transport,qp_type,path,device,software_device,%s,"
		"loop,%s,memory,status,reason",
		rep->axes.x,
		pair->column && strcmp(pair->column, "transport") ? pair->column
								  : "kind");
	for (i = 0; i < series_values(&rep->axes); i++)
		fprintf(f, ",%s", rep->axes.y[i].column);
	fputc('\n', f);
	put_row(f, rep, "16777215", pair->column ? pair->base : "", name);
	put_row(f, rep, "64", pair->column ? pair->base : "", "other");
	if (pair->column)
		put_row(f, rep, "16777215", pair->other ? pair->other : "other",
			name);
	assert_int_equal(fclose(f), 0);
}

/* As long as is asked, in words of so many letters. */
static void fill_words(char *name, size_t len, size_t word)
{
	size_t i;

	for (i = 0; i < len; i++)
		name[i] = i % word == word - 1 && i + 1 < len ? ' ' : 'n';
	name[len] = '\0';
}

static void check_table(const char *dir)
{
	char *text = table_of(dir);

	assert_narrow(text);
	free(text);
}

/* Whatever its heads are and however long the names of its series. */
static void test_heads(void **state)
{
	char dir[] = "/tmp/rdmabench-table-XXXXXX", name[100], file[80];
	const struct scenario *s;
	size_t len;
	unsigned i;

	(void)state;
	unsetenv("COLUMNS"); /* which would say how wide the table may be */
	assert_non_null(mkdtemp(dir));
	for (i = 0; (s = scenario_at(i)); i++) {
		for (len = 1; s->report && len < sizeof(name); len++) {
			fill_words(name, len, 12);
			put_scenario(dir, s, name);
			check_table(dir);
			fill_words(name, len, sizeof(name));
			put_scenario(dir, s, name);
			check_table(dir);
		}
		snprintf(file, sizeof(file), "%s/%s.csv", dir, s->name);
		unlink(file);
	}
	assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_heads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
