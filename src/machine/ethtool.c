#include "machine/ethtool.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "machine/probe.h"

int ethtool_open(struct ethtool *e, const char *name)
{
	*e = (struct ethtool){.name = name};
	e->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	return e->fd < 0 ? -errno : 0;
}

void ethtool_close(struct ethtool *e)
{
	if (e->fd >= 0)
		close(e->fd);
	e->fd = -1;
}

static int ask(const struct ethtool *e, void *cmd)
{
	struct ifreq req = {.ifr_data = cmd};

	snprintf(req.ifr_name, sizeof(req.ifr_name), "%s", e->name);
	return ioctl(e->fd, SIOCETHTOOL, &req) ? -errno : 0;
}

int ethtool_driver(const struct ethtool *e, struct ethtool_driver *d)
{
	struct ethtool_drvinfo info = {.cmd = ETHTOOL_GDRVINFO};
	int ret = ask(e, &info);

	if (ret)
		return ret;
	snprintf(d->driver, sizeof(d->driver), "%.32s", info.driver);
	snprintf(d->version, sizeof(d->version), "%.32s", info.version);
	snprintf(d->firmware, sizeof(d->firmware), "%.32s", info.fw_version);
	return 0;
}

static int flag(const struct ethtool *e, uint32_t cmd, uint32_t *v)
{
	struct ethtool_value value = {.cmd = cmd};
	int ret = ask(e, &value);

	*v = ret ? 0 : value.data;
	return ret;
}

int ethtool_offloads(const struct ethtool *e, char *buf, size_t cap)
{
	static const struct {
		uint32_t cmd, mask;
		const char *name;
	} all[] = {
		{ETHTOOL_GRXCSUM, 1, "rx-checksum"},
		{ETHTOOL_GTXCSUM, 1, "tx-checksum"},
		{ETHTOOL_GSG, 1, "sg"},
		{ETHTOOL_GTSO, 1, "tso"},
		{ETHTOOL_GGSO, 1, "gso"},
		{ETHTOOL_GGRO, 1, "gro"},
		{ETHTOOL_GFLAGS, ETH_FLAG_LRO, "lro"},
	};
	uint32_t v;
	size_t i;
	int ret, result = -EOPNOTSUPP;

	buf[0] = '\0';
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		ret = flag(e, all[i].cmd, &v);
		if (ret && result)
			result = ret;
		else
			result = 0;
		if (v & all[i].mask)
			probe_join(buf, cap, "%s", all[i].name);
	}
	return result;
}

int ethtool_coalescing(const struct ethtool *e, struct ethtool_coalesce_info *c)
{
	struct ethtool_coalesce got = {.cmd = ETHTOOL_GCOALESCE};
	int ret = ask(e, &got);

	if (ret)
		return ret;
	*c = (struct ethtool_coalesce_info){
		.rx_usecs = got.rx_coalesce_usecs,
		.rx_frames = got.rx_max_coalesced_frames,
		.tx_usecs = got.tx_coalesce_usecs,
		.tx_frames = got.tx_max_coalesced_frames,
		.adaptive_rx = got.use_adaptive_rx_coalesce,
		.adaptive_tx = got.use_adaptive_tx_coalesce,
	};
	return 0;
}

int ethtool_rings(const struct ethtool *e, uint32_t *rx, uint32_t *tx)
{
	struct ethtool_ringparam got = {.cmd = ETHTOOL_GRINGPARAM};
	int ret = ask(e, &got);

	if (ret)
		return ret;
	*rx = got.rx_pending;
	*tx = got.tx_pending;
	return 0;
}

int ethtool_queues(const struct ethtool *e, uint32_t *n)
{
	struct ethtool_channels got = {.cmd = ETHTOOL_GCHANNELS};
	int ret = ask(e, &got);

	if (ret)
		return ret;
	*n = got.combined_count + got.rx_count;
	return 0;
}
