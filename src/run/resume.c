#include "run/resume.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "result/reader.h"
#include "run/run.h"
#include "run/run_json.h"

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static int refuse(struct err *err, const char *dir, const char *what,
		  const char *then, const char *now)
{
	return err_set(err, -EINVAL, REASON_USAGE,
		       "--resume %s: %s differs (then '%.80s', now '%.80s'): "
		       "measure anew, into another folder",
		       dir, what, then, now);
}

static int load_json(struct resume *r, const char *dir, struct err *err)
{
	char path[640];
	json_error_t why;
	FILE *f;
	int ret;

	snprintf(path, sizeof(path), "%s/run.json", dir);
	ret = reader_open(path, &f, err);
	if (ret) {
		err_wrap(err, "--resume %s", dir);
		return ret;
	}
	r->json = json_loadf(f, 0, &why);
	fclose(f);
	if (!r->json)
		return err_set(err, -EINVAL, REASON_IO_ERROR, "%s:%d: %s", path,
			       why.line, why.text);
	return 0;
}

static int load_arguments(struct resume *r, const char *dir, struct err *err)
{
	const json_t *words = json_object_get(r->json, "command_line");
	size_t i, n = json_array_size(words);

	r->argv = calloc(n + 1, sizeof(*r->argv));
	if (!r->argv)
		return err_sys(err, -ENOMEM, "--resume");
	for (i = 0; i < n; i++) {
		/* getopt_long permutes the pointers, never the text. */
		r->argv[i] =
			(char *)json_string_value(json_array_get(words, i));
		if (!r->argv[i])
			break;
	}
	r->argc = (int)i;
	if (!n || i < n || strcmp(r->argv[0], "run"))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--resume %s: its run.json has no command line",
			       dir);
	return 0;
}

int resume_load(struct resume *r, const char *dir, struct err *err)
{
	int ret;

	*r = (struct resume){.json = NULL};
	ret = load_json(r, dir, err);
	if (ret)
		return ret;
	r->finished = !strcmp(text_of(r->json, "state"), "finished");
	if (strcmp(text_of(r->json, "version"), RDMABENCH_VERSION))
		return refuse(err, dir, "the version of rdmabench",
			      text_of(r->json, "version"), RDMABENCH_VERSION);
	return load_arguments(r, dir, err);
}

void resume_fini(struct resume *r)
{
	free(r->argv);
	json_decref(r->json);
	*r = (struct resume){.json = NULL};
}

/* --- the same plan? -----------------------------------------------------------*/

/* The first member that differs, as text: "" if none does. */
static int compare_objects(const char *dir, const json_t *then,
			   const json_t *now, const char *prefix,
			   struct err *err)
{
	const char *key;
	json_t *value;
	char what[120], *a, *b;
	int ret = 0;

	json_object_foreach((json_t *)now, key, value)
	{
		const json_t *old = json_object_get(then, key);

		if (ret || json_equal(value, (json_t *)old))
			continue;
		a = old ? json_dumps(old, JSON_ENCODE_ANY | JSON_COMPACT)
			: NULL;
		b = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);
		snprintf(what, sizeof(what), "%s%.60s", prefix, key);
		ret = refuse(err, dir, what, a ? a : "", b ? b : "");
		free(a);
		free(b);
	}
	return ret;
}

static int check_plan(const struct resume *r, const struct run *run,
		      const json_t *now, struct err *err)
{
	const json_t *old = json_object_get(r->json, "scenarios");
	const json_t *new = json_object_get(now, "scenarios");
	char prefix[80];
	size_t i;
	int ret = 0;

	if (json_array_size(old) != json_array_size(new))
		return refuse(err, run->dir, "the list of scenarios", "", "");
	for (i = 0; !ret && i < json_array_size(new); i++) {
		const json_t *a = json_array_get(old, i);
		const json_t *b = json_array_get(new, i);

		snprintf(prefix, sizeof(prefix), "%.40s: option --",
			 text_of(b, "name"));
		ret = compare_objects(run->dir, json_object_get(a, "options"),
				      json_object_get(b, "options"), prefix,
				      err);
		if (!ret)
			ret = compare_objects(run->dir, a, b, "the plan's ",
					      err);
	}
	return ret;
}

/* --- the same machine? --------------------------------------------------------*/

static int check_host(const struct resume *r, const struct run *run,
		      const json_t *now, size_t i, struct err *err)
{
	static const char *const keys[] = {"name", "kernel", "cpu_model",
					   "boot_id", "cpus_allowed"};
	const json_t *a = json_array_get(json_object_get(r->json, "hosts"), i);
	const json_t *b = json_array_get(json_object_get(now, "hosts"), i);
	json_t *few = json_object();
	char prefix[40];
	size_t k;
	int ret;

	for (k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
		json_object_set(few, keys[k], json_object_get(b, keys[k]));
	snprintf(prefix, sizeof(prefix), "the %.10s's ", text_of(b, "end"));
	ret = compare_objects(run->dir, a, few, prefix, err);
	json_decref(few);
	return ret;
}

static int take_over(const struct resume *r, struct run *run, struct err *err)
{
	const char *id = text_of(r->json, "run_id");

	if (!*id || strlen(id) >= sizeof(run->run_id))
		return err_set(err, -EINVAL, REASON_USAGE,
			       "--resume %s: its run.json has no run_id",
			       run->dir);
	strcpy(run->run_id, id);
	snprintf(run->started_utc, sizeof(run->started_utc), "%s",
		 text_of(r->json, "started_utc"));
	run->seed =
		(uint64_t)json_integer_value(json_object_get(r->json, "seed"));
	return 0;
}

int resume_check(const struct resume *r, struct run *run, struct err *err)
{
	json_t *now = run_json_make(run, "running");
	size_t i;
	int ret;

	if (!now)
		return err_set(err, -EINVAL, REASON_INTERNAL,
			       "run.json cannot be made");
	ret = check_plan(r, run, now, err);
	for (i = 0; !ret && i < 2; i++)
		ret = check_host(r, run, now, i, err);
	json_decref(now);
	return ret ? ret : take_over(r, run, err);
}

/* --- one description of both parts --------------------------------------------*/

static bool holds(const json_t *array, const json_t *value)
{
	size_t i;

	for (i = 0; i < json_array_size(array); i++)
		if (json_equal(json_array_get(array, i), (json_t *)value))
			return true;
	return false;
}

void resume_merge(const struct resume *r, json_t *json)
{
	static const char *const lists[] = {"links", "warnings"};
	size_t i, k;

	for (k = 0; k < sizeof(lists) / sizeof(lists[0]); k++) {
		const json_t *old = json_object_get(r->json, lists[k]);
		json_t *new = json_object_get(json, lists[k]);

		for (i = 0; i < json_array_size(old); i++)
			if (!holds(new, json_array_get(old, i)))
				json_array_append(new, json_array_get(old, i));
	}
	json_object_update_missing(json_object_get(json, "empty_columns"),
				   json_object_get(r->json, "empty_columns"));
	json_object_set_new(json, "resumed", json_true());
}
