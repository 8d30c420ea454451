/* Facts and findings as JSON, for `info --json` and run.json alike. */
#ifndef INFO_INFO_JSON_H
#define INFO_INFO_JSON_H

#include <jansson.h>

#include "info/findings.h"
#include "machine/facts.h"

/* [{"section", "item", "key", "value", "unit", "unknown"}]: value is null
 * where unknown says why, a number where there is a unit.  NULL without
 * memory. */
json_t *facts_json(const struct facts *facts);

/* [{"severity", "item", "what", "why", "mend"}] */
json_t *findings_json(const struct findings *findings);

#endif
