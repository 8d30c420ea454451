/* Links that a log is not written over: refused before anything is set up. */
#include "unit.h"

#include <errno.h>

#include "oplog.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_may_be_lost),
		cmocka_unit_test(no_such_placement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
