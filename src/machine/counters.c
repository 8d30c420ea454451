#include "machine/counters.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "machine/counter_event.h"
#include "machine/cpu.h"
#include "machine/sysfs.h"

enum reading_state counters_why(int error)
{
	switch (-error) {
	case EACCES:
	case EPERM:
	case ENOSYS: /* seccomp's other word for it */
		return READING_NO_PERMISSION;
	case EMFILE:
	case ENFILE:
	case ENOMEM:
		return READING_NO_FD;
	case EBUSY:
		return READING_BUSY;
	default:
		return READING_NO_EVENT;
	}
}

/* --- opening ---------------------------------------------------------------- */

/* Is there a PMU in the cores at all?  Without one every event is ENOENT,
 * and the reason should not be the event's name. */
static enum reading_state ask_pmu(struct counters *c)
{
	struct perf_event_attr attr = {.type = PERF_TYPE_HARDWARE,
				       .size = sizeof(attr),
				       .config = PERF_COUNT_HW_CPU_CYCLES,
				       .disabled = 1,
				       .exclude_kernel = 1,
				       .exclude_hv = 1};
	int fd;

	if (c->pmu != READING_NONE)
		return c->pmu;
	fd = c->sys->perf_event_open(&attr, 0, -1, -1, PERF_FLAG_FD_CLOEXEC);
	if (fd >= 0)
		c->sys->close(fd);
	if (fd == -ENOENT || fd == -ENODEV || fd == -EOPNOTSUPP)
		c->pmu = READING_NO_PMU;
	else if (fd < 0)
		c->pmu = counters_why(fd);
	else
		c->pmu = READING_OK;
	return c->pmu;
}

static struct counter_group *new_group(struct counters *c,
				       enum counter_kind kind,
				       const struct perf_event_attr *attr)
{
	struct counter_group *g;

	if (c->n_groups == COUNTER_GROUPS_MAX)
		return NULL;
	g = &c->group[c->n_groups];
	memset(g, 0, sizeof(*g));
	g->kind = kind;
	g->exclude_user = attr->exclude_user;
	g->exclude_kernel = attr->exclude_kernel;
	return g;
}

static struct counter_group *fitting_group(struct counters *c,
					   enum counter_kind kind,
					   const struct perf_event_attr *attr)
{
	unsigned i;

	if (kind == COUNTER_UNCORE)
		return NULL;
	for (i = c->n_groups; i-- > 0;) {
		struct counter_group *g = &c->group[i];

		if (g->kind == kind && g->n < COUNTER_GROUP_MAX &&
		    g->exclude_user == attr->exclude_user &&
		    g->exclude_kernel == attr->exclude_kernel)
			return g;
	}
	return NULL;
}

static int open_in(struct counters *c, struct counter_group *g, unsigned slot,
		   struct perf_event_attr *attr, int cpu)
{
	int leader = g->n ? g->fd[0] : -1;
	int fd;

	attr->size = sizeof(*attr);
	attr->disabled = leader < 0;
	attr->read_format = PERF_FORMAT_GROUP | PERF_FORMAT_TOTAL_TIME_ENABLED |
			    PERF_FORMAT_TOTAL_TIME_RUNNING;
	fd = c->sys->perf_event_open(attr, cpu < 0 ? 0 : -1, cpu, leader,
				     PERF_FLAG_FD_CLOEXEC);
	if (fd < 0)
		return fd;
	g->slot[g->n] = (uint8_t)slot;
	g->fd[g->n++] = fd;
	return 0;
}

/* Into the group of its kind, or, if the PMU cannot count that many at once
 * (EINVAL), into a new one that takes turns with it. */
static int open_event(struct counters *c, unsigned slot, enum counter_kind kind,
		      struct perf_event_attr *attr, int cpu)
{
	struct counter_group *g = fitting_group(c, kind, attr);
	int ret;

	if (g) {
		ret = open_in(c, g, slot, attr, cpu);
		if (ret != -EINVAL)
			return ret;
	}
	g = new_group(c, kind, attr);
	if (!g)
		return -EMFILE;
	ret = open_in(c, g, slot, attr, cpu);
	c->n_groups += ret == 0;
	return ret;
}

/* The directory of a PMU that is no core's: it has a cpumask.  Returns how
 * many CPUs stand for it, 0 for a core's. */
