/*
 * What a view's results speak of: a network, or one host alone; a NIC, or
 * software in its place.
 */
#ifndef REPORT_SCOPE_H
#define REPORT_SCOPE_H

#include "report/report.h"

/* How sentences begin, "over loopback, ", or ""; *not: what they do not say,
 * a sentence, or "". */
const char *report_scope(const struct report *r, const struct report_view *view,
			 const char * * not );

#endif
