#include "run/end.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/stop.h"
#include "machine/cpu.h"
#include "machine/cputime.h"
#include "machine/mem.h"
#include "machine/numa_node.h"
#include "rdma/hw_stats.h"
#include "run/scenario.h"

#define CONNECT_TIMEOUT_NS 4000000000ull

static const struct nic_source nic_source = {
	.root = "/sys/class/infiniband",
	.stats = rdma_hw_stats,
};

/* The client takes the first CPU it may use and the server the last, so
 * that two ends on one host are apart without having to agree. */
static int pin(struct end *e, const struct link_cfg *link, struct err *err)
{
	unsigned *cpus = e->cpus, n;

	n = e->n_cpus = cpu_allowed(cpus, CPU_LIST_MAX);
	e->pinned_cpu = UINT_MAX;
	if (link->cpu != OPT_WORD)
		e->pinned_cpu = (unsigned)link->cpu;
	else if (n >= 2)
		e->pinned_cpu = e->role == ROLE_ACTIVE ? cpus[0] : cpus[n - 1];
	else
		return 0;
	return cpu_pin(e->pinned_cpu, err);
}

static int check_need(const struct link_cfg *link, const struct need *need,
		      struct err *err)
{
	int ret = link_check(link, err);

	return ret ? ret
		   : mem_check_available(need->lock_bytes + need->plain_bytes,
					 err);
}

static int open_link(struct end *e, const struct end_env *env, unsigned index,
		     struct blob *blob, struct err *err)
{
	const struct link_cfg *link = &e->pt->link;
	const struct transport *tp = link_transport(link);
	struct ep_attr attr;
	struct need need;
	int ret;

	e->pt->scn->need(e->pt->scn_cfg, &need);
	ret = check_need(link, &need, err);
	if (ret || need.no_link)
		return ret;
	link_attr(link, &attr);
	attr.role = env->role;
	attr.recv_depth = need.recv_depth;
	attr.max_bytes = need.max_bytes;
	attr.sges = need.sges;
	attr.extras = need.extras;
	attr.ops = need.ops;
	if (need.lanes)
		attr.lanes = need.lanes;
	if (need.send_depth)
		attr.send_depth = need.send_depth;
	attr.data_addr = *env->data_addr[index];
	attr.clock = &env->gauge->clock;
	memcpy(attr.nonce, env->nonce[index], sizeof(attr.nonce));
	ret = tp->open(index ? &e->more[index - 1].ep : &e->ep, &attr, blob,
		       err);
	return ret ? ret
		   : ep_has_ops(end_ep(e, index), need.ops, e->pt->scn->name,
				err);
}

int end_open_own(struct end *own, struct blob *blob, struct err *err)
{
	const struct end_env env = {
		.role = own->role,
		.gauge = own->gauge,
		.nonce = {own->nonce},
		.data_addr = {&own->data_addr},
	};

	own->ep = NULL;
	return open_link(own, &env, 0, blob, err);
}

/* After pinning, so that what opens them is where it will be counted. */
static int open_counters(struct end *e, struct err *err)
{
	struct counter_list list;
	int ret = counter_list_parse(&list, e->pt->trial.counters, err);

	if (!ret)
		counters_open(&e->counters, &list, &counter_sys_linux);
	return ret;
}

static void hold_idle(struct end *e)
{
	latency_hold_begin(&e->hold, "");
	e->is.idle_held = e->hold.fd >= 0;
	if (!e->is.idle_held)
		snprintf(e->is.idle_why, sizeof(e->is.idle_why),
			 "/dev/cpu_dma_latency: %s", strerror(-e->hold.why));
}

/* By trying it with a page: a container may forbid it, and then buffers are
 * where they fall, unless a node was asked for. */
static int choose_node(struct end *e, const struct link_cfg *link,
		       struct err *err)
{
	const bool asked = link->numa != OPT_WORD;
	const char *device = end_caps(e)->device;
	struct mem page = {.addr = NULL};
	int ret;

	e->is.numa_node = asked ? (int)link->numa : numa_node_of(device, "");
	if (e->is.numa_node < 0) {
		snprintf(e->is.numa_why, sizeof(e->is.numa_why),
			 "the node of %.40s is not known",
			 device[0] ? device : "memory alone");
		e->is.numa_node = -1;
		return 0;
	}
	ret = mem_alloc_on(&page, 1, e->is.numa_node, err);
	mem_free(&page);
	if (!ret)
		return 0;
	if (asked) {
		err_wrap(err, "--numa");
		return ret;
	}
	e->is.numa_node = -1;
	snprintf(e->is.numa_why, sizeof(e->is.numa_why), "%.95s", err->text);
	return 0;
}

