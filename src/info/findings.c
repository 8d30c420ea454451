#include "info/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "info/judge.h"

const char *severity_name(enum severity s)
{
	static const char *const names[] = {
		[SEVERITY_SPOILS] = "spoils",
		[SEVERITY_LIMITS] = "limits",
		[SEVERITY_NOTE] = "note",
	};

	return names[s];
}

/* --- for the rules --------------------------------------------------------- */

struct finding *judge_find(struct judge *j, enum severity severity,
			   const char *item, const char *fmt, ...)
{
	struct finding *x = &j->out->v[j->out->n];
	va_list ap;

	if (j->out->n == FINDINGS_MAX)
		return &j->beyond;
	j->out->n++;
	memset(x, 0, sizeof(*x));
	x->severity = severity;
	snprintf(x->item, sizeof(x->item), "%s", item);
	va_start(ap, fmt);
	vsnprintf(x->what, sizeof(x->what), fmt, ap);
	va_end(ap);
	return x;
}

void judge_why(struct finding *x, const char *why)
{
	snprintf(x->why, sizeof(x->why), "%s", why);
}

void judge_mend(struct finding *x, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(x->mend, sizeof(x->mend), fmt, ap);
	va_end(ap);
}

bool judge_is(const struct judge *j, const char *section, const char *item,
	      const char *key, const char *value)
{
	const char *text = facts_text(j->facts, section, item, key);

	return text && !strcmp(text, value);
}

uint64_t judge_number(const struct judge *j, const char *section,
		      const char *item, const char *key, uint64_t unknown)
{
	uint64_t v;

	return facts_number(j->facts, section, item, key, &v) ? v : unknown;
}

/* --- all of them -------------------------------------------------------------- */

/* By insertion: few, and the order within a severity is to stay. */
static void sort(struct findings *f)
{
	struct finding x;
	unsigned i, k;

	for (i = 1; i < f->n; i++) {
		x = f->v[i];
		for (k = i; k && f->v[k - 1].severity > x.severity; k--)
			f->v[k] = f->v[k - 1];
		f->v[k] = x;
	}
}

void findings_judge(struct findings *out, const struct facts *facts)
{
	struct judge j = {.facts = facts, .out = out};

	out->n = 0;
	judge_cpu(&j);
	judge_system(&j);
	judge_devices(&j);
	sort(out);
}
