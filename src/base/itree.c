#include "base/itree.h"

#include <stddef.h>

#include "base/splitmix.h"

static uint64_t max_end_of(const struct itree_node *n)
{
	return n ? n->max_end : 0;
}

static void update(struct itree_node *n)
{
	n->max_end = n->end;
	if (max_end_of(n->left) > n->max_end)
		n->max_end = n->left->max_end;
	if (max_end_of(n->right) > n->max_end)
		n->max_end = n->right->max_end;
}

/* A strict order even of equal intervals, so that a node can be found. */
static bool before(const struct itree_node *a, const struct itree_node *b)
{
	if (a->begin != b->begin)
		return a->begin < b->begin;
	return (uintptr_t)a < (uintptr_t)b;
}

/* What is before `at` to *left, the rest to *right. */
static void split(struct itree_node *t, const struct itree_node *at,
		  struct itree_node **left, struct itree_node **right)
{
	if (!t) {
		*left = *right = NULL;
		return;
	}
	if (before(t, at)) {
		split(t->right, at, &t->right, right);
		*left = t;
	} else {
		split(t->left, at, left, &t->left);
		*right = t;
	}
	update(t);
}

/* All of `a` is before all of `b`. */
static struct itree_node *merge(struct itree_node *a, struct itree_node *b)
{
	if (!a || !b)
		return a ? a : b;
	if (a->priority > b->priority) {
		a->right = merge(a->right, b);
		update(a);
		return a;
	}
	b->left = merge(a, b->left);
	update(b);
	return b;
}

static struct itree_node *insert(struct itree_node *t, struct itree_node *n)
{
	if (!t || n->priority > t->priority) {
		split(t, n, &n->left, &n->right);
		t = n;
	} else if (before(n, t)) {
		t->left = insert(t->left, n);
	} else {
		t->right = insert(t->right, n);
	}
	update(t);
	return t;
}

void itree_insert(struct itree *t, struct itree_node *n)
{
	n->left = n->right = NULL;
	n->priority = splitmix_next(&t->state);
	t->root = insert(t->root, n);
}

static struct itree_node *erase(struct itree_node *t, struct itree_node *n)
{
	if (t == n)
		return merge(t->left, t->right);
	if (before(n, t))
		t->left = erase(t->left, n);
	else
		t->right = erase(t->right, n);
	update(t);
	return t;
}

void itree_erase(struct itree *t, struct itree_node *n)
{
	t->root = erase(t->root, n);
}

/*
 * One path down suffices: if the left side reaches beyond `begin` and yet
 * has no overlap, its intervals there begin at `end` or later, and so do
 * all on the right.
 */
struct itree_node *itree_overlap(const struct itree *t, uint64_t begin,
				 uint64_t end)
{
	struct itree_node *n = t->root;

	while (n && !(n->begin < end && begin < n->end))
		n = max_end_of(n->left) > begin ? n->left : n->right;
	return n;
}

/*
 * Again one path: of those that begin in time, the one that ends last holds
 * the interval if any does.  Where the left side of a node that begins in
 * time reaches `end`, it has such a one, as all there begin in time too.
 */
struct itree_node *itree_cover(const struct itree *t, uint64_t begin,
			       uint64_t end)
{
	struct itree_node *n = t->root;

	while (n) {
		if (n->begin > begin || max_end_of(n->left) >= end)
			n = n->left;
		else if (n->end >= end)
			return n;
		else
			n = n->right;
	}
	return NULL;
}
