/* run.json: what was run, on what, and what would spoil it. */
#ifndef RUN_RUN_JSON_H
#define RUN_RUN_JSON_H

#include <jansson.h>

#include "run/run.h"

/* Writes or replaces run.json in run->dir (temporary file, then rename).
 * `state`: "running", "finished", or the reason it stopped. */
int run_json_write(const struct run *run, const char *state, struct err *err);

/* The same as an object; NULL if there is no memory. */
json_t *run_json_make(const struct run *run, const char *state);

#endif
