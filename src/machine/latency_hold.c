#include "machine/latency_hold.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <unistd.h>

void latency_hold_begin(struct latency_hold *h, const char *root)
{
	const int32_t none = 0; /* microseconds */
	char path[512];

	*h = (struct latency_hold){.fd = -1};
	snprintf(path, sizeof(path), "%s/dev/cpu_dma_latency", root);
	h->fd = open(path, O_WRONLY | O_CLOEXEC);
	if (h->fd < 0) {
		h->why = -errno;
		return;
	}
	if (write(h->fd, &none, sizeof(none)) == (ssize_t)sizeof(none))
		return;
	h->why = errno ? -errno : -EIO;
	close(h->fd);
	h->fd = -1;
}

void latency_hold_end(struct latency_hold *h)
{
	if (h->fd >= 0)
		close(h->fd);
	*h = (struct latency_hold){.fd = -1};
}
