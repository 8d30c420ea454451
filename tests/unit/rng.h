/* Seeded numbers for tests: splitmix64 (Steele, Lea, Flood 2014). */
#ifndef TESTS_UNIT_RNG_H
#define TESTS_UNIT_RNG_H

#include <math.h>
#include <stdint.h>

static inline uint64_t rng_u64(uint64_t *state)
{
	uint64_t z = *state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
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
