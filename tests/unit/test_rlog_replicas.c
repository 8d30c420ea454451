/*
 * Power failures of n replicas with k acknowledgements: whichever n - k + 1
 * of them are read afterwards, the acknowledged records are there.  Peers are
 * either programs that store what arrives, or memory that the leader writes
 * by one-sided RDMA, where a model of the responder loses whatever the
 * protocol has not flushed.  Each step that makes something durable is left
 * out in turn, and must be missed.
 */
#include "rlog_world.h"

/* --- what must hold ------------------------------------------------------------------ */

static const struct setting sound = {
	.n = 3,
	.k = 2,
	.no_flush = -1,
	.no_fence = -1,
	.no_step = NO_STEP,
};

static void survives(struct setting set, unsigned points)
{
	const char *wrong;
	uint64_t seed;

	for (seed = 1; seed <= points / LIVES + 1; seed++) {
		wrong = lives(seed, &set);
		if (wrong)
			fail_msg("n %u, k %u, commit by %s, seed %llu: %s",
				 set.n, set.k, rlog_commit_names[set.commit],
				 (unsigned long long)seed, wrong);
	}
}

static bool red(struct setting set)
{
	uint64_t seed;

	for (seed = 1; seed <= 2000; seed++)
		if (lives(seed, &set))
			return true;
	return false;
}

static void every_n_and_k(struct setting set)
{
	const unsigned points = load_crash_points() / 6;

	for (set.n = 1; set.n <= N_MAX; set.n++)
		for (set.k = 1; set.k <= set.n; set.k++)
			survives(set, points);
}

static void peers_that_store(void **unused)
{
	struct setting set = sound;

	(void)unused;
	every_n_and_k(set);
	set.commit = RLOG_BY_TAIL;
	every_n_and_k(set);
}

static void peers_that_are_flushed(void **unused)
{
	struct setting set = sound;

	(void)unused;
	set.one_sided = true;
	set.reach = RLOG_WRITE_FLUSH;
	every_n_and_k(set);
	set.commit = RLOG_BY_TAIL;
	every_n_and_k(set);
}

/* What the durability table says of write-read and of write, seen. */
static void reads_and_writes(void **unused)
{
	struct setting set = sound;

	(void)unused;
	set.one_sided = true;
	set.k = 3;
	set.reach = RLOG_WRITE_READ;
	set.read_persists = true;
	survives(set, load_crash_points() / 2);
	set.read_persists = false;
	assert_true(red(set));
	set.reach = RLOG_WRITE;
	set.read_persists = true;
	assert_true(red(set));
	assert_null(rlog_steps_record(RLOG_WRITE, RLOG_BY_TAIL));
	assert_null(rlog_steps_record(RLOG_WRITE_READ, RLOG_BY_TAIL));
}

static void steps_are_missed(void **unused)
{
	struct setting set = sound;
	unsigned c, i;

	(void)unused;
	set.one_sided = true;
	set.k = 3;
	set.reach = RLOG_WRITE_FLUSH;
	for (c = 0; c < RLOG_COMMITS; c++) {
		const struct rlog_steps *steps;

		set.commit = (enum rlog_commit)c;
		steps = rlog_steps_record(set.reach, set.commit);
		for (i = 0; i < steps->n; i++) {
			set.no_step = (int)i;
			if (!red(set))
				fail_msg("nobody misses step %u, commit by %s",
					 i, rlog_commit_names[c]);
		}
		set.no_step = NO_STEP;
		set.no_mark_flush = true;
		assert_true(red(set));
		set.no_mark_flush = false;
	}
}

static void sites_are_missed(void **unused)
{
	struct setting set = sound;

	(void)unused;
	set.no_flush = RLOG_AT_RECORD;
	assert_true(red(set));
	set = sound;
	set.commit = RLOG_BY_TAIL;
	set.no_flush = RLOG_AT_BACK;
	assert_true(red(set));
	set.no_flush = -1;
	set.no_fence = RLOG_AT_BACK;
	assert_true(red(set));
	set = sound;
	set.no_flush = RLOG_AT_BEGIN;
	assert_true(red(set));
	set.no_flush = -1;
	set.no_fence = RLOG_AT_BEGIN;
	assert_true(red(set));
}

static void the_quorum_is_missed(void **unused)
{
	struct setting set = sound;

	(void)unused;
	set.read_fewer = 1;
	assert_true(red(set));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(peers_that_store),
		cmocka_unit_test(peers_that_are_flushed),
		cmocka_unit_test(reads_and_writes),
		cmocka_unit_test(steps_are_missed),
		cmocka_unit_test(sites_are_missed),
		cmocka_unit_test(the_quorum_is_missed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
