#include "report/caption.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "report/show.h"

static const char separator[] = "  \xc2\xb7  "; /* a middle dot */

static void append(char *out, size_t size, const char *words)
{
	size_t len = strlen(out);

	snprintf(out + len, size - len, "%s", words);
}

/* A string of a JSON object, clean, "" if it is not there or no string. */
static void get_words(char *out, size_t size, const json_t *object,
		      const char *key, size_t columns)
{
	const char *s = json_string_value(json_object_get(object, key));

	show_text(out, size, s ? s : "", columns);
}

/* "name (kernel, virt)" */
static void host_words(char *out, size_t size, const json_t *host)
{
	char name[260], kernel[160], virt[80];

	get_words(name, sizeof(name), host, "name", 64);
	get_words(kernel, sizeof(kernel), host, "kernel", 40);
	get_words(virt, sizeof(virt), host, "virt", 16);
	if (!strcmp(virt, "none"))
		*virt = '\0';
	snprintf(out, size, "%s", *name ? name : "unnamed");
	if (!*kernel && !*virt)
		return;
	append(out, size, " (");
	append(out, size, kernel);
	append(out, size, *kernel && *virt ? ", " : "");
	append(out, size, virt);
	append(out, size, ")");
}

static void get_caches(struct run_info *info, const json_t *hosts)
{
	static const char *const keys[] = {"l1d_bytes", "l2_bytes", "l3_bytes"};
	const size_t last = json_array_size(hosts) - 1;
	const json_t *host;
	unsigned end, i;

	for (end = 0; end < RUN_ENDS && json_array_size(hosts); end++) {
		host = json_array_get(hosts, end == RUN_SERVER ? last : 0);
		for (i = 0; i < 3; i++)
			info->cache_bytes[end][i] = json_number_value(
				json_object_get(host, keys[i]));
	}
}

/* An embedded server is on the client's own host: named once. */
static void get_hosts(struct run_info *info, const json_t *hosts)
{
	char words[sizeof(info->hosts[0])];
	const json_t *host;
	size_t i;
	unsigned k;

	json_array_foreach(hosts, i, host)
	{
		host_words(words, sizeof(words), host);
		for (k = 0; k < info->n_hosts; k++)
			if (!strcmp(info->hosts[k], words))
				break;
		if (k == info->n_hosts && k < CAPTION_HOSTS)
			strcpy(info->hosts[info->n_hosts++], words);
	}
}

/* 2026-11-21T10:05:36Z -> 2026-11-21 10:05 UTC; else as it is. */
static void date_words(char *out, size_t size, const json_t *root)
{
	char when[96];

	get_words(when, sizeof(when), root, "started_utc", 20);
	if (strlen(when) >= 16 && when[10] == 'T')
		snprintf(out, size, "%.10s %.5s UTC", when, when + 11);
	else
		show_text(out, size, when, 20);
}

int run_info_read(const char *dir, struct run_info *info, struct err *err)
{
	char *file, version[40];
	json_error_t why;
	json_t *root;
	FILE *f;
	int ret = 0;

	*info = (struct run_info){.date = ""};
	if (access(dir, F_OK))
		return err_sys(err, -errno, "%s", dir);
	if (asprintf(&file, "%s/run.json", dir) < 0)
		return err_sys(err, -ENOMEM, "%s", dir);
	if (access(file, F_OK))
		goto free_file;
	ret = reader_open(file, &f, err);
	if (ret)
		goto free_file;
	root = json_loadf(f, 0, &why);
	fclose(f);
	if (!root) {
		ret = err_set(err, -EINVAL, REASON_IO_ERROR,
			      "%s:%d: %s (without this file the figures lack "
			      "host and date)",
			      file, why.line, why.text);
		goto free_file;
	}
	get_hosts(info, json_object_get(root, "hosts"));
	get_caches(info, json_object_get(root, "hosts"));
	get_words(info->run_id, sizeof(info->run_id), root, "run_id", 100);
	date_words(info->date, sizeof(info->date), root);
	get_words(version, sizeof(version), root, "version", 24);
	if (*version)
		snprintf(info->version, sizeof(info->version), "rdmabench %s",
			 version);
	json_decref(root);
free_file:
	free(file);
	return ret;
}

