/* What the ethtool ioctl tells of a network interface (linux/ethtool.h). */
#ifndef MACHINE_ETHTOOL_H
#define MACHINE_ETHTOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ethtool {
	int fd;
	const char *name;
};

/* 0 or -errno.  Whether there is such an interface only the rest tells. */
int ethtool_open(struct ethtool *e, const char *name);
void ethtool_close(struct ethtool *e);

struct ethtool_driver {
	char driver[33], version[33], firmware[33];
};
int ethtool_driver(const struct ethtool *e, struct ethtool_driver *d);

/* "tso, gso, gro"; "" if all are off. */
int ethtool_offloads(const struct ethtool *e, char *buf, size_t cap);

struct ethtool_coalesce_info {
	uint32_t rx_usecs, rx_frames, tx_usecs, tx_frames;
	bool adaptive_rx, adaptive_tx;
};
int ethtool_coalescing(const struct ethtool *e,
		       struct ethtool_coalesce_info *c);

int ethtool_rings(const struct ethtool *e, uint32_t *rx, uint32_t *tx);
int ethtool_queues(const struct ethtool *e, uint32_t *n);

#endif
