/* What every JSON file of ours says the same way. */
#ifndef RESULT_JSON_H
#define RESULT_JSON_H

#include <jansson.h>

/* null for "", and for what is no UTF-8. */
static inline json_t *json_text_or_null(const char *s)
{
	json_t *j = s[0] ? json_string(s) : NULL;

	return j ? j : json_null();
}

#endif
