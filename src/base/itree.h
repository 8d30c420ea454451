/*
 * Interval tree: half-open intervals [begin, end) of integers, overlapping
 * ones and equal ones allowed.  Nodes live in the caller's structs; the tree
 * allocates nothing and cannot fail.
 *
 * A treap (Seidel and Aragon, "Randomized search trees", Algorithmica 16,
 * 1996) by `begin`, where every node also knows the largest end below it
 * (Cormen et al., "Introduction to Algorithms", section 14.3).  Insert,
 * erase and each interval found take O(log n) expected.
 */
#ifndef BASE_ITREE_H
#define BASE_ITREE_H

#include <stdbool.h>
#include <stdint.h>

struct itree_node {
	uint64_t begin, end; /* the caller's; begin < end */
	struct itree_node *left, *right;
	uint64_t max_end, priority;
};

/* All zeros is an empty tree. */
struct itree {
	struct itree_node *root;
	uint64_t state; /* of the priorities: any, so zero will do */
};

/* The node's begin and end stay as they are while it is in the tree. */
void itree_insert(struct itree *t, struct itree_node *n);

/* `n` must be in the tree. */
void itree_erase(struct itree *t, struct itree_node *n);

/* Some interval that has a point in common with [begin, end), or NULL. */
struct itree_node *itree_overlap(const struct itree *t, uint64_t begin,
				 uint64_t end);

/* Some interval that holds all of [begin, end), or NULL. */
struct itree_node *itree_cover(const struct itree *t, uint64_t begin,
			       uint64_t end);

#endif
