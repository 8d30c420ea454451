/*
 * What is known of a host, as data: a flat list of facts that text, JSON and
 * the control channel are all made from.
 *
 * A fact is six words.  `section` and `item` say where it belongs ("rdma",
 * "mlx5_0"; item is "" for the host itself), `key` what it is.  `value` is
 * text, or a number if it has a `unit` ("bytes", "us", "count").  What could
 * not be had has an empty value and says why in `unknown`: a fact is never
 * left out in silence, and never 0 for want of knowledge.
 *
 * The words lie one after the other in a bounded buffer, so a list can be
 * copied, sent and checked without any allocation.
 */
#ifndef MACHINE_FACTS_H
#define MACHINE_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FACTS_BYTES = 48 * 1024,
	FACT_TEXT_MAX = 400, /* of a value; more is cut */
};

struct facts {
	uint32_t len;
	bool full; /* something did not fit */
	char text[FACTS_BYTES];
};

struct fact {
	const char *section, *item, *key, *value, *unit, *unknown;
};

void facts_clear(struct facts *f);

/* Appends a copy; control characters and what is no ASCII become '?', for
 * the words are printed and put into JSON. */
void facts_add(struct facts *f, const struct fact *fact);

/* Each fact in turn: start with *at = 0; false at the end. */
bool facts_next(const struct facts *f, size_t *at, struct fact *fact);

/* The first such fact, known or not. */
bool facts_find(const struct facts *f, const char *section, const char *item,
		const char *key, struct fact *fact);

/* Its value; NULL if it is unknown or not there. */
const char *facts_text(const struct facts *f, const char *section,
		       const char *item, const char *key);
bool facts_number(const struct facts *f, const char *section, const char *item,
		  const char *key, uint64_t *v);

/* After len and text came over a wire: must be a whole number of facts, and
 * is cleaned as facts_add does.  0 or -EBADMSG (then the list is empty). */
int facts_check(struct facts *f);

#endif
