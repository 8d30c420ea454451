/* JSON by jansson: small, in every distribution, has a static library. */
#include "run/run_json.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include "info/findings.h"
#include "info/info_json.h"
#include "result/json.h"
#include "result/schema.h"
#include "run/resume.h"
#include "run/scenario.h"

static json_t *number_or_null(uint64_t v, uint64_t unknown)
{
	return v == unknown ? json_null() : json_integer((json_int_t)v);
}

static json_t *host_names(const struct host *h, const char *end)
{
	return json_pack(
		"{s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:i, s:i, s:i, s:o, "
		"s:o, s:o, s:o, s:o, s:o}",
		"end", end, "name", json_text_or_null(h->name), "kernel",
		json_text_or_null(h->kernel), "cpu_model",
		json_text_or_null(h->cpu_model), "virt",
		json_text_or_null(h->virt), "boot_id",
		json_text_or_null(h->boot_id), "clocksource",
		json_text_or_null(h->clocksource), "governor",
		json_text_or_null(h->governor), "cpus_online",
		(int)h->cpus_online, "cpus_allowed", (int)h->cpus_allowed,
		"numa_nodes", (int)h->numa_nodes, "mem_bytes",
		number_or_null(h->mem_bytes, 0), "memlock_bytes",
		number_or_null(h->memlock_bytes, UINT64_MAX), "l1d_bytes",
		number_or_null(h->l1d_bytes, 0), "l2_bytes",
		number_or_null(h->l2_bytes, 0), "l3_bytes",
		number_or_null(h->l3_bytes, 0), "perf_event_paranoid",
		h->perf_event_paranoid == HOST_NO_PARANOID
			? json_null()
			: json_integer(h->perf_event_paranoid));
}

static json_t *host_json(const struct host *h, const struct facts *facts,
			 const char *end)
{
	json_t *j = host_names(h, end);
	struct findings findings;

	findings_judge(&findings, facts);
	json_object_set_new(j, "facts", facts_json(facts));
	json_object_set_new(j, "findings", findings_json(&findings));
	return j;
}

/* An argument may be no UTF-8. */
static json_t *word_json(const char *word)
{
	json_t *j = json_string(word);

	return j ? j : json_string("?");
}

static json_t *list_json(const struct opt *o, const struct opt_list *list)
{
	json_t *a = json_array();
	uint64_t v[1 + OPT_TEXT_MAX / 8];
	char text[OPT_TEXT_MAX];
	struct opt at0 = *o;
	unsigned i;

	at0.offset = 0;
	for (i = 0; i < list->n; i++) {
		v[0] = list->v[i];
		opt_format(&at0, v, text, sizeof(text));
		json_array_append_new(a, json_string(text));
	}
	return a;
}

static json_t *option_json(const struct plan *plan, const struct opt *o,
			   size_t base)
{
	char client[OPT_TEXT_MAX], server[OPT_TEXT_MAX];
	unsigned i;

	for (i = 0; i < plan->n_axes; i++)
		if (plan->axes[i].o == o)
			return list_json(o, &plan->axes[i].values);
	opt_format(o, (const char *)&plan->proto.client + base, client,
		   sizeof(client));
	opt_format(o, (const char *)&plan->proto.server + base, server,
		   sizeof(server));
	if (o->role == OPT_HOST || o->role == OPT_HOST_OWN)
		return json_pack("[ss]", client, server);
	return json_string(client);
}

/* Those of how and where the whole run goes on: not of what it measures. */
static bool is_of_this_time(const struct opt *o)
{
	static const char *const names[] = {"all", "out", "plan", "quiet",
					    "resume"};
	unsigned i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(o->name, names[i]))
			return true;
	return false;
}

static bool is_for(const struct plan *plan, const struct opt *o)
{
	struct point_group groups[POINT_GROUPS];
	unsigned i;

	if (o >= run_opts.opts && o < run_opts.opts + run_opts.n)
		return !is_of_this_time(o);
	point_groups(plan->scn, groups);
	for (i = 0; i < POINT_GROUPS; i++)
		if (opt_find(groups[i].g, o->name))
			return true;
	return false;
}

/* What measures this scenario alone, as this run did. */
static json_t *command_json(const struct run *run, const struct plan *plan)
{
	json_t *words = json_pack("[s, s]", "run", plan->scn->name);
	char name[OPT_TEXT_MAX];
	unsigned i;

	for (i = 0; i < run->n_given; i++) {
		const struct opt_given *g = &run->given[i];

		if (!is_for(plan, g->o))
			continue;
		snprintf(name, sizeof(name), "--%s", g->o->name);
		json_array_append_new(words, json_string(name));
		if (g->text)
			json_array_append_new(words, word_json(g->text));
	}
	return words;
}

static json_t *plan_json(const struct run *run, const struct plan *plan)
{
	struct point_group groups[POINT_GROUPS];
	json_t *options = json_object();
	unsigned i, k;

	point_groups(plan->scn, groups);
	for (i = 0; i < POINT_GROUPS; i++)
		for (k = 0; k < groups[i].g->n; k++)
			json_object_set_new(options, groups[i].g->opts[k].name,
					    option_json(plan,
							&groups[i].g->opts[k],
							groups[i].offset));
	return json_pack("{s:s, s:s, s:i, s:o, s:o}", "name", plan->scn->name,
			 "source", plan->scn->source, "points",
			 (int)plan->n_points, "command",
			 command_json(run, plan), "options", options);
}

