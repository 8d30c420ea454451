/* The tests: tables that end with a line without a name. */
#ifndef CONFORMANCE_CASES_H
#define CONFORMANCE_CASES_H

#include "pair.h"

#define ON_SPIN (1u << POLL_SPIN)
#define ON_EVENT (1u << POLL_EVENT)
#define ON_YIELD (1u << POLL_YIELD)
#define ON_ALL (ON_SPIN | ON_EVENT | ON_YIELD)

extern const struct conf_case data_cases[];   /* what arrives, and how */
extern const struct conf_case queue_cases[];  /* batches, signals, counts */
extern const struct conf_case remote_cases[]; /* the peer's memory */
extern const struct conf_case link_cases[];   /* opening, closing, losing */
extern const struct conf_case extras_cases[]; /* what only some have */

/* Tries a link's whole life with the first such call (enum fail_call) of the
 * engine failing, then the second, ...  How many there were to fail, or -1
 * with `why`. */
int fail_each(const struct conf *conf, unsigned call, char *why, size_t len);

#endif