size_t run_info_foreign(const struct run_info *info,
			const struct reader_table *table)
{
	int col = reader_column(table, "run_id");
	const char *id = info->run_id;
	size_t row;

	for (row = 0; row < reader_rows(table); row++) {
		if (!*id)
			id = reader_cell(table, row, col);
		if (strcmp(reader_cell(table, row, col), id))
			break;
	}
	return row;
}

int run_info_refuse(const struct run_info *info,
		    const struct reader_table *table, struct err *err)
{
	size_t row = run_info_foreign(info, table);

	if (row == reader_rows(table))
		return 0;
	return err_set(err, -EINVAL, REASON_IO_ERROR,
		       "%s:%zu: of another run than run.json, and runs are "
		       "never mixed: give each a folder of its own",
		       reader_file(table), reader_line(table, row));
}

const char *caption_path(enum path path)
{
	switch (path) {
	case PATH_LOOPBACK:
		return "loopback: no wire";
	case PATH_WIRE:
		return "over a wire";
	default:
		return "";
	}
}

/* "RDMA RC on rxe0 (software device)"; "" where no device is named. */
static void device_words(char *out, size_t size, const struct series_set *set,
			 const struct series *s)
{
	bool software = !strcmp(series_cell(set, s, "software_device"), "yes");
	const char *on = series_is(set, s, "rdma")  ? "RDMA on "
			 : series_is(set, s, "tcp") ? "TCP on "
						    : "";
	char device[160];

	show_text(device, sizeof(device), series_cell(set, s, "device"), 32);
	*out = '\0';
	if (!*device && !software)
		return;
	snprintf(out, size, "%s%s%s", on, *device ? device : "a device",
		 software ? " (software device)" : "");
}

void caption_devices(char *out, size_t size, const struct series_set *set,
		     enum path path)
{
	char words[256];
	size_t i;

	*out = '\0';
	for (i = 0; i < set->n; i++) {
		const struct series *s = &set->v[i];

		if (s->path != path || series_is(set, s, "loop"))
			continue;
		device_words(words, sizeof(words), set, s);
		if (!*words || strstr(out, words))
			continue;
		append(out, size, *out ? ", " : "");
		append(out, size, words);
	}
}

/* "64 B", "4 KiB" */
static void bytes_words(char *out, size_t size, double v)
{
	char number[32], *unit;

	show_bytes(number, sizeof(number), v);
	unit = number + strlen(number) - 1;
	if (isdigit((unsigned char)*unit)) {
		snprintf(out, size, "%s B", number);
		return;
	}
	snprintf(out, size, "%.*s %ciB", (int)(unit - number), number,
		 toupper((unsigned char)*unit));
}

/* "poll spin", "request 64 B" */
static void value_words(char *out, size_t size, const char *column,
			const char *value)
{
	size_t len = strlen(column), i;
	char words[64], number[40], *end;
	bool bytes = len > 6 && !strcmp(column + len - 6, "_bytes");
	double v = strtod(value, &end);

	snprintf(words, sizeof(words), "%s", column);
	if (bytes && end != value && !*end) {
		words[len - 6 < sizeof(words) ? len - 6 : 0] = '\0';
		bytes_words(number, sizeof(number), v);
		snprintf(out, size, "%s %s", words, number);
	} else {
		snprintf(out, size, "%s %s", words, value);
	}
	for (i = 0; out[i]; i++)
		if (out[i] == '_')
			out[i] = ' ';
}

/* Of the series of one path, those that have this value; *all: of how many. */
static size_t count_like(const struct series_set *set, enum path path,
			 const char *column, const char *value, size_t *all)
{
	size_t i, like = 0;

	*all = 0;
	for (i = 0; i < set->n; i++) {
		if (set->v[i].path != path)
			continue;
		++*all;
		like += !strcmp(series_cell(set, &set->v[i], column), value);
	}
	return like;
}

