#include "run/plan.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/splitmix.h"
#include "base/units.h"
#include "machine/counter_event.h"
#include "run/scenario.h"

static void add_axis(struct plan *plan, const struct opt *o, size_t base)
{
	struct plan_axis *a = &plan->axes[plan->n_axes++];
	struct err err;
	int ret;

	assert(plan->n_axes <= PLAN_AXES_MAX);
	a->o = o;
	a->base = base;
	ret = opt_parse_list(o, o->def, &a->values, &err);
	assert(!ret);
	(void)ret;
}

/* The scenario's own defaults are code: bad ones are bugs. */
static void set_defaults(struct plan *plan)
{
	const struct scenario *scn = plan->scn;
	struct err err;
	bool known;
	unsigned i;
	int ret;

	for (i = 0; i < scn->n_defaults; i++) {
		ret = plan_set(plan, scn->defaults[i].name,
			       scn->defaults[i].text, &known, &err);
		assert(!ret && known);
		(void)ret;
	}
}

void plan_init(struct plan *plan, const struct scenario *scn)
{
	struct point_group groups[POINT_GROUPS];
	unsigned i, k;

	memset(plan, 0, sizeof(*plan));
	plan->scn = scn;
	point_defaults(&plan->proto.client, scn);
	point_defaults(&plan->proto.server, scn);
	point_groups(scn, groups);
	for (i = 0; i < POINT_GROUPS; i++)
		for (k = 0; k < groups[i].g->n; k++)
			if (groups[i].g->opts[k].role == OPT_AXIS)
				add_axis(plan, &groups[i].g->opts[k],
					 groups[i].offset);
	set_defaults(plan);
	for (i = 0; i < plan->n_axes; i++)
		plan->axes[i].given = false;
}

void plan_fini(struct plan *plan)
{
	free(plan->points);
	plan->points = NULL;
	plan->n_points = 0;
}

/* "CLIENT[,SERVER]"; an empty part keeps the default. */
static int set_host(struct plan *plan, const struct opt *o, size_t base,
		    const char *text, struct err *err)
{
	char copy[OPT_TEXT_MAX], *comma;
	const char *server;
	int ret = 0;

	if (strlen(text) >= sizeof(copy))
		return err_set(err, -EINVAL, REASON_USAGE, "--%s: too long",
			       o->name);
	strcpy(copy, text);
	comma = strchr(copy, ',');
	server = o->role == OPT_HOST_OWN ? "" : copy;
	if (comma) {
		*comma = '\0';
		server = comma + 1;
	}
	if (copy[0])
		ret = opt_set(o, (char *)&plan->proto.client + base, copy, err);
	if (!ret && server[0])
		ret = opt_set(o, (char *)&plan->proto.server + base, server,
			      err);
	return ret;
}

static struct plan_axis *axis_of(struct plan *plan, const struct opt *o)
{
	unsigned i;

	for (i = 0; i < plan->n_axes; i++)
		if (plan->axes[i].o == o)
			return &plan->axes[i];
	return NULL;
}

static int set_list(struct plan_axis *a, const char *text, struct err *err)
{
	assert(a);
	a->given = true;
	return opt_parse_list(a->o, text, &a->values, err);
}

int plan_set(struct plan *plan, const char *name, const char *text, bool *known,
	     struct err *err)
{
	const struct opt *o;
	void *where;
	size_t base;
	int ret;

	o = point_opt(&plan->proto.client, name, &where);
	*known = o != NULL;
	if (!o)
		return 0;
	base = (size_t)((char *)where - (char *)&plan->proto.client);
	if (!text)
		text = "yes";
	if (o->role == OPT_AXIS)
		return set_list(axis_of(plan, o), text, err);
	if (o->role == OPT_HOST || o->role == OPT_HOST_OWN)
		return set_host(plan, o, base, text, err);
	ret = opt_set(o, where, text, err);
	if (!ret)
		ret = opt_set(o, (char *)&plan->proto.server + base, text, err);
	return ret;
}

/* Takes the axis' part of a point's index; returns the rest of it. */
static size_t set_axis(struct plan_point *pp, const struct plan_axis *a,
		       size_t index)
{
	uint64_t value = a->values.v[index % a->values.n];

	opt_store(a->o, (char *)&pp->client + a->base, value);
	opt_store(a->o, (char *)&pp->server + a->base, value);
	return index / a->values.n;
}

