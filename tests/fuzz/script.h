/*
 * Dialogues for fuzzers: the input is a script, a line for each frame, whose
 * magic and lengths are right, so that what is tried is behind them.  What
 * the lines mean is the fuzzer's; these they have in common:
 *
 *	h, b			HEARTBEAT, BYE
 *	r TYPE BYTES		any frame with this payload
 *	w BYTES			the bytes themselves
 */
#ifndef TESTS_FUZZ_SCRIPT_H
#define TESTS_FUZZ_SCRIPT_H

#include <stddef.h>
#include <stdint.h>

#include "ctl/chan.h"
#include "ctl/pack.h"

enum { WIRE_MAX = 96 * 1024, LINES_MAX = 48 };

/* Each leaves out what has no room. */
void put_frame(struct writer *w, uint32_t type, const void *payload,
	       size_t len);
void put_number(struct writer *w, uint32_t type, const char *text, bool wide);
void put_words(struct writer *w, uint32_t type, const char *word,
	       const char *text);

/* A line: `rest` is what follows its letter and a blank, up to `end`. */
typedef void put_line(struct writer *w, char letter, char *rest, char *end);

/* Every line of the text, which ends in a NUL, by `put` or as above. */
void put_script(struct writer *w, char *text, size_t size, put_line *put);

/* A socket on which the other end has said this and no more. */
int scripted_socket(const struct writer *w, int *other);

#endif
