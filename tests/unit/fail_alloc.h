/*
 * Allocations that fail on demand.  A test that is linked with fail_alloc.c
 * and --wrap for each of its functions (Makefile) tries what it tests with
 * the first allocation failing, then the second, ... until none is left to
 * fail.  Only this thread's, and only those of our own objects: libraries
 * keep theirs.
 */
#ifndef TESTS_UNIT_FAIL_ALLOC_H
#define TESTS_UNIT_FAIL_ALLOC_H

#include <stdbool.h>

/* The k-th allocation from now on fails, from 1; 0: none does. */
void fail_alloc(unsigned k);

/* Back to normal.  True if one has failed. */
bool fail_alloc_end(void);

#endif
