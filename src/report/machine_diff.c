#include "report/machine_diff.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report/show.h"
#include "result/reader.h"

static const char not_there[] = "-";

/* What is another number every time it is asked. */
static const char *const fickle[] = {
	"available",
	"free hugepages",
	"uptime",
	"load",
};

static bool is_fickle(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(fickle) / sizeof(fickle[0]); i++)
		if (!strncmp(key, fickle[i], strlen(fickle[i])))
			return true;
	return false;
}

/* Any value as clean words. */
static void words(const json_t *j, char *out, size_t size)
{
	char *text = NULL;

	if (json_is_string(j))
		show_text(out, size, json_string_value(j), 100);
	else if (!j || json_is_null(j))
		snprintf(out, size, "%s", not_there);
	else
		text = json_dumps(j, JSON_ENCODE_ANY | JSON_COMPACT);
	if (text)
		show_text(out, size, text, 100);
	free(text);
}

static int add(struct machine_diff *d, const char *what, const json_t *old,
	       const json_t *new, struct err *err)
{
	struct machine_difference *v;

	if (json_equal((json_t *)old, (json_t *)new) ||
	    ((!old || json_is_null(old)) && (!new || json_is_null(new))))
		return 0;
	v = reallocarray(d->v, d->n + 1, sizeof(*v));
	if (!v)
		return err_sys(err, -ENOMEM, "differences");
	d->v = v;
	v += d->n++;
	show_text(v->what, sizeof(v->what), what, 60);
	words(old, v->old, sizeof(v->old));
	words(new, v->new, sizeof(v->new));
	return 0;
}

/* --- flat objects ----------------------------------------------------------*/

/* Members of both, those of the new one that the old one lacks last. */
static int diff_object(struct machine_diff *d, const char *prefix,
		       const json_t *old, const json_t *new, struct err *err)
{
	char what[200];
	const char *key;
	json_t *value;
	int ret = 0;

	json_object_foreach((json_t *)old, key, value)
	{
		snprintf(what, sizeof(what), "%s%.100s", prefix, key);
		if (!ret)
			ret = add(d, what, value, json_object_get(new, key),
				  err);
	}
	json_object_foreach((json_t *)new, key, value)
	{
		snprintf(what, sizeof(what), "%s%.100s", prefix, key);
		if (!ret && !json_object_get(old, key))
			ret = add(d, what, NULL, value, err);
	}
	return ret;
}

/* --- facts: a list of objects, told apart by section, item and key ----------*/

static const char *text_of(const json_t *fact, const char *key)
{
	const char *s = json_string_value(json_object_get(fact, key));

	return s ? s : "";
}

static bool same_fact(const json_t *a, const json_t *b)
{
	static const char *const keys[] = {"section", "item", "key"};
	size_t i;

	for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		if (strcmp(text_of(a, keys[i]), text_of(b, keys[i])))
			return false;
	return true;
}

static const json_t *find_fact(const json_t *facts, const json_t *like)
{
	size_t i;

	for (i = 0; i < json_array_size(facts); i++)
		if (same_fact(json_array_get(facts, i), like))
			return json_array_get(facts, i);
	return NULL;
}

static int diff_fact(struct machine_diff *d, const char *end,
		     const json_t *fact, const json_t *old, const json_t *new,
		     struct err *err)
{
	char what[200];
	const char *item = text_of(fact, "item");

	if (is_fickle(text_of(fact, "key")))
		return 0;
	snprintf(what, sizeof(what), "%.10s %.20s%s%.30s: %.60s", end,
		 text_of(fact, "section"), *item ? " " : "", item,
		 text_of(fact, "key"));
	return add(d, what, json_object_get(old, "value"),
		   json_object_get(new, "value"), err);
}

