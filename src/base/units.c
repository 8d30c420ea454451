#include "base/units.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Wide enough for 19 digits of fraction times a unit without overflow. */
typedef unsigned __int128 u128;

enum { DIGITS_MAX = 28, ITEM_MAX = 64 };

struct unit {
	const char *name;
	uint64_t scale;
};

static const struct unit time_units[] = {
	{"ns", 1},
	{"us", 1000},
	{"ms", 1000000},
	{"s", 1000000000},
};

static const struct unit size_units[] = {
	{"", 1},
	{"k", (uint64_t)1 << 10},
	{"M", (uint64_t)1 << 20},
	{"G", (uint64_t)1 << 30},
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int bad(struct err *err, const char *s, const char *why)
{
	return err_set(err, -EINVAL, REASON_USAGE, "'%.64s': %s", s, why);
}

static int too_big(struct err *err, const char *s)
{
	return bad(err, s, "too large for 64 bits");
}

/* Digits at *p, which moves behind them; false: none, or over 64 bits. */
static bool digits(const char **p, uint64_t *v, bool *overflow)
{
	const char *start = *p;
	uint64_t sum = 0;

	*overflow = false;
	for (; isdigit((unsigned char)**p); (*p)++)
		if (__builtin_mul_overflow(sum, 10u, &sum) ||
		    __builtin_add_overflow(sum, (unsigned)(**p - '0'), &sum))
			*overflow = true;
	*v = sum;
	return *p > start && !*overflow;
}

/* Leading digits of s or words why not. */
static int leading(const char *s, const char **rest, uint64_t *v,
		   struct err *err)
{
	bool overflow;

	*rest = s;
	if (digits(rest, v, &overflow))
		return 0;
	if (overflow)
		return too_big(err, s);
	return bad(err, s, *s ? "does not start with a digit" : "is empty");
}

static const struct unit *size_unit(const char *suffix)
{
	size_t i, len;

	for (i = 0; i < COUNT(size_units); i++) {
		len = strlen(size_units[i].name);
		if (strncasecmp(suffix, size_units[i].name, len))
			continue;
		if (!suffix[len] || !strcasecmp(suffix + len, "B"))
			return &size_units[i];
		if (len && !strcasecmp(suffix + len, "iB"))
			return &size_units[i];
	}
	return NULL;
}

int units_parse_size(const char *s, uint64_t *v, struct err *err)
{
	const struct unit *unit;
	const char *rest;
	uint64_t number;
	int ret;

	ret = leading(s, &rest, &number, err);
	if (ret)
		return ret;
	unit = size_unit(rest);
	if (!unit)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "'%.64s': '%.64s' is no unit of size (k, M, G)",
			       s, rest);
	if (__builtin_mul_overflow(number, unit->scale, &number))
		return too_big(err, s);
	*v = number;
	return 0;
}

/* "1.5": 15, of which one digit is behind the point. */
static int decimal(const char *s, const char **rest, u128 *number,
		   unsigned *behind, struct err *err)
{
	const char *p = s;
	unsigned n = 0;
	bool point = false;

	*number = 0;
	*behind = 0;
	for (; isdigit((unsigned char)*p) || (*p == '.' && !point); p++) {
		if (*p == '.') {
			point = true;
			continue;
		}
		*number = *number * 10 + (unsigned)(*p - '0');
		*behind += point;
		if (++n > DIGITS_MAX)
			return bad(err, s, "too many digits");
	}
	*rest = p;
	if (!n)
		return bad(err, s,
			   *s ? "does not start with a digit" : "is empty");
	if (p[-1] == '.')
		return bad(err, s, "ends in a point");
	return 0;
}

static u128 round_div10(u128 v, unsigned times)
{
	u128 by = 1;

	while (times--)
		by *= 10;
	return (v + by / 2) / by;
}

static const struct unit *time_unit(const char *name)
{
	size_t i;

	for (i = 0; i < COUNT(time_units); i++)
		if (!strcmp(name, time_units[i].name))
			return &time_units[i];
	return NULL;
}

int units_parse_time(const char *s, uint64_t *ns, struct err *err)
{
	const struct unit *unit;
	const char *rest = s;
	unsigned behind;
	u128 number;
	int ret;

	ret = decimal(s, &rest, &number, &behind, err);
	if (ret)
		return ret;
	if (!*rest && number)
		return bad(err, s, "needs a unit: ns, us, ms or s");
	unit = *rest ? time_unit(rest) : &time_units[0];
	if (!unit)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "'%.64s': '%.64s' is no unit of time "
			       "(ns, us, ms, s)",
			       s, rest);
	number = round_div10(number * unit->scale, behind);
	if (number > UINT64_MAX)
		return too_big(err, s);
	*ns = (uint64_t)number;
	return 0;
}

static int scale10(const char *s, uint64_t *v, uint64_t exponent,
		   struct err *err)
{
	/* 0e99 is 0, and no loop of 10^19 turns */
	for (; exponent && *v; exponent--)
		if (__builtin_mul_overflow(*v, 10u, v))
			return too_big(err, s);
	return 0;
}

int units_parse_count(const char *s, uint64_t *v, struct err *err)
{
	uint64_t number, exponent = 0;
	const char *rest;
	bool overflow;
	int ret;

	ret = leading(s, &rest, &number, err);
	if (ret)
		return ret;
	if (*rest == 'e' || *rest == 'E') {
		rest++;
		if (!digits(&rest, &exponent, &overflow))
			return bad(err, s, "no exponent behind the e");
	}
	if (*rest)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "'%.64s': '%.64s' is not part of a number", s,
			       rest);
	ret = scale10(s, &number, exponent, err);
	if (!ret)
		*v = number;
	return ret;
}

