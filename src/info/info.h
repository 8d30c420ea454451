/* This host as facts: what `rdmabench info` shows and every run.json has. */
#ifndef INFO_INFO_H
#define INFO_INFO_H

#include <stdio.h>

#include "info/findings.h"
#include "machine/facts.h"
#include "machine/host.h"

/* Asks everything.  `root` is put before every path of /proc, /sys and /dev;
 * "" for the real ones.  Never fails.  It opens RDMA devices for a moment:
 * not before a fork. */
void info_gather(struct facts *facts, const struct host *host,
		 const char *root);

/* Section by section, then the findings, one line each. */
void info_print(FILE *out, const struct facts *facts,
		const struct findings *findings);

#endif
