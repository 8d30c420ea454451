/*
 * What would spoil a measurement on this host, judged from its facts alone:
 * no system call, no file, so that any host can be put together in a test.
 */
#ifndef INFO_FINDINGS_H
#define INFO_FINDINGS_H

#include "base/err.h"
#include "machine/facts.h"

enum severity {
	SEVERITY_SPOILS, /* numbers are not what this hardware can do */
	SEVERITY_LIMITS, /* something cannot be measured at all */
	SEVERITY_NOTE,	 /* to be known when reading the numbers */
};
const char *severity_name(enum severity s);

struct finding {
	enum severity severity;
	char item[64]; /* the device it is about; "": the host */
	char what[128];
	char why[ERR_TEXT_MAX]; /* mostly an error's words */
	char mend[192];		/* a command, or what to do */
};

enum { FINDINGS_MAX = 64 };
struct findings {
	struct finding v[FINDINGS_MAX];
	unsigned n;
};

/* The worst first. */
void findings_judge(struct findings *out, const struct facts *facts);

#endif
