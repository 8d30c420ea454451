/* Walks a buffer so many times, for valgrind to count (tests/cli/
 * cachegrind.sh):  walk ORDER read|write BYTES DISTANCE WALKS */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "work/pattern.h"
#include "work/scan.h"

static int order_of(const char *name)
{
	int i;

	for (i = 0; pattern_names[i]; i++)
		if (!strcmp(pattern_names[i], name))
			return i;
	return -1;
}

int main(int argc, char **argv)
{
	struct pattern_cfg cfg = {.stride = 8};
	uint64_t lines = 0, i, walks;
	struct pattern p;
	struct err err;
	size_t len;
	char *buf;
	int order;

	if (argc != 6 || (order = order_of(argv[1])) < 0)
		return 2;
	cfg.order = (enum pattern_order)order;
	cfg.write = !strcmp(argv[2], "write");
	len = strtoul(argv[3], NULL, 10);
	cfg.distance = strtoul(argv[4], NULL, 10);
	walks = strtoul(argv[5], NULL, 10);
	buf = aligned_alloc(4096, len);
	if (!buf || pattern_init(&p, &cfg, len, &err))
		return 2;
	memset(buf, 1, len);
	for (i = 0; i < walks; i++)
		lines += pattern_walk(&p, buf, i);
	free(buf);
	return lines == walks * scan_lines(len, SCAN_LINE) ? 0 : 1;
}