/* What more than half of them have; NULL if there is no such. */
static const char *usual_value(const struct series_set *set, enum path path,
			       const char *column, size_t *like, size_t *all)
{
	const char *value;
	size_t i;

	for (i = 0; i < set->n; i++) {
		value = series_cell(set, &set->v[i], column);
		*like = count_like(set, path, column, value, all);
		if (2 * *like > *all)
			return value;
	}
	return NULL;
}

/* Has one of the first n series of this path this value? */
static bool is_among(const struct series_set *set, size_t n, enum path path,
		     const char *column, const char *value)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (set->v[i].path == path &&
		    !strcmp(series_cell(set, &set->v[i], column), value))
			return true;
	return false;
}

/* Each once: "emulated or no". */
static void all_values(char *out, size_t size, const struct series_set *set,
		       enum path path, const char *column)
{
	const char *value;
	size_t i;

	*out = '\0';
	for (i = 0; i < set->n; i++) {
		value = series_cell(set, &set->v[i], column);
		if (set->v[i].path != path || !*value ||
		    is_among(set, i, path, column, value))
			continue;
		append(out, size, *out ? " or " : "");
		append(out, size, value);
	}
}

/* Nothing where the series have none, or where it is what x says.  The legend
 * tells those that differ, but what most have where there are many, and what
 * is no dimension (dims.h). */
static void condition(char *out, size_t size, const struct series_set *set,
		      enum path path, const char *column)
{
	size_t like = 0, all = 0;
	const char *value = usual_value(set, path, column, &like, &all);
	const bool differ = !value || like < all;
	char values[CAPTION_BYTES];

	*out = '\0';
	if (!strcmp(column, set->axes->x))
		return;
	if (differ && !dims_has(&set->dims, column)) {
		all_values(values, sizeof(values), set, path, column);
		value = values;
	} else if (differ && !dims_is_unsaid(column, all)) {
		return;
	}
	if (!value || !*value)
		return;
	value_words(out, size, column, value);
	if (differ && value != values)
		append(out, size, " unless named");
}

void caption_trials(char *out, size_t size, const struct series_set *set,
		    enum path path)
{
	unsigned least = 0, most = 0;
	size_t i, k;

	for (i = 0; i < set->n; i++) {
		for (k = 0; k < set->v[i].n && set->v[i].path == path; k++) {
			unsigned trials = set->v[i].points[k].trials;

			least = !least || trials < least ? trials : least;
			most = trials > most ? trials : most;
		}
	}
	if (most == 1)
		snprintf(out, size, "a single trial");
	else if (least == most)
		snprintf(out, size, "median of %u trials", most);
	else
		snprintf(out, size, "median of %u to %u trials", least, most);
}

/* A part goes to the end of the line, or starts the next. */
static void add_part(struct caption *c, const char *part)
{
	char words[CAPTION_BYTES];
	char *line = c->n ? c->lines[c->n - 1] : NULL;

	if (!*part)
		return;
	show_text(words, sizeof(words), part, CAPTION_COLUMNS);
	if (line &&
	    show_columns(line) + 5 + show_columns(words) <= CAPTION_COLUMNS) {
		append(line, CAPTION_BYTES, separator);
		append(line, CAPTION_BYTES, words);
	} else if (c->n < CAPTION_LINES) {
		snprintf(c->lines[c->n++], CAPTION_BYTES, "%s", words);
	}
}

void caption_make(struct caption *c, const struct series_set *set,
		  enum path path, const struct run_info *info,
		  const char *const *conditions)
{
	char words[CAPTION_BYTES];
	unsigned i;

	memset(c, 0, sizeof(*c));
	add_part(c, caption_path(path));
	caption_devices(words, sizeof(words), set, path);
	add_part(c, words);
	for (; *conditions; conditions++) {
		condition(words, sizeof(words), set, path, *conditions);
		add_part(c, words);
	}
	caption_trials(words, sizeof(words), set, path);
	add_part(c, words);
	add_part(c, info->date);
	add_part(c, info->version);
	for (i = 0; i < info->n_hosts; i++) {
		snprintf(words, sizeof(words), "host %.*s", CAPTION_BYTES - 8,
			 info->hosts[i]);
		add_part(c, words);
	}
}