static int diff_facts(struct machine_diff *d, const char *end,
		      const json_t *old, const json_t *new, struct err *err)
{
	const json_t *fact;
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < json_array_size(old); i++) {
		fact = json_array_get(old, i);
		ret = diff_fact(d, end, fact, fact, find_fact(new, fact), err);
	}
	for (i = 0; !ret && i < json_array_size(new); i++) {
		fact = json_array_get(new, i);
		if (!find_fact(old, fact))
			ret = diff_fact(d, end, fact, NULL, fact, err);
	}
	return ret;
}

/* --- the whole --------------------------------------------------------------*/

static const json_t *member(const json_t *array, size_t i, const char *key)
{
	return json_object_get(json_array_get(array, i), key);
}

/* Hosts are in the same order in every run: client, then server. */
static int diff_hosts(struct machine_diff *d, const json_t *old,
		      const json_t *new, struct err *err)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < json_array_size(old); i++) {
		/* An embedded server is on the same host: once is enough. */
		if (i && json_equal((json_t *)member(old, i - 1, "boot_id"),
				    (json_t *)member(old, i, "boot_id")))
			break;
		ret = add(d, "boot of the host", member(old, i, "boot_id"),
			  member(new, i, "boot_id"), err);
		if (!ret)
			ret = diff_facts(d,
					 text_of(json_array_get(old, i), "end"),
					 member(old, i, "facts"),
					 member(new, i, "facts"), err);
	}
	return ret;
}

static int diff_scenario(struct machine_diff *d, const json_t *old,
			 const json_t *all_new, struct err *err)
{
	char prefix[80];
	size_t i;

	for (i = 0; i < json_array_size(all_new); i++)
		if (!strcmp(text_of(old, "name"),
			    text_of(json_array_get(all_new, i), "name")))
			break;
	if (i == json_array_size(all_new))
		return 0;
	snprintf(prefix, sizeof(prefix), "%.40s --", text_of(old, "name"));
	return diff_object(d, prefix, json_object_get(old, "options"),
			   member(all_new, i, "options"), err);
}

static int diff_scenarios(struct machine_diff *d, const json_t *old,
			  const json_t *new, struct err *err)
{
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < json_array_size(old); i++)
		ret = diff_scenario(d, json_array_get(old, i), new, err);
	return ret;
}

static int diff_all(struct machine_diff *d, const json_t *old,
		    const json_t *new, struct err *err)
{
	static const char *const top[] = {"version", "server", "trials",
					  "confidence"};
	size_t i;
	int ret = 0;

	for (i = 0; !ret && i < sizeof(top) / sizeof(top[0]); i++)
		ret = add(d, top[i], json_object_get(old, top[i]),
			  json_object_get(new, top[i]), err);
	if (!ret)
		ret = diff_scenarios(d, json_object_get(old, "scenarios"),
				     json_object_get(new, "scenarios"), err);
	if (!ret)
		ret = diff_hosts(d, json_object_get(old, "hosts"),
				 json_object_get(new, "hosts"), err);
	return ret;
}

static int load(const char *dir, json_t **root, struct err *err)
{
	json_error_t why;
	char *path;
	FILE *f;
	int ret;

	if (asprintf(&path, "%s/run.json", dir) < 0)
		return err_sys(err, -ENOMEM, "%s", dir);
	ret = reader_open(path, &f, err);
	if (ret)
		goto free_path;
	*root = json_loadf(f, 0, &why);
	fclose(f);
	if (!*root)
		ret = err_set(err, -EINVAL, REASON_IO_ERROR, "%s:%d: %s", path,
			      why.line, why.text);
free_path:
	free(path);
	return ret;
}

int machine_diff_read(struct machine_diff *d, const char *old_dir,
		      const char *new_dir, struct err *err)
{
	json_t *old, *new;
	int ret;

	*d = (struct machine_diff){.n = 0};
	ret = load(old_dir, &old, err);
	if (ret)
		return ret;
	ret = load(new_dir, &new, err);
	if (!ret) {
		ret = diff_all(d, old, new, err);
		json_decref(new);
	}
	json_decref(old);
	return ret;
}

void machine_diff_fini(struct machine_diff *d)
{
	free(d->v);
	d->v = NULL;
	d->n = 0;
}
