/*
 * Sentences that are true of the data.  Each is the outcome of rank tests
 * over trials, corrected for all points of the sentence (report/told.h);
 * what they do not show is not said, and nothing where the trials are too few
 * to show it.  One that was measured without a wire, or on a software device,
 * begins by saying so, unless the scenario needs neither (.local): it is no
 * statement on networks or NICs.  Of a path that is unknown nothing is said.
 */
#ifndef REPORT_SENTENCES_H
#define REPORT_SENTENCES_H

#include "report/report.h"

enum { SENTENCES_MAX = 3, SENTENCE_TEXT = 640 };

struct sentences {
	char text[SENTENCES_MAX][SENTENCE_TEXT]; /* clean */
	unsigned n;
	/* What they do not say, a sentence; "": nothing to add. */
	const char *scope;
	char why_not[256]; /* "": there are some */
};

/* 0 or -ENOMEM. */
int sentences_make(struct sentences *out, const struct report *report,
		   const struct report_view *view, struct err *err);

#endif