/* --- lists --------------------------------------------------------------- */

struct list {
	units_parse_fn *parse;
	uint64_t *v;
	unsigned max, n;
};

struct range {
	uint64_t first, last;
	uint64_t by; /* factor or step */
	bool times;
};

static int append(struct list *list, uint64_t v, struct err *err)
{
	if (list->n == list->max)
		return err_set(err, -EINVAL, REASON_USAGE,
			       "more than %u values", list->max);
	list->v[list->n++] = v;
	return 0;
}

static int append_range(struct list *list, const struct range *r,
			struct err *err)
{
	uint64_t v = r->first;
	bool overflow = false;
	int ret;

	while (!overflow && v <= r->last) {
		ret = append(list, v, err);
		if (ret)
			return ret;
		overflow = r->times ? __builtin_mul_overflow(v, r->by, &v)
				    : __builtin_add_overflow(v, r->by, &v);
	}
	return 0;
}

/* Whether the range goes anywhere; a loop that does not move would be one
 * that fills the list and blames its length. */
static int check_range(const char *item, const struct range *r, struct err *err)
{
	if (r->first > r->last)
		return bad(err, item, "starts above its end");
	if (r->times && r->by < 2)
		return bad(err, item, "needs a factor of 2 or more");
	if (r->times && !r->first)
		return bad(err, item, "0 times anything stays 0");
	if (!r->times && !r->by)
		return bad(err, item, "needs a step above 0");
	return 0;
}

/* Cuts "A-BxF" or "A-B+S", whose '-' is at `dash`, at its signs. */
static int parse_range(const struct list *list, char *item, size_t dash,
		       struct range *r, struct err *err)
{
	char whole[ITEM_MAX];
	char *last = item + dash + 1, *sign = strpbrk(last, "x+");
	int ret;

	memcpy(whole, item, sizeof(whole));
	if (!sign)
		return bad(err, whole,
			   "a range needs a factor, x4, or a "
			   "step, +1k, at its end");
	r->times = *sign == 'x';
	item[dash] = *sign = '\0';
	ret = list->parse(item, &r->first, err);
	if (!ret)
		ret = list->parse(last, &r->last, err);
	if (!ret)
		ret = r->times ? units_parse_count(sign + 1, &r->by, err)
			       : list->parse(sign + 1, &r->by, err);
	if (ret)
		err_wrap(err, "range '%s'", whole);
	return ret ? ret : check_range(whole, r, err);
}

static int parse_item(struct list *list, const char *s, size_t len,
		      struct err *err)
{
	char item[ITEM_MAX] = "";
	size_t dash;
	struct range r;
	uint64_t v;
	int ret;

	if (len >= sizeof(item))
		return bad(err, s, "too long for an item of a list");
	memcpy(item, s, len);
	dash = strcspn(item, "-");
	if (dash == len || !dash) {
		ret = list->parse(item, &v, err);
		return ret ? ret : append(list, v, err);
	}
	ret = parse_range(list, item, dash, &r, err);
	return ret ? ret : append_range(list, &r, err);
}

int units_parse_list(const char *s, units_parse_fn *parse, uint64_t *v,
		     unsigned max, unsigned *n, struct err *err)
{
	struct list list = {.parse = parse, .v = v, .max = max};
	const char *p = s;
	size_t len;
	int ret;

	for (;;) {
		len = strcspn(p, ",");
		ret = parse_item(&list, p, len, err);
		if (ret) {
			if (strchr(s, ','))
				err_wrap(err, "in the list '%.64s'", s);
			return ret;
		}
		if (!p[len])
			break;
		p += len + 1;
	}
	*n = list.n;
	return 0;
}

/* --- formatting ---------------------------------------------------------- */

char *units_format_size(char *buf, size_t cap, uint64_t v)
{
	size_t i = COUNT(size_units) - 1;

	while (i && (!v || v % size_units[i].scale))
		i--;
	snprintf(buf, cap, "%llu%s",
		 (unsigned long long)(v / size_units[i].scale),
		 size_units[i].name);
	return buf;
}

/* Three digits first, unit second: 999.7 ns is "1.00 us", not "1000 ns". */
static double three_digits(double v)
{
	char text[32];

	snprintf(text, sizeof(text), "%.2e", v);
	return strtod(text, NULL);
}

char *units_format_time(char *buf, size_t cap, double ns)
{
	size_t i = 0;
	double v;

	ns = three_digits(ns);
	while (i + 1 < COUNT(time_units) &&
	       fabs(ns) >= (double)time_units[i + 1].scale)
		i++;
	v = ns / (double)time_units[i].scale;
	snprintf(buf, cap, "%.*f %s",
		 fabs(v) >= 100 || v == 0 ? 0
		 : fabs(v) >= 10	  ? 1
					  : 2,
		 v, time_units[i].name);
	return buf;
}

unsigned long long units_mib_wanted(uint64_t bytes)
{
	return units_mib_there(bytes) + (bytes & ((1u << 20) - 1) ? 1 : 0);
}

unsigned long long units_mib_there(uint64_t bytes)
{
	return bytes >> 20;
}
