#include "run/run.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/splitmix.h"
#include "base/stop.h"
#include "info/info.h"
#include "machine/cpu.h"
#include "run/asked.h"
#include "run/folder.h"
#include "run/resume.h"
#include "run/run_json.h"
#include "run/scenario.h"
#include "run/sheet.h"

void run_warn(struct run *run, const char *fmt, ...)
{
	char text[RUN_WARNING_TEXT];
	va_list ap;
	unsigned i;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	for (i = 0; i < run->n_warnings; i++)
		if (!strcmp(run->warnings[i], text))
			return;
	if (run->n_warnings == RUN_WARNINGS_MAX)
		return;
	strcpy(run->warnings[run->n_warnings++], text);
	if (run->say)
		run->say(text);
}

/* What spoils numbers whatever is measured; the rest is in run.json. */
static void warn_host(struct run *run, const struct facts *facts,
		      const struct host *h, const char *end)
{
	struct findings findings;
	unsigned i;

	findings_judge(&findings, facts);
	for (i = 0; i < findings.n; i++) {
		const struct finding *x = &findings.v[i];

		if (x->severity == SEVERITY_SPOILS && !x->item[0])
			run_warn(run, "%s %s: %s: %s; mend: %s", end, h->name,
				 x->what, x->why, x->mend);
	}
}

/* Once the child is forked: RDMA devices are opened.  Our own server has
 * just asked the same host. */
static void learn_hosts(struct run *run)
{
	const struct hello *server = &run->peers[0].hello;

	if (run->peers[0].embedded)
		run->facts = server->facts;
	else
		info_gather(&run->facts, &run->host, "");
	warn_host(run, &run->facts, &run->host, "client");
	if (!run->peers[0].same_host)
		warn_host(run, &server->facts, &server->host, "server");
}

static void warn_trial(struct run *run, const struct trial *t)
{
	if (t->status != STATUS_OK)
		return;
	if (t->link.caps.qp_type[0] && t->link.caps.software_device)
		run_warn(run,
			 "RDMA device %s is software: it moves data by "
			 "CPU, so RDMA is not expected to win",
			 t->link.caps.device);
	if (!strcmp(t->link.caps.path, "loopback"))
		run_warn(run, "both ends are on one host: loopback, no wire");
}

/* As many as the point that needs most. */
static unsigned peers_needed(const struct run *run)
{
	unsigned i, k, n, most = 1;

	for (i = 0; i < run->n_plans; i++) {
		for (k = 0; k < run->plans[i].n_points; k++) {
			n = trial_peers(&run->plans[i].points[k]);
			most = n > most ? n : most;
		}
	}
	return most;
}

/* Our own children, all of them before any device is opened. */
static int open_children(struct run *run, unsigned n,
			 const struct peer_self *self, struct err *err)
{
	int ret = 0;

	while (!ret && run->n_peers < n)
		ret = peer_open_embedded(&run->peers[run->n_peers++], self,
					 err);
	return ret;
}

/* "HOST[,HOST...]" */
static int open_hosts(struct run *run, unsigned n, const struct peer_self *self,
		      struct err *err)
{
	const struct run_cfg *cfg = run->cfg;
	char names[OPT_TEXT_MAX], *rest = names, *name;
	const char *comma = cfg->connect;
	unsigned there = 1;
	int ret = 0;

	while ((comma = strchr(comma, ',')) && comma++)
		there++;
	if (there < n)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--connect %s: %u hosts are needed, it names %u",
			       cfg->connect, n, there);
	strcpy(names, cfg->connect);
	while (!ret && run->n_peers < n && (name = strsep(&rest, ",")))
		ret = peer_open(&run->peers[run->n_peers++], name,
				(unsigned)cfg->port, self, err);
	return ret;
}

static int open_peers(struct run *run, struct err *err)
{
	const unsigned n = peers_needed(run);
	struct peer_self self = {.host = &run->host,
				 .connect_ns = run->cfg->connect_ns};
	struct token token;
	unsigned i;
	int ret;

	if (run->cfg->token_file[0]) {
		ret = token_read(&token, run->cfg->token_file, err);
		if (ret)
			return ret;
		self.token = &token;
	}
	ret = run->cfg->connect[0] ? open_hosts(run, n, &self, err)
				   : open_children(run, n, &self, err);
	for (i = 0; i < run->n_peers && !ret; i++)
		if (run->peers[i].hello.sessions > 1)
			run_warn(run,
				 "the server has %u sessions: another run "
				 "disturbs this one",
				 run->peers[i].hello.sessions);
	return ret;
}

static void close_peers(struct run *run)
{
	while (run->n_peers)
		peer_close(&run->peers[--run->n_peers]);
}

