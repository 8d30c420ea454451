#include "info/info.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "machine/probe.h"
#include "rdma/probe.h"

enum {
	INDENT = 2,
	COLUMN = 32, /* of the values */
};

void info_gather(struct facts *facts, const struct host *host, const char *root)
{
	struct probe p = {
		.root = root,
		.host = host,
		.facts = facts,
		.section = "host",
		.item = "",
	};

	facts_clear(facts);
	if (host->name[0])
		probe_text(&p, "name", "%s", host->name);
	else
		probe_unknown(&p, "name", "uname does not tell");
	probe_cpu(&p);
	probe_memory(&p);
	probe_kernel(&p);
	probe_pmu(&p);
	rdma_probe(&p);
	/* After it: interfaces under RDMA devices are asked too. */
	probe_nics(&p);
	probe_pmem(&p);
}

/* --- text ---------------------------------------------------------------------- */

/* Bytes as people say them, where that loses nothing. */
static void print_bytes(FILE *out, const char *value)
{
	static const char *const units[] = {"bytes", "KiB", "MiB", "GiB"};
	unsigned long long v = strtoull(value, NULL, 10);
	unsigned i = 0;

	while (v && v % 1024 == 0 && i < 3) {
		v /= 1024;
		i++;
	}
	fprintf(out, "%llu %s\n", v, units[i]);
}

static void print_key(FILE *out, const char *key)
{
	int width = fprintf(out, "%*s%s", INDENT, "", key);

	if (width >= COLUMN) {
		putc('\n', out);
		width = 0;
	}
	fprintf(out, "%*s", COLUMN - width, "");
}

static void print_fact(FILE *out, const struct fact *fact)
{
	char text[2 * FACT_TEXT_MAX];
	const bool count = !strcmp(fact->unit, "count");

	print_key(out, fact->key);
	if (fact->unknown[0]) {
		snprintf(text, sizeof(text), "unknown: %s", fact->unknown);
		text_wrap(out, text, COLUMN);
	} else if (!strcmp(fact->unit, "bytes")) {
		print_bytes(out, fact->value);
	} else if (!fact->unit[0]) {
		text_wrap(out, fact->value, COLUMN);
	} else {
		fprintf(out, "%s%s%s\n", fact->value, count ? "" : " ",
			count ? "" : fact->unit);
	}
}

/* For people within their terminal; in a pipe a line each, for grep. */
static void print_finding(FILE *out, const struct finding *x)
{
	char text[sizeof(*x) + 32];

	snprintf(text, sizeof(text), "[%s] %s%s%s: %s; mend: %s",
		 severity_name(x->severity), x->item, x->item[0] ? ": " : "",
		 x->what, x->why, x->mend);
	fprintf(out, "%*s", INDENT, "");
	if (isatty(fileno(out)))
		text_wrap(out, text, 2 * INDENT);
	else
		fprintf(out, "%s\n", text);
}

void info_print(FILE *out, const struct facts *facts,
		const struct findings *findings)
{
	const char *section = "", *item = "";
	struct fact fact;
	size_t at = 0;
	unsigned i;

	while (facts_next(facts, &at, &fact)) {
		if (strcmp(section, fact.section) || strcmp(item, fact.item))
			fprintf(out, "%s%s%s%s\n", at && *section ? "\n" : "",
				fact.section, fact.item[0] ? " " : "",
				fact.item);
		section = fact.section;
		item = fact.item;
		print_fact(out, &fact);
	}
	if (facts->full)
		fputs("\nmore than fits into the list: the rest is left out\n",
		      out);
	fprintf(out, "\nfindings: %u\n", findings->n);
	for (i = 0; i < findings->n; i++)
		print_finding(out, &findings->v[i]);
}
