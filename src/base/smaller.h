/* The smaller of two. */
#ifndef BASE_SMALLER_H
#define BASE_SMALLER_H

#include <stdint.h>

static inline unsigned smaller(unsigned a, unsigned b)
{
	return a < b ? a : b;
}

static inline uint64_t smaller64(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

#endif
