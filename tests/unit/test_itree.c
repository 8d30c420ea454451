/* The interval tree against a list that is searched from end to end. */
#include "unit.h"

#include "base/itree.h"
#include "rng.h"

enum { NODES = 300, SPACE = 120, ROUNDS = 40000 };

struct model {
	struct itree tree;
	struct itree_node node[NODES];
	bool in[NODES];
};

static bool overlaps(const struct itree_node *n, uint64_t begin, uint64_t end)
{
	return n->begin < end && begin < n->end;
}

static bool covers(const struct itree_node *n, uint64_t begin, uint64_t end)
{
	return n->begin <= begin && end <= n->end;
}

static bool any(const struct model *m, uint64_t begin, uint64_t end,
		bool (*fits)(const struct itree_node *, uint64_t, uint64_t))
{
	unsigned i;

	for (i = 0; i < NODES; i++)
		if (m->in[i] && fits(&m->node[i], begin, end))
			return true;
	return false;
}

static void same_answers(const struct model *m, uint64_t begin, uint64_t end)
{
	struct itree_node *o = itree_overlap(&m->tree, begin, end);
	struct itree_node *c = itree_cover(&m->tree, begin, end);

	assert_int_equal(o != NULL, any(m, begin, end, overlaps));
	assert_int_equal(c != NULL, any(m, begin, end, covers));
	if (o)
		assert_true(m->in[o - m->node] && overlaps(o, begin, end));
	if (c)
		assert_true(m->in[c - m->node] && covers(c, begin, end));
}

static void toggle(struct model *m, unsigned i, uint64_t *rng)
{
	struct itree_node *n = &m->node[i];

	if (m->in[i]) {
		itree_erase(&m->tree, n);
	} else {
		n->begin = rng_u64(rng) % SPACE;
		n->end = n->begin + 1 + rng_u64(rng) % 12;
		itree_insert(&m->tree, n);
	}
	m->in[i] = !m->in[i];
}

static void like_a_list(void **state)
{
	static struct model m;
	uint64_t rng = 11, begin;
	unsigned i, used;

	(void)state;
	for (i = 0; i < ROUNDS; i++) {
		/* Sometimes nearly empty, sometimes full. */
		used = 1 + (i / 1000 * 37) % NODES;
		toggle(&m, (unsigned)(rng_u64(&rng) % used), &rng);
		begin = rng_u64(&rng) % (SPACE + 20);
		same_answers(&m, begin, begin + 1 + rng_u64(&rng) % 10);
	}
}

static unsigned depth(const struct itree_node *n)
{
	unsigned l, r;

	if (!n)
		return 0;
	l = depth(n->left);
	r = depth(n->right);
	return 1 + (l > r ? l : r);
}

/* Addresses come in order: a plain search tree would be a list of 16k. */
static void stays_shallow(void **state)
{
	enum { N = 16384 };
	static struct itree_node node[N];
	struct itree t = {.root = NULL};
	unsigned i;

	(void)state;
	for (i = 0; i < N; i++) {
		node[i].begin = i * 4096ull;
		node[i].end = node[i].begin + 4096;
		itree_insert(&t, &node[i]);
	}
	assert_in_range(depth(t.root), 14, 60);
	for (i = 0; i < N; i++)
		assert_ptr_equal(
			itree_cover(&t, i * 4096ull + 17, i * 4096ull + 18),
			&node[i]);
}

static void bounds_are_half_open(void **state)
{
	struct itree_node a = {.begin = 10, .end = 20};
	struct itree t = {.root = NULL};

	(void)state;
	assert_null(itree_overlap(&t, 0, UINT64_MAX));
	itree_insert(&t, &a);
	assert_null(itree_overlap(&t, 20, 30));
	assert_null(itree_overlap(&t, 5, 10));
	assert_ptr_equal(itree_overlap(&t, 19, 30), &a);
	assert_ptr_equal(itree_cover(&t, 10, 20), &a);
	assert_null(itree_cover(&t, 10, 21));
	assert_null(itree_cover(&t, 9, 20));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(like_a_list),
		cmocka_unit_test(stays_shallow),
		cmocka_unit_test(bounds_are_half_open),
	};

	return cmocka_run_group_tests_name("itree", tests, NULL, NULL);
}
