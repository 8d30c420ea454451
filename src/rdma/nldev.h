/*
 * Questions about RDMA devices to the kernel by netlink (RDMA_NL_NLDEV,
 * include/uapi/rdma/rdma_netlink.h; what rdma(8) asks).  Nothing here needs
 * a privilege.
 */
#ifndef RDMA_NLDEV_H
#define RDMA_NLDEV_H

#include <stdbool.h>
#include <stdint.h>

#define NLDEV_NONE UINT32_MAX

/* A row of attributes, one within the other: what is left to be read. */
struct nldev_attrs {
	const char *at;
	uint32_t left;
};

/* The next one, and what is in it; false at the end or at what is none. */
bool nldev_next(struct nldev_attrs *a, uint16_t *type, struct nldev_attrs *in);
/* The first of that type. */
bool nldev_find(struct nldev_attrs a, uint16_t wanted, struct nldev_attrs *in);
/* The number that an attribute is. */
uint32_t nldev_u32(struct nldev_attrs in, uint32_t otherwise);

struct nldev_request {
	uint8_t command; /* RDMA_NLDEV_CMD_* */
	bool all;	 /* a dump: any number of answers */
	uint32_t device; /* NLDEV_NONE: no device in particular */
	uint32_t port;	 /* they count from 1; 0: none in particular */
};

/* One answer's attributes, behind the message's header. */
typedef void nldev_answer(void *arg, const void *attrs, uint32_t len);

/* A socket, to be closed by the caller, or -errno. */
int nldev_open(void);
/* Calls `answer` for each; 0, or -errno, also of the kernel's refusal.  Waits
 * two seconds at most for each answer. */
int nldev_ask(int fd, const struct nldev_request *r, nldev_answer *answer,
	      void *arg);
/* The kernel's number of the device of that name ("rxe0"); -ENODEV. */
int nldev_index(int fd, const char *device, uint32_t *index);

#endif
