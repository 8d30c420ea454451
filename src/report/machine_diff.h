/*
 * What differs between the descriptions of two runs (run.json): version,
 * options, hosts, devices.  Whoever compares results should know.
 */
#ifndef REPORT_MACHINE_DIFF_H
#define REPORT_MACHINE_DIFF_H

#include <stddef.h>

#include "base/err.h"

struct machine_difference {
	char what[128];		 /* "client cpu microcode" */
	char old[160], new[160]; /* "-": not there */
};

struct machine_diff {
	struct machine_difference *v;
	size_t n;
};

/* A folder without run.json has nothing to say: -ENOENT (no-file).  Clean
 * text.  machine_diff_fini in either case. */
int machine_diff_read(struct machine_diff *d, const char *old_dir,
		      const char *new_dir, struct err *err);
void machine_diff_fini(struct machine_diff *d);

#endif
