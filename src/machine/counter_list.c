#include "machine/counter_list.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define X(id_, name_, kind_, unit_, generic_, help_)                           \
	[CTR_##id_] = {.name = name_,                                          \
		       .kind = COUNTER_##kind_,                                \
		       .unit = unit_,                                          \
		       .generic = generic_,                                    \
		       .help = help_},
const struct counter_def counter_defs[CTR_COUNT] = {COUNTER_TABLE(X)};
#undef X

static const unsigned char ids_default[] = {
	CTR_TASK_CLOCK, CTR_PAGE_FAULTS, CTR_MAJOR_FAULTS,  CTR_SWITCHES,
	CTR_MIGRATIONS, CTR_CYCLES,	 CTR_INSTRUCTIONS,  CTR_LLC_MISSES,
	CTR_NIC_SENT,	CTR_NIC_RECV,	 CTR_NIC_SENT_PKTS, CTR_NIC_RECV_PKTS,
	CTR_NIC_WAIT,	CTR_COUNT,
};
static const unsigned char ids_cache[] = {
	CTR_CYCLES,    CTR_INSTRUCTIONS, CTR_L1D_MISSES, CTR_L2_MISSES,
	CTR_L3_MISSES, CTR_HITM,	 CTR_COUNT,
};
static const unsigned char ids_tlb[] = {
	CTR_CYCLES,	 CTR_INSTRUCTIONS, CTR_DTLB_LOADS,
	CTR_DTLB_STORES, CTR_DTLB_CYCLES,  CTR_COUNT,
};
static const unsigned char ids_prefetch[] = {
	CTR_CYCLES,	     CTR_L2_MISSES,	   CTR_PREFETCHES,
	CTR_PREFETCH_MISSES, CTR_PREFETCH_USELESS, CTR_COUNT,
};
static const unsigned char ids_memory[] = {
	CTR_MEM_READS,
	CTR_MEM_WRITES,
	CTR_COUNT,
};

static const struct counter_set sets[] = {
	{"default", "software events, cycles, instructions, the RDMA port",
	 ids_default},
	{"cache", "where loads were answered from", ids_cache},
	{"tlb", "page walks", ids_tlb},
	{"prefetch", "the L2's hardware prefetchers", ids_prefetch},
	{"memory", "the memory controllers, system-wide", ids_memory},
};

enum { SETS = sizeof(sets) / sizeof(sets[0]) };

const struct counter_set *counter_set_at(unsigned i)
{
	return i < SETS ? &sets[i] : NULL;
}

static const struct counter_set *find_set(const char *name)
{
	unsigned i;

	for (i = 0; i < SETS; i++)
		if (!strcmp(sets[i].name, name))
			return &sets[i];
	return NULL;
}

static bool listed(const struct counter_list *l, const char *name)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (!strcmp(l->counter[i].name, name))
			return true;
	return false;
}

static int add(struct counter_list *l, const struct counter *c, struct err *err)
{
	if (l->n == TALLY_COUNTERS_MAX)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--counters: more than %d (user and kernel "
			       "count apart)",
			       TALLY_COUNTERS_MAX);
	l->counter[l->n++] = *c;
	return 0;
}

static int add_mode(struct counter_list *l, unsigned id, enum counter_mode mode,
		    struct err *err)
{
	static const char *const suffix[] = {[MODE_ANY] = "",
					     [MODE_USER] = "_user",
					     [MODE_KERNEL] = "_kernel"};
	struct counter c = {.id = id, .mode = mode};

	snprintf(c.name, sizeof(c.name), "%s%s", counter_defs[id].name,
		 suffix[mode]);
	return listed(l, c.name) ? 0 : add(l, &c, err);
}

static int add_set(struct counter_list *l, const struct counter_set *set,
		   struct err *err)
{
	const unsigned char *id;
	int ret = 0;

	for (id = set->ids; !ret && *id != CTR_COUNT; id++) {
		if (counter_defs[*id].kind != COUNTER_CORE) {
			ret = add_mode(l, *id, MODE_ANY, err);
			continue;
		}
		ret = add_mode(l, *id, MODE_USER, err);
		if (!ret)
			ret = add_mode(l, *id, MODE_KERNEL, err);
	}
	return ret;
}

/* "MEM_LOAD_RETIRED:L3_MISS" becomes the column mem_load_retired_l3_miss. */
static bool column_of(const char *event, char *name)
{
	size_t n = 0;

	for (; *event; event++) {
		bool word = isalnum((unsigned char)*event);

		if (!word && (!n || name[n - 1] == '_'))
			continue;
		if (n == COUNTER_NAME_MAX - 1)
			return false;
		name[n++] = (char)(word ? tolower((unsigned char)*event) : '_');
	}
	while (n && name[n - 1] == '_')
		n--;
	name[n] = '\0';
	return n > 0;
}

static bool printable(const char *s)
{
	for (; *s; s++)
		if (!isgraph((unsigned char)*s))
			return false;
	return true;
}

static int add_event(struct counter_list *l, const char *event, struct err *err)
{
	struct counter c = {.id = CTR_EVENT};

	if (!printable(event) || strlen(event) >= sizeof(c.event) ||
	    !column_of(event, c.name))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--counters: '%s' cannot be an event's name "
			       "(at most %d letters and digits)",
			       event, COUNTER_NAME_MAX - 1);
	if (listed(l, c.name))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--counters: two events for the column %s",
			       c.name);
	strcpy(c.event, event);
	return add(l, &c, err);
}

static int add_word(struct counter_list *l, const char *word, struct err *err)
{
	const struct counter_set *set = find_set(word);

	if (!strcmp(word, "none"))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--counters: none goes with nothing else");
	return set ? add_set(l, set, err) : add_event(l, word, err);
}

int counter_list_parse(struct counter_list *l, const char *text,
		       struct err *err)
{
	char word[COUNTER_EVENT_MAX];
	size_t len;
	int ret;

	memset(l, 0, sizeof(*l));
	if (!strcmp(text, "none"))
		return 0;
	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (!len || len >= sizeof(word))
			return err_set(err, -EINVAL, REASON_USAGE,
				       "--counters: an event without a name, "
				       "or one longer than %zu, at '%.20s'",
				       sizeof(word) - 1, text);
		memcpy(word, text, len);
		word[len] = '\0';
		ret = add_word(l, word, err);
		if (ret || !text[len])
			return ret;
	}
}

bool counter_is_nic(const struct counter *c)
{
	return c->id < CTR_COUNT && counter_defs[c->id].kind == COUNTER_NIC;
}

bool counter_list_has_nic(const struct counter_list *l)
{
	unsigned i;

	for (i = 0; i < l->n; i++)
		if (counter_is_nic(&l->counter[i]))
			return true;
	return false;
}
