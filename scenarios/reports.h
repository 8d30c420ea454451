/* Reports that stand in a file of their own, <name>_report.c: a line each. */
#ifndef SCENARIOS_REPORTS_H
#define SCENARIOS_REPORTS_H

#include "report/report.h"

extern const struct report report_ops;
extern const struct report report_scale;
extern const struct report report_sendrecv;
extern const struct report report_oplog;
extern const struct report report_prefetch;
extern const struct report report_regcost;
extern const struct report report_touch;
extern const struct report report_conncost;

#endif
