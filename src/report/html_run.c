/* What was run on what: the head of report.html, from run.json. */
#include <string.h>

#include "report/html_part.h"
#include "report/show.h"

void html_text(FILE *f, const char *text)
{
	static const struct {
		char c;
		const char *as;
	} marks[] = {
		{'&', "&amp;"},	 {'<', "&lt;"},	  {'>', "&gt;"},
		{'"', "&quot;"}, {'\'', "&#39;"},
	};
	char clean[8192];
	const char *s;
	size_t i;

	show_text(clean, sizeof(clean), text, 2000);
	for (s = clean; *s; s++) {
		for (i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
			if (*s == marks[i].c)
				break;
		if (i < sizeof(marks) / sizeof(marks[0]))
			fputs(marks[i].as, f);
		else
			fputc(*s, f);
	}
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

/* --- the command ------------------------------------------------------------*/

static bool is_plain(const char *word)
{
	return *word && !word[strspn(word, "abcdefghijklmnopqrstuvwxyz"
					   "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
					   "0123456789._/:,=+@%-")];
}

void html_word(FILE *f, const char *word)
{
	char letter[2] = "";

	if (is_plain(word)) {
		html_text(f, word);
		return;
	}
	html_text(f, "'");
	for (; *word; word++) {
		if ((unsigned char)*word >= 0x80) {
			/* A character's bytes stay together. */
			size_t n = strcspn(word, "'");
			char part[256];

			snprintf(part, sizeof(part), "%.*s", (int)n, word);
			html_text(f, part);
			word += n - 1;
			continue;
		}
		letter[0] = *word;
		html_text(f, *word == '\'' ? "'\\''" : letter);
	}
	html_text(f, "'");
}

static const json_t *command_of(const json_t *run, const char *scenario)
{
	const json_t *all = json_object_get(run, "scenarios"), *one;
	size_t i;

	for (i = 0; scenario && i < json_array_size(all); i++) {
		one = json_array_get(all, i);
		if (!strcmp(text_of(one, "name"), scenario) &&
		    json_object_get(one, "command"))
			return json_object_get(one, "command");
	}
	return json_object_get(run, "command_line");
}

void html_command(FILE *f, const json_t *run, const char *scenario)
{
	const json_t *words = command_of(run, scenario);
	const char *word = text_of(run, "program");
	size_t i;

	html_word(f, *word ? word : "rdmabench");
	for (i = 0; i < json_array_size(words); i++) {
		word = json_string_value(json_array_get(words, i));
		/* Its folder is taken now. */
		if (word && !strcmp(word, "--out")) {
			i++;
			continue;
		}
		if (word && !strncmp(word, "--out=", 6))
			continue;
		fputc(' ', f);
		html_word(f, word ? word : "");
	}
}

/* --- warnings ---------------------------------------------------------------*/

static void put_state(FILE *f, const json_t *run)
{
	const char *state = text_of(run, "state");

	if (!strcmp(state, "finished"))
		return;
	fputs("<li>this run is not complete: it was ended before, or still "
	      "goes on (its state is '",
	      f);
	html_text(f, *state ? state : "unknown");
	fputs("'; <code>run --resume</code> measures the rest)</li>\n", f);
}

static void put_counts(FILE *f, const json_t *run)
{
	const json_t *counts = json_object_get(run, "trials_by_status");
	json_int_t failed =
		json_integer_value(json_object_get(counts, "failed"));

	if (failed)
		fprintf(f, "<li>%lld trials failed</li>\n", (long long)failed);
}

static void put_warnings(FILE *f, const json_t *run)
{
	const json_t *warnings = json_object_get(run, "warnings");
	size_t i;

	fputs("<section class=\"warnings\">\n<h2>Before you read the "
	      "numbers</h2>\n<ul>\n",
	      f);
	put_state(f, run);
	put_counts(f, run);
	for (i = 0; i < json_array_size(warnings); i++) {
		const char *s = json_string_value(json_array_get(warnings, i));

		fputs("<li>", f);
		html_text(f, s ? s : "");
		fputs("</li>\n", f);
	}
	if (!json_array_size(warnings))
		fputs("<li>nothing was noticed that would spoil them</li>\n",
		      f);
	fputs("</ul>\n</section>\n", f);
}

/* --- tables of facts --------------------------------------------------------*/

static void put_value(FILE *f, const json_t *v)
{
	if (json_is_string(v))
		html_text(f, json_string_value(v));
	else if (json_is_integer(v))
		fprintf(f, "%lld", (long long)json_integer_value(v));
	else if (json_is_real(v))
		fprintf(f, "%.6g", json_real_value(v));
	else if (json_is_boolean(v))
		fputs(json_is_true(v) ? "yes" : "no", f);
	else
		fputs("&ndash;", f);
}

static void put_fact(FILE *f, const char *name, const json_t *value)
{
	fputs("<tr><th>", f);
	html_text(f, name);
	fputs("</th><td>", f);
	put_value(f, value);
	fputs("</td></tr>\n", f);
}

/* What machines are sold by; the exact number is in run.json. */
static void put_bytes(FILE *f, const char *name, const json_t *value)
{
	fputs("<tr><th>", f);
	html_text(f, name);
	fprintf(f, "</th><td>%.0f MiB</td></tr>\n",
		json_number_value(value) / 0x1p20);
}

struct named {
	const char *key, *name;
};

static void put_object(FILE *f, const json_t *object, const struct named *rows,
		       size_t n)
{
	size_t i;

	fputs("<table class=\"facts\">\n", f);
	for (i = 0; i < n; i++) {
		const json_t *v = json_object_get(object, rows[i].key);

		if (v && strstr(rows[i].key, "_bytes"))
			put_bytes(f, rows[i].name, v);
		else if (v && !json_is_null(v))
			put_fact(f, rows[i].name, v);
	}
	fputs("</table>\n", f);
}

static void put_facts(FILE *f, const json_t *facts)
{
	char name[200];
	size_t i;

	fputs("<details><summary>all that is known of it</summary>\n"
	      "<table class=\"facts\">\n",
	      f);
	for (i = 0; i < json_array_size(facts); i++) {
		const json_t *fact = json_array_get(facts, i);
		const char *unknown = text_of(fact, "unknown");

		snprintf(name, sizeof(name), "%.40s %.60s %.80s",
			 text_of(fact, "section"), text_of(fact, "item"),
			 text_of(fact, "key"));
		if (*unknown)
			put_fact(f, name, json_object_get(fact, "unknown"));
		else
			put_fact(f, name, json_object_get(fact, "value"));
	}
	fputs("</table></details>\n", f);
}

static bool is_same_host(const json_t *a, const json_t *b)
{
	return *text_of(a, "boot_id") &&
	       !strcmp(text_of(a, "boot_id"), text_of(b, "boot_id"));
}

static void put_hosts(FILE *f, const json_t *run)
{
	static const struct named rows[] = {
		{"kernel", "kernel"},
		{"cpu_model", "CPU"},
		{"virt", "virtual machine"},
		{"cpus_allowed", "CPUs that it may use"},
		{"numa_nodes", "NUMA nodes"},
		{"mem_bytes", "memory"},
		{"l3_bytes", "L3 cache"},
		{"governor", "governor"},
		{"clocksource", "clock source"},
	};
	const json_t *hosts = json_object_get(run, "hosts");
	size_t i;

	for (i = 0; i < json_array_size(hosts); i++) {
		const json_t *host = json_array_get(hosts, i);

		if (i && is_same_host(host, json_array_get(hosts, i - 1)))
			continue;
		fputs("<h3>Host ", f);
		html_text(f, text_of(host, "name"));
		fputs(i + 1 < json_array_size(hosts) &&
				      is_same_host(host,
						   json_array_get(hosts, i + 1))
			      ? " (both ends)"
			      : "",
		      f);
		fputs("</h3>\n", f);
		put_object(f, host, rows, sizeof(rows) / sizeof(rows[0]));
		put_facts(f, json_object_get(host, "facts"));
	}
}

/* Without a device (memory alone) nobody can say whether it is software. */
static const json_t *link_value(const json_t *link, const char *key)
{
	if (!strcmp(key, "software_device") &&
	    !json_is_string(json_object_get(link, "device")))
		return NULL;
	return json_object_get(link, key);
}

static void put_links(FILE *f, const json_t *run)
{
	static const struct named columns[] = {
		{"transport", "transport"},
		{"device", "device"},
		{"software_device", "software"},
		{"path", "path"},
		{"qp_type", "QP"},
		{"cm", "connected by"},
		{"detail", "detail"},
	};
	const json_t *links = json_object_get(run, "links");
	size_t i, k, n = sizeof(columns) / sizeof(columns[0]);

	if (!json_array_size(links))
		return;
	fputs("<h3>Links</h3>\n<div class=\"wide\"><table class=\"facts\">\n"
	      "<tr>",
	      f);
	for (k = 0; k < n; k++)
		fprintf(f, "<th>%s</th>", columns[k].name);
	fputs("</tr>\n", f);
	for (i = 0; i < json_array_size(links); i++) {
		fputs("<tr>", f);
		for (k = 0; k < n; k++) {
			fputs("<td>", f);
			put_value(f, link_value(json_array_get(links, i),
						columns[k].key));
			fputs("</td>", f);
		}
		fputs("</tr>\n", f);
	}
	fputs("</table></div>\n", f);
}

static void put_trials(FILE *f, const json_t *run)
{
	const json_t *trials = json_object_get(run, "trials");
	const json_t *level = json_object_get(run, "confidence");
	json_int_t least = json_integer_value(json_array_get(trials, 0));
	json_int_t most = json_integer_value(json_array_get(trials, 1));

	fprintf(f, "<p>%lld", (long long)least);
	if (most > least)
		fprintf(f, " to %lld", (long long)most);
	fprintf(f, " trial%s a point, interleaved", most == 1 ? "" : "s");
	if (most > least)
		fprintf(f,
			", until the %g %% confidence interval of a point's "
			"median over trials is within %g %% of it",
			100 * json_number_value(json_array_get(level, 0)),
			100 * json_number_value(json_array_get(level, 1)));
	fputs(". Latency is the full round trip.</p>\n", f);
}

void html_run(FILE *f, const json_t *run)
{
	fputs("<header>\n<h1>What was measured on ", f);
	html_text(f, text_of(json_array_get(json_object_get(run, "hosts"), 0),
			     "name"));
	fputs("</h1>\n<p class=\"soft\">", f);
	html_text(f, text_of(run, "started_utc"));
	fputs(" &middot; rdmabench ", f);
	html_text(f, text_of(run, "version"));
	fputs(" &middot; run ", f);
	html_text(f, text_of(run, "run_id"));
	fputs("</p>\n</header>\n", f);
	put_warnings(f, run);
	fputs("<section>\n<h3>How</h3>\n<pre>", f);
	html_command(f, run, NULL);
	fputs("</pre>\n", f);
	put_trials(f, run);
	put_links(f, run);
	put_hosts(f, run);
	fputs("</section>\n", f);
}
