/* Power failures of one replica: whatever is kept or dropped of what was not
 * yet durable, the acknowledged records are there and nothing else is.  And
 * each flush and each fence is needed: without it the test turns red. */
#include "unit.h"

#include <errno.h>

#include "pm_model.h"
#include "rlog_load.h"

enum { REGION = RLOG_RING_AT + 2048, LIVES = 3, EVENTS_A_LIFE = 1200 };

struct world {
	struct pm pm;
	struct pm_power power;
	struct load load;
	uint64_t rng, epoch;
	uint64_t fenced; /* that rlog_open has returned for */
	enum rlog_commit commit;
	uint64_t image[(LOAD_PAYLOAD + 128) / 8];
};

/* Appends and commits until the power fails. */
static void live(struct world *w, struct rlog *l)
{
	uint64_t first, i, n;
	int ret = 0;

	while (!w->power.off && l->next_reserved < LOAD_SEQUENCES - 8) {
		first = l->next_reserved;
		n = 1 + rng_u64(&w->rng) % 3;
		for (i = 0; i < n && !ret; i++)
			ret = load_append(&w->load, l, w->image);
		rlog_commit(l);
		if (w->power.off)
			break;
		for (i = first; i < l->next_stored; i++)
			load_acked(&w->load, i, l->mark.epoch);
		if (ret == -ENOSPC) {
			w->load.trimmed = l->next_stored;
			rlog_trim(l, l->committed - l->capacity / 3);
			ret = 0;
		}
		assert_int_equal(ret, 0);
	}
}

/* Fails, comes back, is looked at.  What is wrong, or NULL. */
static const char *crash(struct world *w)
{
	const struct rlog_reader how = {.visit = load_take, .arg = &w->load};
	const char *wrong;
	struct rlog_scan s;
	struct err err;

	pm_power_cycle(&w->pm, &w->rng);
	wrong = load_check(&w->load, w->pm.cached, REGION, &s);
	if (!wrong && s.mark.epoch < w->fenced)
		wrong = "a fenced leader could append again";
	if (!wrong)
		rlog_scan(&s, w->pm.cached, REGION, &how, &err);
	return wrong;
}

static const char *one_life(struct world *w)
{
	struct rlog_io io = pm_io(&w->pm);
	struct rlog l;
	struct err err;

	w->power.events = 0;
	w->power.off = false;
	w->power.crash_at = rng_u64(&w->rng) % EVENTS_A_LIFE;
	w->epoch++;
	if (rlog_open(&l, w->pm.cached, REGION, w->epoch, &io, &err)) {
		print_message("# %s\n", err.text);
		return "it does not open";
	}
	if (!w->power.off)
		w->fenced = w->epoch;
	live(w, &l);
	return crash(w);
}

/* LIVES crashes with one seed.  What is wrong, or NULL. */
static const char *lives(uint64_t seed, enum rlog_commit commit, int no_flush,
			 int no_fence)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *wrong = NULL;
	struct rlog_io io;
	struct err err;
	unsigned i;

	assert_non_null(w);
	w->rng = w->load.seed = seed;
	w->commit = commit;
	w->epoch = 1;
	pm_power_init(&w->power, UINT64_MAX);
	pm_init(&w->pm, &w->power, REGION);
	io = pm_io(&w->pm);
	assert_int_equal(
		rlog_format(w->pm.cached, REGION, commit, 1, &io, &err), 0);
	w->power.no_flush = no_flush;
	w->power.no_fence = no_fence;
	for (i = 0; i < LIVES && !wrong; i++)
		wrong = one_life(w);
	pm_fini(&w->pm);
	free(w);
	return wrong;
}

static void nothing_acknowledged_is_lost(void **unused)
{
	const unsigned points = load_crash_points();
	const char *wrong;
	uint64_t seed;

	(void)unused;
	for (seed = 1; seed <= points / LIVES + 1; seed++) {
		wrong = lives(seed, seed % RLOG_COMMITS, -1, -1);
		if (wrong)
			fail_msg("seed %llu: %s", (unsigned long long)seed,
				 wrong);
	}
}

/* Seeds until the mutated code is caught; 0 if it never is. */
static uint64_t caught_after(enum rlog_commit commit, int no_flush,
			     int no_fence)
{
	uint64_t seed;

	for (seed = 1; seed <= 2000; seed++)
		if (lives(seed, commit, no_flush, no_fence))
			return seed;
	return 0;
}

static const enum rlog_site sites[] = {
	RLOG_AT_RECORD,
	RLOG_AT_TAIL,
	RLOG_AT_HEAD,
	RLOG_AT_EPOCH,
};

/* The three of format are left out below, and two, BEGIN and BACK, want other
 * replicas to be missed: test_rlog_replicas.c. */
static_assert(N_OF(sites) + 3 + 2 == RLOG_SITE_COUNT,
	      "somebody must miss each site");

