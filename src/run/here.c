#include "run/here.h"

#include <string.h>

#include "run/scenario.h"

/* The transport that the point cannot do without; NULL: none. */
static const struct transport *needed(const struct plan_point *pp)
{
	struct need need;

	pp->client.scn->need(pp->client.scn_cfg, &need);
	if (need.rdma)
		return transport_find("rdma");
	return need.no_link ? NULL : link_transport(&pp->client.link);
}

static unsigned index_of(const struct transport *t)
{
	unsigned i = 0;

	while (transport_at(i) && transport_at(i) != t)
		i++;
	return i;
}

/* By events: whether both ends may spin is another question. */
static void probe(struct here_probe *p, const struct transport *t,
		  const struct link_cfg *link)
{
	struct ep_attr attr;

	link_attr(link, &attr);
	attr.poll = POLL_EVENT;
	p->ret = t->probe(&attr, &p->why);
	p->done = true;
}

int here_can(struct here *here, const struct plan_point *pp, struct err *why)
{
	const struct transport *t = needed(pp);
	const unsigned i = t ? index_of(t) : HERE_TRANSPORTS;
	struct here_probe *p;

	if (i >= HERE_TRANSPORTS)
		return 0;
	p = &here->transport[i];
	if (!p->done)
		probe(p, t, &pp->client.link);
	if (p->ret)
		*why = p->why;
	return p->ret;
}
