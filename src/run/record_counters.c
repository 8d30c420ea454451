#include "run/record_counters.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "machine/nic_counters.h"

static const char *const ends[] = {"client", "server"};

void record_end_column(char *buf, size_t cap, const char *end, const char *name)
{
	snprintf(buf, cap, "%s_%s", end, name);
}

void record_counter_columns(struct columns *c, const struct counter_list *l)
{
	char name[COLUMN_NAME_MAX];
	unsigned i, k;

	for (i = 0; i < l->n; i++) {
		for (k = 0; k < 2; k++) {
			record_end_column(name, sizeof(name), ends[k],
					  l->counter[i].name);
			columns_add(c, name);
		}
	}
	if (l->n)
		columns_add(c, "counters_multiplexed");
	if (counter_list_has_nic(l))
		columns_add(c, "nic_marks");
}

/* Words with blanks between them; cut where there is no more room. */
struct words {
	char text[1024];
	size_t len;
};

static void add_word(struct words *w, const char *end, char sep,
		     const char *name)
{
	int n = snprintf(w->text + w->len, sizeof(w->text) - w->len, "%s%s%c%s",
			 w->len ? " " : "", end, sep, name);

	if (n > 0 && (size_t)n < sizeof(w->text) - w->len)
		w->len += (size_t)n;
	else
		w->text[w->len] = '\0';
}

static void put_end(struct row *row, const struct counter_list *l,
		    const struct tally *t, const char *end, struct words *turns)
{
	char name[COLUMN_NAME_MAX], share[COUNTER_NAME_MAX + 8];
	unsigned i;

	for (i = 0; i < l->n; i++) {
		const struct reading *r = &t->counter[i];

		if (!reading_has(r))
			continue;
		record_end_column(name, sizeof(name), end, l->counter[i].name);
		row_set(row, name, "%" PRIu64, r->value);
		if (r->state != READING_SCALED)
			continue;
		snprintf(share, sizeof(share), "%s:%u%%", l->counter[i].name,
			 r->percent);
		add_word(turns, end, '_', share);
	}
}

static void add_marks(struct words *w, const struct tally *t, const char *end)
{
	unsigned i;

	for (i = 0; nic_mark_name(i); i++)
		if (t->nic_marks >> i & 1)
			add_word(w, end, ':', nic_mark_name(i));
}

void record_counters(struct row *row, const struct counter_list *l,
		     const struct trial *t)
{
	struct words turns = {0}, marks = {0};

	if (!l->n)
		return;
	put_end(row, l, &t->client, ends[0], &turns);
	put_end(row, l, &t->server, ends[1], &turns);
	row_set(row, "counters_multiplexed", "%s",
		turns.len ? turns.text : "none");
	if (!counter_list_has_nic(l) ||
	    !((t->client.nic_marks | t->server.nic_marks) & NIC_MARKS_WATCHED))
		return;
	add_marks(&marks, &t->client, ends[0]);
	add_marks(&marks, &t->server, ends[1]);
	row_set(row, "nic_marks", "%s", marks.len ? marks.text : "none");
}
