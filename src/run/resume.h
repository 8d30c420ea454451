/*
 * Going on with a run that was interrupted: what its folder says of it, and
 * whether this is the same plan on the same machine.  Results of different
 * boots are never mixed, so a machine that was restarted
 * is another one.
 */
#ifndef RUN_RESUME_H
#define RUN_RESUME_H

#include <jansson.h>
#include <stdbool.h>

#include "base/err.h"

struct run;

struct resume {
	json_t *json; /* run.json, as it was */
	char **argv;  /* as typed then; strings belong to json */
	int argc;
	bool finished;
};

/* -EINVAL (usage) if the folder holds no run.json of a run of this version.
 * resume_fini in either case. */
int resume_load(struct resume *r, const char *dir, struct err *err);
void resume_fini(struct resume *r);

/* Once the peer is open: the same options, points and hosts?  Else -EINVAL
 * (usage) with what differs.  Takes over run id, start and seed. */
int resume_check(const struct resume *r, struct run *run, struct err *err);

/* What only the first part of the run knew: its links, warnings and empty
 * columns, into the new description. */
void resume_merge(const struct resume *r, json_t *json);

#endif
