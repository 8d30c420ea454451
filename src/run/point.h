/*
 * A point: one combination of values of every option that a trial needs.
 * It is what the server is asked to serve; the plan behind it stays with
 * the client.
 */
#ifndef RUN_POINT_H
#define RUN_POINT_H

#include <stdalign.h>
#include <stdint.h>

#include "base/opt.h"
#include "ctl/pack.h"
#include "run/trial_cfg.h"
#include "transport/link.h"

struct scenario;

enum { SCENARIO_CFG_MAX = 1024 };

struct point {
	const struct scenario *scn;
	struct link_cfg link;
	struct trial_cfg trial;
	alignas(16) unsigned char scn_cfg[SCENARIO_CFG_MAX];
};

/* The option groups that make up a point, and where each one's struct is. */
enum { POINT_GROUPS = 4 };
struct point_group {
	const struct opt_group *g;
	size_t offset; /* in struct point */
};
void point_groups(const struct scenario *scn,
		  struct point_group groups[POINT_GROUPS]);

void point_defaults(struct point *pt, const struct scenario *scn);

/* Finds an option of the point by long name; *base is set to the struct it
 * lives in.  NULL if there is none. */
const struct opt *point_opt(struct point *pt, const char *name, void **base);

/* As it travels: scenario name, then name=value pairs of every option but
 * those of the client alone.  Unpacking checks every name and bound. */
void point_pack(const struct point *pt, struct writer *w);
int point_unpack(struct point *pt, struct reader *r, struct err *err);

#endif