static bool is_transport(const struct plan_axis *a)
{
	return !strcmp(a->o->name, "transport");
}

/* The transport first: what is first varies fastest. */
static void set_axes(const struct plan *plan, struct plan_point *pp,
		     size_t index)
{
	unsigned i;

	for (i = 0; i < plan->n_axes; i++)
		if (is_transport(&plan->axes[i]))
			index = set_axis(pp, &plan->axes[i], index);
	for (i = 0; i < plan->n_axes; i++)
		if (!is_transport(&plan->axes[i]))
			index = set_axis(pp, &plan->axes[i], index);
}

/* Without a link, points that differ in it alone are the same. */
static void drop_link_axes(struct plan *plan)
{
	struct need need;
	unsigned i;

	plan->scn->need(plan->proto.client.scn_cfg, &need);
	for (i = 0; need.no_link && i < plan->n_axes; i++)
		if (plan->axes[i].base == offsetof(struct point, link))
			plan->axes[i].values.n = 1;
}

static int check_counters(const struct plan *plan, struct err *err)
{
	struct counter_list list;
	int ret = counter_list_parse(&list, plan->proto.client.trial.counters,
				     err);

	return ret ? ret : counter_list_check(&list, err);
}

/* What does not matter to a point is the same in all of them. */
static void normalise(struct plan_point *pp)
{
	const struct scenario *scn = pp->client.scn;

	if (scn->canonical) {
		scn->canonical(pp->client.scn_cfg);
		scn->canonical(pp->server.scn_cfg);
	}
	if (scn->settle) {
		scn->settle(&pp->client);
		scn->settle(&pp->server);
	}
	if (link_transport(&pp->client.link)->qp_types)
		return;
	pp->client.link.qp_type = QP_RC;
	pp->server.link.qp_type = QP_RC;
}

static bool is_there(const struct plan *plan, const struct plan_point *pp)
{
	unsigned i;

	for (i = 0; i < plan->n_points; i++) {
		const struct plan_point *other = &plan->points[i];

		/* Both began as copies of one: padding is the same. */
		if (!memcmp(&other->client, &pp->client, sizeof(pp->client)) &&
		    !memcmp(&other->server, &pp->server, sizeof(pp->server)))
			return true;
	}
	return false;
}

static bool holds(const struct opt_list *list, uint64_t v)
{
	unsigned i;

	for (i = 0; i < list->n; i++)
		if (list->v[i] == v)
			return true;
	return false;
}

/* What is in both; the first, if nothing is. */
static void intersect(struct opt_list *list, const struct opt_list *keep)
{
	unsigned i, n = 0;

	for (i = 0; i < list->n; i++)
		if (holds(keep, list->v[i]))
			list->v[n++] = list->v[i];
	list->n = n ? n : 1;
}

/* Of lists that are not the user's, what the preset keeps. */
static void thin_out(struct plan *plan)
{
	struct opt_list keep;
	struct err err;
	unsigned i, k;
	int ret;

	for (i = 0; i < plan->n_keep; i++) {
		for (k = 0; k < plan->n_axes; k++) {
			struct plan_axis *a = &plan->axes[k];

			if (a->given || strcmp(a->o->name, plan->keep[i].name))
				continue;
			ret = opt_parse_list(a->o, plan->keep[i].text, &keep,
					     &err);
			assert(!ret); /* it is the scenario's own list */
			(void)ret;
			intersect(&a->values, &keep);
		}
	}
}

static int add_cross(struct plan *plan, struct err *err)
{
	struct err contradiction = {.reason = REASON_NONE};
	struct plan_point *points;
	size_t n = 1, i;

	drop_link_axes(plan);
	thin_out(plan);
	for (i = 0; i < plan->n_axes; i++) {
		n *= plan->axes[i].values.n;
		if (n + plan->n_points > PLAN_POINTS_MAX)
			return err_set(err, -EINVAL, REASON_USAGE,
				       "more than %d points: shorten a list",
				       PLAN_POINTS_MAX);
	}
	points = realloc(plan->points, (plan->n_points + n) * sizeof(*points));
	if (!points)
		return err_sys(err, -ENOMEM, "plan of %zu points", n);
	plan->points = points;
	for (i = 0; i < n; i++) {
		struct plan_point *pp = &plan->points[plan->n_points];

		*pp = plan->proto;
		set_axes(plan, pp, i);
		normalise(pp);
		if (!plan->scn->supported(pp->client.scn_cfg, &contradiction) &&
		    !is_there(plan, pp))
			pp->id = plan->n_points++;
	}
	if (plan->n_points)
		return 0;
	*err = contradiction;
	return -EINVAL;
}

