#include "machine/probe.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "machine/sysfs.h"

static void add(struct probe *p, const char *key, const char *value,
		const char *unit, const char *unknown)
{
	const struct fact fact = {
		.section = p->section,
		.item = p->item,
		.key = key,
		.value = value,
		.unit = unit,
		.unknown = unknown,
	};

	facts_add(p->facts, &fact);
}

void probe_text(struct probe *p, const char *key, const char *fmt, ...)
{
	char text[PROBE_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add(p, key, text, "", "");
}

void probe_number(struct probe *p, const char *key, const char *unit,
		  uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)v);
	add(p, key, text, unit, "");
}

void probe_unknown(struct probe *p, const char *key, const char *fmt, ...)
{
	char text[PROBE_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	add(p, key, "", "", text);
}

void probe_failed(struct probe *p, const char *key, const char *path, int ret)
{
	probe_unknown(p, key, "%s: %s", path, strerror(-ret));
}

char *probe_path(const struct probe *p, char buf[PROBE_PATH_MAX],
		 const char *path)
{
	snprintf(buf, PROBE_PATH_MAX, "%s%s", p->root, path);
	return buf;
}

static int read_line(const struct probe *p, const char *path, char *buf,
		     size_t cap)
{
	char full[PROBE_PATH_MAX];

	return sysfs_line(probe_path(p, full, path), buf, cap);
}

static int read_u64(const struct probe *p, const char *path, uint64_t *v)
{
	char full[PROBE_PATH_MAX];

	return sysfs_u64(probe_path(p, full, path), v);
}

#define FORMAT(path, fmt)                                                      \
	do {                                                                   \
		va_list ap;                                                    \
		va_start(ap, fmt);                                             \
		vsnprintf(path, sizeof(path), fmt, ap);                        \
		va_end(ap);                                                    \
	} while (0)

int probe_line(const struct probe *p, char *buf, size_t cap, const char *fmt,
	       ...)
{
	char path[PROBE_PATH_MAX];

	FORMAT(path, fmt);
	return read_line(p, path, buf, cap);
}

int probe_u64(const struct probe *p, uint64_t *v, const char *fmt, ...)
{
	char path[PROBE_PATH_MAX];

	FORMAT(path, fmt);
	return read_u64(p, path, v);
}

void probe_file(struct probe *p, const char *key, const char *fmt, ...)
{
	char path[PROBE_PATH_MAX], text[PROBE_TEXT_MAX];
	int ret;

	FORMAT(path, fmt);
	ret = read_line(p, path, text, sizeof(text));
	if (ret)
		probe_failed(p, key, path, ret);
	else
		add(p, key, text, "", "");
}

void probe_file_u64(struct probe *p, const char *key, const char *unit,
		    const char *fmt, ...)
{
	char path[PROBE_PATH_MAX];
	uint64_t v;
	int ret;

	FORMAT(path, fmt);
	ret = read_u64(p, path, &v);
	if (ret)
		probe_failed(p, key, path, ret);
	else
		probe_number(p, key, unit, v);
}

static int no_dots(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

int probe_each(struct probe *p, const char *path, probe_entry_fn *fn, void *arg)
{
	char full[PROBE_PATH_MAX];
	struct dirent **list;
	int i, n;

	n = scandir(probe_path(p, full, path), &list, no_dots, versionsort);
	if (n < 0)
		return -errno;
	for (i = 0; i < n; i++) {
		fn(p, list[i]->d_name, arg);
		free(list[i]);
	}
	free(list);
	return n;
}

void probe_join(char *buf, size_t cap, const char *fmt, ...)
{
	size_t len = strlen(buf);
	char word[PROBE_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(word, sizeof(word), fmt, ap);
	va_end(ap);
	if (len + strlen(word) + sizeof(", , ...") <= cap)
		snprintf(buf + len, cap - len, "%s%s", len ? ", " : "", word);
	else if (len < 3 || strcmp(buf + len - 3, "..."))
		snprintf(buf + len, cap - len, ", ...");
}

void word_tally_add(struct word_tally *t, const char *word)
{
	unsigned i;

	for (i = 0; i < t->n; i++) {
		if (strncmp(t->word[i], word, TALLY_WORD - 1))
			continue;
		t->count[i]++;
		return;
	}
	if (t->n == TALLY_WORDS) {
		t->more++;
		return;
	}
	snprintf(t->word[t->n], TALLY_WORD, "%s", word);
	t->count[t->n++] = 1;
}

char *word_tally_text(const struct word_tally *t, char *buf, size_t cap)
{
	unsigned i;

	buf[0] = '\0';
	for (i = 0; i < t->n; i++) {
		if (t->n == 1)
			probe_join(buf, cap, "%s", t->word[i]);
		else
			probe_join(buf, cap, "%s (%u)", t->word[i],
				   t->count[i]);
	}
	if (t->more)
		probe_join(buf, cap, "and %u more", t->more);
	return buf;
}