static int open_links(struct end *e, const struct end_env *env,
		      struct blob *blobs, struct err *err)
{
	unsigned i;
	int ret = open_link(e, env, 0, &blobs[0], err);

	for (i = 1; i < env->n_peers && !ret; i++)
		ret = open_link(e, env, i, &blobs[i], err);
	return ret;
}

int end_open(struct end *e, const struct point *pt, const struct end_env *env,
	     struct blob *blob, struct err *err)
{
	int ret;

	memset(e, 0, sizeof(*e));
	e->role = env->role;
	e->pt = pt;
	e->gauge = env->gauge;
	e->clock = &env->gauge->clock;
	e->seed = env->seed;
	e->pulse = env->pulse;
	e->rest = env->rest;
	e->pulse_arg = env->pulse_arg;
	e->data_addr = *env->data_addr[0];
	memcpy(e->nonce, env->nonce[0], sizeof(e->nonce));
	hold_idle(e);
	ret = pin(e, &pt->link, err);
	if (!ret && pt->scn->begin)
		ret = pt->scn->begin(e, pt->scn_cfg, err);
	if (!ret)
		ret = open_links(e, env, blob, err);
	if (!ret)
		ret = choose_node(e, &pt->link, err);
	if (!ret)
		ret = pt->scn->setup(e, pt->scn_cfg, err);
	if (!ret)
		ret = open_counters(e, err);
	if (ret)
		end_close(e);
	return ret;
}

const struct caps *end_caps(const struct end *e)
{
	return e->ep ? &e->ep->caps : &e->local;
}

void end_set_local(struct end *e, const char *device, bool software)
{
	e->local.ops = OP_BIT(OP_SEND); /* a device was opened */
	e->local.software_device = software;
	snprintf(e->local.device, sizeof(e->local.device), "%s", device);
	snprintf(e->local.path, sizeof(e->local.path), "loopback");
}

int end_connect(struct end *e, const struct blob *peer,
		const struct blob *peer_token, struct err *err)
{
	int ret;

	e->peer_token = *peer_token;
	if (!e->ep)
		return 0;
	ret = e->ep->tp->connect(e->ep, peer, CONNECT_TIMEOUT_NS, err);
	if (!ret && e->pt->scn->connect)
		ret = e->pt->scn->connect(e, err);
	if (!ret)
		nic_counters_open(&e->nic, &e->counters.list, &nic_source,
				  e->ep->caps.port ? e->ep->caps.device : "",
				  e->ep->caps.port);
	return ret;
}

int end_connect_more(struct end *e, unsigned index, const struct blob *peer,
		     const struct blob *peer_token, struct err *err)
{
	struct end_link *l = &e->more[index - 1];

	l->peer_token = *peer_token;
	if (!l->ep)
		return 0;
	return l->ep->tp->connect(l->ep, peer, CONNECT_TIMEOUT_NS, err);
}

static void close_links(struct end *e)
{
	unsigned i;

	for (i = 0; i < END_PEERS_MAX; i++)
		if (end_ep(e, i))
			end_ep(e, i)->tp->close(end_ep(e, i));
	for (i = 0; i < END_PEERS_MAX - 1; i++)
		e->more[i].ep = NULL;
	e->ep = NULL;
}

void end_close(struct end *e)
{
	struct err ignored;

	if (!e->pt)
		return;
	counters_close(&e->counters);
	e->pt->scn->teardown(e);
	close_links(e);
	/* These CPUs were ours before: getting them back cannot fail in a
	 * way that matters to a trial that is over. */
	if (e->pinned_cpu != UINT_MAX)
		(void)cpu_unpin(e->cpus, e->n_cpus, &ignored);
	latency_hold_end(&e->hold);
	e->pt = NULL;
}

/* Of all links together. */
static struct ep_counts counts_of(const struct end *e)
{
	struct ep_counts sum = e->others.counts;
	unsigned i;

	for (i = 0; i < END_PEERS_MAX; i++)
		if (end_ep(e, i))
			ep_counts_add(&sum, &end_ep(e, i)->counts);
	return sum;
}

