/*
 * Many RDMA connections step by step, over a device that is not there: the
 * library's calls are answered here, so that each can fail.  Their order; and
 * whichever call fails, nothing stays open.  (On a real device: rxe.sh,
 * siw.sh.)
 */
#include "conns_lib.h"

/* --- the caller ------------------------------------------------------------------ */

static struct clock clk;
static unsigned took_of[CONNS_STEPS];

static void took(void *arg, enum conns_step step, unsigned i, uint64_t ticks)
{
	(void)arg;
	(void)i;
	(void)ticks;
	took_of[step]++;
}

static int pulse(void *arg, struct err *err)
{
	(void)arg;
	if (lib.pulses-- > 0)
		return 0;
	return err_set(err, -EREMOTEIO, REASON_PEER_LOST,
		       "server: it says why itself");
}

static struct conns *c;

static int open_conns(unsigned n, bool passive, struct err *err)
{
	const struct conns_attr attr = {
		.n = n,
		.passive = passive,
		.nonce = nonce,
		.clock = &clk,
		.took = took,
		.pulse = pulse,
	};

	c = NULL;
	return conns_new(&c, &attr, err);
}

static int setup(void **state)
{
	(void)state;
	memset(&lib, 0, sizeof(lib));
	memset(took_of, 0, sizeof(took_of));
	lib.pulses = 1;
	return 0;
}

static void counts_are(uint64_t qps, uint64_t objects)
{
	struct conns_counts is;

	conns_counts(c, &is);
	assert_int_equal(is.qps, qps);
	assert_int_equal(is.made, objects);
	assert_int_equal(is.ended, objects);
}

static int by_verbs(struct err *err)
{
	const struct conns_end peer = {.qpn = 1, .mtu_bytes = 1024};
	int ret = open_conns(2, true, err);

	if (!ret)
		ret = conns_make(c, 0, 2, err);
	if (!ret)
		ret = conns_join(c, 0, &peer, err);
	if (!ret)
		ret = conns_join(c, 1, &peer, err);
	if (!ret)
		ret = conns_say(c, 0, err);
	if (!ret)
		ret = conns_hear(c, 0, err);
	return ret ? ret : conns_destroy(c, 0, 2, err);
}

static int by_cm(struct err *err)
{
	const struct sockaddr_storage peer = {.ss_family = AF_INET};
	int ret = open_conns(2, false, err);

	if (!ret)
		ret = conns_connect(c, 0, 2, &peer, err);
	if (!ret)
		ret = conns_disconnect(c, 0, 2, err);
	return ret ? ret : conns_destroy(c, 0, 2, err);
}

/* --- tests ------------------------------------------------------------------------- */

static void each_step_for_all_before_the_next(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(by_verbs(&err), 0);
	assert_string_equal(lib.log, "port pd pd cq cq qp qp init init "
				     "recv recv rtr rts rtr rts send recv "
				     "-qp -cq -pd -qp -cq -pd ");
	counts_are(2, 6);
	assert_int_equal(took_of[CONNS_QP], 2);
	assert_int_equal(took_of[CONNS_RTS], 2);
	assert_int_equal(took_of[CONNS_DESTROY], 2);
	conns_free(c);
	assert_int_equal(lib.open, 0);
}

static void waits_of_rdma_cm_overlap(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(by_cm(&err), 0);
	assert_string_equal(lib.log,
			    "port channel id id addr addr route route "
			    "pd pd cq cq qp qp init init connect connect "
			    "rtr rts establish rtr rts establish "
			    "disconnect disconnect "
			    "-qp -id -cq -pd -qp -id -cq -pd ");
	counts_are(2, 8);
	assert_int_equal(took_of[CONNS_HANDSHAKE], 2);
	assert_int_equal(took_of[CONNS_DISCONNECT], 2);
	conns_free(c);
	assert_int_equal(lib.open, 0);
}

/* iWARP's manager moves the queue pair, and nothing is left to say. */
static void iwarp_is_established_by_its_event(void **state)
{
	struct err err;

	(void)state;
	lib.iwarp = true;
	assert_int_equal(by_cm(&err), 0);
	assert_null(strstr(lib.log, "rtr"));
	assert_null(strstr(lib.log, "establish"));
	conns_free(c);
	assert_int_equal(lib.open, 0);
}

/* Every call of it fails in turn. */
static unsigned fail_in_turn(int (*whole)(struct err *err))
{
	unsigned calls, i;
	struct err err;

	assert_int_equal(whole(&err), 0);
	conns_free(c);
	calls = lib.calls;
	for (i = 1; i <= calls; i++) {
		setup(NULL);
		lib.fail_at = i;
		lib.posted = EINVAL;
		assert_true(whole(&err) < 0);
		assert_true(err.text[0]);
		conns_free(c);
		if (lib.open)
			fail_msg("call %u of %u failed, %d left open: %s", i,
				 calls, lib.open, lib.log);
	}
	return calls;
}

static void whatever_fails_nothing_stays_open(void **state)
{
	(void)state;
	assert_int_equal(fail_in_turn(by_verbs), 17);
	setup(NULL);
	assert_int_equal(fail_in_turn(by_cm), 26);
}

/* siw's ibv_post_recv returns -EINVAL, where verbs return EINVAL. */
static void a_negative_errno_is_an_error_too(void **state)
{
	static const int signs[] = {EINVAL, -EINVAL};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(signs); i++) {
		setup(NULL);
		lib.posted = signs[i];
		lib.fail_at = 10; /* the first receive */
		assert_int_equal(by_verbs(&err), -EINVAL);
		assert_words(&err, "cannot post a receive: Invalid argument");
		conns_free(c);
		assert_int_equal(lib.open, 0);
	}
}

/* While it waits it hears what became of the other end. */
static void the_peers_words_end_a_wait(void **state)
{
	struct err err;

	(void)state;
	lib.silent = true;
	assert_int_equal(by_cm(&err), -EREMOTEIO);
	assert_words(&err, "server: it says why itself");
	conns_free(c);
	assert_int_equal(lib.open, 0);
}

/* The called proves itself, too: not by what it was told, nor by what another
 * connection's answer was. */
static void only_the_peer_may_accept(void **state)
{
	static const int strangers[] = {CALLED_PARROT, CALLED_OTHER,
					CALLED_MUTE};
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < 2 * N_OF(strangers); i++) {
		setup(NULL);
		lib.iwarp = i % 2;
		lib.called = strangers[i / 2];
		assert_int_equal(by_cm(&err), -EACCES);
		assert_int_equal(err.reason, REASON_PEER_REFUSED);
		assert_words(&err, "does not know this session");
		conns_free(c);
		assert_int_equal(lib.open, 0);
	}
}

static void freeing_none(void **state)
{
	(void)state;
	conns_free(NULL);
}

static int init(void **state)
{
	(void)state;
	clock_init_raw(&clk);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(each_step_for_all_before_the_next,
				       setup),
		cmocka_unit_test_setup(waits_of_rdma_cm_overlap, setup),
		cmocka_unit_test_setup(iwarp_is_established_by_its_event,
				       setup),
		cmocka_unit_test_setup(whatever_fails_nothing_stays_open,
				       setup),
		cmocka_unit_test_setup(a_negative_errno_is_an_error_too, setup),
		cmocka_unit_test_setup(the_peers_words_end_a_wait, setup),
		cmocka_unit_test_setup(only_the_peer_may_accept, setup),
		cmocka_unit_test_setup(freeing_none, setup),
	};

	return cmocka_run_group_tests(tests, init, NULL);
}
