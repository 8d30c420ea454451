/* A link that threads share: each gets its own completions, whoever polls. */
#include "unit.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "work/mux.h"

enum { ENDS = 4, DEPTH = 8, EACH = 500 };

static struct mux *mux;

/* Instead of a link: what is posted completes, in the order of posting. */
static struct comp done[ENDS * DEPTH * 2];
static unsigned n_done;
static bool fails;

static int fake_post(struct ep *ep, const struct work *w, unsigned n)
{
	unsigned i;

	if (fails)
		return err_set(&ep->err, -EIO, REASON_LINK_FAILED, "gone");
	for (i = 0; i < n; i++)
		done[n_done++] = (struct comp){.cookie = w[i].cookie};
	return 0;
}

static int fake_poll(struct ep *ep, struct comp *comp, unsigned n)
{
	unsigned i, got = n_done < n ? n_done : n;

	(void)ep;
	memcpy(comp, done, got * sizeof(*comp));
	for (i = got; i < n_done; i++)
		done[i - got] = done[i];
	n_done -= got;
	return (int)got;
}

static const struct transport fake = {
	.name = "fake",
	.post = fake_post,
	.poll = fake_poll,
};

static struct ep link_end = {.tp = &fake, .poll = POLL_SPIN};

/* Posts EACH works, DEPTH at a time, and takes as many completions. */
static void *work_along(void *arg)
{
	struct ep *ep = mux_ep(mux, (unsigned)(uintptr_t)arg);
	uint64_t posted = 0, taken = 0;
	struct comp comp[3];
	int i, n;

	while (taken < EACH) {
		if (posted < EACH && posted - taken < DEPTH) {
			const struct work w = {.cookie = posted++};

			assert_int_equal(ep->tp->post(ep, &w, 1), 0);
		}
		n = ep->tp->poll(ep, comp, 3);
		for (i = 0; i < n; i++)
			assert_int_equal(comp[i].cookie, taken++);
	}
	return NULL;
}

static void each_its_own(void **state)
{
	pthread_t t[ENDS];
	struct err err;
	uintptr_t i;

	(void)state;
	assert_int_equal(mux_new(&mux, &link_end, ENDS, DEPTH, &err), 0);
	for (i = 0; i < ENDS; i++)
		pthread_create(&t[i], NULL, work_along, (void *)i);
	for (i = 0; i < ENDS; i++)
		pthread_join(t[i], NULL);
	assert_int_equal(n_done, 0);
	mux_free(mux);
}

static void failures_have_words(void **state)
{
	const struct work w = {.cookie = 1};
	struct err err;
	struct ep *ep;

	(void)state;
	link_end.poll = POLL_EVENT;
	assert_int_equal(mux_new(&mux, &link_end, 2, 1, &err), -EOPNOTSUPP);
	assert_int_equal(err.reason, REASON_NOT_IN_TRANSPORT);
	link_end.poll = POLL_SPIN;
	assert_int_equal(mux_new(&mux, &link_end, 2, 1, &err), 0);
	ep = mux_ep(mux, 1);
	fails = true;
	assert_int_equal(ep->tp->post(ep, &w, 1), -EIO);
	assert_string_equal(ep->err.text, "gone");
	assert_int_equal(ep->tp->post(ep, &w, 65), -E2BIG);
	mux_free(mux);
	mux_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_its_own),
		cmocka_unit_test(failures_have_words),
	};

	return cmocka_run_group_tests_name("mux", tests, NULL, NULL);
}
