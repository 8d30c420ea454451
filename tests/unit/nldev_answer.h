/* Answers of the kernel to questions by netlink, attribute by attribute, as
 * drivers/infiniband/core/nldev.c makes them. */
#ifndef TESTS_UNIT_NLDEV_ANSWER_H
#define TESTS_UNIT_NLDEV_ANSWER_H

#include <linux/netlink.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static char buf[4096];
static uint32_t len;

/* The value of an attribute begins here; end_attr() gives it its length. */
static uint32_t begin_attr(uint16_t type)
{
	const struct nlattr a = {.nla_type = type};

	memcpy(buf + len, &a, sizeof(a));
	len += (uint32_t)sizeof(a);
	return len - (uint32_t)sizeof(a);
}

static void end_attr(uint32_t at)
{
	struct nlattr a;

	memcpy(&a, buf + at, sizeof(a));
	a.nla_len = (uint16_t)(len - at);
	memcpy(buf + at, &a, sizeof(a));
	len = (len + 3) & ~3u;
}

static void put_number(uint16_t type, uint32_t v)
{
	uint32_t at = begin_attr(type);

	memcpy(buf + len, &v, sizeof(v));
	len += (uint32_t)sizeof(v);
	end_attr(at);
}

static void put_name(uint16_t type, const char *name)
{
	uint32_t at = begin_attr(type);

	strcpy(buf + len, name);
	len += (uint32_t)strlen(name) + 1;
	end_attr(at);
}

/* Whatever is cut off or damaged, nothing is read beyond it (under asan the
 * copy's end is watched): `look` is shown every beginning of the answer, and
 * the answer with each byte damaged in turn. */
static void show_broken(void (*look)(const char *attrs, uint32_t n))
{
	const uint32_t whole = len;
	char *copy, was;
	uint32_t i;

	for (i = 0; i <= whole; i++) {
		copy = malloc(i ? i : 1);
		assert_non_null(copy);
		memcpy(copy, buf, i);
		look(copy, i);
		free(copy);
	}
	for (i = 0; i < whole; i++) {
		was = buf[i];
		buf[i] = (char)0xff;
		look(buf, whole);
		buf[i] = was;
	}
}

#endif
