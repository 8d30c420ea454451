#include "run/asked.h"

#include <string.h>

#include "machine/cpu.h"
#include "machine/mem.h"
#include "run/scenario.h"

static int try_cpu(uint64_t cpu, struct err *err)
{
	unsigned cpus[CPU_LIST_MAX];
	const unsigned n = cpu_allowed(cpus, CPU_LIST_MAX);
	int ret;

	if (cpu == OPT_WORD)
		return 0;
	ret = cpu_pin((unsigned)cpu, err);
	return ret ? ret : cpu_unpin(cpus, n, err);
}

static int try_node(uint64_t node, struct err *err)
{
	struct mem page = {.addr = NULL};
	int ret;

	if (node == OPT_WORD)
		return 0;
	ret = mem_alloc_on(&page, 1, (int)node, err);
	mem_free(&page);
	if (ret)
		err_wrap(err, "--numa");
	return ret;
}

static int try_places(const struct link_cfg *link, struct err *err)
{
	int ret = try_cpu(link->cpu, err);

	return ret ? ret : try_node(link->numa, err);
}

int asked_places(const struct run *run, struct err *err)
{
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && i < run->n_plans; i++) {
		const struct plan_point *pp = &run->plans[i].proto;

		ret = try_places(&pp->client.link, err);
		if (!ret && !run->cfg->connect[0])
			ret = try_places(&pp->server.link, err);
	}
	return ret;
}

/* A scenario without a link opens devices by itself. */
static bool may_use_rdma(const struct plan_point *pp)
{
	struct need need;

	pp->client.scn->need(pp->client.scn_cfg, &need);
	return need.no_link || link_transport(&pp->client.link)->qp_types;
}

static bool any(const struct run *run,
		bool (*is_so)(const struct plan_point *pp))
{
	unsigned i, k;

	for (i = 0; i < run->n_plans; i++)
		for (k = 0; k < run->plans[i].n_points; k++)
			if (is_so(&run->plans[i].points[k]))
				return true;
	return false;
}

int asked_devices(const struct run *run, struct err *err)
{
	const struct transport *rdma = transport_find("rdma");
	unsigned i;
	int ret = 0;

	for (i = 0; !ret && i < run->n_plans; i++) {
		/* The device is not an axis: any point tells it. */
		const struct link_cfg *link =
			&run->plans[i].points[0].client.link;
		struct ep_attr attr;

		if (!link_names_device(link))
			continue;
		link_attr(link, &attr);
		ret = rdma->probe(&attr, err);
	}
	if (ret && !any(run, may_use_rdma))
		err_wrap(err, "--device, --ib-port and --gid-index say by "
			      "which address TCP goes");
	return ret;
}

static bool has_link(const struct plan_point *pp)
{
	struct need need;

	pp->client.scn->need(pp->client.scn_cfg, &need);
	return !need.no_link;
}

static const struct plan_axis *given_axis(const struct plan *plan,
					  const struct opt *o)
{
	unsigned i;

	for (i = 0; i < plan->n_axes; i++)
		if (plan_is_own(plan, &plan->axes[i]) &&
		    !strcmp(plan->axes[i].o->name, o->name))
			return &plan->axes[i];
	return NULL;
}

static bool has_point(const struct plan *plan, const struct plan_axis *a,
		      uint64_t value)
{
	unsigned i;

	for (i = 0; i < plan->n_points; i++)
		if (opt_load(a->o, (const char *)&plan->points[i].client +
					   a->base) == value)
			return true;
	return false;
}

/* A value that no point has: beside the others of the command line it means
 * nothing (canonical), or contradicts them (supported). */
static void value_in_vain(struct run *run, const struct plan *plan,
			  const struct plan_axis *a, uint64_t value)
{
	struct point pt = plan->proto.client;
	char text[OPT_TEXT_MAX];

	if (has_point(plan, a, value))
		return;
	opt_store(a->o, (char *)&pt + a->base, value);
	opt_format(a->o, (char *)&pt + a->base, text, sizeof(text));
	run_warn(run,
		 "%s: --%s %s has no effect beside the other options: no point "
		 "has it",
		 plan->scn->name, a->o->name, text);
}

static void values_in_vain(struct run *run, const struct opt *o)
{
	const struct plan_axis *a;
	unsigned i, k;

	for (i = 0; i < run->n_plans; i++) {
		a = given_axis(&run->plans[i], o);
		for (k = 0; a && k < a->values.n; k++)
			value_in_vain(run, &run->plans[i], a, a->values.v[k]);
	}
}

void asked_in_vain(struct run *run)
{
	static const struct {
		const char *name;
		bool (*matters)(const struct plan_point *pp);
		const char *why;
	} options[] = {
		{"mtu", may_use_rdma, "nothing runs over rdma"},
		{"qp-type", may_use_rdma, "nothing runs over rdma"},
		{"rdma-cm", may_use_rdma, "nothing runs over rdma"},
		{"transport", has_link, "nothing that runs has a link"},
	};
	unsigned i, k;

	for (i = 0; i < run->n_given; i++) {
		values_in_vain(run, run->given[i].o);
		for (k = 0; k < sizeof(options) / sizeof(options[0]); k++)
			if (!strcmp(run->given[i].o->name, options[k].name) &&
			    !any(run, options[k].matters))
				run_warn(run, "--%s has no effect: %s",
					 options[k].name, options[k].why);
	}
}