#define X(id, why) [RLOG_AT_##id] = #id,
static const char *const site_names[] = {RLOG_SITES(X)};
#undef X

static void caught(enum rlog_commit commit, enum rlog_site site)
{
	if (commit != RLOG_BY_TAIL && site == RLOG_AT_TAIL)
		return;
	if (!caught_after(commit, (int)site, -1))
		fail_msg("nobody misses the flush at %s, commit by %s",
			 site_names[site], rlog_commit_names[commit]);
	if (!caught_after(commit, -1, (int)site))
		fail_msg("nobody misses the fence at %s, commit by %s",
			 site_names[site], rlog_commit_names[commit]);
}

static void every_flush_and_fence_is_missed(void **unused)
{
	unsigned i, c;

	(void)unused;
	for (i = 0; i < N_OF(sites); i++)
		for (c = 0; c < RLOG_COMMITS; c++)
			caught((enum rlog_commit)c, sites[i]);
}

/* --- making a log over an old one ------------------------------------------- */

/* An old log of the same epoch with some records. */
static uint64_t old_log(struct world *w)
{
	struct rlog_io io = pm_io(&w->pm);
	struct rlog l;
	struct err err;
	unsigned i;

	rlog_format(w->pm.cached, REGION, w->commit, 1, &io, &err);
	assert_int_equal(rlog_open(&l, w->pm.cached, REGION, 2, &io, &err), 0);
	for (i = 0; i < 5; i++)
		assert_int_equal(load_append(&w->load, &l, w->image), 0);
	rlog_commit(&l);
	return l.next_stored;
}

/* The old one whole, none, or the new one. */
static const char *after_format(struct world *w, uint64_t old_next, bool done)
{
	struct rlog_scan s;
	struct err err;

	if (rlog_scan(&s, w->pm.cached, REGION, NULL, &err))
		return done ? "format returned, and there is no log" : NULL;
	if (s.stop == RLOG_STOP_DAMAGED)
		return "damaged";
	if (s.next_sequence == 1 && s.mark.epoch == 2)
		return NULL;
	if (done)
		return "format returned, and records are there";
	return s.next_sequence == old_next && s.mark.epoch == 2
		       ? NULL
		       : "neither the old log nor the new one";
}

static const char *format_once(uint64_t seed, enum rlog_commit commit,
			       int no_flush, int no_fence)
{
	struct world *w = calloc(1, sizeof(*w));
	const char *wrong;
	struct rlog_io io;
	uint64_t next;
	struct err err;

	assert_non_null(w);
	w->rng = w->load.seed = seed;
	w->commit = commit;
	pm_power_init(&w->power, UINT64_MAX);
	pm_init(&w->pm, &w->power, REGION);
	io = pm_io(&w->pm);
	next = old_log(w);
	w->power.no_flush = no_flush;
	w->power.no_fence = no_fence;
	w->power.events = 0;
	w->power.crash_at = rng_u64(&w->rng) % 2
				    ? rng_u64(&w->rng) % (REGION / 8 + 40)
				    : REGION / 8 + rng_u64(&w->rng) % 16;
	rlog_format(w->pm.cached, REGION, commit, 2, &io, &err);
	next = w->power.off ? next : 0;
	pm_power_cycle(&w->pm, &w->rng);
	wrong = after_format(w, next, !w->power.off);
	pm_fini(&w->pm);
	free(w);
	return wrong;
}

static bool format_caught(enum rlog_commit commit, int no_flush, int no_fence)
{
	uint64_t seed;

	for (seed = 1; seed <= 2000; seed++)
		if (format_once(seed, commit, no_flush, no_fence))
			return true;
	return false;
}

static void format_leaves_old_none_or_new(void **unused)
{
	uint64_t seed;

	(void)unused;
	for (seed = 1; seed <= load_crash_points() / 4; seed++)
		assert_null(format_once(seed, seed % RLOG_COMMITS, -1, -1));
}

static void format_needs_its_flushes(void **unused)
{
	static const enum rlog_site at[] = {
		RLOG_AT_FORMAT_BEGIN, RLOG_AT_FORMAT_CLEAR, RLOG_AT_FORMAT_END};
	unsigned i;

	(void)unused;
	for (i = 0; i < N_OF(at); i++) {
		if (!format_caught(RLOG_BY_CHECKSUM, (int)at[i], -1))
			fail_msg("nobody misses the flush at %s",
				 site_names[at[i]]);
		if (!format_caught(RLOG_BY_CHECKSUM, -1, (int)at[i]))
			fail_msg("nobody misses the fence at %s",
				 site_names[at[i]]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_acknowledged_is_lost),
		cmocka_unit_test(every_flush_and_fence_is_missed),
		cmocka_unit_test(format_leaves_old_none_or_new),
		cmocka_unit_test(format_needs_its_flushes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
