/* Seeded numbers for tests. */
#ifndef TESTS_UNIT_RNG_H
#define TESTS_UNIT_RNG_H

#include <math.h>
#include <stdint.h>

#include "base/splitmix.h"

static inline uint64_t rng_u64(uint64_t *state)
{
	return splitmix_next(state);
}

/* Open interval (0,1). */
static inline double rng_uniform(uint64_t *state)
{
	return ((double)(rng_u64(state) >> 11) + 0.5) / 9007199254740992.0;
}

static inline double rng_exponential(uint64_t *state)
{
	return -log(rng_uniform(state));
}

#endif