static void settle_poll(struct run *run)
{
	unsigned cpus[CPU_LIST_MAX] = {0}, i;
	char line[200];
	unsigned n = cpu_allowed(cpus, CPU_LIST_MAX);
	struct poll_room room = {
		.cpus = n,
		.ends = run->peers[0].same_host ? 2 : 1,
		.first = cpus[0],
		.last = cpus[n ? n - 1 : 0],
	};
	const char *say;

	if (run->peers[0].hello.host.cpus_allowed < n)
		room.cpus = run->peers[0].hello.host.cpus_allowed;
	for (i = 0; i < run->n_plans; i++) {
		say = plan_settle_poll(&run->plans[i], &room, line,
				       sizeof(line));
		if (say)
			run_warn(run, "%s", say);
	}
}

static void count_trial(struct run *run, const struct trial *t)
{
	struct run_counts *c = &run->counts;

	switch (t->status) {
	case STATUS_OK:
		c->ok++;
		break;
	case STATUS_UNSUPPORTED:
		c->unsupported++;
		break;
	case STATUS_INTERRUPTED:
		c->interrupted++;
		break;
	case STATUS_FAILED:
		if (!c->failed++)
			c->first_failure = t->why;
		break;
	}
}

static void note_link(struct run *run, const struct plan_point *pp,
		      const struct trial *t)
{
	const char *name = link_transport(&pp->client.link)->name;
	struct run_link *l;
	unsigned i;

	if (t->status != STATUS_OK || run->n_links == RUN_LINKS_MAX)
		return;
	for (i = 0; i < run->n_links; i++) {
		l = &run->links[i];
		if (!strcmp(l->transport, name) &&
		    !strcmp(l->caps.device, t->link.caps.device) &&
		    !strcmp(l->caps.cm, t->link.caps.cm))
			return;
	}
	l = &run->links[run->n_links++];
	l->transport = name;
	l->caps = t->link.caps;
	strcpy(l->server_device, t->server_device);
	l->client_is = t->client_is;
	l->server_is = t->server_is;
}

static double now_s(void)
{
	return (double)clock_raw_ns() / 1e9;
}

/* So often a trial is made again; then whoever stops it means it, or lies. */
enum { STOPS_MAX = 20 };

/* A trial in which an end was stopped (Ctrl-Z, SIGSTOP) has timed that: it is
 * thrown away and made again.  -errno: the run is over. */
static int whole_trial(struct run *run, const struct plan_point *pp,
		       unsigned round)
{
	struct trial *t = run->trial;
	unsigned i;
	int gone;

	for (i = 0;; i++) {
		gone = trial_run(t, pp, run->peers,
				 splitmix_mix(run->seed + round), &run->gauge);
		if (!t->stopped || gone || stop_requested)
			return gone;
		if (i == STOPS_MAX)
			break;
		run_warn(run,
			 "%s was stopped in the middle of a trial, and "
			 "continued: such trials are made again",
			 t->stopped);
	}
	t->status = STATUS_FAILED;
	err_set(&t->why, -EBUSY, REASON_PEER_TIMEOUT,
		"%s was stopped in each of %u trials", t->stopped, i + 1);
	return 0;
}

static int one_trial(struct run *run, struct sheet *s,
		     const struct plan_point *pp, unsigned round,
		     struct err *err)
{
	struct trial *t = run->trial;
	const double begun = now_s();
	int gone, ret;

	assert(trial_peers(pp) <= run->n_peers);
	gone = whole_trial(run, pp, round);
	warn_trial(run, t);
	note_link(run, pp, t);
	ret = sheet_add(s, pp, round, t, err);
	if (ret)
		return ret;
	if (run->progress && t->status == STATUS_OK)
		cost_note(&run->cost, pp, now_s() - begun);
	empty_note_trial(&run->empty, pp, t, sheet_row(s));
	count_trial(run, t);
	if (!gone)
		return 0;
	*err = t->why;
	return gone;
}

/* --- how long it takes ------------------------------------------------------*/

/* A trial of it, seconds; one that cannot run here is refused at once. */
static double trial_s(struct run *run, const struct plan_point *pp, bool mine)
{
	struct err ignored;

	return here_can(&run->here, pp, &ignored)
		       ? 0
		       : cost_expect(&run->cost, pp, mine);
}

/* Trials that are sure to come: at least one of each point that is open. */
static double time_left(struct run *run, const struct plan *plan,
			const struct sheet *s)
{
	const struct plan *p, *end = run->plans + run->n_plans;
	double left = 0;
	unsigned i, tried;

	for (i = 0; i < plan->n_points; i++) {
		if (!sheet_wants(s, &plan->points[i]))
			continue;
		tried = sheet_tried(s, &plan->points[i]);
		left += trial_s(run, &plan->points[i], true) *
			(tried < run->rule.min ? run->rule.min - tried : 1);
	}
	for (p = plan + 1; p < end; p++)
		for (i = 0; i < p->n_points; i++)
			left += trial_s(run, &p->points[i], false) *
				run->rule.min;
	return left;
}