static void tally_counts(struct tally *t, const struct ep_counts *a,
			 const struct ep_counts *b)
{
	tally_set(t, METRIC_SENDS, b->sends - a->sends);
	tally_set(t, METRIC_RECVS, b->recvs - a->recvs);
	tally_set(t, METRIC_BYTES_SENT, b->bytes_sent - a->bytes_sent);
	tally_set(t, METRIC_BYTES_RECV, b->bytes_recv - a->bytes_recv);
	tally_set(t, METRIC_ONE_SIDED, b->one_sided - a->one_sided);
	tally_set(t, METRIC_BYTES_ONE_SIDED,
		  b->bytes_one_sided - a->bytes_one_sided);
	tally_set(t, METRIC_POSTS, b->posts - a->posts);
	tally_set(t, METRIC_DOORBELLS, b->doorbells - a->doorbells);
}

/* /proc/stat counts in ticks of 10 ms: below ten of them it says nothing. */
#define HOST_TIME_MIN_NS 100000000u

static void tally_cputime(struct tally *t, const struct cputime *before,
			  uint64_t others_ns, uint64_t elapsed_ns)
{
	struct cputime now, d;

	cputime_now(&now);
	cputime_diff(&d, before, &now);
	tally_set(t, METRIC_CPU_NS, d.process_ns + others_ns);
	if (!d.host_known || elapsed_ns < HOST_TIME_MIN_NS)
		return;
	tally_set(t, METRIC_HOST_BUSY_NS, d.host_busy_ns);
	tally_set(t, METRIC_HOST_SOFTIRQ_NS, d.host_softirq_ns);
}

void end_before_phase(struct end *e, const struct phase *ph)
{
	if (ph->measured)
		nic_counters_begin(&e->nic);
}

static void rest(const struct end *e)
{
	const struct timespec nap = {.tv_nsec = (long)END_SLICE_EVENT_NS};

	if (e->rest)
		e->rest(e->pulse_arg);
	else
		nanosleep(&nap, NULL);
}

int end_stand_by(struct end *e, bool progressed, struct err *err)
{
	int ret = e->pulse(e->pulse_arg, progressed, err);

	while (!ret) {
		rest(e);
		ret = e->pulse(e->pulse_arg, progressed, err);
	}
	return ret > 0 ? 0 : ret;
}

bool end_has_part(const struct end *e)
{
	struct need need;

	if (e->role == ROLE_ACTIVE)
		return true;
	e->pt->scn->need(e->pt->scn_cfg, &need);
	return e->pt->scn->server && !need.client_alone;
}

static int run_scenario(struct end *e, const struct phase *ph, struct err *err)
{
	const struct scenario *scn = e->pt->scn;

	if (e->role == ROLE_ACTIVE)
		return scn->client(e, ph, err);
	/* Who has no part in the experiment stays out of its way, and hears
	 * nothing. */
	return end_has_part(e) ? scn->server(e, ph, err)
			       : end_stand_by(e, true, err);
}

static int run_counted(struct end *e, const struct phase *ph, struct err *err)
{
	int ret;

	counters_enable(&e->counters);
	ret = run_scenario(e, ph, err);
	counters_disable(&e->counters);
	counters_take(&e->counters, &e->tally);
	if (e->n_workers > 1)
		counters_forget_thread(&e->counters, &e->tally);
	return ret;
}

int end_phase(struct end *e, const struct phase *ph, struct err *err)
{
	const struct ep_counts before = counts_of(e);
	struct ep_counts after;
	struct cputime cpu;
	uint64_t begin = clock_raw_ns();
	int ret;

	tally_init(&e->tally);
	e->others.cpu_ns = 0;
	cputime_now(&cpu);
	ret = ph->measured ? run_counted(e, ph, err) : run_scenario(e, ph, err);
	nic_counters_quiet(&e->nic);
	tally_cputime(&e->tally, &cpu, e->others.cpu_ns,
		      clock_raw_ns() - begin);
	after = counts_of(e);
	tally_counts(&e->tally, &before, &after);
	return ret;
}

void end_after_phase(struct end *e, const struct phase *ph)
{
	if (ph->measured)
		nic_counters_end(&e->nic, &e->tally);
}

int end_verify(struct end *e, struct err *err)
{
	int ret = e->pt->scn->verify(e, err);

	if (!ret && tally_has(&e->tally, METRIC_VERIFIED))
		tally_add(&e->tally, METRIC_VERIFIED, e->verified);
	return ret;
}

