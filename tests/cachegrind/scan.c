/*
 * For valgrind's cachegrind (tests/cli/cachegrind.sh): so many of touch's
 * scans, one after the other, of one buffer.
 *
 *	scan KIND BYTES TIMES		exit 77: this processor cannot
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "machine/cpu_isa.h"
#include "work/scan_kind.h"

enum { LINE = 64 };

static enum scan_kind kind_of(const char *name)
{
	unsigned i;

	for (i = 0; i < SCAN_KINDS && strcmp(name, scan_kind_names[i]); i++)
		;
	return (enum scan_kind)i;
}

int main(int argc, char **argv)
{
	size_t bytes = argc == 4 ? strtoull(argv[2], NULL, 0) : 0;
	unsigned long times = argc == 4 ? strtoul(argv[3], NULL, 0) : 0, i;
	enum scan_kind kind = argc == 4 ? kind_of(argv[1]) : SCAN_KINDS;
	uint64_t lines = 0;
	struct err err;
	scan_fn *scan;
	void *buf;

	if (kind == SCAN_KINDS || kind == SCAN_NONE || !bytes || bytes % LINE)
		return 2;
	if (scan_kind_loop(kind, cpu_isa(), &scan, &err)) {
		fprintf(stderr, "%s\n", err.text);
		return 77;
	}
	buf = aligned_alloc(4096, (bytes + 4095) & ~(size_t)4095);
	if (!buf)
		return 1;
	for (i = 0; i < times; i++)
		lines += scan(buf, bytes, LINE, i);
	return lines == times * (bytes / LINE) ? 0 : 1;
}
