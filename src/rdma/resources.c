#include "rdma/resources.h"

#include <errno.h>
#include <linux/netlink.h>
#include <rdma/rdma_netlink.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

enum { ANSWER_BYTES = 32768, PATIENCE_S = 2 };
#define NO_DEVICE UINT32_MAX

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

/* --- attributes -------------------------------------------------------------- */

/* A row of attributes, one within the other: what is left to be read. */
struct attrs {
	const char *at;
	uint32_t left;
};

/* The next one, and what is in it; false at the end or at what is none. */
static bool next_attr(struct attrs *a, uint16_t *type, struct attrs *in)
{
	struct nlattr head;
	uint32_t whole;

	if (a->left < sizeof(head))
		return false;
	memcpy(&head, a->at, sizeof(head));
	if (head.nla_len < sizeof(head) || head.nla_len > a->left)
		return false;
	*type = head.nla_type & (uint16_t)NLA_TYPE_MASK;
	*in = (struct attrs){a->at + sizeof(head),
			     head.nla_len - (uint32_t)sizeof(head)};
	whole = ((uint32_t)head.nla_len + NLA_ALIGNTO - 1) &
		~(uint32_t)(NLA_ALIGNTO - 1);
	whole = whole < a->left ? whole : a->left;
	a->at += whole;
	a->left -= whole;
	return true;
}

static bool find_attr(struct attrs a, uint16_t wanted, struct attrs *in)
{
	uint16_t type;

	while (next_attr(&a, &type, in))
		if (type == wanted)
			return true;
	return false;
}

static uint32_t number_in(struct attrs in, uint32_t otherwise)
{
	uint32_t v;

	if (in.left != sizeof(v))
		return otherwise;
	memcpy(&v, in.at, sizeof(v));
	return v;
}

void rdma_resources_count(const void *attrs, uint32_t len,
			  enum rdma_resource kind, uint32_t pid, uint64_t *n)
{
	const struct attrs all = {attrs, len};
	struct attrs table, one, in;
	uint16_t type;

	if (!find_attr(all, kinds[kind].table, &table))
		return;
	while (next_attr(&table, &type, &one))
		if (type == kinds[kind].entry &&
		    find_attr(one, RDMA_NLDEV_ATTR_RES_PID, &in) &&
		    number_in(in, 0) == pid)
			++*n;
}

/* --- asking ------------------------------------------------------------------ */

/* One answer's attributes. */
typedef void on_answer(void *arg, const void *attrs, uint32_t len);

static int open_netlink(void)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_RDMA);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static int ask(int fd, uint8_t command, uint32_t device)
{
	struct {
		struct nlmsghdr head;
		struct nlattr attr;
		uint32_t device;
	} msg = {
		.head = {.nlmsg_len = sizeof(msg),
			 .nlmsg_type = RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, command),
			 .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.attr = {.nla_len = sizeof(msg.attr) + sizeof(msg.device),
			 .nla_type = RDMA_NLDEV_ATTR_DEV_INDEX},
		.device = device,
	};

	if (device == NO_DEVICE)
		msg.head.nlmsg_len = sizeof(msg.head);
	return send(fd, &msg, msg.head.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* The messages of one datagram: 0 there are more, 1 that was the last. */
static int read_messages(const char *buf, size_t len, on_answer *answer,
			 void *arg)
{
	struct nlmsghdr head;
	int32_t code;

	while (len >= sizeof(head)) {
		memcpy(&head, buf, sizeof(head));
		if (head.nlmsg_len < sizeof(head) || head.nlmsg_len > len)
			return -EBADMSG;
		if (head.nlmsg_type == NLMSG_DONE)
			return 1;
		if (head.nlmsg_type == NLMSG_ERROR) {
			if (head.nlmsg_len < sizeof(head) + sizeof(code))
				return -EBADMSG;
			memcpy(&code, buf + sizeof(head), sizeof(code));
			return code < 0 ? code : 1;
		}
		answer(arg, buf + sizeof(head),
		       head.nlmsg_len - (uint32_t)sizeof(head));
		head.nlmsg_len = NLMSG_ALIGN(head.nlmsg_len);
		if (head.nlmsg_len >= len)
			break;
		buf += head.nlmsg_len;
		len -= head.nlmsg_len;
	}
	return 0;
}

static int dump(int fd, uint8_t command, uint32_t device, on_answer *answer,
		void *arg)
{
	char buf[ANSWER_BYTES];
	ssize_t n;
	int ret = ask(fd, command, device);

	while (!ret) {
		n = recv(fd, buf, sizeof(buf), 0);
		if (n < 0)
			return -errno;
		ret = read_messages(buf, (size_t)n, answer, arg);
	}
	return ret > 0 ? 0 : ret;
}

/* --- devices by name --------------------------------------------------------- */

struct wanted_device {
	const char *name;
	uint32_t index;
};

static void look_at_device(void *arg, const void *attrs, uint32_t len)
{
	const struct attrs all = {attrs, len};
	struct wanted_device *d = arg;
	size_t n = strlen(d->name) + 1;
	struct attrs in;

	if (find_attr(all, RDMA_NLDEV_ATTR_DEV_NAME, &in) && in.left == n &&
	    !memcmp(in.at, d->name, n) &&
	    find_attr(all, RDMA_NLDEV_ATTR_DEV_INDEX, &in))
		d->index = number_in(in, NO_DEVICE);
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
	struct counting c = {.pid = (uint32_t)getpid()};
	unsigned k;
	int ret = 0;

	for (k = 0; !ret && k < RDMA_RESOURCES; k++) {
		c.kind = (enum rdma_resource)k;
		c.n = 0;
		ret = dump(fd, kinds[k].command, device, look_at_resources, &c);
		r->n[k] = c.n;
	}
	return ret;
}

int rdma_resources_read(struct rdma_resources *r, const char *device)
{
	struct wanted_device d = {device, NO_DEVICE};
	struct rdma_resources read = {{0}};
	int fd = open_netlink(), ret;

	if (fd < 0)
		return fd;
	ret = dump(fd, RDMA_NLDEV_CMD_GET, NO_DEVICE, look_at_device, &d);
	if (!ret && d.index == NO_DEVICE)
		ret = -ENODEV;
	if (!ret)
		ret = count_all(fd, d.index, &read);
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
