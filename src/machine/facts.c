#include "machine/facts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 6 };

void facts_clear(struct facts *f)
{
	f->len = 0;
	f->full = false;
}

static void clean(char *s, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (s[i] && (s[i] < ' ' || s[i] > '~'))
			s[i] = '?';
}

static void add_word(struct facts *f, const char *word)
{
	size_t len = strnlen(word, FACT_TEXT_MAX - 1);

	if (len + 1 > FACTS_BYTES - f->len) {
		f->full = true;
		return;
	}
	memcpy(f->text + f->len, word, len);
	f->text[f->len + len] = '\0';
	clean(f->text + f->len, len);
	f->len += (uint32_t)len + 1;
}

void facts_add(struct facts *f, const struct fact *fact)
{
	const uint32_t before = f->len;

	/* Nothing behind a gap, so that what is there is what came first. */
	if (f->full)
		return;
	add_word(f, fact->section);
	add_word(f, fact->item);
	add_word(f, fact->key);
	add_word(f, fact->value);
	add_word(f, fact->unit);
	add_word(f, fact->unknown);
	if (f->full)
		f->len = before;
}

bool facts_next(const struct facts *f, size_t *at, struct fact *fact)
{
	const char *word[WORDS];
	unsigned i;

	if (*at >= f->len)
		return false;
	for (i = 0; i < WORDS; i++) {
		word[i] = f->text + *at;
		*at += strlen(word[i]) + 1;
	}
	*fact = (struct fact){word[0], word[1], word[2],
			      word[3], word[4], word[5]};
	return true;
}

bool facts_find(const struct facts *f, const char *section, const char *item,
		const char *key, struct fact *fact)
{
	size_t at = 0;

	while (facts_next(f, &at, fact))
		if (!strcmp(fact->key, key) && !strcmp(fact->item, item) &&
		    !strcmp(fact->section, section))
			return true;
	return false;
}

const char *facts_text(const struct facts *f, const char *section,
		       const char *item, const char *key)
{
	struct fact fact;

	if (!facts_find(f, section, item, key, &fact) || fact.unknown[0])
		return NULL;
	return fact.value;
}

bool facts_number(const struct facts *f, const char *section, const char *item,
		  const char *key, uint64_t *v)
{
	const char *text = facts_text(f, section, item, key);
	unsigned long long x;
	char *end;

	if (!text || *text < '0' || *text > '9')
		return false;
	errno = 0;
	x = strtoull(text, &end, 10);
	if (errno || *end)
		return false;
	*v = x;
	return true;
}

int facts_check(struct facts *f)
{
	unsigned words = 0;
	uint32_t i;

	for (i = 0; i < f->len && i < FACTS_BYTES; i++)
		words += !f->text[i];
	if (f->len > FACTS_BYTES || words % WORDS ||
	    (f->len && f->text[f->len - 1])) {
		facts_clear(f);
		return -EBADMSG;
	}
	clean(f->text, f->len);
	return 0;
}
