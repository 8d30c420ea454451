#include "info/info_json.h"

#include <stdlib.h>

#include "result/json.h"

static json_t *value_json(const struct fact *fact)
{
	if (fact->unknown[0])
		return json_null();
	if (fact->unit[0])
		return json_integer(
			(json_int_t)strtoull(fact->value, NULL, 10));
	return json_string(fact->value);
}

json_t *facts_json(const struct facts *facts)
{
	json_t *a = json_array();
	struct fact f;
	size_t at = 0;

	while (facts_next(facts, &at, &f))
		json_array_append_new(
			a,
			json_pack("{s:s, s:o, s:s, s:o, s:o, s:o}", "section",
				  f.section, "item", json_text_or_null(f.item),
				  "key", f.key, "value", value_json(&f), "unit",
				  json_text_or_null(f.unit), "unknown",
				  json_text_or_null(f.unknown)));
	return a;
}

json_t *findings_json(const struct findings *findings)
{
	json_t *a = json_array();
	unsigned i;

	for (i = 0; i < findings->n; i++) {
		const struct finding *x = &findings->v[i];

		json_array_append_new(
			a, json_pack("{s:s, s:o, s:s, s:s, s:s}", "severity",
				     severity_name(x->severity), "item",
				     json_text_or_null(x->item), "what",
				     x->what, "why", x->why, "mend", x->mend));
	}
	return a;
}
