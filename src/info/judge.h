/* For the rules behind findings_judge only. */
#ifndef INFO_JUDGE_H
#define INFO_JUDGE_H

#include <stdbool.h>
#include <stdint.h>

#include "info/findings.h"

struct judge {
	const struct facts *facts;
	struct findings *out;
	struct finding beyond; /* where what does not fit is written */
};

void judge_cpu(struct judge *j);
void judge_system(struct judge *j); /* kernel, memory, counters */
void judge_devices(struct judge *j);

struct finding *judge_find(struct judge *j, enum severity severity,
			   const char *item, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void judge_why(struct finding *x, const char *why);
void judge_mend(struct finding *x, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The fact is known and is this. */
bool judge_is(const struct judge *j, const char *section, const char *item,
	      const char *key, const char *value);
uint64_t judge_number(const struct judge *j, const char *section,
		      const char *item, const char *key, uint64_t unknown);

#endif
