/* Every order visits every line exactly once, whatever their number. */
#include "unit.h"

#include <errno.h>
#include <stdlib.h>

#include "rng.h"
#include "work/pattern.h"
#include "work/scan.h"

enum { LINES_MAX = 70, BIG = 1 << 14 };

static const uint64_t strides[] = {1, 2, 3, 7, 8, 64, 100};
static const uint64_t distances[] = {0, 1, 4, 63, 100};

static uint64_t *lines_of(uint64_t n)
{
	uint64_t *buf = aligned_alloc(SCAN_LINE, n * SCAN_LINE), i;

	assert_non_null(buf);
	for (i = 0; i < n * 8; i++)
		buf[i] = splitmix_mix(i + 1);
	return buf;
}

static void init(struct pattern *p, const struct pattern_cfg *cfg, uint64_t n)
{
	struct err err;

	assert_int_equal(pattern_init(p, cfg, n * SCAN_LINE, &err), 0);
}

/* The sum of random words: of each line once, and of none twice. */
static void reads_each_once(const struct pattern_cfg *cfg, uint64_t n)
{
	uint64_t *buf = lines_of(n), want = 0, i;
	struct pattern p;

	for (i = 0; i < n; i++)
		want += buf[i * 8];
	init(&p, cfg, n);
	assert_int_equal(pattern_walk(&p, buf, 1), n);
	assert_int_equal(p.sum, want);
	for (i = 0; i < n * 8; i++)
		assert_int_equal(buf[i], splitmix_mix(i + 1));
	free(buf);
}

/* As many stores as lines, and all lines written: none twice. */
static void writes_each_once(const struct pattern_cfg *cfg, uint64_t n)
{
	uint64_t *buf = lines_of(n), i;
	struct pattern p;

	init(&p, cfg, n);
	assert_int_equal(pattern_walk(&p, buf, 4711), n);
	for (i = 0; i < n * 8; i++)
		assert_int_equal(buf[i], i % 8 ? splitmix_mix(i + 1) : 4711);
	free(buf);
}

static void every_line_once(void **state)
{
	struct pattern_cfg cfg;
	uint64_t n;
	size_t s, d;
	int order;

	(void)state;
	for (order = 0; order < PATTERN_ORDERS; order++)
		for (s = 0; s < N_OF(strides); s++)
			for (d = 0; d < N_OF(distances); d++)
				for (n = 1; n <= LINES_MAX; n++) {
					cfg = (struct pattern_cfg){
						(enum pattern_order)order,
						strides[s], distances[d],
						false};
					reads_each_once(&cfg, n);
					cfg.write = true;
					writes_each_once(&cfg, n);
				}
}

/* --- the order itself ------------------------------------------------------------ */

static int ascending(const void *a, const void *b)
{
	const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void strides_wrap(void **state)
{
	static const uint64_t want[] = {0, 3, 6, 1, 4, 7, 2, 5};
	struct pattern_cfg cfg = {.order = PATTERN_STRIDE, .stride = 3};
	struct pattern p;
	uint64_t line[8];

	(void)state;
	init(&p, &cfg, 8);
	pattern_list(&p, line);
	assert_memory_equal(line, want, sizeof(want));
}

static void chase_is_random(void **state)
{
	struct pattern_cfg cfg = {.order = PATTERN_CHASE};
	uint64_t chase[100], random[100];
	struct pattern p;

	(void)state;
	init(&p, &cfg, 100);
	pattern_list(&p, chase);
	cfg.order = PATTERN_RANDOM;
	init(&p, &cfg, 100);
	pattern_list(&p, random);
	assert_memory_equal(chase, random, sizeof(random));
}

/* No step from line to line comes often: nothing to predict. */
static void random_has_no_stride(void **state)
{
	int64_t *step = calloc(BIG, sizeof(*step));
	uint64_t *line = calloc(BIG, sizeof(*line));
	uint64_t i, run = 1, longest = 1, near = 0;
	struct pattern_cfg cfg = {.order = PATTERN_RANDOM};
	struct pattern p;

	(void)state;
	init(&p, &cfg, BIG);
	pattern_list(&p, line);
	for (i = 1; i < BIG; i++) {
		step[i] = (int64_t)line[i] - (int64_t)line[i - 1];
		near += llabs(step[i]) < 4;
	}
	qsort(step, BIG, sizeof(*step), ascending);
	for (i = 1; i < BIG; i++) {
		run = step[i] == step[i - 1] ? run + 1 : 1;
		longest = run > longest ? run : longest;
	}
	assert_true(longest < BIG / 100);
	assert_true(near < BIG / 500);
	free(line);
	free(step);
}

static void half_lines(void **state)
{
	struct pattern_cfg cfg = {.order = PATTERN_SEQ};
	struct pattern p;
	struct err err;

	(void)state;
	assert_int_equal(pattern_init(&p, &cfg, 100, &err), -EINVAL);
	assert_words(&err, "whole cache lines");
	assert_int_equal(pattern_init(&p, &cfg, 0, &err), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_line_once),
		cmocka_unit_test(strides_wrap),
		cmocka_unit_test(chase_is_random),
		cmocka_unit_test(random_has_no_stride),
		cmocka_unit_test(half_lines),
	};

	return cmocka_run_group_tests_name("pattern", tests, NULL, NULL);
}
