/* Links that a log is not written over: refused before anything is set up. */
#include "unit.h"

#include <errno.h>

#include "oplog.h"
#include "run/gauge.h"

static int open_over(const struct caps *caps, const struct oplog_cfg *cfg,
		     struct err *err)
{
	struct ep ep = {.caps = *caps};
	struct end e = {.role = ROLE_ACTIVE, .ep = &ep};
	const struct scenario *scn = scenario_find("oplog");
	int ret = scn->setup(&e, cfg, err);

	scn->teardown(&e);
	return ret;
}

static void messages_may_be_lost(void **unused)
{
	const struct oplog_cfg cfg = {.method = OPLOG_SEND, .rf = 2};
	const struct caps caps = {.lossy = true, .qp_type = "UC"};
	struct err err;

	(void)unused;
	assert_int_equal(open_over(&caps, &cfg, &err), -EOPNOTSUPP);
	assert_int_equal(err.reason, REASON_NOT_IN_TRANSPORT);
	assert_words(&err, "UC loses messages");
}

static void no_such_placement(void **unused)
{
	struct oplog_cfg cfg = {.method = OPLOG_WRITE_FLUSH, .rf = 2};
	const struct caps global = {.flush_global = true};
	const struct caps persistent = {.flush_persistent = true};
	struct err err;

	(void)unused;
	cfg.placement = PLACE_PERSISTENT;
	assert_int_equal(open_over(&global, &cfg, &err), -EOPNOTSUPP);
	assert_int_equal(err.reason, REASON_DEVICE_LIMIT);
	assert_words(&err, "persistent placement");
	cfg.placement = PLACE_GLOBAL;
	assert_int_equal(open_over(&persistent, &cfg, &err), -EOPNOTSUPP);
	assert_words(&err, "global placement");
}

static const struct oplog_cfg alone = {.method = OPLOG_LOCAL,
				       .rf = 1,
				       .size = 64,
				       .outstanding = 1,
				       .group = 1,
				       .log_bytes = 1 << 20};

/* What a phase asks between operations. */
struct heard {
	unsigned pulses, progressed;
	unsigned ends_after; /* pulses; 0: never */
};

static int hear(void *arg, bool progressed, struct err *err)
{
	struct heard *h = arg;

	(void)err;
	h->pulses++;
	h->progressed += progressed;
	return h->ends_after && h->pulses == h->ends_after;
}

/* Each write is durable at once, and none is waited for. */
static void who_never_waits_is_heard(void **unused)
{
	const struct phase ph = {.max_ops = UINT64_MAX,
				 .max_ns = 2 * END_LOOK_NS};
	const struct scenario *scn = scenario_find("oplog");
	struct heard heard = {0};
	struct point pt;
	struct gauge gauge;
	struct end e = {.role = ROLE_ACTIVE,
			.pt = &pt,
			.gauge = &gauge,
			.clock = &gauge.clock,
			.pulse = hear,
			.pulse_arg = &heard};
	struct err err;

	(void)unused;
	point_defaults(&pt, scn);
	gauge_init(&gauge, NULL);
	if (scn->setup(&e, &alone, &err))
		fail_msg("%s", err.text);
	tally_init(&e.tally);
	if (scn->client(&e, &ph, &err))
		fail_msg("%s", err.text);
	assert_true(heard.pulses >= 1);
	scn->teardown(&e);
}

/* It has nothing of its own by which it would know that the leader lives. */
static void who_lends_listens_for_silence(void **unused)
{
	const struct scenario *scn = scenario_find("oplog");
	const struct phase ph = {.max_ns = 1};
	struct heard heard = {.ends_after = 3};
	struct end e = {
		.role = ROLE_PASSIVE, .pulse = hear, .pulse_arg = &heard};
	struct err err;

	(void)unused;
	assert_int_equal(scn->setup(&e, &alone, &err), 0);
	assert_int_equal(scn->server(&e, &ph, &err), 0);
	assert_int_equal(heard.pulses, 3);
	assert_int_equal(heard.progressed, 0);
	scn->teardown(&e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_may_be_lost),
		cmocka_unit_test(no_such_placement),
		cmocka_unit_test(who_never_waits_is_heard),
		cmocka_unit_test(who_lends_listens_for_silence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