void end_waiter_init(struct end_waiter *w, struct end *e, uint64_t bytes)
{
	memset(w, 0, sizeof(*w));
	w->e = e;
	w->give_up_ns =
		e->pt->trial.op_timeout_ns + (bytes >> 20) * 1000000000u;
	w->slice_ns = e->ep && e->ep->poll == POLL_EVENT ? END_SLICE_EVENT_NS
							 : END_SLICE_SPIN_NS;
	w->look_at =
		clock_ticks(e->clock) + clock_ticks_of(e->clock, END_LOOK_NS);
}

int end_waiter_look_now(struct end_waiter *w, uint64_t now, struct err *err)
{
	int ret = w->e->pulse(w->e->pulse_arg, true, err);

	w->look_at = now + clock_ticks_of(w->e->clock, END_LOOK_NS);
	return ret < 0 ? ret : 0;
}

static int check_progress(struct end_waiter *w, bool progressed,
			  struct err *err)
{
	uint64_t now = clock_raw_ns();

	/* A server that hears nothing has nothing to do; if the link broke,
	 * the client will notice and say so. */
	if (w->e->role == ROLE_PASSIVE)
		return 0;
	if (progressed || !w->quiet_since_ns) {
		w->quiet_since_ns = now;
		return 0;
	}
	if (now - w->quiet_since_ns < w->give_up_ns)
		return 0;
	return err_set(err, -ETIMEDOUT, REASON_LINK_FAILED,
		       "nothing arrived for %.1f s though the peer is alive "
		       "(--op-timeout)",
		       (double)w->give_up_ns / 1e9);
}

int end_waiter_slice(struct end_waiter *w, struct err *err)
{
	bool progressed = w->done != w->seen;
	int ret;

	w->seen = w->done;
	ret = w->e->pulse(w->e->pulse_arg, progressed, err);
	return ret ? ret : check_progress(w, progressed, err);
}

int end_wait_slices(struct end_waiter *w, struct comp *comp, unsigned n,
		    int got, struct err *err)
{
	struct ep *ep = w->e->ep;
	int ret;

	while (!got) {
		got = ep_wait(ep, comp, n, w->slice_ns);
		if (got)
			break;
		ret = end_waiter_slice(w, err);
		if (ret)
			return ret > 0 ? 0 : ret;
	}
	if (got < 0)
		*err = ep->err;
	return got;
}

static int poll_any(const struct end *e, unsigned n_links, unsigned *index,
		    struct comp *comp, unsigned n)
{
	unsigned i;
	int got = 0;

	for (i = 0; i < n_links && !got; i++) {
		*index = (*index + 1) % n_links;
		got = end_ep(e, *index)->tp->poll(end_ep(e, *index), comp, n);
	}
	return got;
}

/* No call waits for several links: by events each is waited for in turn, and
 * briefly, for another may have something. */
#define ANY_TURN_NS 50000u

static int turn(const struct end *e, unsigned n_links, unsigned *index,
		struct comp *comp, unsigned n)
{
	struct ep *ep = end_ep(e, (*index + 1) % n_links);
	int got;

	if (ep->poll == POLL_YIELD)
		sched_yield();
	if (ep->poll != POLL_EVENT)
		return poll_any(e, n_links, index, comp, n);
	got = poll_any(e, n_links, index, comp, n);
	if (got)
		return got;
	*index = (*index + 1) % n_links;
	return end_ep(e, *index)->tp->block(end_ep(e, *index), comp, n,
					    ANY_TURN_NS);
}

int end_wait_any(struct end_waiter *w, unsigned n_links, unsigned *index,
		 struct comp *comp, unsigned n, struct err *err)
{
	uint64_t since, now;
	int got, ret;

	if (n_links == 1) {
		*index = 0;
		return end_wait(w, comp, n, err);
	}
	got = poll_any(w->e, n_links, index, comp, n);
	w->idle += !got;
	for (since = clock_raw_ns(); !got;) {
		got = turn(w->e, n_links, index, comp, n);
		now = clock_raw_ns();
		if (got || now - since < w->slice_ns)
			continue;
		since = now;
		ret = end_waiter_slice(w, err);
		if (ret)
			return ret > 0 ? 0 : ret;
	}
	if (got < 0)
		*err = end_ep(w->e, *index)->err;
	return got;
}
