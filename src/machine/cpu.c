#include "machine/cpu.h"

#include <ctype.h>
#include <errno.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The kernel refuses a mask with room for fewer CPUs than it may have. */
enum { MASK_CPUS = 8192 };

union mask {
	cpu_set_t set;
	unsigned long bits[MASK_CPUS / (8 * sizeof(unsigned long))];
};

unsigned cpu_allowed(unsigned *cpus, unsigned max)
{
	union mask m = {.bits = {0}};
	unsigned i, n = 0;

	if (sched_getaffinity(0, sizeof(m), &m.set))
		return 0;
	for (i = 0; i < CPU_LIST_MAX && n < max; i++)
		if (CPU_ISSET_S(i, sizeof(m), &m.set))
			cpus[n++] = i;
	return n;
}

static int bad_list(struct err *err, const char *text, const char *why)
{
	return err_set(err, -EINVAL, REASON_USAGE, "CPU list '%.64s': %s", text,
		       why);
}

/* Digits at *p, which moves behind them. */
static bool number(const char **p, unsigned *v)
{
	const char *start = *p;
	unsigned x = 0;

	for (; isdigit((unsigned char)**p); (*p)++)
		if (x < CPU_LIST_MAX)
			x = x * 10 + (unsigned)(**p - '0');
	*v = x;
	return *p > start;
}

/* "3" or "0-3" at *p, which moves behind it. */
static const char *range(const char **p, unsigned *first, unsigned *last)
{
	if (!number(p, first))
		return "a number is missing";
	*last = *first;
	if (**p == '-') {
		(*p)++;
		if (!number(p, last))
			return "a range has no end";
	}
	if (*first >= CPU_LIST_MAX || *last >= CPU_LIST_MAX)
		return "a CPU above 1023";
	if (*first > *last)
		return "a range runs backwards";
	return NULL;
}

int cpu_list_parse(const char *text, unsigned *cpus, unsigned max, unsigned *n,
		   struct err *err)
{
	unsigned first, last, count = 0;
	const char *p = text, *why;

	for (;; p++) {
		why = range(&p, &first, &last);
		if (why)
			return bad_list(err, text, why);
		for (; first <= last; first++) {
			if (count == max)
				return bad_list(err, text, "too many CPUs");
			cpus[count++] = first;
		}
		if (*p != ',')
			break;
	}
	if (*p)
		return bad_list(err, text, "only numbers, '-' and ','");
	*n = count;
	return 0;
}

char *cpu_list_format(char *buf, size_t cap, const unsigned *cpus, unsigned n)
{
	size_t len = 0;
	unsigned i, j;
	int k;

	buf[0] = '\0';
	for (i = 0; i < n && len < cap; i = j) {
		for (j = i + 1; j < n && cpus[j] == cpus[j - 1] + 1; j++)
			;
		k = snprintf(buf + len, cap - len,
			     j - i > 1 ? "%s%u-%u" : "%s%u", i ? "," : "",
			     cpus[i], cpus[j - 1]);
		len += (size_t)k;
	}
	return buf;
}

/* Says what would have been possible. */
static int refuse(struct err *err, int ret, const unsigned *cpus, unsigned n)
{
	unsigned may[CPU_LIST_MAX];
	char wanted[64], allowed[128];

	cpu_list_format(wanted, sizeof(wanted), cpus, n);
	cpu_list_format(allowed, sizeof(allowed), may,
			cpu_allowed(may, CPU_LIST_MAX));
	if (ret != -EINVAL)
		return err_sys(err, ret, "cannot run on CPU %s", wanted);
	return err_set(
		err, ret, REASON_USAGE,
		"--cpus: cannot run on CPU %s: offline, absent or outside this "
		"cpuset (running on %s)",
		wanted, allowed);
}

int cpu_unpin(const unsigned *cpus, unsigned n, struct err *err)
{
	union mask m = {.bits = {0}};
	unsigned i;

	for (i = 0; i < n; i++)
		if (cpus[i] < MASK_CPUS)
			CPU_SET_S(cpus[i], sizeof(m), &m.set);
	if (sched_setaffinity(0, sizeof(m), &m.set))
		return refuse(err, -errno, cpus, n);
	return 0;
}

int cpu_pin(unsigned cpu, struct err *err)
{
	return cpu_unpin(&cpu, 1, err);
}