static void tell(struct run *run, const struct plan *plan,
		 const struct sheet *s, const struct plan_point *pp,
		 struct run_progress *at)
{
	at->plan = (unsigned)(plan - run->plans) + 1;
	at->plans = run->n_plans;
	at->done++;
	if (!run->progress)
		return;
	at->left_s = time_left(run, plan, s);
	run->progress(run, pp, at);
}

/* --- rounds -----------------------------------------------------------------*/

/* Points that this round still has to try. */
static unsigned round_points(const struct plan *plan, const struct sheet *s,
			     unsigned round)
{
	unsigned i, n = 0;

	for (i = 0; i < plan->n_points; i++)
		n += sheet_wants(s, &plan->points[i]) &&
		     sheet_tried(s, &plan->points[i]) < round;
	return n;
}

/* One trial of every point that wants one, in an order of its own. */
static int one_round(struct run *run, const struct plan *plan, struct sheet *s,
		     unsigned round, struct err *err)
{
	struct run_progress at = {.round = round,
				  .total = round_points(plan, s, round)};
	unsigned i;
	int ret;

	plan_order(plan, run->seed, round, run->order);
	for (i = 0; i < plan->n_points; i++) {
		const struct plan_point *pp = &plan->points[run->order[i]];

		/* Tried: in this round, before an interruption. */
		if (!sheet_wants(s, pp) || sheet_tried(s, pp) >= round)
			continue;
		tell(run, plan, s, pp, &at);
		ret = one_trial(run, s, pp, round, err);
		if (ret)
			return ret;
		if (stop_requested)
			return err_set(err, -EINTR, REASON_INTERRUPTED,
				       "between two trials");
	}
	return 0;
}

static int run_plan(struct run *run, struct plan *plan, struct err *err)
{
	struct sheet *s;
	struct err ignored;
	unsigned round;
	int ret;

	if (run->resume)
		ret = sheet_resume(&s, run->dir, run->run_id, plan, &run->rule,
				   &run->counts, err);
	else
		ret = sheet_open(&s, run->dir, run->run_id, plan, &run->rule,
				 err);
	if (ret)
		return ret;
	cost_begin_plan(&run->cost);
	for (round = 1; !ret && sheet_open_points(s); round++)
		ret = one_round(run, plan, s, round, err);
	if (run->progress)
		run->progress(run, NULL, NULL);
	/* What was measured before an error is worth its summary; the first
	 * error is the one to tell. */
	if (ret)
		(void)sheet_write_points(s, &ignored);
	else
		ret = sheet_write_points(s, err);
	sheet_close(s);
	return ret;
}

static int run_plans(struct run *run, struct err *err)
{
	struct err later;
	unsigned i;
	int ret;

	ret = run_json_write(run, "running", err);
	for (i = 0; !ret && i < run->n_plans; i++)
		ret = run_plan(run, &run->plans[i], err);
	if (ret) {
		/* The first error is the one to tell. */
		if (run_json_write(run, reason_word(err->reason), &later))
			run_warn(run, "and %s", later.text);
		return ret;
	}
	return run_json_write(run, "finished", err);
}

static int open_folder(struct run *run, struct err *err)
{
	int ret;

	if (!run->resume)
		return folder_create(run, err);
	snprintf(run->dir, sizeof(run->dir), "%s", run->cfg->resume);
	ret = folder_resume(run, err);
	return ret ? ret : resume_check(run->resume, run, err);
}

int run_execute(struct run *run, struct err *err)
{
	int ret;

	run->folder = -1;
	run->trial = malloc(sizeof(*run->trial));
	if (!run->trial)
		return err_sys(err, -ENOMEM, "run");
	gauge_init(&run->gauge, NULL);
	if (run->progress)
		cost_init(&run->cost);
	host_read(&run->host);
	ret = asked_places(run, err);
	if (!ret)
		ret = open_peers(run, err);
	if (ret)
		goto out_peer;
	learn_hosts(run);
	if (secure_getenv("RDMABENCH_MSR_DIR"))
		run_warn(run,
			 "RDMABENCH_MSR_DIR is set, for tests: prefetch "
			 "registers are files, and no prefetcher is switched");
	settle_poll(run);
	asked_in_vain(run);
	ret = asked_devices(run, err);
	if (!ret)
		ret = open_folder(run, err);
	if (!ret)
		ret = run_plans(run, err);
out_peer:
	close_peers(run);
	folder_unlock(run);
	free(run->trial);
	run->trial = NULL;
	return ret;
}

int run_exit_code(const struct run *run)
{
	const struct run_counts *c = &run->counts;

	if (c->failed)
		return reason_exit_code(c->first_failure.reason);
	if (c->interrupted)
		return 130;
	return c->ok ? 0 : 77;
}
