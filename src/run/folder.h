/* Where a run's files go. */
#ifndef RUN_FOLDER_H
#define RUN_FOLDER_H

#include "run/run.h"

/* Makes run->dir (--out, or results/<UTC time>-<host>), run_id and
 * started_utc.  An existing folder must hold no results. */
int folder_create(struct run *run, struct err *err);

/* run->dir is that of an interrupted run, and can be written to. */
int folder_resume(struct run *run, struct err *err);

/* Either leaves the folder locked (flock(2) on it, so that nothing is left
 * behind and a killed run frees it): in-use if a run that is still alive
 * writes to it.  Where a file system has no locks there is none. */
void folder_unlock(struct run *run);

#endif
