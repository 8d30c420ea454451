#include "metric/tally.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

typedef unsigned __int128 u128;

_Static_assert(METRIC_MAX < 64, "tally.present is one word");

static uint64_t bit(unsigned metric)
{
	assert(metric < METRIC_MAX);
	return (uint64_t)1 << metric;
}

void tally_init(struct tally *t)
{
	memset(t->value, 0, sizeof(t->value));
	t->present = 0;
	memset(t->why, 0, sizeof(t->why));
	memset(t->counter, 0, sizeof(t->counter));
	t->nic_marks = 0;
	hist_init(&t->latency);
	t->n_dists = 0;
}

void tally_set(struct tally *t, unsigned metric, uint64_t value)
{
	t->present |= bit(metric);
	t->value[metric] = value;
}

void tally_add(struct tally *t, unsigned metric, uint64_t value)
{
	t->present |= bit(metric);
	t->value[metric] += value;
}

bool tally_has(const struct tally *t, unsigned metric)
{
	return t->present & bit(metric);
}

void tally_lacks(struct tally *t, unsigned metric, enum reading_state why)
{
	assert(metric < METRIC_MAX && why != READING_OK &&
	       why != READING_SCALED);
	t->why[metric] = (uint8_t)why;
}

const struct hist *tally_dist_of(const struct tally *t, unsigned metric)
{
	unsigned i;

	for (i = 0; i < t->n_dists; i++)
		if (t->dist[i].metric == metric)
			return &t->dist[i].hist;
	return NULL;
}

struct hist *tally_dist(struct tally *t, unsigned metric)
{
	struct tally_dist *d = t->dist;
	unsigned i;

	assert(metric >= METRIC_BASE_COUNT && metric < METRIC_MAX);
	for (i = 0; i < t->n_dists; i++, d++)
		if (d->metric == metric)
			return &d->hist;
	assert(t->n_dists < TALLY_DISTS_MAX);
	t->n_dists++;
	d->metric = metric;
	hist_init(&d->hist);
	return &d->hist;
}

static void merge_value(struct tally *into, unsigned metric, uint64_t value,
			enum metric_merge merge)
{
	if (merge == MERGE_SUM)
		tally_add(into, metric, value);
	else if (!tally_has(into, metric) || value > into->value[metric])
		tally_set(into, metric, value);
}

void tally_merge(struct tally *into, const struct tally *from,
		 const struct metric *extra, unsigned n_extra)
{
	unsigned i;

	assert(n_extra <= METRIC_SCENARIO_MAX);
	for (i = 0; i < METRIC_BASE_COUNT; i++)
		if (tally_has(from, i))
			merge_value(into, i, from->value[i],
				    metric_base[i].merge);
	for (; i < METRIC_BASE_COUNT + n_extra; i++)
		if (tally_has(from, i))
			merge_value(into, i, from->value[i],
				    extra[i - METRIC_BASE_COUNT].merge);
	for (i = 0; i < TALLY_COUNTERS_MAX; i++)
		reading_merge(&into->counter[i], &from->counter[i]);
	for (i = 0; i < METRIC_MAX; i++)
		if (from->why[i])
			into->why[i] = from->why[i];
	into->nic_marks |= from->nic_marks;
	hist_merge(&into->latency, &from->latency);
	for (i = 0; i < from->n_dists; i++)
		hist_merge(tally_dist(into, from->dist[i].metric),
			   &from->dist[i].hist);
}

/* --- the wire form ------------------------------------------------------- */

/* Little endian in a buffer; once it does not fit, nothing more happens and
 * `ok` stays false, so that only the end has to look. */
struct out {
	uint8_t *p, *end;
	bool ok;
};

struct in {
	const uint8_t *p, *end;
	bool ok;
};

static void put(struct out *o, uint64_t v, unsigned bytes)
{
	o->ok = o->ok && (size_t)(o->end - o->p) >= bytes;
	if (!o->ok)
		return;
	for (; bytes; bytes--, v >>= 8)
		*o->p++ = (uint8_t)v;
}

static uint64_t get(struct in *in, unsigned bytes)
{
	uint64_t v = 0;
	unsigned i;

	in->ok = in->ok && (size_t)(in->end - in->p) >= bytes;
	if (!in->ok)
		return 0;
	for (i = 0; i < bytes; i++)
		v |= (uint64_t)*in->p++ << 8 * i;
	return v;
}

static unsigned buckets_used(const struct hist *h)
{
	unsigned i, n = 0;

	for (i = 0; i < HIST_BUCKETS; i++)
		n += h->bucket[i] != 0;
	return n;
}

