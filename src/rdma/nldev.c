#include "rdma/nldev.h"

#include <errno.h>
#include <linux/netlink.h>
#include <rdma/rdma_netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { ANSWER_BYTES = 32768, PATIENCE_S = 2 };

/* --- attributes -------------------------------------------------------------- */

bool nldev_next(struct nldev_attrs *a, uint16_t *type, struct nldev_attrs *in)
{
	struct nlattr head;
	uint32_t whole;

	if (a->left < sizeof(head))
		return false;
	memcpy(&head, a->at, sizeof(head));
	if (head.nla_len < sizeof(head) || head.nla_len > a->left)
		return false;
	*type = head.nla_type & (uint16_t)NLA_TYPE_MASK;
	*in = (struct nldev_attrs){a->at + sizeof(head),
				   head.nla_len - (uint32_t)sizeof(head)};
	whole = ((uint32_t)head.nla_len + NLA_ALIGNTO - 1) &
		~(uint32_t)(NLA_ALIGNTO - 1);
	whole = whole < a->left ? whole : a->left;
	a->at += whole;
	a->left -= whole;
	return true;
}

bool nldev_find(struct nldev_attrs a, uint16_t wanted, struct nldev_attrs *in)
{
	uint16_t type;

	while (nldev_next(&a, &type, in))
		if (type == wanted)
			return true;
	return false;
}

uint32_t nldev_u32(struct nldev_attrs in, uint32_t otherwise)
{
	uint32_t v;

	if (in.left != sizeof(v))
		return otherwise;
	memcpy(&v, in.at, sizeof(v));
	return v;
}

/* --- asking ------------------------------------------------------------------ */

int nldev_open(void)
{
	const struct timeval patience = {.tv_sec = PATIENCE_S};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_RDMA);

	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

/* A question with the numbers of a device and of a port, as far as given. */
struct question {
	struct nlmsghdr head;
	struct {
		struct nlattr head;
		uint32_t value;
	} attr[2];
};

static void add_u32(struct question *q, uint16_t type, uint32_t value)
{
	const size_t n =
		(q->head.nlmsg_len - sizeof(q->head)) / sizeof(q->attr[0]);

	q->attr[n].head.nla_len = sizeof(q->attr[n]);
	q->attr[n].head.nla_type = type;
	q->attr[n].value = value;
	q->head.nlmsg_len += (uint32_t)sizeof(q->attr[n]);
}

static int send_question(int fd, const struct nldev_request *r)
{
	struct question q = {
		.head = {.nlmsg_len = sizeof(q.head),
			 .nlmsg_type =
				 RDMA_NL_GET_TYPE(RDMA_NL_NLDEV, r->command),
			 .nlmsg_flags = NLM_F_REQUEST},
	};

	if (r->all)
		q.head.nlmsg_flags |= NLM_F_DUMP;
	if (r->device != NLDEV_NONE)
		add_u32(&q, RDMA_NLDEV_ATTR_DEV_INDEX, r->device);
	if (r->port)
		add_u32(&q, RDMA_NLDEV_ATTR_PORT_INDEX, r->port);
	return send(fd, &q, q.head.nlmsg_len, 0) < 0 ? -errno : 0;
}

/* The messages of one datagram: 0 there are more, 1 that was the last. */
static int read_messages(const char *buf, size_t len, nldev_answer *answer,
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
		if (!(head.nlmsg_flags & NLM_F_MULTI))
			return 1;
		head.nlmsg_len = NLMSG_ALIGN(head.nlmsg_len);
		if (head.nlmsg_len >= len)
			break;
		buf += head.nlmsg_len;
		len -= head.nlmsg_len;
	}
	return 0;
}

int nldev_ask(int fd, const struct nldev_request *r, nldev_answer *answer,
	      void *arg)
{
	char buf[ANSWER_BYTES];
	ssize_t n;
	int ret = send_question(fd, r);

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
	const struct nldev_attrs all = {attrs, len};
	struct wanted_device *d = arg;
	size_t n = strlen(d->name) + 1;
	struct nldev_attrs in;

	if (nldev_find(all, RDMA_NLDEV_ATTR_DEV_NAME, &in) && in.left == n &&
	    !memcmp(in.at, d->name, n) &&
	    nldev_find(all, RDMA_NLDEV_ATTR_DEV_INDEX, &in))
		d->index = nldev_u32(in, NLDEV_NONE);
}

int nldev_index(int fd, const char *device, uint32_t *index)
{
	const struct nldev_request every = {.command = RDMA_NLDEV_CMD_GET,
					    .device = NLDEV_NONE,
					    .all = true};
	struct wanted_device d = {device, NLDEV_NONE};
	int ret = nldev_ask(fd, &every, look_at_device, &d);

	if (ret)
		return ret;
	if (d.index == NLDEV_NONE)
		return -ENODEV;
	*index = d.index;
	return 0;
}
