/* The halves of a session's nonce. */
#include "unit.h"

#include "base/nonce.h"

static const uint8_t nonce[NONCE_BYTES] = "0123456789abcdef";

static void each_end_shows_its_own_half(void **state)
{
	uint8_t caller[NONCE_HALF], called[NONCE_HALF];

	(void)state;
	nonce_show(nonce, NONCE_CALLER, caller);
	nonce_show(nonce, NONCE_CALLED, called);
	assert_memory_equal(caller, "01234567", 8);
	assert_memory_equal(called, "89abcdef", 8);
	assert_true(nonce_is_shown(nonce, NONCE_CALLER, caller));
	assert_true(nonce_is_shown(nonce, NONCE_CALLED, called));
	/* An echo proves nothing. */
	assert_false(nonce_is_shown(nonce, NONCE_CALLED, caller));
	assert_false(nonce_is_shown(nonce, NONCE_CALLER, called));
}

static void each_bit_matters(void **state)
{
	uint8_t half[NONCE_HALF];
	unsigned bit;

	(void)state;
	for (bit = 0; bit < 8 * NONCE_HALF; bit++) {
		nonce_show(nonce, NONCE_CALLER, half);
		half[bit / 8] ^= (uint8_t)(1u << bit % 8);
		assert_false(nonce_is_shown(nonce, NONCE_CALLER, half));
	}
}

static void a_knock_tells_which_connection(void **state)
{
	struct nonce_knock knock;
	uint32_t number;

	(void)state;
	nonce_knock(nonce, 0x01020304, &knock);
	assert_memory_equal(&knock, "\1\2\3\4", 4);
	assert_memory_equal(knock.shown, "01234567", NONCE_HALF);
	assert_true(nonce_knows(nonce, &knock, &number));
	assert_int_equal(number, 0x01020304);
	nonce_show(nonce, NONCE_CALLED, knock.shown);
	assert_false(nonce_knows(nonce, &knock, &number));
}

static void a_knock_is_answered_by_the_other_half(void **state)
{
	struct nonce_knock word;

	(void)state;
	nonce_answer(nonce, 7, &word);
	assert_true(nonce_answers(nonce, &word, 7));
	assert_false(nonce_answers(nonce, &word, 8));
	nonce_knock(nonce, 7, &word);
	assert_false(nonce_answers(nonce, &word, 7));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_end_shows_its_own_half),
		cmocka_unit_test(each_bit_matters),
		cmocka_unit_test(a_knock_tells_which_connection),
		cmocka_unit_test(a_knock_is_answered_by_the_other_half),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