/* A sweep's option may be a knob to the user; in the plan it is an axis. */
static struct plan_axis *sweep_axis(struct plan *plan, const char *name)
{
	void *where;
	const struct opt *o = point_opt(&plan->proto.client, name, &where);
	struct plan_axis *a;

	assert(o);
	a = axis_of(plan, o);
	if (a)
		return a;
	assert(plan->n_axes < PLAN_AXES_MAX);
	a = &plan->axes[plan->n_axes++];
	a->o = o;
	a->base = (size_t)((char *)where - (char *)&plan->proto.client);
	return a;
}

static int add_sweep(struct plan *plan, const struct sweep *sweep,
		     struct err *err)
{
	struct plan_axis before[PLAN_AXES_MAX];
	const unsigned n_before = plan->n_axes;
	const struct sweep_axis *s;
	int ret = 0;

	assert(!sweep->axes[SWEEP_AXES].option); /* it has an end */
	memcpy(before, plan->axes, sizeof(before));
	for (s = sweep->axes; !ret && s->option; s++) {
		struct plan_axis *a = sweep_axis(plan, s->option);

		if (!a->given)
			ret = opt_parse_list(a->o, s->list, &a->values, err);
	}
	if (!ret)
		ret = add_cross(plan, err);
	memcpy(plan->axes, before, sizeof(before));
	plan->n_axes = n_before;
	return ret;
}

bool plan_is_own(const struct plan *plan, const struct plan_axis *a)
{
	return opt_find(plan->scn->opts, a->o->name) ||
	       (plan->scn->shared && opt_find(plan->scn->shared, a->o->name));
}

/* Did the user take over an axis that the sweeps vary?  A shared one (the
 * transport) only replaces what they say of it. */
static bool taken_over(struct plan *plan)
{
	unsigned i, k;

	for (i = 0; i < plan->scn->n_sweeps; i++) {
		const struct sweep_axis *s = plan->scn->sweeps[i].axes;

		for (; s->option; s++)
			for (k = 0; k < plan->n_axes; k++)
				if (plan->axes[k].given &&
				    plan_is_own(plan, &plan->axes[k]) &&
				    !strcmp(plan->axes[k].o->name, s->option))
					return true;
	}
	return false;
}

static int add_points(struct plan *plan, struct err *err)
{
	unsigned i;
	int ret = 0;

	if (!plan->scn->sweeps || taken_over(plan))
		return add_cross(plan, err);
	for (i = 0; !ret && i < plan->scn->n_sweeps; i++)
		ret = add_sweep(plan, &plan->scn->sweeps[i], err);
	return ret;
}

int plan_expand(struct plan *plan, struct err *err)
{
	unsigned i;
	int ret = check_counters(plan, err);

	if (!ret)
		ret = add_points(plan, err);
	for (i = 0; !ret && i < plan->n_points; i++)
		ret = link_check(&plan->points[i].client.link, err);
	return ret;
}

/* Ends of a point that wait on this host, of which `ends` are the client and
 * its first server. */
static unsigned ends_of(const struct point *pt, unsigned ends)
{
	struct need need;

	pt->scn->need(pt->scn_cfg, &need);
	if (need.workers > 1)
		return ends * need.workers;
	return need.peers > 1 && ends > 1 ? 1 + need.peers : ends;
}

/* By events, unless a client has several links: then it yields, for it
 * cannot sleep on all of them at once. */
static enum poll_mode settled(unsigned cpus, unsigned ends)
{
	if (cpus >= ends)
		return POLL_SPIN;
	return ends > 2 ? POLL_YIELD : POLL_EVENT;
}

/* CPUs that the ends of the point may spin on: one if they are pinned to the
 * same. */
