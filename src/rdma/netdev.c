#include "rdma/netdev.h"

#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "machine/sysfs.h"

enum { MAC_BYTES = 6 };

static bool mac_matches(const char *netdev, const uint8_t mac[MAC_BYTES])
{
	char path[320], line[64], text[3 * MAC_BYTES];

	snprintf(path, sizeof(path), "/sys/class/net/%s/address", netdev);
	if (sysfs_line(path, line, sizeof(line)))
		return false;
	snprintf(text, sizeof(text), "%02x:%02x:%02x:%02x:%02x:%02x", mac[0],
		 mac[1], mac[2], mac[3], mac[4], mac[5]);
	return !strcmp(line, text);
}

static void find_by_mac(const uint8_t mac[MAC_BYTES], char name[IF_NAMESIZE])
{
	const struct dirent *entry;
	DIR *dir;

	dir = opendir("/sys/class/net");
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || !mac_matches(entry->d_name, mac))
			continue;
		snprintf(name, IF_NAMESIZE, "%.*s", IF_NAMESIZE - 1,
			 entry->d_name);
		break;
	}
	closedir(dir);
}

void netdev_find(const char *device, unsigned port, const struct gid *gid,
		 char name[IF_NAMESIZE])
{
	char path[192];

	name[0] = '\0';
	if (gid->ifindex && if_indextoname(gid->ifindex, name))
		return;
	snprintf(path, sizeof(path),
		 "/sys/class/infiniband/%s/ports/%u/gid_attrs/ndevs/%u", device,
		 port, gid->index);
	if (!sysfs_line(path, name, IF_NAMESIZE) && name[0])
		return;
	name[0] = '\0';
	if (gid->type == GID_IWARP)
		find_by_mac(gid->raw, name);
}

static socklen_t ip_len(const struct sockaddr *sa)
{
	if (sa && sa->sa_family == AF_INET)
		return sizeof(struct sockaddr_in);
	if (sa && sa->sa_family == AF_INET6)
		return sizeof(struct sockaddr_in6);
	return 0;
}

static unsigned ip_score(const struct sockaddr *sa, const struct sockaddr *want)
{
	const struct sockaddr_in6 *in6 = (const void *)sa;
	unsigned score = 1;

	if (sa->sa_family == AF_INET)
		score += 2;
	else if (!IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
		score += 1;
	if (want && want->sa_family == sa->sa_family)
		score += 4;
	return score;
}

int netdev_addr(const char *name, const struct sockaddr *want,
		struct sockaddr_storage *addr)
{
	struct ifaddrs *all, *ifa;
	unsigned score, best = 0;
	socklen_t len;

	if (!name[0] || getifaddrs(&all))
		return -EADDRNOTAVAIL;
	for (ifa = all; ifa; ifa = ifa->ifa_next) {
		len = ip_len(ifa->ifa_addr);
		if (!len || strcmp(ifa->ifa_name, name))
			continue;
		score = ip_score(ifa->ifa_addr, want);
		if (score <= best)
			continue;
		best = score;
		memset(addr, 0, sizeof(*addr));
		memcpy(addr, ifa->ifa_addr, len);
	}
	freeifaddrs(all);
	return best ? 0 : -EADDRNOTAVAIL;
}
