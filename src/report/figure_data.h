/*
 * The data file of a figure, which its plot script reads: what is in it says
 * report.h.
 */
#ifndef REPORT_FIGURE_DATA_H
#define REPORT_FIGURE_DATA_H

#include "report/report.h"

/* NULL if the view can be drawn, else the reason, in words. */
const char *figure_data_check(const struct report_figure *fig,
			      const struct report_view *view, char *buf,
			      size_t size);

/* Writes `file` anew; an error leaves none.  `conditions` as in struct
 * report. */
int figure_data_write(const char *file, const struct report_figure *fig,
		      const struct report_view *view,
		      const char *const *conditions, struct err *err);

#endif