static void put_hist(struct out *o, const struct hist *h)
{
	unsigned i;

	put(o, h->count, 8);
	put(o, h->min, 8);
	put(o, h->max, 8);
	put(o, h->sum, 8);
	put(o, (uint64_t)h->sum_sq, 8);
	put(o, (uint64_t)(h->sum_sq >> 64), 8);
	put(o, buckets_used(h), 4);
	for (i = 0; i < HIST_BUCKETS; i++) {
		if (!h->bucket[i])
			continue;
		put(o, i, 4);
		put(o, h->bucket[i], 8);
	}
}

static void put_counters(struct out *o, const struct tally *t)
{
	unsigned i;

	put(o, TALLY_COUNTERS_MAX, 2);
	for (i = 0; i < TALLY_COUNTERS_MAX; i++) {
		put(o, t->counter[i].state, 1);
		put(o, t->counter[i].percent, 1);
		put(o, t->counter[i].value, 8);
	}
	put(o, t->nic_marks, 8);
}

size_t tally_pack(const struct tally *t, void *buf, size_t cap)
{
	struct out o = {.p = buf, .end = (uint8_t *)buf + cap, .ok = true};
	unsigned i;

	put(&o, TALLY_WIRE_VERSION, 2);
	put(&o, METRIC_MAX, 2);
	put(&o, t->present, 8);
	for (i = 0; i < METRIC_MAX; i++)
		put(&o, tally_has(t, i) ? t->value[i] : 0, 8);
	for (i = 0; i < METRIC_MAX; i++)
		put(&o, t->why[i], 1);
	put_counters(&o, t);
	put_hist(&o, &t->latency);
	put(&o, t->n_dists, 2);
	for (i = 0; i < t->n_dists; i++) {
		put(&o, t->dist[i].metric, 2);
		put_hist(&o, &t->dist[i].hist);
	}
	return o.ok ? (size_t)(o.p - (uint8_t *)buf) : 0;
}

static bool get_buckets(struct in *in, struct hist *h)
{
	uint64_t i, n = get(in, 4), next = 0;

	for (; n; n--) {
		i = get(in, 4);
		if (!in->ok || i < next || i >= HIST_BUCKETS)
			return false;
		h->bucket[i] = get(in, 8);
		if (!h->bucket[i])
			return false;
		next = i + 1;
	}
	return in->ok;
}

static bool get_hist(struct in *in, struct hist *h)
{
	hist_init(h);
	h->count = get(in, 8);
	h->min = get(in, 8);
	h->max = get(in, 8);
	h->sum = get(in, 8);
	h->sum_sq = get(in, 8);
	h->sum_sq |= (u128)get(in, 8) << 64;
	return get_buckets(in, h) && hist_valid(h);
}

static bool get_values(struct in *in, struct tally *t)
{
	uint64_t version = get(in, 2), n = get(in, 2), i;

	t->present = get(in, 8);
	if (!in->ok || version != TALLY_WIRE_VERSION || n > METRIC_MAX ||
	    t->present >> n)
		return false;
	for (i = 0; i < n; i++) {
		t->value[i] = get(in, 8);
		if (t->value[i] && !tally_has(t, (unsigned)i))
			return false;
	}
	for (i = 0; i < n; i++) {
		t->why[i] = (uint8_t)get(in, 1);
		if (t->why[i] >= READING_STATES || t->why[i] == READING_OK ||
		    t->why[i] == READING_SCALED)
			return false;
	}
	return in->ok;
}

static bool get_counters(struct in *in, struct tally *t)
{
	uint64_t i, n = get(in, 2);

	if (n > TALLY_COUNTERS_MAX)
		return false;
	for (i = 0; i < n; i++) {
		t->counter[i].state = (uint8_t)get(in, 1);
		t->counter[i].percent = (uint8_t)get(in, 1);
		t->counter[i].value = get(in, 8);
		if (!reading_valid(&t->counter[i]))
			return false;
	}
	t->nic_marks = get(in, 8);
	return in->ok;
}

static bool get_dists(struct in *in, struct tally *t)
{
	uint64_t metric, n = get(in, 2);

	if (n > TALLY_DISTS_MAX)
		return false;
	for (; n; n--) {
		metric = get(in, 2);
		if (!in->ok || metric < METRIC_BASE_COUNT ||
		    metric >= METRIC_MAX ||
		    tally_dist_of(t, (unsigned)metric) ||
		    !get_hist(in, tally_dist(t, (unsigned)metric)))
			return false;
	}
	return in->ok;
}

int tally_unpack(struct tally *t, const void *buf, size_t len)
{
	struct in in = {
		.p = buf, .end = (const uint8_t *)buf + len, .ok = true};

	tally_init(t);
	if (!get_values(&in, t) || !get_counters(&in, t) ||
	    !get_hist(&in, &t->latency) || !get_dists(&in, t))
		return -EBADMSG;
	return in.p == in.end ? 0 : -EBADMSG;
}