static json_t *strings_json(char *const *s, unsigned n)
{
	json_t *a = json_array();
	unsigned i;

	for (i = 0; i < n; i++)
		json_array_append_new(a, word_json(s[i]));
	return a;
}

static json_t *counts_json(const struct run_counts *c)
{
	return json_pack("{s:i, s:i, s:i, s:i}", "ok", (int)c->ok,
			 "unsupported", (int)c->unsupported, "failed",
			 (int)c->failed, "interrupted", (int)c->interrupted);
}

static json_t *clock_json(const struct clock *c)
{
	return json_pack("{s:s, s:f, s:I, s:o}", "name", c->name, "cost_ns",
			 c->cost_ns, "resolution_ns",
			 (json_int_t)c->resolution_ns, "why_not_tsc",
			 json_text_or_null(c->why));
}

static json_t *conditions_json(const struct conditions *c)
{
	return json_pack("{s:o, s:o, s:b, s:o}", "numa_node",
			 c->numa_node < 0 ? json_null()
					  : json_integer(c->numa_node),
			 "numa_why_not", json_text_or_null(c->numa_why),
			 "idle_states_held_off", (int)c->idle_held,
			 "idle_why_not", json_text_or_null(c->idle_why));
}

static json_t *link_json(const struct run_link *l)
{
	const struct caps *c = &l->caps;

	return json_pack("{s:s, s:o, s:o, s:b, s:s, s:o, s:o, s:I, s:i, s:s, "
			 "s:o, s:o}",
			 "transport", l->transport, "device",
			 json_text_or_null(c->device), "server_device",
			 json_text_or_null(l->server_device), "software_device",
			 (int)c->software_device, "path", c->path, "qp_type",
			 json_text_or_null(c->qp_type), "cm",
			 json_text_or_null(c->cm), "max_message_bytes",
			 (json_int_t)c->max_message_bytes, "max_inline_bytes",
			 (int)c->max_inline_bytes, "detail", c->detail,
			 "client", conditions_json(&l->client_is), "server",
			 conditions_json(&l->server_is));
}

static json_t *links_json(const struct run *run)
{
	json_t *a = json_array();
	unsigned i;

	for (i = 0; i < run->n_links; i++)
		json_array_append_new(a, link_json(&run->links[i]));
	return a;
}

static json_t *empty_json(const struct empty_columns *e)
{
	json_t *j = json_object();
	unsigned i;

	for (i = 0; i < e->n; i++)
		json_object_set_new(j, e->v[i].column,
				    json_string(e->v[i].why));
	return j;
}

json_t *run_json_make(const struct run *run, const char *state)
{
	json_t *plans = json_array(), *warnings = json_array();
	unsigned i;

	for (i = 0; i < run->n_plans; i++)
		json_array_append_new(plans, plan_json(run, &run->plans[i]));
	for (i = 0; i < run->n_warnings; i++)
		json_array_append_new(warnings, json_string(run->warnings[i]));
	return json_pack(
		"{s:i, s:s, s:s, s:s, s:s, s:s, s:o, s:I, s:[ii], s:[ff], s:s, "
		"s:o, "
		"s:[oo], "
		"s:o, s:o, s:o, s:o, s:o}",
		"schema_version", SCHEMA_VERSION, "version", RDMABENCH_VERSION,
		"run_id", run->run_id, "started_utc", run->started_utc, "state",
		state, "program", program_invocation_name, "command_line",
		strings_json(run->argv, (unsigned)run->argc), "seed",
		(json_int_t)run->seed, "trials", (int)run->rule.min,
		(int)run->rule.max, "confidence", run->rule.level,
		run->rule.width, "server",
		run->peers[0].embedded ? "own child" : run->cfg->connect,
		"clock", clock_json(&run->gauge.clock), "hosts",
		host_json(&run->host, &run->facts, "client"),
		host_json(&run->peers[0].hello.host, &run->peers[0].hello.facts,
			  "server"),
		"scenarios", plans, "links", links_json(run), "warnings",
		warnings, "empty_columns", empty_json(&run->empty),
		"trials_by_status", counts_json(&run->counts));
}

/* By a rename alone, a power cut could leave an empty file of the new name. */
static int dump(const json_t *j, const char *path)
{
	FILE *f = fopen(path, "we");
	bool bad;

	if (!f)
		return -1;
	bad = json_dumpf(j, f, JSON_INDENT(2)) || fflush(f) ||
	      (fsync(fileno(f)) && errno != EINVAL);
	return fclose(f) || bad ? -1 : 0;
}

int run_json_write(const struct run *run, const char *state, struct err *err)
{
	char path[600], temp[640];
	json_t *j = run_json_make(run, state);
	int ret = 0;

	if (!j)
		return err_set(err, -EINVAL, REASON_INTERNAL,
			       "run.json cannot be made");
	if (run->resume)
		resume_merge(run->resume, j);
	snprintf(path, sizeof(path), "%s/run.json", run->dir);
	snprintf(temp, sizeof(temp), "%s.tmp", path);
	errno = EIO;
	if (dump(j, temp) || rename(temp, path)) {
		ret = err_sys(err, -errno, "writing %s", path);
		remove(temp);
	}
	json_decref(j);
	return ret;
}
