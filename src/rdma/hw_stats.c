#include "rdma/hw_stats.h"

#include <errno.h>
#include <rdma/rdma_netlink.h>
#include <string.h>
#include <unistd.h>

#include "rdma/nldev.h"

static bool take_stat(struct nldev_attrs entry, struct nic_stat *stat)
{
	struct nldev_attrs name, value;

	if (!nldev_find(entry, RDMA_NLDEV_ATTR_STAT_HWCOUNTER_ENTRY_NAME,
			&name) ||
	    !nldev_find(entry, RDMA_NLDEV_ATTR_STAT_HWCOUNTER_ENTRY_VALUE,
			&value))
		return false;
	if (!name.left || name.left > sizeof(stat->name) ||
	    name.at[name.left - 1] || value.left != sizeof(stat->value))
		return false;
	memcpy(stat->name, name.at, name.left);
	memcpy(&stat->value, value.at, sizeof(stat->value));
	return true;
}

unsigned rdma_hw_stats_of(const void *attrs, uint32_t len, struct nic_stat *v,
			  unsigned max)
{
	const struct nldev_attrs all = {attrs, len};
	struct nldev_attrs table, entry;
	struct nic_stat stat;
	unsigned n = 0;
	uint16_t type;

	if (!nldev_find(all, RDMA_NLDEV_ATTR_STAT_HWCOUNTERS, &table))
		return 0;
	while (nldev_next(&table, &type, &entry)) {
		if (type != RDMA_NLDEV_ATTR_STAT_HWCOUNTER_ENTRY ||
		    !take_stat(entry, &stat))
			continue;
		if (n < max)
			v[n] = stat;
		n++;
	}
	return n;
}

struct taking {
	struct nic_stat *v;
	unsigned max, n;
};

static void look_at_stats(void *arg, const void *attrs, uint32_t len)
{
	struct taking *t = arg;

	t->n = rdma_hw_stats_of(attrs, len, t->v, t->max);
}

int rdma_hw_stats(const char *device, unsigned port, struct nic_stat *v,
		  unsigned max)
{
	struct nldev_request ask = {.command = RDMA_NLDEV_CMD_STAT_GET,
				    .port = port};
	struct taking t = {v, max, 0};
	int fd = nldev_open(), ret;

	if (fd < 0)
		return fd;
	ret = nldev_index(fd, device, &ask.device);
	if (!ret)
		ret = nldev_ask(fd, &ask, look_at_stats, &t);
	close(fd);
	if (ret)
		return ret;
	return t.n > max ? -E2BIG : (int)t.n;
}
