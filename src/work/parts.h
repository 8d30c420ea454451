/* What the loops of work/ have in common: posting, ending, cutting memory, and
 * what each end tells the other of its own. */
#ifndef WORK_PARTS_H
#define WORK_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "run/end.h"
#include "work/exchange.h"

/* After the link said so: its words become the caller's; returns ret. */
int parts_failed(const struct end *e, int ret, struct err *err);

/* Posts to the end's (first) link; -errno and its words. */
static inline int parts_post(struct end *e, const struct work *works,
			     unsigned n, struct err *err)
{
	int ret = e->ep->tp->post(e->ep, works, n);

	return ret ? parts_failed(e, ret, err) : 0;
}

/* Posts one signalled work to the end's link, on which nothing else is on its
 * way, and waits for it, even if the phase is over. */
int parts_ask(struct end *e, const struct work *w, struct err *err);
/* The waiting alone, for `n` works of which nothing else is on its way. */
int parts_await(struct end *e, unsigned n, struct err *err);

/*
 * Makes what this end has written on the work's lane visible at the other one:
 * a write is complete when it is at the peer's device (RC) or has left (iWARP),
 * but a read behind it is answered out of memory (IBTA 1.4, 9.5; RFC 5040,
 * 5.5).  `w` has the lane, an sge of 8 bytes and what of the peer's memory to
 * read into it.
 */
int parts_flush(struct end *e, struct work *w, struct err *err);
/* Makes `w` that read, for who posts several before waiting. */
void parts_make_flush(struct work *w);

/* A write's completion does not even say that the peer's device has it. */
bool parts_sent_only(const struct end *e, enum op op);

/* not-in-transport: plain writes over a link that loses messages and has no
 * reads.  Nobody could say what arrived. */
int parts_check_writes(const struct end *e, enum op op, struct err *err);

/* -EINTR: the user has asked for the end. */
int parts_interrupted(struct err *err);

/* late: ph->max_ns have passed. */
static inline bool parts_phase_over(const struct phase *ph, uint64_t done,
				    bool late)
{
	return done >= ph->min_ops && (late || done >= ph->max_ops);
}

/* A slot for `size` bytes, in whole cache lines. */
size_t parts_stride(size_t size);

/* `size` bytes in `n` pieces, the last of which has what is left over. */
void parts_cut(struct sge *sges, unsigned n, char *at, size_t size,
	       const struct region *region);

/* Memory that the other end may reach, in the token: to put and to take the
 * i-th such (-EPROTO if there is none). */
void parts_tell_memory(struct end *e, unsigned i, const void *addr,
		       uint32_t rkey);
int parts_learn_memory(const struct end *e, unsigned i, uint64_t *addr,
		       uint32_t *rkey, struct err *err);

/* What is verified of messages of `size` bytes: each carries its number, by
 * which a link that loses some tells which one came, if there is room. */
static inline bool parts_can_verify(const struct end *e, size_t size)
{
	return !e->ep->caps.lossy || size >= sizeof(uint64_t);
}

/* How a message tells its number: where each is verified, by all of it, so
 * that no part of an older one is taken for it. */
static inline enum scan_stamp parts_stamp(enum exchange_verify verify)
{
	return verify == VERIFY_EACH ? STAMP_WHOLE : STAMP_FIRST;
}

/* Messages verified, into the tally; or why none could be. */
void parts_tally_verified(struct end *e, size_t size, uint64_t n);

/* Client, when it verifies: the server's tally tells of as many payloads that
 * it found written, and verified; -EBADMSG: of fewer than `least`. */
int parts_check_found(const struct end *e, uint64_t least, struct err *err);

/* Server: the device serves, and the program keeps out of its way until the
 * phase is over. */
int parts_serve_nothing(struct end *e, struct err *err);

/* Which payloads are verified (enum exchange_verify), as an option of each
 * scenario; `at`: its place in the scenario's struct. */
extern const char *const parts_verify_names[];
#define PARTS_OPT_VERIFY(at, words)                                            \
	{                                                                      \
		.name = "verify", .type = OPT_ENUM, .role = OPT_KNOB,          \
		.offset = at, .def = "ends", .names = parts_verify_names,      \
		.metavar = "WHICH", .column = "verify",                        \
		.help = "payloads that are checked whole" words                \
	}

/* A count that a list makes more points of, with a column of its name. */
#define PARTS_OPT_COUNT(option, at, col, lo, hi, preset, words)                \
	{                                                                      \
		.name = option, .type = OPT_COUNT, .role = OPT_AXIS,           \
		.offset = at, .min = lo, .max = hi, .def = preset,             \
		.metavar = "N[,...]", .column = col, .help = words             \
	}

/* A size likewise, without a column where `col` is NULL. */
#define PARTS_OPT_SIZE(option, short_name, at, col, lo, hi, preset, words)     \
	{                                                                      \
		.name = option, .letter = short_name, .type = OPT_SIZE,        \
		.role = OPT_AXIS, .offset = at, .min = lo, .max = hi,          \
		.def = preset, .metavar = "SIZE[,...]", .column = col,         \
		.help = words                                                  \
	}

/* One of some names, likewise. */
#define PARTS_OPT_NAME(option, at, col, list, preset, words)                   \
	{                                                                      \
		.name = option, .type = OPT_ENUM, .role = OPT_AXIS,            \
		.offset = at, .def = preset, .names = list,                    \
		.metavar = "NAME[,...]", .column = col, .help = words          \
	}

#endif
