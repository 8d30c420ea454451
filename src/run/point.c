#include "run/point.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "run/scenario.h"

void point_groups(const struct scenario *scn,
		  struct point_group groups[POINT_GROUPS])
{
	static const struct opt_group none;
	const size_t own = offsetof(struct point, scn_cfg);

	groups[0] =
		(struct point_group){scn->shared ? scn->shared : &none, own};
	groups[1] = (struct point_group){scn->opts, own};
	groups[2] =
		(struct point_group){&link_opts, offsetof(struct point, link)};
	groups[3] = (struct point_group){&trial_opts,
					 offsetof(struct point, trial)};
}

void point_defaults(struct point *pt, const struct scenario *scn)
{
	struct point_group groups[POINT_GROUPS];
	unsigned i;

	assert(scn->cfg_size <= sizeof(pt->scn_cfg));
	memset(pt, 0, sizeof(*pt));
	pt->scn = scn;
	point_groups(scn, groups);
	for (i = 0; i < POINT_GROUPS; i++)
		opt_defaults(groups[i].g, (char *)pt + groups[i].offset);
}

const struct opt *point_opt(struct point *pt, const char *name, void **base)
{
	struct point_group groups[POINT_GROUPS];
	unsigned i;

	point_groups(pt->scn, groups);
	for (i = 0; i < POINT_GROUPS; i++) {
		const struct opt *o = opt_find(groups[i].g, name);

		if (o) {
			*base = (char *)pt + groups[i].offset;
			return o;
		}
	}
	return NULL;
}

void point_pack(const struct point *pt, struct writer *w)
{
	struct point_group groups[POINT_GROUPS];
	char value[OPT_TEXT_MAX];
	uint32_t n = 0;
	unsigned i, k;

	point_groups(pt->scn, groups);
	for (i = 0; i < POINT_GROUPS; i++)
		n += groups[i].g->n;
	put_str(w, pt->scn->name);
	put_u32(w, n);
	for (i = 0; i < POINT_GROUPS; i++) {
		for (k = 0; k < groups[i].g->n; k++) {
			const struct opt *o = &groups[i].g->opts[k];

			opt_format(o, (const char *)pt + groups[i].offset,
				   value, sizeof(value));
			put_str(w, o->name);
			put_str(w, value);
		}
	}
}

static int unpack_option(struct point *pt, struct reader *r, struct err *err)
{
	char name[64], value[OPT_TEXT_MAX];
	const struct opt *o;
	void *base;

	get_str(r, name, sizeof(name));
	get_str(r, value, sizeof(value));
	if (r->bad)
		return err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
			       "an option in PREPARE does not parse");
	o = point_opt(pt, name, &base);
	if (!o)
		return err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
			       "unknown option '%s' in PREPARE", name);
	return opt_set(o, base, value, err);
}

int point_unpack(struct point *pt, struct reader *r, struct err *err)
{
	const struct scenario *scn;
	char name[64];
	uint32_t n;
	int ret;

	get_str(r, name, sizeof(name));
	n = get_u32(r);
	scn = scenario_find(name);
	if (r->bad || !scn)
		return err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
			       "no scenario '%s' here", name);
	point_defaults(pt, scn);
	while (n-- && !r->bad) {
		ret = unpack_option(pt, r, err);
		if (ret)
			return ret;
	}
	if (!reader_done(r))
		return err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
			       "PREPARE goes on after its last option");
	if (pt->link.poll >= POLL_COUNT)
		return err_set(err, -EBADMSG, REASON_PEER_PROTOCOL,
			       "--poll must be settled by the client");
	return scn->supported(pt->scn_cfg, err);
}
