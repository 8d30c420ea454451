/*
 * report.html: the results of a folder as one self-contained file, for a
 * browser and for paper.  No network, no script; figures are inline SVG.
 * Whatever comes out of a file is escaped; a figure that holds more than a
 * drawing is left out.
 */
#ifndef REPORT_HTML_H
#define REPORT_HTML_H

#include "base/err.h"
#include "report/figures.h"

/*
 * Writes DIR/report.html.  `figures`: what has been drawn of this folder.
 * Refuses (-EINVAL) to mix runs: every CSV must be of the run that run.json
 * describes.  On an error the file is as it was.
 */
int html_write(const char *dir, const struct figures_result *figures,
	       struct err *err);

#endif
