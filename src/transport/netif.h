/*
 * Where an IP address lives: which interface carries it, whether hardware
 * is behind that, and whether it is this host's own.
 */
#ifndef TRANSPORT_NETIF_H
#define TRANSPORT_NETIF_H

#include <net/if.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* "192.0.2.2:1234" or "[fd00::2]:1234"; without ":port" where it is 0. */
enum { NETIF_TEXT = 64 };
void netif_text(const struct sockaddr_storage *addr, char text[NETIF_TEXT]);

/* Size of the sockaddr for its family, 0 for any but IPv4 and IPv6. */
socklen_t netif_addr_len(const struct sockaddr_storage *addr);

/* Same family and address; ports are not looked at. */
bool netif_same_host(const struct sockaddr_storage *a,
		     const struct sockaddr_storage *b);

bool netif_is_wildcard(const struct sockaddr_storage *addr);

/* Fills the interface that carries `addr`; false if none of ours does. */
bool netif_find(const struct sockaddr_storage *addr, char name[IF_NAMESIZE]);

/* True if `addr` is of the loopback range or of any interface here: the
 * kernel then routes over "lo" and nothing leaves the host. */
bool netif_is_local(const struct sockaddr_storage *addr);

/* True for lo, dummy, veth, bridges, ...: no device behind it. */
bool netif_is_software(const char *name);

/* Bytes; 0 if unknown. */
unsigned netif_mtu(const char *name);

#endif
