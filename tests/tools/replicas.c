/*
 * What a killed oplog left: reads the replicas' files as recovery does, and
 * says whether what was acknowledged is there.
 *
 *	replicas N K LEADER PEER...
 *
 * The leader's file has, behind the marks, the last record that it
 * acknowledged (scenarios/oplog.h: OPLOG_ACKED_AT).  Every choice of N - K + 1
 * replicas must hold it: exit 0 and a line, else 1.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "oplog.h"

enum { REPLICAS_MAX = 3 };

static const char *map(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	void *addr = MAP_FAILED;

	if (fd >= 0 && !fstat(fd, &st)) {
		*len = (size_t)st.st_size;
		addr = mmap(NULL, *len, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	return addr == MAP_FAILED ? NULL : addr;
}

/* 0 if this choice of replicas (a set of bits) has it. */
static int check(const struct rlog_scan *scans, unsigned n, unsigned set,
		 unsigned quorum, uint64_t acked)
{
	struct rlog_scan chosen[REPLICAS_MAX];
	unsigned i, m = 0;
	int best;

	for (i = 0; i < n; i++)
		if (set & 1u << i)
			chosen[m++] = scans[i];
	if (m != quorum)
		return 0;
	best = rlog_choose(chosen, m, quorum);
	return best < 0 || chosen[best].next_sequence <= acked;
}

int main(int argc, char **argv)
{
	struct rlog_scan scans[REPLICAS_MAX];
	unsigned i, n, k, set;
	uint64_t acked = 0;
	struct err err;

	if (argc < 4 || argc - 3 > REPLICAS_MAX)
		return 2;
	n = (unsigned)atoi(argv[1]);
	k = (unsigned)atoi(argv[2]);
	if (n != (unsigned)argc - 3 || k > n) {
		printf("%d logs of %u replicas\n", argc - 3, n);
		return 2;
	}
	for (i = 0; i < n; i++) {
		size_t len = 0;
		const char *at = map(argv[3 + i], &len);

		if (!at || rlog_scan(&scans[i], at, len, NULL, &err)) {
			printf("%s: %s\n", argv[3 + i],
			       at ? err.text : "cannot be read");
			return 1;
		}
		if (!i)
			acked = *(
				const uint64_t *)(const void *)(at +
								OPLOG_ACKED_AT);
	}
	for (set = 1; set < 1u << n; set++) {
		if (!check(scans, n, set, rlog_quorum(n, k), acked))
			continue;
		printf("acknowledged %" PRIu64 ", lost by set %u\n", acked,
		       set);
		return 1;
	}
	printf("acknowledged %" PRIu64, acked);
	for (i = 0; i < n; i++)
		printf(", replica %u has %" PRIu64 " (%s)", i,
		       scans[i].next_sequence - 1,
		       rlog_stop_names[scans[i].stop]);
	printf("\n");
	return 0;
}
