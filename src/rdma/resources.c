#include "rdma/resources.h"

#include <errno.h>
#include <rdma/rdma_netlink.h>
#include <stdio.h>
#include <unistd.h>

#include "rdma/nldev.h"

static const struct {
	const char *name;
	uint8_t command;
	uint16_t table, entry; /* attributes: all of them, one of them */
} kinds[RDMA_RESOURCES] = {
	[RDMA_RESOURCE_PD] = {"PD", RDMA_NLDEV_CMD_RES_PD_GET,
			      RDMA_NLDEV_ATTR_RES_PD,
			      RDMA_NLDEV_ATTR_RES_PD_ENTRY},
	[RDMA_RESOURCE_CQ] = {"CQ", RDMA_NLDEV_CMD_RES_CQ_GET,
			      RDMA_NLDEV_ATTR_RES_CQ,
			      RDMA_NLDEV_ATTR_RES_CQ_ENTRY},
	[RDMA_RESOURCE_QP] = {"QP", RDMA_NLDEV_CMD_RES_QP_GET,
			      RDMA_NLDEV_ATTR_RES_QP,
			      RDMA_NLDEV_ATTR_RES_QP_ENTRY},
	[RDMA_RESOURCE_MR] = {"MR", RDMA_NLDEV_CMD_RES_MR_GET,
			      RDMA_NLDEV_ATTR_RES_MR,
			      RDMA_NLDEV_ATTR_RES_MR_ENTRY},
	[RDMA_RESOURCE_CM_ID] = {"CM id", RDMA_NLDEV_CMD_RES_CM_ID_GET,
				 RDMA_NLDEV_ATTR_RES_CM_ID,
				 RDMA_NLDEV_ATTR_RES_CM_ID_ENTRY},
};

void rdma_resources_count(const void *attrs, uint32_t len,
			  enum rdma_resource kind, uint32_t pid, uint64_t *n)
{
	const struct nldev_attrs all = {attrs, len};
	struct nldev_attrs table, one, in;
	uint16_t type;

	if (!nldev_find(all, kinds[kind].table, &table))
		return;
	while (nldev_next(&table, &type, &one))
		if (type == kinds[kind].entry &&
		    nldev_find(one, RDMA_NLDEV_ATTR_RES_PID, &in) &&
		    nldev_u32(in, 0) == pid)
			++*n;
}

/* --- all kinds --------------------------------------------------------------- */

struct counting {
	enum rdma_resource kind;
	uint32_t pid;
	uint64_t n;
};

static void look_at_resources(void *arg, const void *attrs, uint32_t len)
{
	struct counting *c = arg;

	rdma_resources_count(attrs, len, c->kind, c->pid, &c->n);
}

static int count_all(int fd, uint32_t device, struct rdma_resources *r)
{
	struct nldev_request ask = {.device = device, .all = true};
	struct counting c = {.pid = (uint32_t)getpid()};
	unsigned k;
	int ret = 0;

	for (k = 0; !ret && k < RDMA_RESOURCES; k++) {
		c.kind = (enum rdma_resource)k;
		c.n = 0;
		ask.command = kinds[k].command;
		ret = nldev_ask(fd, &ask, look_at_resources, &c);
		r->n[k] = c.n;
	}
	return ret;
}

int rdma_resources_read(struct rdma_resources *r, const char *device)
{
	struct rdma_resources read = {{0}};
	int fd = nldev_open(), ret;
	uint32_t index;

	if (fd < 0)
		return fd;
	ret = nldev_index(fd, device, &index);
	if (!ret)
		ret = count_all(fd, index, &read);
	close(fd);
	if (!ret)
		*r = read;
	return ret;
}

/* --- before and after --------------------------------------------------------- */

static uint64_t left_of(const struct rdma_resources *before,
			const struct rdma_resources *after, unsigned k)
{
	return after->n[k] > before->n[k] ? after->n[k] - before->n[k] : 0;
}

uint64_t rdma_resources_left(const struct rdma_resources *before,
			     const struct rdma_resources *after)
{
	uint64_t n = 0;
	unsigned k;

	for (k = 0; k < RDMA_RESOURCES; k++)
		n += left_of(before, after, k);
	return n;
}

const char *rdma_resources_text(char *buf, const struct rdma_resources *before,
				const struct rdma_resources *after)
{
	size_t len = 0;
	uint64_t n;
	unsigned k;

	buf[0] = '\0';
	for (k = 0; k < RDMA_RESOURCES; k++) {
		n = left_of(before, after, k);
		if (n && len < RDMA_RESOURCES_TEXT)
			len += (size_t)snprintf(
				buf + len, RDMA_RESOURCES_TEXT - len,
				"%s%llu %s", len ? ", " : "",
				(unsigned long long)n, kinds[k].name);
	}
	return buf;
}
