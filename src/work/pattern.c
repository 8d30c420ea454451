#include "work/pattern.h"

#include <errno.h>
#include <string.h>

#include "work/scan.h"

const char *const pattern_names[] = {
	[PATTERN_SEQ] = "seq",
	[PATTERN_STRIDE] = "stride",
	[PATTERN_RANDOM] = "random",
	[PATTERN_CHASE] = "chase",
	NULL,
};

#define INLINE static inline __attribute__((always_inline))

/* --- the order --------------------------------------------------------------- */

/* A place in the order: the line, and what leads to the next one. */
struct cursor {
	uint64_t line;
	uint64_t state; /* stride: first line of this sweep; random: x */
};

/*
 * A linear congruential generator of full period over the powers of two
 * (Knuth, volume 2, 3.2.1.2: an odd addend, a factor of 1 modulo 4), whose
 * poor low bits are mixed with the good high ones; both steps can be undone,
 * so each number comes once.  Where the number of lines is no power of two,
 * the numbers beyond it are skipped.
 */
INLINE void draw(const struct pattern *p, struct cursor *c)
{
	do {
		c->state = (c->state * 6364136223846793005u + 0x5851f42du) &
			   p->mask;
		c->line = c->state ^ c->state >> p->shift;
	} while (c->line >= p->lines);
}

INLINE void next(const struct pattern *p, struct cursor *c,
		 enum pattern_order order)
{
	switch (order) {
	case PATTERN_SEQ:
		c->line++;
		break;
	case PATTERN_STRIDE:
		c->line += p->stride;
		if (c->line >= p->lines)
			c->line = ++c->state;
		break;
	default:
		draw(p, c);
	}
}

INLINE void first(const struct pattern *p, struct cursor *c,
		  enum pattern_order order)
{
	*c = (struct cursor){.line = 0};
	if (order >= PATTERN_RANDOM)
		draw(p, c);
}

/* --- the walk ------------------------------------------------------------------ */

/* What a walk carries from line to line. */
struct walk {
	char *buf;
	uint64_t op, sum, last, zero;
};

INLINE void visit(struct walk *w, uint64_t line, enum pattern_order order,
		  bool write)
{
	volatile uint64_t *word =
		(void *)(w->buf + line * SCAN_LINE +
			 (order == PATTERN_CHASE ? w->last & w->zero : 0));

	if (!write || order == PATTERN_CHASE)
		w->last = *word;
	if (!write)
		w->sum += w->last;
	if (write)
		*word = w->op;
}

/* clang wants the kind to be a constant before it inlines. */
INLINE void prefetch(const char *at, bool write)
{
	if (write)
		__builtin_prefetch(at, 1);
	else
		__builtin_prefetch(at, 0);
}

/* Instantiated for each combination of its last three arguments, which are
 * constants there: none of the loops asks for them. */
INLINE uint64_t walk(const struct pattern *p, struct walk *w,
		     enum pattern_order order, bool write, bool ahead)
{
	const uint64_t n = p->lines, d = p->distance;
	struct cursor at, far;
	uint64_t k = 0, i;

	first(p, &at, order);
	if (ahead) {
		far = at;
		for (i = 0; i < d && i < n; i++)
			next(p, &far, order);
		for (; k + d < n; k++) {
			prefetch(w->buf + far.line * SCAN_LINE, write);
			visit(w, at.line, order, write);
			next(p, &far, order);
			next(p, &at, order);
		}
	}
	for (; k < n; k++) {
		visit(w, at.line, order, write);
		next(p, &at, order);
	}
	return k;
}

/* The loops work on a copy: a store into the buffer might change the shape,
 * as far as the compiler knows, and it would be loaded again for each line. */
#define WALK(name, order, write, ahead)                                        \
	static uint64_t name(struct pattern *p, char *buf, uint64_t op)        \
	{                                                                      \
		const struct pattern shape = *p;                               \
		struct walk w = {buf, op, 0, 0, 0};                            \
		uint64_t n;                                                    \
                                                                               \
		/* Who knows it to be zero leaves the dependency out. */       \
		__asm__ volatile("" : "+r"(w.zero));                           \
		n = walk(&shape, &w, order, write, ahead);                     \
		p->sum = w.sum;                                                \
		return n;                                                      \
	}

#define WALKS(name, order)                                                     \
	WALK(name##_read, order, false, false)                                 \
	WALK(name##_read_ahead, order, false, true)                            \
	WALK(name##_write, order, true, false)                                 \
	WALK(name##_write_ahead, order, true, true)

WALKS(seq, PATTERN_SEQ)
WALKS(stride, PATTERN_STRIDE)
WALKS(random, PATTERN_RANDOM)
WALKS(chase, PATTERN_CHASE)

#define ROW(name)                                                              \
	{                                                                      \
		{name##_read, name##_read_ahead},                              \
		{                                                              \
			name##_write, name##_write_ahead                       \
		}                                                              \
	}

static pattern_walk_fn *const walks[PATTERN_ORDERS][2][2] = {
	[PATTERN_SEQ] = ROW(seq),
	[PATTERN_STRIDE] = ROW(stride),
	[PATTERN_RANDOM] = ROW(random),
	[PATTERN_CHASE] = ROW(chase),
};

int pattern_init(struct pattern *p, const struct pattern_cfg *cfg, size_t len,
		 struct err *err)
{
	unsigned bits = 0;

	memset(p, 0, sizeof(*p));
	if (!len || len % SCAN_LINE)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "%zu bytes are not whole cache lines of %d", len,
			       SCAN_LINE);
	p->order = cfg->order;
	p->lines = len / SCAN_LINE;
	/* A longer stride would leave out lines at the end of a short
	 * buffer. */
	p->stride = cfg->stride < p->lines ? cfg->stride : p->lines;
	p->distance = cfg->distance;
	while ((uint64_t)1 << bits < p->lines)
		bits++;
	p->mask = ((uint64_t)1 << bits) - 1;
	p->shift = (bits + 1) / 2 + 1;
	p->walk = walks[cfg->order][cfg->write][cfg->distance != 0];
	return 0;
}

void pattern_list(const struct pattern *p, uint64_t *line)
{
	struct cursor c;
	uint64_t k;

	first(p, &c, p->order);
	for (k = 0; k < p->lines; k++) {
		line[k] = c.line;
		next(p, &c, p->order);
	}
}
