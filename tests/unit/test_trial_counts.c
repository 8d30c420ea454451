/* Both ends must have counted the same: each kind of miscount is found. */
#include "unit.h"

#include <errno.h>

#include "run/trial.h"

static struct tally client, server;

static void make(void)
{
	tally_init(&client);
	tally_init(&server);
	tally_set(&client, METRIC_OPS, 10);
	tally_set(&server, METRIC_OPS, 10);
	tally_set(&client, METRIC_SENDS, 11);
	tally_set(&server, METRIC_RECVS, 11);
	tally_set(&client, METRIC_RECVS, 12);
	tally_set(&server, METRIC_SENDS, 12);
	tally_set(&client, METRIC_BYTES_SENT, 640);
	tally_set(&server, METRIC_BYTES_RECV, 640);
	tally_set(&client, METRIC_BYTES_RECV, 10240);
	tally_set(&server, METRIC_BYTES_SENT, 10240);
}

static void agreement(void **state)
{
	struct err err;

	(void)state;
	make();
	/* These may differ: what one end posts is its own business. */
	tally_set(&client, METRIC_POSTS, 5);
	tally_set(&server, METRIC_POSTS, 50);
	tally_set(&server, METRIC_LINES, 3);
	assert_int_equal(trial_check_counts(&client, &server, NULL, &err), 0);
}

static void miscounts(void **state)
{
	static const enum metric_id counts[] = {
		METRIC_OPS,	   METRIC_SENDS,      METRIC_RECVS,
		METRIC_BYTES_SENT, METRIC_BYTES_RECV,
	};
	struct err err;
	size_t i, end;
	int by;

	(void)state;
	for (i = 0; i < N_OF(counts); i++) {
		for (end = 0; end < 2; end++) {
			for (by = -1; by <= 1; by += 2) {
				make();
				(end ? &server : &client)->value[counts[i]] +=
					(uint64_t)(int64_t)by;
				assert_int_equal(trial_check_counts(&client,
								    &server,
								    NULL, &err),
						 -EBADMSG);
				assert_int_equal(err.reason, REASON_MISCOUNT);
				assert_words(&err, metric_base[counts[i]].name);
			}
		}
	}
}

static void both_numbers_are_named(void **state)
{
	struct err err;

	(void)state;
	make();
	tally_set(&server, METRIC_RECVS, 4711);
	assert_int_equal(trial_check_counts(&client, &server, NULL, &err),
			 -EBADMSG);
	assert_string_equal(err.text, "sends at the client 11, "
				      "recvs at the server 4711");
}

static int lossy_phase(uint64_t late[TRIAL_COUNT_PAIRS])
{
	struct err err;

	return trial_check_counts(&client, &server, late, &err);
}

/* The first phase of a trial. */
static int lossy_first(void)
{
	uint64_t late[TRIAL_COUNT_PAIRS] = {0};

	return lossy_phase(late);
}

/* What was sent may be lost, what was not sent cannot arrive. */
static void losses(void **state)
{
	struct err err;

	(void)state;
	make();
	server.value[METRIC_RECVS] -= 3;
	server.value[METRIC_BYTES_RECV] -= 3;
	client.value[METRIC_RECVS]--;
	assert_int_equal(lossy_first(), 0);
	assert_int_equal(trial_check_counts(&client, &server, NULL, &err),
			 -EBADMSG);
	server.value[METRIC_RECVS] = client.value[METRIC_SENDS] + 1;
	assert_int_equal(lossy_first(), -EBADMSG);
	make();
	server.value[METRIC_OPS]--;
	assert_int_equal(lossy_first(), 0);
	/* Served, and the answer lost: but not without a message. */
	server.value[METRIC_OPS] = client.value[METRIC_SENDS];
	assert_int_equal(lossy_first(), 0);
	server.value[METRIC_OPS]++;
	assert_int_equal(lossy_first(), -EBADMSG);
}

/* One that looks at memory for what UC writes counts no messages. */
static void writes_that_may_be_lost(void **state)
{
	(void)state;
	tally_init(&client);
	tally_init(&server);
	tally_set(&client, METRIC_OPS, 9);
	tally_set(&client, METRIC_ONE_SIDED, 10);
	tally_set(&server, METRIC_OPS, 10);
	assert_int_equal(lossy_first(), 0);
	server.value[METRIC_OPS]++;
	assert_int_equal(lossy_first(), -EBADMSG);
}

/* A datagram may come when its phase is over, and only then. */
static void late_ones(void **state)
{
	uint64_t late[TRIAL_COUNT_PAIRS] = {0};

	(void)state;
	make();
	server.value[METRIC_RECVS] -= 3;
	assert_int_equal(lossy_phase(late), 0);
	server.value[METRIC_RECVS] = client.value[METRIC_SENDS] + 2;
	assert_int_equal(lossy_phase(late), 0);
	assert_int_equal(lossy_phase(late), -EBADMSG);
	server.value[METRIC_RECVS]--;
	assert_int_equal(lossy_phase(late), 0);
	assert_int_equal(lossy_phase(late), -EBADMSG);
}

/* Of what may be lost, something must have come. */
static void nothing_arrived(void **state)
{
	struct err err;

	(void)state;
	make();
	server.value[METRIC_OPS] = 1;
	assert_int_equal(trial_check_arrivals(&client, &server, &err), 0);
	server.value[METRIC_OPS] = 0;
	assert_int_equal(trial_check_arrivals(&client, &server, &err),
			 -ETIMEDOUT);
	assert_int_equal(err.reason, REASON_LINK_FAILED);
	assert_words(&err, "of 11 messages none arrived though");
	server.value[METRIC_OPS] = 10;
	client.value[METRIC_OPS] = 0;
	assert_int_equal(trial_check_arrivals(&client, &server, &err),
			 -ETIMEDOUT);
	assert_words(&err, "none arrived back");
}

/* A server that counts no operations, as the device serves them. */
static void passive_server(void **state)
{
	struct err err;

	(void)state;
	make();
	server.present &= ~(1ull << METRIC_OPS);
	server.value[METRIC_OPS] = 0;
	assert_int_equal(trial_check_counts(&client, &server, NULL, &err), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agreement),
		cmocka_unit_test(miscounts),
		cmocka_unit_test(both_numbers_are_named),
		cmocka_unit_test(losses),
		cmocka_unit_test(late_ones),
		cmocka_unit_test(writes_that_may_be_lost),
		cmocka_unit_test(nothing_arrived),
		cmocka_unit_test(passive_server),
	};

	return cmocka_run_group_tests_name("trial_counts", tests, NULL, NULL);
}