static unsigned cpus_of(const struct plan_point *p,
			const struct poll_room *room)
{
	const uint64_t client = p->client.link.cpu, server = p->server.link.cpu;

	if (room->ends > 1 &&
	    (client == OPT_WORD ? room->first : client) ==
		    (server == OPT_WORD ? room->last : server))
		return 1;
	return room->cpus;
}

const char *plan_settle_poll(struct plan *plan, const struct poll_room *room,
			     char *buf, size_t cap)
{
	unsigned i, n, cpus, most = 0, least = room->cpus;
	bool asked = false;

	for (i = 0; i < plan->n_points; i++) {
		struct link_cfg *c = &plan->points[i].client.link;

		asked |= c->poll == POLL_SPIN;
		if (c->poll == LINK_POLL_AUTO || c->poll == POLL_SPIN) {
			n = ends_of(&plan->points[i].client, room->ends);
			cpus = cpus_of(&plan->points[i], room);
			c->poll = settled(cpus, n);
			most = c->poll != POLL_SPIN && n > most ? n : most;
			least = cpus < least ? cpus : least;
		}
		plan->points[i].server.link.poll = c->poll;
	}
	if (!most)
		return NULL;
	snprintf(buf, cap,
		 "%u ends on %u CPU%s of this host: waiting by %s%s (two "
		 "that spin on one CPU wait for each other's time slices)",
		 most, least, least == 1 ? "" : "s",
		 most > 2 ? "yields" : "events",
		 asked ? " instead of spinning" : "");
	return buf;
}

void plan_order(const struct plan *plan, uint64_t seed, unsigned trial,
		unsigned *order)
{
	uint64_t state = seed + trial * 0x632be59bd9b4e019u;
	unsigned i, k, swap;

	for (i = 0; i < plan->n_points; i++)
		order[i] = i;
	for (i = plan->n_points; i > 1; i--) {
		k = (unsigned)(splitmix_next(&state) % i);
		swap = order[i - 1];
		order[i - 1] = order[k];
		order[k] = swap;
	}
}

/* --- in words -----------------------------------------------------------------*/

static bool varies(const struct plan *plan, const struct opt *o, size_t base)
{
	const uint64_t first =
		opt_load(o, (const char *)&plan->points[0].client + base);
	unsigned i;

	if (o->type == OPT_TEXT)
		return false;
	for (i = 1; i < plan->n_points; i++)
		if (opt_load(o, (const char *)&plan->points[i].client + base) !=
		    first)
			return true;
	return false;
}

static bool is_told(const struct plan *plan, const struct opt *o, size_t base)
{
	if (!strcmp(o->name, "transport") || !strcmp(o->name, "size") ||
	    (o->role != OPT_AXIS && o->role != OPT_KNOB))
		return false;
	return (o->role == OPT_AXIS && opt_find(plan->scn->opts, o->name)) ||
	       varies(plan, o, base);
}

static void describe_options(const struct plan *plan,
			     const struct plan_point *pp,
			     const struct point_group *g, char *buf, size_t cap)
{
	const char *base = (const char *)&pp->client + g->offset;
	char value[OPT_TEXT_MAX];
	size_t len;
	unsigned i;

	for (i = 0; i < g->g->n; i++) {
		const struct opt *o = &g->g->opts[i];

		if (!is_told(plan, o, g->offset))
			continue;
		len = strlen(buf);
		opt_format(o, base, value, sizeof(value));
		snprintf(buf + len, cap - len, " %s=%s", o->name, value);
	}
}

char *plan_describe(const struct plan *plan, const struct plan_point *pp,
		    char *buf, size_t cap)
{
	struct point_group groups[POINT_GROUPS];
	struct need need;
	char size[24] = "";
	unsigned i;

	plan->scn->need(pp->client.scn_cfg, &need);
	if (need.size_bytes)
		units_format_size(size, sizeof(size), need.size_bytes);
	snprintf(buf, cap, "%s%s%s%s%s", plan->scn->name, *size ? " " : "",
		 size, need.no_link ? "" : " ",
		 need.no_link ? "" : link_transport(&pp->client.link)->name);
	point_groups(plan->scn, groups);
	for (i = 0; i < POINT_GROUPS; i++)
		describe_options(plan, pp, &groups[i], buf, cap);
	return buf;
}