static unsigned uncore_cpus(const struct counters *c, uint32_t type,
			    unsigned *cpus, unsigned max)
{
	char path[512], mask[256];
	struct dirent *d;
	struct err ignored;
	unsigned n = 0;
	uint64_t t;
	DIR *dir = opendir(c->sys->devices);

	while (dir && !n && (d = readdir(dir))) {
		snprintf(path, sizeof(path), "%s/%s/type", c->sys->devices,
			 d->d_name);
		if (d->d_name[0] == '.' || sysfs_u64(path, &t) || t != type)
			continue;
		snprintf(path, sizeof(path), "%s/%s/cpumask", c->sys->devices,
			 d->d_name);
		if (sysfs_line(path, mask, sizeof(mask)) ||
		    cpu_list_parse(mask, cpus, max, &n, &ignored))
			break;
	}
	if (dir)
		closedir(dir);
	return n;
}

static int open_uncore(struct counters *c, unsigned slot,
		       struct perf_event_attr *attr, const unsigned *cpus,
		       unsigned n)
{
	unsigned i;
	int ret = 0;

	attr->exclude_user = attr->exclude_kernel = attr->exclude_hv = 0;
	attr->exclude_guest = 0; /* these PMUs refuse every filter */
	for (i = 0; !ret && i < n; i++)
		ret = open_event(c, slot, COUNTER_UNCORE, attr, (int)cpus[i]);
	return ret;
}

enum { SOCKETS_MAX = 32, UNITS_MAX = 32 };

static enum reading_state open_encoded(struct counters *c, unsigned slot,
				       const char *event,
				       enum counter_mode mode)
{
	unsigned cpus[SOCKETS_MAX], n = 0;
	struct perf_event_attr attr;
	enum reading_state pmu;
	int ret;

	if (c->sys->encode(event, &attr))
		return READING_NO_EVENT;
	if (attr.type == PERF_TYPE_SOFTWARE) {
		ret = open_event(c, slot, COUNTER_SOFT, &attr, -1);
		return ret ? counters_why(ret) : READING_OK;
	}
	if (attr.type >= PERF_TYPE_MAX)
		n = uncore_cpus(c, attr.type, cpus, SOCKETS_MAX);
	if (n) {
		ret = open_uncore(c, slot, &attr, cpus, n);
		return ret ? counters_why(ret) : READING_OK;
	}
	pmu = ask_pmu(c);
	if (pmu != READING_OK)
		return pmu;
	attr.exclude_user |= mode == MODE_KERNEL;
	attr.exclude_kernel |= mode == MODE_USER;
	ret = open_event(c, slot, COUNTER_CORE, &attr, -1);
	return ret ? counters_why(ret) : READING_OK;
}

/* The same event of each of several units, summed; there is at least one or
 * the counter is not to be had. */
static enum reading_state open_units(struct counters *c, unsigned slot,
				     const char *pattern)
{
	enum reading_state one,
		state = pattern[0] ? READING_NO_PMU : READING_NO_EVENT;
	const char *at = strstr(pattern, "%u");
	char event[COUNTER_EVENT_MAX + 16];
	unsigned i;

	for (i = 0; at && i < UNITS_MAX; i++) {
		snprintf(event, sizeof(event), "%.*s%u%s", (int)(at - pattern),
			 pattern, i, at + 2);
		one = open_encoded(c, slot, event, MODE_ANY);
		if (one == READING_NO_EVENT)
			continue;
		if (one != READING_OK)
			return one;
		state = READING_OK;
	}
	return state;
}

static enum reading_state open_slot(struct counters *c, unsigned slot)
{
	const struct counter *ctr = &c->list.counter[slot];
	enum counter_kind kind = ctr->id == CTR_EVENT
					 ? COUNTER_CORE
					 : counter_defs[ctr->id].kind;
	const char *event;

	if (kind == COUNTER_NIC)
		return READING_NONE;
	if (kind == COUNTER_SOFT)
		return READING_OK;
	/* libpfm need not be woken for a machine that counts nothing. */
	if (kind == COUNTER_CORE && ctr->id != CTR_EVENT &&
	    ask_pmu(c) != READING_OK)
		return ask_pmu(c);
	event = counter_event_text(c->sys->microarch(), ctr);
	if (kind == COUNTER_UNCORE)
		return open_units(c, slot, event);
	return event[0] ? open_encoded(c, slot, event, ctr->mode)
			: READING_NO_EVENT;
}

void counters_open(struct counters *c, const struct counter_list *list,
		   const struct counter_sys *sys)
{
	unsigned i;

	memset(c, 0, sizeof(*c));
	c->sys = sys;
	c->list = *list;
	for (i = 0; i < list->n; i++)
		c->state[i] = (uint8_t)open_slot(c, i);
}

void counters_close(struct counters *c)
{
	unsigned i, k;

	for (i = 0; i < c->n_groups; i++)
		for (k = c->group[i].n; k-- > 0;)
			c->sys->close(c->group[i].fd[k]);
	c->n_groups = 0;
}

