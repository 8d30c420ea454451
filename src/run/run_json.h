/* run.json: what was run, on what, and what would spoil it. */
#ifndef RUN_RUN_JSON_H
#define RUN_RUN_JSON_H

#include "run/run.h"

/* Writes or replaces run.json in run->dir (temporary file, then rename).
 * `state`: "running", "finished", or the reason it stopped. */
int run_json_write(const struct run *run, const char *state, struct err *err);

#endif
