#include "run/cost.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "run/scenario.h"

/* What a trial costs that moves nothing: two ends and their phases, a link,
 * and each queue pair that it has; for a host that copies a byte in the usual
 * time. */
#define SET_UP_S 0.025
#define LANE_S 0.0005
/* An operation without its bytes. */
#define OP_S 50e-6
/* Memory that a trial sets up is cleared, filled, registered and read again,
 * at both ends. */
#define SET_UP_COPIES 12
/* What was noted is weighed against a guess of so long. */
#define TRUST_S 1.0
#define USUAL_COPY_NS 0.1

/* --- the measure -------------------------------------------------------------*/

static double copy_once(char *to, const char *from, size_t len)
{
	const uint64_t t0 = clock_raw_ns();

	memcpy(to, from, len);
	/* The compiler is not to see that nobody reads it. */
	__asm__ volatile("" : : "r"(to) : "memory");
	return (double)(clock_raw_ns() - t0) / (double)len;
}

void cost_init(struct cost *c)
{
	enum { LEN = 4 << 20, TIMES = 4 };
	char *from = malloc(LEN), *to = malloc(LEN);
	double ns;
	unsigned i;

	memset(c, 0, sizeof(*c));
	c->copy_ns = USUAL_COPY_NS;
	if (from && to) {
		/* The first pays for the pages. */
		memset(from, 1, LEN);
		c->copy_ns = copy_once(to, from, LEN);
		for (i = 1; i < TIMES; i++) {
			ns = copy_once(to, from, LEN);
			c->copy_ns = fmin(c->copy_ns, ns);
		}
	}
	free(from);
	free(to);
}

/* --- a guess -----------------------------------------------------------------*/

/* How often a byte is copied, or as good as that, on its way: by a software
 * device, for whether there is another one is not known here. */
static double copies(const struct plan_point *pp, const struct need *need)
{
	if (need->no_link)
		return 1;
	return link_transport(&pp->client.link)->qp_types ? 25 : 8;
}

static double phase_s(double asked_s, double least_ops, double op_s)
{
	return fmax(asked_s, least_ops * op_s);
}

/* trial.c: stretches of two operations at least, until they agree or as long
 * has gone by as is measured. */
static double warm_s(const struct trial_cfg *t, double op_s)
{
	enum { STRETCHES = 4, STRETCH_OPS = 2 };
	const double most = (double)t->duration_ns * 1e-9;
	double asked = fmax(most / 10, 0.01), s;

	if (t->warmup_ns != OPT_WORD)
		return phase_s((double)t->warmup_ns * 1e-9, STRETCH_OPS, op_s);
	if (t->iterations != OPT_WORD)
		asked = 0.01;
	s = phase_s(asked, STRETCH_OPS, op_s);
	return fmax(s, fmin(STRETCHES * s, most));
}

/* Before any operation. */
static double set_up_s(const struct cost *c, const struct need *need)
{
	const double slow = c->copy_ns / USUAL_COPY_NS;
	const double memory =
		fmax((double)need->lock_bytes, (double)need->size_bytes);

	return slow * (SET_UP_S + LANE_S * need->lanes) +
	       memory * SET_UP_COPIES * c->copy_ns * 1e-9;
}

double cost_guess(const struct cost *c, const struct plan_point *pp)
{
	const struct trial_cfg *t = &pp->client.trial;
	struct need need;
	double op_s, s;

	pp->client.scn->need(pp->client.scn_cfg, &need);
	op_s = OP_S +
	       (double)need.size_bytes * copies(pp, &need) * c->copy_ns * 1e-9;
	s = set_up_s(c, &need) + warm_s(t, op_s);
	if (t->iterations != OPT_WORD)
		return s + (double)t->iterations * op_s;
	return s +
	       phase_s((double)t->duration_ns * 1e-9, (double)t->min_ops, op_s);
}

/* --- what was learnt ---------------------------------------------------------*/

static unsigned kind_of(const struct plan_point *pp)
{
	const uint64_t i = pp->client.link.transport;

	return i < COST_TRANSPORTS ? (unsigned)i : COST_TRANSPORTS - 1;
}

void cost_begin_plan(struct cost *c)
{
	memset(c->took_s, 0, sizeof(c->took_s));
}

void cost_note(struct cost *c, const struct plan_point *pp, double took_s)
{
	struct cost_sum *sum = &c->sums[kind_of(pp)];

	assert(pp->id < PLAN_POINTS_MAX);
	c->took_s[pp->id] = took_s;
	sum->guess_s += cost_guess(c, pp);
	sum->took_s += took_s;
}

double cost_expect(const struct cost *c, const struct plan_point *pp, bool mine)
{
	const struct cost_sum *sum = &c->sums[kind_of(pp)];

	if (mine && c->took_s[pp->id] > 0)
		return c->took_s[pp->id];
	return cost_guess(c, pp) * (sum->took_s + TRUST_S) /
	       (sum->guess_s + TRUST_S);
}
