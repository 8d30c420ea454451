/*
 * Sentences that are true of the data.  Each is the outcome of rank tests
 * over trials, corrected for all points of the sentence (metric/rank.h);
 * what they do not show is not said.  Of loopback and of software devices
 * nothing is said at all, unless the scenario needs neither (.local): their
 * numbers are no statement on networks or NICs.
 */
#ifndef REPORT_SENTENCES_H
#define REPORT_SENTENCES_H

#include "report/report.h"

enum { SENTENCES_MAX = 3, SENTENCE_TEXT = 640 };

struct sentences {
	char text[SENTENCES_MAX][SENTENCE_TEXT]; /* clean */
	unsigned n;
	char why_not[256]; /* "": there are some */
};

/* 0 or -ENOMEM. */
int sentences_make(struct sentences *out, const struct report *report,
		   const struct report_view *view, struct err *err);

#endif