/* --- counting --------------------------------------------------------------- */

static void read_group(const struct counters *c, struct counter_group *g,
		       struct group_reading *r)
{
	size_t want = (3 + g->n) * sizeof(uint64_t);
	ssize_t n = c->sys->read(g->fd[0], r, sizeof(*r));

	if (n < (ssize_t)want || r->n != g->n)
		g->failed = true;
}

/*
 * Whatever is read is read before the first group starts, and after the last
 * has stopped.  A group follows its leader, whose members stay enabled:
 * PERF_IOC_FLAG_GROUP would switch each, and Linux 6.18 then leaves software
 * members off for good after the first stretch.
 */
void counters_enable(struct counters *c)
{
	struct counter_group *g;
	unsigned i;

	for (i = 0; i < c->n_groups; i++) {
		g = &c->group[i];
		g->failed = false;
		read_group(c, g, &g->before);
	}
	if (c->list.n)
		c->sys->accounts(&c->before);
	for (i = 0; i < c->n_groups; i++) {
		g = &c->group[i];
		g->failed |=
			c->sys->ioctl(g->fd[0], PERF_EVENT_IOC_ENABLE, 0) != 0;
	}
}

void counters_disable(struct counters *c)
{
	struct counter_group *g;
	unsigned i;

	for (i = c->n_groups; i-- > 0;) {
		g = &c->group[i];
		g->failed |=
			c->sys->ioctl(g->fd[0], PERF_EVENT_IOC_DISABLE, 0) != 0;
	}
	if (c->list.n)
		c->sys->accounts(&c->after);
	for (i = 0; i < c->n_groups; i++)
		read_group(c, &c->group[i], &c->group[i].after);
}

static struct reading group_value(const struct counter_group *g, unsigned i)
{
	const struct group_reading *a = &g->before, *b = &g->after;

	if (g->failed || b->value[i] < a->value[i] || b->enabled < a->enabled ||
	    b->running < a->running)
		return (struct reading){.state = READING_UNREADABLE};
	return reading_of(b->value[i] - a->value[i], b->enabled - a->enabled,
			  b->running - a->running);
}

static uint64_t account_of(unsigned id, const struct thread_accounts *a)
{
	switch (id) {
	case CTR_TASK_CLOCK:
		return a->cpu_ns;
	case CTR_PAGE_FAULTS:
		return a->faults;
	case CTR_MAJOR_FAULTS:
		return a->major_faults;
	case CTR_SWITCHES:
		return a->switches;
	default:
		return a->migrations;
	}
}

static struct reading account(const struct counters *c, unsigned id)
{
	const uint64_t a = account_of(id, &c->before);
	const uint64_t b = account_of(id, &c->after);

	if (b < a || (id == CTR_MIGRATIONS && !c->after.migrations_known))
		return (struct reading){.state = READING_UNREADABLE};
	return (struct reading){.value = b - a, .state = READING_OK};
}

static bool is_account(const struct counter *ctr)
{
	return ctr->id != CTR_EVENT &&
	       counter_defs[ctr->id].kind == COUNTER_SOFT;
}

static void forget(struct reading *r)
{
	if (reading_has(r))
		*r = (struct reading){.state = READING_ONE_OF_MANY};
}

void counters_forget_thread(const struct counters *c, struct tally *t)
{
	unsigned i, k;

	for (i = 0; i < c->list.n; i++)
		if (is_account(&c->list.counter[i]))
			forget(&t->counter[i]);
	for (i = 0; i < c->n_groups; i++) {
		if (c->group[i].kind == COUNTER_UNCORE)
			continue;
		for (k = 0; k < c->group[i].n; k++)
			forget(&t->counter[c->group[i].slot[k]]);
	}
}

void counters_take(const struct counters *c, struct tally *t)
{
	struct reading r;
	unsigned i, k;

	for (i = 0; i < c->list.n; i++) {
		if (counter_is_nic(&c->list.counter[i]))
			continue;
		memset(&t->counter[i], 0, sizeof(t->counter[i]));
		if (is_account(&c->list.counter[i]))
			t->counter[i] = account(c, c->list.counter[i].id);
		else if (c->state[i] != READING_OK)
			t->counter[i].state = c->state[i];
	}
	for (i = 0; i < c->n_groups; i++) {
		for (k = 0; k < c->group[i].n; k++) {
			r = group_value(&c->group[i], k);
			/* A unit that failed spoils the sum of all. */
			reading_merge(&t->counter[c->group[i].slot[k]], &r);
		}
	}
}
