#include "transport/netif.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "machine/sysfs.h"

static const struct sockaddr_in *v4(const struct sockaddr_storage *addr)
{
	return (const struct sockaddr_in *)(const void *)addr;
}

static const struct sockaddr_in6 *v6(const struct sockaddr_storage *addr)
{
	return (const struct sockaddr_in6 *)(const void *)addr;
}

void netif_text(const struct sockaddr_storage *addr, char text[NETIF_TEXT])
{
	char ip[INET6_ADDRSTRLEN] = "?";
	unsigned port;

	if (addr->ss_family == AF_INET) {
		inet_ntop(AF_INET, &v4(addr)->sin_addr, ip, sizeof(ip));
		port = ntohs(v4(addr)->sin_port);
	} else if (addr->ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &v6(addr)->sin6_addr, ip, sizeof(ip));
		port = ntohs(v6(addr)->sin6_port);
	} else {
		snprintf(text, NETIF_TEXT, "(no IP address)");
		return;
	}
	if (!port)
		snprintf(text, NETIF_TEXT, "%s", ip);
	else if (addr->ss_family == AF_INET)
		snprintf(text, NETIF_TEXT, "%s:%u", ip, port);
	else
		snprintf(text, NETIF_TEXT, "[%s]:%u", ip, port);
}

socklen_t netif_addr_len(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET)
		return sizeof(struct sockaddr_in);
	if (addr->ss_family == AF_INET6)
		return sizeof(struct sockaddr_in6);
	return 0;
}

bool netif_same_host(const struct sockaddr_storage *a,
		     const struct sockaddr_storage *b)
{
	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return v4(a)->sin_addr.s_addr == v4(b)->sin_addr.s_addr;
	return a->ss_family == AF_INET6 &&
	       !memcmp(&v6(a)->sin6_addr, &v6(b)->sin6_addr,
		       sizeof(struct in6_addr));
}

bool netif_is_wildcard(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET)
		return v4(addr)->sin_addr.s_addr == htonl(INADDR_ANY);
	return addr->ss_family == AF_INET6 &&
	       IN6_IS_ADDR_UNSPECIFIED(&v6(addr)->sin6_addr);
}

static bool is_loopback_range(const struct sockaddr_storage *addr)
{
	if (addr->ss_family == AF_INET)
		return ntohl(v4(addr)->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
	return addr->ss_family == AF_INET6 &&
	       IN6_IS_ADDR_LOOPBACK(&v6(addr)->sin6_addr);
}

static bool carries(const struct ifaddrs *ifa,
		    const struct sockaddr_storage *addr)
{
	struct sockaddr_storage its = {0};

	if (!ifa->ifa_addr || ifa->ifa_addr->sa_family != addr->ss_family)
		return false;
	memcpy(&its, ifa->ifa_addr, netif_addr_len(addr));
	return netif_same_host(&its, addr);
}

bool netif_find(const struct sockaddr_storage *addr, char name[IF_NAMESIZE])
{
	struct ifaddrs *list, *ifa;

	if (!netif_addr_len(addr) || getifaddrs(&list))
		return false;
	for (ifa = list; ifa; ifa = ifa->ifa_next)
		if (carries(ifa, addr))
			break;
	if (ifa)
		snprintf(name, IF_NAMESIZE, "%s", ifa->ifa_name);
	freeifaddrs(list);
	return ifa != NULL;
}

bool netif_is_local(const struct sockaddr_storage *addr)
{
	char name[IF_NAMESIZE];

	return is_loopback_range(addr) || netif_find(addr, name);
}

bool netif_is_software(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/class/net/%.*s/device", IF_NAMESIZE,
		 name);
	return access(path, F_OK) != 0;
}

unsigned netif_mtu(const char *name)
{
	char path[64];
	uint64_t bytes;

	snprintf(path, sizeof(path), "/sys/class/net/%.*s/mtu", IF_NAMESIZE,
		 name);
	return sysfs_u64(path, &bytes) ? 0 : (unsigned)bytes;
}
