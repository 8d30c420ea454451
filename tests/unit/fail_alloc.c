#include "fail_alloc.h"

#include <errno.h>
#include <stddef.h>

static __thread unsigned left; /* until one fails; 0: off */
static __thread bool failed;

void fail_alloc(unsigned k)
{
	left = k;
	failed = false;
}

bool fail_alloc_end(void)
{
	left = 0;
	return failed;
}

static bool fails(void)
{
	if (!left || --left)
		return false;
	failed = true;
	errno = ENOMEM;
	return true;
}

#define WRAP(ret, name, params, args)                                          \
	ret __real_##name params;                                              \
	ret __wrap_##name params;                                              \
	ret __wrap_##name params                                               \
	{                                                                      \
		return fails() ? NULL : __real_##name args;                    \
	}

WRAP(void *, malloc, (size_t n), (n))
WRAP(void *, calloc, (size_t n, size_t m), (n, m))
WRAP(void *, realloc, (void *p, size_t n), (p, n))
WRAP(void *, aligned_alloc, (size_t a, size_t n), (a, n))
WRAP(char *, strdup, (const char *s), (s))
