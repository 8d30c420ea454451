/* A window of which operations share few buffers, by turns: where they are,
 * and that what is in them is looked at all the same. */
#include "window_pair.h"

#include <errno.h>

enum { OPS = 50, BUFFERS = 3 };

static const enum op moves[] = {OP_SEND, OP_WRITE, OP_READ};

static int setup(void **state)
{
	(void)state;
	attr.outstanding = 8;
	attr.post_list = 4;
	attr.rotate = BUFFERS;
	attr.verify = VERIFY_ENDS;
	acknowledged = false;
	memset(devices, 0, sizeof(devices));
	return 0;
}

static void measure(void)
{
	const struct phase ph = ops(OPS);
	struct err err;

	memset(devices, 0, sizeof(devices));
	open_windows();
	run_windows(&ph);
	assert_int_equal(cw.n.done, OPS);
	if (attr.op != OP_SEND && window_flush(&cw, &err))
		fail_msg("%s", err.text);
}

static int verify(struct err *err)
{
	return window_verify(attr.op == OP_READ ? &cw : &sw, err);
}

/* A slot has its buffer, so that turns begin anew with the slots. */
static void buffers_take_turns(unsigned buffers)
{
	unsigned i;

	for (i = 0; i < OPS; i++) {
		assert_ptr_equal(devices[ROLE_ACTIVE].send_at[i],
				 cw.tx + i % cw.n_slots % buffers * cw.stride);
		if (attr.op == OP_SEND)
			assert_ptr_equal(devices[ROLE_PASSIVE].recv_at[i],
					 sw.rx + i % sw.n_rx % buffers *
							 sw.stride);
	}
}

/* Where each is: no further than so many, and the credit behind them. */
static void few_buffers(void **state)
{
	struct err err;
	size_t i;

	(void)state;
	for (i = 0; i < N_OF(moves); i++) {
		attr.op = moves[i];
		measure();
		assert_int_equal(cw.rx - cw.tx, BUFFERS * cw.stride);
		assert_int_equal((char *)cw.credit_tx - cw.rx,
				 BUFFERS * cw.stride);
		assert_true((char *)(cw.credit_rx + cw.n_rx) <=
			    (char *)cw.mem.addr + cw.mem.len);
		buffers_take_turns(BUFFERS);
		assert_int_equal(verify(&err), 0);
		close_windows();
	}
}

static void one_buffer(void **state)
{
	struct err err;
	size_t i;

	(void)state;
	attr.rotate = 1;
	for (i = 0; i < N_OF(moves); i++) {
		attr.op = moves[i];
		measure();
		buffers_take_turns(1);
		assert_int_equal(verify(&err), 0);
		close_windows();
	}
}

/* More than two windows, of eight. */
static void more_than_needed_to_send(void **state)
{
	(void)state;
	attr.op = OP_SEND;
	attr.rotate = 20;
	acknowledged = true;
	measure();
	assert_int_equal(cw.n_rx, 64);
	assert_int_equal(cw.rx - cw.tx, cw.n_slots * cw.stride);
	assert_int_equal((char *)cw.credit_tx - cw.rx, 20 * cw.stride);
	assert_true((char *)(cw.credit_rx + cw.n_rx) <=
		    (char *)cw.mem.addr + cw.mem.len);
	close_windows();
}

/* What was read before is not taken for what a phase reads. */
static void read_again(void **state)
{
	const struct phase ph = ops(1);
	struct err err;

	(void)state;
	attr.op = OP_READ;
	measure();
	run_windows(&ph);
	assert_int_equal(verify(&err), 0);
	devices[ROLE_ACTIVE].no_read = true;
	run_windows(&ph);
	assert_int_equal(verify(&err), -EBADMSG);
	close_windows();
}

/* Each buffer of writes is looked at; of reads the last one is. */
static void spoilt(void **state)
{
	struct err err;
	size_t i;

	(void)state;
	for (i = 1; i < N_OF(moves); i++) {
		attr.op = moves[i];
		measure();
		sw.rx[2 * sw.stride + 7] ^= 1;
		cw.tx[(OPS - 1) % cw.n_slots % BUFFERS * cw.stride + 7] ^= 1;
		assert_int_equal(verify(&err), -EBADMSG);
		assert_int_equal(err.reason, REASON_VERIFY_FAILED);
		close_windows();
	}
}

/* A message with a wrong byte, which none after it has mended yet. */
static void spoilt_message(void **state)
{
	const struct phase ph = ops(OPS);
	struct served s;
	struct err err;

	(void)state;
	attr.op = OP_SEND;
	devices[ROLE_ACTIVE].spoil_at = 1;
	open_windows();
	assert_int_equal(run_phase(&window_phase, &ph, &err, &s), -ECANCELED);
	assert_int_equal(s.err.reason, REASON_VERIFY_FAILED);
	close_windows();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(few_buffers, setup),
		cmocka_unit_test_setup(one_buffer, setup),
		cmocka_unit_test_setup(more_than_needed_to_send, setup),
		cmocka_unit_test_setup(read_again, setup),
		cmocka_unit_test_setup(spoilt, setup),
		cmocka_unit_test_setup(spoilt_message, setup),
	};

	init_windows();
	return cmocka_run_group_tests_name("window_rotate", tests, NULL, NULL);
}
